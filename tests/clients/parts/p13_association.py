"""What DCMTK's tools do not ask for, with pynetdicom: negotiation, cancelling, storage commitment, and a move that outlives
the archive's process."""

import io
import ssl
import threading
import time

import pydicom
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation
from pynetdicom.sop_class import (
    CTImageStorage, PatientRootQueryRetrieveInformationModelFind, StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance, StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet, StudyRootQueryRetrieveInformationModelMove, Verification,
)

from lib import dimse
from lib.films import new_uid, slices
from lib.http import signed_in
from lib.server import Server, set_config
from lib.tally import Tally

COUNT = 40


def run(report, place):
    """One archive for all; the last part kills it."""
    home = place.fresh("association")
    ports = {"127.0.0.1:11113": dimse.free_port(), "127.0.0.1:4251": dimse.free_port()}

    def book(text):
        for address, port in ports.items():
            text = text.replace(address, f"127.0.0.1:{port}")
        return text

    set_config(home, book)
    study = new_uid()
    with Server(home) as server:
        tally = Tally(server)
        stored = slices(COUNT, study=study)
        technologist = signed_in(server, "technologist")
        for at in range(0, COUNT, 10):
            technologist.stow([raw for _, raw in stored[at : at + 10]])
        _negotiated(report, server)
        _relational(report, server, study)
        _implicit(report, server, stored)
        _cancelled(report, server, study)
        _cancelled_move(report, server, study, ports)
        _committed(report, server, stored, ports)
        report.equal("commitments are in the ledger", len(tally.entries("commitment-asked")), 3)
    _restarted(report, home, study, ports)


def tls(server, name):
    """A client's TLS as pynetdicom wants it."""
    context = ssl.create_default_context(cafile=server.ca)
    context.check_hostname = False
    folder = server.home / "keys" / "tls"
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context, None


def associate(server, name, title, contexts, extended=(), handlers=(), pdu=16382):
    """An association as one of the demo's machines."""
    entity = AE(title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 30
    for context in contexts:
        entity.add_requested_context(*context) if isinstance(context, tuple) else entity.add_requested_context(context)
    host, port = server.ready["dimse_tls"].rsplit(":", 1)
    return entity.associate(host, int(port), ae_title="GAUZE", tls_args=tls(server, name), ext_neg=list(extended),
                            evt_handlers=list(handlers), max_pdu=pdu)


def _extended(uid, info):
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid, item.service_class_application_information = uid, info
    return item


def _query(**values):
    query = Dataset()
    for key, value in values.items():
        setattr(query, key, value)
    return query


def _negotiated(report, server):
    contexts = [Verification, StudyRootQueryRetrieveInformationModelFind, (CTImageStorage, "1.2.840.10008.1.2.4.90"), "1.2.3.4"]
    asked = _extended(StudyRootQueryRetrieveInformationModelFind, b"\1\1\1\1\1")
    role = build_role(CTImageStorage, scp_role=True, scu_role=True)
    held = associate(server, "bench", "BENCH", contexts, [asked, role])
    report.check("pynetdicom associates", held.is_established)
    report.equal("accepted: what is supported", len(held.accepted_contexts), 3)
    report.equal("rejected: abstract syntax not supported", [c.result for c in held.rejected_contexts], [3])
    report.equal("C-ECHO", held.send_c_echo().Status, 0)
    answered = held.acceptor.sop_class_extended
    report.equal("extended negotiation, byte by byte", answered.get(StudyRootQueryRetrieveInformationModelFind), b"\1\1\1\0\0")
    ct = [c for c in held.accepted_contexts if c.abstract_syntax == CTImageStorage]
    report.check("the requester may be provider of storage", ct and ct[0].as_scp and ct[0].as_scu)
    held.release()
    report.check("and releases", held.is_released)
    small = associate(server, "bench", "BENCH", [StudyRootQueryRetrieveInformationModelFind], pdu=1024)
    found = list(small.send_c_find(_query(QueryRetrieveLevel="STUDY", PatientName=""), StudyRootQueryRetrieveInformationModelFind))
    report.check("a peer with PDUs of 1 KiB is answered in them", len(found) > 5 and found[-1][0].Status == 0, f"({len(found)})")
    small.release()
    with open(server.errors, "rb") as log:
        report.check("nothing was logged of anybody", b"PROBE" not in log.read().upper())


def _relational(report, server, study):
    """Levels above need not be named once both sides agreed (PS3.4 C.4.1.2.2)."""
    model = StudyRootQueryRetrieveInformationModelFind
    query = _query(QueryRetrieveLevel="IMAGE", SOPInstanceUID="", PatientID="GZ-9001")
    plain = associate(server, "bench", "BENCH", [model])
    status = list(plain.send_c_find(query, model))[-1][0].Status
    report.equal("instances of nobody's study, not negotiated", status, 0xA900)
    plain.release()
    held = associate(server, "bench", "BENCH", [model], [_extended(model, b"\1")])
    found = [a for s, a in held.send_c_find(query, model) if s.Status in (0xFF00, 0xFF01)]
    report.equal("the same, negotiated", len(found), COUNT)
    held.release()
    patients = associate(server, "bench", "BENCH", [PatientRootQueryRetrieveInformationModelFind])
    found = [a for s, a in patients.send_c_find(_query(QueryRetrieveLevel="PATIENT", PatientID="GZ-9001", NumberOfPatientRelatedInstances=""),
                                                PatientRootQueryRetrieveInformationModelFind) if a]
    report.equal("a patient's instances are counted", [str(a.get("NumberOfPatientRelatedInstances")) for a in found], [str(COUNT)])
    patients.release()


def _get_contexts():
    return [StudyRootQueryRetrieveInformationModelGet, CTImageStorage, Verification], [build_role(CTImageStorage, scp_role=True)]


def _cancelled(report, server, study):
    came = []

    def stored(event):
        came.append(event.dataset.SOPInstanceUID)
        if len(came) == 3:
            event.assoc.send_c_cancel(1, query_model=StudyRootQueryRetrieveInformationModelGet)
        return 0 if len(came) != 2 else 0xB000

    contexts, roles = _get_contexts()
    held = associate(server, "bench", "BENCH", contexts, roles, [(evt.EVT_C_STORE, stored)])
    query = _query(QueryRetrieveLevel="STUDY", StudyInstanceUID=study)
    answers = list(held.send_c_get(query, StudyRootQueryRetrieveInformationModelGet, msg_id=1))
    last = answers[-1][0]
    report.equal("C-GET, cancelled: 0xfe00", last.Status, 0xFE00)
    counted = (last.NumberOfRemainingSuboperations, last.NumberOfCompletedSuboperations, last.NumberOfWarningSuboperations)
    report.check("with numbers that add up", sum(counted) == COUNT and counted[2] == 1 and len(came) == counted[1] + 1, str(counted))
    report.check("long before the end", 3 <= len(came) <= 6, f"({len(came)})")
    again = held.send_c_echo()
    report.equal("and the association goes on", again.Status, 0)
    held.release()
    contexts, _ = _get_contexts()
    bare = associate(server, "bench", "BENCH", contexts)
    last = list(bare.send_c_get(query, StudyRootQueryRetrieveInformationModelGet))[-1]
    report.equal("C-GET without the role: all fail, 0xa702", (last[0].Status, last[0].NumberOfFailedSuboperations), (0xA702, COUNT))
    failed = last[1].get("FailedSOPInstanceUIDList") if last[1] else None
    report.equal("and are named", len(failed or []), COUNT)
    bare.release()


def _implicit(report, server, stored):
    """Stored explicit, fetched implicit: the same values."""
    came = []
    taken = [(evt.EVT_C_STORE, lambda event: came.append((event.context.transfer_syntax, event.dataset)) or 0)]
    contexts = [StudyRootQueryRetrieveInformationModelGet, (CTImageStorage, "1.2.840.10008.1.2")]
    held = associate(server, "bench", "BENCH", contexts, [build_role(CTImageStorage, scp_role=True)], taken)
    (study, series, instance), raw = stored[0]
    query = _query(QueryRetrieveLevel="IMAGE", StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID=instance)
    last = list(held.send_c_get(query, StudyRootQueryRetrieveInformationModelGet))[-1][0]
    report.equal("C-GET of what was stored explicit over an implicit context", last.Status, 0)
    report.equal("comes implicit", [syntax for syntax, _ in came], ["1.2.840.10008.1.2"])
    sent = pydicom.dcmread(io.BytesIO(raw))
    report.check("with the same values", came and all(came[0][1][e.tag].value == e.value for e in sent) and len(came[0][1]) == len(sent))
    held.release()


class Receiver:
    """A storage provider over TLS that takes its time."""

    def __init__(self, server, port, *, pause=0.0, contexts=(CTImageStorage,)):
        self.came, self.reports, self.pause = [], [], pause
        entity = AE("READER")
        for context in contexts:
            entity.add_supported_context(context, scu_role=True, scp_role=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        folder = server.home / "keys" / "tls"
        context.load_cert_chain(folder / "reader.pem", folder / "reader.key")
        context.load_verify_locations(server.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_N_EVENT_REPORT, self._report)]
        self.server = entity.start_server(("127.0.0.1", port), block=False, ssl_context=context, evt_handlers=handlers)

    def _store(self, event):
        time.sleep(self.pause)
        self.came.append(event.dataset.SOPInstanceUID)
        return 0

    def _report(self, event):
        self.reports.append((event.event_type, event.event_information))
        return 0, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()


def _cancelled_move(report, server, study, ports):
    model = StudyRootQueryRetrieveInformationModelMove
    query = _query(QueryRetrieveLevel="STUDY", StudyInstanceUID=study)
    with Receiver(server, ports["127.0.0.1:11113"], pause=0.05) as receiver:
        held = associate(server, "bench", "BENCH", [model])
        statuses = []
        for status, _ in held.send_c_move(query, "READER", model, msg_id=5):
            statuses.append(status)
            if len(statuses) == 3:
                held.send_c_cancel(5, query_model=model)
        last = statuses[-1]
        report.equal("C-MOVE, cancelled: 0xfe00", last.Status, 0xFE00)
        report.check("numbers of the pending answers fall", [s.NumberOfRemainingSuboperations for s in statuses[:3]] == [COUNT - 1, COUNT - 2, COUNT - 3],
                     str([s.get("NumberOfRemainingSuboperations") for s in statuses[:3]]))
        report.check("what was sent was counted", len(receiver.came) == last.NumberOfCompletedSuboperations < COUNT, f"({len(receiver.came)})")
        held.release()


def _action(transaction, references):
    action = Dataset()
    action.TransactionUID = transaction
    action.ReferencedSOPSequence = []
    for sop_class, instance in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
        action.ReferencedSOPSequence.append(item)
    return action


def _wait(condition, seconds=20):
    since = time.monotonic()
    while not condition() and time.monotonic() - since < seconds:
        time.sleep(0.05)
    return condition()


def _committed(report, server, stored, ports):
    """On the association that asked; on a new one for who released; what is not here is said."""
    kept = [(CTImageStorage, name[2]) for name, _ in stored[:5]]
    lost = (CTImageStorage, new_uid())
    reports = []

    def taken(event):
        reports.append((event.event_type, event.event_information))
        return 0, None

    held = associate(server, "bench", "BENCH", [StorageCommitmentPushModel], handlers=[(evt.EVT_N_EVENT_REPORT, taken)])
    transaction = new_uid()
    status, _ = held.send_n_action(_action(transaction, [*kept, lost]), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
    report.equal("N-ACTION", status.Status, 0)
    report.check("the report comes on the same association", _wait(lambda: reports))
    kind, said = reports[0] if reports else (0, Dataset())
    report.equal("some failed", kind, 2)
    report.equal("for this transaction", said.get("TransactionUID"), transaction)
    report.equal("what is kept", {i.ReferencedSOPInstanceUID for i in said.get("ReferencedSOPSequence", [])}, {uid for _, uid in kept})
    failed = [(i.ReferencedSOPInstanceUID, i.FailureReason) for i in said.get("FailedSOPSequence", [])]
    report.equal("what is not, and why", failed, [(lost[1], 0x0112)])
    for label, action, kind, instance, expected in (
        ("another action", _action(new_uid(), kept), 2, StorageCommitmentPushModelInstance, 0x0123),
        ("another instance", _action(new_uid(), kept), 1, "1.2.3", 0x0112),
        ("no references", _action(new_uid(), []), 1, StorageCommitmentPushModelInstance, 0x0115),
    ):
        status, _ = held.send_n_action(action, kind, StorageCommitmentPushModel, instance)
        report.equal(f"N-ACTION, {label}", status.Status, expected)
    held.release()
    with Receiver(server, ports["127.0.0.1:11113"], contexts=(StorageCommitmentPushModel,)) as receiver:
        held = associate(server, "reader", "READER", [StorageCommitmentPushModel])
        status, _ = held.send_n_action(_action(new_uid(), kept), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
        held.release()
        report.check("who releases at once is called", status.Status == 0 and _wait(lambda: receiver.reports), f"({status})")
        report.equal("all are committed", [kind for kind, _ in receiver.reports], [1])
    held = associate(server, "reader", "READER", [StorageCommitmentPushModel])
    held.send_n_action(_action(new_uid(), kept), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
    held.release()


def _restarted(report, home, study, ports):
    """Killed while it sends, it sends the rest when it is back; and the report that nobody took above is told now."""
    model = StudyRootQueryRetrieveInformationModelMove
    query = _query(QueryRetrieveLevel="STUDY", StudyInstanceUID=study)
    server = Server(home).start()
    receiver = Receiver(server, ports["127.0.0.1:11113"], pause=0.05, contexts=(CTImageStorage, StorageCommitmentPushModel))
    with receiver:
        for end in (Server.kill, Server.stop):
            receiver.came.clear()
            held = associate(server, "bench", "BENCH", [model])
            answers = threading.Thread(target=lambda asked=held: list(asked.send_c_move(query, "READER", model)), daemon=True)
            answers.start()
            report.check(f"{end.__name__}: some are sent", _wait(lambda: len(receiver.came) > 3))
            end(server)
            before = len(receiver.came)
            report.check(f"{end.__name__}: not all of them", before < COUNT, f"({before})")
            held.abort()
            server = Server(home).start()
            report.check(f"{end.__name__}: after the next start the rest follows, with nobody asking",
                         _wait(lambda: len(set(receiver.came)) == COUNT, 60), f"({len(set(receiver.came))} of {COUNT})")
        report.check("and the report that was owed", _wait(lambda: receiver.reports, 90), f"({len(receiver.reports)})")
        server.stop()
