"""Orthanc as a partner by DICOMweb: it sends to us by STOW-RS, asks by QIDO-RS and fetches by WADO-RS, over TLS and with the
cookies of somebody who is signed in."""

import io
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pydicom

from lib.films import demo_film, names, renew, to_bytes
from lib.http import signed_in
from lib.server import Server

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def run(report, place):
    """Both archives, peer to peer."""
    if not shutil.which("Orthanc") or not PLUGIN.exists():
        print("   SKIPPED: Orthanc and its DICOMweb plug-in are not installed")
        return
    with Server(place.fresh("partner")) as server:
        film = demo_film("anna-chest")
        sender, reader = signed_in(server, "technologist"), signed_in(server, "radiologist")
        reader.open(names(film)[0], "report")
        with Orthanc(server, place.work / "orthanc-web", {"store": sender.cookies(), "read": reader.cookies()}) as orthanc:
            _sends(report, orthanc, reader)
            _fetches(report, orthanc, film)


def _sends(report, orthanc, reader):
    film = renew(demo_film("anna-chest"))
    made = json.loads(orthanc.ask("/instances", to_bytes(film)))
    orthanc.ask("/dicom-web/servers/store/stow", {"Resources": [made["ID"]], "Synchronous": True})
    found = reader.find(f"/instances?SOPInstanceUID={film.SOPInstanceUID}")
    report.equal("what Orthanc sends by STOW is here", len(found), 1)


def _fetches(report, orthanc, film):
    study, _, instance = names(film)
    found = json.loads(orthanc.ask("/dicom-web/servers/read/get", {"Uri": "/studies", "Arguments": {"00100020": str(film.PatientID)},
                                                                   "HttpHeaders": {"Accept": "application/dicom+json"}}))
    uids = {one["0020000D"]["Value"][0] for one in found}
    report.check("Orthanc finds by QIDO", study in uids, str(uids)[:200])
    orthanc.ask("/dicom-web/servers/read/retrieve", {"Resources": [{"Study": study}], "Synchronous": True})
    there = json.loads(orthanc.ask("/tools/lookup", instance.encode()))
    if report.equal("and fetches by WADO", len(there), 1):
        got = pydicom.dcmread(io.BytesIO(orthanc.ask(f"/instances/{there[0]['ID']}/file")))
        report.check("with the same pixels", got.PixelData == film.PixelData and got.PatientName == film.PatientName)


class Orthanc:
    """A fresh Orthanc that knows us under a name for each cookie."""

    def __init__(self, server, folder, cookies):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        folder.mkdir()
        self.folder = folder
        self.base = f"http://127.0.0.1:{port}"
        url = f"https://{server.host}:{server.port}/dicom-web/"
        servers = {name: {"Url": url, "HttpHeaders": {"Cookie": cookie}} for name, cookie in cookies.items()}
        config = {
            "StorageDirectory": str(folder), "IndexDirectory": str(folder), "HttpPort": port, "DicomServerEnabled": False,
            "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "HttpsVerifyPeers": True,
            "HttpsCACertificates": server.ca, "Plugins": [str(PLUGIN)], "DicomWeb": {"Enable": True, "Servers": servers},
        }
        path = folder / "orthanc.json"
        path.write_text(json.dumps(config))
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen(["Orthanc", str(path)], stdout=self.log, stderr=self.log)
        for _ in range(200):
            try:
                self.ask("/system")
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("Orthanc does not start")

    def ask(self, path, body=None):
        """One request; a body that is no bytes is JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            said = self.folder.joinpath("log").read_text(errors="replace").splitlines()[-4:]
            raise AssertionError(f"Orthanc {path}: {error.code} {said}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()
