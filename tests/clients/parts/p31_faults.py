"""A disk that fails: system calls of the running archive return errors while films come in by both doors. Nothing that was
acknowledged may be lost, whatever failed, and nothing that failed may be acknowledged."""

import os
import random
import threading

from lib.films import slices
from lib.http import signed_in
from lib.server import Server, gauze
from parts.p08_kills import ORDER, Sent, _folder, _stow
from parts.p26_powercut import _dimse_till_cut, not_whole

# Call, error, and whether it fails once or from then on.
FAULTS = [("fdatasync", "EIO", ""), ("fdatasync", "EIO", "+"), ("pwrite64", "EIO", ""), ("pwrite64", "ENOSPC", "+"), ("fsync", "EIO", ""),
          ("fallocate", "ENOSPC", "+"), ("renameat2,rename,renameat", "EIO", "+")]
ROUNDS = 4 if os.environ.get("GAUZE_NIGHTLY") else 1


def run(report, place):
    """Each fault some films after the start; then the archive as it is without it."""
    home, sent, chance = place.fresh("faults"), Sent(), random.Random(7)
    failed = 0
    for number, (call, error, on) in enumerate(FAULTS * ROUNDS):
        label = f"{call} {error}{' from then on' if on else ' once'}"
        names, when = call.split(","), chance.randrange(3, 40)
        inject = [word for name in names for word in ("-e", f"inject={name}:error={error}:when={when}{on}")]
        wrap = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", *inject)
        answers = _sent(home, wrap, sent, place.work / f"faultsout{number}")
        failed += answers
        _all_there(report, home, sent, label)
    report.check("the faults were met", failed > 0, f"({failed} films were refused)")
    print(f"   {len(FAULTS) * ROUNDS} faults: {len(sent.raw)} films sent, {len(sent.acknowledged)} acknowledged, all of these whole")


def _sent(home, wrap, sent, folder):
    """Films by both doors; how many of them were refused."""
    try:
        server = Server(home, wrap=wrap).start()
    except AssertionError:
        return 1  # the fault came before it was ready
    before = len(sent.raw) - len(sent.acknowledged)
    try:
        client = signed_in(server, "technologist")
        films = [slices(25, accession=ORDER) for _ in range(3)]
        senders = [threading.Thread(target=_stow, args=(client, sent, some)) for some in films]
        senders.append(threading.Thread(target=_dimse_till_cut, args=(server, sent, _folder(sent, folder))))
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    except AssertionError:
        pass  # nobody could sign in any more
    finally:
        server.kill()
        server.process.wait()
    return len(sent.raw) - len(sent.acknowledged) - before


def _all_there(report, home, sent, label):
    checked = gauze("check", home, "--json")
    report.check(f"{label}: `check` finds no damage", checked.returncode == 0, (checked.stdout + checked.stderr)[-300:])
    with Server(home) as server:
        wrong = not_whole(server, sent)
    report.equal(f"{label}: every acknowledged film is there, bit for bit ({len(sent.acknowledged)})", wrong, [])
