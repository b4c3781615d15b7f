"""DCMTK's clients, and a bare one that sends what no decent client would."""

import re
import select
import socket
import ssl
import struct
import subprocess
import threading
import time

from .server import DEADLINE

IMPLICIT = "1.2.840.10008.1.2"


def run(tool, server, *arguments, tls=False, files=(), called="GAUZE", calling="TESTS", address=None):
    """Runs a DCMTK client; (exit status, everything that it said)."""
    address = address or server.ready["dimse_tls" if tls else "dimse"]
    host, port = address.rsplit(":", 1)
    command = [tool, *arguments, "-aet", calling, "-aec", called, host, port, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    return done.returncode, done.stdout + done.stderr


def with_certificate(server, key, certificate):
    """DCMTK's options for TLS."""
    return "+tls", key, certificate, "+cf", server.ca


def acknowledged(said):
    """SOP Instance UIDs that `dcmsend -v -d` or `storescu -d` saw acknowledged, in order of sending."""
    out, sent = [], None
    for line in said.splitlines():
        if found := re.search(r"Affected SOP Instance UID\s*:\s*([0-9.]+)", line):
            sent = found.group(1)
        if re.search(r"DIMSE Status\s*:\s*0x0000", line) and sent:
            out.append(sent)
            sent = None
    return out


def _item(kind, body):
    return struct.pack(">BBH", kind, 0, len(body)) + body


def _element(tag, value):
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def _text(value):
    raw = value.encode()
    return raw + b"\0" * (len(raw) % 2)


def elements(values):
    """A data set in implicit VR little endian, of raw values."""
    return b"".join(_element(tag, value + b" " * (len(value) % 2)) for tag, value in sorted(values.items()))


class Bare:
    """An association (PS3.8 §9) with one presentation context and no opinion about the data."""

    def __init__(self, server, abstract="1.2.840.10008.5.1.4.1.1.2", transfer=IMPLICIT, called="GAUZE"):
        host, port = server.ready["dimse"].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self.abstract = abstract
        context = _item(0x30, abstract.encode()) + _item(0x40, transfer.encode())
        items = _item(0x10, b"1.2.840.10008.3.1.1.1") + _item(0x20, b"\x01\0\0\0" + context)
        user = _item(0x51, struct.pack(">I", 16384)) + _item(0x52, b"2.25.1")
        items += _item(0x50, user)
        head = struct.pack(">HH16s16s32x", 1, 0, called.ljust(16).encode(), b"BARE".ljust(16))
        self.raw(struct.pack(">BBI", 1, 0, len(head + items)) + head + items)
        kind, body = self.pdu()
        self.accepted = kind == 2 and b"\x21\0\0" in body and b"\x01\0\0\0" in body[68:]

    def raw(self, data):
        """Sends bytes."""
        self.socket.sendall(data)

    def pdu(self):
        """Receives a PDU: (type, body); (0, b"") at the end."""
        head = self._exactly(6)
        if len(head) < 6:
            return 0, b""
        kind, _, length = struct.unpack(">BBI", head)
        return kind, self._exactly(length)

    def _exactly(self, count):
        out = b""
        while len(out) < count:
            try:
                piece = self.socket.recv(count - len(out))
            except ConnectionResetError:
                piece = b""
            if not piece:
                break
            out += piece
        return out

    def store(self, instance, data, message=1):
        """C-STORE (PS3.7 §9.3.1) of any bytes; the status, or nothing when the peer ended it."""
        try:
            return self._store(instance, data, message)
        except (BrokenPipeError, ConnectionResetError):
            return None

    def _store(self, instance, data, message):
        fields = [
            (0x00000002, _text(self.abstract)), (0x00000100, struct.pack("<H", 1)),
            (0x00000110, struct.pack("<H", message)), (0x00000700, struct.pack("<H", 0)),
            (0x00000800, struct.pack("<H", 0)), (0x00001000, _text(instance)),
        ]
        command = b"".join(_element(tag, value) for tag, value in fields)
        self.fragment(_element(0, struct.pack("<I", len(command))) + command, 3)
        for at in range(0, max(len(data), 1), 16000):
            piece = data[at : at + 16000]
            self.fragment(piece, 2 if at + 16000 >= len(data) else 0)
        kind, body = self.pdu()
        if kind != 4:
            return None
        found = body.find(struct.pack("<HHI", 0, 0x0900, 2))
        return struct.unpack("<H", body[found + 8 : found + 10])[0] if found >= 0 else None

    def fragment(self, data, control):
        """One P-DATA-TF with one value."""
        value = struct.pack(">IBB", len(data) + 2, 1, control) + data
        self.raw(struct.pack(">BBI", 4, 0, len(value)) + value)

    def close(self):
        """Ends without a word."""
        self.socket.close()


def machine(server, name):
    """DCMTK's options for TLS as one of the demo's machines: `bench`, `reader`, `modality`."""
    tls = server.home / "keys" / "tls"
    return with_certificate(server, str(tls / f"{name}.key"), str(tls / f"{name}.pem"))


def keys(**values):
    """Query keys for DCMTK's tools, by keyword or `ggggeeee`."""
    out = []
    for key, value in values.items():
        name = f"{key[1:5]},{key[5:9]}" if key.startswith("x") else key
        out += ["-k", f"{name}={value}" if value is not None else name]
    return out


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Relay:
    """A plain port of loopback before the TLS port, with a machine's certificate: getscu and movescu of DCMTK 3.6.7 know no
    TLS."""

    def __init__(self, server, name):
        tls = server.home / "keys" / "tls"
        self.context = ssl.create_default_context(cafile=server.ca)
        self.context.check_hostname = False
        self.context.load_cert_chain(tls / f"{name}.pem", tls / f"{name}.key")
        host, port = server.ready["dimse_tls"].rsplit(":", 1)
        self.to = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = self.context.wrap_socket(socket.create_connection(self.to))
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pass, args=(near, far), daemon=True).start()

    def _pass(self, near, far):
        with near, far:
            while True:
                ready = [far] if far.pending() else select.select([near, far], [], [], 120)[0]
                if not ready:
                    return
                for one in ready:
                    try:
                        data = self._read(one, far)
                        if data is None:
                            continue
                        if not data:
                            return
                        (far if one is near else near).sendall(data)
                    except OSError:
                        return

    @staticmethod
    def _read(one, far):
        """Bytes; nothing yet when what came was TLS's own (session tickets make a socket readable, and no data follow)."""
        if one is not far:
            return one.recv(1 << 17)
        far.settimeout(0.02)
        try:
            return far.recv(1 << 17)
        except (TimeoutError, ssl.SSLWantReadError):
            return None
        finally:
            far.settimeout(None)

    def close(self):
        """Takes no more connections."""
        self.listener.close()


class Storescp:
    """DCMTK's receiver; what it got lies in its folder, bit for bit."""

    def __init__(self, folder, port, *options, title="STORESCP"):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            ["storescp", "-v", "+B", "-aet", title, "-od", str(folder), *options, str(port)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(100):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)

    def files(self):
        """Bytes of all that came."""
        return [path.read_bytes() for path in sorted(self.folder.iterdir()) if path.is_file()]

    def close(self):
        """Ends it."""
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
