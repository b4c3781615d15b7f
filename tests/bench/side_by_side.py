"""Stores CT slices by STOW-RS and fetches rendered films, first from Orthanc, then from Gauze: fresh stores on the same
disk, the same bytes, the same number of connections. Timed and traced runs are apart, for a trace makes both slow.

    python side_by_side.py --gauze target/release/gauze --folder /disk/bench --out result.json
"""
import argparse
import io
import json
import os
import platform
import shutil
import sys
import threading
import time

import films
import meter
from PIL import Image
from servers import Gauze, Orthanc

CONNECTIONS = 4
BOUNDARY = b"gauze-bench"


def shared_out(server, jobs, one):
    """Runs `one(connection, job)` for all jobs over the connections; the first failure ends the bench."""
    jobs, lock, failures = list(jobs), threading.Lock(), []
    jobs.reverse()

    def work():
        connection = server.connect()
        while not failures:
            with lock:
                if not jobs:
                    break
                job = jobs.pop()
            try:
                one(connection, job)
            except Exception as failure:  # told below, in the main thread
                failures.append(failure)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit("%s: %s" % (server.name, failures[0]))


def ask(connection, method, path, body=None, headers=None):
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise RuntimeError("%s %s: %d %r" % (method, path, answer.status, text[:300]))
    return text, answer


def store(server, images):
    """STOW-RS, one instance a request: each has its own acknowledgement."""
    proof = server.storing()
    kind = 'multipart/related; type="application/dicom"; boundary=' + BOUNDARY.decode()
    headers = {"Content-Type": kind, "Accept": "application/dicom+json", **proof}

    def one(connection, image):
        body = b"--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n--%s--\r\n" % (BOUNDARY, image[0], BOUNDARY)
        text, _ = ask(connection, "POST", "/dicom-web/studies", body, headers)
        if json.loads(text).get("00081198", {}).get("Value"):
            raise RuntimeError("refused: %r" % text[:300])

    span = meter.Span(server.pid)
    shared_out(server, images, one)
    span.answered()
    return {"jobs": len(images), **span.done()}


def counted(server, images):
    """What was acknowledged is found again."""
    proof, found = server.finding(), 0
    connection = server.connect()
    for study in sorted({ids["study"] for _, ids in images}):
        path = "/dicom-web/studies/%s/instances?limit=200" % study
        text, _ = ask(connection, "GET", path, headers={"Accept": "application/dicom+json", **proof})
        found += len(json.loads(text))
    if found != len(images):
        raise SystemExit("%s: %d stored, %d found" % (server.name, len(images), found))


def render(server, images, count, who, purpose):
    """`count` pictures of the films in turn, whole and as JPEG; the opening of their studies is counted too."""
    sizes, first = [], {}
    span = meter.Span(server.pid)
    proof = server.viewing(who, [ids["study"] for _, ids in images], purpose)

    def one(connection, number):
        ids = images[number % len(images)][1]
        path = "/dicom-web/studies/%(study)s/series/%(series)s/instances/%(instance)s/rendered" % ids
        headers = {"Accept": "image/jpeg", **proof(ids["study"])}
        text, answer = ask(connection, "GET", path, headers=headers)
        sizes.append(len(text))
        first.setdefault(ids["instance"], (text, answer.getheader("Gauze-Fallback")))

    shared_out(server, range(count), one)
    span.answered()
    figures = {"jobs": count, **span.done()}
    figures["body_kb"] = round(sum(sizes) / len(sizes) / 1000)
    looked_at(server, first, figures)
    return figures


def looked_at(server, pictures, figures):
    """Every film came as a picture of its size that is not blank."""
    for text, _ in pictures.values():
        picture = Image.open(io.BytesIO(text)).convert("L")
        low, high = picture.getextrema()
        if picture.size != (2048, 2500) or high - low < 50:
            raise SystemExit("%s: a picture of %s, %d to %d" % (server.name, picture.size, low, high))
    figures["fallbacks"] = sum(1 for _, fallback in pictures.values() if fallback)


def run(make, ct, dx, pictures, trace=None):
    server = make(trace)
    server.start([ids["study"] for _, ids in dx])
    figures = {"version": server.version()}
    try:
        meter.settle(server.pid, 30)
        figures["store_ct"] = store(server, ct)
        counted(server, ct)
        figures["store_films"] = store(server, dx)
        counted(server, dx)
        figures["rendered"] = render(server, dx, pictures, "owes", "report")
        if server.name == "Gauze":
            figures["rendered_visibility"] = server.visibility
            figures["rendered_masked"] = render(server, dx, pictures, "treats", "treatment")
            figures["rendered_masked_visibility"] = server.visibility
    finally:
        server.stop()
    if trace:
        for figure in figures.values():
            if isinstance(figure, dict):
                figure["syncs"] = meter.syncs(trace, figure["window"])
    return figures


def machine():
    with open("/proc/cpuinfo") as file:
        cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "?")
    return "%d cores %s, Linux %s" % (os.cpu_count(), cpu, platform.release())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gauze", required=True)
    parser.add_argument("--folder", required=True, help="made here and removed afterwards; its disk holds both stores")
    parser.add_argument("--out", required=True)
    parser.add_argument("--slices", type=int, default=500)
    parser.add_argument("--films", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--only", choices=["Orthanc", "Gauze"])
    arguments = parser.parse_args()
    os.makedirs(arguments.folder)
    ct, dx = list(films.slices(arguments.slices)), list(films.films(arguments.films))
    few = (ct[:50], dx[:4], 40)
    result = {"machine": machine(), "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "load": os.getloadavg()}
    makers = {
        "Orthanc": lambda name: lambda trace: Orthanc(os.path.join(arguments.folder, name), trace),
        "Gauze": lambda name: lambda trace: Gauze(arguments.gauze, os.path.join(arguments.folder, name), trace),
    }
    try:
        for name, maker in makers.items():
            if arguments.only in (None, name):
                print("%s: timed" % name, file=sys.stderr, flush=True)
                timed = run(maker(name + "-timed"), ct, dx, arguments.pictures)
                print("%s: traced" % name, file=sys.stderr, flush=True)
                trace = os.path.join(arguments.folder, name + ".strace")
                traced = run(maker(name + "-traced"), *few, trace=trace)
                result[name] = {"timed": timed, "traced": traced}
        with open(arguments.out, "w") as file:
            json.dump(result, file, indent=1)
    finally:
        shutil.rmtree(arguments.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
