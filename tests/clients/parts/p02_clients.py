"""DCMTK, curl and pydicom as a hospital uses them."""

import io
import json
import subprocess
import warnings

import pydicom

from lib import dimse
from lib.films import canary, data_of, demo_film, names, renew, slices, to_bytes
from lib.http import Client, related, signed_in, wado
from lib.server import Server, set_config


def run(report, place):
    """Stores by each way, fetches by each."""
    with Server(place.fresh("clients")) as server:
        _echo(report, server)
        _certificates(report, place, server)
        _dimse(report, place, server)
        _curl(report, place, server)
        _stow(report, server)
        _reading(report, server)
    _devices(report, place)


def _echo(report, server):
    own = dimse.with_certificate(server, *server.modality)
    for label, arguments, tls in (("plain on loopback", (), False), ("TLS with the modality's certificate", own, True)):
        status, said = dimse.run("echoscu", server, *arguments, tls=tls)
        report.check(f"C-ECHO, {label}", status == 0, said[-300:])
    status, _ = dimse.run("echoscu", server, called="SOMEBODY")
    report.check("another called AE title is refused", status != 0)


def openssl(*arguments):
    """Runs openssl."""
    subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=True, timeout=60)


def _make(folder, name, ca=None):
    key, pem, request = (folder / f"{name}.{end}" for end in ("key", "pem", "csr"))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj", f"/CN={name}")
    if ca is None:
        openssl("req", "-x509", "-days", "2", *curve, "-out", pem)
    else:
        openssl("req", *curve, "-out", request)
        client = folder / "client.ext"
        client.write_text("basicConstraints = CA:FALSE\nextendedKeyUsage = clientAuth\n")
        openssl("x509", "-req", "-in", request, "-days", "2", "-CA", ca / "ca.pem", "-CAkey", ca / "ca.key", "-extfile", client,
                "-CAcreateserial", "-CAserial", folder / f"{name}.srl", "-out", pem)
    return str(key), str(pem)


def _certificates(report, place, server):
    (name, film), = slices(1)
    path = place.work / "one.dcm"
    path.write_bytes(film)
    tls = server.home / "keys" / "tls"
    wrong = {
        "made by somebody else": dimse.with_certificate(server, *_make(place.work, "stranger")),
        "of our authority, of no configured device": dimse.with_certificate(server, *_make(place.work, "other", tls)),
        "none at all": ("+tla", "+cf", server.ca),
    }
    for label, arguments in wrong.items():
        status, _ = dimse.run("echoscu", server, *arguments, tls=True)
        stored, said = dimse.run("storescu", server, *arguments, "-d", tls=True, files=[path])
        report.check(f"certificate {label}: refused", stored != 0 or not dimse.acknowledged(said), said[-300:])
        # C-ECHO says nothing of anybody; only who has no certificate of our authority gets no association at all.
        report.check(f"certificate {label}: echo", (status == 0) == ("configured" in label), f"({status})")
    radiologist = signed_in(server, "radiologist")
    report.equal("and nothing was stored", radiologist.find(f"/instances?SOPInstanceUID={name[2]}"), [])
    status, _ = dimse.run("echoscu", server, "-ic", "+tls", *server.modality, tls=False)
    report.check("TLS to the plain port does not pass", status != 0)
    ours = dimse.with_certificate(server, *server.modality)
    strange = [a if a != server.ca else _make(place.work, "nobody")[1] for a in ours]
    status, _ = dimse.run("echoscu", server, *strange, tls=True)
    report.check("a client that trusts another authority does not talk to it", status != 0)


def _dimse(report, place, server):
    own = dimse.with_certificate(server, *server.modality)
    ways = [("dcmsend, plain", "dcmsend", (), False), ("storescu, plain", "storescu", (), False),
            ("storescu over TLS", "storescu", own, True)]
    for label, tool, arguments, tls in ways:
        film = renew(demo_film("anna-chest"))
        name, raw = names(film), to_bytes(film)
        path = place.work / "film.dcm"
        path.write_bytes(raw)
        status, said = dimse.run(tool, server, *arguments, "-d", tls=tls, files=[path])
        report.check(f"{label}: success", status == 0 and "0x0000" in said, said[-300:])
        radiologist = signed_in(server, "radiologist")
        opened = radiologist.open(name[0], "report")
        report.equal(f"{label}: opened at once, clear", (opened.status, opened.json().get("visibility")), (200, "clear"))
        answer = radiologist.get(wado(name), accept='multipart/related; type="application/dicom"')
        parts = answer.parts() if answer.status == 200 else []
        report.check(f"{label}: comes back bit for bit", len(parts) == 1 and data_of(raw) == data_of(parts[0][1]),
                     f"({answer.status}, {len(answer.body)} bytes)")


def _curl(report, place, server):
    film = renew(demo_film("lucia-chest"))
    body, kind = related([to_bytes(film)])
    path = place.work / "stow.bin"
    path.write_bytes(body)
    technologist = signed_in(server, "technologist")
    url = f"https://{server.host}:{server.port}/dicom-web/studies"
    base = ["curl", "-sS", "--cacert", server.ca, "-o", "-", "-w", "\n%{http_code}", "-H", f"Content-Type: {kind}",
            "-H", "Accept: application/dicom+json", "--data-binary", f"@{path}"]

    def curl(*more):
        done = subprocess.run([*base, *more, url], capture_output=True, text=True, timeout=60, check=False)
        text, _, status = done.stdout.rpartition("\n")
        return int(status or 0), text or done.stderr

    status, text = curl("-b", technologist.cookies())
    stored = json.loads(text)["00081199"]["Value"][0]["00081155"]["Value"][0] if status == 200 else text
    report.equal("curl stores by STOW", (status, stored), (200, str(film.SOPInstanceUID)))
    status, text = curl()
    report.equal("without a session it does not", status, 401)
    status, text = curl("-b", technologist.cookies(), "-H", "Sec-Fetch-Site: cross-site")
    report.check("nor from another site's page", status == 403, f"({status} {text})")
    done = subprocess.run(["curl", "-sS", url], capture_output=True, text=True, timeout=60, check=False)
    report.check("curl without our authority does not talk to it", done.returncode == 60, str(done.returncode))


def _stow(report, server):
    """A polyglot's preamble does not leave; every other byte does."""
    film, raw, _ = canary()
    name = names(film)
    answer = signed_in(server, "technologist").stow([raw])
    report.equal("STOW of a film with a full preamble", answer.status, 200)
    radiologist = signed_in(server, "radiologist")
    radiologist.open(name[0], "report")
    for accept in ("application/dicom", "application/dicom; transfer-syntax=*", "*/*"):
        kind = f'multipart/related; type="{accept.split(";")[0]}"' if accept != "*/*" else accept
        kind += "; transfer-syntax=*" if "=*" in accept else ""
        got = radiologist.get(wado(name), accept=kind)
        body = got.parts()[0][1] if got.status == 200 else got.body
        report.check(f"back bit for bit but for the preamble ({accept})", body[128:] == raw[128:], f"({got.status})")
        report.equal(f"the preamble is zeros ({accept})", body[:128], bytes(128))
    again = signed_in(server, "technologist").stow([raw])
    report.equal("the same bytes again are no error", again.status, 200)
    count = len(radiologist.find(f"/instances?SOPInstanceUID={name[2]}"))
    report.equal("and no second instance", count, 1)
    other = renew(demo_film("anna-chest"))
    wrong = signed_in(server, "technologist").stow([to_bytes(other)], study=name[0])
    report.check("STOW to one study takes no other", wrong.status in (400, 409), f"({wrong.status})")
    report.equal("and keeps nothing of it", radiologist.find(f"/studies?StudyInstanceUID={other.StudyInstanceUID}"), [])


def _reading(report, server):
    """pydicom reads instance and metadata; QIDO finds by wildcard, range and page."""
    radiologist = signed_in(server, "radiologist")
    film = demo_film("anna-chest")
    name = names(film)
    radiologist.open(name[0], "report")
    answer = radiologist.get(wado(name), accept='multipart/related; type="application/dicom"')
    read = pydicom.dcmread(io.BytesIO(answer.parts()[0][1]))
    report.check("pydicom reads the instance", read.PatientName == film.PatientName and (read.pixel_array == film.pixel_array).all())
    answer = radiologist.get(wado(name, "/metadata"), accept="application/dicom+json")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = pydicom.Dataset.from_json(answer.json()[0])
    report.equal("pydicom reads the metadata", (str(data.PatientName), data.Rows), (str(film.PatientName), film.Rows))
    report.check("which hold no pixels", "PixelData" not in data or not data["PixelData"].value)
    for query, count in (
        ("PatientName=probe*", 3), ("PatientName=*安娜*", 3), ("PatientID=GZ-1006", 2), ("PatientID=GZ-10?6", 2),
        ("StudyDate=20261120-20261121&PatientID=GZ-1002", 2), ("AccessionNumber=A-2605", 1), ("PatientID=NOBODY", 0),
        ("PatientID=GZ-1005&limit=2", 2), ("PatientID=GZ-1005&limit=2&offset=2", 1),
    ):
        found = [f for f in radiologist.find(f"/studies?{_quoted(query)}") if _demo(f)]
        report.equal(f"QIDO {query}", len(found), count)


def _quoted(query):
    from urllib.parse import quote

    return quote(query, safe="=&?*-")


def _demo(entry):
    """Not one of the films that this part stored itself."""
    from lib.films import demo_files

    uids = {str(pydicom.dcmread(io.BytesIO(raw), stop_before_pixels=True).StudyInstanceUID) for raw in demo_files().values()}
    return entry["0020000D"]["Value"][0] in uids


def _devices(report, place):
    """Only who is configured may store, and plain only where the configuration says so."""
    home = place.fresh("devices")
    (_, raw), = slices(1)
    path = place.work / "one.dcm"
    path.write_bytes(raw)
    set_config(home, lambda text: text.replace('name = "loopback"\ncertificate = ""\nae = ""',
                                               'name = "loopback"\ncertificate = ""\nae = "SCANNER"'))
    with Server(home) as server:
        status, said = dimse.run("storescu", server, "-d", files=[path], calling="SCANNER")
        report.check("the configured AE stores", status == 0 and dimse.acknowledged(said), said[-200:])
        status, said = dimse.run("storescu", server, "-d", files=[path], calling="OTHER")
        report.check("an unknown AE does not", status != 0 or not dimse.acknowledged(said), said[-200:])
    set_config(home, lambda text: text.split('# A machine that may store. An empty certificate')[0])
    with Server(home) as server:
        status, said = dimse.run("storescu", server, "-d", files=[path], calling="SCANNER")
        report.check("without a configured device plain DIMSE stores nothing", not dimse.acknowledged(said), said[-200:])
        own = dimse.with_certificate(server, *server.modality)
        status, said = dimse.run("storescu", server, *own, "-d", tls=True, files=[path])
        report.check("nor does a certificate that is no longer named", not dimse.acknowledged(said), said[-200:])
    set_config(home, lambda text: "\n".join(l for l in text.splitlines() if not l.startswith("dimse =")) + "\n")
    with Server(home, env={"GAUZE_DIMSE": ""}) as server:
        report.equal("without an address there is no plain port", server.ready.get("dimse"), None)
        report.equal("everything else runs", Client(server).get("/readyz").status, 200)
