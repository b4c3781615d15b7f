"""Generated queries on generated studies: the same UIDs as an oracle of PS3.4 C.2.2.2 written in another language. 200 on 500
studies here; by QIDO-RS and by C-FIND; `GAUZE_FIND=10000,2000` asks for more (docs/promises.md)."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from lib.cfind import Finder
from lib.corpus import ROOT_UID, Corpus, file_of
from lib.films import slices
from lib.http import signed_in
from lib.server import Server

SEED = 20261126
PER_REQUEST = 100
PAGE = 1000
PATHS = {"STUDY": "/studies", "SERIES": "/series", "INSTANCE": "/instances"}
NAMES = {"STUDY": "0020000D", "SERIES": "0020000E", "INSTANCE": "00080018"}


def run(report, place):
    """Stores, asks, compares."""
    studies, queries = map(int, os.environ.get("GAUZE_FIND", "500,200").split(","))
    corpus = Corpus(SEED, studies)
    with Server(place.fresh("find")) as server:
        _store(report, server, corpus)
        radiologist = signed_in(server, "radiologist")
        _queries(report, (radiologist, Finder(server)), corpus, queries)
        _order_and_pages(report, radiologist, corpus)
        _unsupported(report, radiologist)
        _relational(report, radiologist, corpus)
        _deidentified(report, server, corpus)
    _manifests(report, place)


def _store(report, server, corpus):
    technologist = signed_in(server, "technologist")
    groups = [corpus.files[at : at + PER_REQUEST] for at in range(0, len(corpus.files), PER_REQUEST)]

    def store(group):
        return technologist.stow([file_of(*one) for one in group]).status

    with ThreadPoolExecutor(4) as pool:
        statuses = set(pool.map(store, groups))
    report.equal(f"{len(corpus.files)} generated instances are stored", statuses, {200})


def ask(client, query):
    """All UIDs of the corpus, page by page: the demo's own films are there too, and not the oracle's."""
    pairs = [(".".join(key.path), key.value) for key in query.keys]
    options = [("fuzzymatching", query.fuzzy), ("emptyvaluematching", query.empty), ("multiplevaluematching", query.multiple)]
    pairs += [(name, "true") for name, given in options if given]
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    found, offset = set(), 0
    while True:
        answer = client.get(f"/dicom-web{PATHS[query.level]}?{text}&limit={PAGE}&offset={offset}", accept="application/dicom+json")
        if answer.status == 204:
            return found, answer
        if answer.status != 200:
            raise AssertionError(f"{answer.status} {text} {answer.body[:200]}")
        lines = answer.json()
        uids = {line[NAMES[query.level]]["Value"][0] for line in lines}
        found |= {uid for uid in uids if uid.startswith(ROOT_UID)}
        if len(lines) < PAGE:
            return found, answer
        offset += PAGE


def _queries(report, doors, corpus, count):
    (client, finder), by_dimse, dimse_wrong = doors, 0, []
    wrong, nonempty, since, kinds = [], 0, time.monotonic(), set()
    for number in range(count):
        query, expected = corpus.query(("STUDY", "STUDY", "SERIES", "INSTANCE")[number % 4])
        got, _ = ask(client, query)
        nonempty += bool(expected)
        kinds |= {key.path for key in query.keys}
        if got != expected:  # every one of them is shown, so that it can be asked again
            wrong.append((query, sorted(got - expected)[:3], sorted(expected - got)[:3]))
        if query.multiple:  # C-FIND has no negotiation for it here
            continue
        combined = number % 2 == 0
        told = expected if combined else corpus.expected(query, combined=False)
        got = {uid for uid in finder.ask(query, combined, number) if uid.startswith(ROOT_UID)}
        by_dimse += 1
        if got != told:
            dimse_wrong.append((query, combined, sorted(got - told)[:3], sorted(told - got)[:3]))
    took = time.monotonic() - since
    finder.close()
    report.equal(f"{by_dimse} of them by C-FIND, too", (by_dimse - len(dimse_wrong), dimse_wrong[:3]), (by_dimse, []))
    report.check("in all character sets", len(finder.sets) == 5, str(finder.sets))
    report.equal(f"{count} generated queries find what the oracle finds", (count - len(wrong), wrong[:3]), (count, []))
    report.check("most of them find something", nonempty > count * 0.7, f"({nonempty} of {count})")
    report.check("they ask for many attributes", len(kinds) >= min(25, count // 8), f"({len(kinds)})")
    print(f"   by C-FIND {by_dimse - len(dimse_wrong)} of {by_dimse}, by QIDO-RS {count - len(wrong)} of {count} queries agree, {nonempty} with hits, {took:.0f} s with the oracle")


def _order_and_pages(report, client, corpus):
    whole = client.find("/studies?limit=200&PatientSex=M")
    uids = [line["0020000D"]["Value"][0] for line in whole]
    pages = []
    for offset in range(0, len(uids), 30):
        pages += [s["0020000D"]["Value"][0] for s in client.find(f"/studies?PatientSex=M&limit=30&offset={offset}")]
    report.equal("pages are pieces of the whole", pages[: len(uids)], uids)
    days = [line["00080020"].get("Value", [""])[0] for line in whole]
    report.equal("the newest study is first", days, sorted(days, reverse=True))
    many = client.get("/dicom-web/studies?limit=1", accept="application/dicom+json")
    report.check("more answers are announced", "additional results" in (many.headers["warning"] or ""))
    all_of_it = client.get(f"/dicom-web/studies?PatientID={corpus.levels['STUDY'][0].values['PatientID'][0]}",
                           accept="application/dicom+json")
    report.equal("and none where there are none", all_of_it.headers["warning"], None)


def _unsupported(report, client):
    for text, named in (
        ("PatientSize=1", "00101020"),
        ("Modality=CT", "00080060"),
        ("RequestAttributesSequence.RequestedProcedureID=1", "00400275.00401001"),
        ("includefield=PixelData", "7FE00010"),
        ("00091001=x", "00091001"),
    ):
        answer = client.get(f"/dicom-web/studies?{text}&limit=1", accept="application/dicom+json")
        warning = " ".join(answer.headers.get_all("warning") or [])
        report.check(f"a key that is not kept is named in a warning: {text}", answer.status == 200 and named in warning, warning)
    for text in ("Nonsense=1", "StudyDate=2020-x", "PatientID=1&00100020=2", "StudyInstanceUID=1..2", "limit=-1"):
        answer = client.get(f"/dicom-web/studies?{text}", accept="application/dicom+json")
        report.equal(f"a query that makes no sense is refused: {text}", answer.status, 400)


def _relational(report, client, corpus):
    study = next(s for s in corpus.levels["STUDY"] if int(s.values["NumberOfStudyRelatedSeries"][0]) > 1)
    series = [s for s in corpus.levels["SERIES"] if s.values["StudyInstanceUID"] == study.values["StudyInstanceUID"]]
    instances = [i for i in corpus.levels["INSTANCE"] if i.values["StudyInstanceUID"] == study.values["StudyInstanceUID"]]
    got = {s["0020000E"]["Value"][0] for s in client.find(f"/studies/{study.uid}/series")}
    report.equal("the series of a study", got, {s.uid for s in series})
    got = {i["00080018"]["Value"][0] for i in client.find(f"/studies/{study.uid}/instances")}
    report.equal("the instances of a study", got, {i.uid for i in instances})
    own = [i for i in instances if i.values["SeriesInstanceUID"][0] == series[0].uid]
    got = {i["00080018"]["Value"][0] for i in client.find(f"/studies/{study.uid}/series/{series[0].uid}/instances")}
    report.equal("the instances of a series", got, {i.uid for i in own})
    with_codes = next(s for s in corpus.levels["STUDY"] if s.values["ProcedureCodeSequence"])
    line, = client.find(f"/studies?StudyInstanceUID={with_codes.uid}&includefield=ProcedureCodeSequence.CodeValue")
    values = [item["00080100"]["Value"][0] for item in line["00081032"]["Value"]]
    report.equal("a sequence is returned", values, [c["CodeValue"][0] for c in with_codes.values["ProcedureCodeSequence"]])
    whole, = client.find(f"/studies?StudyInstanceUID={with_codes.uid}&includefield=all")
    report.check("includefield=all returns more", len(whole) > len(line) - 1 and "00081030" in whole)


def _deidentified(report, server, corpus):
    """Matching runs on the words that the caller may have: no key finds what they do not say."""
    researcher = signed_in(server, "researcher")
    target = corpus.levels["STUDY"][0].values
    for name in ("PatientID", "PatientName", "StudyInstanceUID", "AccessionNumber", "StudyDate", "StudyDescription"):
        value = (target.get(name) or [""])[0]
        if value:
            got = researcher.find(f"/studies?{name}={quote(value, safe='')}")
            report.equal(f"research finds nobody by {name}", got, [])
    got = researcher.find("/studies?PatientName=zs&fuzzymatching=true")
    report.equal("nor by initials", got, [])
    listed = researcher.find("/studies?limit=200")
    text = repr(listed)
    names = {s.values["PatientName"][0] for s in corpus.levels["STUDY"]}
    report.check("and its answers name nobody", listed and not any(name in text for name in names))


SLICES = 70  # three pages of a series


def _manifests(report, place):
    """A series' metadata say the same from its manifest as from its objects, in each way in which words leave."""
    home = place.fresh("manifest")
    with Server(home) as server:
        technologist = signed_in(server, "technologist")
        films = slices(SLICES, accession="A-2601")
        report.equal("a series is stored", technologist.stow([raw for _, raw in films]).status, 200)
        _examined(server)
        ways = {"radiologist": ("report", "clear"), "referrer": ("treatment", "masked"), "researcher": ("research", "deidentified")}
        before = {role: _metadata(report, server, role, *way) for role, way in ways.items()}
        here = f":{server.port}/".encode()
        time.sleep(1)  # manifests are kept behind the answer
        for role, (path, text) in before.items():
            client, study = signed_in(server, role), path.split("/")[3]
            client.open(study, ways[role][0], "care of this patient")
            report.check(f"{role}: the same again", client.get(path).body == text, path)
    objects = [f for folder in ("packs", "blobs") for f in (home / "data" / folder).rglob("*") if f.is_file()]
    report.check("objects are taken away", len(objects) > 0)
    for one in objects:
        one.unlink()
    with Server(home) as server:
        for role, (path, text) in before.items():
            client, study = signed_in(server, role), path.split("/")[3]
            client.open(study, ways[role][0], "care of this patient")
            got = client.get(path)
            same = got.body == text.replace(here, f":{server.port}/".encode())  # addresses begin with the port of today
            report.check(f"{role}: the same without any object", same, f"{got.status} {got.body[:200]}")


def _examined(server, seconds=60):
    officer, end = signed_in(server, "officer"), time.monotonic() + seconds
    while time.monotonic() < end:
        newest = officer.get("/api/v1/accesses?kind=examined&limit=200").json()["entries"]
        if len(newest) >= SLICES:
            return
        time.sleep(0.3)


def _metadata(report, server, role, purpose, visibility):
    """Instance by instance from the objects, then the series; its path and text."""
    client = signed_in(server, role)
    studies = client.find("/studies?limit=1000")
    study, = [s["0020000D"]["Value"][0] for s in studies if s["00201208"]["Value"][0] == SLICES]
    opened = client.open(study, purpose, "care of this patient").json()
    report.equal(f"{role}: the grant", opened.get("visibility"), visibility)
    series = client.find(f"/studies/{study}/series")[0]["0020000E"]["Value"][0]
    path = f"/dicom-web/studies/{study}/series/{series}"
    instances = client.find(f"/studies/{study}/series/{series}/instances?limit=1000")
    one = [client.get(f"{path}/instances/{i['00080018']['Value'][0]}/metadata").body for i in instances]
    whole = client.get(f"{path}/metadata").body
    report.equal(f"{role}: {SLICES} headers", len(one), SLICES)
    report.check(f"{role}: the series says what its instances say", whole == b"[" + b",".join(o[1:-1] for o in one) + b"]")
    return f"{path}/metadata", whole
