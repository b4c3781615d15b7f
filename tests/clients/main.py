"""Runs the parts in order; each starts archives of its own from one stopped home."""

import importlib
import os
import sys
import tempfile
from pathlib import Path

from lib.report import Report
from lib.server import copy_home

PARTS = [
    "p01_start", "p02_clients", "p03_roles", "p04_routes", "p05_canary", "p06_disk", "p07_verify", "p08_kills",
    "p09_trace", "p10_malformed", "p11_readme", "p12_dimse", "p13_association", "p13_orthanc", "p14_greys",
    "p16_keep", "p17_media", "p18_find", "p19_abuse", "p19_dicomweb", "p19_files", "p20_orthanc",
    "p20_stow_json", "p21_right", "p22_token", "p23_worklist", "p24_hl7", "p25_conform", "p26_powercut", "p27_identity",
    "p28_leave", "p29_web", "p30_s3", "p31_faults", "p32_deidentify", "p33_standing", "p34_segmentation", "p35_glass",
    "p36_consent", "p37_relations", "p38_rules",
]


class Place:
    """Where the tests work, and the home that they start from."""

    def __init__(self, folder):
        self.work = Path(folder)
        self.template = self.work / "first"
        self._count = 0

    def fresh(self, name):
        """A copy of the stopped demo."""
        self._count += 1
        return copy_home(self.template, self.work / f"{name}{self._count}")


def main(wanted):
    """The first part makes the home, so it always runs."""
    report = Report()
    # The core's limit on a socket's path is 107 bytes: a short folder.
    with tempfile.TemporaryDirectory(prefix="gz", dir=os.environ.get("GAUZE_TEST_FOLDER", "/tmp")) as folder:
        place = Place(folder)
        for name in PARTS:
            number = str(int(name[1:3]))
            if number == "1" or not wanted or number in wanted:
                report.part(name, importlib.import_module(f"parts.{name}").run, place)
    return report.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
