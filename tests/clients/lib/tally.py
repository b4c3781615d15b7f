"""What the officer can read, held against what was attempted."""

from collections import Counter

from .http import signed_in


class Tally:
    """Counts attempts; afterwards the ledger must hold as many entries of each kind."""

    def __init__(self, server):
        self.officer = signed_in(server, "officer")
        self.expected = Counter()
        self.since = self._newest()

    def _newest(self):
        entries = self.officer.get("/api/v1/accesses?limit=1").json()["entries"]
        return entries[0]["index"] if entries else -1

    def expect(self, kind, count=1):
        """One more attempt that must end in an entry of this kind."""
        self.expected[kind] += count

    def entries(self, *kinds):
        """All entries of these kinds since this tally began, newest first."""
        out, before = [], None
        while True:
            path = f"/api/v1/accesses?kind={','.join(kinds)}&limit=200" + (f"&before={before}" if before is not None else "")
            page = self.officer.get(path).json()
            fresh = [e for e in page["entries"] if e["index"] > self.since]
            out += fresh
            before = page["next"]
            if before is None or len(fresh) < len(page["entries"]):
                return out

    def agree(self, report, sentence):
        """Compares."""
        found = Counter(e["kind"] for e in self.entries(*self.expected))
        report.equal(sentence, dict(sorted(found.items())), dict(sorted(self.expected.items())))
