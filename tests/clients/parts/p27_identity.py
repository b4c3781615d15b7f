"""Who works at a machine (PS3.7 §D.3.3.7), with pynetdicom and DCMTK: what leaves is what machine and person both may see."""

import io
import socket
import struct

import pydicom
from pynetdicom import build_role, evt
from pynetdicom.pdu_primitives import UserIdentityNegotiation
from pynetdicom.sop_class import (
    CTImageStorage, DigitalXRayImageStorageForPresentation, ModalityWorklistInformationFind, StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet, StudyRootQueryRetrieveInformationModelMove,
)

from lib import dimse
from lib.films import demo_film, to_bytes
from lib.http import signed_in
from lib.server import Server, gauze, set_config, with_machines
from lib.tally import Tally
from parts.p12_dimse import SCREEN
from parts.p13_association import Receiver, _query, associate, tls

FIND, GET, MOVE = (StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelGet,
                   StudyRootQueryRetrieveInformationModelMove)
NOT_AUTHORISED = 0x0124


def run(report, place):
    """A workstation that all sign in at."""
    home = place.fresh("identity")
    port = dimse.free_port()
    set_config(home, lambda text: with_machines(text.replace("127.0.0.1:11113", f"127.0.0.1:{port}"), SCREEN))
    with Server(home) as server:
        tally = Tally(server)
        anna, max_ = demo_film("anna-chest"), demo_film("max-chest")
        _passwords(report, server, (anna, max_))
        _narrower(report, server, (anna, max_))
        _refused(report, server, tally)
        _tokens(report, server, anna)
        _passed_over(report, server)
        _storing(report, server, tally, place)
        _moves(report, server, (anna, max_), port)
        _recorded(report, server, tally, anna)


def identity(user, password=None, *, kind=2, answer=True):
    """A 58H item."""
    item = UserIdentityNegotiation()
    item.user_identity_type = kind
    item.primary_field = user.encode()
    item.secondary_field = (password or "").encode()
    item.positive_response_requested = answer
    return item


def account(server, role):
    """Name and password."""
    return server.accounts[role]["user"], server.accounts[role]["password"]


class Desk:
    """Somebody at a machine."""

    def __init__(self, server, shown, title="BENCH"):
        self.came = []

        def stored(event):
            self.came.append((str(event.request.AffectedSOPInstanceUID), event.dataset))
            return 0

        classes = {demo_film(name).SOPClassUID for name in ("anna-chest", "max-chest")} | {DigitalXRayImageStorageForPresentation}
        roles = [build_role(uid, scp_role=True) for uid in classes]
        ext = [*roles, shown] if shown is not None else roles
        self.held = associate(server, "bench", title, [FIND, GET, MOVE, ModalityWorklistInformationFind, *classes], ext,
                              [(evt.EVT_C_STORE, stored)])

    def find(self, **keys):
        """Status at the end, and the answers."""
        answers = list(self.held.send_c_find(_query(QueryRetrieveLevel="STUDY", StudyInstanceUID="", **keys), FIND))
        return answers[-1][0].get("Status"), [a for s, a in answers if s.get("Status") in (0xFF00, 0xFF01)]

    def get(self, film):
        """Status at the end, and what came of the study."""
        self.came.clear()
        query = _query(QueryRetrieveLevel="STUDY", StudyInstanceUID=film.StudyInstanceUID)
        status = list(self.held.send_c_get(query, GET))[-1][0].get("Status")
        return status, list(self.came)

    def sees(self, film):
        """How the film came."""
        _, came = self.get(film)
        if not came:
            return "nothing"
        return "clear" if any(uid == film.SOPInstanceUID for uid, _ in came) else "masked"


def _passwords(report, server, films):
    anna, max_ = films
    expected = {None: ("clear", "clear"), "radiologist": ("clear", "masked"), "referrer": ("masked", "nothing")}
    for role, sees in expected.items():
        desk = Desk(server, role and identity(*account(server, role)))
        report.check(f"{role or 'nobody'} at the machine: the association stands", desk.held.is_established)
        answered = desk.held.acceptor.user_identity is not None if role else True
        report.check(f"{role or 'nobody'}: accepted, and said so", answered)
        report.equal(f"{role or 'nobody'} sees", (desk.sees(anna), desk.sees(max_)), sees)
        report.check(f"{role or 'nobody'} finds", desk.find()[0] == 0 and len(desk.find()[1]) > 5)
        desk.held.release()
    silent = Desk(server, identity(*account(server, "radiologist"), answer=False))
    report.check("not asked, not answered", silent.held.is_established and silent.held.acceptor.user_identity is None)
    silent.held.release()


def _narrower(report, server, films):
    anna, max_ = films
    desk = Desk(server, identity(*account(server, "radiologist")), "SCREEN")
    report.equal("a machine that sees masked, and a doctor who sees clear", (desk.sees(anna), desk.sees(max_)), ("masked", "masked"))
    desk.held.release()
    for role in ("officer", "admin", "vendor", "technologist", "researcher", "patient"):
        desk = Desk(server, identity(*account(server, role)))
        report.check(f"{role} at the machine: the association stands", desk.held.is_established)
        report.equal(f"{role} finds nothing by it", desk.find(), (NOT_AUTHORISED, []))
        report.equal(f"{role} gets nothing by it", desk.get(anna), (NOT_AUTHORISED, []) if role not in ("researcher", "patient") else desk.get(anna))
        report.equal(f"{role} sees nothing by it", desk.sees(anna), "nothing")
        desk.held.release()


def _answer(server, shown):
    """What the archive answers to a bare request with this identity."""
    def item(kind, body):
        return struct.pack(">BBH", kind, 0, len(body)) + body

    context, _ = tls(server, "bench")
    host, port = server.ready["dimse_tls"].rsplit(":", 1)
    first, second = shown.primary_field, shown.secondary_field or b""
    who = struct.pack(">BBH", shown.user_identity_type, 1, len(first)) + first + struct.pack(">H", len(second)) + second
    proposed = b"\1\0\0\0" + item(0x30, FIND.encode()) + item(0x40, dimse.IMPLICIT.encode())
    user = item(0x51, struct.pack(">I", 16384)) + item(0x52, b"2.25.1") + item(0x58, who)
    body = struct.pack(">HH16s16s32x", 1, 0, b"GAUZE".ljust(16), b"BENCH".ljust(16))
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, proposed) + item(0x50, user)
    with context.wrap_socket(socket.create_connection((host, int(port)), timeout=30)) as held:
        held.sendall(struct.pack(">BBI", 1, 0, len(body)) + body)
        return held.recv(10)


def _refused(report, server, tally):
    user, password = account(server, "radiologist")
    wrong = [
        ("a wrong password", identity(user, password + "x")), ("an unknown account", identity("nobody", password)),
        ("a password too many", identity(user, password + password)), ("a token that is none", identity("gzs_" + "A" * 43, kind=5)),
        ("a web token of somebody's", identity("eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb3NhIn0.", kind=5)),
    ]
    for what, shown in wrong:
        report.check(f"{what}: no association", not Desk(server, shown).held.is_established)
        # pynetdicom calls a rejection that comes before its own thread looks an abort, so the bytes are looked at.
        report.equal(f"{what}: rejected by the service user, for good", _answer(server, shown), bytes.fromhex("03000000000400010101"))
    report.equal("a wrong password is recorded", len(tally.entries("sign-in-refused")), 1)
    with open(server.errors, "rb") as log:
        said = [line for line in log.read().splitlines() if password.encode() in line]
    report.check("no password is logged, but the demo's own list", not [line for line in said if b"dimse" in line.lower()], str(said))


def _tokens(report, server, anna):
    doctor = signed_in(server, "radiologist")
    desk = Desk(server, identity(doctor.session, kind=5))
    report.equal("a session's token", desk.sees(anna), "clear")
    bearer = doctor.open(anna.StudyInstanceUID, "report").json()["token"]
    report.equal("the token of one study is no identity", _answer(server, identity(bearer, kind=5))[:1], b"\3")
    report.equal("signed out elsewhere", doctor.ask("POST", "/auth/sign-out", body={}).status, 204)
    report.equal("then nothing is found", desk.find()[0], NOT_AUTHORISED)
    report.equal("and nothing leaves", desk.get(anna), (NOT_AUTHORISED, []))
    report.equal("and nobody begins with it", _answer(server, identity(doctor.session, kind=5))[:1], b"\3")
    desk.held.release()


def _passed_over(report, server):
    user, _ = account(server, "officer")
    for kind, what in ((1, "a name alone"), (3, "Kerberos"), (4, "SAML")):
        desk = Desk(server, identity(user, kind=kind))
        report.check(f"{what} proves nothing: the machine by itself, and no word of it",
                     desk.held.is_established and desk.held.acceptor.user_identity is None)
        report.equal(f"{what}: finds as the machine does", desk.find()[0], 0)
        desk.held.release()


def _storing(report, server, tally, place):
    """DCMTK's own client, with a name and a password."""
    user, password = account(server, "technologist")
    film = pydicom.dcmread(io.BytesIO(to_bytes(demo_film("anna-chest"))))
    film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.2.1125.77.1"
    path = place.work / "identity.dcm"
    path.write_bytes(to_bytes(film))
    own = dimse.machine(server, "bench")
    status, said = dimse.run("storescu", server, *own, "-d", "--user", user, "--password", password, "--pos-response", tls=True,
                             calling="BENCH", files=[path])
    report.check("DCMTK stores as a person", status == 0 and film.SOPInstanceUID in dimse.acknowledged(said), said[-300:])
    entry = tally.entries("stored")[0]
    report.equal("who stored is recorded", (entry["actor"], entry["details"].get("operator")), (user, user))


def _moves(report, server, films, port):
    """What is sent to the workstation is what whoever asked may see."""
    anna, max_ = films
    with Receiver(server, port, contexts=(CTImageStorage, *(film.SOPClassUID for film in films))) as receiver:
        came = receiver.came
        for role, sees in ((None, (True, True)), ("radiologist", (True, False)), ("referrer", (False, False))):
            desk = Desk(server, role and identity(*account(server, role)))
            got = []
            for film in (anna, max_):
                came.clear()
                query = _query(QueryRetrieveLevel="STUDY", StudyInstanceUID=film.StudyInstanceUID)
                list(desk.held.send_c_move(query, "READER", MOVE))
                got.append(film.SOPInstanceUID in came)
            report.equal(f"{role or 'nobody'} has films sent: clear", tuple(got), sees)
            desk.held.release()
        desk = Desk(server, identity(*account(server, "officer")))
        query = _query(QueryRetrieveLevel="STUDY", StudyInstanceUID=anna.StudyInstanceUID)
        came.clear()
        report.equal("the officer has nothing sent", ([s.get("Status") for s, _ in desk.held.send_c_move(query, "READER", MOVE)], came),
                     ([NOT_AUTHORISED], []))
        desk.held.release()


def _recorded(report, server, tally, anna):
    user, _ = account(server, "radiologist")
    entries = [e for e in tally.entries("released") if e.get("study") == anna.StudyInstanceUID]
    report.check("releases name the person", {e["actor"] for e in entries} >= {user, account(server, "referrer")[0], "bench"}, str(entries[:1]))
    ins, outs = (len([e for e in tally.entries(kind) if e["actor"] == user]) for kind in ("signed-in", "signed-out"))
    report.check("whoever signed in by an association is out when it ends", ins >= outs >= 4, f"({ins}, {outs})")
