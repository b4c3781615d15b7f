#!/usr/bin/env python3
"""Makes the vectors `made__*.dcm` from the others here with other people's encoders: DCMTK (dcmcjpls, dcmcjpeg) and
imagecodecs (libjxl, OpenJPH, CharLS). Needs pydicom, numpy, imagecodecs and DCMTK. Prints lines of expected.csv:
the SHA-256 of the source's pixels for lossless syntaxes, of what DCMTK decodes for near-lossless ones."""

import hashlib
import subprocess
import tempfile
from pathlib import Path

import imagecodecs
import numpy
import pydicom
from pydicom.encaps import encapsulate
from pydicom.uid import UID

HERE = Path(__file__).parent
CT, MR, RGB = (HERE / f"pydicom__{n}.dcm" for n in ("CT_small", "MR_small_implicit", "ExplVR_BigEnd"))


def pixels(path):
    """Stored samples, interleaved, as little-endian bytes."""
    ds = pydicom.dcmread(path)
    array = ds.pixel_array
    return numpy.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def line(name, syntax, digest):
    print(f"{name},{syntax},{digest}")


def plain(source, folder):
    out = Path(folder) / source.name
    subprocess.run(["dcmconv", "+te", source, out], check=True)
    return out


def dcmtk(name, syntax, source, tool, *options, decoder=None, keep=False):
    """One vector by DCMTK."""
    target = HERE / f"made__{name}.dcm"
    with tempfile.TemporaryDirectory() as folder:
        native = plain(source, folder)
        subprocess.run([tool, *options, native, target], check=True)
        digest = sha(pixels(native))
        if decoder:
            back = Path(folder) / "back.dcm"
            subprocess.run([decoder, target, back], check=True)
            digest = sha(pixels(back)) if not keep else "-"
            if keep:
                (HERE / f"made__{name}_decoded.dcm").write_bytes(back.read_bytes())
    line(target.name, syntax, digest)


def wrapped(name, syntax, source, uid, encode, photometric=None, lossless=True):
    """One vector by a codec of imagecodecs, put into the source's header."""
    with tempfile.TemporaryDirectory() as folder:
        ds = pydicom.dcmread(plain(source, folder), defer_size=None)
        array = ds.pixel_array
    array = array.astype(array.dtype.newbyteorder("="))
    ds.PixelData = encapsulate([encode(array)])
    ds["PixelData"].VR = "OB"
    # pydicom writes no syntax that it does not know: another of the same length is replaced below.
    known = uid if UID(uid).is_transfer_syntax else "1.2.840.10008.1.2.4.201"
    ds.file_meta.TransferSyntaxUID = UID(known)
    if photometric:
        ds.PhotometricInterpretation = photometric
    if "PlanarConfiguration" in ds:
        ds.PlanarConfiguration = 0
    target = HERE / f"made__{name}.dcm"
    ds.save_as(target, implicit_vr=False, little_endian=True)
    target.write_bytes(target.read_bytes().replace(known.encode(), uid.encode(), 1))
    line(target.name, syntax, sha(pixels(source)) if lossless else "-")


def main():
    ls = "JPEG-LS Lossless"
    dcmtk("ls_ct", ls, CT, "dcmcjpls")
    for option, name in (("+il", "line"), ("+is", "sample"), ("+in", "none")):
        dcmtk(f"ls_rgb_{name}", ls, RGB, "dcmcjpls", option)
    near = ["+en", "+md", "3"]
    dcmtk("ls_near_rgb", "JPEG-LS Near-lossless", RGB, "dcmcjpls", *near, "+is", decoder="dcmdjpls")
    for predictor in range(2, 8):
        dcmtk(f"ll_p{predictor}", "JPEG Lossless P14", CT, "dcmcjpeg", "+el", "+sv", str(predictor))
    shifted = ["+el", "+sv", "7", "+pt", "2"]
    dcmtk("ll_shifted", "JPEG Lossless P14", CT, "dcmcjpeg", *shifted, decoder="dcmdjpeg")
    dcmtk("ll_rgb", "JPEG Lossless SV1", RGB, "dcmcjpeg", "+e1")
    dcmtk("ext12", "JPEG Extended", MR, "dcmcjpeg", "+ee", "+q", "95", decoder="dcmdjpeg", keep=True)
    subprocess.run(["dcmconv", "+td", MR, HERE / "made__deflated_mr.dcm"], check=True)
    base = "1.2.840.10008.1.2.4."
    ht = imagecodecs.htj2k_encode
    wrapped("ht_ct", "HTJ2K Lossless", CT, base + "201", lambda a: ht(a, reversible=True))
    wrapped("ht_rgb", "HTJ2K Lossless", RGB, base + "201", lambda a: ht(a, reversible=True), "YBR_RCT")
    wrapped("ht_lossy_rgb", "HTJ2K", RGB, base + "203", lambda a: ht(a, level=0.001, reversible=False), "YBR_ICT", False)
    jxl = imagecodecs.jpegxl_encode
    wrapped("xl_ct", "JPEG XL Lossless", CT, base + "110", lambda a: jxl(a.view("u2"), lossless=True))
    wrapped("xl_rgb", "JPEG XL Lossless", RGB, base + "110", lambda a: jxl(a, lossless=True))
    wrapped("xl_lossy_rgb", "JPEG XL", RGB, base + "112", lambda a: jxl(a, lossless=False, level=95), "XYB", False)
    jpeg = imagecodecs.jpeg8_encode
    recompressed = imagecodecs.jpegxl_encode_jpeg
    of_jpeg = "JPEG XL JPEG Recompression"
    wrapped("xl_jpeg_rgb", of_jpeg, RGB, base + "111", lambda a: recompressed(jpeg(a, level=95)), "YBR_FULL_422", False)
    wrapped("enc_ct", "Encapsulated Uncompressed", CT, "1.2.840.10008.1.2.1.98", lambda a: a.tobytes())


main()
