"""DICOMweb as PS3.18 has it, by a client that others wrote (dicomweb-client) and by requests whose answers are told by hand
from the standard: media types, transfer syntaxes, bulk data, ranges, conditions, pictures, capabilities."""

import io
import os
import socket
import ssl
import time
import warnings
from pathlib import Path

import numpy as np
import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image

from lib.films import canary, demo_film, names, new_uid, renew, slices, to_bytes
from lib.http import Client, signed_in, wado
from lib.server import ROOT, Server, set_config
from lib.tally import Tally

EXPLICIT, JPEG, LOSSLESS = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"
RELATED = 'multipart/related; type="{}"'
OCTETS = "application/octet-stream"
# Of the codec and intake samples: each transfer syntax, each kind of object, each character set.
SAMPLES = [ROOT / "testdata" / "codec", ROOT / "crates" / "dicom" / "testdata" / "dicom"]


def run(report, place):
    """Everything against one archive; then other sites' pages."""
    with Server(place.fresh("web")) as server:
        film, raw, pixels = canary()
        signed_in(server, "technologist").stow([raw])
        client = signed_in(server, "radiologist")
        client.open(names(film)[0], "report")
        _by_others(report, server, client, film, pixels)
        _types(report, client, names(film))
        _bulk(report, client, names(film), film)
        _conditions(report, server, client, names(film))
        _pictures(report, client, names(film), pixels)
        _capabilities(report, server, client, names(film))
        desk = Desk(report, server)
        _syntaxes(report, desk)
        _words(report, desk)
        _bad_requests(report, server, client, names(film))
    _bit_for_bit(report, place)
    _other_sites(report, place)


class _WithPort(requests.auth.AuthBase):
    """The library says the host without its port (RFC 9110 §7.2 wants it), and would be told addresses without one."""

    def __init__(self, host):
        self.host = host

    def __call__(self, request):
        request.headers["Host"] = self.host
        return request


def _by_others(report, server, client, film, pixels):
    """dicomweb-client: search, retrieve, frames, bulk data, store, rendered."""
    session = requests.Session()
    session.trust_env, session.verify = False, server.ca
    session.headers["Cookie"] = client.cookies()
    session.auth = _WithPort(f"{server.host}:{server.port}")
    web = DICOMwebClient(f"https://{server.host}:{server.port}/dicom-web", session=session)
    study, series, instance = names(film)
    found = web.search_for_studies(search_filters={"StudyInstanceUID": study})
    report.equal("dicomweb-client finds the study", [f["0020000D"]["Value"][0] for f in found], [study])
    found = web.search_for_instances(study, search_filters={"SOPInstanceUID": instance})
    report.equal("and its instance", len(found), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = web.retrieve_instance(study, series, instance)
        report.check("retrieve_instance gives its pixels", (read.pixel_array == pixels).all())
        report.equal("retrieve_series gives one object", len(web.retrieve_series(study, series)), 1)
        metadata = web.retrieve_instance_metadata(study, series, instance)
        data = pydicom.Dataset.from_json(metadata)
        report.equal("retrieve_instance_metadata is read by pydicom", str(data.PatientName), str(film.PatientName))
        frame, = web.retrieve_instance_frames(study, series, instance, [1], media_types=(OCTETS,))
        report.check("retrieve_instance_frames gives native samples", frame == pixels.tobytes())
        uri = metadata["7FE00010"]["BulkDataURI"]
        report.check("BulkDataURI is an address of the archive", uri.startswith(f"https://{server.host}:{server.port}/dicom-web/studies/{study}/"))
        report.check("retrieve_bulkdata gives the pixels", web.retrieve_bulkdata(uri)[0] == pixels.tobytes())
        picture = web.retrieve_instance_rendered(study, series, instance, media_types=("image/png",))
        report.equal("retrieve_instance_rendered gives a picture", Image.open(io.BytesIO(picture)).size, pixels.shape[::-1])
        frames = web.retrieve_instance_frames_rendered(study, series, instance, [1], media_types=("image/jpeg",))
        report.check("retrieve_instance_frames_rendered as well", bytes(frames).startswith(b"\xff\xd8"))
        technologist = signed_in(server, "technologist")
        session.headers["Cookie"] = technologist.cookies()
        (_, one), = slices(1, patient="GZ-9002")
        done = web.store_instances([pydicom.dcmread(io.BytesIO(one))])
        report.equal("store_instances stores", len(done.ReferencedSOPSequence), 1)


def _ask(report, client, path, accept, status, media="", what=""):
    got = client.get(path, accept=accept)
    kind = (got.headers.get("content-type") or "").split("; boundary")[0]
    fits = got.status == status and (not media or kind == media)
    report.check(f"{what or path[-40:]} {accept}: {status} {media}", fits, f"({got.status} {kind} {got.code})")
    return got


def _types(report, client, film):
    """PS3.18 §8.7: what is accepted decides the form; 406 for what is not there in it, 404 for what is not there."""
    study = f"/dicom-web/studies/{film[0]}"
    frame, single = wado(film, "/frames/1"), f"{OCTETS}; transfer-syntax={EXPLICIT}"
    files, octets = RELATED.format("application/dicom"), RELATED.format(OCTETS)
    for path, accept, status, media in (
        (study, "*/*", 200, files), (study, None, 200, files), (study, files, 200, files),
        (study, files + "; transfer-syntax=*", 200, files), (study, f"{files}; transfer-syntax={EXPLICIT}", 200, files),
        (study, f"{files}; transfer-syntax={JPEG}", 406, ""), (study, "application/dicom", 406, ""),
        (study, f"{files}; transfer-syntax={JPEG}; q=0.9, {files}; transfer-syntax={EXPLICIT}; q=0.1", 200, files),
        (study, f"{files}; q=0, text/html", 406, ""), (study, RELATED.format("application/dicom+xml"), 406, ""),
        (wado(film), "application/dicom", 200, f"application/dicom; transfer-syntax={EXPLICIT}"),
        (wado(film), "image/jpeg", 406, ""), (f"{wado(film)}?accept=application/dicom", "image/jpeg", 200, ""),
        (frame, OCTETS, 200, single), (frame, octets, 200, octets), (frame, "*/*", 200, octets),
        (frame, RELATED.format("image/jpeg"), 406, ""), (frame, RELATED.format("image/jls") + f", {octets}; q=0.5", 200, octets),
        (wado(film, "/frames/2"), octets, 404, ""), (wado(film, "/frames/0"), octets, 400, ""),
        (wado(film, "/frames/1,1"), octets, 400, ""), (study + "/pixeldata", octets, 200, octets),
        (wado(film, "/metadata"), "application/dicom+json", 200, "application/dicom+json"),
        (wado(film, "/metadata"), "application/json", 200, "application/json"),
        (wado(film, "/metadata"), RELATED.format("application/dicom+xml"), 406, ""),
        (wado(film, "/rendered"), "image/png", 200, "image/png"), (wado(film, "/rendered"), "image/gif", 406, ""),
        (wado(film, "/rendered"), RELATED.format("image/png"), 200, RELATED.format("image/png")),
        (wado(film, "/frames/1/thumbnail"), "image/jpeg", 200, "image/jpeg"),
        (study + "/rendered", "image/jpeg", 200, RELATED.format("image/jpeg")),
        (wado(film, "/bulkdata/00282000"), "*/*", 404, ""), (wado(film, "/bulkdata/nonsense"), "*/*", 404, ""),
        (study, "nonsense", 400, ""), (study, "a/b;" * 9000, 400, ""),
    ):
        _ask(report, client, path, accept, status, media)
    many = ",".join(["image/jpeg"] * 33)
    _ask(report, client, wado(film, "/rendered"), many, 400, what="33 ranges in one Accept")
    wado_uri = f"/wado?requestType=WADO&studyUID={film[0]}&seriesUID={film[1]}&objectUID={film[2]}"
    _ask(report, client, f"{wado_uri}&contentType=application/dicom&transferSyntax={EXPLICIT}", None, 200, what="WADO-URI, a syntax")
    _ask(report, client, f"{wado_uri}&contentType=application/dicom&transferSyntax={JPEG}", None, 406, what="WADO-URI, another")
    head = client.ask("HEAD", study)
    report.equal("HEAD opens nothing", (head.status, len(head.body)), (405, 0))


def _bulk(report, client, film, data):
    """Bulk data and their ranges (RFC 9110 §14)."""
    path, whole = wado(film, "/bulkdata/7FE00010"), data.PixelData
    size = len(whole)

    def part(text):
        return client.get(path, headers={"Range": text})

    got = client.get(path)
    report.equal("a value alone", (got.status, got.body == whole, got.headers["accept-ranges"]), (200, True, "bytes"))
    for text, first, last in (("bytes=0-9", 0, 9), (f"bytes={size - 5}-", size - 5, size - 1), ("bytes=-7", size - 7, size - 1),
                              (f"bytes=100-{1 << 63}", 100, size - 1)):
        got = part(text)
        report.equal(f"Range: {text}", (got.status, got.headers["content-range"], got.body == whole[first : last + 1]),
                     (206, f"bytes {first}-{last}/{size}", True))
    for text in (f"bytes={size}-", f"bytes={1 << 63}-", f"bytes={1 << 70}-{1 << 71}", "bytes=-0"):
        report.equal(f"Range: {text}: none of it is there", part(text).status, 416)
    for text in ("bytes=0-1,1-2", "bytes=" + ",".join(["0-"] * 500), "bytes=9-1", "bytes=x-y", "lines=1-2"):
        got = part(text)
        report.equal(f"Range: {text[:30]}: the whole", (got.status, len(got.body)), (200, size))
    listed = client.get(wado(film, "/metadata")).json()[0]
    for tag, body in listed.items():
        if "BulkDataURI" in body:
            got = client.get("/dicom-web" + body["BulkDataURI"].split("/dicom-web", 1)[1])
            report.check(f"{tag} is where its metadata say", got.status == 200 and len(got.body) > 1024, f"({got.status} {len(got.body)})")
    private = listed.get("00191002", {})
    report.check("a private value of the film is named", "BulkDataURI" in private or "InlineBinary" in private, str(private)[:100])


def _conditions(report, server, client, film):
    """ETags are of the bytes and of the grant; what did not change does not leave, and is recorded all the same."""
    tally = Tally(server)
    tags = {}
    for path in (wado(film), wado(film, "/metadata"), wado(film, "/frames/1"), wado(film, "/rendered"), wado(film, "/bulkdata/7FE00010")):
        first, second = client.get(path), client.get(path)
        tag = first.headers["etag"]
        tags[path] = tag
        report.check(f"{path[-12:]}: the same tag names the same bytes", tag == second.headers["etag"] and first.body == second.body)
        again = client.get(path, headers={"If-None-Match": f'"x", {tag}'})
        report.equal(f"{path[-12:]}: not again", (again.status, len(again.body), again.headers["etag"]), (304, 0, tag))
        report.equal(f"{path[-12:]}: nothing is kept on the way", again.headers["cache-control"], "no-store")
        other = client.get(path, headers={"If-None-Match": '"x"'})
        report.equal(f"{path[-12:]}: another tag", other.status, 200)
        tally.expect("released", 4)
    report.equal("each answer has its own tag", len(set(tags.values())), len(tags))
    referrer = signed_in(server, "referrer")
    referrer.open(film[0], "treatment")
    for path, tag in tags.items():
        got = referrer.get(path, headers={"If-None-Match": tag})
        report.check(f"{path[-12:]}: a masked grant's answer is another one", got.status == 200 and got.headers["etag"] != tag, f"({got.status})")
        tally.expect("released")
    tally.agree(report, "every answer and every 304 is in the ledger")


def _pictures(report, client, film, pixels):
    """PS3.18 §8.3.5.1: window, viewport, quality, annotation."""
    rows, columns = pixels.shape

    def shown(query, path="/rendered"):
        got = client.get(wado(film, f"{path}?{query}"), accept="image/png")
        return np.asarray(Image.open(io.BytesIO(got.body)).convert("L")) if got.status == 200 else got.status

    plain = shown("window=128,256,linear")
    # PS3.3 C.11.2.1.3.2: with centre 128 and width 256 a byte is itself, but for rounding.
    exact = shown("window=128,256,linear-exact")
    report.check("linear-exact of the full range", np.abs(exact.astype(int) - pixels).max() <= 1, str(np.abs(exact.astype(int) - pixels).max()))
    sigmoid = shown("window=128,128,sigmoid")
    expected = np.round(255 / (1 + np.exp(-4 * (pixels.astype(float) - 128) / 128)))
    report.check("sigmoid as the formula has it", np.abs(sigmoid - expected).max() <= 1)
    part = shown("window=128,256,linear&viewport=64,64,100,200,64,64")
    report.check("a part at its own size is those pixels", part.shape == (64, 64) and (part == plain[200:264, 100:164]).all())
    mirrored = shown("window=128,256,linear&viewport=64,64,100,200,-64,64")
    report.check("mirrored", (mirrored == plain[200:264, 100:164][:, ::-1]).all())
    report.equal("a viewport is filled, in proportion", shown("viewport=1000,1000").shape, (1000 * rows // columns, 1000))
    report.equal("and never overstepped", shown("viewport=100,50").shape, (50, 50 * columns // rows))
    report.equal("a thumbnail", max(shown("", "/thumbnail").shape), 256)
    words = shown("annotation=patient")
    report.check("annotation darkens a corner and nothing else",
                 (words[:60, :60] != shown("")[:60, :60]).any() and (words[100:] == shown("")[100:]).all())
    for query in ("window=1,0", "window=1,2,cubic", "viewport=0,1", "viewport=9000,1", "viewport=9,9,1,1,1", "quality=0", "quality=101",
                  f"viewport=9,9,{columns},0,5,5", "viewport=9,9,0,0,NaN,1"):
        report.equal(f"{query} is refused", shown(query), 400)
    report.equal("a profile that is not made is refused", shown("iccprofile=displayp3"), 501)
    small, large = (len(client.get(wado(film, f"/rendered?quality={q}"), accept="image/jpeg").body) for q in (20, 95))
    report.check("quality changes the size", small * 2 < large, f"({small}, {large})")


def _capabilities(report, server, client, film):
    nobody = Client(server)
    got = nobody.ask("OPTIONS", "/dicom-web/")
    report.equal("OPTIONS answers WADL", (got.status, got.media), (200, "application/vnd.sun.wadl+xml"))
    from xml.etree import ElementTree

    space = {"w": "http://wadl.dev.java.net/2009/02"}
    paths = [r.get("path") for r in ElementTree.fromstring(got.body).findall(".//w:resource", space)]
    report.check("which is well-formed and names the resources", "studies/{study}/metadata" in paths, str(paths)[:200])
    got = nobody.get("/dicom-web/", accept="application/json")
    report.equal("and as JSON", sorted(r["path"] for r in got.json()["resources"]), sorted(paths))
    got = nobody.ask("OPTIONS", f"/dicom-web/studies/{film[0]}")
    report.equal("OPTIONS of a path says its methods", (got.status, got.headers["allow"]), (204, "POST, GET, OPTIONS"))


class Desk:
    """Stores files and opens them clear: by a lift, since nobody ordered them."""

    def __init__(self, report, server):
        self.report, self.client = report, signed_in(server, "radiologist")
        self.sender = signed_in(server, "technologist")

    def opened(self, raw, label):
        """The file's names, or nothing."""
        answer = self.sender.stow([raw])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            film = names(pydicom.dcmread(io.BytesIO(raw), stop_before_pixels=True, force=True))
        if not self.report.check(f"{label} is stored", answer.status == 200, f"({answer.status} {answer.body[:300]})"):
            return None
        self.client.open(film[0], "report")
        lifted = self.client.lift(film[0], "conformance")
        fits = lifted.status == 200 and lifted.json()["visibility"] == "clear"
        return film if self.report.check(f"{label} is opened clear", fits, f"({lifted.status} {lifted.body[:200]})") else None


def _of_its_own(raw):
    """The same file under a SOP Instance UID of its own, of the same length: several samples share one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        uid = str(pydicom.dcmread(io.BytesIO(raw), stop_before_pixels=True).SOPInstanceUID)
    own = ("2.25." + new_uid()[5:].lstrip("0") + "7" * 64)[: len(uid)]
    return raw.replace(uid.encode(), own.encode())


def _syntaxes(report, desk):
    """What is stored compressed comes so to who takes it, and native to who does not (Table 8.7.3-2)."""
    stored = {"pydicom__JPEG-LL.dcm": (LOSSLESS, "image/jpeg"), "pydicom__SC_rgb_dcmtk_+eb+cr.dcm": (JPEG, "image/jpeg"),
              "pydicom__MR_small_RLE.dcm": ("1.2.840.10008.1.2.5", "image/dicom-rle"),
              "pydicom__MR_small_jp2klossless.dcm": ("1.2.840.10008.1.2.4.90", "image/jp2")}
    files = RELATED.format("application/dicom")
    for name, (syntax, media) in stored.items():
        film = desk.opened(_of_its_own((SAMPLES[0] / name).read_bytes()), name)
        client = desk.client
        if film is None:
            continue
        got = client.get(wado(film, "/frames/1"), accept=RELATED.format(media))
        label = got.parts()[0][0].get("content-type") if got.status == 200 else got.code
        report.equal(f"{name}: frames as {media}", (got.status, label), (200, f"{media}; transfer-syntax={syntax}"))
        any_ = client.get(wado(film, "/frames/1"), accept=RELATED.format(OCTETS) + "; transfer-syntax=*")
        report.check(f"{name}: any syntax is the stored one", any_.status == 200 and any_.parts()[0][1] == got.parts()[0][1])
        _ask(report, client, wado(film, "/frames/1"), RELATED.format("image/jls"), 406, what=f"{name} as JPEG-LS")
        native = client.get(wado(film), accept=f"{files}; transfer-syntax={EXPLICIT}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(io.BytesIO(native.parts()[0][1])) if native.status == 200 else None
        fits = data is not None and str(data.file_meta.TransferSyntaxUID) == EXPLICIT and str(data.SOPInstanceUID) == film[2]
        report.check(f"{name}: native when asked, with its own UID", fits, f"({native.status} {native.code})")
        frame = client.get(wado(film, "/frames/1"), accept=OCTETS)
        report.check(f"{name}: the same samples as frame and file", data is not None and frame.status == 200
                     and data.PixelData[: len(frame.body)] == frame.body, f"({frame.status})")
    implicit = _of_its_own((SAMPLES[0] / "pydicom__MR_small_implicit.dcm").read_bytes())
    film = desk.opened(implicit, "implicit")
    got = desk.client.get(wado(film), accept=files)
    data, own = pydicom.dcmread(io.BytesIO(got.parts()[0][1])), pydicom.dcmread(io.BytesIO(implicit))
    report.check("implicit little endian comes explicit by default", str(data.file_meta.TransferSyntaxUID) == EXPLICIT
                 and data.PixelData == own.PixelData and data.PatientName == own.PatientName)


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
    film = desk.opened(raw, path.name)
    if film is None:
        return False
    got = desk.client.get(wado(film), accept='multipart/related; type="application/dicom"; transfer-syntax=*')
    body = got.parts()[0][1] if got.status == 200 else b""
    for rest in ("/metadata", "/rendered", "/frames/1"):
        answer = desk.client.get(wado(film, rest))
        report.check(f"{path.name}{rest}: answered or said why not", answer.status in (200, 404, 406, 501), f"({answer.status} {answer.code})")
    return report.check(f"{path.name}: back bit for bit", body == bytes(128) + raw[128:], f"({got.status} {got.code})")


def _bad_requests(report, server, client, film):
    """Heads, parts and addresses that no decent client sends: each is refused or cut, and the next request is answered."""
    path = wado(film)
    for label, headers, status in (
        ("65 headers", {f"X-{n}": "1" for n in range(65)}, {431}), ("a header of 70 kB", {"X-Long": "a" * 70_000}, {431}),
        ("an Accept of 30 kB", {"Accept": "a/b;c=" + "d" * 30_000}, {400, 406, 431}),
        ("an Accept of 10,000 ranges", {"Accept": "image/png," * 3000}, {400}), ("quotes that never end", {"Accept": 'a/b;c="'}, {400}),
        ("q beyond one", {"Accept": "image/png;q=1.5"}, {400}), ("10,000 tags", {"If-None-Match": '"x",' * 10_000}, {200, 304}),
    ):
        got = client.get(path, headers=headers) if "Accept" not in headers else client.get(path, accept=headers["Accept"])
        report.check(f"{label}: {sorted(status)}", got.status in status, f"({got.status})")
    got = client.get(path + "?" + "a=1&" * 200)
    report.equal("200 parameters", got.status, 400)
    report.equal("an address of 17 kB", client.get(path + "?x=" + "a" * 17_000).status, 414)
    sender = signed_in(server, "technologist")
    (_, raw), = slices(1, patient="GZ-9004")
    kind = 'multipart/related; type="application/dicom"; boundary={}'
    part = b"Content-Type: application/dicom\r\n\r\n" + raw
    for label, body, boundary, status in (
        ("another boundary than was named", b"--a\r\n" + part + b"\r\n--a--", "b", {400}),
        ("no end", b"--b\r\n" + part, "b", {400}), ("a boundary of 71 characters", b"x", "b" * 71, {400}),
        ("no boundary", b"x", "", {400, 415}), ("no part", b"--b--\r\n", "b", {400}),
        ("part headers of 9 kB", b"--b\r\nX: " + b"a" * 9000 + b"\r\n\r\nx\r\n--b--", "b", {400}),
        ("base64", b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--", "b", {400}),
    ):
        got = sender.ask("POST", "/dicom-web/studies", body=body, kind=kind.format(boundary), accept="application/dicom+json")
        report.check(f"multipart: {label}", got.status in status, f"({got.status} {got.code})")
    _slow(report, server)
    report.equal("honest requests are answered", client.get(path).status, 200)


def _slow(report, server, connections=40):
    """Heads that come byte by byte hold no place for long: all are cut, and others are served meanwhile."""
    context = ssl.create_default_context(cafile=server.ca)
    opened = []
    for _ in range(connections):
        tls = context.wrap_socket(socket.create_connection((server.host, server.port), timeout=60), server_hostname=server.host)
        tls.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        opened.append(tls)
    since = time.monotonic()
    report.equal("while 40 heads trickle, others are served", Client(server).get("/healthz").status, 200)
    alive = list(opened)
    while alive and time.monotonic() - since < 40:
        for tls in list(alive):
            try:
                tls.sendall(b"a")
                tls.settimeout(0.01)
                if not tls.recv(100):
                    alive.remove(tls)
            except TimeoutError:
                pass
            except OSError:
                alive.remove(tls)
        time.sleep(1)
    took = time.monotonic() - since
    report.check("every trickling head is cut in under 30 s", not alive and took < 30, f"({len(alive)} alive after {took:.0f} s)")


def _other_sites(report, place):
    """CORS: off unless an origin is named, letter by letter, and then for DICOMweb only."""
    home, origin = place.fresh("cors"), "https://viewer.example"
    ask = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    with Server(home) as server:
        got = Client(server).ask("OPTIONS", "/dicom-web/studies", headers=ask)
        report.equal("no origin may unless named", got.headers.get("access-control-allow-origin"), None)
    set_config(home, lambda text: text.replace("[viewing]", f'cors_origins = ["{origin}"]\n\n[viewing]', 1))
    with Server(home) as server:
        client = Client(server)
        got = client.ask("OPTIONS", "/dicom-web/studies", headers=ask)
        report.equal("a named one may ask", (got.status, got.headers["access-control-allow-origin"]), (204, origin))
        for other in ("https://evil.example", "null", origin + ".evil", origin.upper()):
            got = client.ask("OPTIONS", "/dicom-web/studies", headers={**ask, "Origin": other})
            report.equal(f"{other} may not", got.headers.get("access-control-allow-origin"), None)
        radiologist = signed_in(server, "radiologist")
        study = names(demo_film("anna-chest"))[0]
        token = radiologist.open(study, "report").json()["token"]
        got = client.get(f"/dicom-web/studies/{study}/metadata", token=token, headers={"Origin": origin})
        report.equal("with a token it reads", (got.status, got.headers["access-control-allow-origin"]), (200, origin))
        report.equal("never with credentials", got.headers.get("access-control-allow-credentials"), None)
        got = client.get("/api/v1/me", headers={"Origin": origin})
        report.equal("the API is ours alone", got.headers.get("access-control-allow-origin"), None)
        store = renew(demo_film("anna-chest"))
        answer = radiologist.stow([to_bytes(store)], headers={"Origin": origin})
        report.equal("cookies write from our own pages only", answer.status, 403)
