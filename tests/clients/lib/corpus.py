"""Generated studies and queries, the same for the same seed: names in many scripts and character sets, everything that the
index keeps, and queries of every kind of PS3.4 C.2.2.2 at every level."""

import io
import random
from dataclasses import dataclass

from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from pydicom.valuerep import PersonName

from .oracle import Key, Query, matches

ROOT_UID = "1.2.826.0.1.3680043.9.7."  # all of these studies and nobody else's
RAW_DATA = "1.2.840.10008.5.1.4.1.1.66"  # no pixels: nothing is examined, everything is found
ENHANCED_SR = "1.2.840.10008.5.1.4.1.1.88.22"
SETS = {  # Specific Character Set → names that it can write
    "": ["Doe^Jane", "DOE^JOHN^^^", "Smith^Anna Maria", "O'Neil^Pat", "van der Berg^Piet", "Smithe^Ann"],
    "ISO_IR 100": ["Müller^Åsa", "García^José", "Lefèvre^Zoë", "Ångström^Sven"],
    "ISO_IR 192": ["Zhang^San=张^三", "Li^Si=李^四", "=曾^国藩", "Шишкин^Иван", "Ou^Yang=欧阳^雪梅", "Yamada^Tarou=山田^太郎=やまだ^たろう"],
    "GB18030": ["Chen^Jing=陈^静", "刘^伟", "Liu^Fang=刘^芳", "Shan^Lei=单^磊", "吕^桂芳", "Xie^Hua=解^华"],
    "\\ISO 2022 IR 58": ["Zhao^Min=赵^敏", "Yang^Tao=杨^涛", "Guo^Yong=郭^勇", "Qiu^Li=仇^丽"],
    "\\ISO 2022 IR 87": ["Yamada^Tarou=山田^太郎=やまだ^たろう", "Suzuki^Hanako=鈴木^花子"],
    "\\ISO 2022 IR 149": ["Hong^Gildong=洪^吉洞=홍^길동", "Kim^Minsu=金^珉秀=김^민수"],
}
DESCRIPTIONS = ["Chest PA", "CT Thorax", "chest pa", "CT abdomen + pelvis", "MR Knee", "X?", "Head (native)", ""]
CODES = [("T-D3000", "SRT", "Chest"), ("51185008", "SCT", "Chest"), ("RPID16", "RADLEX", "XR Chest"), ("A1", "99GZ", "Own")]
MODALITIES = ["CT", "MR", "DX", "CR", "SR", "US"]
ZONES = ["", "", "+0800", "-0500", "+0000"]


@dataclass
class Found:
    """What a query at a level should find: attributes with their values, and the UID that names it."""

    uid: str
    values: dict


class Corpus:
    """Studies of one seed."""

    def __init__(self, seed, studies):
        self.random = random.Random(seed)
        self.patients = [self._patient(n) for n in range(max(1, studies * 2 // 3))]
        self.levels = {"STUDY": [], "SERIES": [], "INSTANCE": []}
        self.files = []  # functions that make the bytes: thousands are never in memory together
        for number in range(studies):
            self._study(number)
        self.of_patient = {}
        for found in self.levels["STUDY"]:
            self.of_patient.setdefault(found.values["PatientID"][0], []).append(found)

    def _patient(self, number):
        rnd = self.random
        charset = rnd.choice(list(SETS))
        return {
            "charset": charset,
            "PatientName": [rnd.choice(SETS[charset])],
            "PatientID": [f"P{number:05d}" if rnd.random() < 0.9 else f"p{number:05d}"],
            "PatientBirthDate": [_date(rnd, 1930, 2020)] if rnd.random() < 0.9 else [],
            "PatientSex": [rnd.choice("MFO")],
        }

    def _study(self, number):
        rnd = self.random
        patient = rnd.choice(self.patients)
        uid = f"{ROOT_UID}{number + 1}.{rnd.randrange(10**9)}"
        codes = rnd.sample(CODES, rnd.choice([0, 0, 1, 1, 2]))
        names = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
        study = {
            **{k: v for k, v in patient.items() if k != "charset"},
            "StudyInstanceUID": [uid],
            "StudyDate": [_date(rnd, 2018, 2026)] if rnd.random() < 0.97 else [],
            "StudyTime": [_time(rnd)] if rnd.random() < 0.95 else [],
            "AccessionNumber": [f"ACC{number:06d}"] if rnd.random() < 0.9 else [],
            "ReferringPhysicianName": [rnd.choice(SETS[patient["charset"]])],
            "StudyDescription": [rnd.choice(DESCRIPTIONS)],
            "StudyID": [str(rnd.randrange(200))],
            "ProcedureCodeSequence": [{k: [v] for k, v in zip(names, code)} for code in codes],
        }
        series = [self._series(study, uid, n) for n in range(rnd.choice([1, 1, 2, 3]))]
        study["ModalitiesInStudy"] = sorted({s["Modality"][0] for s, _ in series})
        study["NumberOfStudyRelatedSeries"] = [str(len(series))]
        study["NumberOfStudyRelatedInstances"] = [str(sum(len(i) for _, i in series))]
        self.levels["STUDY"].append(Found(uid, study))
        for values, instances in series:
            values["NumberOfSeriesRelatedInstances"] = [str(len(instances))]
            self.levels["SERIES"].append(Found(values["SeriesInstanceUID"][0], {**study, **values}))
            for instance in instances:
                whole = {**study, **values, **instance}
                self.levels["INSTANCE"].append(Found(instance["SOPInstanceUID"][0], whole))
                self.files.append((patient["charset"], whole))

    def _series(self, study, of, number):
        rnd = self.random
        uid = f"{of}.{number + 1}"
        asked = [
            {"ScheduledProcedureStepID": [f"SPS{rnd.randrange(50)}"], "RequestedProcedureID": [f"RP{rnd.randrange(30)}"]}
            for _ in range(rnd.choice([0, 1, 1, 2]))
        ]
        values = {
            "SeriesInstanceUID": [uid],
            "Modality": [rnd.choice(MODALITIES)],
            "SeriesNumber": [rnd.choice(["1", "2", "007", "12"])],
            "SeriesDescription": [rnd.choice(DESCRIPTIONS)],
            "BodyPartExamined": [rnd.choice(["CHEST", "KNEE", ""])],
            "PerformedProcedureStepStartDate": [_date(rnd, 2018, 2026)],
            "PerformedProcedureStepStartTime": [_time(rnd)],
            "RequestAttributesSequence": asked,
        }
        return values, [self._instance(uid, n) for n in range(rnd.choice([1, 1, 1, 2, 3]))]

    def _instance(self, of, number):
        rnd = self.random
        return {
            "SOPInstanceUID": [f"{of}.{number + 1}"],
            "SOPClassUID": [rnd.choice([RAW_DATA, ENHANCED_SR])],
            "InstanceNumber": [str(number + 1)],
            "ContentDate": [_date(rnd, 2018, 2026)],
            "ContentTime": [_time(rnd)],
            "AcquisitionDateTime": [_date(rnd, 2018, 2026) + _time(rnd).replace(":", "") + rnd.choice(ZONES)],
        }

    # Queries.

    def query(self, level):
        """A query that finds something or could, and the UIDs that it should find; at most some hundreds."""
        rnd = self.random
        for _ in range(50):
            target = rnd.choice(self.levels[level]).values
            kinds = rnd.sample(KINDS[level], rnd.choice([1, 1, 1, 2, 2, 3]))
            query = Query(level, [])
            for kind in kinds:
                kind(rnd, target, query)
            query.keys = list({key.path: key for key in reversed(query.keys)}.values())
            expected = self.expected(query) if query.keys else None
            if expected is not None and len(expected) <= 600:
                return query, expected
        raise AssertionError("no query finds few enough")

    def expected(self, query, combined=True):
        """UIDs that the oracle finds."""
        return {found.uid for found in self.levels[query.level] if matches(found.values, query, combined)}


def _date(rnd, first, last):
    return f"{rnd.randrange(first, last + 1)}{rnd.randrange(1, 13):02d}{rnd.randrange(1, 29):02d}"


def _time(rnd):
    text = f"{rnd.randrange(24):02d}{rnd.randrange(60):02d}{rnd.randrange(60):02d}"
    return rnd.choice([text, text, f"{text}.{rnd.randrange(1000):03d}", text[:4]])


VR = {
    "PatientName": "PN", "ReferringPhysicianName": "PN", "PatientID": "LO", "PatientBirthDate": "DA", "PatientSex": "CS",
    "StudyInstanceUID": "UI", "SeriesInstanceUID": "UI", "SOPInstanceUID": "UI", "SOPClassUID": "UI", "StudyDate": "DA",
    "StudyTime": "TM", "AccessionNumber": "SH", "StudyDescription": "LO", "StudyID": "SH", "Modality": "CS",
    "ModalitiesInStudy": "CS", "SeriesNumber": "IS", "InstanceNumber": "IS", "SeriesDescription": "LO",
    "BodyPartExamined": "CS", "PerformedProcedureStepStartDate": "DA", "PerformedProcedureStepStartTime": "TM",
    "ContentDate": "DA", "ContentTime": "TM", "AcquisitionDateTime": "DT", "NumberOfStudyRelatedInstances": "IS",
    "NumberOfStudyRelatedSeries": "IS", "NumberOfSeriesRelatedInstances": "IS", "CodeValue": "SH",
    "CodingSchemeDesignator": "SH", "CodeMeaning": "LO", "ScheduledProcedureStepID": "SH", "RequestedProcedureID": "SH",
}


def _add(query, value, *path):
    query.keys.append(Key(path, VR[path[-1]], value))


def single(*names):
    """The value as it is."""
    def kind(rnd, target, query):
        name = rnd.choice(names)
        value = (target.get(name) or [""])[0]
        if value and not any(c in value for c in "*?"):
            _add(query, value, name)
    return kind


def wildcard(*names):
    """Some characters replaced."""
    def kind(rnd, target, query):
        name = rnd.choice(names)
        value = (target.get(name) or [""])[0]
        if len(value) < 3:
            return
        at = rnd.randrange(1, len(value))
        cut = rnd.randrange(at, len(value))
        pattern = rnd.choice([value[:at] + "*", "*" + value[at:], value[:at] + "?" + value[at + 1 :],
                              value[:at] + "*" + value[cut:], "*" + value[at : cut + 1] + "*"])
        if pattern.strip("*"):
            _add(query, pattern if rnd.random() < 0.8 else pattern.upper(), name)
    return kind


def ranges(date, time=None):
    """Around the value: closed, open to one side; sometimes with its time."""
    def kind(rnd, target, query):
        value = (target.get(date) or [""])[0]
        if not value:
            return
        low, high = sorted([str(int(value[:8]) - rnd.randrange(0, 3)), str(int(value[:8]) + rnd.randrange(0, 3))])
        low, high = sorted([_valid(low), _valid(high)])
        form = rnd.choice(["both", "both", "both", "from", "to"]) if value[:4] in ("2018", "2026") else "both"
        text = {"both": f"{low}-{high}", "from": f"{high}-", "to": f"-{low}"}[form]
        _add(query, rnd.choice([text, value[:8]]) if form == "both" else text, date)
        if time and rnd.random() < 0.5:
            early, late = _time(rnd), _time(rnd)
            if rnd.random() < 0.6:
                early, late = sorted([early[:4], late[:4]])
            _add(query, {"both": f"{early}-{late}", "from": f"{early}-", "to": f"-{late}"}[form], time)
    return kind


def _valid(text):
    month, day = min(max(int(text[4:6]), 1), 12), min(max(int(text[6:8]), 1), 28)
    return f"{text[:4]}{month:02d}{day:02d}"


def moment(rnd, target, query):
    """A DT: alone, short, as a range, with and without offset."""
    value = target["AcquisitionDateTime"][0]
    zone = rnd.choice(["", value[-5:] if value[-5] in "+-" else ""])
    day = value[:8]
    low, high = f"{_valid(str(int(day) - 1))}{rnd.randrange(24):02d}{zone}", f"{day}{rnd.randrange(24):02d}3000{zone}"
    _add(query, rnd.choice([value, day, day[:6], f"{low}-{high}", f"{day[:4]}-{day[:6]}"]), "AcquisitionDateTime")


def clock(rnd, target, query):
    """A TM without its date: alone, short, as a range."""
    value = (target.get("StudyTime") or [""])[0]
    if value:
        _add(query, rnd.choice([value, value[:4], f"{value[:2]}-{value[:4]}", f"{value[:4]}-{value[:4]}"]), "StudyTime")


def listed(name, level_name):
    """A list of UIDs, one of them unknown."""
    def kind(rnd, target, query):
        own = target[name][0]
        others = [own, own + ".9", *(f"{own[:-1]}{n}" for n in range(3))]
        _add(query, rnd.choice([",", "\\"]).join(rnd.sample(others, 3)), name)
    kind.__name__ = level_name
    return kind


def modalities(rnd, target, query):
    """ModalitiesInStudy, one or several."""
    some = rnd.sample(MODALITIES, 2)
    _add(query, rnd.choice([some[0], ",".join(some)]), "ModalitiesInStudy")
    ranges("StudyDate")(rnd, target, query)


def items(sequence, *names):
    """Keys inside a sequence: of one item, of two, with wildcards."""
    def kind(rnd, target, query):
        have = target.get(sequence) or []
        if not have:
            return
        for name in rnd.sample(names, rnd.choice([1, 2])):
            value = rnd.choice(have)[name][0]
            if rnd.random() < 0.3 and len(value) > 2:
                value = value[:2] + "*"
            _add(query, value, sequence, name)
        ranges("StudyDate")(rnd, target, query)
    return kind


def counted(name):
    """A number that the archive counts."""
    def kind(rnd, target, query):
        _add(query, target[name][0], name)
        ranges("StudyDate")(rnd, target, query)
    return kind


def fuzzy(rnd, target, query):
    """The beginnings of a name's words, pinyin, initials."""
    from .oracle import READINGS, _words

    name = target["PatientName"][0]
    words = _words(rnd.choice(name.split("=")))
    if not words:
        return
    han = "".join(words)
    if any(c in READINGS for c in han):
        syllables = [rnd.choice(READINGS.get(c, c).split()) for c in han]
        text = rnd.choice(["".join(syllables), "".join(s[0] for s in syllables), syllables[0], " ".join(syllables), han[0]])
    else:
        text = rnd.choice(words)[: rnd.randrange(2, 6)]
    query.fuzzy = True
    _add(query, rnd.choice([text, text.upper(), text + "*"]), "PatientName")


def empty(*names):
    """What has no value."""
    def kind(rnd, target, query):
        query.empty = True
        _add(query, '""', rnd.choice(names))
        ranges("StudyDate")(rnd, target, query)
    return kind


def several(*names):
    """Multiple value matching."""
    def kind(rnd, target, query):
        name = rnd.choice(names)
        value = (target.get(name) or [""])[0]
        if value and not any(c in value for c in "*?"):
            query.multiple = True
            _add(query, "\\".join([value, value + "x"]), name)
    return kind


def universal(rnd, target, query):
    """A key without a value beside one that has."""
    _add(query, rnd.choice(["", "*"]), "StudyDescription")
    single("PatientID")(rnd, target, query)


STUDY = [
    single("PatientID", "AccessionNumber", "StudyInstanceUID"), single("PatientName", "ReferringPhysicianName"),
    single("StudyDescription", "StudyID", "PatientBirthDate"), wildcard("PatientName"), wildcard("PatientName", "PatientID"),
    wildcard("AccessionNumber", "StudyDescription", "ReferringPhysicianName"), ranges("StudyDate", "StudyTime"),
    ranges("StudyDate", "StudyTime"), ranges("PatientBirthDate"), clock, listed("StudyInstanceUID", "studies"), modalities,
    items("ProcedureCodeSequence", "CodeValue", "CodingSchemeDesignator", "CodeMeaning"), fuzzy, fuzzy,
    counted("NumberOfStudyRelatedInstances"), counted("NumberOfStudyRelatedSeries"), empty("AccessionNumber", "PatientBirthDate"),
    several("PatientID", "AccessionNumber"), universal,
]
SERIES = [
    *STUDY, single("SeriesInstanceUID", "StudyInstanceUID"), single("Modality", "SeriesNumber", "BodyPartExamined"),
    wildcard("SeriesDescription"), listed("SeriesInstanceUID", "series"), counted("NumberOfSeriesRelatedInstances"),
    ranges("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
    items("RequestAttributesSequence", "ScheduledProcedureStepID", "RequestedProcedureID"),
]
INSTANCE = [
    *SERIES, single("SOPInstanceUID"), single("SOPClassUID", "InstanceNumber"), listed("SOPInstanceUID", "instances"),
    ranges("ContentDate", "ContentTime"), moment, moment,
]
KINDS = {"STUDY": STUDY, "SERIES": SERIES, "INSTANCE": INSTANCE}


def _gb2312(text):
    """ISO 2022 IR 58 as PS3.5 K.2 writes it: an escape before each component that needs it. pydicom leaves it out."""
    parts = [[c.encode("gb2312") for c in group.split("^")] for group in text.split("=")]
    return b"=".join(b"^".join(b"\x1b$)A" + c if max(c, default=0) > 127 else c for c in group) for group in parts)


def file_of(charset, values):
    """A file in its character set."""
    film = Dataset()
    if charset:
        film.SpecificCharacterSet = charset.split("\\")
    counted_names = {name for name in values if name.startswith("NumberOf")} | {"ModalitiesInStudy"}
    for name, value in values.items():
        if name in counted_names:
            continue
        if name.endswith("Sequence"):
            made = []
            for item in value:
                one = Dataset()
                for inner, text in item.items():
                    setattr(one, inner, text[0])
                made.append(one)
            if made:
                setattr(film, name, made)
        elif VR[name] == "PN" and charset.endswith("IR 58") and value:
            setattr(film, name, PersonName(_gb2312(value[0]), convert_encodings(charset.split("\\"))))
        else:
            setattr(film, name, value[0] if value else None)
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID
    film.preamble = bytes(128)
    out = io.BytesIO()
    film.save_as(out, enforce_file_format=True)
    return out.getvalue()

