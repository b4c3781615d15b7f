"""Orders by API, and the modality worklist as DCMTK's `findscu -W` asks for it over TLS (PS3.4 Annex K)."""

import json
import shutil

import pydicom

from lib import dimse
from lib.http import Client, signed_in
from lib.server import Server, gauze, set_config, with_machines
from parts.p22_token import Machine, secret_of

ROOMS = '''
[[device]]
name = "room1"
certificate = "{certificate}"
ae = "ROOM1"
may = ["worklist"]

[[device]]
name = "ris"
certificate = "{certificate}"
ae = "RIS"
may = ["orders"]
'''
DICOM_JSON = "application/dicom+json"


def run(report, place):
    """Orders come in by a person and by a machine, and a modality finds them."""
    home = place.fresh("worklist")
    set_config(home, _agreed)
    secret = secret_of(home, "ris")
    with Server(home) as server:
        technologist, ris = signed_in(server, "technologist"), Machine(server, "ris", secret)
        placed = technologist.ask("POST", "/api/v1/orders?report_by=radiologist", body=_bytes([ORDERS[0], ORDERS[1]]), kind=DICOM_JSON)
        report.equal("a technologist places two orders", placed.status, 204)
        report.equal("a machine agreed for orders places one", ris.ask("POST", "/api/v1/orders", body=_bytes(ORDERS[2]), kind=DICOM_JSON).status, 204)
        room = Room(server, place.work)
        _found(report, room)
        _sets(report, room)
        _wrong(report, server, room, ris)
        _ended(report, technologist, ris, room)
        _ledger(report, server)
        _by_files(report, home, room, place.work)
    with Server(home) as server:
        left = [str(found.AccessionNumber) for found in Room(server, place.work).find()[1]]
        report.equal("what was placed is there after a restart, what ended is not", sorted(left), ["W-1", "W-3"])


def _by_files(report, home, room, work):
    """Orders from files on the command line: DICOM JSON, and the DICOM file of a worklist server, with a Chinese name."""
    listed, single, bad = work / "orders.json", work / "room1.wl", work / "bad.json"
    listed.write_bytes(_bytes([_order("W-7", "GZ-1001", {"Alphabetic": "Probe^Anna"}, "DX", "ROOM1", "20261128", "0800")]))
    item, step = pydicom.Dataset(), pydicom.Dataset()
    item.SpecificCharacterSet, item.PatientName, item.PatientID, item.AccessionNumber = "GB18030", "Wang^Li=王^丽", "GZ-1009", "W-8"
    step.Modality, step.ScheduledStationAETitle, step.ScheduledProcedureStepID = "DX", "ROOM1", "S8"
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = "20261128", "0900"
    item.ScheduledProcedureStepSequence, item.RequestedProcedureID = [step], "R8"
    item.file_meta = pydicom.dataset.FileMetaDataset()
    item.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    item.file_meta.MediaStorageSOPClassUID, item.file_meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.31", "2.25.8"
    item.save_as(single, enforce_file_format=True)
    done = gauze("order", listed, single, "--home", home, "--report-by", "radiologist")
    report.check("both files are scheduled", done.returncode == 0 and done.stderr.startswith("2 items"), done.stderr[-200:])
    found = {str(one.AccessionNumber): one for one in room.find()[1]}
    report.check("the modality is told both", {"W-7", "W-8"} <= set(found), str(sorted(found)))
    report.equal("the name in its letters", str(found.get("W-8", pydicom.Dataset()).get("PatientName")), "Wang^Li=王^丽")
    for label, text in (("no JSON", b"{"), ("what would be lost", b'{"00080020":{"vr":"DA","Value":["20261127"]}}')):
        bad.write_bytes(text)
        refused = gauze("order", bad, "--home", home)
        report.check(f"{label} is refused as a whole", refused.returncode == 1 and "bad.json" in refused.stderr, refused.stderr[-200:])
    ended = gauze("order", "--end", "W-7", "--end", "W-8", "--end", "W-99", "--home", home)
    report.check("ended; one that nobody placed is said", ended.returncode == 1 and "W-99" in ended.stderr and "2 orders ended" in ended.stderr, ended.stderr[-200:])
    report.check("the modality is told neither", not {"W-7", "W-8"} & {str(one.AccessionNumber) for one in room.find()[1]})


def _agreed(text):
    return with_machines(text, ROOMS)


def _order(accession, patient, name, modality, station, date, time, **more):
    step = {"00080060": ("CS", modality), "00400001": ("AE", station), "00400002": ("DA", date), "00400003": ("TM", time),
            "00400007": ("LO", f"Step of {accession}"), "00400009": ("SH", f"S{accession}")}
    top = {"00080050": ("SH", accession), "00100020": ("LO", patient), "00100030": ("DA", "19780512"), "00100040": ("CS", "F"),
           "00321060": ("LO", "Chest, two views"), "00401001": ("SH", f"R{accession}"), **more}
    item = {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in top.items()}
    item["00100010"] = {"vr": "PN", "Value": [name]}
    item["00400100"] = {"vr": "SQ", "Value": [{tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in step.items()}]}
    return item


ORDERS = [
    _order("W-1", "GZ-9001", {"Alphabetic": "Wang^Xiaoli", "Ideographic": "王^小丽"}, "DX", "ROOM1", "20261127", "081500"),
    _order("W-2", "GZ-9002", {"Alphabetic": "Probe^Paul"}, "DX", "ROOM2", "20261127", "093000"),
    _order("W-3", "GZ-9003", {"Alphabetic": "Müller^Jörg"}, "CT", "ROOM1", "20261128", "070000", **{"00321032": ("PN", {"Alphabetic": "Doctor^Demo"})}),
]


def _bytes(value):
    return json.dumps(value, ensure_ascii=False).encode()


class Room:
    """A modality."""

    def __init__(self, server, work):
        self.server, self.work = server, work

    def find(self, *keys, calling="ROOM1"):
        """What DCMTK said, and the answers."""
        folder = self.work / "steps"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        own = dimse.machine(self.server, "bench")
        wanted = ["AccessionNumber", "PatientID", "StudyInstanceUID", "RequestedProcedureID", "RequestedProcedureDescription", "PatientBirthDate"]
        wanted += ["PatientName"] if not any(k.startswith("PatientName") for k in keys) else []
        step = "ScheduledProcedureStepSequence[0]."
        wanted += [step + k for k in ("Modality", "ScheduledStationAETitle", "ScheduledProcedureStepStartDate",
                                      "ScheduledProcedureStepStartTime", "ScheduledProcedureStepID", "ScheduledProcedureStepStatus")
                   if not any(step + k in key for key in keys)]
        named = [key.split("=")[0] for key in keys]
        arguments = [w for key in [*(w for w in wanted if w not in named), *keys] for w in ("-k", key)]
        _, said = dimse.run("findscu", self.server, *own, "-d", "-W", "-X", "-od", str(folder), *arguments, tls=True, calling=calling)
        return said, [pydicom.dcmread(path, force=True) for path in sorted(folder.iterdir())]

    def numbers(self, *keys, **more):
        return sorted(str(found.AccessionNumber) for found in self.find(*keys, **more)[1])


def _found(report, room):
    step = "ScheduledProcedureStepSequence[0]."
    for label, keys, expected in (
        ("all", (), ["W-1", "W-2", "W-3"]),
        ("a station", (step + "ScheduledStationAETitle=ROOM1",), ["W-1", "W-3"]),
        ("a modality", (step + "Modality=CT",), ["W-3"]),
        ("a day", (step + "ScheduledProcedureStepStartDate=20261127",), ["W-1", "W-2"]),
        ("a range of days", (step + "ScheduledProcedureStepStartDate=20261128-20261130",), ["W-3"]),
        ("until a time", (step + "ScheduledProcedureStepStartTime=-0815",), ["W-1", "W-3"]),
        ("a station and a day", (step + "ScheduledStationAETitle=ROOM1", step + "ScheduledProcedureStepStartDate=20261127"), ["W-1"]),
        ("a name's beginning", ("PatientName=PROBE*",), ["W-2"]),
        ("a number", ("PatientID=GZ-9001",), ["W-1"]),
        ("an accession number", ("AccessionNumber=W-3",), ["W-3"]),
        ("nobody", ("PatientID=NOBODY",), []),
    ):
        report.equal(f"worklist by {label}", room.numbers(*keys), expected)


def _sets(report, room):
    """Return keys of type 1 (PS3.4 Table K.6-1), the shape that was asked for, and the character set."""
    _, (one,) = room.find("AccessionNumber=W-1")
    step = one.ScheduledProcedureStepSequence[0]
    report.check("a Study Instance UID was made", str(one.StudyInstanceUID).startswith("2.25."))
    report.equal("the step", (step.Modality, step.ScheduledStationAETitle, step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepID,
                              step.ScheduledProcedureStepStatus), ("DX", "ROOM1", "20261127", "SW-1", "SCHEDULED"))
    report.equal("a name in two scripts", str(one.PatientName), "Wang^Xiaoli=王^小丽")
    report.equal("its character set is said", one.SpecificCharacterSet, "ISO_IR 192")
    report.check("nothing of retrieval", "QueryRetrieveLevel" not in one and "RetrieveAETitle" not in one)
    said, (other,) = room.find("AccessionNumber=W-3", "(0008,0005)=ISO_IR 100")
    report.equal("in the character set that was asked for", (str(other.PatientName), other.SpecificCharacterSet), ("Müller^Jörg", "ISO_IR 100"))
    said, _ = room.find("AccessionNumber=W-1", "ScheduledProcedureStepSequence[0].ScheduledProtocolCodeSequence")
    report.check("a key that is not kept is said to be so (FF01)", "0xff01" in said.lower(), said[-400:])


def _wrong(report, server, room, ris):
    said, found = room.find(calling="BENCH")
    report.check("a machine without the right finds nothing", not found and "0x0124" in said.lower(), said[-300:])
    report.equal("a machine for orders reads none", ris.ask("GET", "/api/v1/orders").status, 403)
    referrer = signed_in(server, "referrer")
    report.equal("nor does a doctor", referrer.get("/api/v1/orders").status, 403)
    technologist = signed_in(server, "technologist")
    for label, body, kind, status in (
        ("no number", {**ORDERS[0], "00080050": {"vr": "SH"}}, DICOM_JSON, 400),
        ("an attribute of no worklist", {**ORDERS[0], "00080020": {"vr": "DA", "Value": ["20261127"]}}, DICOM_JSON, 400),
        ("two steps in one", {**ORDERS[0], "00400100": {"vr": "SQ", "Value": ORDERS[0]["00400100"]["Value"] * 2}}, DICOM_JSON, 400),
        ("text", "orders", DICOM_JSON, 400),
        ("a form", ORDERS[0], "application/x-www-form-urlencoded", 415),
        ("a hundred thousand items", [{}] * 100_000, DICOM_JSON, 413),
    ):
        answer = technologist.ask("POST", "/api/v1/orders", body=_bytes(body), kind=kind)
        report.equal(f"{label}: refused", answer.status, status)
    report.equal("an account that nobody has", technologist.ask(
        "POST", "/api/v1/orders?report_by=nobody", body=_bytes(ORDERS[0]), kind=DICOM_JSON).status, 400)
    report.equal("and nothing changed", room.numbers(), ["W-1", "W-2", "W-3"])


def _ended(report, technologist, ris, room):
    listed = technologist.get("/api/v1/orders?date=20261127")
    report.equal("the list is DICOM JSON", (listed.media, len(listed.json())), (DICOM_JSON, 2))
    report.equal("an order ends", ris.ask("DELETE", "/api/v1/orders/W-2").status, 204)
    report.equal("once", ris.ask("DELETE", "/api/v1/orders/W-2").status, 404)
    moved = json.loads(json.dumps(ORDERS[0]))
    moved["00400100"]["Value"][0]["00400002"]["Value"] = ["20261201"]
    before = room.find("AccessionNumber=W-1")[1][0].StudyInstanceUID
    report.equal("an order is moved to another day", ris.ask("POST", "/api/v1/orders", body=_bytes(moved), kind=DICOM_JSON).status, 204)
    (after,) = room.find("AccessionNumber=W-1")[1]
    report.equal("the same study on another day", (after.StudyInstanceUID, after.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate),
                 (before, "20261201"))
    report.equal("the worklist now", room.numbers(), ["W-1", "W-3"])


def _ledger(report, server):
    entries = signed_in(server, "officer").get("/api/v1/accesses?kind=configured,queried,not-allowed&limit=200").json()["entries"]
    orders = [e for e in entries if e["kind"] == "configured" and "order" in json.dumps(e["details"])]
    report.check("each change has its entry", len(orders) >= 4, f"({len(orders)})")
    report.check("and each question", sum(e["kind"] == "queried" for e in entries) >= 15)
    report.check("and each refusal", sum(e["kind"] == "not-allowed" for e in entries) >= 3)
