#!/usr/bin/env python3
"""Makes the vectors of docs/formats from the descriptions there, without Gauze's code.

Needs `cryptography` (PyPI). Run in this folder; the output is deterministic. Everything random is counted bytes.
"""
import base64, hashlib, hmac, json, struct, zlib
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = Path(__file__).parent
sha256 = lambda b: hashlib.sha256(b).digest()
u32 = lambda n: struct.pack(">I", n)
u64 = lambda n: struct.pack(">Q", n)


def named(label, parts):
    return label.encode() + b"\0" + b"".join(u32(len(p)) + p for p in parts)


def mac(key, label, parts):
    return hmac.new(key, named(label, parts), hashlib.sha256).digest()


def derive(key, label, parts):
    """HKDF-Expand (RFC 5869 2.3) to 32 bytes: one block."""
    return hmac.new(key, named(label, parts) + b"\x01", hashlib.sha256).digest()


def seal(key, nonce, context, plain):
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def zigzag(n):
    return varint(n << 1 if n >= 0 else (-n << 1) - 1)


KEY = bytes(range(32))
NONCE = bytes(range(100, 112))
TENANT, OBJECT, PATIENT = b"main", bytes([7] * 16), bytes([2] * 16)


def sealed_object(plain, head_len, frames):
    place = [TENANT, OBJECT]
    content = derive(KEY, "gauze/object/1/content", place)
    header = b"GAUZEOBJ" + bytes([1, 1, 0, 0]) + u32(65536) + OBJECT + u32(1) + bytes(28)
    header += mac(KEY, "gauze/object/1/commitment", place)
    header += mac(derive(KEY, "gauze/object/1/header", place), "gauze/object/1/mac", [header])
    aead = AESGCM(content)

    def chunk(last, number, bytes_):
        nonce = bytes([last, 0, 0, 0]) + u64(number)
        return aead.encrypt(nonce, bytes_, named("gauze/object/1", place) + bytes([last]) + u64(number))

    pieces = [plain[i : i + 65536] for i in range(0, len(plain), 65536)]
    out = header + b"".join(chunk(0, n, p) for n, p in enumerate(pieces))
    trailer = sha256(plain) + varint(len(plain)) + varint(head_len) + varint(len(frames))
    end = 0
    for frame in frames:
        trailer += varint(len(frame))
        for offset, length in frame:
            trailer += zigzag(offset - end) + varint(length)
            end = offset + length
    tail = chunk(1, len(pieces), trailer)
    return out + tail + b"GZTL" + u32(len(tail))


def objects():
    plain = bytes(i * 31 % 251 for i in range(66_000))
    frames = [[(300, 1000), (100, 50)], [], [(2000, 64_000)]]
    file = sealed_object(plain, 300, frames)
    (HERE / "sealed-object.bin").write_bytes(file)
    n = len(file)
    edits = {
        "magic": [0, 1], "version 2": [8, 3], "suite 2": [9, 3], "chunk size": [14, 1], "object": [16, 1],
        "generation": [35, 2], "reserved": [40, 1], "commitment": [64, 1], "header mac": [127, 1],
        "first chunk": [128, 1], "tag of the first chunk": [128 + 65536 + 15, 128], "second chunk": [128 + 65552, 1],
        "trailer": [n - 30, 1], "footer magic": [n - 8, 1], "trailer length": [n - 1, 1],
    }
    return {
        "key": KEY.hex(), "tenant": TENANT.decode(), "object": OBJECT.hex(), "length": len(plain),
        "plain": "byte i is 31 i mod 251", "head_len": 300, "frames": frames, "sha256": sha256(plain).hex(),
        "file_sha256": sha256(file).hex(),
        "sidecar_key": derive(KEY, "gauze/object/1/sidecar", [OBJECT]).hex(),
        "noise_key": derive(KEY, "gauze/object/1/noise", [OBJECT]).hex(),
        "refused": [{"name": k, "at": v[0], "xor": v[1]} for k, v in edits.items()],
    }


def row(key, place, plain):
    body = u32(len(plain)) + plain
    size = 256
    while size < len(body):
        size = -(-(size + size // 4) // 64) * 64
    return b"\x01" + seal(key, NONCE, named("gauze/1/row", place), body + bytes(size - len(body)))


def ladder():
    generation = derive(KEY, "gauze/1/generation", [u32(1)])
    wraps, rows = derive(generation, "gauze/1/wraps", []), derive(generation, "gauze/1/rows", [])
    names, tokens = derive(KEY, "gauze/1/names", []), derive(KEY, "gauze/1/tokens", [])
    projects, signing = derive(KEY, "gauze/1/projects", []), derive(KEY, "gauze/1/signing", [])
    name = mac(names, "gauze/row/1", [TENANT, b"1.2.3"])
    row_key = derive(rows, "gauze/1/row", [name])
    place = [b"\x01", name, u64(1)]
    inner = bytes([9] * 32)
    token = "gzt_" + "ab" * 32
    public = Ed25519PrivateKey.from_private_bytes(signing).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {
        "root": KEY.hex(),
        "name": {"kind": "gauze/row/1", "parts": [TENANT.hex(), b"1.2.3".hex()], "is": name.hex()},
        "row_key": row_key.hex(),
        "rows": [
            {"place": [p.hex() for p in place], "plain": plain.hex(), "sealed": row(row_key, place, plain).hex()}
            for plain in (b"", b"Doe^Jane", bytes(252), bytes(253), bytes(1000))
        ],
        "wrap": {
            "place": [PATIENT.hex()], "key": inner.hex(),
            "sealed": seal(wraps, NONCE, named("gauze/1/wrap", [PATIENT]), inner).hex(),
        },
        "object_wrap": {
            "patient_key": bytes([1] * 32).hex(), "tenant": "main", "patient": PATIENT.hex(), "object": OBJECT.hex(),
            "key": inner.hex(),
            "sealed": seal(bytes([1] * 32), NONCE, named("gauze/1/object-wrap", [TENANT, PATIENT, OBJECT]), inner).hex(),
        },
        "token": {"text": token, "hash": mac(tokens, "gauze/1/token", [token.encode()]).hex()},
        "project_key": derive(projects, "gauze/1/project", [TENANT, b"default"]).hex(),
        "signing_public": public.hex(),
    }


def cbor(value):
    def head(major, n):
        if n < 24: return bytes([major << 5 | n])
        for more, fmt, top in ((24, ">B", 1 << 8), (25, ">H", 1 << 16), (26, ">I", 1 << 32), (27, ">Q", 1 << 64)):
            if n < top: return bytes([major << 5 | more]) + struct.pack(fmt, n)
    if isinstance(value, bool): return b"\xf5" if value else b"\xf4"
    if isinstance(value, int): return head(0, value)
    if isinstance(value, bytes): return head(2, len(value)) + value
    if isinstance(value, str): return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list): return head(4, len(value)) + b"".join(map(cbor, value))
    pairs = sorted((cbor(k), cbor(v)) for k, v in value.items())
    return head(5, len(pairs)) + b"".join(k + v for k, v in pairs)


def root(hashes):
    if not hashes: return sha256(b"")
    if len(hashes) == 1: return hashes[0]
    k = 1
    while k * 2 < len(hashes): k *= 2
    return sha256(b"\x01" + root(hashes[:k]) + root(hashes[k:]))


def path(m, hashes):
    if len(hashes) == 1: return []
    k = 1
    while k * 2 < len(hashes): k *= 2
    return path(m, hashes[:k]) + [root(hashes[k:])] if m < k else path(m - k, hashes[k:]) + [root(hashes[:k])]


def ledger():
    origin, signer = "gauze/vectors", Ed25519PrivateKey.from_private_bytes(KEY)
    public = signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key, name, salt = bytes([5] * 32), bytes([6] * 32), bytes(range(16))
    time = 1_795_507_200_123_000_000
    entries, leaves = [], []
    for index in range(7):
        body = cbor({
            "v": 1, "kind": "queried", "time": time + index, "seq": 10 + index, "tenant": "main", "actor": "rita",
            "session": OBJECT, "_keys_hash": bytes([0xAB] * 32), "_hits": 500 * index,
        })
        context = b"gauze/1/ledger-body\0" + name + u64(index)
        sealed = b"\x01" + name + seal(key, NONCE, context, salt + body)
        leaf = b"\x01" + struct.pack(">H", 20) + struct.pack(">q", time + index)
        leaf += sha256(salt + body) + bytes(32) + sha256(sealed)
        message = b"gauze ledger entry 1\0" + origin.encode() + b"\0" + u64(index) + sha256(b"\0" + leaf)
        leaves.append(sha256(b"\0" + leaf))
        entries.append({"leaf": leaf.hex(), "body": body.hex(), "sealed": sealed.hex(), "signature": signer.sign(message).hex()})
    key_id = sha256(origin.encode() + b"\n\x01" + public)[:4]
    text = f"{origin}\n{len(leaves)}\n{base64.b64encode(root(leaves)).decode()}\n"
    note = f"{text}\n\u2014 {origin} {base64.b64encode(key_id + signer.sign(text.encode())).decode()}\n"
    return {
        "origin": origin, "public": public.hex(), "body_key": key.hex(), "body_key_name": name.hex(), "salt": salt.hex(),
        "entries": entries, "root": root(leaves).hex(), "inclusion_of_4": [h.hex() for h in path(4, leaves)],
        "checkpoint": note,
        "refused_checkpoints": [
            note.replace("\n7\n", "\n8\n"), note.replace("\n7\n", "\n07\n"), note.replace("vectors", "vectorz"),
            note.replace("\u2014", "-"), note.replace("\n\n", "\n"), text,
        ],
        "refused_bodies": [
            "", "a0ff", "bf6176" + "01ff", "a1617602", "a163666f6f01", "a1617681" + "8101", "bbffffffffffffffff",
            "a1646b696e6440",
        ],
    }


def segment():
    """Two records of the intake log, metadata in postcard (https://postcard.jamesmunns.com/wire-format)."""
    vec = lambda b: varint(len(b)) + b
    wrap = [(bytes([8] * 32), b"wrap")]
    leaf = [(b"leaf", b"body")]

    def meta(seq, obj, first_leaf):
        out = varint(seq)
        out += b"\x00" if obj is None else b"\x01" + vec(TENANT) + OBJECT + bytes([obj])
        out += varint(1) + vec(TENANT) + OBJECT + vec(b"side")
        out += varint(1) + bytes([4] * 32) + bytes([1]) + varint(300) + vec(b"row")
        out += varint(len(wrap)) + b"".join(k + vec(w) for k, w in wrap)
        out += varint(first_leaf) + varint(len(leaf)) + b"".join(vec(a) + vec(b) for a, b in leaf)
        return out

    file, previous = b"GZINTAK1" + u64(3) + bytes(16), 0
    for seq, obj, blob in ((41, 0, b"sealed object"), (42, None, b"")):
        body = meta(seq, obj, seq * 10)
        front = u32(len(body)) + u32(len(blob)) + body
        previous = zlib.crc32(u32(previous) + front + blob)
        file += front + blob + u32(previous)
    (HERE / "intake-segment.bin").write_bytes(file)


def segment_2():
    """The same of version 2, and the pack that becomes of it (docs/formats/pack.md)."""
    vec = lambda b: varint(len(b)) + b
    span = lambda b: varint(len(b)) + varint(zlib.crc32(b))

    def meta(seq, obj):
        out = varint(seq)
        out += b"\x00" if obj is None else b"\x01" + vec(TENANT) + OBJECT + b"\x01" + span(obj)
        out += varint(1) + vec(TENANT) + OBJECT + span(b"side")
        out += varint(1) + bytes([4] * 32) + bytes([1]) + varint(300) + vec(b"row")
        out += varint(1) + bytes([8] * 32) + vec(b"wrap")
        out += varint(seq * 10) + varint(1) + vec(b"leaf") + vec(b"body")
        return out + varint(1) + vec(TENANT) + bytes([9] * 16)

    file, previous, items = b"GZINTAK2" + u64(3) + bytes(16), 0, []
    for seq, obj in ((41, b"sealed object"), (42, None)):
        body = meta(seq, obj)
        blobs = ([(0, obj)] if obj else []) + [(1, b"side")]
        front = u32(len(body)) + u32(sum(len(b) for _, b in blobs)) + body
        previous = zlib.crc32(u32(previous) + front)
        file += front + u32(previous)
        for part, blob in blobs:
            items.append((part, len(file), blob))
            file += blob
    (HERE / "intake-segment-2.bin").write_bytes(file)
    pack, at, directory = bytearray(len(file)), len(file), b""
    pack[:32] = file[:32]
    for part, start, blob in items:
        pack[start : start + len(blob)] = blob
        directory += bytes([part, len(TENANT)]) + TENANT + OBJECT + u64(start) + u64(len(blob)) + u32(zlib.crc32(blob))
    footer = b"GZPACK01" + u64(3) + u64(at) + u32(len(items)) + u32(zlib.crc32(directory)) + bytes(4)
    (HERE / "pack.bin").write_bytes(bytes(pack) + directory + footer + u32(zlib.crc32(footer)))


for vectors, make in (("sealed-object", objects), ("ladder", ladder), ("ledger", ledger)):
    (HERE / f"{vectors}.json").write_text(json.dumps(make(), indent=1, ensure_ascii=False) + "\n")
segment()
segment_2()
