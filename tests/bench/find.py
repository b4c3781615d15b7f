"""QIDO-RS on homes that `cargo xtask seed` filled: seconds until ready, memory, p50 and CPU a query. Arguments: homes.
Figures: docs/promises.md. Needs CARGO_TARGET_DIR with a `gauze` that was built with the release profile as it stands."""

import os
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))

from lib.http import signed_in  # noqa: E402 - the clients' library
from lib.server import Server  # noqa: E402

TIMES = 60
TICK = os.sysconf("SC_CLK_TCK")
QUERIES = [
    ("PatientID", "/studies?PatientID=P0000{n:03d}"),
    ("AccessionNumber", "/studies?AccessionNumber=A00000{n:03d}"),
    ("StudyInstanceUID", "/studies?StudyInstanceUID=2.25.7040.{n}"),
    ("SOPInstanceUID", "/instances?SOPInstanceUID=2.25.7040.{n}.0.0"),
    ("1-day date", "/studies?StudyDate=202203{d:02d}"),
    ("1-year range, limit 50", "/studies?StudyDate=20220101-20221231&limit=50"),
    ("modality and month, limit 50", "/studies?ModalitiesInStudy=MR&StudyDate=20220301-20220331&limit=50"),
    ("latest 25", "/studies?limit=25"),
    ("page 25 at offset 500", "/studies?limit=25&offset=500"),
    ("name prefix*, limit 50", "/studies?PatientName=Zhang^W*&limit=50"),
    ("name *infix*, limit 50", "/studies?PatientName=*iaodon*&limit=50"),
    ("name 王*, limit 50", "/studies?PatientName=王*&limit=50"),
    ("name that nobody has", "/studies?PatientName=*qxz*&limit=50"),
    ("fuzzy zhangwei, limit 50", "/studies?PatientName=zhangwei&fuzzymatching=true&limit=50"),
    ("fuzzy zw, limit 50", "/studies?PatientName=zw&fuzzymatching=true&limit=50"),
    ("a study's series", "/studies/2.25.7040.{n}/series"),
    ("a study's instances", "/studies/2.25.7040.{n}/instances"),
]


def cpu(pid):
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid):
    """Resident MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def measure(home):
    """One home, from its cold start."""
    with Server(home, command="serve") as server:
        print(f"\n{home}: ready after {server.start_seconds:.2f} s, {cpu(server.pid):.2f} CPU s, {memory(server.pid):.0f} MB resident")
        client = signed_in(server, "radiologist")
        print("| query | hits | p50 ms | p99 ms | CPU ms |\n|---|---|---|---|---|")
        for name, template in QUERIES:
            took, hits, before = [], 0, cpu(server.pid)
            for n in range(TIMES):
                path = template.format(n=n + 100, d=n % 28 + 1)
                since = time.perf_counter()
                hits = len(client.find(quote(path, safe="/?&=*^")))
                took.append((time.perf_counter() - since) * 1000)
            spent = (cpu(server.pid) - before) / TIMES * 1000
            print(f"| {name} | {hits} | {statistics.median(took):.1f} | {max(took):.1f} | {spent:.1f} |", flush=True)
        print(f"{memory(server.pid):.0f} MB resident afterwards")


if __name__ == "__main__":
    for one in sys.argv[1:]:
        measure(Path(one))
