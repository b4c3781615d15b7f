"""The binary under test: homes, starting, stopping."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

TARGET = Path(os.environ["CARGO_TARGET_DIR"]) / "release"
GAUZE = TARGET / "gauze"
ROOT = Path(__file__).resolve().parents[3]
DEADLINE = 180


def environment(**more):
    """Ports that are free, English texts."""
    free = "127.0.0.1:0"
    fixed = {"GAUZE_HTTPS": free, "GAUZE_DIMSE": free, "GAUZE_DIMSE_TLS": free, "LC_ALL": "C.UTF-8"}
    return {**os.environ, **fixed, **more}


def gauze(*arguments, status=None, text=None, **env):
    """Runs a command; asserts its exit status when one is given."""
    done = subprocess.run(
        [str(GAUZE), *map(str, arguments)], capture_output=True, text=True, input=text or "", timeout=DEADLINE,
        env=environment(**env), check=False,
    )
    if status is not None and done.returncode != status:
        raise AssertionError(f"gauze {arguments[0]}: {done.returncode}, not {status}: {done.stderr[-500:]}")
    return done


class Server:
    """A running archive. Knows nothing but what `ready` and the files beside the keys say."""

    def __init__(self, home, *, command="demo", program=GAUZE, wrap=(), env=None):
        self.home, self.command, self.program = Path(home), command, program
        self.wrap, self.env = list(wrap), env or {}
        self.process = None

    def start(self):
        """Starts and waits for `ready`."""
        since = time.monotonic()
        self.errors = self.home.parent / f"{self.home.name}.{time.monotonic_ns()}.log"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [*self.wrap, str(self.program), self.command, str(self.home)], stdout=subprocess.PIPE,
                stderr=errors, env=environment(**self.env),
            )
        line = self.process.stdout.readline().decode()
        self.start_seconds = time.monotonic() - since
        if not line.startswith("ready "):
            self.process.wait(timeout=10)
            raise AssertionError(f"no `ready`: {line!r} {self.errors.read_text()[-800:]}")
        self.ready = json.loads(line.removeprefix("ready "))
        self.host, port = self.ready["https"].rsplit(":", 1)
        self.port = int(port)
        self.ca = self.ready["ca"]
        tls = self.home / "keys" / "tls"
        self.modality = (str(tls / "modality.key"), str(tls / "modality.pem"))
        accounts = self.home / "keys" / "accounts.json"
        self.accounts = {a["role"]: a for a in json.loads(accounts.read_text())}
        return self

    @property
    def pid(self):
        """The archive's own process, also behind a wrapper."""
        if not self.wrap:
            return self.process.pid
        children, found = [self.process.pid], None
        while children:
            one = children.pop()
            if Path(f"/proc/{one}/comm").read_text().strip() == self.program.name[:15]:
                found = one
            listed = Path(f"/proc/{one}/task/{one}/children").read_text().split()
            children.extend(int(child) for child in listed)
        if found is None:
            raise AssertionError(f"no process named {self.program.name} behind {self.wrap[0]}")
        return found

    def memory_peak(self):
        """Largest resident memory so far, bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def stop(self):
        """SIGTERM; exit status and seconds."""
        since = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        status = self.process.wait(timeout=20)
        return status, time.monotonic() - since

    def kill(self):
        """As a power cut would, for this process."""
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait(timeout=20)

    def log(self):
        """What it wrote on standard error."""
        return self.errors.read_bytes()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def copy_home(template, to):
    """A stopped home, copied."""
    shutil.copytree(template, to, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    return Path(to)


def with_machines(text, machines):
    """`gauze.toml` with more machines, which show the demo's certificate of `bench` (`{certificate}` in their text)."""
    certificate = re.search(r'name = "bench"\ncertificate = "([0-9a-f]{64})"', text).group(1)
    return text + machines.format(certificate=certificate)


def set_config(home, change):
    """Changes `gauze.toml` by a function of its text."""
    path = Path(home) / "gauze.toml"
    path.write_text(change(path.read_text()))
