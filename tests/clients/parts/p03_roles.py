"""What each role gets, by the demo's policy (DESIGN.md §5), and that all of it stands in the ledger."""

import numpy as np

from lib.films import HIDDEN, LUNGS, demo_film, names
from lib.http import signed_in, wado
from lib.pictures import cut, left_over
from lib.server import Server
from lib.tally import Tally

REASON = "night shift, called to the ward"
# What of the detail of one small box may be left by chance; shown clear it is 1.
BY_CHANCE = 0.2
NO_PICTURE = ("technologist", "officer", "admin", "vendor")


class Cast:
    """Everybody signed in, and the films by the names that they know."""

    def __init__(self, report, server):
        self.report, self.server, self.tally = report, server, Tally(server)
        self.of = {role: signed_in(server, role) for role in server.accounts}
        self.anna, self.max = demo_film("anna-chest"), demo_film("max-chest")

    def open(self, role, study, purpose, reason=None, *, status=200, **expected):
        """Opens, checks, counts."""
        answer = self.of[role].open(study, purpose, reason)
        return self._opened(f"{role} opens for {purpose}", answer, "opened", "open-refused", status, expected)

    def lift(self, role, study, *, status=200, **expected):
        """Lifts, checks, counts."""
        answer = self.of[role].lift(study, "comparison with the last film")
        return self._opened(f"{role} lifts", answer, "lifted", "open-refused", status, expected)

    def _opened(self, sentence, answer, good, bad, status, expected):
        if answer.status == 403 and answer.code == "not-allowed":
            bad = "not-allowed"
        self.tally.expect(good if answer.status == 200 else bad)
        self.report.equal(sentence, answer.status, status)
        body = answer.json() if answer.status == 200 else {"code": answer.code}
        for key, value in expected.items():
            self.report.equal(f"{sentence}: {key}", body.get(key), value)
        return body

    def pixels(self, role, film, name=None, *, status=200, token=None):
        """Native pixels of the first frame."""
        answer = self.of[role].get(wado(name or names(film), "/frames/1"), token=token,
                                   accept='multipart/related; type="application/octet-stream"')
        self.tally.expect("released" if answer.status == 200 else "release-refused")
        self.report.equal(f"{role} fetches a frame", answer.status, status)
        if answer.status != 200:
            return None
        return np.frombuffer(answer.parts()[0][1], np.uint8)[: film.Rows * film.Columns].reshape(film.Rows, film.Columns)

    def clear(self, role, film, **more):
        """The frame is as acquired."""
        got = self.pixels(role, film, **more)
        self.report.check(f"{role} gets it as acquired", got is not None and (got == film.pixel_array).all())

    def masked(self, role, film, **more):
        """Hidden where it must be, identical in the lungs."""
        got = self.pixels(role, film, **more)
        if got is None:
            return
        if film is self.anna:
            # A small box holds a dozen cells, whose chance alone is beyond 0.1 in one home of thirty.
            for place, boxes, most in [("all of it", HIDDEN.values(), 0.1)] + [(place, [box], BY_CHANCE) for place, box in HIDDEN.items()]:
                left = left_over(film.pixel_array, got, *boxes)
                self.report.check(f"{role}: {place} is hidden", left <= most, f"(|r| {left:.3f})")
            for place, box in LUNGS.items():
                same = (cut(got, box) == cut(film.pixel_array, box)).all()
                self.report.check(f"{role}: {place} is as acquired", same)
        changed = float((got != film.pixel_array).mean())
        self.report.check(f"{role}: part of the film is hidden, not all", 0.02 < changed < 0.95, f"({changed:.2f} changed)")


def run(report, place):
    """Role by role."""
    with Server(place.fresh("roles")) as server:
        cast = Cast(report, server)
        _doctors(cast)
        _researcher(cast)
        _patient(cast)
        _no_picture(cast)
        cast.tally.agree(report, "entries in the ledger = attempts")
        reasons = [e["details"].get("reason") for e in cast.tally.entries("opened", "lifted")]
        report.check("reasons are recorded", REASON in reasons and "comparison with the last film" in reasons)
        entry = cast.tally.entries("stored", "opened")[0]
        report.check("entries say who, for whom, when", all(entry.get(k) for k in ("actor", "role", "organisation", "time")), str(entry))


def _doctors(cast):
    anna, max_ = names(cast.anna)[0], names(cast.max)[0]
    cast.open("radiologist", anna, "report", visibility="clear", lifted=False)
    cast.clear("radiologist", cast.anna)
    cast.open("radiologist", max_, "report", visibility="masked", may_lift=True, lifted=False)
    cast.masked("radiologist", cast.max)
    cast.lift("radiologist", max_, visibility="clear", lifted=True)
    cast.clear("radiologist", cast.max)

    cast.open("referrer", anna, "treatment", visibility="masked", may_lift=True)
    cast.masked("referrer", cast.anna)
    lifted = cast.lift("referrer", anna, visibility="clear", lifted=True)
    cast.clear("referrer", cast.anna)
    cast.clear("referrer", cast.anna, token=lifted.get("token"))
    cast.open("referrer", max_, "treatment", status=403, code="reason-needed")
    cast.open("referrer", max_, "report", status=404, code="not-found")
    cast.pixels("referrer", cast.max, status=404)
    cast.open("referrer", max_, "treatment", REASON, visibility="masked", may_lift=False)
    cast.masked("referrer", cast.max)
    cast.lift("referrer", max_, status=404)
    cast.masked("referrer", cast.max)
    mammogram = names(demo_film("anna-mammogram"))
    cast.open("referrer", mammogram[0], "research", status=404)
    cast.open("referrer", "2.25.404", "treatment", status=404, code="not-found")
    bad = cast.of["referrer"].open(anna, "curiosity")
    cast.report.equal("an unknown purpose is no purpose", bad.status, 400)


def _researcher(cast):
    report, researcher = cast.report, cast.of["researcher"]
    original = {str(uid) for film in (cast.anna, cast.max) for uid in names(film)}
    found = researcher.find("/instances?limit=1000")
    text = str(found)
    report.check("the researcher finds films", len(found) >= 8, f"({len(found)})")
    report.check("under no original UID", not any(uid in text for uid in original))
    report.check("and no name, number, date", not any(w in text for w in ("Probe", "GZ-10", "A-26", "19780512", "20261120")))
    report.equal("a query for a name finds nobody", researcher.find("/studies?PatientName=Probe*"), [])
    report.equal("nor one for an original UID", researcher.find(f"/studies?StudyInstanceUID={names(cast.anna)[0]}"), [])
    cast.open("researcher", names(cast.anna)[0], "research", status=404, code="not-found")
    cast.pixels("researcher", cast.anna, status=404)
    pseudonym = _pseudonym(cast)
    report.check("the same film is there under other UIDs", pseudonym is not None)
    if pseudonym is None:
        return
    cast.open("researcher", pseudonym[0], "treatment", REASON, status=404)
    cast.open("researcher", pseudonym[0], "research", visibility="deidentified", may_lift=False)
    cast.masked("researcher", cast.anna, name=pseudonym)
    cast.lift("researcher", pseudonym[0], status=404)
    cast.pixels("researcher", cast.anna, name=names(cast.anna), status=404)


def _pseudonym(cast):
    """The researcher's names of `anna-chest`: by its size, which no other demo film has."""
    found = cast.of["researcher"].find("/instances?limit=1000&includefield=all")
    for one in found:
        if (one["00280010"]["Value"], one["00280011"]["Value"]) == ([cast.anna.Rows], [cast.anna.Columns]):
            return tuple(one[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
    return None


def _patient(cast):
    report, patient = cast.report, cast.of["patient"]
    study, _, instance = names(cast.anna)
    mine = patient.get("/api/v1/my-studies").json()
    numbers = {line["attributes"]["00100020"]["Value"][0] for line in mine["studies"]}
    report.equal("the patient sees her films only", (numbers, mine["total"]), ({"GZ-1001"}, 3))
    looked = next(line["looked"] for line in mine["studies"] if line["attributes"]["0020000D"]["Value"][0] == study)
    report.check("and how often somebody looked", looked >= 3, f"({looked})")
    found = {f["00100020"]["Value"][0] for f in patient.find("/studies")}
    report.equal("QIDO too", found, {"GZ-1001"})
    cast.open("patient", names(cast.max)[0], "own", status=404, code="not-found")
    cast.pixels("patient", cast.max, status=404)
    cast.open("patient", study, "own", visibility="clear")
    cast.clear("patient", cast.anna)
    seen = patient.get(f"/api/v1/accesses?study={study}&limit=200").json()["entries"]
    kinds = {e["kind"] for e in seen}
    report.check("she reads who looked, when, why, what", {"opened", "lifted", "released"} <= kinds, str(kinds))
    report.check("by function, not by name", not any("referrer1" in e["actor"] or "Remy" in str(e) for e in seen))
    cast.tally.expect("not-allowed")
    other = patient.get(f"/api/v1/accesses?study={names(cast.max)[0]}")
    report.equal("of nobody else", other.status, 404)
    _draws(cast, study, instance)


def _draws(cast, study, instance):
    report, patient = cast.report, cast.of["patient"]
    before = cast.open("referrer", study, "treatment", visibility="masked")
    cast.masked("referrer", cast.anna, token=before["token"])
    masks = patient.get(f"/api/v1/studies/{study}/masks").json()
    left, top, right, bottom = LUNGS["right lung"]
    corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
    drawn = {"instance": instance, "frame": None, "kind": "drawn", "polygon": corners}
    body = {"expect_version": masks["version"], "regions": [drawn]}
    answer = patient.ask("PUT", f"/api/v1/studies/{study}/masks", body=body)
    cast.tally.expect("mask-changed")
    report.equal("she draws a mask", answer.status, 200)
    report.check("it has a new version and says for whom it holds",
                 answer.status == 200 and answer.json()["version"] > masks["version"] and answer.json()["holds_for"])
    again = patient.ask("PUT", f"/api/v1/studies/{study}/masks", body=body)
    cast.tally.expect("mask-refused")
    report.equal("the old version is a conflict", (again.status, again.code), (409, "version-conflict"))
    cast.pixels("referrer", cast.anna, token=before["token"], status=403)
    cast.pixels("referrer", cast.anna, status=403)
    cast.open("referrer", study, "treatment", visibility="masked", mask_version=answer.json()["version"])
    got = cast.pixels("referrer", cast.anna)
    left_detail = left_over(cast.anna.pixel_array, got, (left + 3, top + 3, right - 3, bottom - 3))
    report.check("the next opening shows the mask", left_detail <= BY_CHANCE, f"(|r| {left_detail:.3f})")
    cast.open("radiologist", study, "report", visibility="clear")
    cast.clear("radiologist", cast.anna)
    for kind, corner in (("breast", 10), ("drawn", 99999)):
        bad = {"expect_version": answer.json()["version"], "regions": [{**drawn, "kind": kind, "polygon": [[corner, 1], [2, 3], [4, 5]]}]}
        cast.tally.expect("mask-refused")
        report.equal("a region that makes no sense is refused", patient.ask("PUT", f"/api/v1/studies/{study}/masks", body=bad).status, 400)
    other = names(cast.max)[0]
    report.equal("on another's film she draws nothing", patient.ask("PUT", f"/api/v1/studies/{other}/masks", body=body).status, 404)
    cast.tally.expect("open-refused")


def _no_picture(cast):
    report, study = cast.report, names(cast.anna)[0]
    for role in NO_PICTURE:
        client = cast.of[role]
        for purpose in ("treatment", "maintenance", "audit"):
            cast.open(role, study, purpose, REASON, status=403, code="not-allowed")
        cast.pixels(role, cast.anna, status=404)
        lifted = client.lift(study, REASON)
        cast.tally.expect("not-allowed")
        report.equal(f"{role} lifts nothing", lifted.status, 403)
    report.equal("the officer reads the accesses", cast.of["officer"].get("/api/v1/accesses").status, 200)
    for role in ("technologist", "admin", "vendor", "researcher", "radiologist", "referrer"):
        cast.tally.expect("not-allowed")
        report.equal(f"{role} does not", cast.of[role].get("/api/v1/accesses").status, 403)
    for role in ("officer", "admin", "vendor"):
        cast.tally.expect("not-allowed")
        report.equal(f"{role} finds nobody", cast.of[role].get("/dicom-web/studies").status, 403)
