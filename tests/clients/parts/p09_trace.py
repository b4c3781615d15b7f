"""The system calls say it: for every release the ledger's sync comes before the first byte of the answer, and for every
store before its success."""

import re
import ssl
import socket
import time

from lib import dimse
from lib.films import data_of, demo_film, names, slices
from lib.http import related, signed_in, wado
from lib.server import Server

LINE = re.compile(r"^(\d+)\s+(\d+\.\d+)\s+(.*)$")
CALL = re.compile(r"^(\w+)\((\d+)(?:<(.*?)>)?(?:[,)])")
CALLS = "write,writev,sendto,sendmsg,pwrite64,fsync,fdatasync"


class Trace:
    """`strace -f -yy -ttt`: calls in order of completion."""

    def __init__(self, text):
        self.calls, pending = [], {}
        for line in text.splitlines():
            found = LINE.match(line)
            if not found:
                continue
            thread, at, rest = found.group(1), float(found.group(2)), found.group(3)
            if rest.endswith("<unfinished ...>"):
                pending[thread] = (at, rest)
                continue
            begun = at
            if rest.startswith("<... "):
                begun, start = pending.pop(thread, (at, ""))
                # `fdatasync(3</x> <unfinished ...>` and `<... fdatasync resumed>)`: no space is left before the bracket.
                rest = start.removesuffix("<unfinished ...>").rstrip() + rest.split("resumed>", 1)[-1]
            call = CALL.match(rest)
            if call and not re.search(r"=\s-1 ", rest):
                # A resumed line carries the time of completion; a line of its own that of its begin.
                self.calls.append((begun, at, call.group(1), call.group(3) or "", rest))

    def first_answer(self, port, since):
        """When the first bytes after `since` were given to the socket whose peer has this port."""
        peer = f":{port}]"
        sends = [begun for begun, _, name, target, _ in self.calls if begun >= since and target.endswith(peer)
                 and name in ("write", "writev", "sendto", "sendmsg")]
        return min(sends, default=None)

    def synced_before(self, since, until):
        """An append to the intake log that began after `since`, and then a sync of it that was complete before `until`."""
        wrote = None
        for begun, done, name, target, _ in self.calls:
            if begun < since or "/intake/" not in target:
                continue
            if name.startswith(("write", "pwrite")):
                wrote = begun if wrote is None else wrote
            elif name in ("fsync", "fdatasync") and wrote is not None and begun >= wrote and done <= until:
                return True
        return False


def run(report, place):
    """One connection a request, so that each is told apart by its port."""
    log = place.work / "strace.txt"
    wrap = ["strace", "-f", "-yy", "-ttt", "-s", "0", "-e", f"trace={CALLS}", "-o", str(log)]
    with Server(place.fresh("trace"), wrap=wrap) as server:
        client = signed_in(server, "radiologist")
        film = names(demo_film("anna-chest"))
        asked = []
        opened = _raw(server, "POST", f"/api/v1/studies/{film[0]}/open", client.cookies(), b'{"purpose":"report"}', "application/json")
        client.open(film[0], "report")
        asked.append(("open", *opened, True))
        for rest in ("", "/metadata", "/rendered", "/thumbnail", "/frames/1", "/frames/1/rendered"):
            asked.append((f"GET instance{rest}", *_raw(server, "GET", wado(film, rest), client.cookies()), True))
        for rest in ("", "/metadata", "/rendered"):
            asked.append((f"GET study{rest}", *_raw(server, "GET", f"/dicom-web/studies/{film[0]}{rest}", client.cookies()), True))
        asked.append(("QIDO", *_raw(server, "GET", "/dicom-web/studies", client.cookies()), True))
        asked.append(("a refusal", *_raw(server, "GET", wado(names(demo_film("max-chest")), "/frames/1"), client.cookies(), status=404), True))
        technologist = signed_in(server, "technologist")
        body, kind = related([slices(1)[0][1]])
        asked.append(("STOW", *_raw(server, "POST", "/dicom-web/studies", technologist.cookies(), body, kind), True))
        asked.append(("/healthz (nothing to record)", *_raw(server, "GET", "/healthz", ""), False))
        (name, raw), = slices(1)
        bare = dimse.Bare(server, transfer="1.2.840.10008.1.2.1")
        since = time.time()
        status = bare.store(name[2], data_of(raw))
        report.equal("C-STORE is acknowledged", status, 0)
        asked.append(("C-STORE", bare.socket.getsockname()[1], since, True))
        bare.close()
        time.sleep(0.3)
    trace = Trace(log.read_text(errors="replace"))
    report.check("the trace has syncs of the log", any("/intake/" in t and n == "fdatasync" for _, _, n, t, _ in trace.calls))
    for label, port, since, recorded in asked:
        first = trace.first_answer(port, since)
        if report.check(f"{label}: the answer is in the trace", first is not None, f"(port {port})"):
            report.equal(f"{label}: append, sync complete, then the first byte of the answer", trace.synced_before(since, first), recorded)


def _raw(server, method, path, cookie, body=b"", kind="", status=200):
    """One request on its own connection: its port, and the time after which every byte to it is of the answer."""
    context = ssl.create_default_context(cafile=server.ca)
    with socket.create_connection((server.host, server.port), timeout=60) as plain:
        port = plain.getsockname()[1]
        with context.wrap_socket(plain, server_hostname=server.host) as secure:
            time.sleep(0.5)  # the handshake's last messages (session tickets) leave before this, also of a traced server
            since = time.time()
            head = f"{method} {path} HTTP/1.1\r\nHost: {server.host}\r\nConnection: close\r\nCookie: {cookie}\r\n"
            head += f"Content-Length: {len(body)}\r\n" + (f"Content-Type: {kind}\r\n" if kind else "")
            secure.sendall(head.encode() + b"\r\n" + body)
            answer = b""
            while piece := secure.recv(65536):
                answer += piece
    got = int(answer.split(b" ", 2)[1])
    if got != status:
        raise AssertionError(f"{method} {path}: {got} {answer[-300:]!r}")
    return port, since
