"""The picture beside DCMTK's: `gauze render --visibility clear` against `dcm2pnm` on the same files, pixel by pixel.

One grey level of 8 bits may differ: DCMTK cuts where this rounds. What differs on purpose is named in CASES."""

import subprocess

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from lib.films import new_uid
from lib.server import ROOT, gauze

CODEC = ROOT / "testdata" / "codec"
# DCMTK without a window takes the whole range of the type; here the range of the values counts, so it is asked for that.
RANGE = ("+Wm",)
WINDOW = ("+Wi", "1")
TABLE = ("+Wl", "1")

# Files as other libraries made them: name, frame, options of dcm2pnm, differences allowed.
FILES = [
    ("pydicom__CT_small", 1, RANGE, 1),
    ("pydicom__MR_small_implicit", 1, WINDOW, 1),
    ("pydicom__MR_small_bigendian", 1, WINDOW, 1),
    ("pydicom__MR_small_RLE", 1, WINDOW, 1),
    ("made__deflated_mr", 1, WINDOW, 1),
    ("pydicom__JPEG-LL", 1, None, 1),
    # Values of a small range: one more or less by rounding in the transform is nearly a grey level at either end.
    ("pydicom__JPGExtended", 1, None, 2),
    ("pydicom__MR_small_jpeg_ls_lossless", 1, WINDOW, 1),
    ("made__ls_near_rgb", 1, (), 1),
    ("pydicom__SC_rgb_rle", 1, (), 1),
    ("pydicom__ExplVR_BigEnd", 1, (), 1),
    ("pydicom__color-pl", 1, (), 1),
    # DCMTK cuts each product of the colour transform, here the sum is rounded (`_formula` checks that).
    ("pydicom__SC_ybr_full_uncompressed", 1, (), 2),
    ("pydicom__SC_ybr_full_422_uncompressed", 1, (), 2),
    # libjpeg's upsampling and colour transform round otherwise than jpeg-decoder's.
    ("pydicom__SC_rgb_dcmtk_+eb+cr", 1, (), 3),
    ("pydicom__SC_rgb_dcmtk_+eb+cy+s2", 1, (), 6),
    ("pydicom__OBXXXX1A_rle", 1, (), 1),
    ("pydicom__SC_rgb_rle_16bit_2frame", 2, (), 1),
    ("pydicom__rtdose", 5, RANGE, 1),
    ("pydicom__liver_1frame", 1, RANGE, 1),
    ("highdicom__sm_image", 3, (), 1),
    ("highdicom__sm_image_jpegls", 3, (), 1),
]


def run(report, place):
    """Every file and every made header."""
    work = place.work / "greys"
    work.mkdir()
    for name, frame, options, most in FILES:
        path = CODEC / f"{name}.dcm"
        if options is None:
            options = WINDOW if "WindowCenter" in pydicom.dcmread(path, stop_before_pixels=True) else RANGE
        beside(report, work, name, path, (frame, options, most))
    for name, dataset, options, most in made():
        path = work / f"{name}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        beside(report, work, name, path, (1, options, most))
    frames(report, work)
    segmented(report, work)
    _formula(report, work)


def ours(work, path, frame=1):
    """Our picture."""
    out = work / "ours.png"
    out.unlink(missing_ok=True)
    gauze("render", path, out, "--visibility", "clear", "--frame", frame, status=0)
    return np.asarray(Image.open(out)).astype(int)


def theirs(work, path, frame, options):
    """DCMTK's, decoded by DCMTK first."""
    plain, out = work / "plain.dcm", work / "theirs.png"
    out.unlink(missing_ok=True)
    syntax = pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
    tool = {"80": "dcmdjpls", "81": "dcmdjpls", "5": "dcmdrle"}.get(syntax.split(".")[-1], "dcmdjpeg")
    subprocess.run([tool, path, plain], check=True, capture_output=True, timeout=60)
    command = ["dcm2pnm", "-O", "+on", "+F", str(frame), *options, plain, out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0 or not out.exists():
        raise RuntimeError(f"dcm2pnm {path.name}: {done.stderr[-300:]}")
    return np.asarray(Image.open(out)).astype(int)


def beside(report, work, name, path, how):
    """One comparison."""
    frame, options, most = how
    a, b = ours(work, path, frame), theirs(work, path, frame, options)
    if a.shape != b.shape:
        report.check(f"{name}: the same size as DCMTK's", False, f"({a.shape}, {b.shape})")
        return
    far = np.abs(a - b)
    report.check(f"{name}: at most {most} from DCMTK's", far.max() <= most, f"({far.max()}, mean {far.mean():.3f})")


def base(values, bits=16, signed=True):
    """A small grey image."""
    ds = pydicom.dcmread(CODEC / "pydicom__CT_small.dcm")
    for tag in ("WindowCenter", "WindowWidth", "SmallestImagePixelValue", "LargestImagePixelValue"):
        if tag in ds:
            del ds[tag]
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = new_uid()
    ds.Rows, ds.Columns = values.shape[:2]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = (8 if bits <= 8 else 16), bits, bits - 1
    ds.PixelRepresentation = int(signed)
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    kind = {(8, True): "i1", (8, False): "u1", (16, True): "<i2", (16, False): "<u2"}[(ds.BitsAllocated, signed)]
    ds.PixelData = values.astype(kind).tobytes()
    ds["PixelData"].VR = "OW"
    ds.pop("PixelPaddingValue", None)
    return ds


def lut(first, bits, entries, signed=False):
    """An item of a look-up table sequence."""
    item = Dataset()
    item.add_new(0x00283002, "SS" if signed else "US", [len(entries), first, bits])
    item.add_new(0x00283006, "OW", np.asarray(entries, "<u2").tobytes())
    return item


def ramp(low, high):
    """All values between, 64 by 64."""
    return np.linspace(low, high, 4096).round().astype(int).reshape(64, 64)


def made():
    """Headers that say something else each."""
    signed, plain = ramp(-1000, 3000), ramp(0, 4095)
    curve = (4095 * (np.arange(4096) / 4095) ** 0.5).astype(int)

    ds = base(signed)
    ds.WindowCenter, ds.WindowWidth = [40, 500], [400, 100]
    yield "window", ds, WINDOW, 1
    ds = base(signed)
    ds.WindowCenter, ds.WindowWidth, ds.RescaleSlope, ds.RescaleIntercept = "300.5", "801", "0.5", "-100"
    yield "rescale", ds, WINDOW, 1
    ds = base(signed)
    ds.WindowCenter, ds.WindowWidth, ds.VOILUTFunction = 40, 400, "SIGMOID"
    yield "sigmoid", ds, (*WINDOW, "+Wfs"), 1
    ds = base(signed)
    ds.WindowCenter, ds.WindowWidth, ds.PhotometricInterpretation = 1000, 2500, "MONOCHROME1"
    yield "monochrome1", ds, WINDOW, 1
    ds = base(plain, 12, False)
    ds.WindowCenter, ds.WindowWidth, ds.PresentationLUTShape = 2048, 4096, "INVERSE"
    yield "inverse", ds, (*WINDOW, "+Piv"), 1
    ds = base(plain, 12, False)
    ds.VOILUTSequence = Sequence([lut(0, 12, curve)])
    yield "voi-lut", ds, TABLE, 1
    ds = base(plain, 12, False)
    ds.VOILUTSequence = Sequence([lut(1000, 10, curve[:1024] // 4)])
    yield "voi-lut-short", ds, TABLE, 1
    ds = base(plain, 12, False)
    ds.ModalityLUTSequence = Sequence([lut(0, 16, curve * 16)])
    ds.ModalityLUTSequence[0].ModalityLUTType = "US"
    del ds.RescaleSlope, ds.RescaleIntercept
    ds.WindowCenter, ds.WindowWidth = 32768, 65536
    yield "modality-lut", ds, WINDOW, 1
    ds = base(ramp(-2048, 2047), 12, True)
    ds.WindowCenter, ds.WindowWidth = 0, 4096
    yield "twelve-signed", ds, WINDOW, 1
    ds = base(ramp(0, 1023), 10, False)
    yield "ten-bits", ds, RANGE, 1
    ds = base(plain, 12, False)
    ds.PixelData = (plain << 4).astype("<u2").tobytes()
    ds.HighBit = 15
    ds.WindowCenter, ds.WindowWidth = 1000, 900
    yield "high-bits", ds, WINDOW, 1
    ds = base(plain // 16, 8, False)
    ds.WindowCenter, ds.WindowWidth = 100, 90
    yield "eight-bits", ds, WINDOW, 1
    yield from colours()


def colours():
    """Three samples a pixel, and palettes."""
    random = np.random.default_rng(14)
    rgb = random.integers(0, 256, (64, 64, 3))
    for planar in (0, 1):
        ds = base(rgb[..., 0], 8, False)
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", planar
        ds.PixelData = (rgb.transpose(2, 0, 1) if planar else rgb).astype("u1").tobytes()
        yield f"rgb-planar-{planar}", ds, (), 1
        ds = base(rgb[..., 0], 8, False)
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "YBR_FULL", planar
        # Inside the cube of colours, where nothing is cut.
        inside = 64 + rgb // 2
        ds.PixelData = (inside.transpose(2, 0, 1) if planar else inside).astype("u1").tobytes()
        yield f"ybr-planar-{planar}", ds, (), 2
    wide = random.integers(0, 65536, (64, 64, 3))
    ds = base(wide[..., 0], 16, False)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.PixelData = wide.astype("<u2").tobytes()
    yield "rgb-16", ds, (), 1
    for bits in (8, 16):
        yield f"palette-{bits}", palette(rgb[..., 0], bits), (), 1


def palette(indices, bits, first=0):
    """A palette image whose colours are no ramp."""
    ds = base(indices, 8, False)
    ds.PhotometricInterpretation = "PALETTE COLOR"
    del ds.RescaleSlope, ds.RescaleIntercept
    tables = palette_tables(bits)
    for i, name in enumerate(("Red", "Green", "Blue")):
        ds.add_new(0x00281101 + i, "US", [256, first, bits])
        ds.add_new(0x00281201 + i, "OW", tables[i].astype("u1" if bits == 8 else "<u2").tobytes())
        assert name
    return ds


def palette_tables(bits):
    """Three curves."""
    index = np.arange(256)
    eight = np.stack([index, 255 - index, (index * 7) % 256])
    return eight if bits == 8 else eight * 257


def frames(report, work):
    """Windows and rescale by frame: DCMTK reads no functional groups, so that each frame is compared with a single one
    whose header says the same at the top."""
    values = [ramp(-1000, 3000), ramp(-500, 900)]
    windows = [(40, 400, "LINEAR", 1, 0), (100, 300, "SIGMOID", 2, -50)]
    ds = base(np.concatenate(values))
    ds.Rows, ds.NumberOfFrames = 64, 2
    del ds.RescaleSlope, ds.RescaleIntercept
    groups = []
    for centre, width, function, slope, intercept in windows:
        voi, rescale, group = Dataset(), Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth, voi.VOILUTFunction = centre, width, function
        rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = slope, intercept, "US"
        group.FrameVOILUTSequence = Sequence([voi])
        group.PixelValueTransformationSequence = Sequence([rescale])
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    path = work / "frames.dcm"
    ds.save_as(path, enforce_file_format=True)
    for i, (centre, width, function, slope, intercept) in enumerate(windows):
        single = base(values[i])
        single.WindowCenter, single.WindowWidth = centre, width
        single.RescaleSlope, single.RescaleIntercept = slope, intercept
        alone = work / "alone.dcm"
        single.save_as(alone, enforce_file_format=True)
        options = (*WINDOW, "+Wfs") if function == "SIGMOID" else WINDOW
        far = np.abs(ours(work, path, i + 1) - theirs(work, alone, 1, options)).max()
        report.check(f"frame {i + 1} with its own window and rescale: at most 1 from DCMTK's single one", far <= 1, f"({far})")


def segmented(report, work):
    """DCMTK reads no segmented palettes: compared with the same palette whole."""
    indices = np.arange(4096).reshape(64, 64) % 256
    ds = palette(indices, 16)
    whole = work / "whole.dcm"
    tables = [np.concatenate([np.linspace(0, 65535, 128).round(), np.full(128, v)]).astype(int) for v in (0, 9000, 65535)]
    for i, table in enumerate(tables):
        ds[0x00281201 + i].value = table.astype("<u2").tobytes()
    ds.save_as(whole, enforce_file_format=True)
    for i, table in enumerate(tables):
        del ds[0x00281201 + i]
        # A discrete entry, a line to the end of the ramp, one step to the level, a flat line.
        words = [0, 1, 0, 1, 127, 65535, 1, 1, table[128], 1, 127, table[128]]
        ds.add_new(0x00281221 + i, "OW", np.asarray(words, "<u2").tobytes())
    path = work / "segments.dcm"
    ds.save_as(path, enforce_file_format=True)
    far = np.abs(ours(work, path) - theirs(work, whole, 1, ())).max()
    report.check("a segmented palette: at most 1 from DCMTK's with the whole one", far <= 1, f"({far})")


def _formula(report, work):
    """YBR_FULL by the formula of PS3.3 C.7.6.3.1.2, in double precision."""
    path = CODEC / "pydicom__SC_ybr_full_uncompressed.dcm"
    ds = pydicom.dcmread(path)
    stored = np.frombuffer(ds.PixelData, "u1")[: ds.Rows * ds.Columns * 3].astype(float)
    planes = stored.reshape(3, ds.Rows, ds.Columns) if ds.PlanarConfiguration else np.moveaxis(stored.reshape(ds.Rows, ds.Columns, 3), -1, 0)
    y, cb, cr = planes
    rgb = (y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), y + 1.772 * (cb - 128))
    far = np.abs(ours(work, path) - np.clip(np.stack(rgb, -1), 0, 255).round()).max()
    report.check("YBR_FULL is what the standard's formula says, rounded", far <= 1, f"({far})")
