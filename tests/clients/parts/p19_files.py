"""Objects as they were sent: in their transfer syntax and native, in any character set, and bit for bit."""

import io
import os
import warnings
from pathlib import Path

import pydicom
from PIL import Image, ImageCms

from lib.desk import SAMPLES, Desk, ask, of_its_own
from lib.http import wado
from lib.server import Server

EXPLICIT, JPEG, LOSSLESS = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"
RELATED = 'multipart/related; type="{}"'
OCTETS = "application/octet-stream"


# Files of the wider set that are no objects to be stored.
REFUSED = {
    "isidentifiable__FileWithLotsOfTags.dcm": "no Part 10 file", "pydicom__rtstruct.dcm": "no Part 10 file",
    "pydicom__SC_rgb_jpeg.dcm": "implicit VR under an explicit transfer syntax (DCMTK cannot read it either)",
}


def run(report, place):
    """Some files in all forms; all files whole."""
    with Server(place.fresh("files")) as server:
        desk = Desk(report, server)
        _syntaxes(report, desk)
        _words(report, desk)
    _bit_for_bit(report, place)


def _syntaxes(report, desk):
    """What is stored compressed comes so to who takes it, and native to who does not (Table 8.7.3-2)."""
    stored = {"pydicom__JPEG-LL.dcm": (LOSSLESS, "image/jpeg"), "pydicom__SC_rgb_dcmtk_+eb+cr.dcm": (JPEG, "image/jpeg"),
              "pydicom__MR_small_RLE.dcm": ("1.2.840.10008.1.2.5", "image/dicom-rle"),
              "pydicom__MR_small_jp2klossless.dcm": ("1.2.840.10008.1.2.4.90", "image/jp2")}
    files = RELATED.format("application/dicom")
    for name, (syntax, media) in stored.items():
        film = desk.opened(of_its_own((SAMPLES[0] / name).read_bytes()), name)
        client = desk.client
        if film is None:
            continue
        got = client.get(wado(film, "/frames/1"), accept=RELATED.format(media))
        label = got.parts()[0][0].get("content-type") if got.status == 200 else got.code
        report.equal(f"{name}: frames as {media}", (got.status, label), (200, f"{media}; transfer-syntax={syntax}"))
        any_ = client.get(wado(film, "/frames/1"), accept=RELATED.format(OCTETS) + "; transfer-syntax=*")
        report.check(f"{name}: any syntax is the stored one", any_.status == 200 and any_.parts()[0][1] == got.parts()[0][1])
        ask(report, client, wado(film, "/frames/1"), RELATED.format("image/jls"), 406, what=f"{name} as JPEG-LS")
        native = client.get(wado(film), accept=f"{files}; transfer-syntax={EXPLICIT}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(io.BytesIO(native.parts()[0][1])) if native.status == 200 else None
        fits = data is not None and str(data.file_meta.TransferSyntaxUID) == EXPLICIT and str(data.SOPInstanceUID) == film[2]
        report.check(f"{name}: native when asked, with its own UID", fits, f"({native.status} {native.code})")
        frame = client.get(wado(film, "/frames/1"), accept=OCTETS)
        report.check(f"{name}: the same samples as frame and file", data is not None and frame.status == 200
                     and data.PixelData[: len(frame.body)] == frame.body, f"({frame.status})")
    _profiles(report, desk)
    implicit = of_its_own((SAMPLES[0] / "pydicom__MR_small_implicit.dcm").read_bytes())
    film = desk.opened(implicit, "implicit")
    got = desk.client.get(wado(film), accept=files)
    data, own = pydicom.dcmread(io.BytesIO(got.parts()[0][1])), pydicom.dcmread(io.BytesIO(implicit))
    report.check("implicit little endian comes explicit by default", str(data.file_meta.TransferSyntaxUID) == EXPLICIT
                 and data.PixelData == own.PixelData and data.PatientName == own.PatientName)


def _profiles(report, desk):
    """A picture in colours bears a profile when asked (ICC.1), read here by LittleCMS; a grey one none."""
    raw = of_its_own((SAMPLES[0] / "pydicom__SC_rgb_rle.dcm").read_bytes())
    film = desk.opened(raw, "colours")
    for media in ("image/png", "image/jpeg"):
        for query, named in (("", False), ("?iccprofile=no", False), ("?iccprofile=yes", True), ("?iccprofile=srgb", True)):
            got = desk.client.get(wado(film, "/rendered" + query), accept=media)
            icc = Image.open(io.BytesIO(got.body)).info.get("icc_profile") if got.status == 200 else None
            name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc))).strip() if icc else None
            report.equal(f"{media}{query}: profile", name, "sRGB" if named else None)
        same = ImageCms.profileToProfile(Image.new("RGB", (1, 1), (200, 100, 50)), ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB"))
        report.check(f"{media}: and it is sRGB", max(abs(a - b) for a, b in zip(same.getpixel((0, 0)), (200, 100, 50), strict=True)) <= 1)


# PS3.5 H.3.1, H.3.2, I.2, J.1 and others: pydicom's files of these names hold the standard's examples.
NAMES = {
    "chrH31": ("Yamada^Tarou", "山田^太郎", "やまだ^たろう"), "chrI2": ("Hong^Gildong", "洪^吉洞", "홍^길동"),
    "chrX1": ("Wang^XiaoDong", "王^小東", None), "chrGerm": ("Äneas^Rüdiger", None, None),
    "chrFren": ("Buc^Jérôme", None, None), "chrRuss": ("Люкceмбypг", None, None), "chrArab": ("قباني^لنزار", None, None),
}


def _words(report, desk):
    """Metadata in any character set are UTF-8; names keep their groups; a palette is there."""
    for short, groups in NAMES.items():
        raw = (SAMPLES[1] / f"intake-pydicom__{short}.dcm").read_bytes()
        film = desk.opened(raw, short)
        if film is None:
            continue
        got = desk.client.get(wado(film, "/metadata"))
        metadata = got.json()[0] if got.status == 200 else {}
        name = metadata.get("00100010", {}).get("Value", [{}])[0]
        keys = ("Alphabetic", "Ideographic", "Phonetic")
        report.equal(f"{short}: the name", tuple(name.get(key) for key in keys), groups)
        report.equal(f"{short}: says UTF-8", metadata.get("00080005", {}).get("Value"), ["ISO_IR 192"])
    raw = (SAMPLES[0] / "pydicom__color-pl.dcm").read_bytes()
    client, film = desk.client, desk.opened(raw, "palette")
    own, metadata = pydicom.dcmread(io.BytesIO(raw)), client.get(wado(film, "/metadata")).json()[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = pydicom.Dataset.from_json(
            metadata, lambda tag, vr, uri: client.get("/dicom-web" + uri.split("/dicom-web", 1)[1]).body)
    for colour in ("Red", "Green", "Blue"):
        key = f"{colour}PaletteColorLookupTableData"
        report.check(f"{key} is in the metadata", data.get(key) == own.get(key), str(data.get(key))[:60])


def _rounds(files):
    """Files in rounds without a SOP Instance UID twice: the second one's bytes are kept, but not served."""
    rounds, skipped = [], 0
    for path in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        if not all(data.get(key) for key in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")):
            skipped += 1  # a DICOMDIR, or a fragment: no instance (PS3.3 F.2)
            continue
        place = next((r for r in rounds if data.SOPInstanceUID not in r), None)
        if place is None:
            rounds.append(place := {})
        place[data.SOPInstanceUID] = path
    return [list(one.values()) for one in rounds], skipped


def _bit_for_bit(report, place):
    """Stored and back with `transfer-syntax=*`: every byte but the preamble, which is zeros. `GAUZE_DICOM_FOLDER`: of more files."""
    folders = [*SAMPLES, *filter(None, [os.environ.get("GAUZE_DICOM_FOLDER")])]
    rounds, skipped = _rounds(sorted(path for folder in folders for path in Path(folder).rglob("*.dcm")))
    same = 0
    for files in rounds:
        with Server(place.fresh("bits")) as server:
            desk = Desk(report, server)
            same += sum(_same(report, desk, path) for path in files)
    print(f"   {same} of {sum(map(len, rounds))} files back bit for bit, {skipped} are no instances")


def _same(report, desk, path):
    raw = path.read_bytes()
    if path.name in REFUSED:
        return not report.equal(f"{path.name}: {REFUSED[path.name]}", desk.sender.stow([raw]).status, 409)
    film = desk.opened(raw, path.name)
    if film is None:
        return False
    got = desk.client.get(wado(film), accept='multipart/related; type="application/dicom"; transfer-syntax=*')
    body = got.parts()[0][1] if got.status == 200 else b""
    for rest in ("/metadata", "/rendered", "/frames/1"):
        answer = desk.client.get(wado(film, rest))
        report.check(f"{path.name}{rest}: answered or said why not", answer.status in (200, 404, 406, 501), f"({answer.status} {answer.code})")
    return report.check(f"{path.name}: back bit for bit", body == bytes(128) + raw[128:], f"({got.status} {got.code})")
