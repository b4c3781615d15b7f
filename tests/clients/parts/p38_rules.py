"""Rules on a running archive: proposed by one person, put in force by another; what leaves by eight ways follows at once, and
the rule that did it is named. Expected sides are written by hand beside each rule."""

import datetime
import json
import time
from pathlib import Path

from lib.films import demo_film, names
from lib.http import signed_in, wado
from lib.server import Server, gauze
from lib.tally import Tally
from parts.p27_identity import Desk, NOT_AUTHORISED, account, identity

# By the site's clocks, as the demo's gauze.toml sets them.
_NOW = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
TODAY, TOMORROW = _NOW.isoweekday(), _NOW.isoweekday() % 7 + 1
# A test that runs over a full hour must not fail by it.
HOURS = f"(context.hour >= {_NOW.hour} && context.hour <= {_NOW.hour + 1} || context.hour == 0)"
SEE = '[Action::"see-clear", Action::"see-masked", Action::"lift"]'


def forbid(when, action=f"action in {SEE}", who='principal == Role::"referrer"'):
    """A rule about the referrer."""
    return f'@id("edit") forbid ({who}, {action}, resource) when {{ {when} }};'


# Name, text it goes to, rule, what the referrer then sees in the browser, by C-GET, and whether he finds by C-FIND.
EDITS = [
    ("nothing any more", "pictures", forbid("true"), "nothing", "nothing", True),
    ("not on this day of the week", "pictures", forbid(f"context.weekday == {TODAY}"), "nothing", "nothing", True),
    ("not on tomorrow's", "pictures", forbid(f"context.weekday == {TOMORROW}"), "masked", "masked", True),
    ("not at this hour", "pictures", forbid(HOURS), "nothing", "nothing", True),
    ("CT only", "pictures", forbid('!(resource.modalities.contains("CT"))'), "nothing", "nothing", True),
    ("all but CT", "pictures", forbid('resource.modalities.contains("CT")'), "masked", "masked", True),
    ("no chest", "pictures", forbid('resource.body_parts.contains("CHEST")'), "nothing", "nothing", True),
    ("no hand", "pictures", forbid('resource.body_parts.contains("HAND")'), "masked", "masked", True),
    ("a rule that fails when it runs", "pictures", forbid("9223372036854775807 + resource.level > 0"), "nothing", "nothing", True),
    ("levels that are there", "pictures", forbid("resource.level >= 1"), "nothing", "nothing", True),
    ("levels that are not", "pictures", forbid("resource.level > 5"), "masked", "masked", True),
    ("not for treatment", "pictures", forbid('context.purpose == "treatment"'), "nothing", "nothing", True),
    ("not for teaching", "pictures", forbid('context.purpose == "teaching"'), "masked", "masked", True),
    ("not with a relation", "pictures", forbid("context.related"), "nothing", "nothing", True),
    ("not of another house", "pictures", forbid('context.organisation == "another house"'), "masked", "masked", True),
    ("clear with a relation", "pictures",
     f'@id("edit") permit (principal == Role::"referrer", action == Action::"see-clear", resource) when {{ context.related }};',
     "clear", "clear", True),
    ("no lift", "pictures", forbid("true", 'action == Action::"lift"'), "masked", "masked", True),
    ("nothing to this machine", "pictures", forbid('context.ae == "bench"', who='principal == Role::"device"'), "masked", "nothing", True),
    ("finds nobody", "rights", forbid("true", 'action == Action::"find-full"'), "masked", "masked", False),
    ("opens nothing", "rights", forbid("true", 'action == Action::"open"'), "nothing", "nothing", True),
    ("gets nothing by machines", "rights", forbid("true", 'action == Action::"retrieve"', 'principal == Role::"device"'), "masked", "nothing", True),
]


def run(report, place):
    """Edit by edit, then what is refused, then a restart."""
    home = place.fresh("rules")
    with Server(home) as server:
        office = Office(report, server)
        office.as_before("before")
        for edit in EDITS:
            office.edit(*edit)
        _refused(office)
        _replay(office)
        office.agree()
        left = office.put_in_force(office.with_rule("pictures", EDITS[0][2]), "to stay")
    _commands(report, home, left)
    with Server(home) as server:
        office = Office(report, server)
        report.equal("after a restart the rules of the two persons decide", office.now()["version"], left)
        report.equal("and the referrer sees", office.browser(), "nothing")


class Office:
    """The two persons, and the doctor whom the rules are about."""

    def __init__(self, report, server):
        self.report, self.server, self.tally = report, server, Tally(server)
        self.officer, self.admin, self.doctor = (signed_in(server, role) for role in ("officer", "admin", "referrer"))
        self.film = demo_film("anna-chest")
        self.first = self.now()
        self.slowest = 0.0

    def now(self):
        return self.officer.get("/api/v1/rules").json()

    def with_rule(self, text, rule):
        rules = dict(self.first["rules"])
        rules[text] += "\n" + rule + "\n"
        return {"rules": rules}

    def propose(self, who, what, reason):
        return who.ask("POST", "/api/v1/rules", body={**what, "reason": reason, "expect_version": self.now()["version"]})

    def put_in_force(self, what, reason, who=None):
        """By two; returns the version."""
        first, second = who or (self.officer, self.admin)
        proposed = self.propose(first, what, reason)
        self.report.equal(f"{reason}: proposed", proposed.status, 200)
        proposal = proposed.json()["proposals"][-1]
        path = f"/api/v1/rules/proposals/{proposal['proposal']}"
        own = first.ask("POST", path, body={"act": "activate"})
        self.tally.expect("rules-refused")
        if own.status != 403:
            self.report.equal(f"{reason}: not by the one who proposed it", own.status, 403)
        active = second.ask("POST", path, body={"act": "activate"})
        self.report.equal(f"{reason}: in force", (active.status, active.json().get("version")), (200, proposal["version"]))
        self.tally.expect("rules-proposed")
        self.tally.expect("rules-activated")
        return proposal["version"]

    def browser(self):
        """How the film comes by six ways of a browser; they must agree."""
        study = names(self.film)[0]
        opened = self.doctor.open(study, "treatment")
        base = wado(names(self.film))
        ways = {
            "frame": (base + "/frames/1", "multipart/related; type=\"application/octet-stream\""),
            "instance": (base, "multipart/related; type=\"application/dicom\""),
            "rendered": (base + "/rendered", "image/png"), "thumbnail": (base + "/thumbnail", "image/jpeg"),
            "metadata": (base + "/metadata", "application/dicom+json"),
            "wado-uri": (f"/wado?requestType=WADO&studyUID={study}&seriesUID={names(self.film)[1]}&objectUID={names(self.film)[2]}"
                         "&contentType=image/png", "image/png"),
        }
        came = {name: self.doctor.get(path, accept=accept) for name, (path, accept) in ways.items()}
        if opened.status != 200:
            self.report.check("nothing leaves by any way", all(a.status in (403, 404) for a in came.values()),
                              str({n: a.status for n, a in came.items()}))
            return "nothing"
        self.report.check("it leaves by every way", all(a.status == 200 for a in came.values()), str({n: a.status for n, a in came.items()}))
        frame = came["frame"].parts()[0][1][: self.film.Rows * self.film.Columns]
        sees = "clear" if frame == self.film.pixel_array.tobytes() else "masked"
        self.report.equal("what was said is what came", opened.json()["visibility"], sees)
        self.lift = opened.json().get("may_lift", False)
        return sees

    def machine(self):
        """How it comes by C-GET with the doctor at the machine, and whether he finds by C-FIND."""
        desk = Desk(self.server, identity(*account(self.server, "referrer")))
        sees, (status, answers) = desk.sees(self.film), desk.find()
        desk.held.release()
        return sees, status != NOT_AUTHORISED and len(answers) > 5

    def as_before(self, what):
        self.report.equal(f"{what}: the referrer sees", (self.browser(), *self.machine()), ("masked", "masked", True))

    def edit(self, name, text, rule, browser, machine, finds):
        """In force, looked at from all sides, explained, and put back."""
        report = self.report
        self.doctor.open(names(self.film)[0], "treatment")
        held = wado(names(self.film), "/rendered")
        report.equal(f"{name}: the film is open", self.doctor.get(held).status, 200)
        self.put_in_force(self.with_rule(text, rule), name)
        since = time.monotonic()
        after = self.doctor.get(held)
        self.slowest = max(self.slowest, time.monotonic() - since)
        report.check(f"{name}: what was open is not, at once", after.status in (403, 404), f"({after.status})")
        report.equal(f"{name}: browser, C-GET, C-FIND", (self.browser(), *self.machine()), (browser, machine, finds))
        if name == "no lift":
            report.check(f"{name}: and there is none", not self.lift)
        if text == "pictures":
            self._explained(name, rule, browser)
        # The other way round: the administrator proposes, the officer agrees.
        self.put_in_force({"put_back": self.first["version"]}, f"{name}, back", (self.admin, self.officer))
        report.equal(f"{name}, back: the first version", self.now()["version"], self.first["version"])

    def _explained(self, name, rule, browser):
        user = account(self.server, "referrer")[0]
        told = self.officer.ask("POST", "/api/v1/rules/explain", body={"study": names(self.film)[0], "user": user}).json()
        (line,) = [one for one in told["lines"] if one["purpose"] == "treatment"]
        self.report.equal(f"{name}: explained", line["outcome"]["sees"], "withheld" if browser == "nothing" else browser)
        decides = browser == "clear" or browser == "nothing"
        named = "error" if "9223372036854775807" in rule else "edit"
        self.report.equal(f"{name}: by that rule", named in line["outcome"]["rules"], decides)

    def agree(self):
        """What was done stands in the record, with both names."""
        entries = self.tally.entries("rules-activated")
        self.report.equal("every activation is recorded", len(entries), 2 * len(EDITS))
        persons = {(e["actor"], e["details"]["proposed_by"]) for e in entries}
        officer, admin = account(self.server, "officer")[0], account(self.server, "admin")[0]
        self.report.equal("with both persons", persons, {(officer, admin), (admin, officer)})
        self.report.check("an open film is refused within a second of an activation", self.slowest < 1)
        print(f"   slowest refusal of an open film after an activation: {1000 * self.slowest:.0f} ms")


def _refused(office):
    """Nothing of it changes anything."""
    report = office.report
    version = office.now()["version"]
    for what, rule in (("an unknown word", forbid("context.moon")), ("no Cedar", "permit all"), ("no @id", "permit (principal, action, resource);"),
                       ("a rule that cannot hold", forbid("false"))):
        answer = office.propose(office.officer, office.with_rule("pictures", rule), "a mistake")
        report.equal(f"{what}: refused with its reason", (answer.status, bool(answer.json().get("detail"))), (422, True))
        answer = office.officer.ask("POST", "/api/v1/rules/check", body=office.with_rule("pictures", rule))
        report.equal(f"{what}: the check says so", answer.status, 422)
    empty = {"rules": {"pictures": "", "rights": ""}, "reason": "x"}
    for what, body, status in (
        ("from other rules", {**empty, "expect_version": "0" * 64}, 409), ("no reason", {**empty, "reason": " ", "expect_version": version}, 400),
        ("both ways", {**empty, "put_back": version, "expect_version": version}, 400), ("another form", {**empty, "more": 1}, 400),
        ("an unknown version", {"put_back": "7" * 64, "reason": "x", "expect_version": version}, 404),
    ):
        report.equal(f"{what}: refused", office.officer.ask("POST", "/api/v1/rules", body=body).status, status)
    found = office.officer.ask("POST", "/api/v1/rules/check", body=office.with_rule("pictures", '@id("edit") permit (principal == Role::"vendor", '
                               'action == Action::"see-clear", resource);')).json()
    report.check("a rule that another one overrules is found", {"rule": "edit", "trouble": "overruled"} in found["findings"], str(found))
    report.equal("the rules are as they were", office.now()["version"], version)
    office.as_before("after all refusals")


def _replay(office):
    """What was decided, again."""
    report = office.report
    same = office.officer.ask("POST", "/api/v1/rules/replay", body={"last": 10000}).json()
    report.check("decisions of this session are there", same["decisions"] > 40, str(same["decisions"]))
    report.equal("none contradicts the rules of its time", same["contradicted"], 0)
    told = same["decisions"] - same["untold"]
    report.equal("all that tell their facts are confirmed", same["confirmed"], told)
    report.check("most tell them", told > 0.5 * same["decisions"], f"({told} of {same['decisions']})")
    print(f"   replay: {same['decisions']} decisions, {same['confirmed']} confirmed, {same['untold']} say too little")
    draft = office.with_rule("pictures", EDITS[0][2])
    other = office.officer.ask("POST", "/api/v1/rules/replay", body={**draft, "last": 10000}).json()
    user = account(office.server, "referrer")[0]
    changed = [c for c in other["changes"] if c["user"] == user and c["before"] == "masked"]
    report.check("what the referrer saw he would not see", changed and all(c["after"]["sees"] == "withheld" for c in changed), f"({len(changed)})")
    report.check("and the rule is named", all("edit" in c["after"]["rules"] for c in changed))


def _commands(report, home, version):
    """`gauze policy` on a stopped archive, and on a folder without one."""
    def policy(*words):
        done = gauze("policy", *words)
        return done.returncode, done.stdout
    status, said = policy("show", "--home", home, "--json")
    report.equal("show", (status, json.loads(said)["version"]), (0, version))
    status, said = policy("matrix", "--home", home, "--json")
    lines = json.loads(said)["lines"]
    report.check("matrix: the referrer sees nothing", status == 0 and lines and all(
        line["role"] != "referrer" or line["outcome"]["sees"] in ("withheld", "deidentified") for line in lines))
    status, said = policy("explain", names(demo_film("anna-chest"))[0], "--home", home, "--json")
    report.check("explain: others do", status == 0 and any(line["role"] == "radiologist" for line in json.loads(said)["lines"]))
    status, said = policy("replay", "--home", home, "--last", 500, "--json")
    report.equal("replay contradicts nothing", (status, json.loads(said)["contradicted"]), (0, 0))
    draft = Path(home).parent / "draft-rules"
    draft.mkdir(exist_ok=True)
    for name in ("default.cedar", "rights.cedar"):
        (draft / name).write_text((Path(home) / "policies" / name).read_text())
    report.equal("check of a folder", policy("check", "--rules", draft)[0], 0)
    with (draft / "default.cedar").open("a") as file:
        file.write('\n@id("edit") permit (principal == Role::"vendor", action == Action::"see-clear", resource);\n')
    status, said = policy("check", "--rules", draft)
    report.equal("a rule that is overruled", (status, "edit: " in said), (1, True))
