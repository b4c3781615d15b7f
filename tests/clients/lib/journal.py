"""The ledger's files (docs/formats/ledger.md), for somebody who may change them but holds no key."""

import hashlib
import shutil
import struct
from pathlib import Path

SIGNATURE = 64


class Journal:
    """The last, partial bundle of a small ledger: entries, bodies, leaf hashes."""

    def __init__(self, home):
        self.root = Path(home) / "data" / "ledger"
        self.bundle = max(self._numbers("tile/entries"), default=0)
        width = max(int(p.name) for p in self._folder("tile/entries").iterdir())
        self.width, self.first = width, self.bundle * 256
        self.leaves = _split(self._file("tile/entries", width).read_bytes(), ">H")
        self.bodies = _split(self._file("body", width).read_bytes(), ">I")

    def _numbers(self, kind):
        return [int(p.name.removesuffix(".p")) for p in (self.root / kind).iterdir()]

    def _folder(self, kind):
        return self.root / kind / f"{self.bundle:03}.p"

    def _file(self, kind, width):
        return self._folder(kind) / str(width)

    def write(self, rehash=True):
        """Writes what was changed, the tile of leaf hashes too, as somebody would who knows the layout."""
        hashes = [hashlib.sha256(b"\0" + leaf).digest() for leaf in self.leaves]
        if not rehash:
            hashes = _chunks(self._file("tile/0", self.width).read_bytes(), 32)
        for kind, content in (
            ("tile/entries", b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in self.leaves)),
            ("body", b"".join(struct.pack(">I", len(body)) + body for body in self.bodies)),
            ("tile/0", b"".join(hashes)),
        ):
            folder = self._folder(kind)
            shutil.rmtree(folder)
            folder.mkdir()
            (folder / str(len(self.leaves))).write_bytes(content)


def _split(data, form):
    out, size = [], struct.calcsize(form)
    while data:
        (length,) = struct.unpack(form, data[:size])
        out.append(data[size : size + length])
        data = data[size + length :]
    return out


def _chunks(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]
