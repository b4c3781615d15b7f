"""A machine by DICOMweb: a token for its secret (RFC 6749 §4.4), and with it what was agreed with the machine, as by DIMSE."""

import base64
import json
import re

from lib.films import canary, data_of, demo_film, demo_files, names, slices
from lib.http import Client, signed_in, wado
from lib.server import Server, gauze, set_config, with_machines

FORM = "application/x-www-form-urlencoded"
GRANT = b"grant_type=client_credentials"
AGREED = '''
[[device]]
name = "Screen"
certificate = "{certificate}"
ae = "SCREEN22"
may = ["find", "retrieve"]
sees = "masked"

[[device]]
name = "study"
certificate = "{certificate}"
ae = "STUDY22"
may = ["find", "retrieve"]
sees = "deidentified"

[[device]]
name = "scanner"
certificate = "{certificate}"
ae = "SCANNER22"
may = ["store"]
'''


def run(report, place):
    """Tokens, what they open, what they do not, how they end."""
    home = place.fresh("token")
    set_config(home, _agreed)
    secrets = {name: secret_of(home, name) for name in ("bench", "screen", "study", "scanner")}
    done = gauze("user", "--home", home, "add", "nobody", "--role", "device", "--name", "nobody")
    report.check("a machine that gauze.toml does not name gets no account", done.returncode == 2, done.stderr[-200:])
    with Server(home) as server:
        _asking(report, server, secrets)
        film, raw, _ = canary()
        signed_in(server, "technologist").stow([raw])
        machines = {name: Machine(server, name, secrets[name]) for name in secrets}
        _clear(report, machines["bench"])
        _masked(report, server, machines["screen"], film)
        _deidentified(report, machines["study"])
        _storing(report, machines["scanner"])
        _elsewhere(report, machines["bench"])
        _ledger(report, server)
        token = machines["bench"].token
    gauze("user", "--home", home, "disable", "screen", status=0)
    with Server(home) as server:
        path = wado(names(demo_film("anna-chest")))
        report.equal("a token does not outlive a restart", Client(server).get(path, token=token, cookie="").status, 401)
        report.equal("a new one does the same", Machine(server, "bench", secrets["bench"]).get(path).status, 200)
        report.equal("an ended account gets none", _ask(server, "screen", secrets["screen"]).status, 401)


def _agreed(text):
    return with_machines(text, AGREED)


def secret_of(home, name):
    done = gauze("user", "--home", home, "add", name, "--role", "device", "--name", name, status=0)
    return re.search(r"[a-zA-Z0-9]{5}(?:-[a-zA-Z0-9]{5}){3}", done.stdout).group(0)


def _basic(name, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def _ask(server, name, secret, body=GRANT, **more):
    return Client(server).ask("POST", "/auth/token", body=body, kind=FORM, headers=_basic(name, secret), cookie="", **more)


class Machine:
    """A program with a token."""

    def __init__(self, server, name, secret):
        self.client = Client(server)
        self.token = _ask(server, name, secret).json()["access_token"]

    def ask(self, method, path, **more):
        return self.client.ask(method, path, token=self.token, **more)

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def find(self, path):
        return self.client.find(path, token=self.token)


def _asking(report, server, secrets):
    good = _ask(server, "bench", secrets["bench"])
    said = good.json()
    report.equal("a token for a secret", (good.status, said["token_type"], said["expires_in"]), (200, "Bearer", 600))
    report.equal("kept by no cache", good.headers["Cache-Control"], "no-store")
    both = GRANT + b"&client_id=Screen&client_secret=" + secrets["screen"].encode()
    answer = Client(server).ask("POST", "/auth/token", body=both, kind=FORM, cookie="")
    report.equal("in the body, whatever the name's case", answer.status, 200)
    officer = server.accounts["officer"]
    for label, answer, status, error in (
        ("a wrong secret", _ask(server, "bench", "wrong"), 401, "invalid_client"),
        ("another machine's secret", _ask(server, "bench", secrets["study"]), 401, "invalid_client"),
        ("an unknown machine", _ask(server, "nobody", "wrong"), 401, "invalid_client"),
        ("a person's password", _ask(server, officer["user"], officer["password"]), 401, "invalid_client"),
        ("another grant type", _ask(server, "bench", secrets["bench"], b"grant_type=password"), 400, "unsupported_grant_type"),
        ("a scope", _ask(server, "bench", secrets["bench"], GRANT + b"&scope=all"), 400, "invalid_scope"),
        ("nothing", _ask(server, "bench", secrets["bench"], b""), 400, "invalid_request"),
        ("JSON", Client(server).ask("POST", "/auth/token", body={"grant_type": "client_credentials"}, cookie=""), 400, "invalid_request"),
    ):
        report.equal(f"{label}: {error}", (answer.status, answer.json().get("error")), (status, error))
        report.equal(f"{label}: how one asks is said", "WWW-Authenticate" in answer.headers, status == 401)
    answer = Client(server).ask("POST", "/auth/sign-in", body={"user": "bench", "password": secrets["bench"]}, cookie="")
    report.equal("a machine does not sign in like a person", answer.status, 401)
    large = Client(server).ask("POST", "/auth/token", body=b"a" * 5000, kind=FORM, cookie="")
    report.equal("5 kB", large.status, 413)


def _clear(report, bench):
    film = demo_film("anna-chest")
    path = wado(names(film))
    found = bench.find(f"/studies?StudyInstanceUID={film.StudyInstanceUID}")
    report.equal("agreed `clear`: full words", found[0]["00100020"]["Value"], [film.PatientID])
    got = bench.get(path, accept='multipart/related; type="application/dicom"; transfer-syntax=*')
    report.equal("every bit as it was stored", data_of(got.parts()[0][1]), data_of(demo_files()["anna-chest.dcm"]))
    for rest, accept in (("/frames/1", "multipart/related; type=application/octet-stream"), ("/rendered", "image/png"), ("/metadata", "application/dicom+json")):
        report.equal(f"WADO-RS {rest}", bench.get(path + rest, accept=accept).status, 200)
    study, series, instance = names(film)
    uri = f"/wado?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}&contentType=image/png"
    report.equal("WADO-URI", bench.get(uri).status, 200)
    report.equal("a study that is not there", bench.get("/dicom-web/studies/1.2.3/metadata", accept="application/dicom+json").status, 404)


def _masked(report, server, screen, film):
    """The same picture as a person gets who sees it masked; nothing of what is hidden."""
    path = wado(names(film))
    person = signed_in(server, "referrer")
    report.equal("a person sees it masked", person.open(names(film)[0], "treatment", "care").json()["visibility"], "masked")
    octets = "multipart/related; type=application/octet-stream"
    hers, its = person.get(path + "/frames/1", accept=octets), screen.get(path + "/frames/1", accept=octets)
    report.equal("agreed `masked`: a frame like hers", (its.status, its.parts()[0][1]), (200, hers.parts()[0][1]))
    hers, its = (one.get(path + "/rendered", accept="image/png") for one in (person, screen))
    report.check("and a picture", its.status == 200 and its.body == hers.body, f"({its.status} {len(its.body)} {len(hers.body)})")
    whole = screen.get(path, accept='multipart/related; type="application/dicom"')
    report.check("a file says that it was derived", b"DERIVED" in whole.parts()[0][1])


def _deidentified(report, study):
    film = demo_film("anna-chest")
    report.equal("agreed `deidentified`: an original UID is unknown", study.get(wado(names(film)) + "/metadata", accept="application/dicom+json").status, 404)
    found = study.find("/studies?limit=1000")
    text = json.dumps(found)
    report.check("studies are found by pseudonyms", len(found) > 0 and film.PatientID not in text and film.StudyInstanceUID not in text)
    statuses = {study.get(f"/dicom-web/studies/{one['0020000D']['Value'][0]}/metadata", accept="application/dicom+json").status for one in found}
    report.check("and opened by them", 200 in statuses and statuses <= {200, 404}, f"({statuses})")


def _storing(report, scanner):
    (film, raw), = slices(1, patient="GZ-9022")
    stored = scanner.client.stow([raw], token=scanner.token)
    report.check("agreed `store` only: STOW", stored.status == 200, f"({stored.status} {stored.body[:300]})")
    report.equal("no query", scanner.get("/dicom-web/studies", accept="application/dicom+json").status, 403)
    report.equal("no picture", scanner.get(wado(film) + "/rendered").status, 403)


def _elsewhere(report, bench):
    """A token is for DICOMweb, in the header."""
    study = names(demo_film("anna-chest"))[0]
    for method, path, body in (
        ("GET", "/api/v1/worklist", None), ("GET", "/api/v1/accesses", None),
        ("POST", f"/api/v1/studies/{study}/open", {"purpose": "treatment"}), ("GET", "/api/v1/changes", None),
        ("POST", "/api/v1/look-up", {"number": "GZ-1002"}), ("POST", "/auth/sign-out", {}),
    ):
        report.equal(f"{method} {path.replace(study, '…')}", bench.ask(method, path, body=body).status, 403)
    answer = bench.client.get(f"/dicom-web/studies?access_token={bench.token}", cookie="")
    report.equal("a token in an address", answer.status, 400)
    wrong = bench.token[:-1] + ("0" if bench.token[-1] != "0" else "1")
    report.equal("a wrong token", bench.client.get("/dicom-web/studies", token=wrong).status, 401)


def _ledger(report, server):
    entries = signed_in(server, "officer").get("/api/v1/accesses?limit=200").json()["entries"]
    own = {(e["kind"], e["actor"]) for e in entries}
    wanted = {("signed-in", "bench"), ("queried", "bench"), ("released", "bench"), ("released", "Screen"), ("stored", "scanner"),
              ("not-allowed", "scanner"), ("not-allowed", "bench")}
    report.equal("the record names the machine", sorted(wanted - own), [])
    refused = {e["details"].get("user") for e in entries if e["kind"] == "sign-in-refused"}
    report.check("and whose secret was wrong", "bench" in refused, f"({refused})")
