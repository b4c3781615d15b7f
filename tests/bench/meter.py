"""What a server costs: CPU seconds and memory of its whole process tree, and its syncs, all read from outside."""
import os
import re
import time

TICK = os.sysconf("SC_CLK_TCK")
SYNCS = "fsync,fdatasync,sync_file_range,msync,syncfs,sync"


def _stat(pid):
    """Fields of /proc/PID/stat after the name, which may hold anything."""
    with open("/proc/%d/stat" % pid) as file:
        return file.read().rpartition(")")[2].split()


def tree(root):
    """The process and all its descendants."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(_stat(int(name))[1])
            except (OSError, IndexError):
                continue
    found, new = [], [root]
    while new:
        found += new
        new = [pid for pid, parent in parents.items() if parent in new]
    return found


def cpu_s(root):
    """User and system seconds of the tree, ended children included."""
    ticks = 0
    for pid in tree(root):
        try:
            ticks += sum(int(t) for t in _stat(pid)[11:15])
        except OSError:
            continue
    return ticks / TICK


def machine_cpu_s():
    """Busy seconds of all cores: what is not ours shows how much else ran."""
    with open("/proc/stat") as file:
        user, nice, system, _idle, _wait, irq, soft = map(int, file.readline().split()[1:8])
    return (user + nice + system + irq + soft) / TICK


def forget_peak(root):
    """Peak memory counts from here (proc(5), clear_refs)."""
    for pid in tree(root):
        with open("/proc/%d/clear_refs" % pid, "w") as file:
            file.write("5")


def peak_mb(root):
    """Highest resident memory since then, all processes added up."""
    total = 0
    for pid in tree(root):
        with open("/proc/%d/status" % pid) as file:
            total += int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1))
    return total / 1024


def settle(root, limit_s=900):
    """Waits until the server has done what it still does after its last answer: 2 s at less than 3 % of a core."""
    before, end = cpu_s(root), time.monotonic() + limit_s
    while time.monotonic() < end:
        time.sleep(2)
        now = cpu_s(root)
        if now - before <= 0.06:
            return True
        before = now
    return False


class Span:
    """Figures between its begin and its end."""

    def __init__(self, root):
        self.root = root
        forget_peak(root)
        self.cpu, self.all, self.wall = cpu_s(root), machine_cpu_s(), time.monotonic()
        self.own = sum(os.times()[:2])
        self.began = time.time()

    def answered(self):
        """The last answer is in."""
        self.answer_wall_s = time.monotonic() - self.wall
        self.answer_cpu_s = cpu_s(self.root) - self.cpu
        self.answered_at = time.time()

    def done(self):
        """All work is done, also what went on after the last answer."""
        settled = settle(self.root)
        cpu = cpu_s(self.root) - self.cpu
        return {
            "cpu_s": round(cpu, 2),
            "cpu_until_last_answer_s": round(self.answer_cpu_s, 2),
            "wall_s": round(self.answer_wall_s, 2),
            "peak_mb": round(peak_mb(self.root)),
            "client_cpu_s": round(sum(os.times()[:2]) - self.own, 2),
            "others_cpu_s": round(machine_cpu_s() - self.all - cpu - (sum(os.times()[:2]) - self.own), 2),
            "settled": settled,
            "window": (self.began, self.answered_at, time.time()),
        }


PLACES = (("/intake", "log"), ("/blobs", "objects"), ("/spool", "objects"), ("/packs", "packs"), (".sqlite", "tables"), ("/ledger", "tiles"), ("/keys", "keys"))


def syncs(trace, window):
    """Sync calls in a file of `strace -y`, by what was synced, until the last answer and afterwards."""
    began, answered, ended = window
    counts = {"until_last_answer": {}, "afterwards": {}}
    with open(trace, errors="replace") as file:
        for line in file:
            call = re.match(r"(?:\d+\s+)?(\d+\.\d+) (\w+)\((?:\d+<([^>]*)>)?", line)
            if not call or not began <= float(call.group(1)) <= ended:
                continue
            path = call.group(3) or ""
            place = next((name for part, name in PLACES if part in path), "files")
            when = "until_last_answer" if float(call.group(1)) <= answered else "afterwards"
            counts[when][place] = counts[when].get(place, 0) + 1
    return counts
