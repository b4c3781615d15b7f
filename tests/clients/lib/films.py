"""Films for the tests: the demo's, and new ones made of them."""

import io
import tarfile
import tomllib
import uuid
from functools import cache

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from .server import ROOT

DEMO = ROOT / "testdata" / "demo"


@cache
def demo_files():
    """Name → bytes of the demo's films."""
    with tarfile.open(DEMO / "films.tar.gz") as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}


@cache
def demo_table():
    """The table that the demo is made of."""
    return tomllib.loads((DEMO / "films.toml").read_text())


def demo_film(name):
    """A demo film as a data set."""
    return pydicom.dcmread(io.BytesIO(demo_files()[name + ".dcm"]))


def names(dataset):
    """Study, series and instance UIDs."""
    return str(dataset.StudyInstanceUID), str(dataset.SeriesInstanceUID), str(dataset.SOPInstanceUID)


def new_uid():
    """PS3.5 B.2."""
    return f"2.25.{uuid.uuid4().int}"


def renew(dataset, study=None, series=None):
    """New UIDs for all three levels, or for those below the ones given."""
    dataset.StudyInstanceUID = study or new_uid()
    dataset.SeriesInstanceUID = series or new_uid()
    dataset.SOPInstanceUID = new_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def to_bytes(dataset, preamble=bytes(128)):
    """A file."""
    dataset.preamble = preamble
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def data_of(raw):
    """A file's data set: what follows the file meta information (PS3.10 §7.1), which is the receiver's own by DIMSE. A
    file without one, whole."""
    if raw[128:132] == b"DICM" and raw[132:136] == b"\x02\0\0\0" and raw[136:138] == b"UL":
        return raw[144 + int.from_bytes(raw[140:144], "little") :]
    return raw


def slices(count, study=None, accession="", patient="GZ-9001"):
    """Small images of one series: what a scanner sends. Each has pixels of its own."""
    study, series, out = study or new_uid(), new_uid(), []
    noise = np.random.default_rng(7)
    for number in range(1, count + 1):
        film = Dataset()
        film.file_meta = pydicom.dataset.FileMetaDataset()
        film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        film.file_meta.ImplementationClassUID = "2.25.1"
        film.PatientName, film.PatientID, film.PatientBirthDate = "Schnitt^Test", patient, "19700102"
        film.StudyDate, film.StudyTime, film.AccessionNumber = "20261124", "120000", accession
        film.Modality, film.PatientSex, film.StudyID, film.SeriesNumber = "CT", "O", "1", 1
        film.InstanceNumber = number
        film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
        film.Rows, film.Columns = 96, 96
        film.BitsAllocated, film.BitsStored, film.HighBit, film.PixelRepresentation = 16, 12, 11, 0
        film.PixelData = noise.integers(0, 4096, (96, 96), dtype=np.uint16).tobytes()
        renew(film, study, series)
        out.append((names(film), to_bytes(film)))
    return out


def texture(rows, columns, seed=3):
    """A pattern that is found again after windowing and scaling: random cells of 2, 4 and 8 pixels, mean 0, ±1."""
    random, out = np.random.default_rng(seed), np.zeros((rows, columns))
    for size in (2, 4, 8):
        cells = random.choice((-1.0, 1.0), (rows // size + 1, columns // size + 1))
        out += np.kron(cells, np.ones((size, size)))[:rows, :columns]
    return out / np.abs(out).max()


# Chosen by eye on `anna-chest` (479 rows, 512 columns): left, top, right, bottom.
HIDDEN = {
    "abdomen": (100, 405, 420, 470),
    "right side": (20, 240, 66, 380),
    "left side": (462, 260, 496, 380),
}
TEXT = (4, 4, 308, 42)
LUNGS = {"right lung": (140, 170, 205, 300), "left lung": (330, 180, 390, 290)}
MARKER = (490, 211, 496, 222)

# Words that must not survive de-identification; the second group must not survive masking either (telltales).
WORDS = {
    "comments": "KANARIEAAA", "patient comments": "KANARIEBBB", "nested": "KANARIECCC", "operator": "KANARIEDDD",
    "other name": "KANARIEEEE", "address": "KANARIEFFF",
}
TELLTALES = {
    "private": "KANARIEGGG", "overlay label": "KANARIEHHH", "padding": "KANARIEIII", "preamble": "KANARIEJJJ",
    "private bytes": "KANARIEKKK", "icon": "KANARIELLL",
}


def canary(accession="A-2601"):
    """`anna-chest` with a pattern in what is to be hidden and with words in every corner. Data set, bytes, pixels."""
    film = renew(demo_film("anna-chest"))
    film.AccessionNumber = film.StudyID = accession
    pixels = film.pixel_array.astype(np.int16)
    pattern = texture(*pixels.shape)
    for left, top, right, bottom in HIDDEN.values():
        pixels[top:bottom, left:right] += np.round(24 * pattern[top:bottom, left:right]).astype(np.int16)
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    film.PixelData = pixels.tobytes()
    _words(film)
    _telltales(film, pixels, pattern)
    preamble = TELLTALES["preamble"].encode().ljust(128, b"\x41")
    return film, to_bytes(film, preamble), pixels


def _words(film):
    film.ImageComments, film.PatientComments = WORDS["comments"], WORDS["patient comments"]
    film.OperatorsName, film.OtherPatientNames = WORDS["operator"], WORDS["other name"]
    film.PatientAddress = WORDS["address"]
    inner = Dataset()
    inner.ScheduledProcedureStepDescription = WORDS["nested"]
    film.RequestAttributesSequence = Sequence([inner])


def _telltales(film, pixels, pattern):
    block = film.private_block(0x0019, "GAUZE TEST", create=True)
    block.add_new(1, "LO", TELLTALES["private"])
    block.add_new(2, "OB", TELLTALES["private bytes"].encode().ljust(64) + pixels[410:440:3, 100:356].tobytes())
    film.SmallestImagePixelValue, film.LargestImagePixelValue = int(pixels.min()), int(pixels.max())
    film["SmallestImagePixelValue"].VR = film["LargestImagePixelValue"].VR = "US"
    rows, columns = pixels.shape
    film.add_new(0x60000010, "US", rows)
    film.add_new(0x60000011, "US", columns)
    film.add_new(0x60000040, "CS", "G")
    film.add_new(0x60000050, "SS", [1, 1])
    film.add_new(0x60000100, "US", 1)
    film.add_new(0x60000102, "US", 0)
    film.add_new(0x60001500, "LO", TELLTALES["overlay label"])
    bits = np.packbits((pattern > 0).ravel(), bitorder="little").tobytes()
    film.add_new(0x60003000, "OW", bits + b"\0" * (len(bits) % 2))
    icon = Dataset()
    icon.SamplesPerPixel, icon.PhotometricInterpretation = 1, "MONOCHROME2"
    icon.Rows, icon.Columns, icon.BitsAllocated, icon.BitsStored, icon.HighBit = 64, 64, 8, 8, 7
    icon.PixelRepresentation, icon.ImageComments = 0, TELLTALES["icon"]
    icon.PixelData = pixels[::7, ::8][:64, :64].tobytes()
    film.IconImageSequence = Sequence([icon])
    film.DataSetTrailingPadding = TELLTALES["padding"].encode()
