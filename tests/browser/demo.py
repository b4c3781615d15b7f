"""Starts `gauze demo` in a home of its own, or takes an archive that is running already."""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse

START_SECONDS = 180


class Demo:
    """A running archive: `address`, `accounts` by role, `key` of its certificate."""

    def __init__(self, address=None, accounts=None, ca=None):
        self.process = None
        self.home = None
        if not address:
            address, accounts, ca = self._start()
        self.address, self.ca = address.rstrip("/"), ca
        lines = json.loads(pathlib.Path(accounts).read_text())
        self.accounts = {line["role"]: (line["user"], line["password"]) for line in lines}
        self.factors = {line["role"]: line["second_factor"] for line in lines if "second_factor" in line}
        self.key = trusted_key(self.address, ca) if ca else None

    def _start(self):
        self.home = tempfile.mkdtemp(prefix="gauze-browser-")
        free = {name: "127.0.0.1:0" for name in ("GAUZE_HTTPS", "GAUZE_DIMSE", "GAUZE_DIMSE_TLS")}
        self.log = open(pathlib.Path(self.home, "demo.log"), "wb")
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [os.environ["GAUZE_BIN"], "demo"], stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**os.environ, **free, "GAUZE_HOME": str(pathlib.Path(self.home, "home"))})
        for line in self.process.stdout:
            if line.startswith("ready "):
                print(f"ready after {time.monotonic() - begun:.1f} s")
                ready = json.loads(line[6:])
                address = ready["https"]
                address = address if address.startswith("https://") else f"https://{address}"
                return address, ready["accounts"], ready["ca"]
            if time.monotonic() - begun > START_SECONDS:
                break
        said = pathlib.Path(self.home, "demo.log").read_text(errors="replace")[-3000:]
        self.stop()
        raise SystemExit(f"`gauze demo` did not get ready:\n{said}")

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
            self.log.close()
        if self.home:
            shutil.rmtree(self.home, ignore_errors=True)


def trusted_key(address, ca):
    """SHA-256 of the key in the certificate that the archive shows, after checking it against the demo's authority:
    the browser is then told to trust this key alone."""
    at = urllib.parse.urlsplit(address)
    context = ssl.create_default_context(cafile=ca)
    with socket.create_connection((at.hostname, at.port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname=at.hostname) as secure:
            certificate = ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True))
    shown = subprocess.run(["openssl", "x509", "-pubkey", "-noout"], input=certificate.encode(), capture_output=True, check=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=shown.stdout, capture_output=True, check=True)
    return base64.b64encode(hashlib.sha256(der.stdout).digest()).decode()
