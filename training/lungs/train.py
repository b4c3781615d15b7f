#!/usr/bin/env python3
"""Trains the lung network of crates/pixels/src/find/chest. README.md beside it has the commands and what to expect.

    train.py                 train on all films, write lungs-2.onnx
    train.py --check         also: 5-fold cross-validation by patient, another seed, shuffled masks

JAX alone, on a CPU or a GPU, the same code. Everything random comes from --seed.
"""
import argparse
import csv
import hashlib
import io
import json
import tarfile
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

HERE = Path(__file__).parent
SIDE, CELLS, FOLDS = 256, 128, 5
# Channels at 128, 64, 32, 16 and 8 cells a side.
WIDTHS = (16, 32, 48, 72, 96)
# The head points up, right, down, left; or this is no frontal chest film.
POSES, NONE = 5, 4
OTHERS, DRAWN = 0.10, 0.04  # shares of a batch: pictures of something else, drawn noise
ADULTS = 0.40  # share of the chest films, for there are 54 of 571


# ---- films ----------------------------------------------------------------------------------------------------------

def centred(values):
    out = np.zeros((SIDE, SIDE), np.uint8)
    rows, columns = values.shape
    top, left = (SIDE - rows) // 2, (SIDE - columns) // 2
    out[top:top + rows, left:left + columns] = values
    return out


def read():
    """Rows of films.csv with `film`, `mask` and `frame` (where the film is on the canvas)."""
    rows = list(csv.DictReader(open(HERE / "data/films.csv")))
    with tarfile.open(HERE / "data/films.tar") as tar:
        for row in rows:
            bytes_ = tar.extractfile(row["name"] + ".jpg").read()
            assert hashlib.sha256(bytes_).hexdigest().startswith(row["sha256"]), row
            film = np.asarray(Image.open(io.BytesIO(bytes_)))
            # Even sides: then a film and its mirror image lie on the canvas alike.
            film = film[:film.shape[0] // 2 * 2, :film.shape[1] // 2 * 2]
            row["film"], row["frame"] = centred(film), centred(np.full_like(film, 1))
            if row["kind"] == "other":
                row["mask"] = np.zeros((SIDE, SIDE), np.uint8)
            else:
                mask = np.asarray(Image.open(io.BytesIO(tar.extractfile(row["name"] + ".png").read())))
                row["mask"] = centred(mask[:film.shape[0], :film.shape[1]])
    return rows


def folds(rows, seed):
    """A fold for each film, all films of a patient in one, adults spread evenly. -1: never trained on."""
    rng, fold = np.random.default_rng(seed), {}
    for kind in ("adult", "child"):
        patients = sorted({r["patient"] for r in rows if r["kind"] == kind and r["split"] == "train"})
        rng.shuffle(patients)
        size = {p: sum(r["patient"] == p for r in rows) for p in patients}
        held = [0] * FOLDS
        for patient in sorted(patients, key=lambda p: -size[p]):
            fold[patient] = int(np.argmin(held))
            held[fold[patient]] += size[patient]
    out = np.array([fold.get(r["patient"], -1) if r["kind"] != "other" else -2 for r in rows])
    for f in range(FOLDS):
        inside = {r["patient"] for r, x in zip(rows, out) if x == f}
        outside = {r["patient"] for r, x in zip(rows, out) if x not in (f, -1)}
        assert inside and not inside & outside, "a patient on both sides"
    pictures = {}
    for r, x in zip(rows, out):
        assert pictures.setdefault(r["sha256"], x) == x, f"one picture on both sides: {r['name']}"
    return out


# ---- network --------------------------------------------------------------------------------------------------------

def layers():
    """Name, kernel, inputs, outputs. All but the last two are followed by batch norm and ReLU."""
    a, b, c, d, e = WIDTHS
    return [("stem", 5, 1, a), ("e1", 3, a, a), ("e2a", 3, a, b), ("e2b", 3, b, b), ("e3a", 3, b, c), ("e3b", 3, c, c),
            ("e4a", 3, c, d), ("e4b", 3, d, d), ("e5a", 3, d, e), ("e5b", 3, e, e), ("e5c", 3, e, e),
            ("d4a", 3, e + d, d), ("d4b", 3, d, d), ("d3a", 3, d + c, c), ("d3b", 3, c, c), ("d2a", 3, c + b, b),
            ("d2b", 3, b, b), ("d1a", 3, b + a, a), ("d1b", 3, a, a), ("lungs", 1, a, 1), ("pose", 1, e, POSES)]


def start(key):
    params, state = {}, {}
    for name, size, inputs, outputs in layers():
        key, here = jax.random.split(key)
        spread = np.sqrt(2 / (size * size * inputs))
        params[name] = {"w": spread * jax.random.normal(here, (size, size, inputs, outputs)), "b": jnp.zeros(outputs),
                        "g": jnp.ones(outputs)}
        state[name] = {"m": jnp.zeros(outputs), "v": jnp.ones(outputs)}
    return params, state


def network(params, state, x, training):
    """Logits of lung on 128 × 128, logits of the pose, new running statistics."""
    seen = {}

    def conv(name, x, stride=1):
        w = params[name]["w"]
        half = w.shape[0] // 2
        x = jax.lax.conv_general_dilated(x, w, (stride, stride), [(half, half)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))
        if name in ("lungs", "pose"):
            return x + params[name]["b"]
        m, v = (x.mean((0, 1, 2)), x.var((0, 1, 2))) if training else (state[name]["m"], state[name]["v"])
        seen[name] = {"m": 0.98 * state[name]["m"] + 0.02 * m, "v": 0.98 * state[name]["v"] + 0.02 * v}
        return jax.nn.relu((x - m) * jax.lax.rsqrt(v + 1e-4) * params[name]["g"] + params[name]["b"])

    pool = lambda x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    up = lambda x: jnp.repeat(jnp.repeat(x, 2, 1), 2, 2)
    join = lambda a, b: jnp.concatenate([up(a), b], -1)
    one = conv("e1", conv("stem", x, 2))
    two = conv("e2b", conv("e2a", pool(one)))
    three = conv("e3b", conv("e3a", pool(two)))
    four = conv("e4b", conv("e4a", pool(three)))
    five = conv("e5c", conv("e5b", conv("e5a", pool(four))))
    x = conv("d4b", conv("d4a", join(five, four)))
    x = conv("d3b", conv("d3a", join(x, three)))
    x = conv("d2b", conv("d2a", join(x, two)))
    x = conv("d1b", conv("d1a", join(x, one)))
    pose = conv("pose", five.mean((1, 2), keepdims=True))
    seen = {**state, **seen}
    return conv("lungs", x)[..., 0], pose[:, 0, 0], seen


# ---- what a film may look like --------------------------------------------------------------------------------------

GRID = (np.arange(SIDE) + 0.5) / SIDE - 0.5
YY, XX = np.meshgrid(GRID, GRID, indexing="ij")
HEADS = np.array([[0, -1], [1, 0], [0, 1], [-1, 0]], np.float32)


def field(key, cells, spread):
    """A smooth random field."""
    return jax.image.resize(spread * jax.random.normal(key, (cells, cells)), (SIDE, SIDE), "linear")


def bent(key, film, mask):
    """Turned, scaled, cropped, mirrored, bent. Returns film, lung, ignored, pose."""
    k = jax.random.split(key, 12)
    quarter = jnp.where(jax.random.uniform(k[0]) < 0.55, 0, jax.random.randint(k[1], (), 0, 4))
    dx, dy = jnp.asarray(HEADS)[quarter]
    turn = jnp.array([[-dy, dx], [-dx, -dy]])
    angle = jnp.clip(0.14 * jax.random.normal(k[2]), -0.45, 0.45)
    small = jnp.array([[jnp.cos(angle), -jnp.sin(angle)], [jnp.sin(angle), jnp.cos(angle)]])
    a, b, c = jax.random.normal(k[3], (3,))
    shape = jnp.array([[jnp.exp(0.08 * a), 0.05 * c], [0.0, jnp.exp(0.08 * b)]])
    shape = shape * jnp.exp(jax.random.uniform(k[4], (), minval=-0.32, maxval=0.48))
    flip = jnp.where(jax.random.uniform(k[5]) < 0.5, -1.0, 1.0) * jnp.array([[1.0, 0], [0, 0]]) + jnp.array([[0, 0], [0, 1.0]])
    matrix = flip @ shape @ small @ turn
    shift = jax.random.uniform(k[6], (2,), minval=-0.13, maxval=0.13)
    far = jnp.where(jax.random.uniform(k[7]) < 0.06, 3.0, 1.0)  # now and then there is hardly a lung on the film
    strength = 0.012 * jax.random.uniform(k[8])
    x = matrix[0, 0] * XX + matrix[0, 1] * YY + far * shift[0] + field(k[9], 5, strength)
    y = matrix[1, 0] * XX + matrix[1, 1] * YY + far * shift[1] + field(k[10], 5, strength)
    at = [(y + 0.5) * SIDE - 0.5, (x + 0.5) * SIDE - 0.5]
    take = lambda v: jax.scipy.ndimage.map_coordinates(v, at, order=1, mode="constant")
    air = jnp.where(jax.random.uniform(k[11]) < 0.25, jax.random.uniform(k[0]), 0.0)
    film = jnp.where((abs(x) < 0.5) & (abs(y) < 0.5), take(film), air)
    return film, take((mask > 200) * 1.0), take(((mask > 60) & (mask < 200)) * 1.0), quarter


def framed(key, film, lung):
    """The film's own size, and a field that is collimated askew: black or grey outside."""
    k = jax.random.split(key, 6)
    high, wide = jnp.exp(jnp.minimum(0.0, jax.random.uniform(k[0], (2,), minval=-0.5, maxval=0.25)))
    inside = (abs(XX) < wide / 2) & (abs(YY) < high / 2)
    keep = jax.random.uniform(k[1]) < 0.35
    inside, grey = inside | keep, 0.0
    angle, (left, right, top, bottom) = 0.12 * jax.random.normal(k[2]), jax.random.uniform(k[3], (4,), minval=0.33, maxval=0.7)
    u, v = jnp.cos(angle) * XX + jnp.sin(angle) * YY, jnp.cos(angle) * YY - jnp.sin(angle) * XX
    shutter = (u > -left) & (u < right) & (v > -top) & (v < bottom) | (jax.random.uniform(k[4]) < 0.6)
    shade = jnp.where(jax.random.uniform(k[5]) < 0.6, 0.0, jax.random.uniform(k[5]))
    film = jnp.where(inside, jnp.where(shutter, film, shade), grey)
    return film, lung * (inside & shutter)


def covered(key, film):
    """Opacities, cables, devices, words."""
    k = jax.random.split(key, 16)
    for i in range(2):
        (x, y), (a, b), on = jax.random.uniform(k[i], (2,), minval=-0.4, maxval=0.4), jax.random.uniform(k[2 + i], (2,), minval=0.03, maxval=0.25), jax.random.uniform(k[4 + i])
        amount = jnp.where(on < 0.35, on - 0.08, 0.0)
        film = film + amount * jnp.exp(-((XX - x) / a) ** 2 - ((YY - y) / b) ** 2)
    for i in range(3):
        n, on = jax.random.normal(k[6 + i], (4,)), jax.random.uniform(k[9 + i], (2,))
        u, v = jnp.cos(3 * n[3]) * XX + jnp.sin(3 * n[3]) * YY, jnp.cos(3 * n[3]) * YY - jnp.sin(3 * n[3]) * XX
        line = abs(v - 0.2 * n[0] - 0.3 * n[1] * u - 1.5 * n[2] * u * u) < 0.002 + 0.006 * on[1]
        film = film + line * jnp.where(on[0] < 0.3, 0.2 + on[0], 0.0)
    bits = jnp.kron(jax.random.bernoulli(k[12], 0.5, (SIDE // 2, SIDE // 2)), jnp.ones((2, 2)))
    for i in range(2):
        (x, y), (a, b, on) = jax.random.uniform(k[13 + i], (2,), minval=-0.48, maxval=0.48), jax.random.uniform(k[15], (2, 3))[i]
        there = (abs(XX - x) < 0.02 + 0.2 * a) & (abs(YY - y) < 0.008 + 0.02 * b)
        film = jnp.where(there & (on < 0.35), jnp.where(bits > 0, on * 3 > 0.3, film), film)
    return film


def exposed(key, film):
    """Gamma, uneven field, contrast, noise, white for black."""
    k = jax.random.split(key, 7)
    film = jnp.clip(film, 0, 1) ** jnp.exp(0.35 * jax.random.normal(k[0]))
    film = film * jnp.exp(field(k[1], 3, 0.15 * jax.random.uniform(k[2])))
    low, high = jax.random.uniform(k[3], (2,), minval=-0.15, maxval=0.25)
    film = jnp.clip((film + low) / (1 + low - high), 0, 1)
    film = film + 0.06 * jax.random.uniform(k[4]) * jax.random.normal(k[5], film.shape)
    return jnp.where(jax.random.uniform(k[6]) < 0.2, 1 - film, film)


def drawn(key):
    """Something with smooth shades, edges and a few shapes: no chest."""
    k = jax.random.split(key, 6)
    film = 0.5 + field(k[0], 6, 0.25) + field(k[1], 40, 0.1)
    shapes = jax.random.uniform(k[2], (5, 5))
    for x, y, a, b, shade in shapes:
        inside = ((XX - x + 0.5) / (0.05 + 0.3 * a)) ** 2 + ((YY - y + 0.5) / (0.05 + 0.3 * b)) ** 2 < 1
        film = jnp.where(inside, 0.5 * film + 0.7 * shade - 0.1, film)
    return film


def one(key, film, mask, other):
    """An example: picture, lungs and weights on 128 × 128, pose and its weight."""
    k = jax.random.split(key, 7)
    film, lung, ignored, pose = bent(k[0], film / 255.0, mask)
    kind = jax.random.uniform(k[1])
    strange = bent(k[2], other / 255.0, jnp.zeros_like(mask))[0]
    film = jnp.where(kind < DRAWN, drawn(k[3]), jnp.where(kind < DRAWN + OTHERS, strange, film))
    lung = jnp.where(kind < DRAWN + OTHERS, 0.0, lung)
    film, lung = framed(k[4], film, lung)
    film = jnp.clip(exposed(k[5], covered(k[6], film)), 0, 1)
    cells = lambda v: v.reshape(CELLS, 2, CELLS, 2).mean((1, 3))
    share = lung.mean()
    pose = jnp.where(share < 0.02, NONE, pose)
    sure = jnp.where((share > 0.02) & (share < 0.06), 0.0, 1.0)
    return film - 0.5, cells(lung), cells(ignored) < 0.02, pose, sure


# ---- training -------------------------------------------------------------------------------------------------------

def loss_of(params, state, batch):
    film, lung, known, pose, sure = batch
    logits, poses, seen = network(params, state, film[..., None], True)
    p = jax.nn.sigmoid(logits)
    entropy = (known * (jax.nn.softplus(logits) - lung * logits)).sum((1, 2)) / known.sum((1, 2)).clip(1)
    both = (known * p * lung).sum((1, 2))
    dice = 1 - (2 * both + 20) / ((known * p).sum((1, 2)) + (known * lung).sum((1, 2)) + 20)
    turned = -sure * jax.nn.log_softmax(poses)[jnp.arange(len(pose)), pose]
    return (entropy + 0.5 * dice + 0.2 * turned).mean(), seen


@partial(jax.jit, static_argnames=("count", "batch"), donate_argnames="carry")
def advance(carry, data, count, batch, steps, rate):
    """`count` steps of Adam with decay, cosine rate; an average of the weights is kept."""
    films, masks, chances, others = data

    def step(carry, _):
        params, state, first, second, mean, key, at = carry
        key, pick, strange, vary = jax.random.split(key, 4)
        rows = jax.random.categorical(pick, chances, shape=(batch,))
        rows_o = jax.random.categorical(strange, others, shape=(batch,))
        example = jax.vmap(one)(jax.random.split(vary, batch), films[rows] * 1.0, masks[rows] * 1.0, films[rows_o] * 1.0)
        (loss, state), slope = jax.value_and_grad(loss_of, has_aux=True)(params, state, example)
        norm = jnp.sqrt(sum((g ** 2).sum() for g in jax.tree.leaves(slope)))
        slope = jax.tree.map(lambda g: g * jnp.minimum(1, 2 / (norm + 1e-6)), slope)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, second, slope)
        speed = rate * jnp.minimum(1, (at + 1) / 100) * 0.5 * (1 + jnp.cos(jnp.pi * at / steps))
        fix = (1 - 0.9 ** (at + 1), 1 - 0.99 ** (at + 1))
        params = jax.tree.map(lambda p, m, v: p - speed * (m / fix[0] / (jnp.sqrt(v / fix[1]) + 1e-8) + 1e-3 * p), params, first, second)
        hold = jnp.minimum(0.995, (at + 1) / (at + 10))
        mean = jax.tree.map(lambda a, p: hold * a + (1 - hold) * p, mean, (params, state))
        return (params, state, first, second, mean, key, at + 1), loss

    carry, losses = jax.lax.scan(step, carry, None, length=count)
    return carry, losses.mean()


def fit(rows, used, seed, options, name, curves, shuffled=False):
    """Weights from the films that `used` marks."""
    films, masks = jnp.asarray(np.stack([r["film"] for r in rows])), np.stack([r["mask"] for r in rows])
    kinds = np.array([r["kind"] for r in rows])
    if shuffled:
        lungs = np.flatnonzero(kinds != "other")
        masks[lungs] = masks[np.random.default_rng(seed).permutation(lungs)]
    weight = np.zeros(len(rows))
    for kind, share in (("adult", ADULTS), ("child", 1 - ADULTS)):
        these = used & (kinds == kind)
        weight[these] = share / these.sum()
    others = np.array([r["kind"] == "other" and r["split"] == "train" for r in rows]) * 1.0
    data = (films, jnp.asarray(masks), jnp.log(jnp.asarray(weight) + 1e-30), jnp.log(jnp.asarray(others) + 1e-30))
    params, state = start(jax.random.key(seed))
    zero = lambda: jax.tree.map(jnp.zeros_like, params)
    copy = jax.tree.map(jnp.copy, (params, state))
    carry = (params, state, zero(), zero(), copy, jax.random.key(seed + 1000), jnp.zeros(()))
    begun = time.time()
    for at in range(0, options.steps, options.chunk):
        carry, loss = advance(carry, data, options.chunk, options.batch, float(options.steps), options.rate)
        curves.append((name, at + options.chunk, float(loss)))
        if at // options.chunk % 8 == 0:
            print(f"{name}: step {at + options.chunk}, loss {loss:.4f}, {time.time() - begun:.0f} s", flush=True)
    return jax.device_get(carry[4])


# ---- figures --------------------------------------------------------------------------------------------------------

@jax.jit
def seen(model, films):
    """As the archive does it: the mean of the picture's and its mirror image's answers. Lungs on 256 × 256, poses."""
    both = jnp.concatenate([films, films[:, :, ::-1]]) - 0.5
    logits, poses, _ = network(*model, both[..., None], False)
    p, q = jnp.split(jax.nn.sigmoid(logits), 2)
    a, b = jnp.split(jax.nn.softmax(poses), 2)
    lungs = jax.image.resize((p + q[:, :, ::-1]) / 2, (len(films), SIDE, SIDE), "linear")
    return lungs, (a + b[:, jnp.array([0, 3, 2, 1, 4])]) / 2


def dices(model, rows, change=lambda film: film, turn=0):
    """Dice of each film, and whether its pose was told."""
    out = []
    for at in range(0, len(rows), 32):
        part = rows[at:at + 32]
        films = np.zeros((32, SIDE, SIDE), np.float32)
        for slot, row in zip(films, part):
            slot[:] = np.rot90(change(row["film"] / 255.0) * row["frame"], -turn)
        lungs, poses = jax.device_get(seen(model, films))
        for lung, pose, row in zip(lungs, poses, part):
            mask = row["mask"]
            got = (np.rot90(lung, turn) > 0.5) & ((mask < 60) | (mask > 200)) & (row["frame"] > 0)
            true = mask > 200
            out.append((2 * (got & true).sum() / max(1, got.sum() + true.sum()), int(pose.argmax()) == turn))
    return out


def table(pairs, rows):
    out = {}
    for kind in ("child", "adult"):
        values = np.array([p[0] for p, r in zip(pairs, rows) if r["kind"] == kind])
        told = [p[1] for p, r in zip(pairs, rows) if r["kind"] == kind]
        if len(values):
            out[kind] = {"films": len(values), "mean": values.mean(), "p5": np.percentile(values, 5), "min": values.min(), "pose": np.mean(told)}
    return {k: {n: round(float(v), 4) for n, v in d.items()} for k, d in out.items()}


def check(rows, fold, options, curves):
    """5 folds; one of them with another seed; one with masks of other films."""
    report, weights, pairs, order, turned, inverted = {"folds": {}}, {}, [], [], [], []
    for f in range(FOLDS):
        held = [r for r, x in zip(rows, fold) if x == f]
        model = fit(rows, (fold >= 0) & (fold != f), options.seed, options, f"fold {f}", curves)
        weights[f"fold-{f}"] = model
        here = dices(model, held)
        report["folds"][f] = table(here, held)
        print(f, report["folds"][f], flush=True)
        pairs, order = pairs + here, order + held
        inverted += dices(model, held, lambda film: 1 - film)
        turned += [x for t in (1, 2, 3) for x in dices(model, held, turn=t)]
    report["cross-validated"] = table(pairs, order)
    report["inverted"] = table(inverted, order)
    report["turned"] = table(turned, [r for f in range(FOLDS) for _ in range(3) for r, x in zip(rows, fold) if x == f])
    report["films"] = {r["name"]: [round(float(p[0]), 4), int(x)] for p, r, x in zip(pairs, order, sum(([f] * int((fold == f).sum()) for f in range(FOLDS)), []))}
    held = [r for r, x in zip(rows, fold) if x == 0]
    again = fit(rows, fold > 0, options.seed + 1, options, "another seed", curves)
    weights["seed"] = again
    report["another seed, fold 0"] = table(dices(again, held), held)
    wrong = fit(rows, fold > 0, options.seed, options, "shuffled masks", curves, shuffled=True)
    report["shuffled masks, fold 0"] = table(dices(wrong, held), held)
    return report, weights


# ---- file -----------------------------------------------------------------------------------------------------------

def folded(model):
    """Batch norm taken into weights and biases."""
    params, state = model
    out = {}
    for name, *_ in layers():
        w, b = np.asarray(params[name]["w"]), np.asarray(params[name]["b"])
        if name not in ("lungs", "pose"):
            scale = np.asarray(params[name]["g"]) / np.sqrt(np.asarray(state[name]["v"]) + 1e-4)
            w, b = w * scale, b - np.asarray(state[name]["m"]) * scale
        out[name] = (w.transpose(3, 2, 0, 1).astype(np.float32), b.astype(np.float32))
    return out


def export(model, path):
    """ONNX, opset 13: `film` [n,1,256,256], grey from -0.5 to 0.5 → `lungs` [n,1,128,128], `pose` [n,5,1,1], logits."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, held = [], []
    add = lambda op, inputs, output, **more: nodes.append(helper.make_node(op, inputs, [output], name=output, **more))
    held.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice"))
    weights = folded(model)

    def conv(name, x, stride=1):
        w, b = weights[name]
        held.extend([numpy_helper.from_array(w, name + ".w"), numpy_helper.from_array(b, name + ".b")])
        half, last = w.shape[2] // 2, name in ("lungs", "pose")
        add("Conv", [x, name + ".w", name + ".b"], name if last else name + ".c", kernel_shape=list(w.shape[2:]), pads=[half] * 4, strides=[stride] * 2)
        if not last:
            add("Relu", [name + ".c"], name)
        return name

    def pool(x):
        add("MaxPool", [x], x + ".p", kernel_shape=[2, 2], strides=[2, 2])
        return x + ".p"

    def join(a, b):
        add("Resize", [a, "", "twice"], a + ".u", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        add("Concat", [a + ".u", b], a + ".j", axis=1)
        return a + ".j"

    conv("e1", conv("stem", "film", 2))
    conv("e2b", conv("e2a", pool("e1")))
    conv("e3b", conv("e3a", pool("e2b")))
    conv("e4b", conv("e4a", pool("e3b")))
    conv("e5c", conv("e5b", conv("e5a", pool("e4b"))))
    conv("d4b", conv("d4a", join("e5c", "e4b")))
    conv("d3b", conv("d3a", join("d4b", "e3b")))
    conv("d2b", conv("d2a", join("d3b", "e2b")))
    conv("lungs", conv("d1b", conv("d1a", join("d2b", "e1"))))
    add("GlobalAveragePool", ["e5c"], "e5c.g")
    conv("pose", "e5c.g")
    tensor = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "lungs-2", [tensor("film", ["n", 1, SIDE, SIDE])], [tensor("lungs", ["n", 1, CELLS, CELLS]), tensor("pose", ["n", POSES, 1, 1])], held)
    file = helper.make_model(graph, producer_name="training/lungs/train.py", opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(file)
    path.write_bytes(file.SerializeToString())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def packed(model):
    return {f"{name}.{part}": value for name, pair in folded(model).items() for part, value in zip("wb", pair)}


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--check", action="store_true")
    ask.add_argument("--seed", type=int, default=7)
    ask.add_argument("--steps", type=int, default=3000)
    ask.add_argument("--batch", type=int, default=48)
    ask.add_argument("--rate", type=float, default=3e-3)
    ask.add_argument("--chunk", type=int, default=50)
    ask.add_argument("--out", type=Path, default=HERE / "out")
    options = ask.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = read()
    fold = folds(rows, options.seed)
    curves = []
    print(f"{jax.devices()}, {(fold >= 0).sum()} films, {sum(w * h * h * i + w for _, h, i, w in layers())} parameters", flush=True)
    report = {"seed": options.seed, "steps": options.steps, "batch": options.batch, "rate": options.rate, "jax": jax.__version__, "device": str(jax.devices()[0])}
    begun = time.time()
    model = fit(rows, fold >= 0, options.seed, options, "all films", curves)
    report["digest"] = export(model, options.out / "lungs-2.onnx")
    unseen = [r for r, x in zip(rows, fold) if x == -1]
    report["demo's films, never trained on"] = table(dices(model, unseen), unseen)
    strange = [r for r in rows if r["kind"] == "other" and r["split"] == "test"]
    poses = jax.device_get(seen(model, np.stack([r["film"] / 255.0 for r in strange])))[1]
    report["other pictures, never trained on"] = {r["name"]: round(float(p[NONE]), 3) for r, p in zip(strange, poses)}
    if options.check:
        figures, models = check(rows, fold, options, curves)
        report.update(figures)
        digests = {name: export(m, options.out / f"{name}.onnx") for name, m in models.items()}
        report["digests"] = digests
    report["seconds"] = round(time.time() - begun)
    with open(options.out / "curves.csv", "w") as out:
        out.writelines(["run,step,loss\n", *(f"{n},{s},{l:.5f}\n" for n, s, l in curves)])
    (options.out / "report.json").write_text(json.dumps(report, indent=1))
    print(json.dumps({k: v for k, v in report.items() if k != "films"}, indent=1))


if __name__ == "__main__":
    main()
