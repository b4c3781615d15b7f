"""Sample files, stored and opened clear."""

import io
import warnings

import pydicom

from .films import names, new_uid
from .http import signed_in
from .server import ROOT

# Of the codec and intake samples: each transfer syntax, each kind of object, each character set.
SAMPLES = [ROOT / "testdata" / "codec", ROOT / "crates" / "dicom" / "testdata" / "dicom"]


class Desk:
    """Stores files and opens them clear: by a lift, since nobody ordered them."""

    def __init__(self, report, server):
        self.report, self.client = report, signed_in(server, "radiologist")
        self.sender = signed_in(server, "technologist")

    def opened(self, raw, label):
        """The file's names, or nothing."""
        answer = self.sender.stow([raw])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            film = names(pydicom.dcmread(io.BytesIO(raw), stop_before_pixels=True, force=True))
        if not self.report.check(f"{label} is stored", answer.status == 200, f"({answer.status} {answer.body[:300]})"):
            return None
        self.client.open(film[0], "report")
        lifted = self.client.lift(film[0], "conformance")
        fits = lifted.status == 200 and lifted.json()["visibility"] == "clear"
        return film if self.report.check(f"{label} is opened clear", fits, f"({lifted.status} {lifted.body[:200]})") else None


def of_its_own(raw):
    """The same file under a SOP Instance UID of its own, of the same length: several samples share one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        uid = str(pydicom.dcmread(io.BytesIO(raw), stop_before_pixels=True).SOPInstanceUID)
    own = ("2.25." + new_uid()[5:].lstrip("0") + "7" * 64)[: len(uid)]
    return raw.replace(uid.encode(), own.encode())


def ask(report, client, path, accept, status, media="", what=""):
    """A request whose status and media type are told by hand."""
    got = client.get(path, accept=accept)
    kind = (got.headers.get("content-type") or "").split("; boundary")[0]
    fits = got.status == status and (not media or kind == media)
    report.check(f"{what or path[-40:]} {accept}: {status} {media}", fits, f"({got.status} {kind} {got.code})")
    return got
