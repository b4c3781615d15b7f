"""A plain HTTPS client with the archive's cookies; multipart by hand, so that nothing is repaired on the way."""

import http.client
import json
import ssl
import threading
import time
from dataclasses import dataclass
from email.message import Message


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    @property
    def media(self):
        """Media type without parameters."""
        return (self.headers.get("content-type") or "").split(";")[0].strip().lower()

    def json(self):
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self):
        """The stable word of a problem."""
        try:
            return self.json().get("code", "")
        except (ValueError, AttributeError):
            return ""

    def cookie(self, name):
        """Value of a cookie that was set."""
        for line in self.headers.get_all("set-cookie") or []:
            key, _, rest = line.partition("=")
            if key.strip() == name:
                return rest.split(";")[0]
        return None

    def parts(self):
        """Parts of a multipart body: (headers, bytes); a body that is none is one part."""
        if not self.media.startswith("multipart/"):
            return [(dict(self.headers.items()), self.body)]
        header = Message()
        header["content-type"] = self.headers["content-type"]
        return split(self.body, header.get_param("boundary"))


def split(body, boundary):
    """RFC 2046 §5.1.1."""
    mark, out = b"--" + boundary.encode(), []
    for piece in (b"\r\n" + body).split(b"\r\n" + mark)[1:]:
        if piece.startswith(b"--"):
            return out
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = [line.split(":", 1) for line in head.decode("latin-1").split("\r\n") if ":" in line]
        out.append(({k.strip().lower(): v.strip() for k, v in lines}, content))
    raise AssertionError("the multipart body has no end")


def related(files, media="application/dicom", boundary="gauze-test-boundary-7a1f"):
    """A multipart/related body of files, and its content type."""
    pieces = []
    for content in files:
        pieces += [f"--{boundary}\r\nContent-Type: {media}\r\n\r\n".encode(), content, b"\r\n"]
    body = b"".join(pieces) + f"--{boundary}--\r\n".encode()
    return body, f'multipart/related; type="{media}"; boundary={boundary}'


class Client:
    """One caller: a connection a thread, cookies kept by hand."""

    def __init__(self, server):
        self.server = server
        self.context = ssl.create_default_context(cafile=server.ca)
        self.session = self.view = None
        self._local = threading.local()

    def connection(self):
        """The thread's connection."""
        # The archive ends a connection that was silent for 15 s; what is not repeated (a POST) must not meet that end.
        if time.monotonic() - getattr(self._local, "used", 0) > 8:
            self.close()
        self._local.used = time.monotonic()
        if not hasattr(self._local, "open"):
            self._local.open = http.client.HTTPSConnection(
                self.server.host, self.server.port, context=self.context, timeout=60
            )
        return self._local.open

    def close(self):
        """Ends the thread's connection."""
        if hasattr(self._local, "open"):
            self._local.open.close()
            del self._local.open

    def cookies(self, session=..., view=...):
        """The cookie header."""
        session = self.session if session is ... else session
        view = self.view if view is ... else view
        pairs = [("__Host-gauze-session", session), ("__Host-gauze-view", view)]
        return "; ".join(f"{name}={value}" for name, value in pairs if value)

    def ask(self, method, path, *, body=None, accept=None, token=None, cookie=None, kind=None, headers=None):
        """One request. `cookie=""`: none; a token replaces the cookies."""
        send = dict(headers or {})
        cookie = self.cookies() if cookie is None and token is None else cookie
        if cookie:
            send["Cookie"] = cookie
        if token:
            send["Authorization"] = f"Bearer {token}"
        if accept:
            send["Accept"] = accept
        if isinstance(body, dict):
            body, kind = json.dumps(body).encode(), kind or "application/json"
        if kind:
            send["Content-Type"] = kind
        for attempt in (1, 2):
            connection = self.connection()
            try:
                whole = True
                try:
                    connection.request(method, path, body=body or None, headers=send)
                except (ssl.SSLError, BrokenPipeError):
                    whole = False  # refused before the body was read: the answer is there all the same
                answer = connection.getresponse()
                got = Answer(answer.status, answer.headers, answer.read())
                if not whole:
                    self.close()
                return got
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.close()
                if attempt == 2 or method not in ("GET", "HEAD"):
                    raise
        raise AssertionError("unreachable")

    def get(self, path, **more):
        """GET."""
        return self.ask("GET", path, **more)

    def sign_in(self, role):
        """Signs in with the demo's account of a role."""
        account = self.server.accounts[role]
        body = {"user": account["user"], "password": account["password"]}
        answer = self.ask("POST", "/auth/sign-in", body=body, cookie="")
        if answer.status == 200:
            self.session, self.view = answer.cookie("__Host-gauze-session"), None
        return answer

    def open(self, study, purpose, reason=None):
        """Opens a study; keeps the viewing cookie."""
        body = {"purpose": purpose, **({"reason": reason} if reason else {})}
        return self._viewing(self.ask("POST", f"/api/v1/studies/{study}/open", body=body))

    def lift(self, study, reason):
        """Lifts the mask."""
        return self._viewing(self.ask("POST", f"/api/v1/studies/{study}/lift", body={"reason": reason}))

    def _viewing(self, answer):
        self.view = answer.cookie("__Host-gauze-view") or self.view
        return answer

    def stow(self, files, study=None, **more):
        """STOW-RS."""
        body, kind = related(files)
        path = "/dicom-web/studies" + (f"/{study}" if study else "")
        return self.ask("POST", path, body=body, kind=kind, accept="application/dicom+json", **more)

    def find(self, path, **more):
        """QIDO-RS; a list of data sets."""
        answer = self.get("/dicom-web" + path, accept="application/dicom+json", **more)
        return [] if answer.status == 204 or not answer.body else answer.json()


def signed_in(server, role):
    """A client that is signed in."""
    client = Client(server)
    answer = client.sign_in(role)
    if answer.status != 200:
        raise AssertionError(f"{role} cannot sign in: {answer.status} {answer.body[:200]}")
    return client


def wado(film, rest=""):
    """Path of an instance."""
    study, series, instance = film
    return f"/dicom-web/studies/{study}/series/{series}/instances/{instance}{rest}"
