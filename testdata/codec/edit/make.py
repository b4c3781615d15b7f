#!/usr/bin/env python3
"""Makes pairs of JPEG streams with libjpeg-turbo's `cjpeg`: `*-a.jpg` and `*-b.jpg` show the same picture but for a
rectangle of 32 by 32 pixels at (32, 16). The pictures are invented: waves, edges and seeded noise. Needs numpy and cjpeg."""

import subprocess
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
WIDE, TALL = 107, 75
SCANS = "0;\n1;\n2;\n"
WAYS = {
    "grey": ("P5", ["-grayscale"]),
    "colours": ("P6", ["-sample", "1x1"]),
    "halved": ("P6", ["-sample", "2x1"]),
    "quartered": ("P6", ["-sample", "2x2"]),
    "fitted": ("P6", ["-sample", "2x2", "-optimize", "-quality", "90"]),
    "restarts": ("P6", ["-sample", "2x2", "-restart", "3B"]),
    "rows": ("P5", ["-grayscale", "-restart", "1", "-optimize"]),
    "apart": ("P6", ["-sample", "2x2", "-scans", "{scans}", "-restart", "5B"]),
    "rgb": ("P6", ["-rgb", "-sample", "1x1"]),
}


def picture(seed, channels):
    chance = np.random.default_rng(5)
    y, x = np.mgrid[0:TALL, 0:WIDE]
    planes = [np.sin(x / (5 + c)) * 60 + np.cos(y / (7 - c)) * 50 + (x > 50) * 30 + 110 for c in range(channels)]
    out = np.stack(planes, axis=-1) + chance.normal(0, 8, (TALL, WIDE, channels))
    hidden = np.random.default_rng(seed).integers(0, 256, (32, 32, channels))
    out[16:48, 32:64] = hidden
    return np.clip(out, 0, 255).astype(np.uint8)


def main():
    scans = HERE / "scans.txt"
    scans.write_text(SCANS)
    for name, (kind, options) in WAYS.items():
        for which, seed in (("a", 1), ("b", 2)):
            pixels = picture(seed, 1 if kind == "P5" else 3)
            source = f"{kind}\n{WIDE} {TALL}\n255\n".encode() + pixels.tobytes()
            words = [option.format(scans=scans) for option in options]
            done = subprocess.run(["cjpeg", *words], input=source, capture_output=True, check=True)
            (HERE / f"{name}-{which}.jpg").write_bytes(done.stdout)
    scans.unlink()


if __name__ == "__main__":
    main()
