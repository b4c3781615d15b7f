"""`gauze verify` names the first entry that is not as it was written; an older copy does not start."""

import json
import shutil

from lib.http import signed_in
from lib.journal import Journal
from lib.server import Server, copy_home, gauze


def verify(home, *more):
    """Exit status and report."""
    done = gauze("verify", home, "--json", *more)
    line = next((l for l in done.stdout.splitlines() if l.startswith("{")), "{}")
    return done.returncode, json.loads(line)


def run(report, place):
    """A good ledger, then one change a copy."""
    home = place.fresh("verify")
    early, later = place.work / "early.txt", place.work / "later.txt"
    gauze("checkpoint", home, "--out", early, status=0)
    older = copy_home(home, place.work / "older")
    with Server(home) as server:
        radiologist = signed_in(server, "radiologist")
        for study in radiologist.find("/studies"):
            radiologist.open(study["0020000D"]["Value"][0], "report")
        status, said = verify(home)
        report.check("a running archive verifies", status == 0 and said["ok"], str(said))
    gauze("checkpoint", home, "--out", later, status=0)
    status, said = verify(home, "--checkpoint", early, "--checkpoint", later)
    report.check("a stopped one too, with both checkpoints", status == 0 and said["ok"] and said["checkpoints"] >= 2, str(said))
    entries = said["entries"]
    print(f"   {entries} entries")
    plain = gauze("verify", home, LC_ALL="C.UTF-8")
    report.check("in words, too", plain.returncode == 0 and str(entries) in plain.stdout, plain.stdout)
    copy = place.work / "no-key"
    copy_home(home, copy)
    (copy / "keys" / "root.key").unlink()
    report.equal("it needs no secret key", verify(copy)[0], 0)
    _tampered(report, place, home, later, entries)
    _rolled_back(report, place, home, older, later)
    _other(report, place, home)


def _tampered(report, place, home, checkpoint, entries):
    at, other = entries // 2, entries // 2 + 5

    def flip(parts, index, byte):
        raw = bytearray(parts[index])
        raw[byte] ^= 1
        parts[index] = bytes(raw)

    def leaf(j):
        flip(j.leaves, at - j.first, 60)

    def kind(j):
        flip(j.leaves, at - j.first, 2)

    def body(j):
        flip(j.bodies, at - j.first, -1)

    def signature(j):
        flip(j.bodies, at - j.first, 3)

    def remove(j):
        del j.leaves[at - j.first], j.bodies[at - j.first]

    def swap(j):
        for parts in (j.leaves, j.bodies):
            parts[at - j.first], parts[other - j.first] = parts[other - j.first], parts[at - j.first]

    def repeat(j):
        j.leaves[other - j.first], j.bodies[other - j.first] = j.leaves[at - j.first], j.bodies[at - j.first]

    def cut(j):
        del j.leaves[-7:], j.bodies[-7:]

    cases = [
        ("a leaf's byte is flipped", leaf, at, "changed"), ("a leaf's kind is flipped", kind, at, "changed"),
        ("a body's byte is flipped", body, at, "body-changed"), ("a signature's byte is flipped", signature, at, "changed"),
        ("an entry is removed", remove, at, "removed"), ("two entries are swapped", swap, at, "swapped"),
        ("an entry is put in another's place", repeat, other, "swapped"), ("the end is cut off", cut, entries - 7, "cut-off"),
    ]
    for number, (label, change, index, what) in enumerate(cases):
        copy = copy_home(home, place.work / f"tampered{number}")
        journal = Journal(copy)
        change(journal)
        journal.write()
        status, said = verify(copy)
        report.equal(f"{label}: named, although every hash was made anew", (status, said.get("fault")), (1, {"index": index, "what": what}))
        (copy / "keys" / "seen").unlink()
        status, said = verify(copy, "--checkpoint", checkpoint)
        report.equal(f"{label}: named by a checkpoint kept elsewhere", (status, said.get("fault")), (1, {"index": index, "what": what}))
        shutil.rmtree(copy)
    copy = copy_home(home, place.work / "tile")
    tile = max((copy / "data" / "ledger" / "tile" / "0").rglob("*"), key=lambda p: (p.is_file(), int(p.name) if p.is_file() else 0))
    raw = bytearray(tile.read_bytes())
    at = len(raw) // 64
    raw[at * 32] ^= 1
    tile.write_bytes(raw)
    status, said = verify(copy)
    report.equal("a hash in a tile is flipped", (status, said["fault"]["what"]), (1, "tree-changed"))


def _rolled_back(report, place, home, older, checkpoint):
    """An older complete copy of data; then an older copy of the whole home."""
    size = verify(older)[1]["entries"]
    back = copy_home(home, place.work / "back")
    shutil.rmtree(back / "data")
    shutil.copytree(older / "data", back / "data")
    done = gauze("serve", back)
    report.equal("an older copy of data does not start", (done.returncode, "ready" in done.stdout), (1, False))
    report.check("says what is wrong", "older" in done.stderr and str(size) in done.stderr, done.stderr[-300:])
    report.check("and the way out", "keys/seen" in done.stderr, done.stderr[-300:])
    again = gauze("serve", back)
    report.equal("also the second time", again.returncode, 1)
    status, said = verify(back)
    report.equal("verify names the first missing entry", (status, said.get("fault")), (1, {"index": size, "what": "cut-off"}))
    report.equal("an older copy of the whole home looks good by itself", verify(older)[0], 0)
    status, said = verify(older, "--checkpoint", checkpoint)
    report.equal("a checkpoint kept elsewhere names it", (status, said.get("fault")), (1, {"index": size, "what": "cut-off"}))
    (back / "keys" / "seen").unlink()
    with Server(back) as server:
        report.check("the way out works", server.start_seconds < 5)
    status, said = verify(back, "--checkpoint", checkpoint)
    report.equal("and is told by the checkpoint for ever", status, 1)


def _other(report, place, home):
    stranger = place.work / "stranger-verify"
    gauze("init", stranger, "--plain-key", status=0)
    done = gauze("verify", home, "--key", stranger / "keys" / "ledger.vkey", "--json")
    report.equal("another log's key does not verify it", done.returncode, 1)
    note = place.work / "forged.txt"
    text = (home / "keys" / "seen").read_text().splitlines(keepends=True)
    text[1] = f"{int(text[1]) + 1}\n"
    note.write_text("".join(text))
    done = gauze("verify", home, "--checkpoint", note)
    report.equal("a forged checkpoint is refused", done.returncode, 1)
    nowhere = gauze("verify", place.work / "nowhere")
    report.equal("no archive: 1", nowhere.returncode, 1)
