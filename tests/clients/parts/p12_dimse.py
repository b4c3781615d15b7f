"""Query and retrieval as a workstation and an archive of others do them, with DCMTK over TLS. What is expected is worked out
from the sent files."""

import fnmatch
import io
import re
import shutil
import time

import pydicom

from lib import dimse
from lib.films import HIDDEN, TELLTALES, WORDS, canary, data_of, demo_film, demo_files, names, new_uid, renew, slices, to_bytes
from lib.http import signed_in
from lib.pictures import left_over
from lib.server import Server, set_config, with_machines
from lib.tally import Tally

LEVELS = {"PATIENT": "PatientID", "STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
SCREEN = '''
[[device]]
name = "screen"
certificate = "{certificate}"
ae = "SCREEN"
may = ["find", "retrieve"]
sees = "masked"

[[device]]
name = "study"
certificate = "{certificate}"
ae = "STUDY"
may = ["find", "retrieve"]
sees = "deidentified"
'''


def films():
    """The demo's films as data sets."""
    return {name: pydicom.dcmread(io.BytesIO(raw)) for name, raw in demo_files().items()}


def run(report, place):
    """Each service, then what is refused."""
    home = place.fresh("dimse")
    ports = {"127.0.0.1:11113": dimse.free_port(), "127.0.0.1:4251": dimse.free_port()}
    set_config(home, lambda text: _book(text, ports))
    with Server(home) as server:
        desk = Desk(server, place.work)
        _studies(report, desk)
        _levels(report, desk)
        _sets(report, desk)
        _prompt(report, desk)
        _wrong(report, desk)
        _get(report, desk)
        _recoded(report, desk)
        _masked(report, desk)
        _odd(report, desk)
        _canary(report, desk)
        _corrected(report, desk)
        _move(report, desk, ports)
        _plain(report, desk)
        _ledger(report, desk)


def _book(text, ports):
    for address, port in ports.items():
        text = text.replace(address, f"127.0.0.1:{port}")
    return with_machines(text, SCREEN)


class Desk:
    """A workstation."""

    def __init__(self, server, work):
        self.server, self.work, self.films = server, work, films()
        self.relays = {name: dimse.Relay(server, name) for name in ("bench", "modality")}
        self.tally = Tally(server)

    def find(self, *arguments, root="-S", calling="BENCH", machine="bench"):
        """C-FIND: what DCMTK said, and the answers as data sets."""
        folder = self.work / "answers"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        own = dimse.machine(self.server, machine)
        status, said = dimse.run("findscu", self.server, *own, "-d", root, "-X", "-od", str(folder), *arguments,
                                 tls=True, calling=calling)
        answers = [pydicom.dcmread(path, force=True) for path in sorted(folder.iterdir())]
        return status, said, answers

    def get(self, *arguments, root="-S", calling="BENCH"):
        """C-GET: what DCMTK said, and the files that came."""
        folder = self.work / "got"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        _, said = dimse.run("getscu", self.server, "-d", root, "+B", "-od", str(folder), *arguments, calling=calling,
                            address=self.relays["bench"].address)
        return said, [path.read_bytes() for path in sorted(folder.iterdir())]


def _by(films, level):
    """Unique key → films of one level, in the demo."""
    out = {}
    for film in films.values():
        out.setdefault(str(film.get(LEVELS[level])), []).append(film)
    return out


def _studies(report, desk):
    studies = _by(desk.films, "STUDY")
    queries = [
        ("all", {}, lambda f: True),
        ("one day", {"StudyDate": "20261121"}, lambda f: f.StudyDate == "20261121"),
        ("a range of days", {"StudyDate": "20261121-20261122"}, lambda f: "20261121" <= f.StudyDate <= "20261122"),
        ("since a day", {"StudyDate": "20261122-"}, lambda f: f.StudyDate >= "20261122"),
        ("a patient", {"PatientID": "GZ-1005"}, lambda f: f.PatientID == "GZ-1005"),
        ("a name's beginning", {"PatientName": "PROBE*"}, lambda f: str(f.PatientName).upper().startswith("PROBE")),
        ("one character of a number", {"PatientID": "GZ-100?"}, lambda f: fnmatch.fnmatch(f.PatientID, "GZ-100?")),
        ("a modality in it", {"ModalitiesInStudy": "MR"}, lambda f: f.Modality == "MR"),
        ("an accession number", {"AccessionNumber": "A-2605"}, lambda f: f.AccessionNumber == "A-2605"),
        ("nobody", {"PatientID": "NOBODY"}, lambda f: False),
    ]
    for label, given, fits in queries:
        _, said, answers = desk.find(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=None, **given))
        expected = {uid for uid, all_of in studies.items() if any(fits(f) for f in all_of)}
        report.equal(f"C-FIND studies: {label}", {str(a.StudyInstanceUID) for a in answers}, expected)
        report.check(f"C-FIND studies: {label}, success at the end", "DIMSE Status                  : 0x0000" in said, said[-200:])
    wanted = ("ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances", "PatientName", "StudyDescription")
    asked = dimse.keys(QueryRetrieveLevel="STUDY", AccessionNumber="A-2605", StudyInstanceUID=None, **dict.fromkeys(wanted))
    _, _, answers = desk.find(*asked)
    one = [f for f in desk.films.values() if f.AccessionNumber == "A-2605"]
    got = answers[0] if answers else pydicom.Dataset()
    modalities = got.get("ModalitiesInStudy") or []
    modalities = [modalities] if isinstance(modalities, str) else list(modalities)
    report.equal("counted: modalities", sorted(modalities), sorted({f.Modality for f in one}))
    report.equal("counted: series", int(got.get("NumberOfStudyRelatedSeries") or 0), len({f.SeriesInstanceUID for f in one}))
    report.equal("counted: instances", int(got.get("NumberOfStudyRelatedInstances") or 0), len(one))
    report.equal("values", (str(got.get("PatientName")), got.get("StudyDescription")), (str(one[0].PatientName), one[0].StudyDescription))
    report.equal("level and title are said", (got.get("QueryRetrieveLevel"), got.get("RetrieveAETitle")), ("STUDY", "GAUZE"))
    report.equal("what was not asked for is not said", "PatientBirthDate" in got, False)


def _levels(report, desk):
    patients = _by(desk.films, "PATIENT")
    _, _, answers = desk.find(*dimse.keys(QueryRetrieveLevel="PATIENT", PatientID=None, PatientName=None), root="-P")
    report.equal("C-FIND patients, each once", sorted(str(a.PatientID) for a in answers), sorted(patients))
    studies = {f.StudyInstanceUID for f in patients["GZ-1002"]}
    _, _, answers = desk.find(*dimse.keys(QueryRetrieveLevel="STUDY", PatientID="GZ-1002", StudyInstanceUID=None), root="-P")
    report.equal("C-FIND studies of a patient", {a.StudyInstanceUID for a in answers}, studies)
    film = desk.films["max-ct.dcm"]
    own = [f for f in desk.films.values() if f.StudyInstanceUID == film.StudyInstanceUID]
    above = {"StudyInstanceUID": film.StudyInstanceUID}
    _, _, answers = desk.find(*dimse.keys(QueryRetrieveLevel="SERIES", SeriesInstanceUID=None, Modality=None, **above))
    report.equal("C-FIND series of a study", {(a.SeriesInstanceUID, a.Modality) for a in answers}, {(f.SeriesInstanceUID, f.Modality) for f in own})
    above["SeriesInstanceUID"] = film.SeriesInstanceUID
    _, _, answers = desk.find(*dimse.keys(QueryRetrieveLevel="IMAGE", SOPInstanceUID=None, SOPClassUID=None, **above))
    expected = {(f.SOPInstanceUID, f.SOPClassUID) for f in own if f.SeriesInstanceUID == film.SeriesInstanceUID}
    report.equal("C-FIND instances of a series", {(a.SOPInstanceUID, a.SOPClassUID) for a in answers}, expected)
    uids = [f.StudyInstanceUID for f in desk.films.values()][:2]
    _, _, answers = desk.find(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="\\".join(uids)))
    report.equal("C-FIND by a list of UIDs", {a.StudyInstanceUID for a in answers}, set(uids))


def _sets(report, desk):
    """Character sets in the query and in the answer."""
    film = desk.films["xiaoming-chest.dcm"]
    name = str(film.PatientName)
    chinese = name.split("=")[1]
    for term, codec in (("ISO_IR 192", "utf-8"), ("GB18030", "gb18030"), ("\\ISO 2022 IR 58", None)):
        name_bytes = chinese[0].encode(codec or "gb2312")
        if not codec:
            name_bytes = b"\x1b$)A" + name_bytes
        path = desk.work / "query.dcm"
        path.write_bytes(dimse.elements({0x00080005: term.encode(), 0x00080052: b"STUDY", 0x00100010: b"*" + name_bytes + b"*", 0x0020000D: b""}))
        _, said, answers = _from_file(desk, path)
        # pydicom leaves escape sequences of PS3.5 §K.2 in the text.
        found = {str(a.StudyInstanceUID): str(a.PatientName).replace("\x1b$)A", "") for a in answers}
        report.equal(f"a Chinese name asked for in {term} is found", found.get(film.StudyInstanceUID), name)
        said_in = {str(a.get("SpecificCharacterSet")) for a in answers}
        report.check(f"and answered in it ({term})", said_in == {str(term.split(chr(92)) if chr(92) in term else term)}, f"({said_in})")
    latin = desk.find(*dimse.keys(QueryRetrieveLevel="STUDY", PatientID=film.PatientID, PatientName=None, SpecificCharacterSet="ISO_IR 100"))[2]
    said = {(str(a.get("SpecificCharacterSet")), str(a.PatientName)) for a in latin}
    report.equal("what ISO_IR 100 cannot say is said in UTF-8", said, {("ISO_IR 192", name)})


def _from_file(desk, path):
    folder = desk.work / "answers"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    own = dimse.machine(desk.server, "bench")
    status, said = dimse.run("findscu", desk.server, *own, "-d", "-S", "-X", "-od", str(folder), tls=True,
                             calling="BENCH", files=[path])
    return status, said, [pydicom.dcmread(one, force=True) for one in sorted(folder.iterdir())]


def _prompt(report, desk):
    """A client as DCMTK is by itself, with Nagle's algorithm: no query waits 40 ms for a delayed acknowledgement."""
    path = desk.work / "query.dcm"
    path.write_bytes(dimse.elements({0x00080052: b"STUDY", 0x00100020: b"GZ-1002 ", 0x0020000D: b""}))
    own = dimse.machine(desk.server, "bench")
    began = time.monotonic()
    status, said = dimse.run("findscu", desk.server, *own, "-S", tls=True, calling="BENCH", files=[path] * 50)
    took = time.monotonic() - began
    report.check("50 queries of DCMTK take less than a second", status == 0 and took < 1, f"({status} {took:.2f} s {said[-100:]})")


def _wrong(report, desk):
    """What the standard says of what is not supported, not allowed or not right."""
    study = demo_film("max-ct").StudyInstanceUID
    cases = [
        ("an optional key that is not kept: answered, and said so", "STUDY", {"PatientID": "GZ-1002", "EthnicGroup": None}, "0xff01"),
        ("a level that the root does not have", "PATIENT", {"PatientID": None}, "0xa900"),
        ("no level", "", {"PatientID": None}, "0xa900"),
        ("series without their study", "SERIES", {"SeriesInstanceUID": None}, "0xa900"),
        ("a date that is none", "STUDY", {"StudyDate": "yesterday"}, "0xa900"),
        ("instances without their series", "IMAGE", {"StudyInstanceUID": study, "SOPInstanceUID": None}, "0xa900"),
    ]
    for label, level, given, status in cases:
        _, said, _ = desk.find(*dimse.keys(QueryRetrieveLevel=level, **given))
        report.check(f"C-FIND, {label}: {status}", status in said.lower(), said[-400:])
    for label, arguments in (("a machine that may only store", {"machine": "modality", "calling": "ANY"}),
                             ("a title of another certificate", {"machine": "reader", "calling": "BENCH"})):
        _, said, answers = desk.find(*dimse.keys(QueryRetrieveLevel="STUDY", PatientID=None), **arguments)
        report.check(f"C-FIND by {label}: not authorised, nobody named", "0x0124" in said and not answers, said[-300:])
    desk.tally.expect("not-allowed")


def _same(got, sent):
    return sorted(data_of(raw) for raw in got) == sorted(data_of(raw) for raw in sent)


def _get(report, desk):
    """Bit for bit, at each level."""
    chest, ct = desk.films["anna-chest.dcm"], desk.films["max-ct.dcm"]
    uncompressed = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}
    studies = [f.StudyInstanceUID for f in (chest, ct)]
    for study in studies:
        said, got = desk.get(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study))
        own = {n: f for n, f in desk.films.items() if f.StudyInstanceUID == study}
        sent = [demo_files()[n] for n, f in own.items() if f.file_meta.TransferSyntaxUID in uncompressed]
        report.check(f"C-GET of a study of {len(own)}: as it was stored", len(got) == len(own) and _same(got, sent) or len(sent) < len(own), f"({len(got)})")
        report.check("with success", "0x0000" in said, said[-300:])
    said, got = desk.get(*dimse.keys(QueryRetrieveLevel="IMAGE", StudyInstanceUID=chest.StudyInstanceUID,
                                     SeriesInstanceUID=chest.SeriesInstanceUID, SOPInstanceUID=chest.SOPInstanceUID))
    report.check("C-GET of an instance: bit for bit", _same(got, [demo_files()["anna-chest.dcm"]]), f"({len(got)})")
    said, got = desk.get(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2.3.4.5"))
    report.check("C-GET of nothing that is here: success, nothing", not got and "0x0000" in said, said[-300:])
    mammogram = desk.films["anna-mammogram.dcm"]
    said, got = desk.get(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=mammogram.StudyInstanceUID))
    report.check("C-GET of a mammogram, withheld from machines: a failed sub-operation, 0xa702", not got and "0xa702" in said.lower(), said[-400:])
    said, _ = desk.get(*dimse.keys(QueryRetrieveLevel="STUDY"))
    report.check("C-GET without a unique key: 0xa900", "0xa900" in said.lower(), said[-300:])
    anna = [f for f in desk.films.values() if f.PatientID == "GZ-1001" and f.Modality != "MG"]
    said, got = desk.get(*dimse.keys(QueryRetrieveLevel="PATIENT", PatientID="GZ-1001"), root="-P")
    report.check("C-GET of a patient: all but what is withheld, with a warning", len(got) == len(anna) and "0xb000" in said.lower(), f"({len(got)}) {said[-300:]}")


def _recoded(report, desk):
    """Stored in one syntax, fetched in another: the same values. The other way round: part 13."""
    (name, explicit), = slices(1)
    film = pydicom.dcmread(io.BytesIO(explicit))
    film.add_new(0x00081140, "SQ", [pydicom.Dataset()])
    film[0x00081140].value[0].ReferencedSOPInstanceUID = "1.2.3"
    block = film.private_block(0x0019, "GAUZE TEST", create=True)
    block.add_new(1, "UN", b"\1\2\3\4")
    renew(film)
    film.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    signed_in(desk.server, "technologist").stow([to_bytes(film)])
    said, got = desk.get(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=film.StudyInstanceUID))
    read = pydicom.dcmread(io.BytesIO(got[0])) if got else None
    explicit = read is not None and read.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    report.check("stored implicit, fetched explicit: the other syntax", explicit, said[-300:])
    same = read is not None and read.PixelData == film.PixelData and read.PatientName == film.PatientName
    same = same and read[0x00081140].value[0].ReferencedSOPInstanceUID == "1.2.3" and read[0x00191001].value == b"\1\2\3\4"
    report.check("stored implicit, fetched explicit: the same values", same)
    for path in sorted(demo_files()):
        film = desk.films[path]
        if film.file_meta.TransferSyntaxUID.is_compressed and film.Modality not in ("MG",):
            said, got = desk.get(*dimse.keys(QueryRetrieveLevel="IMAGE", StudyInstanceUID=film.StudyInstanceUID,
                                          SeriesInstanceUID=film.SeriesInstanceUID, SOPInstanceUID=film.SOPInstanceUID))
            read = pydicom.dcmread(io.BytesIO(got[0])) if got else None
            report.check(f"{path}, stored compressed: decoded for who takes nothing else, the same instance",
                         read is not None and read.SOPInstanceUID == film.SOPInstanceUID and not read.file_meta.TransferSyntaxUID.is_compressed,
                         f"({len(got)}) {said[-900:]}")


def _masked(report, desk):
    """A machine that sees masked pictures gets derived objects; one for research, pseudonyms."""
    film = desk.films["anna-chest.dcm"]
    _, got = desk.get(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=film.StudyInstanceUID), calling="SCREEN")
    read = pydicom.dcmread(io.BytesIO(got[0])) if got else pydicom.Dataset()
    report.check("masked: a derived object with a UID of its own", read.get("SOPInstanceUID") not in (None, film.SOPInstanceUID)
                 and read.get("ImageType", [""])[0] == "DERIVED", f"({read.get('SOPInstanceUID')})")
    report.check("masked: the file's meta information says the same UID", got and read.file_meta.MediaStorageSOPInstanceUID == read.SOPInstanceUID)
    report.check("masked: the picture is not the stored one", got and (read.pixel_array != film.pixel_array).any())
    _, _, answers = desk.find(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=None, PatientName=None), calling="STUDY")
    stated = {str(f.StudyInstanceUID) for f in desk.films.values()} | {str(f.PatientName) for f in desk.films.values()}
    said = {str(a.StudyInstanceUID) for a in answers} | {str(a.PatientName) for a in answers}
    report.check("research: pseudonyms only", answers and not stated & said, f"({len(answers)})")
    _, got = desk.get(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=film.StudyInstanceUID), calling="STUDY")
    report.equal("research: a real UID is unknown", got, [])
    films = []
    for answer in answers[:3]:
        films += desk.get(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=answer.StudyInstanceUID), calling="STUDY")[1]
    texts = [str(f.PatientName).encode() for f in desk.films.values()] + [b"GZ-10"]
    report.check("research: objects without the person", films and not any(text in raw for raw in films for text in texts), f"({len(films)})")


def _odd(report, desk):
    """Frames of an odd number of bytes: DCMTK takes no odd fragment (PS3.8 Annex E)."""
    film = renew(desk.films["anna-chest.dcm"])
    film.StudyInstanceUID = film.SeriesInstanceUID = new_uid()
    film.Rows, film.Columns, film.NumberOfFrames, film.PatientID = 333, 335, 5, "GZ-ODD"
    film.PixelData = bytes(n * 7 % 251 for n in range(333 * 335 * 5)) + b"\0"
    stored = signed_in(desk.server, "technologist").stow([to_bytes(film)])
    report.check("a film of odd frames is stored", stored.status == 200, str(stored.body[:200]))
    _, got = desk.get(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=film.StudyInstanceUID), calling="SCREEN")
    read = pydicom.dcmread(io.BytesIO(got[0])) if got else pydicom.Dataset()
    report.equal("DCMTK gets it masked, whole", (len(got), read.get("NumberOfFrames"), len(read.get("PixelData", b""))), (1, 5, 333 * 335 * 5 + 1))


def _canary(report, desk):
    """The canary of part 5 on this way out: what is hidden is not in what a masked or a research machine gets, and is in what
    a clear one gets."""
    film, raw, pixels = canary()
    signed_in(desk.server, "technologist").stow([raw])
    study = film.StudyInstanceUID
    wanted = dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study)
    _, _, known = desk.find(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=None), calling="STUDY")
    research = []
    for one in known:
        research += desk.get(*dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=one.StudyInstanceUID), calling="STUDY")[1]
    for label, got, hidden, words in (
        ("clear", desk.get(*wanted)[1], False, {}),
        ("masked", desk.get(*wanted, calling="SCREEN")[1], True, TELLTALES),
        ("research", research, True, {**TELLTALES, **WORDS}),
    ):
        pictures = [pydicom.dcmread(io.BytesIO(one)).pixel_array.astype(float) for one in got]
        pictures = [one for one in pictures if one.shape == pixels.shape]
        report.check(f"canary, {label}: there is a picture", pictures)
        for name, box in HIDDEN.items():
            left = max((left_over(pixels.astype(float), one, box) for one in pictures), default=1.0)
            report.check(f"canary, {label}: {name} is {'hidden' if hidden else 'there'}", left < 0.1 if hidden else left > 0.8, f"({left:.3f})")
        told = {where for where, word in words.items() if any(word.encode() in one for one in got)}
        report.equal(f"canary, {label}: words that tell", told, set())


def _corrected(report, desk):
    """What was put right is found so and leaves so; what was rejected is as if absent."""
    officer = signed_in(desk.server, "officer")

    def change(act):
        body = {"expect_version": officer.get("/api/v1/changes").json()["version"], "reason": "a typing error", "act": act}
        return officer.ask("POST", "/api/v1/changes", body=body)

    film = renew(demo_film("lucia-chest"))
    study = film.StudyInstanceUID
    signed_in(desk.server, "technologist").stow([to_bytes(film)])
    answer = change({"correct-study": {"study": study, "set": {"AccessionNumber": "A-CORRECT"}}})
    report.equal("an accession number is put right", answer.status, 200)
    _, _, answers = desk.find(*dimse.keys(QueryRetrieveLevel="STUDY", AccessionNumber="A-CORRECT", StudyInstanceUID=None))
    report.equal("C-FIND finds it by the right one", [a.StudyInstanceUID for a in answers], [study])
    wanted = dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study)
    for options in ((), ("-xi",)):
        _, got = desk.get(*options, *wanted)
        read = pydicom.dcmread(io.BytesIO(got[0])) if got else pydicom.Dataset()
        same = read.get("PixelData") == film.PixelData and read.get("SOPInstanceUID") == film.SOPInstanceUID
        report.check("C-GET gives the right one, and the same picture", read.get("AccessionNumber") == "A-CORRECT" and same)
    answer = change({"reject": {"study": study, "code": "patient-safety"}})
    report.equal("the study is rejected", answer.status, 200)
    _, _, answers = desk.find(*wanted)
    said, got = desk.get(*wanted)
    report.check("and is found and fetched no more", not answers and not got and "0x0000" in said, said[-200:])


def _move(report, desk, ports):
    film = desk.films["max-ct.dcm"]
    own = [n for n, f in desk.films.items() if f.StudyInstanceUID == film.StudyInstanceUID]
    reader = dimse.machine(desk.server, "reader")
    wanted = dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=film.StudyInstanceUID)

    def move(destination, *arguments, calling="BENCH", machine="bench"):
        return dimse.run("movescu", desk.server, "-d", "-S", "-aem", destination, *arguments, calling=calling,
                         address=desk.relays[machine].address)[1]

    for title, port, options in (("READER", ports["127.0.0.1:11113"], reader), ("BENCHSCP", ports["127.0.0.1:4251"], ())):
        with dimse.Storescp(desk.work / f"moved-{title}", port, *options, title=title) as receiver:
            said = move(title, *wanted)
            came = receiver.files()
        report.check(f"C-MOVE to {title}: success", "0x0000" in said, said[-400:])
        report.equal(f"C-MOVE to {title}: numbers", _last(said, "Completed"), len(own))
        sent = [demo_files()[n] for n in own]
        plain = all(pydicom.dcmread(io.BytesIO(raw)).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1" for raw in sent)
        report.check(f"C-MOVE to {title}: what came is what was stored", len(came) == len(sent) and (_same(came, sent) or not plain), f"({len(came)})")
    said = move("NOBODY", *wanted)
    report.check("C-MOVE to who is in no address book: 0xa801", "0xa801" in said.lower(), said[-300:])
    said = move("BENCH", *wanted)
    report.check("C-MOVE to who is, but without an address: the same", "0xa801" in said.lower(), said[-300:])
    said = move("READER", *wanted)
    report.check("C-MOVE to who does not listen: 0xa702, all failed", "0xa702" in said.lower() and _last(said, "Failed") == len(own), said[-400:])
    with dimse.Storescp(desk.work / "other", ports["127.0.0.1:11113"], *dimse.machine(desk.server, "modality"), title="READER"):
        said = move("READER", *wanted)
        report.check("C-MOVE to who listens there with another certificate: the same", "0xa702" in said.lower(), said[-400:])
    said = move("READER", *wanted, calling="ANY", machine="modality")
    report.check("C-MOVE by who may only store: not authorised", "0x0124" in said, said[-300:])
    desk.tally.expect("not-allowed")
    desk.tally.expect("move-refused", 2)
    desk.tally.expect("move-asked", 4)
    desk.tally.expect("move-ended", 4)


def _last(said, word):
    found = re.findall(rf"{word} Suboperations\s*:\s*(\d+)", said)
    return int(found[-1]) if found else None


def _plain(report, desk):
    """Without TLS there is storage and nothing else."""
    for tool, more in (("findscu", ()), ("getscu", ()), ("movescu", ("-aem", "READER"))):
        status, said = dimse.run(tool, desk.server, "-S", *more, *dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2"), calling="BENCH")
        report.check(f"{tool} without TLS: no presentation context", status != 0 and "ontext" in said, said[-300:])


def _ledger(report, desk):
    desk.tally.agree(report, "moves and refusals in the ledger = attempts")
    entries = desk.tally.entries("released")
    actors = {entry["actor"] for entry in entries}
    report.check("releases name the machine that got them", {"bench", "screen", "study", "reader", "bench-receiver"} <= actors, f"({actors})")
    report.check("queries are recorded", len(desk.tally.entries("queried")) > 20)
