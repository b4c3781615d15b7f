"""Masks as DICOM Segmentation and as presentation state with bitmap shutter, and segmentations that come in (docs/masks.md).
highdicom and pydicom read what goes out and write what comes in; DCMTK shows the shutter; dciodvfy knows the standard."""

import io
import re
import subprocess

import numpy as np
import pydicom
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import (
    Segmentation, SegmentAlgorithmTypeValues, SegmentationTypeValues, SegmentDescription, segread,
)
from pydicom.sr.codedict import codes

from lib.films import demo_film, names, new_uid, renew, slices, to_bytes
from lib.http import wado
from lib.pictures import left_over
from lib.server import Server
from parts.p03_roles import BY_CHANCE, Cast

DICOM = "application/dicom"
WHOLE = 'multipart/related; type="application/dicom"'


def run(report, place):
    """Out, shown, in, round, refused."""
    with Server(place.fresh("segmentation")) as server:
        cast = Cast(report, server)
        cast.place = place
        _who(cast)
        _out(cast)
        _placed(cast)
        _shutter(cast)
        _in(cast)
        _round(cast)
        _refused(cast)
        cast.tally.agree(report, "entries in the ledger = attempts")


def at(film, rest="segmentation", query=""):
    """Where masks of a film's series are."""
    study, series, _ = film if isinstance(film, tuple) else names(film)
    return f"/api/v1/studies/{study}/series/{series}/{rest}{query}"


def fetch(cast, role, film, rest="segmentation", query=""):
    """A made object as a data set."""
    answer = cast.of[role].get(at(film, rest, query))
    cast.tally.expect("released" if answer.status == 200 else "open-refused")
    cast.report.equal(f"{role} fetches the {rest.split('/')[-1]}", (answer.status, answer.media), (200, DICOM))
    return answer.body, pydicom.dcmread(io.BytesIO(answer.body))


def bring(cast, role, film, content, status=200):
    """Sends a segmentation."""
    content = content if isinstance(content, bytes) else to_bytes(content)
    answer = cast.of[role].ask("POST", at(film), body=content, kind=DICOM)
    cast.tally.expect("mask-changed" if answer.status == 200 else "mask-refused")
    cast.report.equal(f"{role} brings a segmentation", (answer.status, answer.body[:300] if answer.status != status else b""), (status, b""))
    return answer


def planes(seg):
    """Frames as booleans, with the instance that each is about and its segment's label."""
    pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns) > 0
    labels = {s.SegmentNumber: s.SegmentLabel for s in seg.SegmentSequence}
    groups, shared = seg.PerFrameFunctionalGroupsSequence, seg.SharedFunctionalGroupsSequence[0]

    def of(group, keyword):
        return (group if keyword in group else shared)[keyword][0]

    source = [of(g, "DerivationImageSequence").SourceImageSequence[0].ReferencedSOPInstanceUID for g in groups]
    number = [of(g, "SegmentIdentificationSequence").ReferencedSegmentNumber for g in groups]
    return [(uid, labels[n], plane) for uid, n, plane in zip(source, number, pixels)]


def marked(seg, uid=None, label=None):
    """All that is marked on an instance."""
    out = np.zeros((seg.Rows, seg.Columns), bool)
    for about, kind, plane in planes(seg):
        if uid in (None, about) and label in (None, kind):
            out |= plane
    return out


def valid(cast, what, content):
    """dciodvfy finds no error."""
    path = cast.place.work / "made.dcm"
    path.write_bytes(content)
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    errors = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
    cast.report.equal(f"dciodvfy finds no error in the {what}", errors, [])


def _who(cast):
    """As for drawing: whoever may not draw learns nothing."""
    report, anna = cast.report, cast.anna
    rests = ("segmentation", f"instances/{names(anna)[2]}/presentation-state")
    for role in ("technologist", "admin", "vendor", "researcher"):
        for rest in rests:
            report.equal(f"{role}: no {rest.split('/')[-1]}", cast.of[role].get(at(anna, rest)).status, 403)
        answer = cast.of[role].ask("POST", at(anna), body=b"x", kind=DICOM)
        report.equal(f"{role} brings none", answer.status, 403)
        cast.tally.expect("not-allowed", 3)
    for role, film in (("patient", cast.max), ("referrer", cast.max)):
        for rest in rests[:1]:
            report.equal(f"{role}: of strangers nothing", cast.of[role].get(at(film, rest)).status, 404)
        answer = cast.of[role].ask("POST", at(film), body=b"x", kind=DICOM)
        report.equal(f"{role} brings none of strangers", answer.status, 404)
        cast.tally.expect("open-refused", 2)
    nowhere = (names(anna)[0], "1.2.3", "1.2.4")
    report.equal("another series is unknown", cast.of["patient"].get(at(nowhere)).status, 404)
    cast.tally.expect("release-refused")
    report.equal("another media type is refused", cast.of["patient"].ask("POST", at(anna), body={"a": 1}).status, 415)


def _out(cast):
    """What it marks is what leaves masked, to the pixel."""
    report, anna = cast.report, cast.anna
    cast.open("referrer", names(anna)[0], "treatment", visibility="masked")
    got = cast.pixels("referrer", anna)
    content, seg = fetch(cast, "referrer", anna)
    valid(cast, "segmentation", content)
    read = segread(io.BytesIO(content))
    report.equal("highdicom reads its segments", read.number_of_segments, len(seg.SegmentSequence))
    report.equal("of this film", [str(uid) for uid in read.get_source_image_uids()[0]], list(names(anna)))
    by_highdicom = read.get_pixels_by_source_instance([names(anna)[2]], combine_segments=False).astype(bool)[0].any(axis=-1)
    hidden = marked(seg)
    report.check("pydicom and highdicom read the same bits", (by_highdicom == hidden).all(), f"({hidden.mean():.2f} of the film)")
    report.check("outside, every pixel is as acquired", (got == anna.pixel_array)[~hidden].all())
    changed = (got != anna.pixel_array)[hidden].mean()
    report.check("inside, it is hidden", changed > 0.9, f"({changed:.3f} changed)")
    report.check("kinds are told apart", {"Breast", "Abdomen"} <= {label for _, label, _ in planes(seg)}, str({p[1] for p in planes(seg)}))
    report.equal("the words are the film's", (seg.PatientName, seg.PatientID, seg.StudyInstanceUID), (anna.PatientName, anna.PatientID, anna.StudyInstanceUID))
    report.check("no frame of reference where the film has none", "FrameOfReferenceUID" not in seg or "FrameOfReferenceUID" in anna)
    _, by_officer = fetch(cast, "officer", anna)
    report.equal("the officer gets it without a name", (str(by_officer.PatientName), by_officer.PatientID, by_officer.AccessionNumber), ("", "", ""))
    report.check("not a word of hers", not any(str(w).encode() in to_bytes(by_officer) for w in (anna.PatientID, "Probe", anna.AccessionNumber)))
    report.check("each is another object of one series", (by_officer.SOPInstanceUID != seg.SOPInstanceUID, by_officer.SeriesInstanceUID) == (True, seg.SeriesInstanceUID))
    what = {e["details"]["what"] for e in cast.tally.entries("released")}
    report.check("the ledger says what left", "segmentation" in what, str(what))


def _stow(cast, films):
    answer = cast.of["technologist"].stow([to_bytes(film) for film in films])
    cast.tally.expect("stored", len(films))
    cast.report.equal("films arrive", answer.status, 200)


def _placed(cast):
    """Slices in a frame of reference."""
    report, films = cast.report, [pydicom.dcmread(io.BytesIO(content)) for _, content in slices(4)]
    frame = new_uid()
    for at_, film in enumerate(films):
        film.FrameOfReferenceUID, film.PositionReferenceIndicator = frame, ""
        film.ImagePositionPatient, film.ImageOrientationPatient = [-40.5, -40.5, 2.5 * at_], [1, 0, 0, 0, 1, 0]
        film.PixelSpacing, film.SliceThickness = [0.75, 0.8], 2.5
    _stow(cast, films)
    corners = [[10, 12], [31, 12], [31, 41], [10, 41]]
    drawn = {"instance": names(films[2])[2], "frame": None, "kind": "drawn", "polygon": corners}
    body = {"expect_version": 0, "regions": [drawn]}
    answer = cast.of["officer"].ask("PUT", f"/api/v1/studies/{names(films[0])[0]}/masks", body=body)
    cast.tally.expect("mask-changed")
    report.equal("the officer draws on one slice", answer.status, 200)
    content, seg = fetch(cast, "officer", films[0])
    valid(cast, "segmentation of slices", content)
    report.equal("it lies in their frame of reference", seg.FrameOfReferenceUID, frame)
    by_uid = {names(film)[2]: film for film in films}
    places = [
        (g.PlanePositionSequence[0].ImagePositionPatient, by_uid[uid].ImagePositionPatient)
        for g, (uid, _, _) in zip(seg.PerFrameFunctionalGroupsSequence, planes(seg))
    ]
    report.check("each frame lies where its slice does", all(a == b for a, b in places), f"({len(places)} frames)")
    expected = np.zeros((96, 96), bool)
    expected[12:41, 10:31] = True
    report.check("what was drawn is on its slice", (marked(seg, names(films[2])[2], "Drawn by a person") == expected).all())
    report.check("and on no other", not any(marked(seg, names(f)[2], "Drawn by a person").any() for f in films if f is not films[2]))
    _, one = fetch(cast, "officer", films[0], query=f"?instance={names(films[2])[2]}")
    report.equal("one instance alone", {uid for uid, _, _ in planes(one)}, {names(films[2])[2]})


def _shutter(cast):
    """DCMTK shows black where a bit is set, and the rest as without it."""
    report, anna = cast.report, cast.anna
    rest = f"instances/{names(anna)[2]}/presentation-state"
    content, state = fetch(cast, "patient", anna, rest)
    valid(cast, "presentation state", content)
    _, seg = fetch(cast, "patient", anna)
    bits = np.unpackbits(np.frombuffer(state[0x60003000].value, np.uint8), bitorder="little")
    hidden = bits[: anna.Rows * anna.Columns].reshape(anna.Rows, anna.Columns).astype(bool)
    report.check("it hides what the segmentation marks", (hidden == marked(seg)).all())
    report.equal("it is about this film", state.ReferencedSeriesSequence[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID, names(anna)[2])
    shown = _shown(cast, anna, content)
    for keyword in ("ShutterShape", "ShutterOverlayGroup", "ShutterPresentationValue"):
        delattr(state, keyword)
    for element in [e.tag for e in state if e.tag.group == 0x6000]:
        del state[element]
    open_ = _shown(cast, anna, to_bytes(state))
    report.check("DCMTK shows black there", (shown[hidden] == 0).all() and open_[hidden].std() > 1, f"({open_[hidden].std():.0f} without)")
    report.check("and all else as without", (shown[~hidden] == open_[~hidden]).all())


def _shown(cast, film, state):
    paths = [cast.place.work / name for name in ("state.dcm", "film.dcm", "shown.pgm")]
    paths[0].write_bytes(state)
    paths[1].write_bytes(to_bytes(film))
    done = subprocess.run(["dcmp2pgm", "-p", *map(str, paths)], capture_output=True, text=True, check=False)
    cast.report.equal("dcmp2pgm takes it", (done.returncode, done.stderr), (0, ""))
    raw = paths[2].read_bytes()
    head = re.match(rb"P5\s+(?:#[^\n]*\n)?(\d+)\s+(\d+)\s+(\d+)\s", raw)
    columns, rows = int(head.group(1)), int(head.group(2))
    return np.frombuffer(raw, np.uint8, rows * columns, head.end()).reshape(rows, columns)


def made(films, mask, kind=SegmentationTypeValues.BINARY):
    """A segmentation by highdicom."""
    algorithm = AlgorithmIdentificationSequence("hand", codes.cid7162.ArtificialIntelligence, "1")
    segment = SegmentDescription(
        1, "to hide", codes.cid7150.AnatomicalStructure, codes.cid7151.Breast, SegmentAlgorithmTypeValues.SEMIAUTOMATIC, algorithm
    )
    return Segmentation(
        films, mask, kind, [segment], new_uid(), 7, new_uid(), 1, "tests", "tests", "1", "1", omit_empty_frames=False,
        max_fractional_value=200,
    )


def disc(film, column, row, radius):
    """One frame with a disc."""
    y, x = np.mgrid[: film.Rows, : film.Columns]
    return ((x - column) ** 2 + (y - row) ** 2 < radius**2)[np.newaxis]


def _in(cast):
    """What highdicom marks is hidden on every way out."""
    report, anna = cast.report, cast.anna
    mask = disc(anna, 360, 230, 40)
    mask[0, 225:235, 355:365] = False  # a hole, which is filled
    answer = bring(cast, "patient", anna, made([anna], mask.astype(np.uint8)))
    report.equal("it is her drawing", len(answer.json()["regions"]), 1)
    cast.pixels("referrer", anna, status=403)
    cast.open("referrer", names(anna)[0], "treatment", visibility="masked", mask_version=answer.json()["version"])
    _, seg = fetch(cast, "patient", anna)
    drawn = marked(seg, label="Drawn by a person")
    report.check("every marked pixel is covered", drawn[mask[0]].all())
    more = drawn & ~disc(anna, 360, 230, 44)[0]
    report.check("and little more", not more.any(), f"({drawn.sum() / mask.sum():.2f} of the disc)")
    box = (336, 206, 384, 254)
    for what, path, accept in (
        ("frame", "/frames/1", 'multipart/related; type="application/octet-stream"'),
        ("picture", "/rendered", "image/png"), ("file", "", WHOLE),
    ):
        answer = cast.of["referrer"].get(wado(names(anna), path), accept=accept)
        cast.tally.expect("released")
        got = _pixels(what, answer, anna)
        left = left_over(anna.pixel_array, got, box)
        report.check(f"the {what} hides it", left <= BY_CHANCE, f"(|r| {left:.3f})")
    again = bring(cast, "patient", anna, made([anna], mask.astype(np.uint8)))
    report.equal("the same again adds nothing", len(again.json()["regions"]), 1)
    fractions = disc(anna, 150, 230, 20).astype(float) * 0.01
    bring(cast, "patient", anna, made([anna], fractions, SegmentationTypeValues.FRACTIONAL))
    _, seg = fetch(cast, "patient", anna)
    drawn = marked(seg, label="Drawn by a person")
    report.check("a hundredth counts as marked", drawn[disc(anna, 150, 230, 20)[0]].all() and drawn[mask[0]].all())


def _pixels(what, answer, film):
    if what == "picture":
        from PIL import Image

        return np.asarray(Image.open(io.BytesIO(answer.body)).convert("L"), float)
    raw = answer.parts()[0][1]
    if what == "file":
        return pydicom.dcmread(io.BytesIO(raw)).pixel_array.astype(float)
    return np.frombuffer(raw, np.uint8)[: film.Rows * film.Columns].reshape(film.Rows, film.Columns).astype(float)


def _round(cast):
    """Out of one patient's film, into another's of the same size."""
    report, anna = cast.report, cast.anna
    other = renew(demo_film("anna-chest"))
    other.PatientID, other.PatientName, other.AccessionNumber = "GZ-7777", "Round^Trip", "R-1"
    _stow(cast, [other])
    _, seg = fetch(cast, "patient", anna)
    before = marked(seg)
    refused = bring(cast, "officer", other, seg, 400)
    report.check("of another's film it is refused", "other-image" in refused.json()["detail"], str(refused.body))
    for group in seg.PerFrameFunctionalGroupsSequence:
        group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = names(other)[2]
    bring(cast, "officer", other, seg)
    _, back = fetch(cast, "officer", other)
    after = marked(back, label="Drawn by a person")
    report.check("pointed at this one, at least as much is covered", after[before].all(), f"({after.sum() / before.sum():.3f})")
    outside = after & ~before
    report.check("and not much more", outside.mean() < 0.1, f"({outside.mean():.3f} of the film)")


def _refused(cast):
    """What does not fit changes nothing, and is recorded."""
    report, anna = cast.report, cast.anna
    path = f"/api/v1/studies/{names(anna)[0]}/masks"
    before = cast.of["patient"].get(path).json()
    mask = disc(anna, 200, 200, 30).astype(np.uint8)
    good = made([anna], mask)
    raw = to_bytes(good)
    stranger = demo_film("anna-chest")
    stranger.SOPInstanceUID = new_uid()
    unreferenced = made([anna], mask)
    for group in unreferenced.PerFrameFunctionalGroupsSequence:
        del group.DerivationImageSequence
    cropped = demo_film("anna-chest")
    cropped.Rows -= 8
    cropped.PixelData = cropped.PixelData[: cropped.Rows * cropped.Columns]
    framed = made([anna], mask)
    framed.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber = 2
    lying = made([anna], mask)
    lying.NumberOfFrames = 4_000_000_000
    more = made([anna], mask)
    more.NumberOfFrames = 2
    cases = (
        ("an image from nowhere", made([stranger], mask), 400, "other-image"),
        ("no references", unreferenced, 400, "no-reference"),
        ("other rows", made([cropped], mask[:, : cropped.Rows]), 400, "other-size"),
        ("a frame that is not there", framed, 400, "no-such-frame"),
        ("four billion frames", lying, 413, "too-many"),
        ("two frames that are one", more, 400, "unreadable"),
        ("cut in its bits", raw[:-100], 400, "truncated"),
        ("cut in its head", raw[:900], 400, "unreadable"),
        ("a film", to_bytes(anna), 400, "no-segmentation"),
        ("nothing marked", made([anna], mask * 0), 400, "empty"),
        ("noise", np.random.default_rng(5).bytes(100_000), 400, "unreadable"),
    )
    for what, content, status, reason in cases:
        answer = bring(cast, "patient", anna, content, status)
        report.check(f"{what}: {reason}", answer.json().get("detail", "").startswith(reason), str(answer.body[:200]))
    report.equal("nothing was changed", cast.of["patient"].get(path).json(), before)
    causes = {e["details"]["cause"] for e in cast.tally.entries("mask-refused")}
    report.check("each is in the ledger with its cause", {c[3] for c in cases} <= causes, str(causes))
    report.equal("the right one is taken all the same", bring(cast, "patient", anna, raw).status, 200)
