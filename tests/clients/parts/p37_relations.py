"""Who has to do with a patient, as a hospital's systems say it: HL7 v2 over MLLP and TLS, FHIR R4, and by hand. What each
message makes of it is held against what the archive then shows the referring doctor."""

import concurrent.futures
import json
import re
import time
from datetime import UTC, datetime, timedelta

from lib import dimse
from lib.films import demo_film, names
from lib.http import Client, signed_in
from lib.server import Server, gauze, set_config, with_machines
from parts.p22_token import Machine, secret_of
from parts.p24_hl7 import Sender

BOOK = '''
[[device]]
name = "index"
certificate = "{certificate}"
ae = "INDEX"
may = ["patients", "orders"]

[[device]]
name = "ris"
certificate = "{certificate}"
ae = "RIS"
may = ["orders"]
'''
# A relation is effective so soon after its message.
SOON_S = 2
FLOOD = 10_000
# What ten thousand patients of whom something goes on may take, bytes.
FLOOD_BYTES = 256 << 20
FHIR = "application/fhir+json"


def run(report, place):
    """One patient to whom the doctor has no relation, message by message."""
    home = place.fresh("relations")
    port = dimse.free_port()
    set_config(home, lambda text: _book(text, port))
    accounts = {a["role"]: a["user"] for a in json.loads((home / "keys" / "accounts.json").read_text())}
    gauze("user", "--home", home, "staff", accounts["referrer"], "4711^MAIN", "R-4711", status=0)
    taken = gauze("user", "--home", home, "staff", accounts["radiologist"], "4711^MAIN")
    report.check("a number of staff is one account's", taken.returncode == 1, taken.stderr[-200:])
    wrong = gauze("user", "--home", home, "staff", accounts["radiologist"], "^MAIN")
    report.check("what is no number is refused", wrong.returncode == 2, wrong.stderr[-200:])
    secret = secret_of(home, "index")
    with Server(home) as server:
        with Sender(server, port) as sender:
            scene = Scene(report, server, sender, accounts["referrer"])
            _visits(scene)
            _late(scene)
            _others(scene)
            _refused(scene)
        _fhir(scene, Machine(server, "index", secret))
        _by_hand(scene, accounts)
        _feeds(scene)
        _ledger(scene)
        _flood(report, server, port)
        with Sender(server, port) as sender:
            Scene(report, server, sender, accounts["referrer"], minute=90).adt("A01", "V-9")
    with Server(home) as server:
        again = Scene(report, server, None, accounts["referrer"])
        report.equal("after a restart the relation is there", again.sight(), "related")


def _book(text, port):
    text = re.sub(r"(?m)^dimse_tls = .*$", lambda m: f'{m.group(0)}\nhl7_tls = "127.0.0.1:{port}"', text, count=1)
    return with_machines(text, BOOK)


class Scene:
    """A patient, a doctor who has nothing to do with him, and a clock of events a minute apart."""

    def __init__(self, report, server, sender, user, minute=0):
        self.report, self.server, self.sender, self.user = report, server, sender, user
        self.film = demo_film("max-chest")
        self.study = names(self.film)[0]
        self.doctor, self.officer = signed_in(server, "referrer"), signed_in(server, "officer")
        self.begin, self.minute, self.sent = datetime.now(UTC) - timedelta(hours=3), minute, 0

    def now(self):
        """The time of the next event."""
        self.minute += 1
        return self.begin + timedelta(minutes=self.minute)

    def adt(self, event, visit, attending="4711^Referrer^Remy^^^^^^MAIN", at=None, more="", patient=None, application="INDEX"):
        """MSA-1, and all of the answer."""
        self.sent += 1
        when = _ts(at or self.now())
        pid = f"PID|1||{patient or self.film.PatientID}^^^^MR||{self.film.PatientName}"
        pv1 = f"PV1|1|I|WARD^1||||{attending}|" + "|" * 10 + f"|{visit}"
        return self.sender.send(f"EVN|{event}|{when}", pid, pv1, *([more] if more else []), kind=f"ADT^{event}",
                                control=f"r{self.minute}-{self.sent}", application=application)

    def sight(self):
        """What the doctor is shown of this patient, without giving a reason."""
        answer = self.doctor.open(self.study, "treatment")
        if answer.status == 200:
            body = answer.json()
            return "related" if (body["visibility"], body["may_lift"]) == ("masked", True) else str(body)
        return answer.code

    def becomes(self, sentence, expected):
        """Within two seconds the doctor is shown this."""
        since = time.monotonic()
        while (got := self.sight()) != expected and time.monotonic() - since < 10:
            time.sleep(0.02)
        took = time.monotonic() - since
        self.report.check(sentence, got == expected and took <= SOON_S, f"(got {got} after {took:.2f} s, expected {expected})")
        return took

    def listed(self, **of):
        """Relations of the doctor as the officer reads them, those of which all of this is true."""
        all_ = self.officer.get(f"/api/v1/relations?user={self.user}").json()["relations"]
        return [one for one in all_ if all(one[key] == value for key, value in of.items())]


def _ts(when):
    return when.strftime("%Y%m%d%H%M%S+0000")


def _visits(scene):
    report = scene.report
    report.equal("before any message a reason is asked for", scene.sight(), "reason-needed")
    report.equal("an admission is taken", scene.adt("A01", "V-1")[0], "AA")
    took = scene.becomes("A01: the attending doctor may lift", "related")
    print(f"   effective {took * 1000:.0f} ms after the answer to A01")
    report.equal("transferred to somebody else", scene.adt("A02", "V-1", "4712^Other^Olga")[0], "AA")
    scene.becomes("A02: the former team has nothing to do with him", "reason-needed")
    scene.adt("A12", "V-1", "")
    scene.becomes("A12: the team before again", "related")
    scene.adt("A08", "V-1", "4712^Other^Olga")
    scene.becomes("A08: another attending doctor", "reason-needed")
    scene.adt("A08", "V-1")
    scene.becomes("A08: and he again", "related")
    gone = scene.now()
    scene.adt("A03", "V-1", "", at=gone)
    scene.becomes("A03: a grace", "related")
    (listed,) = scene.listed(source="adt", kind="visit")[-1:]
    grace = datetime.fromisoformat(listed["end"]) - gone.replace(microsecond=0)
    report.equal("of thirty days", grace, timedelta(days=30))
    scene.adt("A13", "V-1", "")
    (open_,) = scene.listed(source="adt", kind="visit")[-1:]
    report.check("A13: the discharge was none", datetime.fromisoformat(open_["end"]) > gone + timedelta(days=50), open_["end"])
    scene.adt("A11", "V-1", "")
    scene.becomes("A11: he never was admitted", "reason-needed")
    scene.adt("A04", "V-2", "", more="ROL|1|AD|AT|R-4711^Referrer^Remy")
    scene.becomes("A04 with a ROL: of the team", "related")
    report.equal("as what", [one["kind"] for one in scene.listed(source="adt") if one["end"] > _iso()], ["team"])
    scene.adt("A11", "V-2", "")
    scene.becomes("and gone", "reason-needed")


def _iso():
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _late(scene):
    """Late, repeated and out of order."""
    early, late = scene.now(), scene.now()
    scene.adt("A11", "V-3", "", at=late)
    scene.report.equal("an admission that comes after its cancel is taken", scene.adt("A01", "V-3", at=early)[0], "AA")
    scene.report.equal("and admits nobody", scene.sight(), "reason-needed")
    first, second, third = scene.now(), scene.now(), scene.now()
    scene.adt("A01", "V-4", at=first)
    scene.adt("A02", "V-4", "4712^Other^Olga", at=third)
    scene.adt("A02", "V-4", at=second)
    scene.report.equal("an old transfer undoes no newer one", scene.sight(), "reason-needed")
    scene.adt("A11", "V-4", "")
    code, said = scene.adt("A01", "V-5", at=datetime.now(UTC) + timedelta(days=3))
    scene.report.check("an event of the day after tomorrow is refused", code == "AE" and "\rERR|" in said, said)
    scene.report.equal("and changes nothing", scene.sight(), "reason-needed")


def _others(scene):
    """Appointments and orders."""
    pid = f"PID|1||{scene.film.PatientID}^^^^MR||{scene.film.PatientName}"
    soon = _ts(datetime.now(UTC) + timedelta(hours=12))
    send = lambda kind, number, *segments: scene.sender.send(pid, *segments, kind=kind, control=f"s{number}", application="RIS")[0]  # noqa: E731
    schedule = (f"SCH|P-1|F-1|||||||30|MIN|^^^{soon}", "RGS|1", "AIP|1||R-4711^Referrer^Remy|AT")
    scene.report.equal("an appointment", send("SIU^S12", 1, *schedule), "AA")
    scene.becomes("S12: an appointment within a day", "related")
    far = _ts(datetime.now(UTC) + timedelta(days=9))
    time.sleep(1.1)  # MSH-7 has seconds
    scene.report.equal("put off", send("SIU^S13", 2, schedule[0].replace(soon, far), *schedule[1:]), "AA")
    scene.becomes("S13: not yet", "reason-needed")
    scene.report.equal("back", send("SIU^S14", 3, *schedule), "AA")
    scene.becomes("S14", "related")
    scene.report.equal("cancelled", send("SIU^S15", 4, "SCH|P-1|F-1", *schedule[1:]), "AA")
    scene.becomes("S15: gone", "reason-needed")
    obr = "OBR|1|PL|FI|CX2^Chest^L" + "|" * 12 + "R-4711^Referrer^Remy||R-37|||ROOM1|||DX|||1^^^202612011015^^R"
    scene.report.equal("an order", send("ORM^O01", 5, "ORC|NW|PL|FI", obr), "AA")
    scene.becomes("the doctor who ordered has to do with him", "related")
    scene.report.equal("as what", [one["kind"] for one in scene.listed(source="orm")], ["order"])
    scene.report.equal("a cancelled order", send("ORM^O01", 6, "ORC|CA|PL|FI", obr), "AA")
    scene.becomes("gives nothing", "reason-needed")


def _refused(scene):
    report = scene.report
    pid = f"PID|1||{scene.film.PatientID}^^^^MR||{scene.film.PatientName}"
    pv1 = "PV1|1|I|||||4711^Referrer^Remy||||||||||||V-6"
    for label, segments, kind, application in (
        ("no patient", (pv1,), "ADT^A01", "INDEX"),
        ("no number", ("PID|1||||X^Y", pv1), "ADT^A01", "INDEX"),
        ("a visit that ends before it begins", (pid, pv1 + "|" * 25 + "20261120|20261119"), "ADT^A08", "INDEX"),
        ("a number that is too long", (pid, pv1 + "6" * 200), "ADT^A01", "INDEX"),
        ("visits of a sender for orders", (pid, pv1), "ADT^A01", "RIS"),
        ("an appointment without a begin", (pid, "SCH|P-2|F-2", "AIP|1||R-4711"), "SIU^S12", "INDEX"),
        ("a kind of appointment message that is not taken", (pid, "SCH|P-2|F-2"), "SIU^S26", "INDEX"),
    ):
        code, said = scene.sender.send(*segments, kind=kind, control="bad", application=application)
        report.check(f"{label}: refused with a reason", code in ("AE", "AR") and "\rERR|" in said, said)
    report.equal("and nothing changed", scene.sight(), "reason-needed")
    code, said = scene.sender.send("PID|1||NOBODY-1^^^^MR||A^B", "MRG|NOBODY-2^^^^MR", kind="ADT^A40^ADT_A39", control="m1", application="INDEX")
    report.check("a merge of nobody known: the feed goes on, and is told why nothing was done", code == "AA" and "ERR|||204" in said and "|W|" in said, said)
    scene.adt("A01", "V-7", patient="OLD-1")
    report.equal("a visit under another number is no relation", scene.sight(), "reason-needed")
    merge = (f"PID|1||{scene.film.PatientID}^^^^MR||{scene.film.PatientName}", "MRG|OLD-1^^^^MR")
    report.equal("that number is his", scene.sender.send(*merge, kind="ADT^A40^ADT_A39", control="m2", application="INDEX")[0], "AA")
    scene.becomes("A40: the visit counts", "related")
    scene.adt("A11", "V-7", "", patient="OLD-1")
    scene.becomes("and ends with its cancel", "reason-needed")


def _fhir(scene, index):
    report, film = scene.report, scene.film
    subject = {"identifier": {"value": str(film.PatientID)}}
    doctor = {"identifier": {"value": "R-4711"}}

    def send(method, path, **resource):
        body = {"resourceType": path.split("/")[2], "identifier": [{"value": "F-1"}], "subject": subject, **resource}
        return index.ask(method, path, body=json.dumps(body).encode(), kind=FHIR)

    attending = [{"type": [{"coding": [{"code": "ATND"}]}], "individual": doctor}]
    answer = send("POST", "/fhir/Encounter", status="in-progress", participant=attending)
    report.equal("an Encounter is taken", (answer.status, answer.media, answer.json()["resourceType"]), (201, FHIR, "OperationOutcome"))
    scene.becomes("Encounter: the attending doctor may lift", "related")
    report.equal("cancelled", send("PUT", "/fhir/Encounter/1", status="cancelled").status, 200)
    scene.becomes("Encounter cancelled: gone", "reason-needed")
    for kind, good, bad, of in (
        ("ServiceRequest", {"status": "active", "intent": "order", "requester": doctor}, {"status": "revoked", "intent": "order"}, "order"),
        ("CareTeam", {"status": "active", "participant": [{"member": doctor}]}, {"status": "entered-in-error"}, "team"),
    ):
        report.equal(f"a {kind} is taken", send("PUT", f"/fhir/{kind}/1", **good).status, 200)
        scene.becomes(f"{kind}: a relation", "related")
        report.check(f"{kind}: as what", of in [one["kind"] for one in scene.listed(source="fhir")])
        report.equal(f"a {kind} that ends", send("PUT", f"/fhir/{kind}/1", **bad).status, 200)
        scene.becomes(f"{kind}: gone", "reason-needed")
    for label, resource in (
        ("an unknown status", {"status": "open"}), ("nobody's", {"status": "arrived", "subject": {"reference": "Patient/1"}}),
        ("a modifier that is not known", {"status": "arrived", "modifierExtension": [{"url": "urn:x"}]}),
        ("an end before the begin", {"status": "arrived", "period": {"start": "2026-11-02T00:00:00Z", "end": "2026-11-01T00:00:00Z"}}),
    ):
        answer = send("POST", "/fhir/Encounter", participant=attending, **resource)
        report.equal(f"{label}: refused by an OperationOutcome", (answer.status, answer.json().get("resourceType")), (422, "OperationOutcome"))
    report.equal("and nothing changed", scene.sight(), "reason-needed")
    body = json.dumps({"resourceType": "Encounter", "status": "arrived", "subject": subject, "identifier": [{"value": "F-2"}], "participant": attending})
    for role in ("officer", "admin", "referrer"):
        told = signed_in(scene.server, role).ask("POST", "/fhir/Encounter", body=body.encode(), kind=FHIR)
        report.equal(f"only machines tell: {role}", (told.status, scene.sight()), (403, "reason-needed"))


def _by_hand(scene, accounts):
    report = scene.report
    patient = {"issuer": str(scene.film.get("IssuerOfPatientID", "")), "number": str(scene.film.PatientID)}

    def make(client, **change):
        until = (datetime.now(UTC) + timedelta(seconds=change.pop("seconds", 4))).isoformat(timespec="milliseconds")
        body = {"user": scene.user, "patient": patient, "kind": "team", "until": until, "reason": "called in", **change}
        return client.ask("POST", "/api/v1/relations", body=body)

    made = make(scene.officer)
    report.equal("the officer makes one", made.status, 201)
    scene.becomes("by hand", "related")
    time.sleep(4)
    report.equal("and at its end it ends", scene.sight(), "reason-needed")
    made = make(scene.officer, seconds=30 * 86400)
    scene.becomes("another one", "related")
    given = make(scene.doctor, user=accounts["radiologist"], kind="delegation", seconds=6 * 86400)
    report.equal("the doctor gives his to a colleague", given.status, 201)
    long = make(scene.doctor, user=accounts["radiologist"], kind="delegation", seconds=8 * 86400)
    report.equal("for longer than he has it, or a week: refused", long.status, 400)
    report.equal("as anything else: refused", make(scene.doctor, user=accounts["radiologist"]).status, 403)
    path = f"/api/v1/relations/{accounts['radiologist']}/{given.json().get('number')}"
    report.equal("somebody else does not end it", signed_in(scene.server, "radiologist").ask("DELETE", path).status, 403)
    report.equal("he does", scene.doctor.ask("DELETE", path).status, 204)
    report.equal("the officer ends hers", scene.officer.ask("DELETE", f"/api/v1/relations/{scene.user}/{made.json()['number']}").status, 204)
    scene.becomes("and it is gone", "reason-needed")
    report.equal("who has none gives none", make(scene.doctor, user=accounts["radiologist"], kind="delegation").status, 403)
    for label, change in (("no reason", {"reason": " "}), ("no such kind", {"kind": "friend"}), ("no end", {"until": "for ever"}),
                          ("over a year", {"seconds": 370 * 86400}), ("nobody", {"user": "nobody"})):
        report.equal(f"{label}: refused", make(scene.officer, **change).status, 400)


def _feeds(scene):
    feeds = {one["source"]: one for one in scene.officer.get("/api/v1/feeds").json()["feeds"]}
    scene.report.equal("both feeds speak", {name: feeds[name]["state"] for name in ("index", "ris")}, {"index": "speaks", "ris": "speaks"})
    scene.report.equal("the administrator sees it, too", signed_in(scene.server, "admin").get("/api/v1/feeds").status, 200)
    scene.report.equal("a doctor does not", scene.doctor.get("/api/v1/feeds").status, 403)


def _ledger(scene):
    entries = scene.officer.get("/api/v1/accesses?kind=relation-changed,relation-refused,refusals-counted&limit=500").json()["entries"]
    changed = [e for e in entries if e["kind"] == "relation-changed"]
    sources = {e["details"]["source"] for e in changed}
    scene.report.equal("each source has its entries", sources, {"adt", "siu", "orm", "fhir", "hand"})
    scene.report.check("refusals, too", any(e["kind"] == "relation-refused" for e in entries))
    text = json.dumps([e["details"] for e in entries])
    secrets = (str(scene.film.PatientID), str(scene.film.PatientName).split("^")[0], "OLD-1")
    scene.report.check("no name and no number of a patient stands there", not any(word in text for word in secrets))


def _flood(report, server, port):
    """Ten thousand messages of as many patients, and garbage among them, by four connections."""
    before = server.memory_peak()
    when = _ts(datetime.now(UTC) - timedelta(hours=1))

    def send(worker):
        told = {"AA": 0, "AE": 0, "AR": 0}
        with Sender(server, port) as sender:
            for n in range(worker, FLOOD, 4):
                pid = f"PID|1||FLOOD-{n}^^^^MR||Flood^{n}" if n % 5 else "PID|1"
                code, _ = sender.send(f"EVN|A01|{when}", pid, f"PV1|1|I|||||{n}^Doctor^D||||||||||||V{n}", kind="ADT^A01",
                                      control=f"f{n}", application="INDEX")
                told[code] += 1
        return told

    since = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        all_ = list(pool.map(send, range(4)))
    took, grown = time.monotonic() - since, server.memory_peak() - before
    told = {code: sum(one[code] for one in all_) for code in ("AA", "AE", "AR")}
    report.equal("a flood is answered, message by message", told, {"AA": FLOOD * 4 // 5, "AE": FLOOD // 5, "AR": 0})
    report.check("within its memory", grown < FLOOD_BYTES, f"({grown >> 20} MiB)")
    report.equal("and the archive serves", Client(server).get("/readyz").status, 200)
    print(f"   {FLOOD} messages in {took:.1f} s, {grown >> 20} MiB")
