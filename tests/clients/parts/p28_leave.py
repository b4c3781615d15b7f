"""Leaving with everything: two persons, every film as it is, every digest checked; and a second archive takes it all."""

import hashlib
import io
import subprocess

import pydicom

from lib.films import data_of, demo_files, slices
from lib.http import signed_in
from lib.server import Server, copy_home, gauze
from lib.tally import Tally


def run(report, place):
    """From a running archive, then from a stopped one."""
    home = place.fresh("leave")
    with Server(home) as server:
        leaver = Leaver(place, server, home)
        tally = Tally(server)
        _refused(report, leaver, tally)
        _all(report, leaver, tally, place)
        _again(report, leaver, server)
        _corrected(report, leaver, server)
    _damaged(report, leaver, place)


class Leaver:
    """Two persons at the archive's own terminal."""

    def __init__(self, place, server, home):
        self.home, self.work, self.users = home, place.work, {}
        for role, account in server.accounts.items():
            path = place.work / f"leave-{role}.password"
            path.write_text(account["password"])
            path.chmod(0o600)
            self.users[role] = (account["user"], path)

    def leave(self, out, first="admin", second="officer", password=None, home=None):
        """`gauze export --all`."""
        (one, first_file), (two, second_file) = self.users[first], self.users[second]
        return gauze("export", out, "--all", "--user", one, "--password-file", first_file, "--second", two,
                     "--second-password-file", password or second_file, "--home", home or self.home, "--json")


def _films(folder):
    return {path.stem: path for path in folder.rglob("*.dcm")}


def _refused(report, leaver, tally):
    out = leaver.work / "nothing"
    for first, second in (("admin", "admin"), ("officer", "officer"), ("admin", "radiologist"), ("radiologist", "officer"), ("vendor", "officer")):
        done = leaver.leave(out, first, second)
        report.check(f"{first} and {second} take nothing", done.returncode == 1 and not _films(out), done.stderr[-200:])
    done = leaver.leave(out, password=leaver.users["admin"][1])
    report.check("nor do two of whom one has a wrong password", done.returncode == 1 and not _films(out), done.stderr[-200:])
    report.equal("each refusal is recorded", len(tally.entries("not-allowed")), 5)
    report.equal("and nothing as taken away", len(tally.entries("taken-away", "left")), 0)


def _all(report, leaver, tally, place):
    out = leaver.work / "all"
    done = leaver.leave(out)
    report.equal("two persons leave", done.returncode, 0)
    films = _films(out)
    sent = {str(pydicom.dcmread(io.BytesIO(raw), stop_before_pixels=True).SOPInstanceUID): raw for raw in demo_files().values()}
    report.equal("with every film", sorted(films), sorted(sent))
    same = [uid for uid, path in films.items() if data_of(path.read_bytes()) == data_of(sent[uid])]
    report.equal("bit for bit as it came", len(same), len(sent))
    summed = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=out, capture_output=True, text=True, check=False, timeout=60)
    report.check("sha256sum finds each digest right", summed.returncode == 0, summed.stdout[-300:])
    taken, left = tally.entries("taken-away"), tally.entries("left")
    report.equal("an entry names who took and who agreed", {(e["actor"], e["details"]["second"]) for e in taken + left},
                 {(leaver.users["admin"][0], leaver.users["officer"][0])})
    digest = hashlib.sha256((out / "SHA256SUMS").read_bytes()).hexdigest()
    report.equal("and the list of digests", [(e["details"]["digest"], e["details"]["files"]) for e in left], [(digest, str(len(sent)))])
    other = place.work / "other"
    gauze("init", other, "--plain-key", status=0)
    again = gauze("import", *[path for path in out.iterdir() if path.is_dir()], "--home", other, "--json")
    report.check("another archive takes all of it", again.returncode == 0 and again.stdout.count('"stored"') == len(sent), again.stdout[-300:])


def _again(report, leaver, server):
    out = leaver.work / "all"
    before = {uid: path.stat().st_mtime_ns for uid, path in _films(out).items()}
    films = slices(70)
    technologist = signed_in(server, "technologist")
    for at in range(0, len(films), 10):
        technologist.stow([raw for _, raw in films[at : at + 10]])
    cut = next(iter(_films(out).values()))
    cut.rename(cut.with_suffix(".part"))
    done = leaver.leave(out)
    report.check("a second run", done.returncode == 0, done.stderr[-400:])
    after = {uid: path.stat().st_mtime_ns for uid, path in _films(out).items()}
    report.equal("brings what is new and what was cut", set(after) - set(before), {name[2] for name, _ in films})
    changed = {uid for uid in before if after[uid] != before[uid]}
    report.equal("and nothing else", changed, {cut.stem})


def _corrected(report, leaver, server):
    """What was put right leaves as it is now."""
    film = pydicom.dcmread(io.BytesIO(demo_files()["max-chest.dcm"]), stop_before_pixels=True)
    officer = signed_in(server, "officer")
    body = {"expect_version": officer.get("/api/v1/changes").json()["version"], "reason": "typed wrong",
            "act": {"correct-study": {"study": str(film.StudyInstanceUID), "set": {"AccessionNumber": "A-LEFT"}}}}
    done = officer.ask("POST", "/api/v1/changes", body=body)
    report.check("an accession number is corrected", done.status == 200, str(done.body[:200]))
    out = leaver.work / "right"
    report.equal("all leave", leaver.leave(out).returncode, 0)
    path = _films(out)[str(film.SOPInstanceUID)]
    report.equal("as put right", str(pydicom.dcmread(path).AccessionNumber), "A-LEFT")


def _damaged(report, leaver, place):
    """A stopped archive with one byte changed on the disk."""
    whole, told = len(_films(leaver.work / "right")), []
    for at in (0.2, 0.4, 0.6, 0.8):
        home = copy_home(leaver.home, place.work / f"bent{at}")
        pack = max((path for path in (home / "data" / "packs").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
        with open(pack, "r+b") as held:
            held.seek(int(pack.stat().st_size * at))
            byte = held.read(1)
            held.seek(-1, 1)
            held.write(bytes([byte[0] ^ 1]))
        out = place.work / f"damaged{at}"
        done = leaver.leave(out, home=home)
        lost = whole - len(_films(out))
        told.append((lost, done.returncode, len(done.stderr.splitlines()) > 1))
    report.check("a damaged object stays behind, by name and exit status, and no other", set(told) <= {(1, 1, True), (0, 0, False)} and (1, 1, True) in told, str(told))
