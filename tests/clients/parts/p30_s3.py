"""A copy of the backup in buckets of an S3 server (moto, from PyPI): what is new goes there, and a lost machine comes back."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import xml.etree.ElementTree as ET

from lib import dimse
from lib.films import data_of, demo_files, slices
from lib.http import signed_in, wado
from lib.server import GAUZE, Server, environment, gauze

KEYS = ("AKIAGAUZETEST", "secret/of+the=test")


def run(report, place):
    """Backups of a running archive, then the machine is lost."""
    with Store(place.work) as store:
        home = place.fresh("s3")
        copy = Copy(place.work, store, home)
        with Server(home) as server:
            _copied(report, copy, store)
            films = slices(6, accession="A-2605")
            client = signed_in(server, "technologist")
            for _, raw in films:
                client.stow([raw])
            _new(report, copy, store)
            _refused(report, copy, store)
            _interrupted(report, copy, store)
        _back(report, copy, place, films)
        _altered(report, copy, store, place)


class Store:
    """moto's S3."""

    def __init__(self, work):
        self.port, self.log = dimse.free_port(), open(work / "moto.log", "wb")
        self.base = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                                        stdout=self.log, stderr=self.log)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        for bucket in ("gauze-data", "gauze-wraps", "gauze-other"):
            self.ask("PUT", f"/{bucket}")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.log.close()

    def ask(self, method, path, body=None, headers=None):
        """A request with a signature that moto does not check: ours are checked against the examples of the reference."""
        sign = {"Authorization": "AWS4-HMAC-SHA256 Credential=A/20261127/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0", "Content-Type": "application/octet-stream", **(headers or {})}
        request = urllib.request.Request(self.base + path, data=body, method=method, headers=sign)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return answer.read()

    def names(self, bucket, prefix=""):
        """Key → size and time."""
        space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
        root = ET.fromstring(self.ask("GET", f"/{bucket}?list-type=2&prefix={prefix}"))
        return {c.find(space + "Key").text: (int(c.find(space + "Size").text), c.find(space + "LastModified").text) for c in root.iter(space + "Contents")}


class Copy:
    """`gauze backup` with buckets."""

    def __init__(self, work, store, home):
        self.work, self.store, self.home = work, store, home
        self.credentials = work / "s3-credentials"
        self.credentials.write_text("\n".join(KEYS) + "\n")
        self.credentials.chmod(0o600)

    def where(self, data="s3://gauze-data/house/a", wraps="s3://gauze-wraps", credentials=None, endpoint=None):
        """The options."""
        return ("--bucket", data, "--wraps-bucket", wraps, "--s3-endpoint", endpoint or self.store.base, "--s3-credentials",
                credentials or self.credentials)

    def run(self, target="s3-copy", **where):
        """One backup."""
        return gauze("backup", self.work / target, "--home", self.home, *self.where(**where))


def _copied(report, copy, store):
    done = copy.run()
    report.check("a backup is copied into two buckets", done.returncode == 0, done.stderr[-300:])
    local = {str(p.relative_to(copy.work / "s3-copy")): p.stat().st_size for p in (copy.work / "s3-copy").rglob("*") if p.is_file() and p.name != "lock"}
    there = {name.removeprefix("house/a/"): size for name, (size, _) in store.names("gauze-data").items()}
    report.equal("every file of it, under the prefix", there, local)
    wraps = set(store.names("gauze-wraps"))
    report.check("wrapped keys are in the other one only", any(name.endswith("wraps.sqlite") for name in wraps)
                 and not any("wraps" in name for name in there), str(wraps))


def _new(report, copy, store):
    before = store.names("gauze-data")
    done = copy.run()
    after = store.names("gauze-data")
    kept = [name for name in before if name in after and after[name] == before[name]]
    report.check("the next run", done.returncode == 0, done.stderr[-300:])
    report.check("puts what is new, and leaves what is there", 0 < len(after) - len(kept) < len(after) and "house/a/gauze-backup" in kept, f"({len(kept)} of {len(after)} as they were)")


def _refused(report, copy, store):
    store.ask("PUT", "/gauze-other/somebody/elses", b"letters")
    for what, where, expected in (
        ("a bucket with something else in it", {"data": "s3://gauze-other"}, (1, "something else")), ("no such bucket", {"data": "s3://gauze-none"}, (1, "404")),
        ("data and wraps in one place", {"wraps": "s3://gauze-data/house/a/wraps"}, (2, "")), ("no bucket's name", {"data": "gauze-data"}, (2, "s3://")),
        ("another machine in the clear", {"endpoint": "http://192.0.2.1"}, (2, "s3-endpoint")), ("nobody there", {"endpoint": f"http://127.0.0.1:{dimse.free_port()}"}, (1, "does not answer")),
    ):
        done = copy.run(**where)
        report.check(f"{what}: refused", done.returncode == expected[0] and expected[1] in done.stderr, f"{done.returncode} {done.stderr[-200:]}")
        report.check(f"{what}: no secret is said", KEYS[1] not in done.stderr + done.stdout)
    report.equal("and what is somebody else's is there", store.ask("GET", "/gauze-other/somebody/elses"), b"letters")
    open_to_all = copy.work / "s3-open"
    open_to_all.write_text("\n".join(KEYS))
    open_to_all.chmod(0o644)
    report.equal("a file of keys that others may read is not read", copy.run(credentials=open_to_all).returncode, 1)


def _interrupted(report, copy, store):
    """Killed while it copies into an empty bucket; the next run goes on."""
    store.ask("PUT", "/gauze-second")
    where = [str(word) for word in copy.where(data="s3://gauze-second")]
    process = subprocess.Popen([str(GAUZE), "backup", str(copy.work / "s3-copy"), "--home", str(copy.home), *where],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    for _ in range(400):
        if len(store.names("gauze-second")) >= 2:
            break
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    some = len(store.names("gauze-second"))
    done = copy.run(data="s3://gauze-second")
    report.check("a copy that was cut goes on", done.returncode == 0 and some < len(store.names("gauze-second")), f"({some}) {done.stderr[-200:]}")


def _back(report, copy, place, films):
    """The machine is gone: folder and home; the keys were kept elsewhere."""
    home = place.work / "s3-back"
    done = gauze("restore", copy.work / "s3-fetched", home, "--keys", copy.home / "keys", "--accept-loss", *copy.where(data="s3://gauze-second"))
    report.check("an archive comes back from the buckets", done.returncode == 0, done.stderr[-400:])
    with Server(home) as server:
        client, wrong = signed_in(server, "radiologist"), []
        client.open(films[0][0][0], "report")
        for name, raw in films:
            answer = client.get(wado(name), accept='multipart/related; type="application/dicom"')
            if answer.status != 200 or data_of(answer.parts()[0][1]) != data_of(raw):
                wrong.append(name[2])
        report.equal("with every film, bit for bit", wrong, [])
        report.check("and all studies", len(client.find("/studies")) >= len(demo_files()) - 3)


def _altered(report, copy, store, place):
    """Somebody who owns the bucket changes bytes, or puts his own."""
    name = next(n for n in store.names("gauze-second") if n.endswith(".pack"))
    raw = bytearray(store.ask("GET", f"/gauze-second/{name}"))
    raw[len(raw) // 2] ^= 1
    store.ask("PUT", f"/gauze-second/{name}", bytes(raw))
    done = gauze("restore", place.work / "s3-fetched2", place.work / "s3-back2", "--keys", copy.home / "keys", "--accept-loss", *copy.where(data="s3://gauze-second"))
    report.check("an object that was put by somebody else is not taken", done.returncode == 1 and name in done.stderr, done.stderr[-300:])
