"""The two archives, each on a store of its own, and how one speaks to them."""
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time

import meter

PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
PASSWORD = re.compile(r"[a-zA-Z0-9]{5}(?:-[a-zA-Z0-9]{5}){3}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process that was started here, and its end."""

    def __init__(self, folder, trace=None):
        self.folder, self.trace, self.process = folder, trace, None
        os.makedirs(folder)

    def run(self, command, **options):
        if self.trace:
            command = ["strace", "-f", "--seccomp-bpf", "-y", "-ttt", "-e", "trace=" + meter.SYNCS, "-o", self.trace] + command
        log = open(os.path.join(self.folder, "log"), "w")
        self.process = subprocess.Popen(command, stderr=log, **options)
        return self.process

    @property
    def pid(self):
        """The server's own process: under strace its child, so that strace's work is not counted."""
        own = meter.tree(self.process.pid)
        return own[1] if self.trace and len(own) > 1 else own[0]

    def stop(self):
        try:
            os.kill(self.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise SystemExit("%s does not end on SIGTERM" % self.name)


class Orthanc(Server):
    """Debian's Orthanc, as it is but for the folder, the ports and the DICOMweb plug-in; without TLS and passwords."""

    name = "Orthanc"

    def start(self, _users=None):
        self.port = free_port()
        config = {
            "Name": "bench",
            "StorageDirectory": self.folder,
            "IndexDirectory": self.folder,
            "HttpPort": self.port,
            "DicomPort": free_port(),
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "Plugins": [PLUGIN],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        path = os.path.join(self.folder, "orthanc.json")
        with open(path, "w") as file:
            json.dump(config, file)
        self.run(["Orthanc", path], stdout=subprocess.DEVNULL)
        for _ in range(300):
            try:
                self.connect().close()
                break
            except OSError:
                time.sleep(0.1)

    def version(self):
        text = subprocess.run(["Orthanc", "--version"], capture_output=True, text=True).stdout
        return text.splitlines()[0] if text else "Orthanc"

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.connect()
        return connection

    def storing(self):
        return {}

    def finding(self):
        return {}

    def viewing(self, _who, _studies, _purpose):
        return lambda _study: {}


class Gauze(Server):
    """`gauze serve` on a home of its own, by `gauze init`; TLS, accounts, policy and ledger as always."""

    name = "Gauze"

    def __init__(self, binary, folder, trace=None):
        super().__init__(folder, trace)
        self.binary, self.home, self.passwords = binary, os.path.join(folder, "home"), {}

    def command(self, *arguments):
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit("gauze %s: %s%s" % (" ".join(arguments), done.stdout, done.stderr))
        return done.stdout

    def start(self, ordered):
        """`ordered`: studies that the radiologist owes a report for."""
        self.command("init", self.home, "--plain-key")
        for user, role in (("store", "technologist"), ("owes", "radiologist"), ("treats", "referrer")):
            text = self.command("user", "--home", self.home, "add", user, "--role", role, "--name", user)
            self.passwords[user] = PASSWORD.search(text).group(0)
        for study in ordered:
            self.command("user", "--home", self.home, "order", "owes", "--study", study)
        port = "127.0.0.1:0"
        environment = dict(os.environ, GAUZE_HTTPS=port, GAUZE_DIMSE_TLS=port)
        self.run([self.binary, "serve", self.home], stdout=subprocess.PIPE, text=True, env=environment)
        ready = self.process.stdout.readline()
        if not ready.startswith("ready "):
            raise SystemExit("gauze did not start: see %s/log" % self.folder)
        self.ready = json.loads(ready[6:])
        self.tls = self.context()

    def context(self):
        return ssl.create_default_context(cafile=self.ready["ca"])

    def version(self):
        return self.command("--version").strip()

    def connect(self):
        host, port = self.ready["https"].rsplit(":", 1)
        connection = http.client.HTTPSConnection(host, int(port), context=self.tls, timeout=120)
        connection.connect()
        return connection

    def post(self, path, body, headers=None):
        connection = self.connect()
        headers = {"Content-Type": "application/json", **(headers or {})}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit("%s: %d %r" % (path, answer.status, text[:300]))
        return json.loads(text), answer.headers.get_all("Set-Cookie") or []

    def sign_in(self, user):
        _, cookies = self.post("/auth/sign-in", {"user": user, "password": self.passwords[user]})
        return {"Cookie": cookies[0].split(";")[0]}

    def storing(self):
        return self.sign_in("store")

    def finding(self):
        return self.sign_in("owes")

    def viewing(self, who, studies, purpose):
        """Opens each study, as a viewer would, and answers what a request for its pixels shows."""
        session = self.sign_in(who)
        tokens = {}
        for study in studies:
            body = {"purpose": purpose, "reason": "bench"}
            opened, _ = self.post("/api/v1/studies/%s/open" % study, body, session)
            tokens[study] = "Bearer " + opened["token"]
            self.visibility = opened["visibility"]
        return lambda study: {"Authorization": tokens[study]}
