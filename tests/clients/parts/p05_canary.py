"""A known pattern and known words are put into what must be hidden; no answer holds them. The same checks find them in a
clear grant's answers, and in those of a test build whose pixel worker hides nothing (crates/app/examples/unmasked.rs)."""

import base64
import io
import json
import subprocess
import warnings

import numpy as np
import pydicom
from PIL import Image, ImageFilter

from lib.films import HIDDEN, LUNGS, MARKER, TELLTALES, TEXT, WORDS, canary, names, renew, to_bytes
from lib.http import signed_in, wado
from lib.pictures import cut, decode, left_over
from lib.server import Server, TARGET

PATTERN, FOUND = 0.1, 0.8
MULTI = 'multipart/related; type="{}"'
PICTURES = ("image/png", "image/jpeg")
# The same film as other senders encode it (PS3.5 A.4): what decodes it first must not forget to hide.
CODERS = {"RLE": ["dcmcrle"], "JPEG lossless": ["dcmcjpeg", "+e1"], "JPEG baseline": ["dcmcjpeg", "+eb", "+q", "95"]}


class Answers:
    """All answers about one film under one grant: every WADO route in every encoding."""

    def __init__(self, report, client, film, token=None):
        self.report, self.client, self.film, self.token = report, client, film, token
        self.pictures, self.texts = [], []

    def _get(self, path, accept, what):
        answer = self.client.get(path, accept=accept, token=self.token)
        self.report.check(f"{what} {accept}: answered or not served", answer.status in (200, 404, 406, 501), f"({answer.status})")
        if answer.status == 200:
            for head, content in answer.parts():
                yield head.get("content-type", head.get("Content-Type", "")).split(";")[0].strip().lower(), content

    def collect(self):
        """Fetches everything."""
        study, series, _ = self.film
        levels = {"study": f"/dicom-web/studies/{study}", "series": f"/dicom-web/studies/{study}/series/{series}",
                  "instance": wado(self.film)}
        for level, path in levels.items():
            for accept in (MULTI.format("application/dicom"), MULTI.format("application/dicom") + "; transfer-syntax=*", "*/*"):
                for media, body in self._get(path, accept, level):
                    self._file(f"{level} {media} {accept[-18:]}", body)
            for accept in ("application/dicom+json", MULTI.format("application/dicom+xml"), "application/json"):
                for media, body in self._get(path + "/metadata", accept, f"{level} metadata"):
                    self.texts.append((f"{level} metadata {media}", body))
            for rest in ("/rendered", "/rendered?window=120,160,linear", "/rendered?window=120,160,linear-exact",
                         "/rendered?window=120,80,sigmoid", "/rendered?viewport=256,256", "/rendered?viewport=512,479,0,0,512,479",
                         "/thumbnail"):
                self._shown(level, path + rest, rest)
            for media, body in self._get(path + "/pixeldata", "*/*", f"{level} pixel data"):
                self.pictures.append((f"{level} pixel data", media, body))
        for accept in (MULTI.format("application/octet-stream"), MULTI.format("application/octet-stream") + "; transfer-syntax=*",
                       MULTI.format("image/jpeg"), MULTI.format("image/jls"), "*/*"):
            for media, body in self._get(wado(self.film, "/frames/1"), accept, "frames"):
                self._frame(f"frames {accept}", media, body)
        self._shown("frame", wado(self.film, "/frames/1/rendered"), "")
        self._shown("frame", wado(self.film, "/frames/1/thumbnail"), "/thumbnail")
        self._bulk()
        wado_uri = f"/wado?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={self.film[2]}"
        for media in ("application/dicom", *PICTURES):
            for got, body in self._get(f"{wado_uri}&contentType={media}", None, "WADO-URI"):
                self._file("WADO-URI", body) if got == "application/dicom" else self.pictures.append((f"WADO-URI {media}", got, body))
        return self

    def _bulk(self):
        """Every value that the metadata name, whole; the pixels also range by range, and what is named nowhere."""
        metadata = self.client.get(wado(self.film, "/metadata"), token=self.token).json()[0]
        named = [body["BulkDataURI"].split("/bulkdata/")[1] for body in metadata.values() if "BulkDataURI" in body]
        self.report.check("bulk data: the pixels are named", "7FE00010" in named)
        for path in {*named, "00191002", "60003000", "00880200.0.7FE00010", "FFFCFFFC"}:
            for media, body in self._get(wado(self.film, f"/bulkdata/{path}"), "*/*", f"bulk data {path}"):
                self.texts.append((f"bulk data {path}", body))
                if path == "7FE00010":
                    self.pictures.append(("bulk data", media, body))
        ranges, at, whole = b"", 0, wado(self.film, "/bulkdata/7FE00010")
        while at < 479 * 512:
            got = self.client.get(whole, token=self.token, headers={"Range": f"bytes={at}-{at + 99_999}"})
            if not self.report.equal("bulk data: a range", got.status, 206):
                break
            ranges, at = ranges + got.body, at + 100_000
        self.pictures.append(("bulk data, by ranges", "application/octet-stream", ranges))

    def _shown(self, what, path, rest):
        for accept in PICTURES:
            for media, body in self._get(path, accept, f"{what}{rest}"):
                self.pictures.append((f"{what} {rest} {media}", media, body))
                self.texts.append((f"{what} {rest} {media}, its bytes", body))

    def _file(self, what, body):
        self.pictures.append((what, "application/dicom", body))
        self.texts.append((what, body))

    def _frame(self, what, media, body):
        # Stored syntaxes come for a clear grant only; a frame in one is read as a picture when it is one.
        self.pictures.append((what, "image/jpeg" if body[:2] == b"\xff\xd8" else media, body))


def strings(body):
    """A body's own bytes and what is packed in it: JSON's base64 and DICOM's deflate do not hide words."""
    out = [body]
    try:
        out += list(_inline(json.loads(body)))
    except ValueError:
        pass
    return b"\0".join(out)


def _inline(node):
    if isinstance(node, dict):
        if "InlineBinary" in node:
            yield base64.b64decode(node["InlineBinary"])
        for value in node.values():
            yield from _inline(value)
    elif isinstance(node, list):
        for value in node:
            yield from _inline(value)
    elif isinstance(node, str):
        yield node.encode()


def holds(body, word):
    """A word in any of the usual encodings."""
    text = strings(body)
    return any(word.encode(code) in text for code in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"))


def picture(media, body, shape):
    """Pixels, or nothing when this is none that can be decoded here (a stored, compressed frame)."""
    try:
        pixels = decode(media, body, shape)
    except Exception:  # noqa: BLE001 - JPEG lossless and RLE frames are no pictures to Pillow
        return None
    return pixels if pixels.ndim == 2 else pixels.mean(axis=-1)


def hidden(report, who, pixels, answers, masked=True):
    """Pattern and text are gone from every picture (or, for a clear grant, found in every one)."""
    count = worst = 0
    for what, media, body in answers.pictures:
        got = picture(media, body, pixels.shape)
        if got is None:
            report.check(f"{who}, {what}: only a clear grant gets stored syntaxes", not masked)
            continue
        count += 1
        places = {place: [box] for place, box in HIDDEN.items()}
        if min(got.shape) < min(pixels.shape):
            # A box of a thumbnail has too few pixels for a figure of its own.
            places = {"all": list(HIDDEN.values())}
        left = {place: left_over(pixels, got, *boxes) for place, boxes in {**places, "text": [TEXT]}.items()}
        if masked:
            report.check(f"{who}, {what}: pattern and text are absent", max(left.values()) <= PATTERN, _round(left))
            worst = max(worst, max(left.values()))
        else:
            # In a thumbnail the pattern's cells of 2 and 4 pixels are one or two pixels.
            floor = FOUND if min(got.shape) >= min(pixels.shape) else 0.5
            report.check(f"{who}, {what}: pattern and text are found", min(left.values()) >= floor, _round(left))
            worst = max(worst, 1 - min(left.values()))
    report.check(f"{who}: pictures were looked at", count >= 12, f"({count})")
    print(f"   {who}: {count} pictures, {'largest' if masked else 'smallest'} |r| {worst if masked else 1 - worst:.3f}")


def _round(left):
    return str({place: round(value, 3) for place, value in left.items()})


def untouched(report, who, pixels, answers):
    """Native pixels outside the mask are as acquired: in the lungs, at the marker, and on most of the film."""
    for what, media, body in answers.pictures:
        if media == "application/dicom" or what.startswith("frames") and media == "application/octet-stream":
            got = picture(media, body, pixels.shape)
            for place, box in LUNGS.items():
                report.check(f"{who}, {what}: {place} is identical", (cut(got, box) == cut(pixels, box)).all())
            report.check(f"{who}, {what}: the side marker is still there", (cut(got, MARKER) == cut(pixels, MARKER)).all())
            same = float((got == pixels).mean())
            report.check(f"{who}, {what}: a third of the film and more is identical", same > 1 / 3, f"({same:.2f})")


def telltales(report, who, answers, words, absent):
    """Words are in no answer (or, for a clear grant, in files)."""
    for place, word in words.items():
        found = [what for what, body in answers.texts if holds(body, word)]
        if absent:
            report.equal(f"{who}: {place} is in no answer", found, [])
        else:
            report.check(f"{who}: {place} is found", bool(found))


def _no_telltale_elements(report, who, answers):
    for what, body in answers.texts:
        if body[128:132] != b"DICM":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(io.BytesIO(body))
        left = [str(e.tag) for e in data if e.tag.is_private or e.tag.group & 0xFF01 == 0x6000 or e.tag in
                (0x00880200, 0x00280106, 0x00280107, 0xFFFCFFFC)]
        report.equal(f"{who}, {what}: no element that would give pixels away", left, [])
        report.equal(f"{who}, {what}: zeros before the prefix", body[:128], bytes(128))


def run(report, place):
    """With masking, without it, and with the grant that needs none."""
    with Server(place.fresh("canary")) as server:
        film, raw, pixels = canary()
        name = _store(report, server, [raw])[0]
        _examined(server)
        _clear(report, server, name, pixels)
        _referrer(report, server, name, pixels)
        _researcher(report, server, film, name, pixels)
        _encoded(report, place, server, pixels)
    _switched_off(report, place)


def _store(report, server, files):
    out = []
    for raw in files:
        answer = signed_in(server, "technologist").stow([raw])
        report.equal("the canary is stored", answer.status, 200)
        out.append(names(pydicom.dcmread(io.BytesIO(raw))))
    return out


def _examined(server, seconds=30):
    """Waits until the archive has looked at the film (the fall-back hides more, so it would prove less)."""
    import time

    officer, end = signed_in(server, "officer"), time.monotonic() + seconds
    while time.monotonic() < end:
        newest = officer.get("/api/v1/accesses?kind=examined,stored&limit=200").json()["entries"]
        kinds = [e["kind"] for e in newest if e["details"].get("duplicate") != "true"]
        if kinds.count("examined") >= kinds.count("stored"):
            return
        time.sleep(0.2)


def _clear(report, server, name, pixels):
    client = signed_in(server, "radiologist")
    report.equal("the radiologist has a clear grant", client.open(name[0], "report").json().get("visibility"), "clear")
    answers = Answers(report, client, name).collect()
    hidden(report, "clear", pixels, answers, masked=False)
    telltales(report, "clear", answers, {**WORDS, **{k: v for k, v in TELLTALES.items() if k != "preamble"}}, absent=False)
    report.check("clear: but no preamble", not any(holds(body, TELLTALES["preamble"]) for _, body in answers.texts))


def _referrer(report, server, name, pixels):
    client = signed_in(server, "referrer")
    opened = client.open(name[0], "treatment").json()
    report.equal("the referrer has a masked grant", opened.get("visibility"), "masked")
    for label, token in (("masked", None), ("masked, by token", opened.get("token"))):
        answers = Answers(report, client, name, token).collect()
        hidden(report, label, pixels, answers)
        untouched(report, label, pixels, answers)
        telltales(report, label, answers, TELLTALES, absent=True)
        _no_telltale_elements(report, label, answers)
        telltales(report, label, answers, {"comments": WORDS["comments"], "name": "Probe"}, absent=False)
        _derived(report, label, name, answers)
        if label == "masked":
            _labelled(report, answers)


def _derived(report, who, name, answers):
    """A masked file is a derived object with its own UID and says so; frames and metadata keep the UID asked for."""
    for what, body in answers.texts:
        if body[128:132] == b"DICM":
            data = pydicom.dcmread(io.BytesIO(body), stop_before_pixels=True)
            report.check(f"{who}, {what}: has a UID of its own", str(data.SOPInstanceUID) != name[2])
            report.check(f"{who}, {what}: says that it is derived", "DERIVED" in list(data.ImageType))
        elif what.startswith("instance metadata application/dicom+json"):
            got = json.loads(body)[0]["00080018"]["Value"][0]
            report.equal(f"{who}, {what}: keeps the UID asked for", got, name[2])


def _labelled(report, answers):
    """A rendered masked picture differs from the windowed native one by its outline and label, inside the mask only."""
    shown = [body for what, _, body in answers.pictures if what == "instance /rendered image/png"]
    report.check("there is a rendered picture", len(shown) == 1)
    for body in shown:
        grey = np.asarray(Image.open(io.BytesIO(body)).convert("L"))
        report.check("it is not blank", grey.std() > 5, f"({grey.std():.1f})")


def _researcher(report, server, film, name, pixels):
    client = signed_in(server, "researcher")
    found = client.find("/instances?limit=1000&includefield=all")
    sizes = [(one["00280010"]["Value"][0], one["00280011"]["Value"][0]) for one in found]
    same = [one for one, size in zip(found, sizes, strict=True) if size == pixels.shape]
    own = {"the project's date": film.StudyDate, "birth date": film.PatientBirthDate, "number": film.PatientID, "accession": "A-2601",
           "family name": "Probe", "Chinese name": "安娜", "institution": "Gauze Demo Hospital", "referring": "Doctor^Demo"}
    uids = {f"UID {at}": uid for at, uid in enumerate(name)}
    for at, one in enumerate(same):
        pseudonym = tuple(one[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
        opened = client.open(pseudonym[0], "research").json()
        report.equal("the researcher has a de-identified grant", opened.get("visibility"), "deidentified")
        answers = Answers(report, client, pseudonym).collect()
        who = f"deidentified {at + 1}"
        # The demo's own film of the same size has no pattern: only the canary can show it, and neither may.
        hidden(report, who, pixels, answers)
        telltales(report, who, answers, {**WORDS, **TELLTALES, **own, **uids}, absent=True)
        _no_telltale_elements(report, who, answers)
    report.equal("the canary and the film that it was made of", len(same), 2)
    text = json.dumps(found, ensure_ascii=False)
    report.equal("QIDO holds none of the words", [w for w in {**WORDS, **own, **uids}.values() if w in text], [])


def _encoded(report, place, server, pixels):
    for coder, command in CODERS.items():
        film, _, _ = canary()
        path, out = place.work / "canary.dcm", place.work / "encoded.dcm"
        path.write_bytes(to_bytes(renew(film)))
        subprocess.run([*command, path, out], check=True, capture_output=True, timeout=60)
        name = _store(report, server, [out.read_bytes()])[0]
        _examined(server)
        client = signed_in(server, "referrer")
        report.equal(f"{coder}: masked", client.open(name[0], "treatment").json().get("visibility"), "masked")
        hidden(report, f"masked {coder}", pixels, Answers(report, client, name).collect())
        if coder == "JPEG baseline":
            _coefficients(report, client, name, out)


def _coefficients(report, client, name, stored):
    """A masked JPEG leaves as one; what a decoder of others makes of it differs from the stored film under the mask's blocks only."""
    syntax = "1.2.840.10008.1.2.4.50"
    before = pydicom.dcmread(stored).pixel_array
    native = client.get(wado(name, "/frames/1"), accept=MULTI.format("application/octet-stream")).parts()[0][1]
    # Decoders round differently (T.81 leaves the inverse transform free within one level): more than that is the mask.
    native = np.frombuffer(native, np.uint8)[: before.size].reshape(before.shape)
    under = np.abs(native.astype(int) - before) > 2
    report.check("the mask is some of the film", 0.05 < under.mean() < 0.95, f"({under.mean():.2f})")
    blocks = _whole_blocks(under)
    # At the mask's edge a block may hold only hidden pixels that happen to have their cell's value: one block of room.
    near = _whole_blocks(np.asarray(Image.fromarray(blocks.astype(np.uint8)).filter(ImageFilter.MaxFilter(3))) > 0)
    for accept in (f"; transfer-syntax={syntax}", "; transfer-syntax=*"):
        answer = client.get(wado(name), accept=MULTI.format("application/dicom") + accept)
        if not report.equal(f"a masked file{accept}", answer.status, 200):
            continue
        file = pydicom.dcmread(io.BytesIO(answer.parts()[0][1]))
        report.equal(f"{accept}: its transfer syntax", str(file.file_meta.TransferSyntaxUID), syntax)
        report.check(f"{accept}: derived, and lossy as before", "DERIVED" in file.ImageType and file.LossyImageCompression == "01")
        after = file.pixel_array
        report.equal(f"{accept}: samples outside that differ", int((after != before)[~near].sum()), 0)
        report.check(f"{accept}: and few at the edge", (after != before)[near & ~blocks].mean() < 0.05)
        whole = np.s_[: before.shape[0] // 8 * 8, : before.shape[1] // 8 * 8]
        tiles, hidden_tiles = (a[whole].reshape(before.shape[0] // 8, 8, -1, 8) for a in (after, blocks))
        uneven = np.ptp(tiles, axis=(1, 3))[hidden_tiles.all(axis=(1, 3))]
        report.equal(f"{accept}: blocks below it that are not flat", int((uneven > 0).sum()), 0)
    answer = client.get(wado(name, "/frames/1"), accept=MULTI.format("image/jpeg") + f"; transfer-syntax={syntax}")
    if report.equal("a masked frame as image/jpeg", answer.status, 200):
        after = np.asarray(Image.open(io.BytesIO(answer.parts()[0][1])).convert("L"))
        report.equal("image/jpeg: samples outside that differ", int((after != before)[~near].sum()), 0)


def _whole_blocks(mask):
    """All of each block of 8 × 8 that a pixel of the mask lies in."""
    padded = np.pad(mask, [(0, -side % 8) for side in mask.shape])
    rows, columns = padded.shape
    blocks = padded.reshape(rows // 8, 8, columns // 8, 8).any(axis=(1, 3)).repeat(8, 0).repeat(8, 1)
    return blocks[: mask.shape[0], : mask.shape[1]]


def _switched_off(report, place):
    """The counter-proof: the same film, the same requests, a worker that hides nothing but says that it did."""
    with Server(place.fresh("unmasked"), command="serve", program=TARGET / "examples" / "unmasked") as server:
        _, raw, pixels = canary()
        name = _store(report, server, [raw])[0]
        _examined(server)
        client = signed_in(server, "referrer")
        opened = client.open(name[0], "treatment").json()
        report.equal("without masking the referrer's grant is still called masked", opened.get("visibility"), "masked")
        answers = Answers(report, client, name).collect()
        hidden(report, "masking off", pixels, answers, masked=False)
        # A derived file ends with its pixels, whoever makes it.
        kept = {k: v for k, v in TELLTALES.items() if k not in ("preamble", "padding")}
        telltales(report, "masking off", answers, {**WORDS, **kept}, absent=False)
        researcher = signed_in(server, "researcher")
        found = researcher.find("/instances?limit=1000&includefield=all")
        same = [one for one in found if (one["00280010"]["Value"][0], one["00280011"]["Value"][0]) == pixels.shape]
        leaks = []
        for one in same:
            pseudonym = tuple(one[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
            researcher.open(pseudonym[0], "research")
            answers = Answers(report, researcher, pseudonym).collect()
            leaks += [word for word in {**WORDS, "name": "Probe"}.values() if any(holds(b, word) for _, b in answers.texts)]
        report.check("masking off: the words are found in the researcher's answers", set(WORDS.values()) | {"Probe"} <= set(leaks), str(leaks))
