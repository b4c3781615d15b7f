"""The demo starts, says where it is, starts again with its data, and ends when told."""

import json
import os
import stat

from lib.films import demo_files, demo_table
from lib.http import Client, signed_in
from lib.server import Server, gauze

ROLES = {"technologist", "radiologist", "referrer", "researcher", "patient", "officer", "admin", "vendor"}


def run(report, place):
    """Makes the home that the other parts copy."""
    home = place.template
    with Server(home) as server:
        print(f"   first start: {server.start_seconds:.1f} s")
        _ready(report, server)
        listed = _listed(server)
        files = {entry["00080018"]["Value"][0] for entry in listed}
        report.equal("every demo film is listed", len(files), len(demo_files()))
        report.equal("the table and the films agree", len(demo_table()["film"]), len(demo_files()))
        second = gauze("serve", home)
        report.equal("a second serve on the same home ends with 1", second.returncode, 1)
        report.check("and says why", "in use" in second.stderr, second.stderr[-200:])
        report.check("the first one still answers", _listed(server) == listed)
        status, seconds = server.stop()
        report.equal("SIGTERM ends it with 0", status, 0)
        report.check("within 5 s", seconds < 5, f"({seconds:.1f} s)")
        report.equal("standard output is the one line", server.process.stdout.read(), b"")
    before = (home / "keys" / "accounts.json").read_bytes()
    with Server(home) as server:
        report.check("a second start is ready in under 2 s", server.start_seconds < 2, f"({server.start_seconds:.2f} s)")
        print(f"   second start: {server.start_seconds:.2f} s")
        report.check("and keeps the data", _listed(server) == listed)
        report.check("and the accounts", (home / "keys" / "accounts.json").read_bytes() == before)
        status, seconds = server.stop()
        report.check("and ends again", status == 0 and seconds < 5, f"({status}, {seconds:.1f} s)")


def _ready(report, server):
    ready = server.ready
    for key in ("https", "dimse", "dimse_tls", "ca", "home", "modality_cert", "modality_key", "accounts"):
        report.check(f"`ready` names {key}", bool(ready.get(key)))
    ports = [int(ready[key].rsplit(":", 1)[1]) for key in ("https", "dimse", "dimse_tls")]
    report.check("with the real ports", all(ports) and len(set(ports)) == 3, str(ports))
    report.check("all on loopback", all(ready[k].startswith("127.0.0.1:") for k in ("https", "dimse", "dimse_tls")))
    mode = stat.S_IMODE(os.stat(ready["accounts"]).st_mode)
    report.equal("accounts are for the owner only", oct(mode), "0o600")
    for name in ("root.key", "tls/server.key", "tls/ca.key", "tls/modality.key"):
        mode = stat.S_IMODE((server.home / "keys" / name).stat().st_mode)
        report.equal(f"{name} too", oct(mode), "0o600")
    accounts = json.loads(open(ready["accounts"], encoding="utf-8").read())
    report.equal("an account a role", {a["role"] for a in accounts}, ROLES)
    report.equal("no password twice", len({a["password"] for a in accounts}), len(accounts))
    nobody = Client(server)
    for path in ("/healthz", "/readyz"):
        answer = nobody.get(path)
        report.equal(f"{path} is a status without a body", (answer.status, answer.body), (200, b""))
    report.equal("/metrics is not open", nobody.get("/metrics").status, 404)
    page = nobody.get("/")
    policy = page.headers.get("content-security-policy") or ""
    report.check("the page is served with a strict policy", page.status == 200 and "default-src 'none'" in policy, policy)


def _listed(server):
    found = signed_in(server, "radiologist").find("/instances?limit=1000")
    for one in found:
        one.pop("00081190")  # the address has the port
    return sorted(found, key=lambda one: one["00080018"]["Value"][0])
