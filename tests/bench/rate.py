"""A nation's mean rate on one machine: CT slices stored at a fixed pace by STOW-RS over TLS, each sealed, examined and recorded,
while readers open studies and fetch pictures. Prints JSON.

    python tests/bench/rate.py --gauze target/release/gauze --folder DIR [--rate 160] [--seconds 120] [--readers 20]
"""

import argparse
import json
import random
import ssl
import subprocess
import sys
import threading
import time
import http.client
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import films
import meter

BOUNDARY = "gauze-rate-3c1f"


class Connection:
    """HTTPS with a session."""

    def __init__(self, ready, account=None, session=None):
        self.context = ssl.create_default_context(cafile=ready["ca"])
        self.host, port = ready["https"].rsplit(":", 1)
        self.port, self.session, self.held = int(port), session, None
        if account:
            body = json.dumps({"user": account["user"], "password": account["password"]})
            status, _ = self.ask("POST", "/auth/sign-in", body, {"Content-Type": "application/json"})
            assert status == 200, status

    def ask(self, method, path, body=None, headers=None):
        """Status, body; a connection that ended is made anew."""
        send = dict(headers or {})
        if self.session and "Authorization" not in send:
            send["Cookie"] = f"__Host-gauze-session={self.session}"
        for attempt in (1, 2):
            if self.held is None:
                self.held = http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=60)
            try:
                self.held.request(method, path, body=body, headers=send)
                answer = self.held.getresponse()
                content = answer.read()
                break
            except (http.client.HTTPException, OSError):
                self.held = None
                if attempt == 2:
                    raise
        for line in answer.headers.get_all("set-cookie") or []:
            name, _, rest = line.partition("=")
            if name.strip() == "__Host-gauze-session":
                self.session = rest.split(";")[0]
        return answer.status, content


class Slices:
    """The same picture under UIDs of its own each time: they have a fixed length and are written over in place."""

    def __init__(self, per_study):
        self.per_study = per_study
        rng = np.random.default_rng(3)
        y, x = np.mgrid[0:512, 0:512]
        body = ((x - 256) ** 2 / 200**2 + (y - 256) ** 2 / 150**2 < 1) * 900
        self.marks = {key: f"2.25.{10**37 + n}" for n, key in enumerate(("study", "series", "instance"))}
        pixels = (body + rng.integers(0, 60, (512, 512))).astype("<i2")
        self.file = bytearray(self._file(pixels))
        self.at = {key: self._places(mark.encode()) for key, mark in self.marks.items()}

    def _file(self, pixels):
        e, m = films.element, self.marks
        data = b"".join([
            e(0x00080005, "CS", "ISO_IR 100"), e(0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"), e(0x00080016, "UI", films.CT),
            e(0x00080018, "UI", m["instance"]), e(0x00080020, "DA", "20261127"), e(0x00080030, "TM", "101500"), e(0x00080050, "SH", "A-2605"),
            e(0x00080060, "CS", "CT"), e(0x00100010, "PN", "RATE^R"), e(0x00100020, "LO", "RATE-1"), e(0x00180015, "CS", "ABDOMEN"),
            e(0x0020000D, "UI", m["study"]), e(0x0020000E, "UI", m["series"]), e(0x00200010, "SH", "1"), e(0x00200011, "IS", "1"), e(0x00200013, "IS", "1"),
            e(0x00280002, "US", films.short(1)), e(0x00280004, "CS", "MONOCHROME2"), e(0x00280010, "US", films.short(512)), e(0x00280011, "US", films.short(512)),
            e(0x00280030, "DS", "0.7\\0.7"), e(0x00280100, "US", films.short(16)), e(0x00280101, "US", films.short(16)), e(0x00280102, "US", films.short(15)),
            e(0x00280103, "US", films.short(1)), e(0x00281050, "DS", "40"), e(0x00281051, "DS", "400"), e(0x00281052, "DS", "-1024"), e(0x00281053, "DS", "1"),
            e(0x7FE00010, "OW", pixels.tobytes()),
        ])
        return films.file(films.CT, m["instance"], data)

    def _places(self, mark):
        found, at = [], self.file.find(mark)
        while at >= 0:
            found.append(at)
            at = self.file.find(mark, at + 1)
        return found

    def names(self, number):
        """UIDs of study, series and instance of a slice."""
        of = number // self.per_study
        return f"2.25.{2 * 10**37 + of}", f"2.25.{3 * 10**37 + of}", f"2.25.{4 * 10**37 + number}"

    def make(self, number):
        """The bytes of a slice."""
        out = bytearray(self.file)
        words = dict(zip(("study", "series", "instance"), self.names(number)))
        for key, text in words.items():
            for at in self.at[key]:
                out[at : at + len(text)] = text.encode()
        return out


class Senders:
    """Slices at a pace, by some connections."""

    def __init__(self, ready, session, slices, rate, connections=8):
        self.slices, self.rate, self.late, self.failed, self.stored = slices, rate, [], 0, 0
        self.next, self.lock = 0, threading.Lock()
        self.connections = [Connection(ready, session=session) for _ in range(connections)]

    def run(self, seconds, first=0):
        """All of them, each at its time."""
        self.begun, self.end, self.next, self.first = time.monotonic(), int(seconds * self.rate), 0, first
        threads = [threading.Thread(target=self._send, args=(c,)) for c in self.connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - self.begun

    def _send(self, connection):
        head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        kind = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}', "Accept": "application/dicom+json"}
        while True:
            with self.lock:
                number, self.next = self.next, self.next + 1
            if number >= self.end:
                return
            due = self.begun + number / self.rate
            time.sleep(max(0, due - time.monotonic()))
            body = head + self.slices.make(self.first + number) + f"\r\n--{BOUNDARY}--\r\n".encode()
            status, _ = connection.ask("POST", "/dicom-web/studies", bytes(body), kind)
            with self.lock:
                self.late.append(time.monotonic() - due)
                self.stored += status == 200
                self.failed += status != 200


class Reader(threading.Thread):
    """Opens a study that was stored, fetches its middle slice as a picture, thinks."""

    def __init__(self, ready, session, studies, stop):
        super().__init__(daemon=True)
        self.connection, self.studies, self.stop_at = Connection(ready, session=session), studies, stop
        self.opened, self.pictures, self.failed = [], [], 0

    def run(self):
        chance = random.Random(id(self))
        while not self.stop_at.is_set():
            study, series, instance = chance.choice(self.studies)
            since = time.monotonic()
            status, opened = self.connection.ask("POST", f"/api/v1/studies/{study}/open", json.dumps({"purpose": "report"}), {"Content-Type": "application/json"})
            self.opened.append(time.monotonic() - since)
            token = json.loads(opened).get("token", "")
            got, _ = self.connection.ask("GET", f"/dicom-web/studies/{study}/series/{series}/instances/{instance}/rendered", None,
                                         {"Accept": "image/jpeg", "Authorization": f"Bearer {token}"})
            self.pictures.append(time.monotonic() - since)
            self.failed += (status, got) != (200, 200)
            self.stop_at.wait(chance.uniform(1, 3))


def percentile(values, share):
    """In ms."""
    values = sorted(values)
    return round(1000 * values[min(len(values) - 1, int(share * len(values)))], 1) if values else None


def main():
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--gauze", required=True)
    ask.add_argument("--folder", required=True)
    for name, value in (("rate", 160.0), ("seconds", 120.0), ("readers", 20)):
        ask.add_argument(f"--{name}", type=type(value), default=value)
    given = ask.parse_args()
    home = Path(given.folder)
    env = {"LC_ALL": "C.UTF-8", "GAUZE_HTTPS": "127.0.0.1:0", "GAUZE_DIMSE": "127.0.0.1:0", "GAUZE_DIMSE_TLS": "127.0.0.1:0", "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen([given.gauze, "demo", str(home)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
    ready = json.loads(process.stdout.readline().decode().removeprefix("ready "))
    accounts = {a["role"]: a for a in json.loads((home / "keys" / "accounts.json").read_text())}
    slices = Slices(per_study=160)
    # Before: twenty studies that readers know.
    sender, doctor = (Connection(ready, accounts[role]).session for role in ("technologist", "radiologist"))
    before = Senders(ready, sender, slices, 100)
    before.run(32)
    studies = [slices.names(n) for n in range(80, 3200, 160)]
    meter.settle(process.pid, limit_s=120)
    senders = Senders(ready, sender, slices, given.rate)
    stop = threading.Event()
    # Each has studies of her own: within one session a newer token for a study ends the one before.
    readers = [Reader(ready, doctor, studies[n :: given.readers], stop) for n in range(given.readers)]
    meter.forget_peak(process.pid)
    cpu, others = meter.cpu_s(process.pid), meter.machine_cpu_s()
    for reader in readers:
        reader.start()
    wall = senders.run(given.seconds, first=100_000)
    during = meter.cpu_s(process.pid) - cpu
    machine = meter.machine_cpu_s() - others
    stop.set()
    since = time.monotonic()
    for reader in readers:
        reader.join()
    meter.settle(process.pid, limit_s=900)
    behind = time.monotonic() - since
    after = meter.cpu_s(process.pid) - cpu - during
    opened = [t for reader in readers for t in reader.opened]
    pictures = [t for reader in readers for t in reader.pictures]
    peak = meter.peak_mb(process.pid)
    process.terminate()
    process.wait(timeout=60)
    verified = subprocess.run([given.gauze, "verify", str(home)], capture_output=True, text=True, env=env, check=False)
    print(json.dumps({
        "rate_wanted": given.rate, "seconds": round(wall, 1), "stored": senders.stored, "failed": senders.failed,
        "rate": round(senders.stored / wall, 1), "mb_per_s": round(senders.stored * len(slices.file) / wall / 1e6, 1),
        "store_ms": {"p50": percentile(senders.late, 0.5), "p99": percentile(senders.late, 0.99), "max": percentile(senders.late, 1)},
        "readers": given.readers, "opened": len(opened), "reader_failures": sum(r.failed for r in readers),
        "open_ms": {"p50": percentile(opened, 0.5), "p99": percentile(opened, 0.99)},
        "open_and_picture_ms": {"p50": percentile(pictures, 0.5), "p99": percentile(pictures, 0.99)},
        "cpu_s_during": round(during, 1), "machine_cpu_s_during": round(machine, 1), "cpu_s_after": round(after, 1),
        "examined_for_s_after_the_last_store": round(behind, 1), "peak_mb": peak, "verify": verified.stdout.strip()[-200:], "verify_rc": verified.returncode,
    }, indent=1))


if __name__ == "__main__":
    main()
