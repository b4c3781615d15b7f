"""Moving in by DICOMweb: from Orthanc with a password, from Gauze over TLS with a token, and from a server that breaks off."""

import base64
import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request

from lib import dimse
from lib.films import slices
from lib.http import Client, related, signed_in
from lib.server import Server, gauze
from parts.p20_orthanc import PLUGIN
from parts.p22_token import secret_of


def run(report, place):
    """Into one archive, from each of them."""
    old = place.fresh("old")
    secret = secret_of(old, "bench")
    home = place.work / "web"
    gauze("init", home, "--plain-key", status=0)
    with Server(home, command="serve"):
        into = Into(home, place.work)
        _refused(report, into)
        if shutil.which("Orthanc") and PLUGIN.exists():
            _orthanc(report, into, place)
        else:
            print("   SKIPPED: Orthanc and its DICOMweb plug-in are not installed")
        _gauze(report, into, old, secret)
        _broken(report, into)
    refused = into.bring("http://127.0.0.1:1/dicom-web")
    report.check("a stopped archive says so", refused.returncode == 1 and "gauze serve" in refused.stderr, refused.stderr[-200:])


class Into:
    """The archive that is moved into."""

    def __init__(self, home, work):
        self.home, self.work = home, work

    def bring(self, address, *more):
        """`gauze import --from`."""
        return gauze("import", "--from", address, "--home", self.home, "--json", *more)

    def secret(self, name, text):
        """A file with a secret."""
        path = self.work / name
        path.write_text(text)
        path.chmod(0o600)
        return path


def _results(done):
    return [json.loads(line)["result"] for line in done.stdout.splitlines()]


def _refused(report, into):
    for address in ("http://192.0.2.1/dicom-web", "https://192.0.2.1/dicom-web", "ftp://127.0.0.1/x", "http://", "https://127.0.0.1:x/y"):
        done = into.bring(address)
        report.check(f"{address} is no place to move from", done.returncode == 2 and done.stderr, done.stderr[-200:])
    nobody = into.bring(f"http://127.0.0.1:{dimse.free_port()}/dicom-web")
    report.check("nobody there", nobody.returncode == 1 and "does not answer" in nobody.stderr, nobody.stderr[-200:])


def _orthanc(report, into, place):
    folder, port = place.work / "orthanc-old", dimse.free_port()
    folder.mkdir()
    config = {"StorageDirectory": str(folder), "IndexDirectory": str(folder), "HttpPort": port, "DicomServerEnabled": False,
              "AuthenticationEnabled": True, "RegisteredUsers": {"mover": "open sesame"},
              "Plugins": [str(PLUGIN)], "DicomWeb": {"Enable": True}}
    path = folder / "orthanc.json"
    path.write_text(json.dumps(config))
    log = open(folder / "log", "wb")
    process = subprocess.Popen(["Orthanc", str(path)], stdout=log, stderr=log)
    try:
        _from_orthanc(report, into, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=20)
        log.close()


def _from_orthanc(report, into, base):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    login = {"Authorization": "Basic " + base64.b64encode(b"mover:open sesame").decode()}

    def ask(path, body=None):
        return opener.open(urllib.request.Request(base + path, data=body, headers=login), timeout=60).read()

    said = None
    for _ in range(200):
        try:
            ask("/system")
            break
        except OSError as error:
            said = error
            time.sleep(0.1)
    else:
        report.check("Orthanc answers", False, str(said) + "; " + (into.work / "orthanc-old" / "log").read_text()[-600:])
        return
    made = [slices(5, patient=f"WEB-{n}") for n in range(4)]
    for study in made:
        for _, raw in study:
            ask("/instances", raw)
    good, bad = into.secret("good", "open sesame"), into.secret("bad", "open barley")
    web = (base + "/dicom-web", "--user", "mover", "--password-file")
    wrong = into.bring(*web, bad)
    report.check("a wrong password is said to be refused", wrong.returncode == 1 and "401" in wrong.stderr, wrong.stderr[-200:])
    done = into.bring(*web, good)
    report.equal("every study of Orthanc came whole", (done.returncode, _results(done)), (0, ["stored"] * 4))
    report.check("they are counted", "4 came whole (20 instances)" in done.stderr, done.stderr[-200:])
    again = into.bring(*web, good)
    report.check("again: all came before", again.returncode == 0 and again.stdout == "" and "4 came in an earlier run" in again.stderr, again.stderr[-200:])
    none = into.bring(*web, good, "--days", "19700101-19700102")
    report.check("of days on which nothing was made, nothing", none.returncode == 0 and none.stderr.startswith("0 studies"), none.stderr[-200:])


def _gauze(report, into, old, secret):
    with Server(old) as server:
        answer = Client(server).ask("POST", "/auth/token", body=b"grant_type=client_credentials", kind="application/x-www-form-urlencoded",
                                    headers={"Authorization": "Basic " + base64.b64encode(f"bench:{secret}".encode()).decode()}, cookie="")
        token = into.secret("token", answer.json()["access_token"])
        address = f"https://{server.host}:{server.port}/dicom-web"
        other = into.bring(address, "--ca", into.home / "keys" / "tls" / "ca.pem", "--token-file", token)
        report.check("a certificate under another authority is not believed", other.returncode == 1 and "does not answer" in other.stderr, other.stderr[-200:])
        done = into.bring(address, "--ca", server.ca, "--token-file", token)
        studies = signed_in(server, "radiologist").find("/studies")
        report.check("from another Gauze with a machine's token", _results(done).count("stored") >= len(studies) - 2, f"{len(studies)} {done.stdout[-300:]} {done.stderr[-300:]}")


class Breaking(http.server.BaseHTTPRequestHandler):
    """Tells of three studies: one whole, one that breaks off after two objects, one that says that it has more than it gives."""

    protocol_version = "HTTP/1.1"
    studies, whole = {}, False

    def log_message(self, *_):
        """Quiet."""

    def do_GET(self):
        """QIDO-RS for everything, WADO-RS for one."""
        if "/studies?" in self.path:
            page = [{"0020000D": {"vr": "UI", "Value": [uid]}, "00201208": {"vr": "IS", "Value": [str(len(files))]}}
                    for uid, files in self.studies.items()]
            return self._answer(json.dumps(page).encode(), "application/dicom+json")
        uid = self.path.rsplit("/", 1)[1]
        files, what = self.studies[uid], list(self.studies).index(uid)
        given = files[:-1] if what == 2 and not type(self).whole else files
        body, kind = related(given)
        if what == 1 and not type(self).whole:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) * 2 // 3])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        return self._answer(body, kind)

    def _answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _broken(report, into):
    made = [slices(3, patient=f"CUT-{n}") for n in range(3)]
    Breaking.studies = {study[0][0][0]: [raw for _, raw in study] for study in made}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Breaking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/rs"
        errors = into.work / "web-errors.csv"
        first = into.bring(address, "--errors", errors)
        report.equal("one of three is whole", (first.returncode, sorted(_results(first))), (1, ["failed", "failed", "stored"]))
        report.equal("and the others are listed", len(errors.read_text().splitlines()), 3)
        Breaking.whole = True
        second = into.bring(address)
        report.equal("the next run brings what was not", (second.returncode, _results(second)), (0, ["stored", "stored"]))
        report.check("and leaves what was", "1 came in an earlier run" in second.stderr, second.stderr[-200:])
    finally:
        server.shutdown()
