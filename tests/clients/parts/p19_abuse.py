"""What no decent client sends, and other sites' pages."""

import socket
import ssl
import time

from lib.films import canary, demo_film, names, renew, slices, to_bytes
from lib.http import Client, signed_in, wado
from lib.server import Server, set_config


def run(report, place):
    """One archive that is asked nonsense; then one with a neighbour."""
    with Server(place.fresh("abuse")) as server:
        film, raw, _ = canary()
        signed_in(server, "technologist").stow([raw])
        client = signed_in(server, "radiologist")
        client.open(names(film)[0], "report")
        _bad_requests(report, server, client, names(film))
    _other_sites(report, place)


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
        ("no end", b"--b\r\n" + part, "b", {400}), ("a boundary of 129 characters", b"x", "b" * 129, {400}),
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
