"""`kill -9` while films come in by both doors; a full disk."""

import http.client
import os
import random
import subprocess
import threading
import time
from pathlib import Path

from lib import dimse
from lib.films import data_of, slices
from lib.http import signed_in, wado
from lib.server import GAUZE, Server, gauze

ROUNDS, SENDERS, EACH = 10, 4, 50
ORDER = "A-2605"


def run(report, place):
    """Ten kills, then a disk of 160 MB."""
    _kills(report, place)
    _full(report, place)


class Sent:
    """What was sent and what was acknowledged, over all rounds."""

    def __init__(self):
        self.raw, self.acknowledged, self.read, self.lock = {}, set(), set(), threading.Lock()

    def film(self, name, raw):
        """About to be sent."""
        with self.lock:
            self.raw[name[2]] = (name, raw)

    def good(self, *instances):
        """Success was received."""
        with self.lock:
            self.acknowledged.update(instances)


def _kills(report, place):
    home, sent, chance = place.fresh("kills"), Sent(), random.Random(11)
    server = Server(home).start()
    for number in range(ROUNDS):
        client = signed_in(server, "technologist")
        senders = [threading.Thread(target=_stow, args=(client, sent, slices(EACH, accession=ORDER))) for _ in range(SENDERS)]
        senders.append(threading.Thread(target=_dimse, args=(server, sent, _folder(sent, place.work / f"out{number}"))))
        before = len(sent.acknowledged)
        for sender in senders:
            sender.start()
        enough, end = before + chance.randrange(5, 120), time.monotonic() + 20
        while len(sent.acknowledged) < enough and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.02)
        server.kill()
        for sender in senders:
            sender.join()
        server = Server(home).start()
        _all_there(report, server, sent, number, before)
    server.stop()
    done = gauze("verify", home)
    report.equal("after ten kills the ledger verifies", (done.returncode, done.stdout[-200:] if done.returncode else ""), (0, ""))
    print(f"   {len(sent.acknowledged)} of {len(sent.raw)} films were acknowledged before a kill")
    report.check("kills fell into stores", 0 < len(sent.acknowledged) < len(sent.raw))


def _stow(client, sent, films):
    try:
        for name, raw in films:
            sent.film(name, raw)
            if client.stow([raw]).status == 200:
                sent.good(name[2])
    except (OSError, http.client.HTTPException):
        return


def _folder(sent, folder):
    folder.mkdir()
    for at, (name, raw) in enumerate(slices(EACH, accession=ORDER)):
        sent.film(name, raw)
        (folder / f"{at:03}.dcm").write_bytes(raw)
    return folder


def _dimse(server, sent, folder):
    _, said = dimse.run("storescu", server, "-d", "+sd", files=[folder])
    sent.good(*dimse.acknowledged(said))


def _all_there(report, server, sent, number, before):
    client = signed_in(server, "radiologist")
    listed, offset = [], 0
    while page := client.find(f"/instances?AccessionNumber={ORDER}&limit=500&offset={offset}"):
        listed += [one["00080018"]["Value"][0] for one in page]
        offset += len(page)
        if len(page) < 500:
            break
    there = set(listed)
    report.equal(f"round {number + 1}: nothing acknowledged is lost", sorted(sent.acknowledged - there), [])
    new = [uid for uid in there if uid in sent.raw and uid not in sent.read]
    wrong, opened = [], set()
    for uid in new:
        name, raw = sent.raw[uid]
        if name[0] not in opened:
            opened.add(name[0])
            client.open(name[0], "report")
        answer = client.get(wado(name), accept='multipart/related; type="application/dicom"')
        body = answer.parts()[0][1] if answer.status == 200 else b""
        if data_of(body) != data_of(raw):
            wrong.append((uid, answer.status, len(body)))
    sent.read.update(new)
    report.equal(f"round {number + 1}: nothing half-stored is visible ({len(new)} new films read)", wrong, [])
    report.check(f"round {number + 1}: films were stored before the kill", len(sent.acknowledged) > before)


class Small:
    """An archive whose data lie on a small disk of its own (a mount namespace; no root needed)."""

    SIZE_MB = 200

    def __init__(self, place):
        self.home = place.fresh("full")
        data = self.home / "data"
        aside = self.home / "data.aside"
        data.rename(aside)
        data.mkdir()
        script = (f'mount -t tmpfs -o size={self.SIZE_MB}m tmpfs "{data}" && cp -a "{aside}/." "{data}/" && '
                  f'{{ "{GAUZE}" demo "{self.home}" & wait; }}')
        self.server = Server(self.home, wrap=["unshare", "-Urm", "sh", "-c", script, "--"])

    def data(self):
        """The folder as the archive sees it."""
        shell = int(Path(f"/proc/{self.server.pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        data = Path(f"/proc/{shell}/root{self.home}/data")
        size = os.statvfs(data)
        if size.f_blocks * size.f_frsize > self.SIZE_MB << 20:
            raise AssertionError(f"{data} is not the small disk")
        return data


def _full(report, place):
    if subprocess.run(["unshare", "-Urm", "true"], check=False, capture_output=True).returncode:
        report.check("a mount namespace can be made here", False)
        return
    small = Small(place)
    with small.server as server:
        radiologist, technologist = signed_in(server, "radiologist"), signed_in(server, "technologist")
        films = slices(8, accession=ORDER)
        report.equal("with room, films are stored", technologist.stow([films[0][1]]).status, 200)
        filler = small.data() / "filler"
        left = _fill(filler)
        answer = technologist.stow([films[1][1]])
        report.equal("a full disk refuses STOW with 507", answer.status if answer.status != 409 else _reason(answer), 507)
        path = place.work / "full.dcm"
        path.write_bytes(films[2][1])
        _, said = dimse.run("storescu", server, "-d", files=[path])
        report.check("and C-STORE with A700", "0xa700" in said.lower() and not dimse.acknowledged(said), said[-400:])
        statuses = set()
        for _ in range(30):
            opened = radiologist.open(films[0][0][0], "report")
            shown = radiologist.get(wado(films[0][0], "/rendered"), accept="image/png")
            statuses.add((opened.status, shown.status))
        report.equal("films are still opened and shown, and recorded", statuses, {(200, 200)})
        gone = radiologist.find(f"/instances?SOPInstanceUID={films[1][0][2]}") + radiologist.find(f"/instances?SOPInstanceUID={films[2][0][2]}")
        report.equal("nothing of the refused films is visible", gone, [])
        filler.unlink()
        statuses = _soon(lambda: technologist.stow([films[1][1]]).status, 200)
        report.equal("with room again, films are stored", statuses, 200)
        _, said = dimse.run("storescu", server, "-d", files=[path])
        report.check("by C-STORE too", bool(dimse.acknowledged(said)), said[-300:])
        print(f"   {left / 1e6:.1f} MB were left of {Small.SIZE_MB} MB")


def _fill(filler):
    """Until not even a page is left."""
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    free = os.statvfs(filler)
    return free.f_bavail * free.f_frsize


def _reason(answer):
    return answer.body[-200:]


def _soon(ask, wanted, seconds=10):
    end = time.monotonic() + seconds
    while (got := ask()) != wanted and time.monotonic() < end:
        time.sleep(0.3)
    return got
