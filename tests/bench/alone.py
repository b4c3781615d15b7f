"""Figures of Gauze alone, on the demo's films: starts, memory, answers' times, fall-backs, import, disk, verification.

    python alone.py --gauze target/release/gauze --folder /disk/bench --out alone.json
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import time

import films
import meter
from servers import Gauze

JSON = {"Accept": "application/dicom+json"}


class Demo(Gauze):
    """`gauze demo` on a home of its own; stopping and starting keeps it."""

    name = "Gauze"

    def begin(self):
        """Starts it and answers the seconds until `ready`."""
        port = "127.0.0.1:0"
        names = ("GAUZE_HTTPS", "GAUZE_DIMSE", "GAUZE_DIMSE_TLS")
        environment = dict(os.environ, GAUZE_HOME=self.home, **{name: port for name in names})
        began = time.monotonic()
        self.run([self.binary, "demo"], stdout=subprocess.PIPE, text=True, env=environment)
        line = self.process.stdout.readline()
        seconds = time.monotonic() - began
        if not line.startswith("ready "):
            raise SystemExit("gauze demo did not start: see %s/log" % self.folder)
        self.ready = json.loads(line[6:])
        self.tls = self.context()
        with open(self.ready["accounts"]) as file:
            self.passwords = {a["user"]: a["password"] for a in json.load(file)}
        return seconds

    def end(self):
        began = time.monotonic()
        self.stop()
        return time.monotonic() - began


def timed(work, times):
    """Median milliseconds, and the last answer."""
    taken, answer = [], None
    for _ in range(times):
        began = time.monotonic()
        answer = work()
        taken.append((time.monotonic() - began) * 1000)
    return round(statistics.median(taken), 1), answer


def get(connection, path, headers):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def listed(connection, path, session):
    status, text, _ = get(connection, path, {**JSON, **session})
    if status not in (200, 204):
        raise SystemExit("%s: %d %r" % (path, status, text[:200]))
    return json.loads(text) if text else []


def value(item, tag):
    return item[tag]["Value"][0]


def chest_films(connection, session):
    """Paths of all DX films, by study."""
    found = []
    for study in listed(connection, "/dicom-web/studies?ModalitiesInStudy=DX&limit=100", session):
        uid = value(study, "0020000D")
        for item in listed(connection, "/dicom-web/studies/%s/instances?includefield=00080060" % uid, session):
            if value(item, "00080060") == "DX":
                found.append((uid, "/dicom-web/studies/%s/series/%s/instances/%s" % (
                    uid, value(item, "0020000E"), value(item, "00080018"))))
    return found


def looked_at(demo, figures):
    """Sign-in, query, opening and pictures, as a doctor without a relation meets them: masked."""
    figures["sign_in_ms"], session = timed(lambda: demo.sign_in("referrer"), 5)
    connection = demo.connect()
    figures["query_ms"], _ = timed(lambda: listed(connection, "/dicom-web/studies?limit=100", session), 20)
    chest = chest_films(connection, session)
    figures["chest_films"], fallbacks, opens, first = len(chest), 0, [], []
    for study, path in chest:
        body = {"purpose": "treatment", "reason": "bench"}
        began = time.monotonic()
        opened, _ = demo.post("/api/v1/studies/%s/open" % study, body, session)
        opens.append((time.monotonic() - began) * 1000)
        proof = {"Authorization": "Bearer " + opened["token"], "Accept": "image/jpeg"}
        status, picture, headers = get(connection, path + "/rendered", proof)
        first.append((time.monotonic() - began) * 1000)
        if status != 200:
            raise SystemExit("%s: %d %r" % (path, status, picture[:200]))
        fallbacks += "Gauze-Fallback" in headers
    figures["chest_fallbacks"] = fallbacks
    figures["open_ms"] = round(statistics.median(opens), 1)
    figures["open_and_first_picture_ms"] = round(statistics.median(first), 1)
    figures["open_and_first_picture_worst_ms"] = round(max(first), 1)
    study, path = chest[0]
    opened, _ = demo.post("/api/v1/studies/%s/open" % study, {"purpose": "treatment", "reason": "bench"}, session)
    proof = {"Authorization": "Bearer " + opened["token"]}
    figures["visibility"] = opened["visibility"]
    figures["picture_again_ms"], _ = timed(
        lambda: get(connection, path + "/rendered", {**proof, "Accept": "image/jpeg"}), 20)
    frame = {**proof, "Accept": 'multipart/related; type="application/octet-stream"'}
    figures["masked_frame_ms"], answer = timed(lambda: get(connection, path + "/frames/1", frame), 20)
    figures["masked_frame_kb"] = round(len(answer[1]) / 1000)


def imported(binary, folder, slices):
    """`gauze import` of CT slices into a stopped archive; what it takes on the disk; verification of its ledger."""
    home, source = os.path.join(folder, "import-home"), os.path.join(folder, "slices")
    os.makedirs(source)
    sent = 0
    for number, (data, _) in enumerate(films.slices(slices)):
        sent += len(data)
        with open(os.path.join(source, "%d.dcm" % number), "wb") as file:
            file.write(data)
    subprocess.run([binary, "init", home, "--plain-key"], check=True, capture_output=True)
    began = time.monotonic()
    done = subprocess.run([binary, "import", source, "--home", home], capture_output=True, text=True)
    seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit("import: %s%s" % (done.stdout, done.stderr))
    began = time.monotonic()
    said = subprocess.run([binary, "verify", home, "--json"], check=True, capture_output=True, text=True)
    verify = time.monotonic() - began
    # Without the room that is kept for ledger entries, which does not grow with what is stored.
    du = ["du", "-s", "--block-size=1", "--exclude=reserve", home + "/data"]
    blocks = subprocess.run(du, capture_output=True, text=True)
    return {
        "import_slices_per_s": round(slices / seconds),
        "import_mb_per_s": round(sent / seconds / 1e6),
        "disk_ratio": round(int(blocks.stdout.split()[0]) / sent, 3),
        "verify_entries": json.loads(said.stdout)["entries"],
        "verify_s": round(verify, 2),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gauze", required=True)
    parser.add_argument("--folder", required=True, help="made here and removed afterwards")
    parser.add_argument("--out", required=True)
    parser.add_argument("--slices", type=int, default=500)
    arguments = parser.parse_args()
    figures, demo = {}, Demo(arguments.gauze, arguments.folder)
    try:
        figures["first_start_s"] = round(demo.begin(), 2)
        looked_at(demo, figures)
        figures["stop_s"] = round(demo.end(), 2)
        figures["second_start_s"] = round(demo.begin(), 2)
        meter.settle(demo.pid, 60)
        meter.forget_peak(demo.pid)
        figures["idle_mb"] = round(meter.peak_mb(demo.pid))
        demo.end()
        figures.update(imported(arguments.gauze, arguments.folder, arguments.slices))
        with open(arguments.out, "w") as file:
            json.dump(figures, file, indent=1)
    finally:
        if demo.process and demo.process.poll() is None:
            demo.stop()
        shutil.rmtree(arguments.folder, ignore_errors=True)
    for name, figure in figures.items():
        print("%-34s %s" % (name, figure))


if __name__ == "__main__":
    main()
