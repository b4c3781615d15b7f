"""`gauze deidentify` of a folder of many kinds, with identity injected wherever PS3.15 Table E.1-1 has a row, in private elements, the
preamble, the file meta information and after the pixels: nothing of it is in outputs, their names or the report, with the basic
profile and with each option; what stays is what it was; killed, it goes on."""

import copy
import hashlib
import hmac
import io
import json
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pydicom
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import AllTransferSyntaxes, ExplicitVRLittleEndian

from lib import iods
from lib.films import demo_files, new_uid, renew, to_bytes
from lib.server import GAUZE, ROOT, environment, gauze

CODEC = ROOT / "testdata" / "codec"
TABLE = ROOT / "testdata" / "standard" / "annex-e.tsv"
STORAGE = "1.2.840.10008.5.1.4.1.1."
OPTIONS = ("clean-graphics", "clean-structured-content", "clean-descriptors", "retain-full-dates", "retain-modified-dates",
           "retain-patient-characteristics", "retain-device-identity", "retain-uids", "retain-safe-private",
           "retain-institution-identity", "clean-pixel-data", "clean-recognizable-visual-features")
WITHHELD = {"pdf": "document", "sr": "structured-content", "ko": "structured-content", "raw": "bulk-data", "sound": "sound",
            "own-class": "class"}
# Names in the character sets of the world, as they are written (PS3.5 §6.1).
SETS = {"GB18030": "郑爽玥", "\\ISO 2022 IR 149": "홍길동", "\\ISO 2022 IR 87": "鈴木花子", "ISO_IR 192": "Шишкин", "ISO_IR 100": "Müßiggång"}
ENCODINGS = ("utf-8", "gb18030", "iso2022_jp_2", "iso2022_kr", "euc_kr", "utf-16-le", "utf-16-be", "latin-1", "iso8859_5")
# Known. Random rows make half a module of a trial; the table removes what a presentation state wants (X of Type 1); the others as in p25.
KNOWN = (r"Module=<ClinicalTrial", r"PresentationCreation(Date|Time)", r"Missing attribute .*Module=<OpticalPath>|ICCProfile",
         r"Module=<(MRPulseSequence|BulkMotionSynchronization)>")
TEXTS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
WORD, UID_ROOT = re.compile(rb"ZQ[0-9A-F]{8}", re.I), "1.2.826.0.1.3680043.9.7777."
UIDS, DAYS = re.compile(re.escape(UID_ROOT).encode() + rb"\d+"), re.compile(rb"(?<!\d)18\d{6}(?!\d)")


def run(report, place):
    """One folder, many ways."""
    # A folder of its own: other parts leave keys of theirs in the common one.
    work = place.work / "deidentify"
    work.mkdir()
    folder = Folder(work)
    report.check("a folder of 60 files or more of many kinds", len(folder.inputs) >= 60, len(folder.inputs))
    tokens = sum(len(one.tokens) for one in folder.inputs.values())
    report.check("with 10,000 tokens or more", tokens >= 10_000, tokens)
    print(f"   {len(folder.inputs)} files, {tokens} tokens")
    basic = folder.deidentify(report, "basic")
    _named(report, folder, basic)
    _faults(report, folder, basic)
    _same_key(report, folder, basic)
    _killed(report, folder, basic)
    _quick(report, folder)
    for option in OPTIONS:
        made = folder.deidentify(report, option, "--option", option)
        if option == "clean-structured-content":
            report.check("reports leave when their content is cleaned", folder.outputs_of(made, "sr"), made.csv)
        with_b = [path for path in made.files.values() if (0x0019, 0x100C) in pydicom.dcmread(path, stop_before_pixels=True)]
        # Without explicit VRs nobody knows what a private attribute is.
        explicit = sum(not one.film.file_meta.TransferSyntaxUID.is_implicit_VR for one in folder.inputs.values() if folder.outputs_of(made, one.label))
        report.equal(f"{option}: a safe private attribute stays by its option only", len(with_b), explicit if "private" in option else 0)
    documents = folder.deidentify(report, "documents", "--dangerous-documents", searched=False)
    report.check("a document leaves by its flag", folder.outputs_of(documents, "pdf"), documents.csv)
    gauze(*folder.arguments(documents.out, "--errors", documents.out.with_suffix(".again.csv")))
    report.equal("and goes when it is not given any more", len(list(documents.out.iterdir())), len(documents.files) - 1)


class Input:
    """A file and the tokens in it: (kind, bytes, tag)."""

    def __init__(self, label, film, tokens):
        self.label, self.film, self.tokens = label, film, tokens
        self.uid = str(film.SOPInstanceUID)


class Made:
    """What a run made."""

    def __init__(self, out, done, seconds, csv, report):
        self.out, self.done, self.seconds, self.csv, self.report = out, done, seconds, csv, report
        self.files = {path.name: path for path in out.iterdir()}


class Folder:
    """Inputs, and what is beside them."""

    def __init__(self, work):
        self.work, self.path = work, work / "films"
        self.key = work / "project.key"
        self.rows = [line.split("\t") for line in TABLE.read_text().splitlines() if not line.startswith("#")]
        self.random = random.Random(32)
        self.days = [f"18{year:02}{month:02}{day:02}" for year in range(100) for month in range(1, 13) for day in range(1, 29)]
        self.random.shuffle(self.days)
        self.inputs = {}
        for label, film in _films():
            self._add(label, film)

    def _add(self, label, film):
        tokens = []
        injected = Injection(self, film, tokens)
        injected.all()
        path = self.path / f"{injected.word().decode()}^Name" / f"{label}.dcm"
        path.parent.mkdir(parents=True)
        preamble = b"II*\0" + injected.word() * 12
        path.write_bytes(to_bytes(film, preamble[:128].ljust(128, b"\0")))
        self.inputs[label] = Input(label, film, tokens)

    def arguments(self, out, *more, key=None):
        """Of the command."""
        return ["deidentify", self.path, out, "--profile", "basic", "--project-key", key or self.key, *more]

    def deidentify(self, report, name, *more, searched=True, key=None):
        """A run into a folder of its own, and what is true of each."""
        out, csv, told = self.work / f"out-{name}", self.work / f"{name}.csv", self.work / f"{name}.jsonl"
        since = time.monotonic()
        done = gauze(*self.arguments(out, "--errors", csv, "--report", told, *more, key=key))
        if not csv.exists():
            raise AssertionError(f"{name}: {done.returncode}: {done.stderr[-500:]}")
        made = Made(out, done, time.monotonic() - since, csv.read_text(), told)
        print(f"   {name}: {len(made.files)} outputs, {made.seconds:.1f} s; {done.stdout.strip()}")
        report.check(f"{name}: outputs and refused files are all files", len(made.files) + made.csv.count("\n") - 1 == len(self.inputs),
                     done.stdout)
        if searched:
            self._searched(report, name, made)
        return made

    def _searched(self, report, name, made):
        kept = {row[0] for row in self.rows if any(cell in (f"{name}=K",) for cell in row[2:])}
        dates = name == "retain-modified-dates"
        wanted, everything = {}, [made.report.read_bytes(), *[path.name.encode() for path in made.files.values()],
                                  *[path.read_bytes() for path in made.files.values()]]
        for one in self.inputs.values():
            for kind, token, tag in one.tokens:
                if tag not in kept and not (dates and kind == "date"):
                    wanted[token.upper()] = (one.label, tag)
        found = {}
        for blob in everything:
            # Without zeros: UTF-16 as well.
            for text in (blob, blob.replace(b"\0", b"")):
                for pattern in (WORD, UIDS, DAYS):
                    found.update({hit.upper(): wanted[hit.upper()] for hit in pattern.findall(text) if hit.upper() in wanted})
        report.equal(f"{name}: of {len(wanted)} tokens none is found", list(found.items())[:8], [])
        scripts = [(text, code) for text in SETS.values() for code in ENCODINGS if (raw := _coded(text, code)) and any(raw in b for b in everything)]
        report.equal(f"{name}: nor a name in its script", scripts, [])

    def outputs_of(self, made, kind):
        """Outputs of inputs of a kind."""
        key = self.key.read_bytes()
        return [label for label, one in self.inputs.items() if label.startswith(kind) and f"{pseudonym(key, one.uid)}.dcm" in made.files]


class Injection:
    """Identity wherever the table has a row."""

    def __init__(self, folder, film, tokens):
        self.folder, self.film, self.tokens, self.random = folder, film, tokens, folder.random

    def word(self):
        """Ten letters that are nowhere else."""
        token = b"ZQ%08X" % self.random.getrandbits(32)
        self.tokens.append(("word", token, ""))
        return token

    def value(self, vr, tag):
        """A value of this VR with a token in it."""
        if vr in TEXTS:
            token = b"ZQ%08X" % self.random.getrandbits(32)
            kind, value = "word", token.decode()
            if vr == "PN":
                value = f"{value}^{value[::-1]}"
            elif vr == "UR":
                value = f"https://example.org/{value}"
        elif vr == "UI":
            value = UID_ROOT + str(self.random.getrandbits(60))
            kind, token = "uid", value.encode()
        elif vr in ("DA", "DT"):
            day = self.folder.days.pop()
            kind, token, value = "date", day.encode(), day + ("120000" if vr == "DT" else "")
        elif vr in ("OB", "UN"):
            token = b"ZQ%08X" % self.random.getrandbits(32)
            kind, value = "word", token
        else:
            return None
        self.tokens.append((kind, token, tag))
        return value

    def all(self):
        """Rows of the table, private elements, all that is nested, file meta information."""
        film = self.film
        rows = [row for row in self.folder.rows if re.fullmatch("[0-9A-F]{8}", row[0])]
        own = {"00080016", "00080018", "00020003", "0020000D", "0020000E", "00080005", "00420011", "0040A730", "00700001"}
        own |= {row[0] for row in rows if row[0][:4] in ("0000", "0004")}
        present = {f"{elem.tag:08X}" for elem in film}
        chosen = [row[0] for row in rows if row[0] not in own and (row[0] in present or self.random.random() < 0.4)]
        for name in chosen:
            self._put(film, name)
        others = Dataset()
        for name in chosen[:12]:
            self._put(others, name)
        film.add_new(0x00081111, "SQ", Sequence([others]))
        film.ReferencedPatientSequence = [iods.item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.1.1", ReferencedSOPInstanceUID=self.value("UI", "00081155"))]
        self._private(film)
        film.file_meta.SourceApplicationEntityTitle = self.word().decode()
        film.file_meta.PrivateInformationCreatorUID = self.value("UI", "")
        film.file_meta.PrivateInformation = self.word()
        film.add_new(0xFFFCFFFC, "OB", self.word())
        codes, name = self.random.choice(list(SETS.items()))
        film.SpecificCharacterSet = codes.split("\\") if codes.startswith("\\") else codes
        film.PatientName = f"{self.word().decode()}={name}" if codes not in ("ISO_IR 100",) else name
        film.PatientComments = name

    def _put(self, data, name):
        tag = Tag(int(name, 16))
        try:
            vr = dictionary_VR(tag)
        except KeyError:
            return
        value = self.value(vr.split(" ")[0], name)
        if value is not None:
            data.add(DataElement(tag, vr.split(" ")[0], value))

    def _private(self, film):
        # One of Table E.3.10-1.
        film.add_new((0x0019, 0x0010), "LO", "SIEMENS MR HEADER")
        film.add_new((0x0019, 0x100C), "IS", "800")
        for group in (0x0009, 0x0029, 0x7053):
            film.add_new((group, 0x0010), "LO", self.word().decode())
            for at, vr in enumerate(("LO", "UN", "OB", "PN", "DA", "UI", "UT")):
                film.add_new((group, 0x1001 + at), vr, self.value(vr, ""))
            nested = Dataset()
            nested.PatientName = self.word().decode()
            nested.add_new((group, 0x0010), "LO", self.word().decode())
            nested.add_new((group, 0x1001), "OB", self.word().decode().encode("utf-16-le"))
            film.add_new((group, 0x1010), "SQ", Sequence([nested]))


def _coded(text, code):
    try:
        return text.encode(code)
    except UnicodeEncodeError:
        return None


def pseudonym(key, uid):
    """The project's UID, by hand: HMAC-SHA-256, a UUID of version 8 (RFC 9562 §5.8) as a decimal number (PS3.5 §B.2)."""
    number = int.from_bytes(hmac.new(key, b"uid\0" + uid.encode(), hashlib.sha256).digest()[:16], "big")
    number = number & ~(0xF << 76) | 8 << 76
    number = number & ~(0b11 << 62) | 0b10 << 62
    return f"2.25.{number}"


def _base(sop_class, modality, **more):
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID = sop_class if sop_class.startswith("1.") else STORAGE + sop_class
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.file_meta.ImplementationClassUID = "2.25.1"
    film.PatientName, film.PatientID, film.Modality, film.SeriesNumber, film.InstanceNumber = "A^B", "1", modality, 1, 1
    film.StudyDate = film.ContentDate = "20260101"
    for name, value in more.items():
        setattr(film, name, value)
    return renew(film)


def _text(value):
    return iods.item(RelationshipType="CONTAINS", ValueType="TEXT", ConceptNameCodeSequence=[iods.code("121071", "DCM", "Finding")], TextValue=value)


def _records():
    """Objects without a picture, by hand from PS3.3."""
    wave = iods.item(WaveformOriginality="ORIGINAL", NumberOfWaveformChannels=2, NumberOfWaveformSamples=500, SamplingFrequency=500,
                     WaveformBitsAllocated=16, WaveformSampleInterpretation="SS", WaveformData=bytes(range(200)) * 10)
    annotation = iods.item(GraphicLayer="L", TextObjectSequence=[iods.item(UnformattedTextValue="ZQ Anna Probe", AnchorPoint=[1, 1])])
    contour = iods.item(ReferencedROINumber=1, ContourSequence=[iods.item(ContourGeometricType="POINT", NumberOfContourPoints=1, ContourData=[1, 2, 3])])
    content = {"ContentSequence": [_text("ZQ Anna Probe")], "ValueType": "CONTAINER", "ContinuityOfContent": "SEPARATE",
               "ConceptNameCodeSequence": [iods.code("126000", "DCM", "Imaging Measurement Report")]}
    for at in range(3):
        yield f"sr{at}", _base(("88.11", "88.22", "88.33")[at], "SR", **content)
        yield f"wave{at}", _base(("9.1.1", "9.1.2", "9.2.1")[at], "ECG", WaveformSequence=[wave])
        yield f"gsps{at}", _base(("11.1", "11.2", "11.4")[at], "PR", GraphicAnnotationSequence=[annotation], ContentLabel="LABEL",
                                 GraphicLayerSequence=[iods.item(GraphicLayer="L", GraphicLayerOrder=1)])
        yield f"rtstruct{at}", _base("481.3", "RTSTRUCT", StructureSetLabel="PLAN", ROIContourSequence=[contour],
                                     RTROIObservationsSequence=[iods.item(ObservationNumber=1, ReferencedROINumber=1, RTROIInterpretedType="GTV")])
        yield f"rtplan{at}", _base("481.5", "RTPLAN", RTPlanLabel="PLAN", RTPlanGeometry="PATIENT")
        yield f"reg{at}", _base("66.1", "REG", ContentLabel="REG", FrameOfReferenceUID=new_uid())
    yield "ko", _base("88.59", "KO", **content)
    yield "raw", _base("66", "OT")
    yield "sound", _base("9.4.1", "AU", WaveformSequence=[wave])
    yield "own-class", _base("1.2.276.0.7230010.3.1.0.1", "OT")


def _films():
    for name, raw in demo_files().items():
        yield f"demo-{name.removesuffix('.dcm')}", pydicom.dcmread(io.BytesIO(raw))
    for name, raw in iods.whole().items():
        yield f"iod-{name}", pydicom.dcmread(io.BytesIO(raw))
    yield "pdf", pydicom.dcmread(io.BytesIO(iods.document()))
    for path in sorted(CODEC.glob("*.dcm")):
        if path.stat().st_size < 400_000 and (film := pydicom.dcmread(path)).file_meta.TransferSyntaxUID in AllTransferSyntaxes:
            # Of a series whose UIDs are shared by other files of this folder.
            yield f"codec-{path.stem}", renew(film)
    yield from _records()


def _named(report, folder, made):
    key = folder.key.read_bytes()
    names = {pseudonym(key, one.uid): one for one in folder.inputs.values()}
    report.check("outputs are named by the pseudonyms of their UIDs", all(path.stem in names for path in made.files.values()))
    refused = {line.split(",")[0].strip('"').rsplit("/", 1)[-1][:-4]: line.split(",")[1].strip('"') for line in made.csv.splitlines()[1:]}
    for kind, code in WITHHELD.items():
        report.equal(f"{kind} is not delivered, and why", {c for label, c in refused.items() if label.startswith(kind)}, {code})
    kept, same, told = 0, 0, made.report.read_text().splitlines()
    rows = {row[0] for row in folder.rows}
    for path in made.files.values():
        source, output = names[path.stem].film, pydicom.dcmread(path)
        report.check("an output is its own instance", output.SOPInstanceUID == path.stem == output.file_meta.MediaStorageSOPInstanceUID)
        for elem in source:
            name = f"{elem.tag:08X}"
            if name in rows or _by_masking(elem):
                continue
            kept += 1
            same += elem.tag in output and output[elem.tag].value == elem.value
    print(f"   kept values: {same} of {kept} ({100 * same / kept:.2f} %)")
    report.check("99.5 % of the values that no row touches are what they were", same >= 0.995 * kept, f"{same} of {kept}")
    lines = [json.loads(line) for line in told]
    report.equal("the report has all outputs and nothing else", {line["output"] for line in lines}, {path.stem for path in made.files.values()})
    report.equal("and no member for values", set().union(*lines), {"output", "path", "keyword", "action", "option", "count"})
    wrong = [line for line in lines if "." not in line["path"] and line["keyword"] != keyword_of(line["path"])]
    report.equal("and keywords of PS3.6", wrong[:3], [])
    waves = [path for path in made.files.values() if names[path.stem].label.startswith("wave")]
    report.check("signals are what they were", len(waves) == 3 and all(
        pydicom.dcmread(path).WaveformSequence[0].WaveformData == names[path.stem].film.WaveformSequence[0].WaveformData for path in waves))
    states = [pydicom.dcmread(path) for path in made.files.values() if names[path.stem].label.startswith("gsps")]
    report.check("presentation states have no graphics", len(states) == 3 and not any("GraphicAnnotationSequence" in state for state in states))


def keyword_of(tag):
    """PS3.6; private creators have one of their own, other private attributes have none."""
    private, element = int(tag[:4], 16) % 2, int(tag[4:], 16)
    return ("PrivateCreator" if 0x10 <= element <= 0xFF else "") if private else keyword_for_tag(int(tag, 16))


def _by_masking(elem):
    """Sequences, private, and what the description of native masked samples replaces (docs/conformance.md)."""
    group = elem.tag.group
    replaced = {0x00080005, 0x00080008, 0x00280002, 0x00280004, 0x00280006, 0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280301,
                0x00280302, 0x00282110, 0xFFFCFFFC, 0x00120063, 0x00280303}
    telltales = range(0x00280104, 0x00280112)
    return (elem.tag.element == 0 or group % 2 or group in (0x0060, 0x7FE0) or group >> 8 in (0x50, 0x60) or elem.VR in ("SQ", "UI", "OB", "OW", "OB or OW", "UN", "OF")
            or elem.tag in replaced or elem.tag in telltales or elem.value in (None, ""))


def errors_of(path):
    """Kinds of errors that dciodvfy finds, without values."""
    done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, timeout=120, check=False)
    lines = (done.stdout + done.stderr).decode(errors="replace").splitlines()
    return {re.sub(r"= <.*?>|\[\d+\]", "", line) for line in lines if line.startswith("Error")}


def _faults(report, folder, made):
    key, known = folder.key.read_bytes(), {}
    for one in folder.inputs.values():
        known[pseudonym(key, one.uid)] = one
    worse = {}

    def compare(path):
        with tempfile.NamedTemporaryFile(suffix=".dcm") as source:
            film = copy.deepcopy(known[path.stem].film)
            if film.file_meta.TransferSyntaxUID.is_deflated:
                # dciodvfy does not inflate.
                film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            source.write(to_bytes(film))
            source.flush()
            more = {line for line in errors_of(path) - errors_of(source.name) if not any(re.search(known_line, line) for known_line in KNOWN)}
            if more:
                worse[known[path.stem].label] = sorted(more)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(compare, made.files.values()))
    report.equal("dciodvfy finds no kind of error that the input had not", dict(list(worse.items())[:6]), {})


def _same_key(report, folder, basic):
    again = folder.deidentify(report, "again")
    same = [name for name, path in basic.files.items() if name in again.files and path.read_bytes() == again.files[name].read_bytes()]
    report.equal("two runs with one key are the same bytes", len(same), len(basic.files))
    other = folder.deidentify(report, "other", key=folder.work / "other.key")
    report.equal("with another key no name is the same", set(other.files) & set(basic.files), set())
    patients = [{str(pydicom.dcmread(path, stop_before_pixels=True).PatientID) for path in made.files.values()} for made in (basic, other)]
    report.check("nor a patient's number", patients[0] and not patients[0] & patients[1])


def _killed(report, folder, basic):
    out = folder.work / "out-killed"
    for share in (0.1, 0.4, 0.7):
        process = subprocess.Popen([str(GAUZE), *map(str, folder.arguments(out))], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(max(0.2, basic.seconds * share / 2))
        process.send_signal(signal.SIGKILL)
        process.wait()
    halfway = len([path for path in out.glob("*.dcm")]) if out.exists() else 0
    done = gauze(*folder.arguments(out))
    made = {path.name: path.read_bytes() for path in out.iterdir()}
    report.check("killed three times, it had done a part", 0 < halfway, halfway)
    report.equal("and goes on to the same outputs", {name: path.read_bytes() for name, path in basic.files.items()} == made, True)
    numbers = [int(n) for n in re.findall(r"\d+", done.stdout.splitlines()[0])]
    report.check("without doing again what was done", numbers[1] >= 1 and numbers[0] + numbers[1] == len(made), done.stdout)
    shutil.rmtree(out)
    Path(folder.work / "project.key.journal").read_text().encode("ascii")


def _quick(report, folder):
    """How many headers a second."""
    plans, plan = folder.work / "plans", _base("481.5", "RTPLAN", RTPlanLabel="PLAN", RTPlanGeometry="PATIENT")
    plans.mkdir()
    for number in range(1000):
        (plans / f"{number}").write_bytes(to_bytes(renew(plan)))
    since = time.monotonic()
    done = gauze("deidentify", plans, folder.work / "out-plans", "--profile", "basic", "--project-key", folder.key)
    print(f"   {1000 / (time.monotonic() - since):.0f} headers a second")
    report.check("1,000 headers are 1,000 outputs", len(list((folder.work / "out-plans").iterdir())) == 1000, done.stdout)
