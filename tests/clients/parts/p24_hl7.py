"""The HL7 door as an order filler and a patient index speak to it: MLLP over TLS (HL7 v2.5.1; IHE RAD-4, RAD-12)."""

import base64
import io
import json
import re
import socket
import ssl
import subprocess

import pydicom

from lib import dimse
from lib.films import demo_film
from lib.http import signed_in
from lib.server import Server, set_config, with_machines
from parts.p23_worklist import Room

BOOK = '''
[[device]]
name = "ris"
certificate = "{certificate}"
ae = "RIS"
may = ["orders"]

[[device]]
name = "index"
certificate = "{certificate}"
ae = "INDEX"
may = ["patients"]

[[device]]
name = "reports"
certificate = "{certificate}"
ae = "REPORTS"
may = ["store", "find"]
sees = "masked"

[[device]]
name = "room1"
certificate = "{certificate}"
ae = "ROOM1"
may = ["worklist"]
'''


def run(report, place):
    """Orders and patients by messages; what is refused; what breaks."""
    home = place.fresh("hl7")
    port = dimse.free_port()
    set_config(home, lambda text: _book(text, port))
    with Server(home) as server:
        report.equal("`ready` says where", server.ready.get("hl7_tls"), f"127.0.0.1:{port}")
        room = Room(server, place.work)
        with Sender(server, port) as sender:
            _orders(report, sender, room)
            _patients(report, server, sender)
            _reports(report, server, sender)
            _refused(report, sender, room)
        _hostile(report, server, port)
        _ledger(report, server)
    with Server(home) as server:
        report.equal("after a restart the worklist is the same", Room(server, place.work).numbers(), ["H-1", "H-3"])


def _book(text, port):
    text = re.sub(r"(?m)^dimse_tls = .*$", lambda m: f'{m.group(0)}\nhl7_tls = "127.0.0.1:{port}"', text, count=1)
    return with_machines(text, BOOK)


class Sender:
    """One connection with the certificate of a machine of the demo; `certificate=None`: none."""

    def __init__(self, server, port, certificate="bench"):
        context = ssl.create_default_context(cafile=server.ca)
        context.check_hostname = False
        if certificate:
            tls = server.home / "keys" / "tls"
            context.load_cert_chain(tls / f"{certificate}.pem", tls / f"{certificate}.key")
        plain = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.held = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def raw(self, data):
        """One answer to some bytes; nothing when the connection ends."""
        self.socket.sendall(data)
        while b"\x1c\r" not in self.held:
            piece = self.socket.recv(65536)
            if not piece:
                return None
            self.held += piece
        answer, self.held = self.held.split(b"\x1c\r", 1)
        return answer.removeprefix(b"\x0b").decode("ascii")

    def send(self, *segments, kind, control, application="RIS", charset="UNICODE UTF-8", encoding="utf-8"):
        """MSA-1 of the answer, and all of it."""
        head = f"MSH|^~\\&|{application}|HOSP|GAUZE|HOSP|20261126120000||{kind}|{control}|P|2.5.1" + "|" * 6 + charset
        message = "\r".join([head, *segments, ""])
        answer = self.raw(b"\x0b" + message.encode(encoding) + b"\x1c\r")
        code, echoed = re.search(r"MSA\|(A[AER])\|([^|\r]*)", answer).groups()
        assert echoed == control, answer
        return code, answer


def _pid(number, name, birth="19780512", sex="F"):
    return f"PID|1||{number}^^^||{name}||{birth}|{sex}"


def _orders(report, sender, room):
    def order(accession, name, control="NW", **more):
        return sender.send(_pid("GZ-9", name), f"ORC|{control}|PL|FI", _order_line(accession, **more), kind="ORM^O01", control=f"{control}{accession}")[0]

    report.equal("a new order", order("H-1", "Wang^Xiaoli"), "AA")
    report.equal("another room", order("H-2", "Probe^Paul", station="ROOM2"), "AA")
    report.equal("are on the worklist", room.numbers(), ["H-1", "H-2"])
    (step,) = room.find("AccessionNumber=H-1")[1]
    inner = step.ScheduledProcedureStepSequence[0]
    report.equal("as the message says", (str(step.PatientName), step.PatientID, inner.Modality, inner.ScheduledStationAETitle,
                 inner.ScheduledProcedureStepStartDate, inner.ScheduledProcedureStepStartTime, step.RequestedProcedureDescription),
                 ("Wang^Xiaoli", "GZ-9", "DX", "ROOM1", "20261127", "1015", "Chest two views"))
    report.equal("a change of the order", order("H-1", "Wang^Xiaoli", control="XO", start="202612010900"), "AA")
    (moved,) = room.find("AccessionNumber=H-1")[1]
    report.equal("moves it, under the same study", (moved.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate, moved.StudyInstanceUID),
                 ("20261201", step.StudyInstanceUID))
    report.equal("a cancelled order", order("H-2", "Probe^Paul", control="CA", station="ROOM2"), "AA")
    report.equal("leaves the worklist", room.numbers(), ["H-1"])
    report.equal("an order with a filler's number of its own", order("H-4", "Probe^Paul", filler="FILL-4"), "AA")
    bare = _order_line("", filler="FILL-4").replace("|R|S|", "|||")
    code, _ = sender.send(_pid("GZ-9", "Probe^Paul"), "ORC|CA|PL|FILL-4", bare, kind="ORM^O01", control="CAfill")
    report.equal("is cancelled by that number alone", (code, room.numbers()), ("AA", ["H-1"]))
    code, _ = sender.send(_pid("GZ-10", "Someone^Else"), "ORC|NW|PL|FI", _order_line("H-1"), kind="ORM^O01", control="other")
    report.equal("another patient's order of an open number is refused", (code, [str(s.PatientID) for s in room.find("AccessionNumber=H-1")[1]]), ("AE", ["GZ-9"]))
    code, _ = sender.send(_pid("GZ-7", "王^小丽"), "ORC|NW", _order_line("H-3"), kind="OMG^O19", control="gb", charset="GB 18030-2000", encoding="gb18030")
    report.equal("in GB 18030", code, "AA")
    report.equal("a name in its characters", str(room.find("AccessionNumber=H-3")[1][0].PatientName), "王^小丽")


def _order_line(accession, station="ROOM1", modality="DX", start="202611271015", filler="FI"):
    fields = {1: "1", 2: "PL", 3: filler, 4: "CX2^Chest two views^L", 16: "77^Doctor^Demo", 18: accession, 19: f"R{accession}",
              20: f"S{accession}", 21: station, 24: modality, 27: f"1^^^{start}^^R"}
    return "|".join(["OBR", *(fields.get(n, "") for n in range(1, 28))])


def _patients(report, server, sender):
    film = demo_film("anna-chest")
    technologist = signed_in(server, "radiologist")
    path = f"/studies?StudyInstanceUID={film.StudyInstanceUID}"
    name = lambda: technologist.find(path)[0]["00100010"]["Value"][0]["Alphabetic"]  # noqa: E731
    number = lambda: technologist.find(path)[0]["00100020"]["Value"][0]  # noqa: E731
    issuer = str(film.get("IssuerOfPatientID", ""))
    pid = f"PID|1||{film.PatientID}^^^{issuer}||Corrected^Anna||{film.PatientBirthDate}|F"
    code, said = sender.send(pid, kind="ADT^A08", control="a08", application="INDEX")
    report.equal("a corrected name", (code, name()), ("AA", "Corrected^Anna"))
    again, _ = sender.send(pid, kind="ADT^A08", control="a08", application="INDEX")
    changes = signed_in(server, "officer").get("/api/v1/changes").json()["changes"]
    report.equal("the same message twice is done once", (again, len(changes)), ("AA", 1))
    report.check("the change says whence it came", "a08" in changes[0]["reason"], changes[0]["reason"])
    other = demo_film("karl-chest")
    merge = f"PID|1||{other.PatientID}^^^{issuer}||{other.PatientName}"
    code, said = sender.send(merge, f"MRG|{film.PatientID}^^^{issuer}", kind="ADT^A40^ADT_A39", control="a40", application="INDEX")
    report.equal("a merge", (code, number()), ("AA", other.PatientID))
    version = signed_in(server, "officer").get("/api/v1/changes").json()["version"]
    undone = signed_in(server, "officer").ask("POST", "/api/v1/changes/2/undo", body={"expect_version": version, "reason": "wrong merge"})
    report.equal("which the officer takes back", (undone.status, number()), (200, film.PatientID))
    code, said = sender.send(merge, "MRG|NOBODY-1", kind="ADT^A40^ADT_A39", control="a40b", application="INDEX")
    report.equal("a merge of a number that nobody has: nothing to do, and the feed goes on", code, "AA")
    _alike(report, server, sender, film)
    code, said = sender.send(_pid("NOBODY-2", "Nobody^Known"), kind="ADT^A08", control="a08b", application="INDEX")
    report.equal("a feed tells of patients without films: nothing to correct, and it goes on", code, "AA")
    report.equal("an arrival is taken and changes nothing", sender.send(pid, kind="ADT^A01", control="a01", application="INDEX")[0], "AA")


def _alike(report, server, sender, film):
    """What a hospital's index says of a patient whose films bear no issuer, and who gets a new number."""
    officer, doctor = signed_in(server, "officer"), signed_in(server, "radiologist")
    changes = lambda: len(officer.get("/api/v1/changes?limit=100").json()["changes"])  # noqa: E731
    line = lambda: doctor.find(f"/studies?StudyInstanceUID={film.StudyInstanceUID}")[0]  # noqa: E731
    name = lambda: line()["00100010"]["Value"][0]["Alphabetic"]  # noqa: E731
    said = lambda given, first="": f"PID|1||{first}{film.PatientID}^^^OTHERISSUER^MR||{given}||{film.PatientBirthDate}|F"  # noqa: E731
    send = lambda pid, control: sender.send(pid, kind="ADT^A08", control=control, application="INDEX")[0]  # noqa: E731
    known = bool(film.get("IssuerOfPatientID", ""))
    before = changes()
    report.equal("an index that names an issuer that no film bears", (send(said("Alike^Anna"), "al1"), name()),
                 ("AA", "Corrected^Anna" if known else "Alike^Anna"))
    report.equal("and puts a national number before it", (send(said("Second^Anna", "1101^^^NATL^NI~"), "al2"), name()),
                 ("AA", "Corrected^Anna" if known else "Second^Anna"))
    after = changes()
    report.equal("what is so already is no change", (send(said("Second^Anna"), "al3"), changes()), ("AA", after))
    report.check("each correction was one", known or after == before + 2, f"({before}, {after})")
    new = f"PID|1||NEW-7^^^||Renewed^Anna||{film.PatientBirthDate}|F"
    both = (new, f"MRG|{film.PatientID}^^^{film.get('IssuerOfPatientID', '')}", "PID|2||NEW-8^^^||Nobody^Known", "MRG|NOBODY-8")
    code, told = sender.send(*both, kind="ADT^A40^ADT_A39", control="al4", application="INDEX")
    report.equal("a number merged into one without films, and one that nobody has", (code, line()["00100020"]["Value"]), ("AA", ["NEW-7"]))
    version = officer.get("/api/v1/changes").json()
    undone = officer.ask("POST", f"/api/v1/changes/{version['changes'][0]['number']}/undo", body={"expect_version": version["version"], "reason": "wrong merge"})
    report.equal("which the officer takes back", (undone.status, line()["00100020"]["Value"]), (200, [str(film.PatientID)]))


def _reports(report, server, sender):
    """A report comes beside its film: text and PDF; whose film it is decides."""
    film = demo_film("anna-chest")
    pid = f"PID|1||{film.PatientID}^^^{film.get('IssuerOfPatientID', '')}||{film.PatientName}||{film.PatientBirthDate}|F"
    obr = f"OBR|1|PL|FI|CX2^Chest^L|||202611261000|||||||||||{film.AccessionNumber}||||20261126113000|||F"
    pdf = b"%PDF-1.4\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"
    obx = ("OBX|1|TX|59776-5^Procedure findings^LN||Lungs clear.~No effusion.||||||F", "OBX|2|TX|19005-8^Radiology Impression^LN||正常胸片。||||||F",
           f"OBX|3|ED|PDF^Report^L||^Application^PDF^Base64^{base64.b64encode(pdf).decode()}||||||F")
    send = lambda *segments, control: sender.send(*segments, kind="ORU^R01", control=control, application="REPORTS")[0]  # noqa: E731
    report.equal("a report is taken", send(pid, obr, *obx, control="oru1"), "AA")
    doctor = signed_in(server, "radiologist")
    found = lambda: {a["00080016"]["Value"][0]: a for a in doctor.find(f"/studies/{film.StudyInstanceUID}/instances") if a["00080016"]["Value"][0].startswith(("1.2.840.10008.5.1.4.1.1.88", "1.2.840.10008.5.1.4.1.1.104"))}  # noqa: E731
    first = found()
    whose = doctor.find(f"/studies?StudyInstanceUID={film.StudyInstanceUID}")[0]["00100010"]["Value"][0]["Alphabetic"]
    report.equal("text and document stand in the film's study", sorted(first), ["1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.88.11"])
    doctor.open(film.StudyInstanceUID, "report")
    came = {}
    for a in first.values():
        path = f"/dicom-web/studies/{film.StudyInstanceUID}/series/{a['0020000E']['Value'][0]}/instances/{a['00080018']['Value'][0]}"
        answer = doctor.get(path, accept='multipart/related; type="application/dicom"')
        if report.equal("it is fetched", answer.status, 200):
            one = pydicom.dcmread(io.BytesIO(answer.parts()[0][1]))
            came[one.Modality] = one
    sr, doc = came.get("SR"), came.get("DOC")
    texts = [(i.ConceptNameCodeSequence[0].CodeValue, i.TextValue) for i in sr.ContentSequence] if sr else []
    report.equal("word for word", texts, [("59776-5", "Lungs clear.\nNo effusion."), ("19005-8", "正常胸片。")])
    report.check("of the patient whose film it is", sr and (sr.PatientID, str(sr.PatientName), sr.CompletionFlag) == (film.PatientID, whose, "COMPLETE"), str(sr and sr.PatientName))
    report.check("the document is the one that was sent", doc and doc.EncapsulatedDocument.rstrip(b"\0") == pdf)
    for what, one in came.items():
        path = server.home.parent / f"oru-{what}.dcm"
        one.save_as(path)
        said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False, timeout=60)
        errors = [line for line in (said.stdout + said.stderr).splitlines() if line.startswith("Error")]
        report.equal(f"dciodvfy finds no error in the {what}", errors, [])
    report.equal("sent again, once more by another connection", send(pid, obr, *obx, control="oru1"), "AA")
    report.equal("it is there once", len(doctor.find(f"/studies/{film.StudyInstanceUID}/instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.88.11") or []), 1)
    other = pid.replace(f"|{film.PatientID}^", "|GZ-1003^")
    for what, segments, expected in (
        ("another patient's number", (other, obr, *obx), "AE"), ("an accession number that nobody has", (pid, obr.replace(str(film.AccessionNumber), "NONE-1"), *obx), "AE"),
        ("no text", (pid, obr), "AE"), ("a document that is none", (pid, obr, "OBX|1|ED|P||^Application^PDF^Base64^AAAA"), "AE"),
    ):
        report.equal(f"{what}: refused", send(*segments, control="orubad"), expected)
    code, _ = sender.send(pid, obr, *obx, kind="ORU^R01", control="orux", application="INDEX")
    report.equal("of a sender that may store nothing: refused", code, "AE")
    with open(server.errors, "rb") as log:
        report.check("nothing of it is logged", b"Lungs clear" not in log.read())


def _refused(report, sender, room):
    good = (_pid("GZ-9", "Wang^Xiaoli"), "ORC|NW", _order_line("H-9"))
    for label, segments, how, expected in (
        ("no accession number", (good[0], good[1], _order_line("").replace("|FI|", "||")), {"kind": "ORM^O01"}, "AE"),
        ("no modality", (good[0], good[1], _order_line("H-9", modality="")), {"kind": "ORM^O01"}, "AE"),
        ("no date", (good[0], good[1], _order_line("H-9", start="")), {"kind": "ORM^O01"}, "AE"),
        ("no patient", good[1:], {"kind": "ORM^O01"}, "AE"),
        ("a kind that is not taken", good, {"kind": "MFN^M02"}, "AR"),
        ("orders of a sender for patients", good, {"kind": "ORM^O01", "application": "INDEX"}, "AE"),
        ("patients of a sender for orders", (good[0],), {"kind": "ADT^A08"}, "AE"),
        ("an application that nobody named", good, {"kind": "ORM^O01", "application": "OTHER"}, "AE"),
    ):
        code, said = sender.send(*segments, control="bad", **how)
        report.equal(f"{label}: refused", code, expected)
        report.check(f"{label}: with an ERR segment", "\rERR|" in said, said)
    report.equal("and nothing changed", room.numbers(), ["H-1", "H-3"])


def _hostile(report, server, port):
    try:
        with Sender(server, port, certificate=None) as nobody:
            told = nobody.raw(b"\x0bMSH|^~\\&|RIS\x1c\r")
    except OSError:
        told = None
    report.equal("without a certificate nothing is answered", told, None)
    for label, data in (("no block", b"GET / HTTP/1.1\r\n\r\n"), ("no header", b"\x0bPID|1\x1c\r"), ("an endless block", b"\x0b" + b"x" * (5 << 20))):
        try:
            with Sender(server, port) as sender:
                told = sender.raw(data)
        except OSError:
            told = None
        report.equal(f"{label}: the connection ends", told, None)
    with Sender(server, port) as sender:
        report.check("and the next sender is served", sender.send(_pid("GZ-9", "A^B"), kind="ADT^A01", control="z", application="INDEX")[0] == "AA")
        two = sender.raw(b"\x0bMSH|^~\\&|INDEX|||||" + b"|ADT^A01|p1|P|2.3\x1c\r\x0bMSH|^~\\&|INDEX||||||ADT^A01|p2|P|2.3\x1c\r")
        report.check("two messages at once have two answers", "|p1" in two and "|p2" in sender.raw(b""), two)


def _ledger(report, server):
    entries = signed_in(server, "officer").get("/api/v1/accesses?kind=configured,put-right,not-allowed&limit=200").json()["entries"]
    kinds = [e["kind"] for e in entries]
    report.check("orders, changes and refusals have their entries", kinds.count("configured") >= 5 and kinds.count("put-right") >= 2
                 and kinds.count("not-allowed") >= 2, json.dumps(kinds))
    report.check("in the senders' names", {"ris", "index"} <= {e["actor"] for e in entries}, str({e["actor"] for e in entries}))
