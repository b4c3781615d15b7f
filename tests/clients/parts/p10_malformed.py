"""Broken and hostile files through every door: an answer with a reason, bounded memory, nothing by halves, the archive
alive, and the valid file between two hostile ones stored."""

import http.client
import io
import os
import socket
import struct
import tarfile
import time
import warnings

import pydicom

from lib import dimse
from lib.films import data_of, slices
from lib.http import Client, related, signed_in
from lib.server import ROOT, Server, gauze

CORPUS = ROOT / "testdata" / "malformed" / "corpus.tar.gz"
# 12 uploads at once, each with a header of 16 MiB at most and its parsed form, besides index and code.
MEMORY_BYTES = 700 << 20
# CT image storage, explicit little endian.
DEFAULT = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")


def corpus():
    """Name → bytes."""
    with tarfile.open(CORPUS) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}


def run(report, place):
    """All doors."""
    files = corpus()
    report.check("the corpus is there", len(files) >= 400, f"({len(files)})")
    with Server(place.fresh("hostile")) as server:
        _stow(report, server, files)
        _between(report, server, files)
        _dimse(report, server, files)
        _pdus(report, server)
        _http(report, server)
        _import(report, place, server, files)
        peak = server.memory_peak()
        report.check("memory stayed bounded", peak < MEMORY_BYTES, f"({peak >> 20} MiB)")
        print(f"   {len(files)} files by each door, peak {peak >> 20} MiB")
        _whole(report, server)
        log = server.log()
        report.check("no panic in the log", b"panicked" not in log, str(log[-300:]))


def _alive(server):
    return Client(server).get("/readyz").status == 200


def _stow(report, server, files):
    technologist, statuses, unclear = signed_in(server, "technologist"), {}, []
    for name, raw in files.items():
        answer = technologist.stow([raw])
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
        if answer.status >= 500 and answer.status != 501 or answer.status < 200:
            unclear.append((name, answer.status))
        elif answer.status >= 300 and not _reason(answer):
            unclear.append((name, answer.status, answer.body[:100]))
    print(f"   STOW statuses: {dict(sorted(statuses.items()))}")
    report.equal("STOW answers each with a status and a reason", unclear, [])
    report.check("STOW: alive", _alive(server))


def _reason(answer):
    """A problem's code, or a reason for each failure in the response (PS3.18 Table 10.5.3-2: those of known instances, and
    others)."""
    if answer.code:
        return True
    try:
        data = answer.json()
    except ValueError:
        return False
    failed = [one for tag in ("00081198", "0008119A") for one in data.get(tag, {}).get("Value", [])]
    return bool(failed) and all(one.get("00081197", {}).get("Value") for one in failed)


def _between(report, server, files):
    """One request: hostile, valid, hostile."""
    technologist, radiologist = signed_in(server, "technologist"), signed_in(server, "radiologist")
    hostile = [raw for name, raw in files.items() if technologist.stow([raw]).status >= 300][::9]
    valid, lost = slices(len(hostile)), []
    for at, (name, raw) in enumerate(valid):
        answer = technologist.stow([hostile[at], raw, hostile[(at + 1) % len(hostile)]])
        found = radiologist.find(f"/instances?SOPInstanceUID={name[2]}")
        if answer.status not in (200, 202) or len(found) != 1:
            lost.append((at, answer.status, len(found)))
    report.check("there are hostile files that are refused", len(hostile) > 5, f"({len(hostile)})")
    report.equal(f"STOW: the valid file between two hostile ones is stored, {len(valid)} times", lost, [])


def _dimse(report, server, files):
    """Every file's data set as it is, on one association as long as the peer keeps it."""
    radiologist, valid = signed_in(server, "radiologist"), slices(len(files) // 20 + 1)
    bare, context, statuses, lost = None, None, {}, []
    for at, (name, raw) in enumerate(files.items()):
        instance, wanted = _named(raw, at)
        if bare is None or wanted != context:
            bare, context = dimse.Bare(server, *wanted), wanted
        if not bare.accepted:
            bare, context = dimse.Bare(server, *DEFAULT), DEFAULT
        status = bare.store(instance, data_of(raw), message=at % 60000 + 1)
        statuses[status] = statuses.get(status, 0) + 1
        if status is None:
            bare.close()
            bare = None
        if at % 20 == 10:
            uid, film = valid[at // 20]
            if bare is None or context != DEFAULT:
                bare, context = dimse.Bare(server, *DEFAULT), DEFAULT
            if bare.store(uid[2], data_of(film)) != 0 or len(radiologist.find(f"/instances?SOPInstanceUID={uid[2]}")) != 1:
                lost.append((name, "the valid film after it"))
    shown = {hex(k) if k is not None else "association ended": v for k, v in sorted(statuses.items(), key=str)}
    print(f"   C-STORE statuses: {shown}")
    report.equal("C-STORE: valid films between hostile ones are stored", lost, [])
    report.check("C-STORE: refused with a status of PS3.4 B.2.3, or accepted", all(
        s is None or s in (0, 0xB000, 0xB006, 0xB007) or s >> 8 in (0xA7, 0xA9, 0xC0, 0x01) or s >> 12 == 0xC for s in statuses), str(shown))
    report.check("C-STORE: alive", _alive(server))


def _named(raw, at):
    """What a sender would say of the file: instance, SOP class and transfer syntax; made up where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            film = pydicom.dcmread(io.BytesIO(raw), force=True, stop_before_pixels=True)
            names = str(film.SOPInstanceUID), (str(film.SOPClassUID), str(film.file_meta.TransferSyntaxUID))
    except Exception:  # noqa: BLE001 - broken in every way
        return f"2.25.{at + 1}", DEFAULT
    plain = all(0 < len(name) <= 64 and name.isascii() for name in (names[0], *names[1]))
    return names if plain else (f"2.25.{at + 1}", DEFAULT)


def _pdus(report, server):
    """Bytes that are no PDUs, PDUs that lie about their length, associations that hang."""
    host, port = server.ready["dimse"].rsplit(":", 1)
    random = os.urandom(4096)
    shots = [random, b"GET / HTTP/1.1\r\n\r\n", struct.pack(">BBI", 1, 0, 0xFFFFFFFF) + random, struct.pack(">BBI", 4, 0, 12) + random,
             struct.pack(">BBI", 1, 0, 68) + bytes(68), struct.pack(">BBI", 9, 0, 4) + b"abcd", b"\x01", b""]
    held = []
    for shot in shots * 4:
        connection = socket.create_connection((host, int(port)), timeout=10)
        connection.sendall(shot)
        held.append(connection)
    # One address has 32 places: those who broke a rule leave theirs, on a busy machine a moment later.
    for _ in range(20):
        good = dimse.Bare(server)
        if good.accepted:
            break
        time.sleep(0.1)
    report.check("associations are accepted beside 32 hanging ones", good.accepted)
    good.fragment(b"\xff" * 200, 3)
    report.check("a command that is none ends its association only", _alive(server))
    good.close()
    for connection in held:
        connection.close()
    status, _ = dimse.run("echoscu", server)
    report.equal("and C-ECHO works", status, 0)


def _http(report, server):
    technologist = signed_in(server, "technologist")
    (name, raw), = slices(1)
    body, kind = related([raw])
    cases = [
        ("no boundary", body, 'multipart/related; type="application/dicom"'), ("another boundary", body, kind.replace("7a1f", "xxxx")),
        ("no end", body[:-40], kind), ("half a film", body[: len(body) // 2], kind), ("nothing", b"", kind),
        ("no DICOM", related([b"%PDF-1.7 nothing"])[0], kind), ("another type", body, kind.replace("application/dicom", "text/html")),
        ("form data", body, "application/x-www-form-urlencoded"), ("headers without end", b"--gauze-test-boundary-7a1f\r\n" + b"A: b\r\n" * 9000, kind),
    ]
    for label, content, media in cases:
        answer = technologist.ask("POST", "/dicom-web/studies", body=content, kind=media, accept="application/dicom+json")
        report.check(f"STOW, {label}: 4xx with a reason", 400 <= answer.status < 500 and (_reason(answer) or answer.status == 409),
                     f"({answer.status} {answer.body[:120]})")
    radiologist = signed_in(server, "radiologist")
    report.equal("and nothing of it is stored", radiologist.find(f"/instances?SOPInstanceUID={name[2]}"), [])
    for path in ("/dicom-web/studies/../../etc/passwd", "/dicom-web/studies/1.2.3/series/%00", "/dicom-web/studies/" + "1." * 40 + "1",
                 "/dicom-web/studies?limit=-1", "/dicom-web/studies?limit=99999999999999999999", "/dicom-web/studies?%ff=%fe",
                 "/dicom-web/studies?PatientName=" + "*a" * 4000, "/" + "a" * 20000):
        answer = radiologist.get(path)
        report.check(f"{path[:50]}: an answer below 500", answer.status < 500, f"({answer.status})")


def _import(report, place, server, files):
    folder = place.work / "corpus"
    folder.mkdir()
    for name, raw in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    (uid, film), = slices(1)
    (folder / "pwnlab" / "valid.dcm").write_bytes(film)
    done = gauze("import", folder, "--home", server.home)
    report.check("import ends with 1 and a line a refused file", done.returncode == 1 and len(done.stderr.splitlines()) > 10, done.stderr[-200:])
    found = signed_in(server, "radiologist").find(f"/instances?SOPInstanceUID={uid[2]}")
    report.equal("import: the valid file among hostile ones is stored", len(found), 1)
    again = gauze("import", folder, "--home", server.home)
    summary = again.stderr.strip().splitlines()[-1]
    report.check("a second import goes on where it was", summary.startswith("0 stored"), summary)
    report.check("import: alive", _alive(server))
    done = gauze("inspect", folder, "--json")
    report.check("inspect survives all of them", done.returncode in (0, 1) and len(done.stdout.splitlines()) == len(files) + 1,
                 f"({done.returncode}, {len(done.stdout.splitlines())} lines)")


def _whole(report, server):
    """Everything visible can be read to its end."""
    radiologist, bad, cut = signed_in(server, "radiologist"), [], []
    studies = radiologist.find("/studies?limit=1000")
    for study in studies:
        uid = study["0020000D"]["Value"][0]
        if radiologist.open(uid, "report").status != 200:
            bad.append((uid, "open"))
            continue
        clear = radiologist.lift(uid, "everything is read once").status == 200
        try:
            answer = radiologist.get(f"/dicom-web/studies/{uid}", accept='multipart/related; type="application/dicom"')
        except http.client.IncompleteRead:
            # Pixels that cannot be decoded cannot be masked: then the answer is cut. As stored, it must be whole.
            cut.append(uid)
            if clear:
                bad.append((uid, "cut although clear"))
            radiologist.close()
            continue
        if answer.status != 200 or not all(body[128:132] == b"DICM" for _, body in answer.parts()):
            bad.append((uid, answer.status))
    print(f"   {len(studies)} studies read, {len(cut)} of them cut because they cannot be masked")
    report.equal(f"all {len(studies)} studies can be read whole, or are visibly cut when masked", bad, [])
