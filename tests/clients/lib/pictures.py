"""What of a hidden region's detail is left in an answer, and whether the rest is untouched."""

import io
import warnings

import numpy as np
import pydicom
from PIL import Image


def boxed(a, radius):
    """Mean over a square window, edges repeated."""
    size = 2 * radius + 1
    padded = np.pad(a, radius, mode="edge")
    total = np.pad(padded.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    return (total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]) / size**2


def high_pass(a, radius):
    """Detail finer than the window."""
    a = a.astype(np.float64)
    return a - boxed(a, radius)


def cut(a, box, scale=(1.0, 1.0)):
    """A box (left, top, right, bottom) of a picture that was scaled."""
    left, top, right, bottom = box
    y, x = scale
    return a[round(top * y) : round(bottom * y), round(left * x) : round(right * x)]


def left_over(original, answer, *boxes):
    """|r| of what the answer shows in the boxes with the original, both high-passed; the answer may be scaled."""
    scale = answer.shape[0] / original.shape[0], answer.shape[1] / original.shape[1]
    if scale != (1.0, 1.0):
        size = (answer.shape[1], answer.shape[0])
        original = np.asarray(Image.fromarray(original.astype(np.float32)).resize(size, Image.BOX))
    # Much finer than a mosaic's cell (1/24 of the short side or more): what is compared is detail, not where edges lie.
    radius = max(1, min(answer.shape) // 200)
    fine = [high_pass(p, radius) for p in (original, answer)]
    a, b = (np.concatenate([cut(p, box, scale).ravel() for box in boxes]) for p in fine)
    if a.std() < 1e-9 or b.std() < 1e-9:
        return 0.0
    return abs(float(np.corrcoef(a, b)[0, 1]))


def decode(media, body, shape):
    """Grey pixels of an answer: a picture, a DICOM file, or native samples of 8 bits."""
    if media in ("image/png", "image/jpeg"):
        return np.asarray(Image.open(io.BytesIO(body)).convert("L"), dtype=np.float64)
    if media == "application/dicom":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(io.BytesIO(body)).pixel_array.astype(np.float64)
    return np.frombuffer(body, np.uint8)[: shape[0] * shape[1]].reshape(shape).astype(np.float64)
