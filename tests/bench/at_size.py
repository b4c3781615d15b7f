"""The same pictures fetched from archives of different sizes: CPU ms and p50 of a WADO-RS instance with nothing else stored, and
with so many instances more. Prints JSON.

    python tests/bench/at_size.py --gauze target/release/gauze --xtask target/release/xtask --folder DIR 0 20000 200000
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import meter
from rate import Connection, Senders, Slices, percentile

ENVIRONMENT = {"LC_ALL": "C.UTF-8", "GAUZE_HTTPS": "127.0.0.1:0", "GAUZE_DIMSE": "127.0.0.1:0", "GAUZE_DIMSE_TLS": "127.0.0.1:0", "PATH": "/usr/bin:/bin"}
SLICES, ROUNDS = 160, 6


def start(gauze, home):
    """A running archive, and what it says that it is."""
    process = subprocess.Popen([gauze, "demo", str(home)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    return process, json.loads(process.stdout.readline().decode().removeprefix("ready "))


def end(process):
    process.terminate()
    process.wait(timeout=60)


def measured(given, home, others):
    """One size."""
    process, _ = start(given.gauze, home)
    end(process)
    if others:
        seed = [given.xtask, "seed", "--home", str(home), "--studies", str(others // 10), "--series", "1", "--instances", "10"]
        subprocess.run(seed, check=True, capture_output=True, env=ENVIRONMENT)
    process, ready = start(given.gauze, home)
    accounts = {a["role"]: a for a in json.loads((home / "keys" / "accounts.json").read_text())}
    slices = Slices(per_study=SLICES)
    sender, doctor = (Connection(ready, accounts[role]).session for role in ("technologist", "radiologist"))
    Senders(ready, sender, slices, 400).run(SLICES / 400)
    meter.settle(process.pid, limit_s=600)
    reader = Connection(ready, session=doctor)
    study, series, _ = slices.names(0)
    opened = json.loads(reader.ask("POST", f"/api/v1/studies/{study}/open", json.dumps({"purpose": "report"}), {"Content-Type": "application/json"})[1])
    shown = {"Authorization": f"Bearer {opened['token']}", "Accept": 'multipart/related; type="application/dicom"'}
    times, size = [], 0
    cpu = meter.cpu_s(process.pid)
    for _ in range(ROUNDS):
        for number in range(SLICES):
            since = time.monotonic()
            status, body = reader.ask("GET", f"/dicom-web/studies/{study}/series/{series}/instances/{slices.names(number)[2]}", None, shown)
            times.append(time.monotonic() - since)
            assert status == 200, (status, body[:200])
            size = len(body)
    cpu = meter.cpu_s(process.pid) - cpu
    peak = meter.peak_mb(process.pid)
    end(process)
    return {"others": others, "visibility": opened["visibility"], "body": size, "cpu_ms": round(1000 * cpu / len(times), 3),
            "p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99), "peak_mb": peak}


def main():
    ask = argparse.ArgumentParser(description=__doc__)
    for name in ("gauze", "xtask", "folder"):
        ask.add_argument(f"--{name}", required=True)
    ask.add_argument("others", type=int, nargs="+")
    given = ask.parse_args()
    out = []
    for others in given.others:
        home = Path(given.folder)
        shutil.rmtree(home, ignore_errors=True)
        out.append(measured(given, home, others))
        shutil.rmtree(home, ignore_errors=True)
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
