#!/usr/bin/env python3
"""Packs labelled films for train.py: each on at most 256 pixels, JPEG, its mask beside it as PNG.

    gather.py FOLDER OTHERS.csv

FOLDER: index.csv with image, mask, source, patient_group, age_group, licence; masks 255 lung, 127 ignore, 0 background.
OTHERS.csv: file, source, patient, licence, split of pictures that are no frontal chest film (PNG).
Writes data/films.tar and data/films.csv. Only licences that allow it are taken. Needs Pillow.
"""
import csv
import hashlib
import io
import sys
import tarfile
from pathlib import Path

from PIL import Image

SIDE = 256
LICENCES = {"CC BY 3.0", "CC BY 4.0", "MIT"}
# Patients whose films the demo shows: never trained on, so that the demo's figures are no memory.
DEMO = {"kermany-IM-0011", "kermany-IM-0019"}
FIELDS = ["name", "kind", "source", "patient", "split", "licence", "sha256"]


def small(picture, how):
    scale = SIDE / max(picture.size)
    return picture.resize([max(1, round(n * scale)) for n in picture.size], how) if scale < 1 else picture


def coded(picture, **options):
    out = io.BytesIO()
    picture.save(out, **options)
    return out.getvalue()


def main(folder, others):
    folder, data = Path(folder), Path(__file__).parent / "data"
    rows = []
    with tarfile.open(data / "films.tar", "w") as tar:

        def put(name, bytes_):
            entry = tarfile.TarInfo(name)
            entry.size = len(bytes_)
            tar.addfile(entry, io.BytesIO(bytes_))
            return hashlib.sha256(bytes_).hexdigest()[:16]

        for row in sorted(csv.DictReader(open(folder / "index.csv")), key=lambda r: r["image"]):
            assert row["licence"] in LICENCES, row
            name = Path(row["image"]).stem
            film = small(Image.open(folder / row["image"]).convert("L"), Image.Resampling.BOX)
            mask = Image.open(folder / row["mask"]).convert("L").resize(film.size, Image.Resampling.NEAREST)
            digest = put(name + ".jpg", coded(film, format="JPEG", quality=92))
            put(name + ".png", coded(mask, format="PNG", optimize=True))
            kind = "adult" if row["age_group"] == "adult" else "child"
            split = "demo" if row["patient_group"] in DEMO else "train"
            rows.append([name, kind, row["source"], row["patient_group"], split, row["licence"], digest])
        for row in csv.DictReader(open(others)):
            assert row["licence"] in LICENCES, row
            name = "other_" + Path(row["file"]).stem
            film = small(Image.open(row["file"]).convert("L"), Image.Resampling.BOX)
            digest = put(name + ".jpg", coded(film, format="JPEG", quality=92))
            rows.append([name, "other", row["source"], row["patient"], row["split"], row["licence"], digest])
    with open(data / "films.csv", "w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([FIELDS, *rows])


if __name__ == "__main__":
    main(*sys.argv[1:3])
