"""Consents of secondary use (docs/consent.md): twelve kinds of boundaries as FHIR R4 Consent, each of which changes what its
recipient gets and nobody else; a negotiation, a withdrawal, copies; what is refused. Resources are read by fhir.resources."""

import base64
import hashlib
import io
import re
import time
from datetime import datetime, timedelta, timezone

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.consent import Consent
from fhir.resources.R4B.operationoutcome import OperationOutcome
from PIL import Image

from lib.films import demo_film, names
from lib.http import Client, wado
from lib.server import Server, gauze, set_config
from parts.p03_roles import Cast

OURS = "urn:oid:2.25.112055582576748617152153165980909140656."
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
CODES = {"research": (ACT_REASON, "HRESCH"), "teaching": (ACT_REASON, "TRAIN"), "quality": (ACT_REASON, "HQUALIMP"), "ai": (OURS + "1", "ai")}
FHIR = "application/fhir+json"


def run(report, place):
    """Boundaries, then the way to them and back."""
    home = place.fresh("consent")
    added = gauze("user", "--home", home, "add", "wu", "--role", "researcher", "--name", "Dr. Wu", status=0)
    with Server(home) as server:
        people = People(report, server, added.stdout)
        _boundaries(people)
        _refused(people)
        _negotiated(people)
    with Server(home) as server:
        kept = Cast(report, server).of["patient"].get("/api/v1/consents").json()["consents"]
        report.check("after a restart all is there", len(kept) == people.count, f"({len(kept)})")
    _abroad(report, place)


class People:
    """Who asks for what, by the names that each knows."""

    def __init__(self, report, server, added):
        self.report, self.cast, self.count = report, Cast(report, server), 0
        password = re.search(r"\S+$", added.strip()).group()
        server.accounts["wu"] = {"user": "wu", "password": password}
        self.cast.of["wu"] = Client(server)
        report.equal("another researcher signs in", self.cast.of["wu"].sign_in("wu").status, 200)
        found = self.cast.of["researcher"].find("/instances?limit=1000&includefield=all")
        sizes = {}
        for one in found:
            size = one["00280010"]["Value"][0], one["00280011"]["Value"][0]
            sizes[size] = tuple(one[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
        self.known = {}
        for name in ("anna-chest", "anna-chest-2024", "max-chest"):
            film = demo_film(name)
            self.known[name] = sizes[(film.Rows, film.Columns)]

    def looks(self, who, film, purpose, form="/rendered"):
        """Status of an opening, and the digest and size of what then comes."""
        client = self.cast.of[who]
        own = who in ("referrer", "radiologist") and purpose in ("treatment", "report") or purpose == "own"
        name = names(demo_film(film)) if own else self.known[film]
        opened = client.open(name[0], purpose, "asks for this film" if purpose == "treatment" else None)
        if opened.status != 200:
            return opened.status, "", None
        accept = "image/png" if form == "/rendered" else "*/*"
        got = client.get(wado(name, form), accept=accept)
        size = Image.open(io.BytesIO(got.body)).size if got.status == 200 and got.media == "image/png" else None
        return got.status, hashlib.sha256(got.body).hexdigest() if got.status == 200 else got.code, size

    def others(self, purpose):
        """What everybody else gets: none of it may move."""
        views = [("researcher", "max-chest", purpose), ("wu", "anna-chest", "research"), ("wu", "max-chest", purpose),
                 ("referrer", "anna-chest", "treatment"), ("radiologist", "anna-chest", "report"), ("patient", "anna-chest", "own")]
        return {view: self.looks(*view) for view in views}

    def say(self, status=201, **said):
        """The patient says it, as FHIR."""
        answer = self.cast.of["patient"].ask("POST", "/fhir/Consent", body=resource(**said), kind=FHIR)
        self.report.equal(f"she says it: {said}", answer.status, status)
        self.count += answer.status == 201
        if answer.status == 201:
            Consent.model_validate(answer.json())
            self.report.equal("it is active", answer.json()["status"], "active")
            self.report.check("and has an address", answer.headers["location"].startswith("https://"))
        return answer

    def withdraw(self, answer):
        """Takes it back."""
        done = self.cast.of["patient"].ask("POST", f"/api/v1/consents/{answer.json()['id']}", body={"act": "withdraw"})
        self.report.equal("she withdraws it", (done.status, done.json()["state"]), (200, "withdrawn"))


def resource(purpose="teaching", account=None, organisation=None, role=None, kind="permit", start=None, end=None, hidden=(), side=None,
             identified=False, abroad=False, study=None, text="", **more):
    """A Consent by hand from FHIR R4 and IHE PCF."""
    system, value = [(OURS + "6", account), (OURS + "7", organisation), (OURS + "8", role)][[bool(account), bool(organisation), True].index(True)]
    marks = [{"url": OURS + "2", "valueCode": part} for part in hidden]
    marks += [{"url": OURS + "3", "valuePositiveInt": side}] if side else []
    marks += [{"url": OURS + url, "valueBoolean": True} for url, said in (("4", identified), ("5", abroad)) if said]
    code = CODES[purpose]
    provision = {
        "type": kind, "purpose": [{"system": code[0], "code": code[1]}],
        "actor": [{"role": concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"),
                   "reference": {"identifier": {"system": system, "value": value}}}],
    }
    period = {key: value for key, value in (("start", start), ("end", end)) if value}
    provision |= {"modifierExtension": marks} if marks else {}
    provision |= {"period": period} if period else {}
    if study:
        provision["data"] = [{"meaning": "instance", "reference": {"identifier": {"system": "urn:dicom:uid", "value": "urn:oid:" + study}}}]
    out = {
        "resourceType": "Consent", "status": "active", "scope": concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
        "category": [concept("http://loinc.org", "59284-0")], "patient": {"identifier": {"system": OURS + "9", "value": "me"}},
        "dateTime": moment(0), "policy": [{"uri": OURS + "10"}], "provision": provision,
    }
    if text:
        out["sourceAttachment"] = {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}
    out |= more
    Consent.model_validate({"sourceAttachment": {"title": "none"}, **out})
    return out


def concept(system, code):
    """One coding."""
    return {"coding": [{"system": system, "code": code}]}


def moment(seconds):
    """A moment from now, to the second."""
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _boundaries(people):
    """Kind, what is said, what the recipient gets by it: by hand."""
    report, mine = people.report, {"account": "researcher"}
    plain = people.looks("researcher", "anna-chest", "research")
    report.equal("research goes on under the site's approval", plain[0], 200)
    whole = max(demo_film("anna-chest").pixel_array.shape)
    kinds = [
        ("to one account", {**mine}, lambda got: got[0] == 200),
        ("to an organisation", {"organisation": "hospital", "purpose": "quality"}, lambda got: got[0] == 200),
        ("to a role", {"role": "researcher", "purpose": "ai"}, lambda got: got[0] == 200),
        ("a no to research", {**mine, "purpose": "research", "kind": "deny"}, lambda got: got[0] == 404),
        ("from a day that is to come", {**mine, "start": "2099-01-01"}, lambda got: got[0] == 404),
        ("until a day that is to come", {**mine, "end": "2099"}, lambda got: got[0] == 200),
        ("until a moment", {**mine, "end": "soon"}, lambda got: got[0] == 200),
        ("from a day that has passed", {**mine, "start": "2020-01-01"}, lambda got: got[0] == 200),
        ("not the skin", {**mine, "purpose": "research", "hidden": ["body-surface"]}, lambda got: got[0] == 200),
        ("at most 128 pixels", {**mine, "purpose": "research", "side": 128}, lambda got: got[0] == 200 and max(got[2]) == 128 < whole),
        ("this film only", {**mine, "study": names(demo_film("anna-chest"))[0]}, lambda got: got[0] == 200),
        ("another film only", {**mine, "study": names(demo_film("anna-chest-2024"))[0]}, lambda got: got[0] == 404),
    ]
    for kind, said, expected in kinds:
        purpose = said.get("purpose", "teaching")
        said = said | ({"end": moment(12)} if said.get("end") == "soon" else {})
        before, others = people.looks("researcher", "anna-chest", purpose), people.others(purpose)
        answer = people.say(**said)
        got = people.looks("researcher", "anna-chest", purpose)
        report.check(f"{kind}: its recipient gets what it says", expected(got), str(got))
        same = kind in ("from a day that is to come", "another film only")
        report.check(f"{kind}: which is {'the same' if same else 'other'} bytes", (got == before) == same, f"{before} {got}")
        moved = {view for view, now in people.others(purpose).items() if now != others[view]}
        report.equal(f"{kind}: nobody else's move", moved, set())
        if "side" in said:
            _small(people)
        if kind == "until a moment":
            time.sleep(13)
            report.equal("when it is over, it is over", people.looks("researcher", "anna-chest", purpose)[0], 404)
        if kind == "another film only":
            report.equal("that film it opens", people.looks("researcher", "anna-chest-2024", purpose)[0], 200)
        back = people.cast.of["patient"].get(f"/fhir/Consent/{answer.json()['id']}")
        Consent.model_validate(back.json())
        report.equal(f"{kind}: it is read as it was said", back.json()["provision"].get("modifierExtension"),
                     resource(**said)["provision"].get("modifierExtension"))
        people.withdraw(answer)
        after = people.looks("researcher", "anna-chest", purpose)[0]
        report.equal(f"{kind}: withdrawn, it gives nothing", after, 200 if said.get("kind") == "deny" else 404)
        if purpose == "research" and said.get("kind") != "deny":
            people.withdraw(people.say(**mine, purpose="research", kind="deny"))


def _small(people):
    """Under a longest side pixels leave in no other form, and not by parts."""
    client, film = people.cast.of["researcher"], people.known["anna-chest"]
    for form in ("", "/frames/1", "/rendered?viewport=64,64,0,0,50,50", "/bulkdata/7FE00010"):
        got = client.get(wado(film, form), accept="image/png" if "rendered" in form else "*/*")
        people.report.equal(f"{form or 'the file'} is refused", (got.status, got.code), (403, "not-allowed"))
    got = client.get(wado(film, "/rendered?viewport=64,64"), accept="image/png")
    people.report.equal("smaller is given", max(Image.open(io.BytesIO(got.body)).size), 64)
    people.report.equal("the header, too", client.get(wado(film, "/metadata"), accept="application/dicom+json").status, 200)


def _refused(people):
    """What makes no sense is refused with a reason, recorded, and changes nothing."""
    report, patient, mine = people.report, people.cast.of["patient"], {"account": "researcher"}
    before = patient.get("/api/v1/consents").json()
    cases = [
        ("contradictory dates", resource(**mine, start="2028-01-01", end="2027-01-01"), 400, "contradictory-dates"),
        ("a period that is over", resource(**mine, end="2020"), 400, "contradictory-dates"),
        ("an unknown region", resource(**mine, hidden=["soul"]), 400, "unknown-region"),
        ("an unknown purpose", resource(**mine) | {"provision": resource(**mine)["provision"] | {"purpose": [{"system": ACT_REASON, "code": "TREAT"}]}}, 400, "unknown-code"),
        ("a foreign patient", resource(**mine, patient={"identifier": {"value": "GZ-1002"}}), 404, "foreign-patient"),
        ("a foreign study", resource(**mine, study=names(demo_film("max-chest"))[0]), 404, "foreign-patient"),
        ("an over-long text", resource(**mine, text="x" * 5000), 413, "text-length"),
        ("what would be lost", resource(**mine, verification=[{"verified": True}]), 400, "not-representable"),
        ("a size that shows nothing", resource(**mine, side=3), 400, "no-size"),
    ]
    for name, body, status, word in cases:
        answer = patient.ask("POST", "/fhir/Consent", body=body, kind=FHIR)
        OperationOutcome.model_validate(answer.json())
        report.equal(f"{name}: refused with the reason", (answer.status, answer.json()["issue"][0]["details"]["text"]), (status, word))
        entry = people.cast.tally.entries("consent-refused")[0]
        report.equal(f"{name}: recorded", entry["details"]["cause"], word)
    after = patient.get("/api/v1/consents").json()
    report.equal("and nothing changed", after, before)
    hers = {"identifier": {"value": "GZ-1001"}}
    forged = people.cast.of["wu"].ask("POST", "/fhir/Consent", body=resource(account="wu", patient=hers), kind=FHIR)
    report.equal("a researcher does not consent for her", (forged.status, forged.json()["issue"][0]["code"]), (403, "forbidden"))
    for role in ("technologist", "admin", "vendor"):
        got = people.cast.of[role].get("/fhir/Consent")
        report.equal(f"{role} reads none", (got.status, got.json()["resourceType"]), (403, "OperationOutcome"))
    # A witnessed yes counts from the first moment that its date names: the second after her own last word.
    time.sleep(1.1)
    witness = resource(account="researcher", patient={"identifier": {"value": "GZ-1001", "assigner": {"display": _issuer()}}})
    seen = people.cast.of["officer"].ask("POST", "/fhir/Consent", body=witness, kind=FHIR)
    report.equal("the officer witnesses one", seen.status, 201)
    people.count += 1
    report.equal("which holds", people.looks("researcher", "anna-chest", "teaching")[0], 200)
    people.withdraw(seen)


def _issuer():
    return str(demo_film("anna-chest").get("IssuerOfPatientID", ""))


def _negotiated(people):
    """Proposed in words, narrowed, agreed, used, withdrawn; copies are asked to be deleted."""
    report, patient, researcher = people.report, people.cast.of["patient"], people.cast.of["researcher"]
    study = people.known["anna-chest"][0]
    text = "我们想用您的胸片教学生认识肺。We want to teach students with your chest film."
    begun = researcher.ask("POST", "/api/v1/consents", body={"purpose": "teaching", "study": study, "text": text})
    report.equal("a researcher proposes", begun.status, 201)
    people.count += 1
    path = f"/api/v1/consents/{begun.json()['id']}"
    report.check("and learns no name by it", not any(w in begun.body.decode() for w in ("Probe", "GZ-10", names(demo_film("anna-chest"))[0])))
    act = lambda who, **body: people.cast.of[who].ask("POST", path, body=body)
    report.equal("he cannot accept for her", act("researcher", act="accept").status, 409)
    report.equal("nor anybody else", act("wu", act="accept").status, 404)
    report.equal("it gives nothing yet", people.looks("researcher", "anna-chest", "teaching")[0], 404)
    hers = next(one for one in patient.get("/api/v1/consents").json()["consents"] if one["id"] == begun.json()["id"])
    report.equal("she reads the same words", hers["steps"][0]["text"], text)
    report.equal("and who asks", hers["by"]["name"], "Dr. Rui Researcher")
    wider = act("patient", act="counter", text="wider", bounds={"abroad": True})
    report.equal("she cannot add by an answer", (wider.status, wider.json()["detail"]), (400, "not-narrower"))
    narrow = {"until": "2099", "hidden": ["breast"], "longest_side": 256}
    countered = act("patient", act="counter", text="Not my breast, small pictures only.", bounds=narrow)
    report.equal("she narrows it", (countered.status, countered.json()["state"]), (200, "countered"))
    agreed = act("researcher", act="accept")
    report.equal("he accepts", (agreed.status, agreed.json()["state"]), (200, "accepted"))
    hers = next(one for one in patient.get("/api/v1/consents").json()["consents"] if one["id"] == begun.json()["id"])
    report.equal("both see one text: one digest", hers["digest"], agreed.json()["digest"])
    report.equal("which is that of its words", hers["digest"], _digest(hers))
    got = people.looks("researcher", "anna-chest", "teaching")
    report.check("what was agreed holds", got[0] == 200 and max(got[2]) == 256, str(got))
    entry = people.cast.tally.entries("consent-changed")[0]
    report.equal("recorded with its state", (entry["details"]["act"], entry["details"]["state"]), ("accept", "accepted"))
    people.looks("referrer", "anna-chest", "treatment")
    since = time.monotonic()
    done = act("patient", act="withdraw", text="I changed my mind.")
    late = researcher.get(wado(people.known["anna-chest"], "/rendered"), accept="image/png")
    took = time.monotonic() - since
    report.check("withdrawn: refused at the next request, within a second", late.status == 403 and took <= 1.0, f"({late.status}, {1000 * took:.0f} ms)")
    treats = people.cast.of["referrer"].get(wado(names(demo_film("anna-chest")), "/rendered"), accept="image/png")
    report.equal("who treats her goes on with the same grant", treats.status, 200)
    copies = done.json()["copies"]
    report.check("she sees who has copies", len(copies) == 1 and copies[0]["role"] == "researcher" and copies[0]["releases"] >= 1
                 and copies[0]["asked"] is not None, str(copies))
    asked = next(one for one in researcher.get("/api/v1/consents").json()["consents"] if one["id"] == begun.json()["id"])
    report.check("he is asked to delete them", "answer-deletion" in asked["next"] and asked["copies"][0]["studies"] == [study], str(asked["next"]))
    report.equal("another is not", act("wu", act="answer-deletion", deleted=True).status, 404)
    answered = act("researcher", act="answer-deletion", deleted=True, text="Deleted today.")
    report.equal("he answers", answered.status, 200)
    hers = next(one for one in patient.get("/api/v1/consents").json()["consents"] if one["id"] == begun.json()["id"])
    report.equal("she reads it", (hers["copies"][0]["answer"]["deleted"], hers["copies"][0]["answer"]["text"]), (True, "Deleted today."))
    report.check("and it is recorded", len(people.cast.tally.entries("deletion-asked", "deletion-answered")) >= 2)
    found = patient.get("/fhir/Consent?patient=me")
    Bundle.model_validate(found.json())
    report.equal("all of hers as FHIR", found.json()["total"], people.count)


def _digest(consent):
    """By hand from docs/consent.md."""
    bounds = consent["bounds"]
    ((kind, name),) = consent["recipient"].items()
    lines = ["gauze-consent 1", consent["id"], consent["purpose"], f"{kind}:{name}", "deny" if consent["deny"] else "permit",
             bounds["from"] or "-", bounds["until"] or "-", ",".join(bounds["hidden"]), str(bounds["longest_side"] or "-"),
             "identified" if bounds["identified"] else "deidentified", "abroad" if bounds["abroad"] else "domestic"]
    for step in consent["steps"]:
        lines += [f"{step['act']} {len(step['text'].encode())}", step["text"]]
    return hashlib.sha256(("\n".join(lines) + "\n").encode()).hexdigest()


def _abroad(report, place):
    """Who works abroad is outside of what is not for abroad."""
    home = place.fresh("abroad")
    set_config(home, lambda text: text + '\n[consent]\nabroad = ["hospital"]\n')
    with Server(home) as server:
        people = People.__new__(People)
        people.report, people.cast, people.count = report, Cast(report, server), 0
        film = demo_film("anna-chest")
        for one in people.cast.of["researcher"].find("/instances?limit=1000&includefield=all"):
            if (one["00280010"]["Value"], one["00280011"]["Value"]) == ([film.Rows], [film.Columns]):
                people.known = {"anna-chest": tuple(one[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))}
        people.say(account="researcher")
        report.equal("not for abroad", people.looks("researcher", "anna-chest", "teaching")[0], 404)
        people.say(account="researcher", abroad=True)
        report.equal("for abroad, too", people.looks("researcher", "anna-chest", "teaching")[0], 200)
        report.equal("treatment does not ask", people.looks("referrer", "anna-chest", "treatment")[0], 200)
        people.say(role="radiologist", purpose="teaching", identified=True, abroad=True)
        opened = people.cast.of["radiologist"].open(names(film)[0], "teaching")
        report.equal("a doctor teaches under her name, masked", (opened.status, opened.json().get("visibility")), (200, "masked"))
