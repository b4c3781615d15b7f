"""STOW-RS with DICOM JSON and bulk data beside it, and its responses as JSON and XML (PS3.18 §10.5, Annex F, PS3.19 A.1)."""

import io
import json
import subprocess
from xml.etree import ElementTree

import pydicom

from lib.films import demo_film, names, new_uid, renew, slices, to_bytes
from lib.http import related, signed_in, wado
from lib.server import Server

EXPLICIT, JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50"
KIND = 'multipart/related; type="application/dicom+json"; boundary={}'
BOUNDARY = "gauze-json-boundary"


def run(report, place):
    """What is sent as JSON is the same as a file; what is wrong costs nobody else."""
    with Server(place.fresh("json")) as server:
        sender = signed_in(server, "technologist")
        _native(report, server, sender)
        _compressed(report, place, server, sender)
        _without_pixels(report, server, sender)
        _partly(report, server, sender)
        _lies(report, server, sender)
        _responses(report, server, sender)


def body_of(instances, parts):
    """(headers, bytes) of each part after the JSON."""
    out = b""
    for head, content in [("Content-Type: application/dicom+json", json.dumps(instances).encode()), *parts]:
        out += f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"
    return out + f"--{BOUNDARY}--\r\n".encode()


def send(sender, instances, parts=(), study=None, accept="application/dicom+json"):
    """One request."""
    path = "/dicom-web/studies" + (f"/{study}" if study else "")
    return sender.ask("POST", path, body=body_of(instances, parts), kind=KIND.format(BOUNDARY), accept=accept)


def described(film, pixels_at):
    """The film as DICOM JSON by pydicom, its pixels elsewhere."""
    pixels = bytes(film.PixelData)
    copy = pydicom.dcmread(io.BytesIO(to_bytes(film)))
    del copy.PixelData
    value = copy.to_json_dict()
    value["7FE00010"] = {"vr": "OW", "BulkDataURI": pixels_at}
    return value, pixels


def _bulk(at, media="application/octet-stream"):
    return f"Content-Type: {media}\r\nContent-Location: {at}"


def _fetched(server, film):
    client = signed_in(server, "radiologist")
    client.open(film[0], "report")
    client.lift(film[0], "test")
    got = client.get(wado(film), accept='multipart/related; type="application/dicom"; transfer-syntax=*')
    return pydicom.dcmread(io.BytesIO(got.parts()[0][1])) if got.status == 200 else None


def _native(report, server, sender):
    film = renew(demo_film("anna-chest"))
    value, pixels = described(film, "https://sender.example/bulk/1")
    answer = send(sender, [value], [(_bulk("https://sender.example/bulk/1"), pixels)])
    report.equal("JSON with samples is stored", answer.status, 200)
    stored = answer.json()["00081199"]["Value"][0]
    report.equal("and named", stored["00081155"]["Value"][0], str(film.SOPInstanceUID))
    got = _fetched(server, names(film))
    report.check("it comes back as an object", got is not None)
    if got is None:
        return
    different = [e.keyword for e in film if e.keyword not in ("PixelData", "SpecificCharacterSet") and got.get(e.tag) != e]
    report.equal("with every element that was sent", different, [])
    report.check("and every sample", got.PixelData == film.PixelData)
    # The study that the path names, and another one.
    film = renew(demo_film("anna-chest"))
    value, pixels = described(film, "b")
    report.equal("to its own study", send(sender, [value], [(_bulk("b"), pixels)], study=names(film)[0]).status, 200)
    film = renew(demo_film("anna-chest"))
    value, pixels = described(film, "b")
    answer = send(sender, [value], [(_bulk("b"), pixels)], study=new_uid())
    report.equal("to another one: refused", (answer.status, answer.json()["00081198"]["Value"][0]["00081197"]["Value"][0]), (409, 0xC409))


def _compressed(report, place, server, sender):
    film = renew(demo_film("anna-chest"))
    path, out = place.work / "json.dcm", place.work / "json-jpeg.dcm"
    path.write_bytes(to_bytes(film))
    subprocess.run(["dcmcjpeg", "+eb", "+q", "90", "+un", path, out], check=True, capture_output=True, timeout=60)
    encoded = pydicom.dcmread(out)
    frame = pydicom.encaps.get_frame(encoded.PixelData, 0, number_of_frames=1)
    del encoded.PixelData
    renew(encoded)
    value = encoded.to_json_dict()
    value["7FE00010"] = {"vr": "OB", "BulkDataURI": "frame"}
    answer = send(sender, [value], [(_bulk("frame", f"image/jpeg; transfer-syntax={JPEG}"), frame)])
    report.equal("a JPEG frame is stored", answer.status, 200)
    got = _fetched(server, names(encoded))
    fits = got is not None and str(got.file_meta.TransferSyntaxUID) == JPEG
    report.check("in its transfer syntax", fits)
    if fits:
        back = pydicom.encaps.get_frame(got.PixelData, 0, number_of_frames=1)
        report.check("byte for byte", back[: len(frame)] == frame, f"({len(back)}, {len(frame)})")


def _without_pixels(report, server, sender):
    """Reports and small inline values; non-multipart."""
    film = renew(demo_film("anna-chest"))
    value, _ = described(film, "x")
    value = {key: body for key, body in value.items() if not key.startswith(("0028", "7FE0"))}
    value["00080016"]["Value"] = ["1.2.840.10008.5.1.4.1.1.88.11"]
    value["00091001"] = {"vr": "UN", "InlineBinary": "AAEC/w=="}
    value["00090010"] = {"vr": "LO", "Value": ["GAUZE TEST"]}
    body = json.dumps([value]).encode()
    answer = sender.ask("POST", "/dicom-web/studies", body=body, kind="application/dicom+json", accept="application/dicom+json")
    report.equal("JSON alone is stored", answer.status, 200)
    got = _fetched(server, names(film))
    report.check("with its private value", got is not None and bytes(got[0x00091001].value) == b"\x00\x01\x02\xff")


def _partly(report, server, sender):
    """Each object for itself (Table 10.5.3-1): 202, with reasons."""
    good, missing, short = (renew(demo_film("anna-chest")) for _ in range(3))
    values = [described(film, f"p{at}") for at, film in enumerate((good, missing, short))]
    broken = {"00080018": {"vr": "ZZ", "Value": ["1.2.3"]}}
    parts = [(_bulk("nobody"), b"asked for this"), (_bulk("p0"), values[0][1]), (_bulk("p2"), values[2][1][:-100])]
    answer = send(sender, [*(value for value, _ in values), broken], parts)
    report.equal("some are stored: 202", answer.status, 202)
    data = answer.json()
    stored = [item["00081155"]["Value"][0] for item in data["00081199"]["Value"]]
    report.equal("the good one", stored, [str(good.SOPInstanceUID)])
    failed = {i["00081155"]["Value"][0]: i["00081197"]["Value"][0] for i in data.get("00081198", {}).get("Value", [])}
    report.equal("the one whose pixels never came is named with a reason", failed.get(str(missing.SOPInstanceUID)), 0xA900)
    others = len(failed) - 1 + len(data.get("0008119A", {}).get("Value", []))
    report.equal("and two others failed", others, 2)
    reader = signed_in(server, "radiologist")
    for film in (missing, short):
        report.equal("nothing of them is kept", reader.find(f"/instances?SOPInstanceUID={film.SOPInstanceUID}"), [])


def _lies(report, server, sender):
    """What is no DICOM JSON, or no multipart."""
    film = renew(demo_film("anna-chest"))
    value, pixels = described(film, "p")
    for label, body in (
        ("no JSON", body_of([], [])[:-200] + b"{{{"), ("an empty list", body_of([], [])), ("a number", body_of(7, [])),
        ("10,000 deep", f"--{BOUNDARY}\r\n\r\n{'[' * 10_000}\r\n--{BOUNDARY}--".encode()),
        ("cut off", body_of([value], [(_bulk("p"), pixels)])[:-500]),
        ("bulk data first", body_of([value], [])[:0] + f"--{BOUNDARY}\r\n{_bulk('p')}\r\n\r\nx\r\n--{BOUNDARY}--".encode()),
    ):
        answer = sender.ask("POST", "/dicom-web/studies", body=body, kind=KIND.format(BOUNDARY))
        report.check(f"{label}: refused", answer.status in (400, 409), f"({answer.status} {answer.code})")
    huge = {**value, "00280010": {"vr": "US", "Value": [65535]}, "00280011": {"vr": "US", "Value": [65535]},
            "00280008": {"vr": "IS", "Value": ["2147483647"]}}
    answer = send(sender, [huge], [(_bulk("p"), pixels)])
    report.equal("2^31 frames are refused", answer.status, 409)
    big = b"[" + b" " * (17 << 20) + b"]"
    answer = sender.ask("POST", "/dicom-web/studies", body=big, kind="application/dicom+json")
    report.equal("17 MB of JSON are too large", answer.status, 413)
    answer = sender.ask("POST", "/dicom-web/studies", body=b"<x/>", kind="application/dicom+xml")
    report.equal("XML is not read, and that is said", answer.status, 415)
    report.equal("and the archive goes on", sender.stow([to_bytes(renew(demo_film("anna-chest")))]).status, 200)


def _responses(report, server, sender):
    """The response as XML, and the warning for other bytes under a known UID."""
    (name, raw), = slices(1, patient="GZ-9003")
    body, kind = related([raw, b"no DICOM"])
    answer = sender.ask("POST", "/dicom-web/studies", body=body, kind=kind, accept="application/dicom+xml")
    report.equal("XML when asked for", (answer.status, answer.media), (202, "application/dicom+xml"))
    space = {"n": "http://dicom.nema.org/PS3.19/models/NativeDICOM"}
    tree = ElementTree.fromstring(answer.body)
    uids = [v.text for v in tree.findall(".//n:DicomAttribute[@keyword='ReferencedSOPInstanceUID']/n:Value", space)]
    reasons = [v.text for v in tree.findall(".//n:DicomAttribute[@keyword='FailureReason']/n:Value", space)]
    report.equal("with the instance and the failure", (uids, reasons), ([name[2]], [str(0xC001)]))
    answer = sender.ask("POST", "/dicom-web/studies", body=body, kind=kind, accept="text/html")
    report.equal("another media type is not acceptable", answer.status, 406)
    film = pydicom.dcmread(io.BytesIO(raw))
    film.SeriesDescription = "other bytes"
    answer = sender.stow([to_bytes(film)])
    item = answer.json()["00081199"]["Value"][0] if answer.status == 202 else {}
    report.equal("other bytes of a known UID: kept, with a warning", (answer.status, item.get("00081196", {}).get("Value")), (202, [0xB006]))
    again = sender.stow([raw])
    report.check("the same bytes again: no warning", "00081196" not in again.json()["00081199"]["Value"][0])
