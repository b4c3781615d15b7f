#!/usr/bin/env python3
"""Fits the two-lung shape of `find/chest` and writes lungs-1.bin. Linear maps only: no network.

    lungs-1.py DIR OUT.bin          fit on all pairs of DIR (index.csv, images/, masks/; docs/recognition.md has the source)
    lungs-1.py DIR --check FOLDS [N]  cross-validate by patient and print Dice (on all adults and every N-th child)

What is fitted: a mean patch of the chest (for the search), two ridge regressions from patch to correction of the
pose, one from patch to the 20 main components of the signed distance to the lungs' border. Every film is used as it is
and mirrored. Needs Python 3.9+, numpy, scipy, Pillow. Seeded: the same input gives the same figures.
"""
import csv
import os
import struct
import sys

import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt, map_coordinates

SIDE, PATCH, PATCH_SPAN, SHAPE, SHAPE_SPAN, COMPONENTS, ADULT = 128, 24, 1.4, 32, 1.25, 20, 15.0
RNG = np.random.default_rng(1)


def read(folder):
    films = []
    for row in csv.DictReader(open(os.path.join(folder, "index.csv"))):
        grey = np.array(Image.open(os.path.join(folder, row["image"])).convert("L"))
        mask = np.array(Image.open(os.path.join(folder, row["mask"])).convert("L"))
        low, high = np.percentile(grey, 0.2), np.percentile(grey, 99.8)
        grey = np.clip((grey - low) / (high - low + 1e-9) * 255, 0, 255).astype(np.uint8)
        scale = SIDE / max(grey.shape)
        size = [max(1, int(n * scale + 0.5)) for n in grey.shape[::-1]]
        small = np.array(Image.fromarray(grey).resize(size, Image.BOX)).astype(np.float64)
        lung = np.array(Image.fromarray(((mask > 100) * 255).astype(np.uint8)).resize(size, Image.BOX)) > 127
        films.append((row["patient_group"], row["age_group"] == "adult", small, lung))
    return films


def blur(image):
    for _ in range(2):
        padded = np.pad(image, 1, mode="edge")
        image = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
        image = (image[:, :-2] + 2 * image[:, 1:-1] + image[:, 2:]) / 4
    return image


def sample(image, pose, count, span):
    cx, cy, w, h = pose
    grid = ((np.arange(count) + 0.5) / count - 0.5) * span
    rows, columns = np.meshgrid(cy + grid * h, cx + grid * w, indexing="ij")
    return map_coordinates(image, [rows - 0.5, columns - 0.5], order=1, mode="nearest")


def patch(image, pose):
    values = sample(image, pose, PATCH, PATCH_SPAN)
    values = values - values.mean()
    return (values / (values.std() + 4)).ravel()


def pose_of(lung):
    y, x = np.nonzero(lung)
    return np.array([(x.min() + x.max() + 1) / 2, (y.min() + y.max() + 1) / 2, np.ptp(x) + 1, np.ptp(y) + 1], float)


def shaken(pose, by):
    cx, cy, w, h = pose
    a, b, c, d = RNG.normal(size=4) * by
    return np.array([cx + a * w, cy + b * h, w * np.exp(1.2 * c), h * np.exp(1.5 * d)])


def step(pose, to):
    return np.array([(to[0] - pose[0]) / pose[2], (to[1] - pose[1]) / pose[3], np.log(to[2] / pose[2]), np.log(to[3] / pose[3])])


def moved(pose, by):
    return np.array([pose[0] + by[0] * pose[2], pose[1] + by[1] * pose[3],
                     pose[2] * np.exp(np.clip(by[2], -0.3, 0.3)), pose[3] * np.exp(np.clip(by[3], -0.3, 0.3))])


def ridge(inputs, outputs, weights, strength):
    total = weights.sum()
    mx, my = weights @ inputs / total, weights @ outputs / total
    centred = inputs - mx
    weighted = (centred * weights[:, None]).T
    map_ = np.linalg.solve(weighted @ centred + strength * total * np.eye(inputs.shape[1]), weighted @ (outputs - my))
    return map_, my - mx @ map_


def gamma(image):
    return 255 * (image / 255) ** np.exp(0.35 * RNG.normal())


def fit(films):
    both = []
    for _, adult, image, lung in films:
        for flip in (False, True):
            a, m = (image[:, ::-1], lung[:, ::-1]) if flip else (image, lung)
            both.append((blur(a), m, pose_of(m), ADULT if adult else 1.0))
    weight = np.array([b[3] for b in both])
    model = {"mean": weight @ np.array([patch(a, p) for a, _, p, _ in both]) / weight.sum()}
    for name, by in (("coarse", 0.15), ("fine", 0.06)):
        rows = []
        for image, _, pose, w in both:
            for _ in range(6 if w > 1 else 3):
                start = shaken(pose, by)
                rows.append((patch(gamma(image), start), step(start, pose), w if w == 1 else w / 2))
        model[name] = ridge(np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), np.array([r[2] for r in rows]), 0.02)
    rows = []
    for image, lung, pose, w in both:
        wide = np.pad(lung, 40)
        distance = distance_transform_edt(wide) - distance_transform_edt(~wide)
        for _ in range(4 if w > 1 else 2):
            start = shaken(pose, 0.035)
            shape = sample(distance, (start[0] + 40, start[1] + 40, start[2], start[3]), SHAPE, SHAPE_SPAN) / start[2] * 100
            rows.append((patch(gamma(image), start), np.clip(shape, -12, 12).ravel(), w if w == 1 else w / 2))
    inputs, shapes, weights = (np.array([r[i] for r in rows]) for i in range(3))
    middle = weights @ shapes / weights.sum()
    _, _, main = np.linalg.svd((shapes - middle) * np.sqrt(weights)[:, None], full_matrices=False)
    main = main[:COMPONENTS]
    model["middle"], model["main"] = middle, main
    model["shape"] = ridge(inputs, (shapes - middle) @ main.T, weights, 0.05)
    return model


def write(model, path):
    """Each array: scale as f32, then i16 values; little endian; the order is the reader's (find/chest/model.rs)."""
    arrays = [model["mean"], *model["coarse"], *model["fine"], model["middle"], model["main"], *model["shape"]]
    with open(path, "wb") as out:
        for array in arrays:
            scale = np.abs(array).max() / 32767
            out.write(struct.pack("<f", scale) + np.round(array / scale).astype("<i2").tobytes())


def similar(mean, values):
    values = values - values.mean()
    mean = mean - mean.mean()
    return float(mean @ values / np.sqrt((mean @ mean) * (values @ values) + 1e-9))


def search(model, image):
    rows, columns = image.shape
    found = []
    for wide in (0.5, 0.6, 0.7, 0.8, 0.92):
        for aspect in (0.9, 1.1, 1.35, 1.65):
            w = wide * columns
            h = w / aspect
            if not 0.3 * rows <= h <= 1.08 * rows:
                continue
            for cx in np.linspace(0.3, 0.7, 9) * columns:
                for cy in np.linspace(0.3, 0.7, 7) * rows:
                    pose = np.array([cx, cy, w, h])
                    found.append((similar(model["mean"], patch(image, pose)), pose))
    found.sort(key=lambda f: -f[0])
    kept = []
    for score, p in found:
        apart = all(abs(p[0] - q[0]) > 0.08 * q[2] or abs(p[1] - q[1]) > 0.12 * q[3] or abs(np.log(p[2] / q[2])) > 0.12
                    or abs(np.log(p[3] / q[3])) > 0.2 for q in kept)
        if apart:
            kept.append(p)
        if len(kept) == 12:
            break
    return kept


def shape_of(model, values):
    """Signed distances, mean of patch and mirrored patch, and how far both agree."""
    map_, bias = model["shape"]
    one = (model["middle"] + (values @ map_ + bias) @ model["main"]).reshape(SHAPE, SHAPE)
    turned = values.reshape(PATCH, PATCH)[:, ::-1].ravel()
    other = (model["middle"] + (turned @ map_ + bias) @ model["main"]).reshape(SHAPE, SHAPE)[:, ::-1]
    return (one + other) / 2, ((one > 0) & (other > 0)).sum() / max(1, ((one > 0) | (other > 0)).sum())


def contrast(values, shape):
    at = (((np.arange(PATCH) + 0.5) / PATCH - 0.5) * PATCH_SPAN / SHAPE_SPAN + 0.5) * SHAPE
    known = np.outer((at >= 0) & (at < SHAPE), (at >= 0) & (at < SHAPE))
    cell = np.clip(at.astype(int), 0, SHAPE - 1)
    distance, grey = shape[np.ix_(cell, cell)], values.reshape(PATCH, PATCH)
    inside, outside = known & (distance > 1), known & (distance >= -8) & (distance < -1)
    return grey[outside].mean() - grey[inside].mean() if inside.any() and outside.any() else 0.0


def place(model, image):
    """As find/chest/lungs.rs: the place with the best of likeness, filling, contrast and agreement."""
    rows, columns = image.shape
    best = (-99.0, None)
    for pose in search(model, image):
        for turn in range(4):
            map_, bias = model["coarse" if turn < 2 else "fine"]
            pose = moved(pose, 0.9 * (patch(image, pose) @ map_ + bias))
        fits = (0.35 * columns < pose[2] < 1.2 * columns and 0.25 * rows < pose[3] < 1.35 * rows
                and 0.25 * columns < pose[0] < 0.75 * columns and 0.2 * rows < pose[1] < 0.8 * rows)
        values = patch(image, pose)
        shape, agreed = shape_of(model, values)
        score = (similar(model["mean"], values) + 0.6 * min(pose[2] * pose[3] / rows / columns, 0.6)
                 + 0.2 * contrast(values, shape) + 0.5 * agreed - (0 if fits else 5))
        if score > best[0]:
            best = (score, pose)
    return best


def outline(model, image):
    image = blur(image)
    rows, columns = image.shape
    mine, its = place(model, image), place(model, image[:, ::-1])
    pose = mine[1] if mine[0] >= its[0] else its[1] * [-1, 1, 1, 1] + [columns, 0, 0, 0]
    shape, _ = shape_of(model, patch(image, pose))
    y, x = np.mgrid[0:rows, 0:columns] + 0.5
    u = ((x - pose[0]) / pose[2] / SHAPE_SPAN + 0.5) * SHAPE - 0.5
    v = ((y - pose[1]) / pose[3] / SHAPE_SPAN + 0.5) * SHAPE - 0.5
    inside = (u > -0.5) & (u < SHAPE - 0.5) & (v > -0.5) & (v < SHAPE - 0.5)
    return (map_coordinates(shape, [v, u], order=1, mode="nearest") > 0) & inside


def check(films, folds, every):
    patients = sorted({f[0] for f in films})
    np.random.default_rng(0).shuffle(patients)
    fold = {p: i % folds for i, p in enumerate(patients)}
    dice = {True: [], False: []}
    for number in range(folds):
        model = fit([f for f in films if fold[f[0]] != number])
        left_out = [f for f in films if fold[f[0]] == number]
        for _, adult, image, lung in [f for f in left_out if f[1]] + [f for f in left_out if not f[1]][::every]:
            got = outline(model, image)
            dice[adult].append(2 * (got & lung).sum() / (got.sum() + lung.sum()))
    for adult, name in ((False, "children"), (True, "adults")):
        values = np.array(dice[adult])
        print(f"{name}: {len(values)} films, Dice mean {values.mean():.3f}, 5th percentile {np.percentile(values, 5):.3f}, min {values.min():.3f}")


if __name__ == "__main__":
    pairs = read(sys.argv[1])
    if sys.argv[2] == "--check":
        check(pairs, int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    else:
        write(fit(pairs), sys.argv[2])
