"""Putting right: two numbers become one person and two again, series and studies move, words are corrected on the way out,
notes reject; every stored file stays as it came, and who may not is refused and recorded."""

import hashlib
import io
import time

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from lib.films import demo_film, demo_files, names, new_uid, renew, slices, to_bytes
from lib.http import signed_in, wado
from lib.server import Server
from lib.tally import Tally

ISSUER = "GAUZE-DEMO"
ANNA, MAX = "GZ-1001", "GZ-1002"
WHY = "two cards, one person"
MAY_NOT = ("technologist", "radiologist", "referrer", "researcher", "patient", "vendor")
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
WHOLE = 'multipart/related; type="application/dicom"; transfer-syntax=*'


def number(text, issuer=ISSUER):
    """A patient's number."""
    return {"issuer": issuer, "number": text}


class Office:
    """The officer's desk: looks up, changes, takes back, and counts what must be in the ledger."""

    def __init__(self, report, server):
        self.report, self.server, self.tally = report, server, Tally(server)
        self.of = {role: signed_in(server, role) for role in server.accounts}
        self.touched = 0

    def version(self):
        """The version that the next change must name."""
        return self.of["officer"].get("/api/v1/changes").json()["version"]

    def change(self, sentence, act, *, status=200, role="officer", version=None, reason=WHY, refused=None):
        """One change; its number."""
        body = {"expect_version": self.version() if version is None else version, "reason": reason, "act": act}
        return self._done(sentence, self.of[role].ask("POST", "/api/v1/changes", body=body), status, refused)

    def undo(self, sentence, change, *, status=200, role="officer"):
        """Takes it back."""
        body = {"expect_version": self.version(), "reason": "it was a mistake"}
        return self._done(sentence, self.of[role].ask("POST", f"/api/v1/changes/{change}/undo", body=body), status)

    def _done(self, sentence, answer, status, refused=None):
        self.report.equal(sentence, (answer.status, answer.code), (status, answer.code))
        if answer.status == 200:
            self.tally.expect("put-right", max(1, answer.json()["studies"]))
            return answer.json()["change"]
        self.tally.expect(refused or ("not-allowed" if answer.code == "not-allowed" else "put-right-refused"))
        return None

    def open(self, role, study, purpose, status=200, reason=None):
        """Opens a study and counts it."""
        answer = self.of[role].open(study, purpose, reason)
        self.tally.expect("opened" if answer.status == 200 else "open-refused")
        self.report.equal(f"{role} opens for {purpose}", answer.status, status)

    def file(self, role, film, accept=WHOLE):
        """The file as it leaves; the status, and its bytes behind the preamble."""
        answer = self.of[role].get(wado(film), accept=accept)
        self.tally.expect("released" if answer.status == 200 else "release-refused")
        return answer.status, answer.parts()[0][1] if answer.status == 200 else b""


def run(report, place):
    """Acts in turn, each taken back, on one archive."""
    home = place.fresh("right")
    with Server(home) as server:
        office = Office(report, server)
        files = _blobs(home)
        _refused(office)
        _merge(office)
        _corrected(office)
        _moved(office)
        _rejected(office)
        _documents(office)
        _running(office)
        office.tally.agree(report, "entries in the ledger = attempts")
    now = _blobs(home)
    report.check("no file of an object was rewritten", bool(files) and all(now.get(path) == before for path, before in files.items()),
                 f"({len(files)} files)")


def _blobs(home):
    """Every file of sealed objects: time of its last change, digest of its bytes."""
    folders = [home / "data" / "blobs", home / "data" / "packs"]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix not in (".spool", ".tmp")]
    return {path: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths}


def _refused(office):
    report = office.report
    act = {"merge": {"from": number(MAX), "into": number(ANNA)}}
    for role in MAY_NOT:
        office.change(f"{role} merges nobody", act, status=403, role=role)
        office.undo(f"{role} takes nothing back", 1, status=403, role=role)
        listed = office.of[role].get("/api/v1/changes")
        looked = office.of[role].ask("POST", "/api/v1/look-up", body=number(ANNA))
        report.equal(f"{role} reads no changes and looks nobody up", (listed.status, looked.status), (403, 403))
        office.tally.expect("not-allowed", 2)
    looked = office.of["admin"].ask("POST", "/api/v1/look-up", body=number(ANNA))
    office.tally.expect("not-allowed")
    report.equal("the administrator looks nobody up", looked.status, 403)
    looked = office.of["officer"].ask("POST", "/api/v1/look-up", body=number(ANNA)).json()
    found = {line["study"]["00100010"]["Value"][0]["Alphabetic"] for line in looked["studies"]}
    report.equal("the officer does, by the number", (found, len(looked["studies"])), ({"Probe^Anna"}, 3))
    office.change("without a reason nothing is changed", act, status=403, reason=".")
    office.change("nor on what somebody else changed meanwhile", act, status=409, version=99)
    office.change("nor for a number that nobody has", {"merge": {"from": number("GZ-0"), "into": number(ANNA)}}, status=404)


def _merge(office):
    """Max's card was Anna's: all of his films are hers, and leave so; then it is taken back."""
    report, film = office.report, demo_film("max-chest")
    name, raw = names(film), demo_files()["max-chest.dcm"]
    mine = lambda: {line["attributes"]["0020000D"]["Value"][0] for line in office.of["patient"].get("/api/v1/my-studies").json()["studies"]}
    before = mine()
    report.check("Max's film is not Anna's", name[0] not in before)
    office.open("radiologist", name[0], "report")
    change = office.change("Max is merged into Anna, by the administrator", {"merge": {"from": number(MAX), "into": number(ANNA)}}, role="admin")
    status, _ = office.file("radiologist", name)
    report.equal("what was opened before ends", status, 403)
    report.equal("one person's word puts nothing before a patient's eyes", mine(), before)
    office.open("patient", name[0], "own", status=404)
    agree = {"confirm": {"change": change}}
    office.change("nor does the same person's second word", agree, role="admin", status=403, refused="put-right-refused")
    office.change("another person's does", agree)
    office.change("once", agree, status=400)
    after = mine()
    report.check("both patients' films under one", before < after and name[0] in after, f"({len(before)} → {len(after)})")
    for role in ("radiologist", "referrer"):
        found = {f["00100020"]["Value"][0] for f in office.of[role].find(f"/studies?StudyInstanceUID={name[0]}")}
        report.equal(f"{role} finds it under her number", found, {ANNA})
    report.equal("his number finds nothing", office.of["radiologist"].find(f"/studies?PatientID={MAX}"), [])
    # The account of the patient opens it clear: a DICOM file names her, pixels are his film's, bit for bit.
    office.open("patient", name[0], "own")
    status, out = office.file("patient", name)
    got = pydicom.dcmread(io.BytesIO(out)) if status == 200 else Dataset()
    report.equal("the file names her", (str(got.get("PatientID")), str(got.get("PatientName")), got.get("PatientBirthDate")),
                 (ANNA, str(demo_film("anna-chest").PatientName), "19780512"))
    report.check("nothing in it names him", b"Muster" not in out and MAX.encode() not in out)
    report.equal("same instance, same pixels", (got.SOPInstanceUID, bytes(got.PixelData)), (film.SOPInstanceUID, bytes(film.PixelData)))
    # The referrer treats Anna (a relation by number): now he may lift on this film too.
    office.open("referrer", name[0], "treatment")
    # A film that comes later under the old number.
    ((later, sent),) = slices(1, patient=MAX)
    data = pydicom.dcmread(io.BytesIO(sent))
    data.IssuerOfPatientID = ISSUER
    later, sent = names(renew(data)), None
    sent = to_bytes(data)
    report.equal("a film of the old number is stored", office.of["technologist"].stow([sent]).status, 200)
    office.tally.expect("stored")
    report.check("and is hers", later[0] in mine())
    told = office.of["patient"].get(f"/api/v1/accesses?study={name[0]}&limit=200").json()["entries"]
    report.check("she reads that it was put right, and why", any(e["kind"] == "put-right" and e["details"]["reason"] == WHY for e in told))
    office.undo("and it is taken back", change)
    report.equal("her films are hers again, his his", mine(), before)
    found = {f["00100020"]["Value"][0] for f in office.of["radiologist"].find(f"/studies?StudyInstanceUID={later[0]}")}
    report.equal("the later film too", found, {MAX})
    office.open("patient", name[0], "own", status=404)
    office.open("radiologist", name[0], "report")
    lifted = office.of["radiologist"].lift(name[0], "comparison with the last film")
    office.tally.expect("lifted")
    report.equal("lifted", lifted.status, 200)
    status, out = office.file("radiologist", name)
    report.check("bit for bit as it came", status == 200 and out[128:] == raw[128:], f"({status}, {len(out)} bytes)")
    office.undo("once", change, status=409)


def _corrected(office):
    """A wrong birth date and accession number: corrected wherever they leave, in two codings; nothing else changes."""
    report, technologist = office.report, office.of["technologist"]
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        ((_, sent),) = slices(1, accession="A-2601", patient=ANNA)
        film = pydicom.dcmread(io.BytesIO(sent))
        film.IssuerOfPatientID, film.file_meta.TransferSyntaxUID = ISSUER, syntax
        film.add_new(0x00091001, "LO", "kept as it is")
        film.add_new(0x00090010, "LO", "GAUZE TEST")
        name, sent = names(renew(film)), None
        sent = to_bytes(film)
        report.equal("stored", technologist.stow([sent]).status, 200)
        office.tally.expect("stored")
        first = office.change("the accession number is corrected", {"correct-study": {"study": name[0], "set": {"AccessionNumber": "A-2601-B"}}})
        second = office.change("and the patient's name", {"correct-patient": {"patient": number(ANNA), "set": {"PatientName": "Probe^Annette"}}})
        line = office.of["radiologist"].find(f"/studies?StudyInstanceUID={name[0]}")[0]
        report.equal("found so", (line["00080050"]["Value"], line["00100010"]["Value"][0]["Alphabetic"]), (["A-2601-B"], "Probe^Annette"))
        office.open("patient", name[0], "own")
        answer = office.of["patient"].get(wado(name, "/metadata"), accept="application/dicom+json")
        office.tally.expect("released")
        line = answer.json()[0]
        report.equal("metadata says so", (line["00080050"]["Value"], line["00100010"]["Value"][0]["Alphabetic"]), (["A-2601-B"], "Probe^Annette"))
        status, out = office.file("patient", name)
        got = pydicom.dcmread(io.BytesIO(out))
        report.equal("so does the file, in its own coding", (status, got.file_meta.TransferSyntaxUID, got.AccessionNumber, str(got.PatientName)),
                     (200, syntax, "A-2601-B", "Probe^Annette"))
        wanted = pydicom.dcmread(io.BytesIO(sent))
        wanted.AccessionNumber, wanted.PatientName = "A-2601-B", "Probe^Annette"
        report.check("and nothing else of it is changed", to_bytes(wanted)[132:] == out[132:])
        released = [e for e in office.tally.entries("released") if e["details"].get("corrected") == "1"]
        report.check("the entry of the release says that it was corrected", len(released) >= 2)
        office.undo("the name is taken back", second)
        office.undo("and the number", first)
        office.open("patient", name[0], "own")
        status, out = office.file("patient", name)
        report.check("bit for bit as it came", status == 200 and out[128:] == sent[128:])
    for bad in ({"PatientBirthDate": "1978-05-12"}, {"PatientSex": "female"}):
        office.change("a value that makes no sense is refused", {"correct-patient": {"patient": number(ANNA), "set": bad}}, status=400)


def _moved(office):
    """A series taken under the wrong entry of the worklist goes to a study of its own, of another patient."""
    report = office.report
    made = slices(2, patient=ANNA)
    films = [pydicom.dcmread(io.BytesIO(raw)) for _, raw in made]
    for film in films:
        film.IssuerOfPatientID, film.PatientBirthDate, film.PatientName = ISSUER, "19780512", "Probe^Anna"
    films[1].SeriesInstanceUID = new_uid()
    first, second = (names(film) for film in films)
    raws = [to_bytes(film) for film in films]
    report.equal("two series of one study", office.of["technologist"].stow(raws).status, 200)
    office.tally.expect("stored", 2)
    office.open("patient", first[0], "own")
    status, _ = office.file("patient", second)
    report.equal("the patient looks at the second", status, 200)
    act = {"move-series": {"study": first[0], "series": [second[1]], "to_patient": number("GZ-1006")}}
    change = office.change("the second series is Karl's", act)
    status, _ = office.file("patient", second)
    report.equal("the patient does not see it any more", status, 403)
    office.open("patient", first[0], "own")
    status, out = office.file("patient", first)
    report.check("the other one is hers, bit for bit", status == 200 and out[128:] == raws[0][128:])
    line = office.of["radiologist"].find(f"/instances?SOPInstanceUID={second[2]}&includefield=all")
    report.equal("found under a study of its own, of his", [(f["00100020"]["Value"][0], f["0020000D"]["Value"][0] != first[0]) for f in line], [("GZ-1006", True)])
    moved = (line[0]["0020000D"]["Value"][0], second[1], second[2])
    office.open("radiologist", moved[0], "report")
    lifted = office.of["radiologist"].lift(moved[0], "comparison with the last film")
    office.tally.expect("lifted" if lifted.status == 200 else "open-refused")
    status, out = office.file("radiologist", moved)
    got = pydicom.dcmread(io.BytesIO(out)) if status == 200 else Dataset()
    report.equal("its file says so", (str(got.get("PatientID")), got.get("StudyInstanceUID"), got.get("SOPInstanceUID")), ("GZ-1006", moved[0], second[2]))
    report.check("and does not name her", bool(out) and b"Probe" not in out and ANNA.encode() not in out)
    again = office.of["technologist"].stow([raws[1]])
    office.tally.expect("stored")
    report.equal("sent again by the scanner it is no contradiction", again.status, 200)
    office.undo("it is taken back", change)
    office.open("patient", first[0], "own")
    status, out = office.file("patient", second)
    report.check("bit for bit as it came", status == 200 and out[128:] == raws[1][128:])


def note(films, patient, code="113001"):
    """A rejection note (PS3.3 A.35.4): a Key Object Selection document whose title is the reason."""
    out, first = Dataset(), pydicom.dcmread(io.BytesIO(films[0]))
    out.file_meta = FileMetaDataset()
    out.file_meta.MediaStorageSOPClassUID = out.SOPClassUID = KEY_OBJECTS
    out.file_meta.TransferSyntaxUID, out.file_meta.ImplementationClassUID = ExplicitVRLittleEndian, "2.25.1"
    out.PatientName, out.PatientID, out.IssuerOfPatientID = first.PatientName, patient, ISSUER
    out.StudyDate, out.StudyTime, out.Modality, out.SeriesNumber, out.InstanceNumber = "20261124", "120000", "KO", 9, 1
    renew(out, first.StudyInstanceUID)
    out.file_meta.MediaStorageSOPInstanceUID = out.SOPInstanceUID
    title = Dataset()
    title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = code, "DCM", "Rejected"
    out.ValueType, out.ConceptNameCodeSequence, out.ContinuityOfContent = "CONTAINER", Sequence([title]), "SEPARATE"
    evidence = []
    for raw in films:
        film = pydicom.dcmread(io.BytesIO(raw))
        item, series, study = Dataset(), Dataset(), Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = film.SOPClassUID, film.SOPInstanceUID
        series.SeriesInstanceUID, series.ReferencedSOPSequence = film.SeriesInstanceUID, Sequence([item])
        study.StudyInstanceUID, study.ReferencedSeriesSequence = film.StudyInstanceUID, Sequence([series])
        evidence.append(study)
    out.CurrentRequestedProcedureEvidenceSequence = Sequence(evidence)
    return to_bytes(out)


def _rejected(office):
    """A note rejects a slice; the officer takes that back; she rejects a whole study herself."""
    report, technologist, reader = office.report, office.of["technologist"], office.of["radiologist"]
    made = slices(3, patient="GZ-1005")
    study, raws = made[0][0][0], [raw for _, raw in made]
    report.equal("three slices", technologist.stow(raws).status, 200)
    office.tally.expect("stored", 3)
    count = lambda: len(reader.find(f"/instances?StudyInstanceUID={study}"))
    report.equal("are found", count(), 3)
    other = demo_files()["anna-chest.dcm"]
    sent = note([raws[1], other], "GZ-1005")
    report.equal("a note that rejects one, and another patient's film", technologist.stow([sent]).status, 200)
    office.tally.expect("stored")
    office.tally.expect("put-right")
    report.equal("leaves two, and is not found itself", count(), 2)
    report.equal("the other patient's is untouched", len(reader.find(f"/studies?StudyInstanceUID={names(demo_film('anna-chest'))[0]}")), 1)
    change = office.of["officer"].get("/api/v1/changes").json()["changes"][0]
    report.equal("it is among the changes", (change["act"], change["studies"]), ("reject", [study]))
    report.equal("sent again, the slice stays rejected", (technologist.stow([raws[1]]).status, count()), (200, 2))
    office.tally.expect("stored")
    office.undo("the officer takes it back", change["number"])
    report.equal("all are found, the note too", count(), 4)
    act = {"reject": {"study": study, "code": "patient-safety"}}
    change = office.change("the officer rejects the study", act)
    report.equal("it is gone", (count(), len(reader.find(f"/studies?StudyInstanceUID={study}"))), (0, 0))
    office.open("radiologist", study, "report", status=404)
    office.undo("and back", change)
    report.equal("all of it", count(), 4)


def _documents(office):
    """A structured report and a PDF stand beside the film for who reads it clear; a masked grant gets neither."""
    report, technologist = office.report, office.of["technologist"]
    film = renew(demo_film("anna-chest"))
    study = str(film.StudyInstanceUID)
    report.equal("a film", technologist.stow([to_bytes(film)]).status, 200)
    research = lambda: len(office.of["researcher"].find("/studies?limit=500"))
    time.sleep(1)
    found = research()
    documents = [_document("1.2.840.10008.5.1.4.1.1.88.11", "SR", film), _document("1.2.840.10008.5.1.4.1.1.104.1", "DOC", film)]
    report.equal("a report and a PDF", technologist.stow([to_bytes(d) for d in documents]).status, 200)
    office.tally.expect("stored", 3)
    line = office.of["radiologist"].find(f"/studies?StudyInstanceUID={study}")[0]
    report.equal("stand beside it", sorted(line["00080061"]["Value"]), ["DOC", "DX", "SR"])
    office.open("patient", study, "own")
    for one in documents:
        status, out = office.file("patient", names(one))
        report.check(f"{one.Modality}: bit for bit in clear", status == 200 and out[128:] == to_bytes(one)[128:], f"({status})")
    time.sleep(2)  # both were looked at by now
    report.equal("a document beside a film takes no study from research", research(), found)
    office.open("referrer", study, "treatment")
    for one in documents:
        status, _ = office.file("referrer", names(one))
        report.equal(f"{one.Modality}: not under a mask", status, 404)
        answer = office.of["referrer"].get(wado(names(one), "/metadata"), accept="application/dicom+json")
        office.tally.expect("release-refused")
        report.check(f"{one.Modality}: nor its words", answer.status == 404 and b"Befund" not in answer.body, f"({answer.status})")
    change = office.change("moved with it", {"move-studies": {"studies": [study], "to": number("GZ-1006")}})
    line = office.of["radiologist"].find(f"/instances?StudyInstanceUID={study}&includefield=all")
    report.equal("all three", {f["00100020"]["Value"][0] for f in line}, {"GZ-1006"})
    office.undo("and back", change)


def _document(sop_class, modality, film):
    out = Dataset()
    out.file_meta = FileMetaDataset()
    out.file_meta.MediaStorageSOPClassUID = out.SOPClassUID = sop_class
    out.file_meta.TransferSyntaxUID, out.file_meta.ImplementationClassUID = ExplicitVRLittleEndian, "2.25.1"
    out.PatientName, out.PatientID, out.IssuerOfPatientID = film.PatientName, film.PatientID, film.IssuerOfPatientID
    out.StudyDate, out.StudyTime, out.Modality, out.SeriesNumber, out.InstanceNumber = film.StudyDate, film.StudyTime, modality, 7, 1
    renew(out, str(film.StudyInstanceUID))
    if modality == "DOC":
        out.MIMETypeOfEncapsulatedDocument, out.EncapsulatedDocument = "application/pdf", b"%PDF-1.4 Befund Probe Anna "
    else:
        text = Dataset()
        text.RelationshipType, text.ValueType, text.TextValue = "CONTAINS", "TEXT", "Befund: unauffällig"
        out.SpecificCharacterSet = "ISO_IR 100"
        out.ValueType, out.ContentSequence = "CONTAINER", Sequence([text])
    return out


def _running(office):
    """A transfer that runs while its study is put right ends within a second."""
    report = office.report
    film = renew(demo_film("anna-chest"))
    film.NumberOfFrames = 1
    many = [to_bytes(renew(film, str(film.StudyInstanceUID), str(film.SeriesInstanceUID))) for _ in range(60)]
    report.equal("a long series", office.of["technologist"].stow(many).status, 200)
    office.tally.expect("stored", len(many))
    study = str(film.StudyInstanceUID)
    office.open("patient", study, "own")
    client = office.of["patient"]
    connection = client.connection()
    connection.request("GET", f"/dicom-web/studies/{study}", headers={"Cookie": client.cookies(), "Accept": WHOLE})
    answer = connection.getresponse()
    office.tally.expect("released")
    answer.read(4096)
    change = office.change("its study is moved while it flows", {"move-studies": {"studies": [study], "to": number("GZ-1006")}})
    since, cut, got = time.monotonic(), False, 0
    time.sleep(1)
    try:
        got = len(answer.read())
    except Exception:  # noqa: BLE001 - whatever http.client calls a body without its end
        cut = True
    client.close()
    report.check("it ends before its end", cut or got < sum(map(len, many)) / 2, f"({got} bytes more, {time.monotonic() - since:.1f} s)")
    office.undo("and back", change)
