"""Nothing lost: `check` names what is damaged, a backup of a running archive comes back whole, and nothing that was withdrawn
comes back with an older copy."""

import http.client
import json
import os
import random
import shutil
import subprocess
import threading
import time

from lib.films import data_of, names, slices
from lib.http import signed_in, wado
from lib.server import GAUZE, Server, copy_home, environment, gauze

ORDER = "A-2605"
# `make test` flips a few; the whole number by hand: GAUZE_FLIPS=300.
FLIPS = int(os.environ.get("GAUZE_FLIPS", "16"))
SEED = int(os.environ.get("GAUZE_FLIPS_SEED", "16"))


def check(home, *more):
    """Exit status and report."""
    done = gauze("check", home, "--json", *more)
    line = next((l for l in done.stdout.splitlines() if l.startswith("{")), "{}")
    return done.returncode, json.loads(line), done.stderr


def words(report):
    """Kinds of findings that are left."""
    return sorted({f["what"] for f in report.get("findings", []) if not f["repaired"] and not f["notice"]})


def run(report, place):
    """One archive with films of an order, stopped; everything else is done to copies of it."""
    home = place.fresh("keep")
    films = slices(12, accession=ORDER)
    with Server(home) as server:
        client = signed_in(server, "technologist")
        for _, raw in films:
            report.equal("a slice is stored", client.stow([raw]).status, 200)
        _examined(server)
        status, _, said = check(home)
        report.check("beside a running archive it says that it has to be stopped", status == 1 and "running" in said, said[-200:])
        target = place.work / "backup"
        gauze("backup", target, "--home", home, status=0)
    shutil.rmtree(home / "data" / "intake")
    status, said, err = check(home)
    report.check("a good archive has no findings", status == 0 and said["ok"] and not said["findings"], f"{said} {err[-200:]}")
    report.check("every object was opened", said["objects"] >= 12 + 13 and said["rows"] > 0 and said["entries"] > 0, str(said))
    _interrupted(report, place, home)
    _flips(report, place, home, films, target)
    _backup(report, place)
    _withdrawn(report, place)


def _examined(server):
    """Until nothing waits to be examined or moved: the folder stays as it is."""
    before, since, end = None, time.monotonic(), time.monotonic() + 60
    while time.monotonic() < end and time.monotonic() - since < 3:
        now = sorted((str(p), p.stat().st_size) for p in (server.home / "data").rglob("*") if p.is_file())
        if now != before:
            before, since = now, time.monotonic()
        time.sleep(0.3)


def _interrupted(report, place, home):
    copy = copy_home(home, place.work / "interrupted")
    process = subprocess.Popen([str(GAUZE), "check", str(copy)], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.05)
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    status, said, _ = check(copy)
    report.check("interrupted, it runs again and ends well", status == 0 and said["ok"], str(said))
    report.check("and leaves no list behind", not (copy / "keys" / "check.opened").exists())
    shutil.rmtree(copy)


def _kinds(home):
    """Files by kind: each kind is hit as often, whatever its size."""
    data = home / "data"
    listed = {
        "objects": [p for p in (data / "blobs").rglob("*") if p.is_file() and not p.suffix],
        "sidecars": list((data / "blobs").rglob("*.side")),
        "rows": [data / "rows.sqlite"],
        "wraps": [data / "wraps.sqlite"],
        "entries": [p for p in (data / "ledger" / "tile" / "entries").rglob("*") if p.is_file()],
        "bodies": [p for p in (data / "ledger" / "body").rglob("*") if p.is_file()],
        "tiles": [p for n in "0123" for p in (data / "ledger" / "tile" / n).rglob("*") if p.is_file()],
        "marks": [data / "VERSION", data / "key-mark"],
        "keys": [home / "keys" / name for name in ("root.key", "seen", "ledger.vkey")],
        # The schema that lies beside the rules is a copy to be read; the program has its own.
        "settings": [home / "gauze.toml", *sorted((home / "policies").glob("*.cedar"))],
    }
    listed["packs"] = [p for p in (data / "packs").rglob("*") if p.is_file()]
    listed["snapshot"] = list(data.glob("index.snapshot"))
    return listed


def _flips(report, place, home, films, target):
    """One bit a copy. Named, or the archive gives out exactly what it gave out before."""
    chance, tally, harmless = random.Random(SEED), {}, {}
    shutil.copytree(home / "keys", place.work / "kept-keys", ignore=shutil.ignore_patterns("*.sock"))
    kinds = _kinds(home)
    order = sorted(kind for kind, files in kinds.items() if files)
    for number in range(FLIPS):
        kind = order[number % len(order)]
        path = chance.choice([p for p in kinds[kind] if p.stat().st_size])
        copy = copy_home(home, place.work / f"flip{number}")
        hit = copy / path.relative_to(home)
        raw = bytearray(hit.read_bytes())
        bit = chance.randrange(len(raw) * 8)
        raw[bit // 8] ^= 1 << (bit % 8)
        hit.write_bytes(raw)
        where = f"{kind}: {path.relative_to(home)} bit {bit}"
        status, said, err = check(copy)
        named = bool(said.get("findings")) or (status != 0 and bool(err))
        outcome = "named" if named else "harmless"
        if not named:
            harmless[kind] = harmless.get(kind, 0) + 1
        tally[kind, outcome] = tally.get((kind, outcome), 0) + 1
        _serves(report, place, copy, films, target, where, said)
        shutil.rmtree(copy)
    shown = ", ".join(f"{kind} {outcome} {count}" for (kind, outcome), count in sorted(tally.items()))
    print(f"   {FLIPS} flips: {shown}")
    known = set(harmless) <= {"rows", "wraps", "keys", "packs"}
    report.check("what was not named lies in room that nobody reads: free pages of a database, packs between their objects, ends of lines", known, str(harmless))


def _serves(report, place, copy, films, target, where, said):
    """Whatever starts, gives out no altered byte and all films but those that the check named."""
    affected = {a.split(" ", 1)[1] for f in said.get("findings", []) for a in f["affects"] if a.startswith("instance ")}
    server = Server(copy)
    try:
        server.start()
        way = "starts"
    except AssertionError:
        way, server = _put_right(place, copy, target)
    if server is None:
        report.check(f"{where}: a way out leads to all films", False, way)
        return
    with_server = server.process.poll() is None
    report.check(f"{where}: the archive runs again ({way})", with_server)
    try:
        wrong, missing = _compare(server, films)
    finally:
        server.stop()
    report.equal(f"{where}: no altered byte ({way})", wrong, [])
    # Policies and configuration are edited by people: what a changed rule takes away is no damage.
    if not where.startswith("settings"):
        report.equal(f"{where}: all other films ({way})", sorted(set(missing) - affected), [])


def _put_right(place, copy, target):
    """The ways out, in the order in which the check names them."""
    gauze("check", copy, "--repair", "--from", target)
    try:
        return "after --repair", Server(copy).start()
    except AssertionError:
        pass
    back = place.work / f"{copy.name}-back"
    done = gauze("restore", target, back, "--keys", place.work / "kept-keys", "--accept-loss")
    if done.returncode != 0:
        return done.stderr[-300:], None
    server = Server(back, command="serve")
    return "after restore", server.start()


def _compare(server, films):
    client, wrong, missing = signed_in(server, "radiologist"), [], []
    client.open(films[0][0][0], "report")
    for name, raw in films:
        try:
            answer = client.get(wado(name), accept='multipart/related; type="application/dicom"')
        except http.client.HTTPException:  # cut where the damage begins: no whole answer
            client.close()
            missing.append(name[2])
            continue
        if answer.status != 200:
            missing.append(name[2])
        elif data_of(answer.parts()[0][1]) != data_of(raw):
            wrong.append(name[2])
    return wrong, missing


def _backup(report, place):
    """While films come in; incremental; onto an empty home; complete; the loss is told."""
    home, target = place.fresh("backed"), place.work / "b1"
    films = slices(60, accession=ORDER)
    with Server(home) as server:
        client = signed_in(server, "technologist")
        for _, raw in films[:20]:
            client.stow([raw])
        first = json.loads(gauze("backup", target, "--home", home, "--json", status=0).stdout)
        sender = threading.Thread(target=lambda: [client.stow([raw]) for _, raw in films[20:40]])
        sender.start()
        second = json.loads(gauze("backup", target, "--home", home, "--json", status=0).stdout)
        sender.join()
        third = json.loads(gauze("backup", target, "--home", home, "--json", status=0).stdout)
        grown = [first["files"], second["files"] - first["files"], third["files"] - second["files"]]
        report.equal("only what is new is copied", [first["added"], second["added"], third["added"]], grown)
        for _, raw in films[40:]:
            client.stow([raw])
    held = [p for p in target.rglob("*") if p.is_file()]
    report.equal("no key and no wrapped key in it", [p.name for p in held if p.name in ("root.key", "wraps.sqlite") or "key" in p.name and p.suffix != ".vkey"], [])
    report.check("but the public one that its entries are read with", (target / "settings" / "ledger.vkey").read_text().startswith("gauze/"))
    plain = [raw[-3000:-1000] for _, raw in films[:3]] + [b"Schnitt", b"GZ-9001"]
    found = [p.name for p in held for needle in plain if needle in p.read_bytes()]
    report.equal("nothing in it is readable", found, [])
    back, keys = place.work / "restored", place.work / "kept"
    shutil.copytree(home / "keys", keys, ignore=shutil.ignore_patterns("*.sock"))
    refused = gauze("restore", target, back, "--keys", keys)
    report.check("a restore that would lose what was seen says so", refused.returncode == 1 and str(third["entries"]) in refused.stderr, refused.stderr[-300:])
    report.check("and the half-made home does not start", gauze("serve", back).returncode == 1)
    done = gauze("restore", target, back, "--keys", keys, "--accept-loss")
    report.check("accepted, it is restored and compared", done.returncode == 0 and str(third["entries"]) in done.stderr, done.stdout[-300:] + done.stderr[-300:])
    again = gauze("restore", target, back, "--keys", keys, "--accept-loss")
    report.check("never over an archive", again.returncode == 1)
    with Server(back, command="serve") as server:
        wrong, missing = _compare(server, films[:40])
        report.equal("films of the backup: bit for bit", (wrong, missing), ([], []))
        _, later = _compare(server, films[40:])
        report.equal("films that came later are lost, as was said", len(later), 20)
    status, said, _ = check(back)
    report.check("the restored archive is good", status == 0 and said["ok"], str(said))
    without = place.work / "no-wraps"
    done = gauze("restore", target, without, "--keys", keys, "--wraps", place.work / "nowhere", "--accept-loss")
    report.check("without the wrapped keys it says that objects are noise", done.returncode == 1 and "noise" in done.stderr, done.stderr[-200:])
    _rotten(report, place, target, (keys, films))


def _rotten(report, place, target, kept):
    """One film of the backup is damaged: said, and all others come back when that is accepted."""
    keys, films = kept
    bad = place.work / "rotten"
    shutil.copytree(target, bad)
    pack = sorted((bad / "objects").glob("*.pack"))[0]
    raw = bytearray(pack.read_bytes())
    raw[2000] ^= 1
    pack.write_bytes(raw)
    back, wraps = place.work / "restored-in-part", target.with_name(target.name + ".wraps")
    ask = ["restore", bad, back, "--keys", keys, "--wraps", wraps, "--accept-loss"]
    done = gauze(*ask)
    report.check("a backup with one damaged film says that it is one film", done.returncode == 1 and "--accept-damage" in done.stderr, done.stderr[-300:])
    report.check("and starts nothing by itself", gauze("serve", back).returncode == 1)
    done = gauze(*ask, "--accept-damage")
    report.equal("accepted, it is restored", done.returncode, 0)
    with Server(back, command="serve") as server:
        wrong, missing = _compare(server, films[:40])
        report.check("all other films: bit for bit", wrong == [] and len(missing) <= 1, f"({len(wrong)} wrong, {len(missing)} missing)")


# What can be put back alone, and what a start has to say of it.
PARTS = {"rows": ("rows.sqlite",), "wraps": ("wraps.sqlite",), "ledger": ("ledger",), "policies": ()}


def _withdrawn(report, place):
    """Every combination of older parts after something was withdrawn; none starts."""
    home = place.fresh("withdrawn")
    gauze("user", "--home", home, "add", "mallory", "--role", "radiologist", "--name", "M", status=0)
    with Server(home):
        pass
    older = copy_home(home, place.work / "older-parts")
    rules = home / "policies" / "default.cedar"
    rules.write_text(rules.read_text() + "\n// Stricter since today.\n")
    gauze("user", "--home", home, "disable", "mallory", status=0)
    with Server(home) as server:
        signed_in(server, "technologist").stow([slices(1)[0][1]])
    status, said, _ = check(home)
    report.check("the newest archive is good", status == 0, str(said))
    combos = [c for n in range(1, 16) for c in [[p for at, p in enumerate(PARTS) if n >> at & 1]]]
    refused = 0
    for combo in combos:
        mixed = copy_home(home, place.work / "mixed")
        for part in combo:
            _put_back(older, mixed, part)
        done = gauze("serve", mixed)
        ok = done.returncode == 1 and "ready" not in done.stdout
        refused += ok
        report.check(f"older {' and '.join(combo)}: does not start", ok, done.stderr[-200:])
        hint = any(word in done.stderr for word in ("gauze check", "keys/seen"))
        report.check(f"older {' and '.join(combo)}: the way out is told", hint, done.stderr[-300:])
        status, said, err = check(mixed)
        found = {f["what"] for f in said.get("findings", [])} | ({"error"} if err else set())
        report.check(f"older {' and '.join(combo)}: check names it", bool(found), str(said))
        shutil.rmtree(mixed)
    refused += _single_rows(report, place, home, older)
    refused += _witness(report, place, home, older)
    print(f"   {refused} of {len(combos) + 6} refused")
    _ways_out(report, place, home, older)


def _put_back(older, mixed, part):
    if part == "policies":
        shutil.rmtree(mixed / "policies")
        shutil.copytree(older / "policies", mixed / "policies")
        return
    for name in PARTS[part]:
        to = mixed / "data" / name
        for more in ("-wal", "-shm"):
            (mixed / "data" / (name + more)).unlink(missing_ok=True)
        if to.is_dir():
            shutil.rmtree(to)
            shutil.copytree(older / "data" / name, to)
        else:
            shutil.copy(older / "data" / name, to)


def _sql(home, file, text):
    subprocess.run(["sqlite3", str(home / "data" / file), text], check=True, capture_output=True)


def _single_rows(report, place, home, older):
    """By somebody who writes the databases: one row put back, one taken away; one wrap, too."""
    attach = f"ATTACH '{older / 'data' / 'rows.sqlite'}' AS old;"
    changed = "SELECT n.key_hash FROM row n JOIN old.row o USING (key_hash) WHERE o.version < n.version"
    cases = {
        "one row put back": ("rows.sqlite", f"{attach} REPLACE INTO row SELECT * FROM old.row WHERE key_hash IN ({changed});"),
        "one row taken away": ("rows.sqlite", "DELETE FROM row WHERE seq = (SELECT max(seq) FROM row);"),
        "a version raised": ("rows.sqlite", "UPDATE row SET version = version + 1 WHERE seq = (SELECT min(seq) FROM row);"),
        "one wrap taken away": ("wraps.sqlite", "DELETE FROM wrap WHERE seq = (SELECT max(seq) FROM wrap);"),
        "one wrap put in": ("wraps.sqlite", "INSERT INTO wrap VALUES (randomblob(32), 1, randomblob(60));"),
    }
    refused = 0
    for label, (file, text) in cases.items():
        mixed = copy_home(home, place.work / "rowed")
        _sql(mixed, file, text)
        done = gauze("serve", mixed)
        refused += done.returncode == 1
        report.check(f"{label}: does not start and says which", done.returncode == 1 and file in done.stderr, done.stderr[-300:])
        status, said, _ = check(mixed)
        report.check(f"{label}: check names it", status == 1 and words(said), str(said))
        shutil.rmtree(mixed)
    return refused


def _witness(report, place, home, older):
    """An older copy of the whole home is good by itself; a checkpoint that somebody else has kept tells, and stays."""
    note = place.work / "witness.txt"
    gauze("checkpoint", home, "--out", note, status=0)
    copy = copy_home(older, place.work / "all-older")
    report.equal("an older copy of the whole home is good by itself", check(copy)[0], 0)
    status, said, _ = check(copy, "--checkpoint", note)
    report.check("a witness's checkpoint tells", status == 1 and "ledger-cut-off" in words(said), str(said))
    done = gauze("serve", copy)
    report.check("and from then on it does not start", done.returncode == 1 and "keys/seen" in done.stderr, done.stderr[-300:])
    return done.returncode == 1


def _ways_out(report, place, home, older):
    mixed = copy_home(home, place.work / "accepted")
    _put_back(older, mixed, "policies")
    gauze("check", mixed, "--accept", "policies", status=0)
    with Server(mixed):
        report.check("older policies that are meant start after they were accepted", True)
    _put_back(older, mixed, "rows")
    report.equal("older rows do not start", gauze("serve", mixed).returncode, 1)
    gauze("check", mixed, "--accept", "tables")
    with Server(mixed) as server:
        entries = signed_in(server, "officer").get("/api/v1/accesses?limit=50")
        report.check("accepted, the ledger says so for ever", entries.status == 200 and b"accepted" in entries.body, entries.body[:300])
    report.check("the names of a film stay whole", bool(names))
