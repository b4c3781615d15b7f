//! The one table of ways in: the router, the DIMSE and HL7 listeners serve what stands here and nothing else, so that a test
//! can list every way out of the archive.

use crate::http::{Ask, Problem, Reply};
use crate::{api, auth, dicomweb, fhir, ui};
use hyper::Method;
use port::Code;
use std::future::Future;
use std::pin::Pin;

/// What a caller must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: the answer says nothing of anybody.
    Nothing,
    /// A signed-in session.
    Session,
    /// A grant: viewing token, or session with viewing set.
    Grant,
    /// A client certificate, or loopback where the configuration allows it.
    Certificate,
}

/// One way in.
#[derive(Debug)]
pub struct Route {
    /// HTTP method, `DIMSE` or `HL7`.
    pub method: &'static str,
    /// Path with `{names}`, the DIMSE service, or message type and event; `ADT` alone: any other.
    pub path: &'static str,
    /// What it needs.
    pub proof: Proof,
    serve: Option<Handler>,
}

type Answering = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;
/// Answers a request.
pub(crate) type Handler = fn(Ask) -> Answering;

const fn http(method: &'static str, path: &'static str, proof: Proof, serve: Handler) -> Route {
    Route { method, path, proof, serve: Some(serve) }
}

const fn dimse(service: &'static str) -> Route {
    Route { method: "DIMSE", path: service, proof: Proof::Certificate, serve: None }
}

const fn hl7(message: &'static str) -> Route {
    Route { method: "HL7", path: message, proof: Proof::Certificate, serve: None }
}

/// Every route, DIMSE service and HL7 message.
#[must_use]
pub fn routes() -> &'static [Route] {
    ROUTES
}

use Proof::{Grant, Nothing, Session};

static ROUTES: &[Route] = &[
    http("GET", "/", Nothing, |ask| Box::pin(ui::index(ask))),
    http("GET", "/{file}", Nothing, |ask| Box::pin(ui::file(ask))),
    http("GET", "/assets/{file}", Nothing, |ask| Box::pin(ui::asset(ask))),
    http("GET", "/healthz", Nothing, |ask| Box::pin(api::healthz(ask))),
    http("GET", "/readyz", Nothing, |ask| Box::pin(api::readyz(ask))),
    http("GET", "/metrics", Nothing, |ask| Box::pin(api::metrics(ask))),
    http("GET", "/api/openapi.json", Nothing, |ask| Box::pin(api::openapi(ask))),
    http("POST", "/auth/sign-in", Nothing, |ask| Box::pin(auth::sign_in(ask))),
    http("POST", "/auth/sign-out", Session, |ask| Box::pin(auth::sign_out(ask))),
    http("POST", "/auth/token", Nothing, |ask| Box::pin(auth::token(ask))),
    http("GET", "/api/v1/me", Session, |ask| Box::pin(api::me(ask))),
    http("GET", "/api/v1/worklist", Session, |ask| Box::pin(api::worklist(ask))),
    http("GET", "/api/v1/my-studies", Session, |ask| Box::pin(api::my_studies(ask))),
    http("POST", "/api/v1/studies/{study}/open", Session, |ask| Box::pin(api::open(ask))),
    http("POST", "/api/v1/studies/{study}/lift", Session, |ask| Box::pin(api::lift(ask))),
    http("POST", "/api/v1/studies/{study}/break-glass", Session, |ask| Box::pin(api::break_glass(ask))),
    http("GET", "/api/v1/reviews", Session, |ask| Box::pin(api::reviews(ask))),
    http("POST", "/api/v1/reviews/{entry}", Session, |ask| Box::pin(api::review(ask))),
    http("GET", "/api/v1/studies/{study}/masks", Session, |ask| Box::pin(api::masks(ask))),
    http("PUT", "/api/v1/studies/{study}/masks", Session, |ask| Box::pin(api::draw(ask))),
    http("GET", "/api/v1/studies/{study}/masks/standing", Session, |ask| Box::pin(api::standing(ask))),
    http("PUT", "/api/v1/studies/{study}/masks/standing", Session, |ask| Box::pin(api::wish(ask))),
    http("GET", "/api/v1/studies/{study}/series/{series}/segmentation", Session, |ask| {
        Box::pin(api::segmentation(ask))
    }),
    http("POST", "/api/v1/studies/{study}/series/{series}/segmentation", Session, |ask| {
        Box::pin(api::bring(ask))
    }),
    http(
        "GET",
        "/api/v1/studies/{study}/series/{series}/instances/{instance}/presentation-state",
        Session,
        |ask| Box::pin(api::presentation_state(ask)),
    ),
    http("GET", "/api/v1/consents", Session, |ask| Box::pin(api::consents::consents(ask))),
    http("POST", "/api/v1/consents", Session, |ask| Box::pin(api::consents::begin_consent(ask))),
    http("GET", "/api/v1/consents/{consent}", Session, |ask| Box::pin(api::consents::consent(ask))),
    http("POST", "/api/v1/consents/{consent}", Session, |ask| Box::pin(api::consents::answer_consent(ask))),
    http("GET", "/fhir/Consent", Session, |ask| Box::pin(fhir::consents(ask))),
    http("POST", "/fhir/Consent", Session, |ask| Box::pin(fhir::create_consent(ask))),
    http("GET", "/fhir/Consent/{consent}", Session, |ask| Box::pin(fhir::consent(ask))),
    http("GET", "/api/v1/accesses", Session, |ask| Box::pin(api::accesses(ask))),
    http("GET", "/api/v1/orders", Session, |ask| Box::pin(api::orders(ask))),
    http("POST", "/api/v1/orders", Session, |ask| Box::pin(api::place_orders(ask))),
    http("DELETE", "/api/v1/orders/{accession}", Session, |ask| Box::pin(api::end_order(ask))),
    http("GET", "/api/v1/changes", Session, |ask| Box::pin(api::changes(ask))),
    http("POST", "/api/v1/changes", Session, |ask| Box::pin(api::make(ask))),
    http("POST", "/api/v1/changes/{change}/undo", Session, |ask| Box::pin(api::undo(ask))),
    http("GET", "/api/v1/rules", Session, |ask| Box::pin(api::rules(ask))),
    http("POST", "/api/v1/rules", Session, |ask| Box::pin(api::propose(ask))),
    http("POST", "/api/v1/rules/proposals/{proposal}", Session, |ask| Box::pin(api::decide(ask))),
    http("POST", "/api/v1/rules/check", Session, |ask| Box::pin(api::check(ask))),
    http("POST", "/api/v1/rules/matrix", Session, |ask| Box::pin(api::matrix(ask))),
    http("POST", "/api/v1/rules/replay", Session, |ask| Box::pin(api::replay(ask))),
    http("POST", "/api/v1/rules/explain", Session, |ask| Box::pin(api::explain(ask))),
    http("POST", "/api/v1/look-up", Session, |ask| Box::pin(api::look_up(ask))),
    http("GET", "/api/v1/relations", Session, |ask| Box::pin(api::relations(ask))),
    http("POST", "/api/v1/relations", Session, |ask| Box::pin(api::relate(ask))),
    http("DELETE", "/api/v1/relations/{user}/{relation}", Session, |ask| Box::pin(api::unrelate(ask))),
    http("GET", "/api/v1/feeds", Session, |ask| Box::pin(api::feeds(ask))),
    http("POST", "/fhir/Encounter", Session, |ask| Box::pin(fhir::encounter(ask))),
    http("PUT", "/fhir/Encounter/{id}", Session, |ask| Box::pin(fhir::encounter(ask))),
    http("POST", "/fhir/ServiceRequest", Session, |ask| Box::pin(fhir::service_request(ask))),
    http("PUT", "/fhir/ServiceRequest/{id}", Session, |ask| Box::pin(fhir::service_request(ask))),
    http("POST", "/fhir/CareTeam", Session, |ask| Box::pin(fhir::care_team(ask))),
    http("PUT", "/fhir/CareTeam/{id}", Session, |ask| Box::pin(fhir::care_team(ask))),
    http("GET", "/wado", Grant, |ask| Box::pin(dicomweb::uri(ask))),
    http("OPTIONS", "/dicom-web/", Nothing, |ask| Box::pin(dicomweb::capabilities(ask))),
    http("GET", "/dicom-web/", Nothing, |ask| Box::pin(dicomweb::capabilities(ask))),
    http("POST", "/dicom-web/studies", Session, |ask| Box::pin(dicomweb::store(ask))),
    http("POST", "/dicom-web/studies/{study}", Session, |ask| Box::pin(dicomweb::store(ask))),
    http("GET", "/dicom-web/studies", Session, |ask| Box::pin(dicomweb::find_studies(ask))),
    http("GET", "/dicom-web/series", Session, |ask| Box::pin(dicomweb::find_series(ask))),
    http("GET", "/dicom-web/instances", Session, |ask| Box::pin(dicomweb::find_instances(ask))),
    http("GET", "/dicom-web/studies/{study}/series", Session, |ask| Box::pin(dicomweb::find_series(ask))),
    http("GET", "/dicom-web/studies/{study}/instances", Session, |ask| {
        Box::pin(dicomweb::find_instances(ask))
    }),
    http("GET", "/dicom-web/studies/{study}/series/{series}/instances", Session, |ask| {
        Box::pin(dicomweb::find_instances(ask))
    }),
    http("GET", "/dicom-web/studies/{study}", Grant, |ask| Box::pin(dicomweb::instances(ask))),
    http("GET", "/dicom-web/studies/{study}/metadata", Grant, |ask| Box::pin(dicomweb::metadata(ask))),
    http("GET", "/dicom-web/studies/{study}/pixeldata", Grant, |ask| Box::pin(dicomweb::frames(ask))),
    http("GET", "/dicom-web/studies/{study}/rendered", Grant, |ask| Box::pin(dicomweb::rendered(ask))),
    http("GET", "/dicom-web/studies/{study}/thumbnail", Grant, |ask| Box::pin(dicomweb::thumbnail(ask))),
    http("GET", "/dicom-web/studies/{study}/series/{series}", Grant, |ask| {
        Box::pin(dicomweb::instances(ask))
    }),
    http("GET", "/dicom-web/studies/{study}/series/{series}/metadata", Grant, |ask| {
        Box::pin(dicomweb::metadata(ask))
    }),
    http("GET", "/dicom-web/studies/{study}/series/{series}/pixeldata", Grant, |ask| {
        Box::pin(dicomweb::frames(ask))
    }),
    http("GET", "/dicom-web/studies/{study}/series/{series}/rendered", Grant, |ask| {
        Box::pin(dicomweb::rendered(ask))
    }),
    http("GET", "/dicom-web/studies/{study}/series/{series}/thumbnail", Grant, |ask| {
        Box::pin(dicomweb::thumbnail(ask))
    }),
    http("GET", "/dicom-web/studies/{study}/series/{series}/instances/{instance}", Grant, |ask| {
        Box::pin(dicomweb::instances(ask))
    }),
    http("GET", "/dicom-web/studies/{study}/series/{series}/instances/{instance}/metadata", Grant, |ask| {
        Box::pin(dicomweb::metadata(ask))
    }),
    http("GET", "/dicom-web/studies/{study}/series/{series}/instances/{instance}/pixeldata", Grant, |ask| {
        Box::pin(dicomweb::frames(ask))
    }),
    http(
        "GET",
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/bulkdata/{path}",
        Grant,
        |ask| Box::pin(dicomweb::bulk(ask)),
    ),
    http("GET", "/dicom-web/studies/{study}/series/{series}/instances/{instance}/rendered", Grant, |ask| {
        Box::pin(dicomweb::rendered(ask))
    }),
    http("GET", "/dicom-web/studies/{study}/series/{series}/instances/{instance}/thumbnail", Grant, |ask| {
        Box::pin(dicomweb::thumbnail(ask))
    }),
    http(
        "GET",
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
        Grant,
        |ask| Box::pin(dicomweb::frames(ask)),
    ),
    http(
        "GET",
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
        Grant,
        |ask| Box::pin(dicomweb::rendered(ask)),
    ),
    http(
        "GET",
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail",
        Grant,
        |ask| Box::pin(dicomweb::thumbnail(ask)),
    ),
    dimse("C-ECHO"),
    dimse("C-STORE"),
    dimse("C-FIND"),
    dimse("C-GET"),
    dimse("C-MOVE"),
    dimse("N-ACTION"),
    hl7("ORM^O01"),
    hl7("OMG^O19"),
    hl7("OMI^O23"),
    hl7("ORU^R01"),
    hl7("ADT^A01"),
    hl7("ADT^A02"),
    hl7("ADT^A03"),
    hl7("ADT^A04"),
    hl7("ADT^A08"),
    hl7("ADT^A11"),
    hl7("ADT^A12"),
    hl7("ADT^A13"),
    hl7("ADT^A31"),
    hl7("ADT^A40"),
    hl7("ADT"),
    hl7("SIU^S12"),
    hl7("SIU^S13"),
    hl7("SIU^S14"),
    hl7("SIU^S15"),
    hl7("SIU^S17"),
];

/// Values of a path's names.
pub(crate) type Params = Vec<(&'static str, String)>;

/// The route of a request.
///
/// # Errors
/// 404, or 405 with the methods that this path has.
pub(crate) fn find(method: &Method, path: &str) -> Result<(&'static Route, Handler, Params), Problem> {
    let wanted = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let mut allow: Vec<&str> = Vec::new();
    // Fixed names before `{names}`: `/healthz` is no file.
    let fixed_first = |route: &&Route| route.path.matches('{').count();
    let mut candidates: Vec<_> = ROUTES.iter().filter(|r| r.serve.is_some()).collect();
    candidates.sort_by_key(fixed_first);
    for route in candidates {
        let (Some(serve), Some(params)) = (route.serve, matched(route.path, path)) else { continue };
        // A head without a body would be in the ledger as a release: nothing opens for it.
        let released = *method == Method::HEAD && route.proof == Grant;
        if route.method == wanted && !released {
            return Ok((route, serve, params));
        }
        allow.push(route.method);
    }
    if allow.is_empty() {
        return Err(Code::NotFound.into());
    }
    let problem =
        Problem::door(hyper::StatusCode::METHOD_NOT_ALLOWED, Code::BadRequest, "not a method of this path");
    Err(Problem { allow: Some(allow.join(", ")), ..problem })
}

/// Segments are compared as they came; names are decoded after the path was cut, so `%2F` never makes a segment.
fn matched(template: &'static str, path: &str) -> Option<Params> {
    let (mut ours, mut theirs) = (template.split('/'), path.split('/'));
    let mut params = Params::new();
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return Some(params),
            (Some(our), Some(their)) => match our.strip_prefix('{').and_then(|n| n.strip_suffix('}')) {
                Some(name) if !their.is_empty() => {
                    params.push((name, crate::http::query::decode(their, false).ok()?));
                }
                None if our == their => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn paths_find_their_route() {
        let check = |method: Method, path: &str, expected: Result<&str, u16>| {
            let got = find(&method, path).map(|(r, ..)| r.path).map_err(|p| p.status.as_u16());
            assert_eq!(got, expected, "{method} {path}");
        };
        check(Method::GET, "/", Ok("/"));
        check(Method::GET, "/healthz", Ok("/healthz"));
        check(Method::HEAD, "/healthz", Ok("/healthz"));
        check(Method::HEAD, "/dicom-web/studies/1.2", Err(405));
        check(Method::GET, "/favicon.svg", Ok("/{file}"));
        check(Method::GET, "/dicom-web/studies/1.2", Ok("/dicom-web/studies/{study}"));
        check(Method::POST, "/dicom-web/studies/1.2", Ok("/dicom-web/studies/{study}"));
        check(Method::GET, "/dicom-web/studies/1.2/series", Ok("/dicom-web/studies/{study}/series"));
        check(Method::DELETE, "/dicom-web/studies/1.2", Err(405));
        check(Method::GET, "/auth/sign-in", Err(405));
        for unknown in ["/dicom-web/studies/", "//", "/api/v1/me/", "/a/b", "", "/dicom-web/studies/%zz"] {
            check(Method::GET, unknown, Err(404));
        }
    }

    #[test]
    fn names_are_decoded_after_cutting() {
        let (.., params) = find(&Method::GET, "/dicom-web/studies/1%2F2").unwrap();
        assert_eq!(params, [("study", "1/2".to_owned())]);
    }

    #[test]
    fn no_way_in_stands_twice() {
        let mut seen = HashSet::new();
        assert!(routes().iter().all(|r| seen.insert((r.method, r.path))));
    }
}
