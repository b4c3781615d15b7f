"""Every way in that openapi.json names, with its refusals. A path without a row fails; so does a row without a path."""

import re
import time

from lib import dimse
from lib.films import demo_film, names, slices
from lib.http import Client, related, signed_in
from lib.server import Server, gauze, set_config
from lib.tally import Tally

ALL = ("technologist", "radiologist", "referrer", "researcher", "patient", "officer", "admin", "vendor")
OPENERS = {"radiologist": "report", "referrer": "treatment", "researcher": "research", "patient": "own"}
FINDERS = {"radiologist", "referrer", "researcher", "patient", "technologist"}
LIFE_S = 10
FHIR = ("Encounter", "ServiceRequest", "CareTeam")

# No proof: what they say is of nobody. The status that is right, for GET without anything.
OPEN = {
    "GET /": 200, "GET /{file}": 404, "GET /assets/{file}": 404, "GET /healthz": 200, "GET /readyz": 200,
    "GET /metrics": 404, "GET /api/openapi.json": 200, "POST /auth/sign-in": 400, "POST /auth/token": 400,
    "GET /dicom-web/": 200,
}
# A session: roles for which it is not refused (policies/rights.cedar, by hand).
SESSION = {
    "POST /auth/sign-out": set(ALL), "GET /api/v1/me": set(ALL), "GET /api/v1/worklist": FINDERS,
    "GET /api/v1/my-studies": {"patient"}, "GET /api/v1/accesses": {"officer", "patient"},
    "POST /api/v1/studies/{study}/open": set(OPENERS), "POST /api/v1/studies/{study}/lift": {"radiologist", "referrer"},
    "POST /api/v1/studies/{study}/break-glass": {"radiologist", "referrer"},
    "GET /api/v1/reviews": {"officer"}, "POST /api/v1/reviews/{entry}": {"officer"},
    **{f"{method} /api/v1/studies/{{study}}/masks{rest}": {"patient", "radiologist", "referrer", "officer"}
       for method in ("GET", "PUT") for rest in ("", "/standing")},
    **{f"{method} /api/v1/studies/{{study}}/series/{{series}}/{rest}": {"patient", "radiologist", "referrer", "officer"}
       for method, rest in (("GET", "segmentation"), ("POST", "segmentation"), ("GET", "instances/{instance}/presentation-state"))},
    **dict.fromkeys(("GET /api/v1/consents", "POST /api/v1/consents", "GET /api/v1/consents/{consent}",
                     "POST /api/v1/consents/{consent}", "GET /fhir/Consent",
                     "POST /fhir/Consent", "GET /fhir/Consent/{consent}"), {"radiologist", "referrer", "researcher", "patient", "officer"}),
    "POST /dicom-web/studies": {"technologist"}, "POST /dicom-web/studies/{study}": {"technologist"},
    "GET /dicom-web/studies": FINDERS, "GET /dicom-web/series": FINDERS, "GET /dicom-web/instances": FINDERS,
    "GET /dicom-web/studies/{study}/series": FINDERS, "GET /dicom-web/studies/{study}/instances": FINDERS,
    "GET /dicom-web/studies/{study}/series/{series}/instances": FINDERS,
    "GET /api/v1/orders": {"technologist"}, "POST /api/v1/orders": {"technologist", "admin"},
    "DELETE /api/v1/orders/{accession}": {"technologist", "admin"},
    "GET /api/v1/changes": {"officer", "admin"}, "POST /api/v1/changes": {"officer", "admin"},
    "POST /api/v1/changes/{change}/undo": {"officer", "admin"}, "POST /api/v1/look-up": {"officer"},
    **{f"{row}": {"officer", "admin"} for row in (
        "GET /api/v1/rules", "POST /api/v1/rules", "POST /api/v1/rules/proposals/{proposal}", "POST /api/v1/rules/check",
        "POST /api/v1/rules/matrix", "POST /api/v1/rules/replay")},
    "POST /api/v1/rules/explain": {"officer"},
    "GET /api/v1/relations": {"officer"}, "POST /api/v1/relations": {"officer"}, "DELETE /api/v1/relations/{user}/{relation}": {"officer"},
    "GET /api/v1/feeds": {"officer", "admin"},
    **{f"{method} /fhir/{kind}{rest}": set() for kind in FHIR for method, rest in (("POST", ""), ("PUT", "/{id}"))},
}
# A grant: nothing leaves without one.
_STUDY, _SERIES = "/dicom-web/studies/{study}", "/dicom-web/studies/{study}/series/{series}"
_INSTANCE = _SERIES + "/instances/{instance}"
GRANT = ["GET " + base + rest for base in (_STUDY, _SERIES, _INSTANCE) for rest in ("", "/metadata", "/pixeldata", "/rendered", "/thumbnail")]
GRANT += ["GET " + _INSTANCE + rest for rest in ("/frames/{frames}", "/frames/{frames}/rendered", "/frames/{frames}/thumbnail", "/bulkdata/{path}")] + ["GET /wado"]


def fill(row, film):
    """Method and path of a row for one film."""
    method, path = row.split(" ")
    study, series, instance = film
    values = {"study": study, "series": series, "instance": instance, "frames": "1", "path": "7FE00010", "file": "nothing.txt", "change": "1", "entry": "1",
              "accession": "NONE-1", "proposal": "0" * 32, "user": "nobody", "relation": "1", "id": "1", "consent": "0" * 32}
    for key, value in values.items():
        path = path.replace("{" + key + "}", value)
    if path == "/wado":
        path += f"?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}&contentType=image/png"
    if path == "/api/v1/accesses":
        path += f"?study={study}"
    return method, path


def body_of(row, film, stored):
    """A body that would be right for a row."""
    if row.endswith("/segmentation") and row.startswith("POST"):
        return {"body": stored[1], "kind": "application/dicom"}
    if row.startswith("POST /dicom-web"):
        body, kind = related([stored[1]])
        return {"body": body, "kind": kind}
    bodies = {
        "POST /api/v1/studies/{study}/open": {"purpose": "treatment", "reason": "test of a refusal"},
        "POST /api/v1/studies/{study}/lift": {"reason": "test of a refusal"},
        "POST /api/v1/studies/{study}/break-glass": {"reason": "test of a refusal", "code": "000000"},
        "POST /api/v1/reviews/{entry}": {"outcome": "justified"},
        "PUT /api/v1/studies/{study}/masks": {"expect_version": 0, "regions": []},
        "PUT /api/v1/studies/{study}/masks/standing": {"expect_version": 0, "holds_for": "strangers", "parts": [], "shapes": []},
        "POST /api/v1/changes": {"expect_version": 0, "reason": "test of a refusal",
                                 "act": {"merge": {"from": {"number": "1"}, "into": {"number": "2"}}}},
        "POST /api/v1/changes/{change}/undo": {"expect_version": 0, "reason": "test of a refusal"},
        "POST /api/v1/consents": {"purpose": "research", "study": "1.2.3", "text": "test of a refusal"},
        "POST /api/v1/consents/{consent}": {"act": "accept"}, "POST /fhir/Consent": {"resourceType": "Consent"},
        "POST /api/v1/look-up": {"number": "1"}, "POST /api/v1/orders": {},
        "POST /api/v1/rules": {"rules": {"pictures": "", "rights": ""}, "reason": "test of a refusal", "expect_version": "0"},
        "POST /api/v1/rules/proposals/{proposal}": {"act": "drop"}, "POST /api/v1/rules/explain": {"study": film[0] if film else "1.2.3"},
        **{f"POST /api/v1/rules/{what}": {} for what in ("check", "matrix", "replay")},
        "POST /api/v1/relations": {"user": "nobody", "patient": {"number": "1"}, "kind": "team", "until": "2030-01-01T00:00:00Z", "reason": "test of a refusal"},
        **{row: {"resourceType": kind, "id": "1", "status": "entered-in-error", "intent": "order", "subject": {"identifier": {"value": "1"}}}
           for kind in FHIR for row in (f"POST /fhir/{kind}", f"PUT /fhir/{kind}/{{id}}")},
        "POST /auth/sign-in": {}, "POST /auth/token": {}, "POST /auth/sign-out": {},
    }
    return {"body": bodies[row]} if row in bodies else {}


class Refusals:
    """Asks, and holds every answer against: refused, a problem, no pixel."""

    def __init__(self, report, server):
        self.report, self.server, self.tally = report, server, Tally(server)
        self.anonymous = 0
        self.film, self.other = names(demo_film("anna-chest")), names(demo_film("anna-chest-2024"))
        (self.stored,) = slices(1)
        self.done = set()

    def refused(self, situation, row, client, film, statuses, *, recorded=None, **proof):
        """One attempt that must be refused."""
        method, path = fill(row, film)
        answer = client.ask(method, path, **body_of(row, film, self.stored), **proof)
        fits = answer.status in statuses and answer.media == ("application/fhir+json" if "/fhir/" in row else "application/problem+json") and len(answer.body) < 2000
        self.report.check(f"{row}, {situation}: refused without a pixel", fits,
                          f"({answer.status} {answer.media} {len(answer.body)} bytes {answer.code})")
        self.done.add((row, situation.split(":")[0]))
        if answer.status == 401:
            self.anonymous += 1
        elif recorded:
            self.tally.expect(recorded)
        return answer


def run(report, place):
    """The table, then each situation."""
    home = place.fresh("routes")
    set_config(home, lambda text: text.replace("seconds = 300", f"seconds = {LIFE_S}"))
    with Server(home) as server:
        _complete(report, server)
        refusals = Refusals(report, server)
        _open_doors(report, server)
        clients = {role: signed_in(server, role) for role in ALL}
        _sessions(refusals, clients)
        known = _known(refusals, clients)
        _granted(refusals, clients, known)
        _not_opened(refusals, clients, known)
        _situations(refusals, clients, known)
        _mask_changed(refusals, clients, known)
        _cross_site(refusals, clients, known)
        _dimse(report, server, place)
        old = {role: (client.session, client.view) for role, client in clients.items()}
        _logged_out(refusals, clients, known)
        refusals.tally.agree(report, "refusals in the ledger = attempts")
        since = refusals.tally.since
    _revoked(report, home, refusals, old, known, since)


def _complete(report, server):
    paths = Client(server).get("/api/openapi.json").json()["paths"]
    served = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods
              if method in ("get", "post", "put", "delete", "patch")}
    plain = {re.sub(r"\{[^}]*\}", "{}", row): row for row in served}
    rows = {re.sub(r"\{[^}]*\}", "{}", row): row for row in [*OPEN, *SESSION, *GRANT]}
    report.equal("every path of openapi.json has a row", sorted(plain[k] for k in plain.keys() - rows.keys()), [])
    report.equal("every row has a path", sorted(rows[k] for k in rows.keys() - plain.keys()), [])
    print(f"   {len(served)} ways in, {len(GRANT)} of them give pixels or headers")


def _open_doors(report, server):
    words = [w.encode() for w in ("Probe", "Muster", "GZ-10", "A-26", names(demo_film("anna-chest"))[0])]
    nobody = Client(server)
    for row, status in OPEN.items():
        method, path = fill(row, ("1.2", "1.3", "1.4"))
        answer = nobody.ask(method, path, **body_of(row, (), ("", b"")))
        report.equal(f"{row}, anybody", answer.status, status)
        report.check(f"{row} tells of nobody", not any(word in answer.body for word in words))


def _sessions(refusals, clients):
    nobody = Client(refusals.server)
    rows = [row for row in SESSION if row != "POST /auth/sign-out"]
    for row in rows:
        refusals.refused("no token", row, nobody, refusals.film, {401}, cookie="")
        refusals.refused("an invented cookie", row, nobody, refusals.film, {401}, cookie=nobody.cookies("gzs_" + "a" * 43, ""))
        for role in sorted(set(ALL) - SESSION[row]):
            statuses = {404} if row.endswith("/lift") and role in OPENERS else {403}
            kind = "open-refused" if statuses == {404} else "not-allowed"
            refusals.refused(f"wrong role: {role}", row, clients[role], refusals.film, statuses, recorded=kind)
    refusals.refused("no token", "POST /auth/sign-out", nobody, refusals.film, {401, 204}, cookie="")


def _known(refusals, clients):
    """Per role that may open: its names of two films (the researcher's are pseudonyms)."""
    known = {role: (refusals.film, refusals.other) for role in OPENERS}
    found = clients["researcher"].find("/instances?limit=1000&includefield=all")
    sizes = {}
    for one in found:
        key = (one["00280010"]["Value"][0], one["00280011"]["Value"][0])
        sizes[key] = tuple(one[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
    films = [demo_film(name) for name in ("anna-chest", "anna-chest-2024")]
    known["researcher"] = tuple(sizes[(film.Rows, film.Columns)] for film in films)
    return known


def _opened(clients, role, film):
    answer = clients[role].open(film[0], OPENERS[role])
    assert answer.status == 200, f"{role}: {answer.status} {answer.body[:200]}"
    return answer.json()["token"]


def _granted(refusals, clients, known):
    """Without this, the refusals below would prove nothing: with a grant every row answers."""
    for role in OPENERS:
        token = _opened(clients, role, known[role][0])
        for row in GRANT:
            for proof in ({}, {"token": token}):
                method, path = fill(row, known[role][0])
                answer = clients[role].ask(method, path, **proof)
                good = answer.status == 200 and len(answer.body) > 200 or (row == "GET /wado" and answer.status == 501)
                refusals.report.check(f"{row}, {role} with a grant: answered", good, f"({answer.status} {answer.code})")


def _not_opened(refusals, clients, known):
    nobody = Client(refusals.server)
    for row in GRANT:
        refusals.refused("no token", row, nobody, refusals.film, {401}, cookie="")
        refusals.refused("an invented token", row, nobody, refusals.film, {401}, token="gzt_" + "a" * 43)
        for role, client in clients.items():
            film = known.get(role, (refusals.film,))[0]
            alone = client.cookies(view="")
            refusals.refused(f"signed in only: {role}", row, client, film, {404}, cookie=alone, recorded="release-refused")


def _situations(refusals, clients, known):
    expiring = []
    for role in OPENERS:
        client, (film, other) = clients[role], known[role]
        fresh = signed_in(refusals.server, role)
        token = _opened({role: fresh}, role, film)
        for row in GRANT:
            refusals.refused(f"other study: {role}", row, fresh, other, {404}, recorded="release-refused")
            refusals.refused(f"other study, token: {role}", row, fresh, other, {404}, token=token, recorded="release-refused")
        _opened(clients, role, film)
        for row in GRANT:
            crossed = Client(refusals.server).cookies(fresh.session, client.view)
            refusals.refused(f"other session: {role}", row, client, film, {404}, cookie=crossed, recorded="release-refused")
        expiring.append((role, fresh, film, _opened({role: fresh}, role, film)))
    time.sleep(LIFE_S + 0.5)
    for role, fresh, film, token in expiring:
        for row in GRANT:
            refusals.refused(f"expired: {role}", row, fresh, film, {403}, recorded="release-refused")
            refusals.refused(f"expired, token: {role}", row, fresh, film, {401, 403}, token=token, recorded="release-refused")


def _mask_changed(refusals, clients, known):
    study = refusals.film[0]
    tokens = {role: _opened(clients, role, known[role][0]) for role in OPENERS}
    version = clients["patient"].get(f"/api/v1/studies/{study}/masks").json()["version"]
    drawn = {"instance": refusals.film[2], "frame": None, "kind": "drawn", "polygon": [[9, 9], [40, 9], [40, 40]]}
    body = {"expect_version": version, "regions": [drawn]}
    answer = clients["patient"].ask("PUT", f"/api/v1/studies/{study}/masks", body=body)
    refusals.report.equal("the patient draws", answer.status, 200)
    for role in OPENERS:
        for row in GRANT:
            refusals.refused(f"mask changed: {role}", row, clients[role], known[role][0], {403}, recorded="release-refused")
            refusals.refused(f"mask changed, token: {role}", row, clients[role], known[role][0], {403}, token=tokens[role],
                             recorded="release-refused")


def _cross_site(refusals, clients, known):
    """A cookie-borne write from another site's page (DESIGN.md §6, Doors and rights)."""
    for row in [r for r in SESSION if not r.startswith("GET")]:
        role = min(SESSION[row], default="technologist")
        film = known.get(role, (refusals.film,))[0]
        for site in ("cross-site", "same-site", "none"):
            refusals.refused(f"from {site}", row, clients[role], film, {403}, headers={"Sec-Fetch-Site": site})
    row = "POST /api/v1/studies/{study}/open"
    method, path = fill(row, refusals.film)
    answer = clients["radiologist"].ask(method, path, body=b'{"purpose":"report"}', kind="text/plain")
    refusals.report.equal("a form's media type is refused", answer.status, 415)


def _dimse(report, server, place):
    """The two DIMSE services by callers that are not configured: part 2 has the certificates; here, what is not served."""
    path = place.work / "one.dcm"
    path.write_bytes(slices(1)[0][1])
    for tool, arguments in (("findscu", ("-S", "-k", "PatientName=*", "-k", "QueryRetrieveLevel=STUDY")),
                            ("getscu", ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={names(demo_film('anna-chest'))[0]}")),
                            ("movescu", ("-S", "-aem", "ELSE", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2"))):
        status, said = dimse.run(tool, server, *arguments)
        report.check(f"{tool}: not served", status != 0 and "GZ-10" not in said, said[-200:])


def _logged_out(refusals, clients, known):
    tokens = {role: _opened(clients, role, known[role][0]) for role in OPENERS}
    for role, client in clients.items():
        answer = client.ask("POST", "/auth/sign-out", body={})
        refusals.report.equal(f"{role} signs out", answer.status, 204)
        film = known.get(role, (refusals.film,))[0]
        for row in GRANT + [r for r in SESSION if r != "POST /auth/sign-out"]:
            refusals.refused(f"logged out: {role}", row, client, film, {401})
            if role in tokens and row in GRANT:
                refusals.refused(f"logged out, token: {role}", row, client, film, {401}, token=tokens[role])


def _revoked(report, home, refusals, old, known, since):
    """An account is ended while the archive stands still; its sessions ended with the process."""
    for role in ALL:
        if role != "officer":
            gauze("user", "--home", home, "disable", role, status=0)
    with Server(home) as server:
        tally = Tally(server)
        tally.since = since
        counted = sum(int(e["details"]["count"]) for e in tally.entries("refusals-counted"))
        report.equal("refusals without a session are counted in the ledger", counted, refusals.anonymous)
        refusals.server, refusals.tally = server, tally
        for role in ALL:
            client = Client(server)
            film = known.get(role, (refusals.film,))[0]
            for row in GRANT + [r for r in SESSION if r != "POST /auth/sign-out"]:
                refusals.refused(f"revoked: {role}", row, client, film, {401}, cookie=client.cookies(*old[role]))
            if role != "officer":
                answer = client.sign_in(role)
                report.equal(f"{role} cannot sign in any more", (answer.status in (401, 429), client.session), (True, None))
