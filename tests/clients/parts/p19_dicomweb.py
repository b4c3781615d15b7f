"""DICOMweb as PS3.18 has it, by a client that others wrote (dicomweb-client) and by requests whose answers are told by hand
from the standard: media types, transfer syntaxes, bulk data, ranges, conditions, pictures, capabilities."""

import io
import warnings

import numpy as np
import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image

from lib.desk import ask
from lib.films import canary, names, slices
from lib.http import Client, signed_in, wado
from lib.server import Server
from lib.tally import Tally

EXPLICIT, JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50"
RELATED = 'multipart/related; type="{}"'
OCTETS = "application/octet-stream"


def run(report, place):
    """Everything against one archive and one film."""
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
        ask(report, client, path, accept, status, media)
    many = ",".join(["image/jpeg"] * 33)
    ask(report, client, wado(film, "/rendered"), many, 400, what="33 ranges in one Accept")
    wado_uri = f"/wado?requestType=WADO&studyUID={film[0]}&seriesUID={film[1]}&objectUID={film[2]}"
    ask(report, client, f"{wado_uri}&contentType=application/dicom&transferSyntax={EXPLICIT}", None, 200, what="WADO-URI, a syntax")
    ask(report, client, f"{wado_uri}&contentType=application/dicom&transferSyntax={JPEG}", None, 406, what="WADO-URI, another")
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
