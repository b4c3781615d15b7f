"""In and out by files: folders, ZIP, DICOMDIR, standard input; ZIP, DICOMDIR and pictures by the policy of an account."""

import csv
import io
import json
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pydicom
from PIL import Image
from pydicom.fileset import FileSet

from lib.films import data_of, demo_film, names, new_uid, slices, to_bytes
from lib.http import signed_in
from lib.server import GAUZE, Server, environment, gauze

ORDER = "A-2605"


def run(report, place):
    """Each way in, with pydicom's and DCMTK's media; then each way out."""
    home = place.fresh("media")
    with Server(home) as server:
        _zip(report, place, home)
        _dicomdir(report, place, home)
        _standard(report, home)
        _hostile(report, place, home)
        _export(report, place, home, server)


def results(home, *sources, status=None, data=None):
    """What became of each file."""
    arguments = ["import", *map(str, sources), "--home", str(home), "--json"]
    done = subprocess.run([str(GAUZE), *arguments], capture_output=True, input=data, timeout=180, env=environment(), check=False)
    out = [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]
    if status is not None and done.returncode != status:
        raise AssertionError(f"import: {done.returncode}: {done.stderr[-300:]}")
    return sorted(one["result"] for one in out), done


def _zip(report, place, home):
    films = slices(6, accession=ORDER)
    path = place.work / "films.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for number, (_, raw) in enumerate(films):
            kind = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
            packed.writestr(f"PATIENT/IM{number}", raw, compress_type=kind)
        packed.writestr("readme.txt", "no film")
        packed.writestr("folder/", "")
    got, _ = results(home, path, status=0)
    report.equal("a ZIP's films are stored", got, ["not-dicom"] + ["stored"] * 6)
    got, done = results(home, path, status=0)
    report.check("again: what an earlier run stored is not looked at", got == [] and b"7 stored by an earlier run" in done.stderr, str(got) + done.stderr.decode()[-200:])
    folder = place.work / "with-zip"
    folder.mkdir()
    more = slices(2, accession=ORDER)
    with zipfile.ZipFile(folder / "inner.zip", "w") as packed:
        packed.writestr("a", more[0][1])
    (folder / "b.dcm").write_bytes(more[1][1])
    report.equal("a ZIP in a folder, too", results(home, folder, status=0)[0], ["stored", "stored"])


def _dicomdir(report, place, home):
    folder = place.work / "medium"
    fileset = FileSet()
    films = slices(4, accession=ORDER)
    for _, raw in films:
        fileset.add(pydicom.dcmread(io.BytesIO(raw)))
    fileset.write(folder)
    (folder / "STRAY").write_bytes(slices(1)[0][1])
    got, _ = results(home, folder / "DICOMDIR", status=0)
    report.equal("pydicom's file-set: the files that it names and no other", got, ["stored"] * 4)
    gone = next(p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in ("DICOMDIR", "STRAY"))
    gone.unlink()
    errors = place.work / "errors.csv"
    done = gauze("import", folder / "DICOMDIR", "--home", home, "--errors", errors)
    rows = list(csv.reader(io.StringIO(errors.read_text())))
    report.check("a missing file is told", done.returncode == 1 and rows[0] == ["file", "code", "words"] and rows[1][1] == "not-found" and gone.name in rows[1][0], str(rows))
    folder = place.work / "dcmtk"
    folder.mkdir()
    for number, (_, raw) in enumerate(slices(3, accession=ORDER)):
        (folder / f"IM{number}").write_bytes(raw)
    made = subprocess.run(["dcmmkdir", "+id", str(folder), "+r", "+D", str(folder / "DICOMDIR"), "-Pgp", "+I"], capture_output=True, check=False, cwd=folder, timeout=60)
    if report.check("DCMTK makes a DICOMDIR", made.returncode == 0, made.stderr.decode()[-300:]):
        report.equal("and its files are stored", results(home, folder / "DICOMDIR", status=0)[0], ["stored"] * 3)


def _standard(report, home):
    films = slices(5, accession=ORDER)
    report.equal("one object from standard input", results(home, "-", status=0, data=films[0][1])[0], ["stored"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a", films[1][1])
        out.writestr("b", films[2][1])
    report.equal("a ZIP", results(home, "-", status=0, data=packed.getvalue())[0], ["stored", "stored"])
    streamed = subprocess.run(["python3", "-c", "import sys, zipfile\nz = zipfile.ZipFile(sys.stdout.buffer, 'w', zipfile.ZIP_DEFLATED)\nz.writestr('a', sys.stdin.buffer.read())\nz.close()"], input=films[3][1], capture_output=True, check=True)
    report.equal("a ZIP whose lengths follow", results(home, "-", status=0, data=streamed.stdout)[0], ["stored"])
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("c.dcm")
        entry.size = len(films[4][1])
        tar.addfile(entry, io.BytesIO(films[4][1]))
    report.equal("a tar", results(home, "-", status=0, data=packed.getvalue())[0], ["stored"])
    report.equal("neither", results(home, "-", status=0, data=b"hello")[0], ["not-dicom"])


def _hostile(report, place, home):
    """Bombs, lies, names that leave the folder: bounded, told, and the good entries stored."""
    film, folder = slices(1, accession=ORDER)[0][1], place.work / "hostile"
    folder.mkdir()

    def packed(name, fill):
        path = folder / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
            fill(out)
        return path

    bomb = packed("bomb.zip", lambda out: (out.writestr("x", bytes(128) + b"DICM" + bytes(400 << 20)), out.writestr("good", film)))
    got, done = results(home, bomb)
    report.check("400 MB of zeros: refused, the film beside it stored", "stored" in got and len(got) == 2 and got != ["stored", "stored"], f"{got} {done.stderr[-200:]}")
    evil = packed("names.zip", lambda out: out.writestr("../../../../tmp/gauze-evil", slices(1, accession=ORDER)[0][1]))
    got, _ = results(home, evil, status=0)
    report.check("a name that leaves the folder is a word only", got == ["stored"] and not Path("/tmp/gauze-evil").exists(), str(got))
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as inner:
        inner.writestr("film", film)
    report.equal("a ZIP in a ZIP is not opened", results(home, packed("nested.zip", lambda out: out.writestr("in.zip", nested.getvalue())), status=0)[0], ["not-dicom"])
    lies = packed("lies.zip", lambda out: out.writestr("film", slices(1, accession=ORDER)[0][1])).read_bytes()
    at = lies.rfind(b"PK\x01\x02")
    shorter = bytearray(lies)
    shorter[at + 24 : at + 28] = struct.pack("<I", 1000)
    (folder / "shorter.zip").write_bytes(shorter)
    sums = bytearray(lies)
    sums[at + 16] ^= 1
    (folder / "sums.zip").write_bytes(sums)
    (folder / "cut.zip").write_bytes(lies[: len(lies) // 2])
    (folder / "many.zip").write_bytes(b"PK\x05\x06" + bytes(4) + b"\xff\xff\xff\xff" + struct.pack("<II", 0xFFFFFFF0, 0) + b"\0\0")
    for name in ("shorter.zip", "sums.zip", "cut.zip", "many.zip"):
        got, done = results(home, folder / name)
        report.check(f"{name}: refused with a reason", done.returncode == 1 and got in (["bad-object"], ["too-large"]), f"{got} {done.stderr[-200:]}")


def _directory(report, place, home, server, export):
    """Names in other character sets, and two patients without a number, in one directory."""
    technologist, studies = signed_in(server, "technologist"), []
    for number, name, charset in (("", "Nobody^First", "ISO_IR 100"), ("", "Nobody^Second", "ISO_IR 100"), ("GZ-W", "王^小丽", "GB18030"), ("GZ-M", "Müller^Jürgen", "ISO_IR 100")):
        film = demo_film("anna-chest")
        film.SpecificCharacterSet, film.PatientID, film.PatientName, film.AccessionNumber = charset, number, name, ORDER
        film.StudyInstanceUID, film.SeriesInstanceUID = new_uid(), new_uid()
        film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = new_uid()
        technologist.stow([to_bytes(film)])
        studies.append(str(film.StudyInstanceUID))
    out = place.work / "mixed"
    done = export(out, *(word for uid in studies[1:] for word in ("--study", uid)), uid=studies[0])
    patients = [r for r in pydicom.dcmread(out / "DICOMDIR").DirectoryRecordSequence if r.DirectoryRecordType == "PATIENT"] if done.returncode == 0 else []
    report.equal("names are readable in the directory, whatever their character set", sorted(str(r.PatientName) for r in patients),
                 sorted(["Nobody^First", "Nobody^Second", "王^小丽", "Müller^Jürgen"]))
    report.equal("and each patient has a record, with a number", (len({str(r.PatientID) for r in patients}), all(str(r.PatientID) for r in patients)), (4, True))


def _export(report, place, home, server):
    """The account's own view, and nothing else."""
    secret = place.work / "password"
    for role in ("radiologist", "referrer", "admin"):
        path = place.work / f"{role}.password"
        path.write_text(server.accounts[role]["password"])
        path.chmod(0o600)
    user = server.accounts["radiologist"]["user"]
    films = slices(5, accession=ORDER)
    client = signed_in(server, "technologist")
    for _, raw in films:
        client.stow([raw])
    study = films[0][0][0]

    def export(out, *more, role="radiologist", purpose="report", uid=study):
        return gauze("export", out, "--user", server.accounts[role]["user"], "--password-file", place.work / f"{role}.password",
                     "--purpose", purpose, "--study", uid, "--home", home, *more)

    out = place.work / "out.zip"
    done = export(out)
    report.check("a ZIP is made", done.returncode == 0 and "clear" in done.stdout, done.stdout + done.stderr[-300:])
    with zipfile.ZipFile(out) as packed:
        report.equal("that zipfile finds whole", packed.testzip(), None)
        inside = {name: packed.read(name) for name in packed.namelist()}
    directory = pydicom.dcmread(io.BytesIO(inside.pop("DICOMDIR")))
    report.equal("bit for bit what was stored", sorted(data_of(raw) for raw in inside.values()), sorted(data_of(raw) for _, raw in films))
    report.equal("the directory names all of them", sorted("/".join(r.ReferencedFileID) for r in directory.DirectoryRecordSequence if "ReferencedFileID" in r), sorted(inside))
    out = place.work / "out"
    done = export(out)
    report.equal("a folder with a DICOMDIR is made", done.returncode, 0)
    found = FileSet(out / "DICOMDIR")
    report.equal("pydicom's FileSet finds the instances", sorted(i.SOPInstanceUID for i in found), sorted(name[2] for name, _ in films))
    report.equal("of one patient, study and series", [len(found.find_values(k)) for k in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID")], [1, 1, 1])
    dump = subprocess.run(["dcmdump", str(out / "DICOMDIR")], capture_output=True, text=True, check=False, timeout=60)
    report.check("DCMTK reads it", dump.returncode == 0 and dump.stdout.count("[IMAGE]") == 5 and "W:" not in dump.stderr, dump.stderr[-300:])
    again = subprocess.run(["dcmmkdir", "+id", str(out), "+A", "+D", str(out / "DICOMDIR"), "-Pgp", "+I", "--recurse"], capture_output=True, text=True, check=False, timeout=60, cwd=out)
    report.check("DCMTK can go on with it", again.returncode == 0, again.stderr[-300:])
    _directory(report, place, home, server, export)
    report.equal("never over something", export(out).returncode, 2)
    for kind, magic in (("png", b"\x89PNG"), ("jpeg", b"\xff\xd8")):
        out = place.work / kind
        export(out, "--format", kind)
        pictures = [p for p in out.rglob("*") if p.is_file()]
        report.check(f"{kind} pictures", len(pictures) == 5 and all(p.read_bytes().startswith(magic) and Image.open(p).size == (96, 96) for p in pictures), str(len(pictures)))
    refused = export(place.work / "no.zip", role="admin")
    report.check("an administrator exports nothing", refused.returncode == 1 and not _holds(place.work / "no.zip"), refused.stderr[-200:])
    anna = demo_film("anna-chest")
    masked = export(place.work / "masked.zip", "--reason", "second look", role="referrer", purpose="treatment", uid=names(anna)[0])
    if report.check("a masked film leaves masked", masked.returncode == 0 and "masked" in masked.stdout, masked.stdout + masked.stderr[-200:]):
        with zipfile.ZipFile(place.work / "masked.zip") as packed:
            film = pydicom.dcmread(io.BytesIO(next(packed.read(n) for n in packed.namelist() if n != "DICOMDIR")))
        report.check("as a derived object with other pixels", film.SOPInstanceUID != anna.SOPInstanceUID and film.PixelData != anna.PixelData)
    officer = signed_in(server, "officer")
    kinds = [e["kind"] for e in officer.get("/api/v1/accesses?limit=200").json()["entries"]]
    report.check("each export is in the ledger, the refusal too", kinds.count("released") >= 4 and "open-refused" in kinds or "not-allowed" in kinds, str(kinds[:20]))
    report.check("no password lies about", not secret.exists() and bool(user) and bool(to_bytes))


def _holds(path):
    if not path.exists():
        return False
    with zipfile.ZipFile(path) as packed:
        return bool(packed.namelist())
