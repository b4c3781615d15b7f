"""A proxy that serves a folder and passes everything of the archive's on to it, over TLS and from one origin."""

import http.client
import http.server
import mimetypes
import ssl
import subprocess
import threading
import urllib.parse

OURS = ("/dicom-web", "/wado", "/api/", "/auth/")
# What the viewer's own page may do: its scripts, styles and decoders (WebAssembly), and requests to this origin.
POLICY = ("default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:; "
          "style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; font-src 'self' data:; "
          "connect-src 'self' blob: data:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
HOPS = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length"}


class Beside:
    """Runs in threads; `address`, `certificate` (its own authority)."""

    def __init__(self, folder, demo, dist, files):
        self.folder, self.demo, self.dist = folder, demo, dist
        self.files = {path: text.encode() for path, text in files.items()}
        self.certificate, key = f"{folder}/proxy.pem", f"{folder}/proxy.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", self.certificate],
            check=True, capture_output=True)
        beside = self

        class Handler(_Handler):
            owner = beside

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def do_GET(self):  # noqa: N802 - the base class's name
        path = urllib.parse.urlsplit(self.path).path
        if path.startswith(OURS):
            return self._pass_on()
        if path == "/empty":
            return self._answer(b"<!doctype html><title>empty</title>", "text/html")
        if path in self.owner.files:
            return self._answer(self.owner.files[path], mimetypes.guess_type(path)[0] or "application/octet-stream")
        file = (self.owner.dist / path.lstrip("/")).resolve()
        inside = file.is_relative_to(self.owner.dist.resolve()) and file.is_file()
        # The viewer's routes are pages of its one page.
        file = file if inside else self.owner.dist / "index.html"
        kind = "application/wasm" if file.suffix == ".wasm" else mimetypes.guess_type(file.name)[0] or "text/plain"
        return self._answer(file.read_bytes(), kind)

    def do_POST(self):  # noqa: N802
        return self._pass_on()

    def _answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def _pass_on(self):
        at = urllib.parse.urlsplit(self.owner.demo.address)
        # The connection between proxy and archive stays on this machine; its certificate is checked by `demo.trusted_key`.
        context = ssl.create_default_context(cafile=self.owner.demo.ca)
        archive = http.client.HTTPSConnection(at.hostname, at.port, context=context, timeout=120)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOPS}
        try:
            archive.request(self.command, self.path, body=body or None, headers=headers)
            got = archive.getresponse()
            content = got.read()
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        self.send_response(got.status)
        for key, value in got.getheaders():
            if key.lower() not in HOPS:
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        archive.close()

    def log_message(self, *_):
        pass
