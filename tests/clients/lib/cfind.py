"""The same queries by C-FIND (PS3.4 §C.4.1), through pynetdicom: relational, with and without combined date-times and fuzzy
names as negotiated, in a character set that can write the query."""

import ssl

import pydicom
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as FIND

from .corpus import VR

LEVELS = {"STUDY": "STUDY", "SERIES": "SERIES", "INSTANCE": "IMAGE"}
UNIQUE = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "INSTANCE": "SOPInstanceUID"}
CODECS = {"ISO_IR 100": "latin-1", "GB18030": "gb18030", "\\ISO 2022 IR 87": "iso2022_jp", "\\ISO 2022 IR 149": "euc_kr",
          "ISO_IR 192": "utf-8"}


class Finder:
    """Associations as the demo's bench, one for each way of matching."""

    def __init__(self, server):
        self.server, self.open, self.sets = server, {}, set()
        pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
        pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
        tls = server.home / "keys" / "tls"
        self.context = ssl.create_default_context(cafile=server.ca)
        self.context.check_hostname = False
        self.context.load_cert_chain(tls / "bench.pem", tls / "bench.key")

    def association(self, fuzzy, combined):
        """The association that negotiated this."""
        if (fuzzy, combined) not in self.open:
            wanted = SOPClassExtendedNegotiation()
            wanted.sop_class_uid = FIND
            wanted.service_class_application_information = bytes([1, combined, fuzzy])
            machine = AE("BENCH")
            machine.maximum_pdu_size = 0
            machine.add_requested_context(FIND)
            host, port = self.server.ready["dimse_tls"].rsplit(":", 1)
            made = machine.associate(host, int(port), ae_title="GAUZE", ext_neg=[wanted], tls_args=(self.context, None))
            if not made.is_established:
                raise AssertionError("no association")
            self.open[fuzzy, combined] = made
        return self.open[fuzzy, combined]

    def ask(self, query, combined, number):
        """UIDs that are found; statuses beside success are errors."""
        identifier = self.identifier(query, number)
        found = set()
        for status, answer in self.association(query.fuzzy, combined).send_c_find(identifier, FIND):
            if status and status.Status in (0xFF00, 0xFF01):
                found.add(str(answer[UNIQUE[query.level]].value))
            elif not status or status.Status != 0:
                raise AssertionError(f"status {status and hex(status.Status)} {query}")
        return found

    def identifier(self, query, number):
        """The query as a data set."""
        out = Dataset()
        text = "".join(key.value for key in query.keys)
        fits = [name for name, codec in CODECS.items() if _writes(text, codec)]
        charset = fits[number % len(fits)]
        self.sets.add(charset)
        out.SpecificCharacterSet = charset.split("\\")
        out.QueryRetrieveLevel = LEVELS[query.level]
        for level, name in UNIQUE.items():
            setattr(out, name, "")
            if level == query.level:
                break
        for key in query.keys:
            _put(out, key)
        return out

    def close(self):
        """Ends all."""
        for one in self.open.values():
            one.release()


def _writes(text, codec):
    try:
        return text.encode(codec).decode(codec) == text
    except UnicodeError:
        return False


def _put(out, key):
    value = key.value
    if key.vr == "UI" or key.path[-1] == "ModalitiesInStudy":
        value = value.replace(",", "\\")
    if len(key.path) == 2:
        if key.path[0] not in out:
            setattr(out, key.path[0], [Dataset()])
        out = out[key.path[0]].value[0]
    name = key.path[-1]
    parts = value.split("\\") if key.vr in ("UI", "CS") else [value]
    out.add_new(name, VR[name], parts if len(parts) > 1 else parts[0])
