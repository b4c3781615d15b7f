"""Power cuts: the home lies on an ext4 image, whose file is copied while the stopped process has stores under way. What the
copy has is what was synced; everything acknowledged must be in it, whole."""

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from contextlib import contextmanager

from lib.films import data_of, slices
from lib.http import signed_in, wado
from lib.server import Server, gauze
from parts.p08_kills import ORDER, Sent, _dimse, _folder, _stow

ROUNDS = 50 if os.environ.get("GAUZE_NIGHTLY") else 3
SIZE_MB = 320


def run(report, place):
    """Rounds of stores, each cut off."""
    if os.geteuid() or _run("losetup", "-f").returncode or not shutil.which("mkfs.ext4"):
        print("   SKIPPED: no root, no loop device or no mkfs.ext4")
        return
    chance, sent, cut = random.Random(5), Sent(), Cuts()
    image, disk = place.work / "disk.img", place.work / "disk"
    _run("truncate", "-s", f"{SIZE_MB}M", image, check=True)
    _run("mkfs.ext4", "-q", "-F", image, check=True)
    for number in range(ROUNDS):
        with mounted(image, disk):
            home = disk / "home"
            if number == 0:
                shutil.copytree(place.template, home, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
                os.sync()
            copy = place.work / "cut.img"
            _cut(sent, chance, (home, place.work / f"films{number}"), (image, copy))
        shutil.move(copy, image)
        _all_there(report, (image, disk), sent, cut, number)
    report.check("power was cut while stores were under way", cut.acknowledged > 0 and cut.sent > cut.acknowledged)
    print(f"   {ROUNDS} cuts: {cut.sent} films sent, {cut.acknowledged} acknowledged, {cut.whole} of these whole; {cut.torn} torn ends")


class Cuts:
    """Counts over all rounds."""

    sent = acknowledged = whole = torn = 0


def _run(*command, check=False):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120, check=check)


@contextmanager
def mounted(image, disk):
    """The image's file system; what is dirty in it when this ends is of no account."""
    disk.mkdir(exist_ok=True)
    _run("mount", "-o", "loop", image, disk, check=True)
    try:
        yield
    finally:
        for _ in range(50):
            if _run("umount", disk).returncode == 0:
                break
            time.sleep(0.1)


def _cut(sent, chance, where, files):
    """Stores by both doors; the process is stopped at some moment, and the file below copied as it is then."""
    (home, folder), (image, copy) = where, files
    server = Server(home).start()
    try:
        client = signed_in(server, "technologist")
        films = [slices(40, accession=ORDER) for _ in range(3)]
        senders = [threading.Thread(target=_stow, args=(client, sent, some)) for some in films]
        senders.append(threading.Thread(target=_dimse_till_cut, args=(server, sent, _folder(sent, folder))))
        before = len(sent.acknowledged)
        for sender in senders:
            sender.start()
        enough, end = before + chance.randrange(3, 90), time.monotonic() + 20
        while len(sent.acknowledged) < enough and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.02)
        os.kill(server.pid, signal.SIGSTOP)
        time.sleep(0.2)  # what was answered is read
        with sent.lock:
            sent.cut = set(sent.acknowledged)
        shutil.copyfile(image, copy)
    finally:
        server.kill()
    for sender in senders:
        sender.join()
    # Answers that came after the copy count for nothing: the power was off.
    sent.acknowledged = sent.cut


def _dimse_till_cut(server, sent, folder):
    known = set()
    try:
        _dimse(server, Known(sent, known), folder)
    except (OSError, subprocess.SubprocessError):
        return


class Known:
    """Acknowledgements that are told at the end only cannot be told from later ones: they are not counted."""

    def __init__(self, sent, known):
        self.sent, self.known = sent, known

    def good(self, *instances):
        """Not counted."""
        self.known.update(instances)


def not_whole(server, sent):
    """Acknowledged films that the archive does not give back bit for bit, each with the status of the answer."""
    client, wrong, opened = signed_in(server, "radiologist"), [], set()
    for uid in sorted(sent.acknowledged):
        name, raw = sent.raw[uid]
        if name[0] not in opened:
            opened.add(name[0])
            client.open(name[0], "report")
        answer = client.get(wado(name), accept='multipart/related; type="application/dicom"')
        if answer.status != 200 or data_of(answer.parts()[0][1]) != data_of(raw):
            wrong.append((uid, answer.status))
    return wrong


def _all_there(report, where, sent, cut, number):
    image, disk = where
    label = f"cut {number + 1}"
    with mounted(image, disk):
        home = disk / "home"
        checked = gauze("check", home, "--json")
        report.equal(f"{label}: `check` finds nothing but a torn end", checked.returncode, 0)
        cut.torn += checked.stdout.count("segment-tail")
        with Server(home) as server:
            wrong = not_whole(server, sent)
        report.equal(f"{label}: every acknowledged film is there, bit for bit ({len(sent.acknowledged)})", wrong, [])
        cut.sent, cut.acknowledged = len(sent.raw), len(sent.acknowledged)
        cut.whole = len(sent.acknowledged) - len(wrong)
