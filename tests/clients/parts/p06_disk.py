"""Somebody has a copy of GAUZE_HOME/data and not the key."""

import io
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pydicom

from lib.films import canary, demo_files, demo_table, slices
from lib.http import signed_in
from lib.server import Server, gauze

CODES = ("utf-8", "utf-16-le", "utf-16-be", "gb18030")
# Long enough not to occur by chance: 5 random bytes in 200 MB of noise occur once in 5,000 runs.
SHORTEST = 5


def needles(stored):
    """What must not be found: words of the films, and runs of their pixels."""
    words, runs = set(), []
    for patient in demo_table()["patient"]:
        words |= {patient["id"], patient["birth"], *patient["name"].replace("=", "^").split("^")}
    for raw in [*demo_files().values(), stored]:
        film = pydicom.dcmread(io.BytesIO(raw))
        words |= {str(film.StudyInstanceUID), str(film.SeriesInstanceUID), str(film.SOPInstanceUID)}
        words |= {str(film.AccessionNumber), str(film.StudyDate), str(film.PatientID)}
        runs += _runs(bytes(film.PixelData))
    words |= {"KANARIE", "Schnitt", "GZ-9001"}
    out = {}
    for word in words:
        for code in CODES:
            for form in {word, word.lower(), word.upper()}:
                try:
                    raw = form.encode(code)
                except UnicodeEncodeError:
                    continue
                if len(raw) >= SHORTEST:
                    out[raw] = f"`{form}` in {code}"
    out.update({run: "pixels" for run in runs})
    return out


def _runs(pixels, count=12, size=48):
    """Runs that are no padding."""
    at = np.linspace(len(pixels) // 10, len(pixels) - size - 1, count * 4).astype(int)
    runs = [pixels[a : a + size] for a in at]
    return [run for run in runs if len(set(run)) >= 12][:count]


def search(folder, wanted):
    """(file, what) for everything found; a file's name counts too."""
    found, size = [], 0
    for path in sorted(Path(folder).rglob("*")):
        name = str(path.relative_to(folder)).encode()
        content = path.read_bytes() if path.is_file() else b""
        size += len(content)
        if content.count(0) == len(content):
            content = b""  # room that is kept for the ledger
        found += [(path.name, what) for raw, what in wanted.items() if raw in content or raw in name]
    return found, size


def run(report, place):
    """While it runs and after."""
    stored = canary()[1]
    wanted = needles(stored)
    home = place.fresh("disk")
    with Server(home, env={"GAUZE_LOG": "debug"}) as server:
        technologist = signed_in(server, "technologist")
        report.equal("a film is stored", technologist.stow([stored, *(raw for _, raw in slices(20))]).status, 200)
        found, size = search(home / "data", wanted)
        report.equal(f"running, just stored: none of {len(wanted)} needles", found, [])
        client = signed_in(server, "radiologist")
        for study in client.find("/studies?limit=50"):
            uid = study["0020000D"]["Value"][0]
            if client.open(uid, "report").status == 200:
                client.get(f"/dicom-web/studies/{uid}/rendered", accept="image/png")
        found, size = search(home / "data", wanted)
        report.equal("running, films shown: none", found, [])
        elsewhere = {p for p in _open_files(server.pid) if not p.startswith((f"{home}/", "/dev/", "/proc/", "/sys/", "/usr/", "/etc/"))}
        report.equal("no file is open outside the home", sorted(p for p in elsewhere if Path(p).is_file()), [str(server.errors)])
        core = Path(f"/proc/{server.pid}/limits").read_text()
        report.check("no core is dumped", [l.split()[4] for l in core.splitlines() if l.startswith("Max core")] == ["0"], core[-0:200])
    found, size = search(home / "data", wanted)
    report.equal("stopped: none", found, [])
    print(f"   {len(wanted)} needles, {size / 1e6:.0f} MB")
    said = server.log()
    report.equal("the log names nobody, at its most talkative too", [w for raw, w in wanted.items() if raw in said], [])
    keys, _ = search(home / "keys", {raw: w for raw, w in wanted.items() if w != "pixels"})
    report.equal("nor does anything beside the keys", keys, [])
    _control(report, place, wanted, stored)
    _sqlite(report, home)
    _alone(report, place, home)


def _open_files(pid):
    out = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            out.append(str(link.readlink()))
        except OSError:
            continue
    return out


def _control(report, place, wanted, stored):
    """The search finds a plain film."""
    folder = place.work / "plain"
    folder.mkdir()
    (folder / "film").write_bytes(stored)
    found, _ = search(folder, wanted)
    kinds = {what for _, what in found}
    report.check("the search can find: words and pixels of a plain film", "pixels" in kinds and len(kinds) > 8, str(kinds))


def _sqlite(report, home):
    for path in [p for p in (home / "data").rglob("*") if p.is_file() and p.read_bytes()[:15] == b"SQLite format 3"]:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as base:
            tables = [row[0] for row in base.execute("select name from sqlite_master where type='table'")]
            readable = [
                (table, cell)
                for table in tables
                for row in base.execute(f'select * from "{table}" limit 2000')  # noqa: S608 - names of our own tables
                for cell in row
                if isinstance(cell, str) and len(cell) > 40
            ]
        report.equal(f"{path.name}: no text in a row", readable, [])


def _alone(report, place, home):
    copy = place.work / "stolen"
    copy.mkdir()
    shutil.copytree(home / "data", copy / "data")
    done = gauze("serve", copy)
    report.equal("a copy of data alone does not start", done.returncode, 1)
    report.check("and gives no `ready`", "ready" not in done.stdout, done.stdout[:100])
    shutil.copy(home / "gauze.toml", copy / "gauze.toml")
    shutil.copytree(home / "policies", copy / "policies")
    done = gauze("serve", copy)
    report.equal("nor with configuration and policies", done.returncode, 1)
    done = gauze("init", copy, "--plain-key")
    report.equal("init makes no new key for it", done.returncode, 1)
    other = place.work / "stranger-home"
    gauze("init", other, "--plain-key", status=0)
    shutil.rmtree(other / "data")
    shutil.copytree(home / "data", other / "data")
    before = _digest(other / "data")
    done = gauze("serve", other)
    report.equal("nor does it start with another home's key", done.returncode, 1)
    report.check("and nothing in it is changed", _digest(other / "data") == before, done.stderr[-200:])
    done = gauze("user", "--home", other, "add", "mallory", "--role", "radiologist", "--name", "Mallory")
    report.equal("no account can be added with that key", done.returncode, 1)


def _digest(folder):
    """Contents and names; an empty lock file says nothing."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file() and p.stat().st_size}
