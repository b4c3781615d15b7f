"""Everything that leaves, by each way and in each form, before `dciodvfy`: no copy has an error that its source had not, a clear
one has the same lines; what a derived and a de-identified object must say of itself, it says."""

import io
import re
import subprocess
import tempfile
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pydicom

from lib import dimse, iods
from lib.desk import of_its_own
from lib.films import demo_files, names
from lib.http import signed_in, wado
from lib.server import ROOT, Server, gauze, set_config, with_machines
from parts.p12_dimse import SCREEN

CODEC, INTAKE = ROOT / "testdata" / "codec", ROOT / "crates" / "dicom" / "testdata" / "dicom"
FILES = [CODEC / f"{name}.dcm" for name in (
    "pydicom__CT_small", "pydicom__MR_small_bigendian", "pydicom__emri_small_jpeg_2k_lossless", "pydicom__US1_J2KR",
    "pydicom__OBXXXX1A_rle", "pydicom__ExplVR_BigEnd", "pydicom__SC_rgb_dcmtk_+eb+cr", "pydicom__JPGExtended",
    "pydicom__SC_rgb_rle_16bit_2frame", "made__ls_near_rgb", "highdicom__sm_image",
)] + [INTAKE / f"intake-pydicom__{name}.dcm" for name in ("dicomdir_CR1_6154", "chrX1", "reportsi")]
DEMO = ["anna-chest", "max-chest", "max-ct", "max-ct-capture", "marie-mr", "marie-ultrasound"]
SINGLE, STORED = "application/dicom", 'multipart/related; type="application/dicom"; transfer-syntax=*'
MASKED, RESEARCH = "masked", "de-identified"
WORDS = ("PatientName", "PatientID", "AccessionNumber", "InstitutionName", "StationName", "DeviceSerialNumber", "StudyDate",
         "OperatorsName", "ReferringPhysicianName")
WHY = "called to the ward at night"

# What is known and not right yet: source, form of the copy, line, reason. An entry that is not met any more fails too.
DERIVED = f"{MASKED}|{RESEARCH}"
KNOWN = [
    (".*sm_image", RESEARCH, r"ICCProfile\(0028,2000\)",
     "removed: nobody can see what a profile holds; Type 1C of colours (PS3.3 C.8.12.5)"),
    (".*emri.*", DERIVED, r"Module=<(MRPulseSequence|BulkMotionSynchronization)>",
     "no fault: what may stay in derived images (PS3.3 A.36.2), `dciodvfy` wants away"),
]


class Source:
    """A stored object: what it was, and under which names research finds it."""

    def __init__(self, label, raw):
        self.label, self.raw, self.film = label, raw, read(raw)
        self.names, self.pseudonym = names(self.film), None
        self.image = "Rows" in self.film


def read(raw):
    """A data set."""
    return pydicom.dcmread(io.BytesIO(raw))


def run(report, place):
    """All sources, all ways out."""
    home = place.fresh("conform")
    set_config(home, lambda text: with_machines(text, SCREEN))
    with Server(home) as server:
        desk = Desk(report, server, place.work)
        _stored(report, desk)
        _by_web(desk)
        _by_device(report, desk)
        _by_export(report, desk)
        _corrected(report, desk)
    _verified(report, desk)
    for source, form, way, raw in desk.copies:
        if form != "clear":
            _derived(report, source, f"{source.label} {form} by {way}", read(raw), form)


class Desk:
    """Who fetches, and all that was fetched."""

    def __init__(self, report, server, work):
        self.report, self.server, self.work = report, server, work
        self.of = {role: signed_in(server, role) for role in ("technologist", "radiologist", "referrer", "researcher", "officer")}
        self.made = [Source(name, raw) for name, raw in iods.whole().items()]
        files = {path.stem: of_its_own(path.read_bytes()) for path in FILES} | {"pdf": iods.document()}
        self.new = self.made + [Source(name, raw) for name, raw in files.items()]
        self.sources = self.new + [Source(name, demo_files()[f"{name}.dcm"]) for name in DEMO]
        self.copies = []

    def pseudonyms(self):
        """Names that research finds, with what tells the demo's films apart."""
        found = self.of["researcher"].find("/instances?limit=1000&includefield=all")
        size = lambda one: tuple(one.get(tag, {}).get("Value", [0])[0] for tag in ("00280010", "00280011"))
        return {tuple(one[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018")): size(one) for one in found}

    def keep(self, source, form, way, raw):
        """One more copy."""
        self.copies.append((source, form, way, raw))

    def fetch(self, role, name, accept):
        """A file, or nothing."""
        answer = self.of[role].get(wado(name), accept=accept)
        return answer.parts()[0][1] if answer.status == 200 else None

    def clear(self, study):
        """Opens a study clear."""
        opened = self.of["radiologist"].open(study, "report", WHY)
        return opened if opened.json().get("visibility") == "clear" else self.of["radiologist"].lift(study, WHY)

    def taken(self, form, way, raws):
        """Copies of several of the made objects: which is whose is said by the UID, or by the source that they name."""
        own = {self._uid(source, form): source for source in self.made}
        came = set()
        for raw in raws:
            film = read(raw)
            uid = film.SOPInstanceUID if form == "clear" else film.SourceImageSequence[0].ReferencedSOPInstanceUID
            if uid in own:
                came.add(uid)
                self.keep(own[uid], form, way, raw)
        self.report.equal(f"{form} by {way}: all of them came", came, set(own))

    @staticmethod
    def _uid(source, form):
        return (source.pseudonym or ("", "", ""))[2] if form == RESEARCH else source.names[2]


def _stored(report, desk):
    before = desk.pseudonyms()
    sizes = {size: name for name, size in before.items()}
    for source in desk.sources:
        if source not in desk.new:
            source.pseudonym = sizes.get((source.film.Rows, source.film.Columns))
            continue
        answer = desk.of["technologist"].stow([source.raw])
        report.equal(f"{source.label} is stored", answer.status, 200)
        now = desk.pseudonyms()
        source.pseudonym, before = next(iter(now.keys() - before.keys()), None), now
    without = {source.label for source in desk.sources if source.image and source.pseudonym is None}
    report.equal("research finds every image", without, set())


def _by_web(desk):
    report, seen = desk.report, set()
    for source in desk.sources:
        study = source.names[0]
        if study not in seen:
            answer = desk.of["referrer"].open(study, "treatment", WHY)
            report.equal(f"{source.label} is opened masked", answer.status, 200)
            report.equal(f"{source.label} is opened clear", desk.clear(study).status, 200)
            seen.add(study)
        for accept, way in ((STORED, "web, as stored"), (SINGLE, "web")):
            _clear(desk, source, accept, way)
            _masked(desk, source, accept, way)
        if source.pseudonym and source.image:
            desk.of["researcher"].open(source.pseudonym[0], "research")
            _twice(desk, source, RESEARCH, "web", lambda: desk.fetch("researcher", source.pseudonym, SINGLE))


def _clear(desk, source, accept, way):
    raw = desk.fetch("radiologist", source.names, accept)
    if desk.report.check(f"{source.label}: leaves clear by {way}", raw is not None):
        desk.keep(source, "clear", way, raw)


def _masked(desk, source, accept, way):
    if source.image:
        _twice(desk, source, MASKED, way, lambda: desk.fetch("referrer", source.names, accept))


def _twice(desk, source, form, way, fetch):
    """The same UID is the same object."""
    first, second = fetch(), fetch()
    if desk.report.check(f"{source.label}: leaves {form} by {way}", first is not None):
        desk.report.check(f"{source.label} {form} by {way}: a second fetch is the same", first == second)
        desk.keep(source, form, way, first)


def _by_device(report, desk):
    """C-GET of the study of made objects."""
    relay = dimse.Relay(desk.server, "bench")
    real, pseudonym = desk.made[0].names[0], desk.made[0].pseudonym[0]
    for title, form, study in (("BENCH", "clear", real), ("SCREEN", MASKED, real), ("STUDY", RESEARCH, pseudonym)):
        folder = desk.work / f"conform-{title}"
        folder.mkdir()
        dimse.run("getscu", desk.server, "-S", "+B", "-od", str(folder), *dimse.keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study),
                  calling=title, address=relay.address)
        desk.taken(form, "C-GET", [path.read_bytes() for path in sorted(folder.iterdir())])
    relay.close()


def _by_export(report, desk):
    """`gauze export` by who sees the study masked."""
    account, secret, out = desk.server.accounts["referrer"], desk.work / "conform-password", desk.work / "conform.zip"
    secret.write_text(account["password"])
    secret.chmod(0o600)
    done = gauze("export", out, "--user", account["user"], "--password-file", secret, "--purpose", "treatment", "--reason", WHY,
                 "--study", desk.made[0].names[0], "--home", desk.server.home)
    if not report.check("the study is exported", done.returncode == 0, done.stdout + done.stderr[-300:]):
        return
    with zipfile.ZipFile(out) as packed:
        inside = {name: packed.read(name) for name in packed.namelist()}
    report.equal("its DICOMDIR has no error", errors(inside.pop("DICOMDIR")), set())
    desk.taken(MASKED, "export", inside.values())


def _corrected(report, desk):
    """Put right: the accession number and the patient's name."""
    officer, study = desk.of["officer"], desk.made[0].names[0]
    number = {"issuer": desk.made[0].film.IssuerOfPatientID, "number": desk.made[0].film.PatientID}
    for act in ({"correct-study": {"study": study, "set": {"AccessionNumber": "A-2526"}}},
                {"correct-patient": {"patient": number, "set": {"PatientName": "Muster^Georg"}}}):
        body = {"expect_version": officer.get("/api/v1/changes").json()["version"], "reason": "a typing error", "act": act}
        report.equal("put right", officer.ask("POST", "/api/v1/changes", body=body).status, 200)
    desk.of["referrer"].open(study, "treatment", WHY)
    report.equal("opened clear", desk.clear(study).status, 200)
    for source in desk.made:
        raw = desk.fetch("radiologist", source.names, STORED)
        fits = raw is not None and (str(read(raw).PatientName), read(raw).AccessionNumber) == ("Muster^Georg", "A-2526")
        if report.check(f"{source.label}: leaves put right", fits):
            desk.keep(source, "clear", "web, put right", raw)
        _masked(desk, source, SINGLE, "web, put right")


# What `dciodvfy` says.

def lines(raw):
    """All that it says; its own end by a signal is an error."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(raw)
        file.flush()
        done = subprocess.run(["dciodvfy", "-new", file.name], capture_output=True, timeout=60, check=False)
    said = (done.stderr + done.stdout).decode("utf-8", "replace").splitlines()
    if done.returncode < 0:
        said.append(f"Error - ended by signal {-done.returncode}")
    return said


def errors(raw):
    """Its errors without values; a value that is empty and one that is absent are the same."""
    said = [line for line in lines(raw) if line.startswith("Error")]
    said = [re.sub(r" = (<[^>]*>|'.' \(0x\w\w\))", "", line) for line in said]
    return {re.sub(r"Missing attribute|Empty attribute \(no value\)", "No value", line).strip() for line in said}


def _verified(report, desk):
    with ThreadPoolExecutor(2) as pool:
        sources = dict(zip((s.label for s in desk.sources), pool.map(lambda s: (errors(s.raw), lines(s.raw)), desk.sources)))
        found = list(pool.map(lambda copy: (errors(copy[3]) | _own(read(copy[3])), lines(copy[3])), desk.copies))
    met, clean = set(), Counter()
    for (source, form, way, _), (bad, said) in zip(desk.copies, found):
        before, whole = sources[source.label]
        new = {line for line in bad - before if not _known(met, source.label, form, line)}
        report.check(f"{source.label} {form} by {way}: no error that the source had not", not new, "\n      ".join(["", *sorted(new)]))
        clean[form] += not bad
        if form == "clear" and way in ("web, as stored", "C-GET"):
            report.equal(f"{source.label} {form} by {way}: the same lines", said, whole)
    report.equal("what is known is still so (else it leaves the table)", [entry for entry in KNOWN if entry not in met], [])
    print(f"   {len(desk.sources)} sources, {len(desk.copies)} copies; without any error: {dict(clean)}")


def _known(met, label, form, line):
    for entry in KNOWN:
        if re.fullmatch(entry[0], label) and re.fullmatch(entry[1], form) and re.search(entry[2], line):
            met.add(entry)
            return True
    return False


def _own(film):
    """What `dciodvfy` does not ask for: functional groups of a derived image name its source (PS3.3 C.7.6.16.2.6)."""
    groups = [*film.get("SharedFunctionalGroupsSequence", []), *film.get("PerFrameFunctionalGroupsSequence", [])]
    told = any("DerivationImageSequence" in group for group in groups)
    return {"Error - Derivation Image macro missing"} if groups and "SourceImageSequence" in film and not told else set()


# What a derived object says of itself (PS3.3 C.7.6.1.1, C.12.1; PS3.15 E.1, E.3).

def _derived(report, source, label, film, form):
    before, item = source.film, film.SourceImageSequence[0]
    named = source.pseudonym if form == RESEARCH else source.names
    report.check(f"{label}: a UID of its own, the file's too",
                 film.SOPInstanceUID not in (source.names[2], named[2]) and film.file_meta.MediaStorageSOPInstanceUID == film.SOPInstanceUID)
    report.equal(f"{label}: of this study and series", names(film)[:2], named[:2])
    report.equal(f"{label}: it names its source", (item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID), (before.SOPClassUID, named[2]))
    report.equal(f"{label}: and why", _code(item.PurposeOfReferenceCodeSequence[0]), ("121322", "DCM"))
    report.equal(f"{label}: how it was derived", (bool(film.DerivationDescription), _code(film.DerivationCodeSequence[0])), (True, ("113047", "DCM")))
    types = {element.value[0] for element in film.iterall() if element.keyword in ("ImageType", "FrameType")}
    report.equal(f"{label}: derived, in every frame", types, {"DERIVED"})
    lossy = [(k, before[k].value) for k in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
             if before.get("LossyImageCompression") == "01" and k in before]
    report.equal(f"{label}: lossy stays lossy", [(k, film.get(k)) for k, _ in lossy], lossy)
    report.equal(f"{label}: no private attribute, no group length", [e.tag for e in film.iterall() if e.tag.is_private or e.tag.element == 0], [])
    burned = "NO" if form == RESEARCH else before.get("BurnedInAnnotation")
    report.equal(f"{label}: what it says of burned-in words", film.get("BurnedInAnnotation"), burned)
    if not film.file_meta.TransferSyntaxUID.is_compressed:
        size = film.Rows * film.Columns * film.SamplesPerPixel * film.get("NumberOfFrames", 1) * film.BitsAllocated // 8
        report.equal(f"{label}: pixels as the header says", len(film.PixelData), size + size % 2)
    if form == RESEARCH:
        _deidentified(report, source, label, film)


def _deidentified(report, source, label, film):
    said = (film.PatientIdentityRemoved, bool(film.DeidentificationMethod), _code(film.DeidentificationMethodCodeSequence[0]),
            film.LongitudinalTemporalInformationModified)
    report.equal(f"{label}: identity removed, how, by which profile, dates", said, ("YES", True, ("113100", "DCM"), "REMOVED"))
    report.equal(f"{label}: no UID of the source", _uids(film) & _uids(source.film), set())
    words = {str(source.film.get(keyword) or "") for keyword in WORDS}
    text = "\\".join(str(element.value) for element in film.iterall() if element.VR not in ("SQ", "OB", "OW", "UI"))
    report.equal(f"{label}: no word of the source", {word for word in words if len(word) > 3 and word in text}, set())


def _uids(film):
    """All but the standard's own."""
    values = [element.value for element in film.iterall() if element.VR == "UI" and element.value]
    each = {str(uid) for value in values for uid in ([value] if isinstance(value, str) else value)}
    return {uid for uid in each if not uid.startswith("1.2.840.10008.")}


def _code(item):
    return item.CodeValue, item.CodingSchemeDesignator
