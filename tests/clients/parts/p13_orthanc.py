"""Orthanc as the workstation `READER`: it asks, is sent to, stores and has its stores committed, over TLS both ways."""

import io
import json
import shutil
import subprocess
import time
import urllib.request

import pydicom

from lib import dimse
from lib.films import demo_film, demo_files, names, renew, slices, to_bytes
from lib.http import signed_in, wado
from lib.server import Server, gauze, set_config


def run(report, place):
    """Both archives, peer to peer."""
    if not report.check("Orthanc is installed", shutil.which("Orthanc")):
        return
    port = dimse.free_port()
    home = place.fresh("orthanc")
    set_config(home, lambda text: text.replace("127.0.0.1:11113", f"127.0.0.1:{port}"))
    with Server(home) as server, Orthanc(server, place.work / "orthanc-store", port) as orthanc:
        report.equal("C-ECHO", orthanc.post("/modalities/gauze/echo", {}), {})
        _asks(report, orthanc)
        _is_sent_to(report, orthanc)
        _stores(report, server, orthanc)
        _moves_in(report, home, server, orthanc)
    refused = gauze("import", "--from", "reader", "--home", home)
    report.check("a stopped archive says that nothing could come in", refused.returncode == 1 and "gauze serve" in refused.stderr, refused.stderr[-200:])


class Orthanc:
    """A fresh Orthanc."""

    def __init__(self, server, folder, port):
        tls, http = server.home / "keys" / "tls", dimse.free_port()
        folder.mkdir()
        self.base = f"http://127.0.0.1:{http}"
        host, far = server.ready["dimse_tls"].rsplit(":", 1)
        config = {
            "StorageDirectory": str(folder), "DefaultEncoding": "Utf8", "IndexDirectory": str(folder), "HttpPort": http, "DicomPort": port, "DicomAet": "READER",
            "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "DicomTlsEnabled": True,
            "DicomTlsCertificate": str(tls / "reader.pem"), "DicomTlsPrivateKey": str(tls / "reader.key"),
            "DicomTlsTrustedCertificates": server.ca, "DicomCheckCalledAet": False,
            "DicomModalities": {"gauze": {"AET": "GAUZE", "Host": host, "Port": int(far), "UseDicomTls": True}},
        }
        path = folder / "orthanc.json"
        path.write_text(json.dumps(config))
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen(["Orthanc", str(path)], stdout=self.log, stderr=self.log)
        for _ in range(100):
            try:
                self.get("/system")
                return
            except OSError:
                time.sleep(0.1)

    def raw(self, path, body=None):
        """One request."""
        with urllib.request.urlopen(urllib.request.Request(self.base + path, data=body), timeout=60) as answer:
            return answer.read()

    def get(self, path):
        """JSON."""
        return json.loads(self.raw(path))

    def post(self, path, body):
        """JSON for JSON; a refusal is its status."""
        try:
            return json.loads(self.raw(path, json.dumps(body).encode() if not isinstance(body, str) else body.encode()) or b"{}")
        except urllib.error.HTTPError as error:
            return error.code

    def query(self, level, **keys):
        """C-FIND: address of the query and its answers."""
        made = self.post("/modalities/gauze/query", {"Level": level, "Query": keys})
        count = len(self.get(made["Path"] + "/answers"))
        return made["Path"], [self.get(f"{made['Path']}/answers/{n}/content?simplify") for n in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()


def _asks(report, orthanc):
    films = [pydicom.dcmread(io.BytesIO(raw)) for raw in demo_files().values()]
    for label, keys, fits in (
        ("a patient", {"PatientID": "GZ-1005"}, lambda f: f.PatientID == "GZ-1005"),
        ("a range of days", {"StudyDate": "20261121-20261122"}, lambda f: "20261121" <= f.StudyDate <= "20261122"),
        ("a Chinese name", {"PatientName": "*小明*"}, lambda f: "小明" in str(f.PatientName)),
    ):
        _, answers = orthanc.query("Study", StudyInstanceUID="", **keys)
        expected = {f.StudyInstanceUID for f in films if fits(f)}
        report.equal(f"Orthanc finds {label}", {a["StudyInstanceUID"] for a in answers}, expected)
    _, answers = orthanc.query("Patient", PatientID="")
    report.equal("Orthanc finds patients", sorted(a["PatientID"] for a in answers), sorted({f.PatientID for f in films}))
    film = demo_film("max-ct")
    _, answers = orthanc.query("Series", StudyInstanceUID=film.StudyInstanceUID, SeriesInstanceUID="", Modality="")
    own = {f.SeriesInstanceUID for f in films if f.StudyInstanceUID == film.StudyInstanceUID}
    report.equal("Orthanc finds series", {a["SeriesInstanceUID"] for a in answers}, own)


def _is_sent_to(report, orthanc):
    wanted = {"A-2610", "A-2611", "A-2608"}  # one of them compressed
    sent = {}
    for raw in demo_files().values():
        film = pydicom.dcmread(io.BytesIO(raw))
        if film.AccessionNumber in wanted:
            sent[film.SOPInstanceUID] = film
    for accession in sorted(wanted):
        path, answers = orthanc.query("Study", AccessionNumber=accession, StudyInstanceUID="")
        moved = orthanc.post(f"{path}/answers/0/retrieve", "READER")
        report.check(f"C-MOVE of {accession} to itself", len(answers) == 1 and isinstance(moved, dict), f"({moved})")
    came = {}
    for one in orthanc.get("/instances"):
        film = pydicom.dcmread(io.BytesIO(orthanc.raw(f"/instances/{one}/file")))
        came[film.SOPInstanceUID] = film
    report.equal("all of them came", sorted(came), sorted(sent))
    # Orthanc writes data sets anew: values are compared, not bytes.
    for uid, film in sent.items():
        got = came.get(uid, pydicom.Dataset())
        same = got.get("PixelData") == film.PixelData and got.get("PatientName") == film.PatientName
        same = same and got.file_meta.TransferSyntaxUID == film.file_meta.TransferSyntaxUID
        report.check(f"{film.AccessionNumber} as it is stored", same)


def _stores(report, server, orthanc):
    film = renew(demo_film("anna-chest"))
    name = names(film)
    made = orthanc.raw("/instances", to_bytes(film))
    stored = orthanc.post("/modalities/gauze/store", [json.loads(made)["ID"]])
    report.check("Orthanc stores here", isinstance(stored, dict) and stored.get("FailedInstancesCount") == 0, f"({stored})")
    found = signed_in(server, "radiologist").find(f"/instances?SOPInstanceUID={name[2]}")
    report.equal("and it is here", len(found), 1)
    lost = "2.25.42"
    for label, uids, status in (("what it stored", [name[2]], "Success"), ("what nobody stored", [name[2], lost], "Failure")):
        asked = orthanc.post("/modalities/gauze/storage-commitment", {"DicomInstances": [[film.SOPClassUID, uid] for uid in uids]})
        told = {}
        for _ in range(100):
            told = orthanc.get(asked["Path"])
            if told["Status"] != "Pending":
                break
            time.sleep(0.1)
        report.equal(f"Orthanc asks to commit {label}", told["Status"], status)
        failed = [one["SOPInstanceUID"] for one in told.get("Failures", [])]
        report.equal(f"and is told which failed ({label})", failed, [uid for uid in uids if uid == lost])


def _moves_in(report, home, server, orthanc):
    """All that the older archive has comes over by C-MOVE, counted; again, nothing is asked for twice."""
    made = [slices(4, patient=f"OLD-{n}") for n in range(6)]
    for study in made:
        for _, raw in study:
            orthanc.raw("/instances", raw)
    there = orthanc.get("/studies")
    unknown = gauze("import", "--from", "nobody", "--home", home)
    report.check("a name that is not in the book is refused", unknown.returncode == 2 and "nobody" in unknown.stderr, unknown.stderr[-200:])
    done = gauze("import", "--from", "reader", "--home", home, "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    report.equal("every study there came whole", (done.returncode, len(lines), {line["result"] for line in lines}), (0, len(there), {"stored"}))
    client, wrong = signed_in(server, "radiologist"), []
    for study in made:
        client.open(study[0][0][0], "report")
        client.lift(study[0][0][0], "comparison with the last film")
        for name, raw in study:
            answer = client.get(wado(name), accept='multipart/related; type="application/dicom"')
            same = answer.status == 200 and pydicom.dcmread(io.BytesIO(answer.parts()[0][1])).PixelData == pydicom.dcmread(io.BytesIO(raw)).PixelData
            wrong += [] if same else [name[2]]
    report.equal("all of their instances are here", wrong, [])
    again = gauze("import", "--from", "READER", "--home", home, "--json")
    report.check("again, by its title: all came before", again.returncode == 0 and again.stdout == "" and f"{len(there)} came in an earlier run" in again.stderr, again.stderr[-200:])
    none = gauze("import", "--from", "reader", "--home", home, "--days", "19700101-19700102")
    report.check("of days on which nothing was made, nothing", none.returncode == 0 and none.stderr.startswith("0 studies"), none.stderr[-200:])
