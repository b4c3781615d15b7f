"""Films for the bench: CT slices and chest-like radiographs, invented, the same bytes at every run.

Headers are written by hand (explicit VR little endian, PS3.5 7.1.2), pixels come from numpy. Nobody's picture is in them.
"""
import hashlib
import struct
import uuid

import numpy as np

CT = "1.2.840.10008.5.1.4.1.1.2"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
LONG_FORM = {"OB", "OW", "SQ", "UN", "UT"}
SLICES_OF_A_SERIES = 100


def uid(*parts):
    """A UID under 2.25 (PS3.5 B.2) that depends on the words only."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:16]
    return "2.25.%d" % uuid.UUID(bytes=digest, version=4).int


def element(tag, vr, value):
    body = value if isinstance(value, bytes) else str(value).encode("ascii")
    if len(body) % 2:
        body += b"\0" if vr in ("UI", "OB") else b" "
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    length = struct.pack("<HI", 0, len(body)) if vr in LONG_FORM else struct.pack("<H", len(body))
    return head + length + body


def short(value):
    return struct.pack("<H", value)


def file(sop_class, instance, data_set):
    """PS3.10 7.1: preamble, file meta information, data set."""
    meta = b"".join([
        element(0x00020001, "OB", b"\0\1"),
        element(0x00020002, "UI", sop_class),
        element(0x00020003, "UI", instance),
        element(0x00020010, "UI", EXPLICIT_LITTLE_ENDIAN),
        element(0x00020012, "UI", uid("bench")),
    ])
    return b"\0" * 128 + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta + data_set


def image(sop_class, modality, patient, study, number, pixels, bits, place, window):
    """One image; `place` are elements between groups 0020 and 0028."""
    rows, columns = pixels.shape
    ids = {
        "study": uid("study", modality, study),
        "series": uid("series", modality, study),
        "instance": uid("instance", modality, study, number),
    }
    centre, width, intercept = window
    data_set = b"".join([
        element(0x00080005, "CS", "ISO_IR 100"),
        element(0x00080008, "CS", "ORIGINAL\\PRIMARY"),
        element(0x00080016, "UI", sop_class),
        element(0x00080018, "UI", ids["instance"]),
        element(0x00080020, "DA", "20261101"),
        element(0x00080030, "TM", "%02d1500" % (8 + study % 10)),
        element(0x00080050, "SH", "B%s%d" % (modality, study)),
        element(0x00080060, "CS", modality),
        element(0x00080070, "LO", "BENCH"),
        element(0x00081030, "LO", "BENCH %s" % modality),
        element(0x00100010, "PN", "BENCH^%s%d" % (modality, patient)),
        element(0x00100020, "LO", "B-%s-%04d" % (modality, patient)),
        element(0x00100030, "DA", "19700101"),
        element(0x00100040, "CS", "O"),
        element(0x00180015, "CS", "CHEST"),
        element(0x0020000D, "UI", ids["study"]),
        element(0x0020000E, "UI", ids["series"]),
        element(0x00200010, "SH", "S%d" % study),
        element(0x00200011, "IS", "1"),
        element(0x00200013, "IS", number),
        place,
        element(0x00280002, "US", short(1)),
        element(0x00280004, "CS", "MONOCHROME2"),
        element(0x00280010, "US", short(rows)),
        element(0x00280011, "US", short(columns)),
        element(0x00280030, "DS", "0.7\\0.7" if modality == "CT" else "0.16\\0.16"),
        element(0x00280100, "US", short(16)),
        element(0x00280101, "US", short(bits)),
        element(0x00280102, "US", short(bits - 1)),
        element(0x00280103, "US", short(0)),
        element(0x00281050, "DS", centre),
        element(0x00281051, "DS", width),
        element(0x00281052, "DS", intercept),
        element(0x00281053, "DS", "1"),
        element(0x7FE00010, "OW", pixels.astype("<u2").tobytes()),
    ])
    return file(sop_class, ids["instance"], data_set), ids


def slices(count):
    """CT slices, 512 x 512, 12 bits: a body with lungs and a spine, noise of a scanner, 525 kB each."""
    noise = np.random.Generator(np.random.PCG64(1))
    y, x = np.mgrid[-1:1:512j, -1:1:512j].astype(np.float32)
    for index in range(count):
        series, number = divmod(index, SLICES_OF_A_SERIES)
        turn = number / SLICES_OF_A_SERIES
        body = (x / (0.80 + 0.05 * turn)) ** 2 + (y / 0.56) ** 2
        hounsfield = np.where(body < 1, np.where(body < 0.85, 40, -100), -1000).astype(np.float32)
        for side in (-1, 1):
            lung = ((x - side * 0.34) / (0.25 + 0.06 * turn)) ** 2 + (y / 0.36) ** 2 < 1
            hounsfield[lung] = -860
        hounsfield[(x / 0.11) ** 2 + ((y - 0.38) / 0.09) ** 2 < 1] = 500
        hounsfield += 12 * noise.standard_normal(x.shape, dtype=np.float32)
        stored = np.clip(hounsfield + 1024, 0, 4095).astype(np.uint16)
        place = element(0x00200032, "DS", "-180\\-180\\%d" % number) + element(0x00200037, "DS", "1\\0\\0\\0\\1\\0")
        yield image(CT, "CT", series, series, number + 1, stored, 12, place, (40, 400, -1024))


def films(count):
    """Radiographs, 2500 x 2048, 14 bits: two lungs, ribs, a collimated border, quantum noise; 10 MB each, one a study."""
    noise = np.random.Generator(np.random.PCG64(2))
    y, x = np.mgrid[-1:1:2500j, -1:1:2048j].astype(np.float32)
    ribs = np.sin(34 * (y + 0.35 * x * x)) * np.exp(-(((np.abs(x) - 0.4) / 0.3) ** 2))
    for index in range(count):
        width = 0.30 + 0.04 * (index % 5)
        lungs = np.exp(-(((np.abs(x) - 0.42) / width) ** 4) - ((y + 0.1) / 0.62) ** 4)
        signal = 3200 + 7600 * lungs - 900 * ribs * (0.6 + 0.1 * (index % 4))
        signal += 0.12 * np.sqrt(np.maximum(signal, 1)) * noise.standard_normal(x.shape, dtype=np.float32)
        signal[(np.abs(x) > 0.96) | (np.abs(y) > 0.97)] = 12
        stored = np.clip(signal, 0, 16383).astype(np.uint16)
        place = element(0x00200062, "CS", "U")
        yield image(DX, "DX", 100 + index, 100 + index, 1, stored, 14, place, (7000, 12000, 0))


if __name__ == "__main__":
    whole = hashlib.sha256()
    for kind in (slices(3), films(2)):
        for data, _ in kind:
            whole.update(data)
    print(whole.hexdigest())
