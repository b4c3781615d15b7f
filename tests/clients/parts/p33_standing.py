"""Masks on all films of a patient, those to come included; drawn by her, by her doctors and by the privacy officer; for whom they
hold (docs/masks.md). What is hidden is told by correlation with the original, as in p03."""

import time

import pydicom

from lib.films import LUNGS, demo_film, names, renew, to_bytes
from lib.http import wado
from lib.pictures import cut, left_over
from lib.server import Server
from parts.p03_roles import BY_CHANCE, Cast

PATH = "/api/v1/studies/{}/masks/standing"
EVERYONE, RELATED, STRANGERS = "everyone", "all-but-order", "strangers"


def run(report, place):
    """One patient's films, seen by each before and after."""
    home = place.fresh("standing")
    with Server(home) as server:
        cast = Cast(report, server)
        cast.later = demo_film("anna-chest-2024")
        _refused(cast)
        _shape(cast)
        _to_come(cast)
        _everyone(cast)
        _staff(cast)
        cast.tally.agree(report, "entries in the ledger = attempts")
    with Server(home) as server:
        cast = Cast(report, server)
        cast.open("radiologist", names(cast.anna)[0], "report", visibility="masked", may_lift=True)
        _hidden(cast, "radiologist", cast.anna, "after a restart it is hidden from who reports, too")


def wishes(cast, role, film, **more):
    """Reads the version and asks for this."""
    path = PATH.format(names(film)[0])
    now = cast.of[role].get(path)
    version = now.json()["version"] if now.status == 200 else 0
    body = {"expect_version": version, "holds_for": RELATED, "parts": [], "shapes": []} | more
    answer = cast.of[role].ask("PUT", path, body=body)
    cast.tally.expect("masks-standing" if answer.status == 200 else "mask-refused")
    return answer


def share(film, box):
    """Corners in shares of the film."""
    left, top, right, bottom = box
    corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return [[x / film.Columns, y / film.Rows] for x, y in corners]


def _hidden(cast, role, film, sentence, box=None, *, hidden=True):
    got = cast.pixels(role, film)
    box = box or LUNGS["right lung"]
    inner = (box[0] + 3, box[1] + 3, box[2] - 3, box[3] - 3)
    if hidden:
        left = left_over(film.pixel_array, got, inner)
        cast.report.check(sentence, left <= BY_CHANCE, f"(|r| {left:.3f})")
    else:
        cast.report.check(sentence, (cut(got, inner) == cut(film.pixel_array, inner)).all())


def _refused(cast):
    """Who has no business with her, and what makes no sense."""
    report, anna = cast.report, names(cast.anna)[0]
    plain = {"expect_version": 0, "holds_for": RELATED, "parts": [], "shapes": []}
    for role, status in (("technologist", 403), ("admin", 403), ("vendor", 403), ("researcher", 403)):
        answers = [cast.of[role].get(PATH.format(anna)), cast.of[role].ask("PUT", PATH.format(anna), body=plain)]
        cast.tally.expect("not-allowed", 2)
        report.equal(f"{role} may not", [a.status for a in answers], [status] * 2)
    other = cast.of["patient"].ask("PUT", PATH.format(names(cast.max)[0]), body=plain)
    cast.tally.expect("open-refused")
    report.equal("another patient's films are unknown to her", (other.status, other.code), (404, "not-found"))
    nobody = cast.of["patient"].ask("PUT", PATH.format("1.2.3.4.5"), body=plain)
    cast.tally.expect("open-refused")
    report.equal("as what does not exist", (nobody.status, nobody.code), (404, "not-found"))
    for role in ("referrer", "officer"):
        answer = wishes(cast, role, cast.anna, holds_for=EVERYONE)
        report.equal(f"{role} hides nothing from who reports", (answer.status, answer.code), (403, "not-allowed"))
    corner = [[0, 0], [0.5, 0], [0.5, 2]]
    bad = (
        {"parts": ["text"]}, {"shapes": [{"on": {"view_of": names(cast.max)[2]}, "polygon": corner[:2] + [[0, 1]]}]},
        {"shapes": [{"on": {"view_of": names(cast.anna)[2]}, "polygon": corner}]},
    )
    for more in bad:
        report.equal("nonsense is refused", wishes(cast, "patient", cast.anna, **more).status, 400)
    for body in ({**plain, "holds_for": "nobody"}, {**plain, "more": 1}, {"expect_version": 0}):
        report.equal("so is another form", cast.of["patient"].ask("PUT", PATH.format(anna), body=body).status, 400)


def _shape(cast):
    """A shape drawn on one film is on her other films of the view, at once."""
    report = cast.report
    for film in (cast.anna, cast.later):
        cast.open("referrer", names(film)[0], "treatment", visibility="masked")
    _hidden(cast, "referrer", cast.anna, "before, the lung is seen", hidden=False)
    copy = _copy(cast)
    box = share(cast.anna, LUNGS["right lung"])
    since = time.monotonic()
    answer = wishes(cast, "patient", cast.anna, shapes=[{"on": {"view_of": names(cast.anna)[2]}, "polygon": box}])
    took = time.monotonic() - since
    report.equal("she wishes it", answer.status, 200)
    report.check("within 500 ms", took < 0.5, f"({1000 * took:.0f} ms)")
    told = answer.json()
    report.check("the answer names the view, not the film", "view" in told["shapes"][0]["on"], str(told["shapes"][0]["on"]))
    cast.pixels("referrer", cast.anna, status=403)
    cast.pixels("referrer", cast.later, status=403)
    for film in (cast.anna, cast.later):
        cast.open("referrer", names(film)[0], "treatment", visibility="masked", mask_version=told["version"])
        _hidden(cast, "referrer", film, "now it is hidden", _scaled(film))
    report.check("a copy is another object than the one before", _copy(cast) != copy)
    cast.open("radiologist", names(cast.anna)[0], "report", visibility="clear")
    cast.clear("radiologist", cast.anna)
    cast.open("patient", names(cast.anna)[0], "own", visibility="clear")
    cast.clear("patient", cast.anna)


def _scaled(film):
    anna = demo_film("anna-chest")
    left, top, right, bottom = LUNGS["right lung"]
    across, down = film.Columns / anna.Columns, film.Rows / anna.Rows
    return tuple(round(v) for v in (left * across, top * down, right * across, bottom * down))


def _copy(cast):
    answer = cast.of["referrer"].get(wado(names(cast.anna)), accept='multipart/related; type="application/dicom"')
    cast.tally.expect("released")
    return str(pydicom.dcmread(pydicom.filebase.DicomBytesIO(answer.parts()[0][1])).SOPInstanceUID)


def _to_come(cast):
    """A film that comes after the wish."""
    film = renew(demo_film("anna-chest"))
    film.AccessionNumber = "A-NEW"
    answer = cast.of["technologist"].stow([to_bytes(film)])
    cast.tally.expect("stored")
    cast.report.equal("a new film of hers arrives", answer.status, 200)
    cast.open("referrer", names(film)[0], "treatment", visibility="masked")
    _hidden(cast, "referrer", film, "and is hidden there as she wished")


def _everyone(cast):
    """From who reports under an order, too; one key gives it back."""
    report, anna = cast.report, names(cast.anna)[0]
    box = share(cast.anna, LUNGS["right lung"])
    shapes = [{"on": {"view_of": names(cast.anna)[2]}, "polygon": box}]
    report.equal("she widens it", wishes(cast, "patient", cast.anna, holds_for=EVERYONE, parts=["breast"], shapes=shapes).status, 200)
    cast.pixels("radiologist", cast.anna, status=403)
    cast.open("radiologist", anna, "report", visibility="masked", may_lift=True)
    _hidden(cast, "radiologist", cast.anna, "it is hidden from who reports")
    cast.lift("radiologist", anna, visibility="clear", lifted=True)
    cast.clear("radiologist", cast.anna)
    masks = cast.of["patient"].get(f"/api/v1/studies/{anna}/masks").json()
    report.equal("her mask sets say for whom", masks["holds_for"], EVERYONE)


def _staff(cast):
    """Doctor and officer draw; each replaces its own only."""
    report, later = cast.report, names(cast.later)
    left, top, right, bottom = 20, 20, 120, 120
    drawn = {"instance": later[2], "frame": None, "kind": "drawn", "polygon": [[left, top], [right, top], [right, bottom], [left, bottom]]}
    masks = cast.of["referrer"].get(f"/api/v1/studies/{later[0]}/masks").json()
    answer = cast.of["referrer"].ask("PUT", f"/api/v1/studies/{later[0]}/masks", body={"expect_version": masks["version"], "regions": [drawn]})
    cast.tally.expect("mask-changed")
    report.equal("a doctor who has to do with her draws", (answer.status, len(answer.json()["regions"])), (200, 1))
    hers = cast.of["patient"].get(f"/api/v1/studies/{later[0]}/masks").json()
    report.equal("she is told that another drew", (len(hers["regions"]), len(hers["others"])), (0, 1))
    officer = wishes(cast, "officer", cast.later, holds_for=STRANGERS, parts=["face"])
    report.equal("the officer wishes, who sees no picture", officer.status, 200)
    own = cast.of["patient"].get(PATH.format(later[0])).json()
    report.equal("hers stand beside", (own["holds_for"], own["parts"], len(own["shapes"])), (EVERYONE, ["breast"], 1))
    stranger = cast.of["referrer"].ask("PUT", f"/api/v1/studies/{names(cast.max)[0]}/masks", body={"expect_version": 0, "regions": []})
    ends = "mask-changed" if stranger.status == 200 else "open-refused"
    cast.tally.expect(ends)
    report.equal("with strangers he has nothing to draw", stranger.status, 404)
