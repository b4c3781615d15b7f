"""Counting checks. A check has a sentence that is true when all is well; what failed is said with its figures."""

import sys
import time
import traceback


class Report:
    """All checks of a run."""

    def __init__(self):
        self.passed = 0
        self.failures = []
        self._part = ""

    def check(self, sentence, holds, detail=""):
        """Counts one check; returns whether it held."""
        if holds:
            self.passed += 1
        else:
            self.failures.append(f"{self._part}: {sentence} {detail}".rstrip())
            print(f"   FAILED {sentence} {detail}", flush=True)
        return bool(holds)

    def equal(self, sentence, got, expected):
        """Counts one comparison."""
        return self.check(sentence, got == expected, f"(got {short(got)}, expected {short(expected)})")

    def part(self, name, run, *arguments):
        """Runs one part; an exception in it is a failure, not the end."""
        self._part, before, bad, since = name, self.passed, len(self.failures), time.monotonic()
        print(f"-- {name}", flush=True)
        try:
            run(self, *arguments)
        except Exception as error:  # noqa: BLE001 - whatever happens, the other parts run
            traceback.print_exc(file=sys.stdout)
            self.check("the part runs to its end", False, f"({type(error).__name__}: {error})")
        held, failed = self.passed - before, len(self.failures) - bad
        print(f"   {name}: {held} held, {failed} failed, {time.monotonic() - since:.1f} s", flush=True)

    def close(self):
        """Prints the closing line; the exit status."""
        for failure in self.failures:
            print(f"FAILED {failure}")
        print(f"{self.passed} passed, {len(self.failures)} failed")
        return 1 if self.failures else 0


def short(value):
    """At most a line of a value."""
    text = repr(value)
    return text if len(text) <= 300 else text[:300] + "…"
