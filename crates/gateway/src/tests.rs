//! The whole door before a fake vault.

pub mod consent;
mod dimse;
pub mod fake;
mod fuzz;
mod planes;
pub mod sockets;

use crate::http::problem::status;
use crate::routes::{Proof, Route, routes};
use fake::{COOKIES, Fake, Got, JSON, get, part, seen, send};
use port::{Code, Credential, Fault};
use std::sync::Arc;

/// A request that a route takes, so that only the refusal can be what is wrong.
fn sample(route: &Route) -> (String, Vec<(&'static str, &'static str)>, Vec<bytes::Bytes>) {
    let names = [
        ("{study}", "1.2.3"),
        ("{series}", "1.2.4"),
        ("{instance}", "1.2.5"),
        ("{frames}", "1"),
        ("{path}", "7FE00010"),
        ("{file}", "x.js"),
        ("{change}", "1"),
        ("{entry}", "1"),
        ("{relation}", "1"),
        ("{id}", "1"),
        ("{consent}", "07070707070707070707070707070707"),
    ];
    let mut path = names.iter().fold(route.path.to_owned(), |path, (name, value)| path.replace(name, value));
    if path == "/wado" {
        path.push_str("?requestType=WADO&studyUID=1.2.3&seriesUID=1.2.4&objectUID=1.2.5");
    }
    if let Some(kind) = route.path.strip_prefix("/fhir/").and_then(|rest| rest.split('/').next()) {
        let subject = r#"{"identifier":{"value":"1"}}"#;
        let body = format!(
            r#"{{"resourceType":"{kind}","id":"1","status":"entered-in-error","intent":"order","subject":{subject}}}"#
        );
        return (path, vec![JSON], vec![body.into()]);
    }
    let body = match (route.method, route.path) {
        ("POST", "/auth/sign-in") => r#"{"user":"u","password":"p"}"#,
        ("POST", path) if path.ends_with("/open") => r#"{"purpose":"report"}"#,
        ("POST", path) if path.ends_with("/lift") => r#"{"reason":"r"}"#,
        ("POST", path) if path.ends_with("/break-glass") => r#"{"reason":"r","code":"123456"}"#,
        ("POST", path) if path.starts_with("/api/v1/reviews") => r#"{"outcome":"justified"}"#,
        ("PUT", path) if path.ends_with("/standing") => {
            r#"{"expect_version":0,"holds_for":"strangers","parts":[],"shapes":[]}"#
        }
        ("POST", "/api/v1/relations") => {
            r#"{"user":"u","patient":{"number":"1"},"kind":"team","until":"2026-12-01T00:00:00Z","reason":"r"}"#
        }
        ("PUT", _) => r#"{"expect_version":0,"regions":[]}"#,
        ("POST", "/api/v1/changes") => {
            r#"{"expect_version":0,"reason":"r","act":{"merge":{"from":{"number":"1"},"into":{"number":"2"}}}}"#
        }
        ("POST", "/api/v1/look-up") => r#"{"number":"1"}"#,
        ("POST", "/api/v1/orders") => "[]",
        ("POST", "/api/v1/rules") => {
            r#"{"rules":{"pictures":"","rights":""},"reason":"r","expect_version":"0"}"#
        }
        ("POST", "/api/v1/rules/explain") => r#"{"study":"1.2.3"}"#,
        ("POST", "/api/v1/rules/proposals/{proposal}") => r#"{"act":"drop"}"#,
        ("POST", path) if path.starts_with("/api/v1/rules/") => "{}",
        ("POST", "/api/v1/consents") => r#"{"purpose":"research","study":"1.2.3","text":"lungs"}"#,
        ("POST", "/api/v1/consents/{consent}") => r#"{"act":"accept"}"#,
        ("POST", "/fhir/Consent") => "{}",
        ("POST", path) if path.ends_with("/undo") => r#"{"expect_version":0,"reason":"r"}"#,
        ("POST", path) if path.starts_with("/dicom-web") => "x",
        _ => "",
    };
    let media =
        if route.path.starts_with("/dicom-web") { ("content-type", "application/dicom") } else { JSON };
    let headers = if body.is_empty() { vec![] } else { vec![media] };
    (path, headers, if body.is_empty() { vec![] } else { vec![body.into()] })
}

async fn ask(fake: &Arc<Fake>, route: &Route, more: &[(&'static str, &'static str)]) -> Got {
    let (path, mut headers, body) = sample(route);
    headers.extend(more);
    send(fake, route.method, &path, &headers, body).await
}

/// Files, frames and bulk data: of them a client names transfer syntaxes.
fn in_a_syntax(route: &Route) -> bool {
    let other = ["/metadata", "/rendered", "/thumbnail"];
    route.proof == Proof::Grant && !other.iter().any(|end| route.path.ends_with(end))
}

/// Asked for without any proof by everybody, and answered without the vault.
fn needs_the_vault(route: &Route) -> bool {
    route.proof != Proof::Nothing || route.path == "/auth/sign-in"
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_gives_every_refusal_of_the_vault_and_nothing_more() {
    for route in routes().iter().filter(|r| r.path.starts_with('/') && needs_the_vault(r)) {
        for code in Code::ALL {
            let fake = Arc::new(Fake::refusing(*code));
            let got = ask(&fake, route, &[COOKIES]).await;
            let expected = match (route.method, route.path.starts_with("/dicom-web"), code) {
                // A refused object is in the response of its store, not the status of the request; nobody could be told.
                (
                    "POST",
                    true,
                    Code::NotSignedIn | Code::SignInFailed | Code::NotAllowed | Code::SlowDown,
                ) => status(*code),
                ("POST", true, Code::WrongVersion | Code::StorageFull) => status(*code),
                ("POST", true, _) => hyper::StatusCode::CONFLICT,
                // No transfer syntax that is taken (PS3.18 §8.7.4).
                (_, true, Code::Unsupported) if in_a_syntax(route) => hyper::StatusCode::NOT_ACCEPTABLE,
                _ => status(*code),
            };
            assert_eq!(got.status, expected, "{} {} {code:?}", route.method, route.path);
            assert!(!got.cut);
            if route.path.starts_with("/fhir/") {
                assert_eq!(got.header("content-type"), "application/fhir+json");
                let json = got.json();
                assert_eq!(json["issue"][0]["details"]["coding"][0]["code"], code.as_str());
                assert_eq!(json["issue"][0]["diagnostics"], got.header("x-request-id"));
                continue;
            }
            if expected != hyper::StatusCode::CONFLICT
                || *code == Code::VersionConflict && route.method != "POST"
            {
                assert_eq!(got.header("content-type"), "application/problem+json", "{} {code:?}", route.path);
                let json = got.json();
                assert_eq!(json["code"], code.as_str());
                assert_eq!(json["request"], got.header("x-request-id"));
                assert_eq!(json["request"].as_str().map(str::len), Some(16));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_proof_the_vault_is_asked_and_says_no() {
    for route in routes().iter().filter(|r| r.path.starts_with('/') && r.proof != Proof::Nothing) {
        let fake = Arc::new(Fake::refusing(Code::NotSignedIn));
        let got = ask(&fake, route, &[]).await;
        assert_eq!(got.status, 401, "{} {}", route.method, route.path);
        assert_eq!(got.header("www-authenticate"), "Bearer realm=\"gauze\"");
        assert_eq!(seen(&fake).0, Credential::None, "{}: a refusal is recorded", route.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_forbidden_look_the_same() {
    for route in routes().iter().filter(|r| r.proof == Proof::Grant) {
        // Refused by the vault; nothing there; and a path that is none.
        let refused = ask(&Arc::new(Fake::refusing(Code::NotFound)), route, &[COOKIES]).await;
        let empty = ask(&Arc::new(Fake::default()), route, &[COOKIES]).await;
        let nowhere = get(&Arc::new(Fake::default()), "/dicom-web/nowhere", &[COOKIES]).await;
        let strip = |got: &Got| {
            let id = got.header("x-request-id").to_owned();
            let mut headers: Vec<_> = got.headers.iter().map(|(n, v)| format!("{n}: {v:?}")).collect();
            headers.iter_mut().for_each(|header| *header = header.replace(&id, ""));
            (got.status, got.text().replace(&id, ""), headers)
        };
        assert_eq!(strip(&refused), strip(&empty), "{}", route.path);
        assert_eq!(strip(&refused), strip(&nowhere), "{}", route.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_problem_without_a_word_of_it() {
    let fake = Arc::new(Fake { panics: true, ..Fake::default() });
    let got = get(&fake, "/api/v1/me", &[COOKIES]).await;
    assert_eq!((got.status.as_u16(), got.json()["code"].as_str()), (500, Some("internal")));
    assert!(!got.text().contains("test"), "{}", got.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_headers() {
    let fake = Arc::new(Fake::default());
    for path in ["/healthz", "/nothing/here", "/api/v1/me", "/dicom-web/studies", "/api/openapi.json", "/"] {
        let got = get(&fake, path, &[COOKIES]).await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(got.header(name), value, "{path} {name}");
        }
        assert!(got.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert!(got.header("strict-transport-security").starts_with("max-age="), "{path}");
        assert!(got.headers.get("access-control-allow-origin").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_reaches_the_vault_as_it_came() {
    let fake = Arc::new(Fake::default());
    let got = get(&fake, "/api/v1/me", &[COOKIES, ("user-agent", "curl/8")]).await;
    assert_eq!(got.json()["name"], "张医生");
    let (credential, arrival) = seen(&fake);
    assert_eq!(credential, Credential::Cookies { session: "gzs_s".into(), viewing: Some("gzv_v".into()) });
    assert_eq!((arrival.peer.as_str(), arrival.software.as_str()), ("10.0.0.9:1234", "curl/8"));
    assert_eq!(arrival.request, got.header("x-request-id"));
    let query = get(&fake, "/api/v1/me?access_token=gzt_x", &[]).await;
    assert_eq!(query.status, 400);
    assert_eq!(fake.calls.lock().unwrap().len(), 1, "a token in an address reaches nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_often_says_when() {
    let refuse = Some(Fault { code: Code::SlowDown, retry_after_s: Some(30) });
    let fake = Arc::new(Fake { refuse, ..Fake::default() });
    let got =
        send(&fake, "POST", "/auth/sign-in", &[JSON], vec![r#"{"user":"u","password":"p"}"#.into()]).await;
    assert_eq!((got.status.as_u16(), got.header("retry-after")), (429, "30"));
    assert_eq!(got.json()["retry_after"], 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_no_body_and_other_methods_are_named() {
    let fake = Arc::new(Fake::sending(part("image/jpeg", None, None, b"jpeg").into()));
    let got = send(&fake, "HEAD", "/api/v1/me", &[COOKIES], vec![]).await;
    assert_eq!((got.status.as_u16(), got.body.len()), (200, 0));
    let got = send(&fake, "DELETE", "/dicom-web/studies/1.2.3", &[COOKIES, JSON], vec![]).await;
    assert_eq!((got.status.as_u16(), got.header("allow")), (405, "POST, GET"));
    let got = send(&fake, "OPTIONS", "/dicom-web/studies/1.2.3", &[], vec![]).await;
    assert_eq!((got.status.as_u16(), got.header("allow")), (204, "POST, GET, OPTIONS"));
    let got = get(&fake, &format!("/{}", "x".repeat(crate::http::limits::URI_BYTES)), &[]).await;
    assert_eq!(got.status, 414);
    let got = get(&fake, "/healthz", &[("x-long", &"a".repeat(crate::http::limits::HEAD_BYTES))]).await;
    assert_eq!(got.status, 431);
}

#[test]
fn the_description_names_exactly_the_routes() {
    let document: serde_json::Value = serde_json::from_str(include_str!("api/openapi.json")).unwrap();
    let mut described: Vec<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(|m| (m.to_uppercase(), path.clone()))
        })
        .collect();
    let mut served: Vec<(String, String)> = routes()
        .iter()
        .filter(|r| r.path.starts_with('/'))
        .map(|r| (r.method.into(), r.path.into()))
        .collect();
    described.sort();
    served.sort();
    assert_eq!(described, served);
    for route in routes().iter().filter(|r| r.path.starts_with('/')) {
        let security = &document["paths"][route.path][route.method.to_lowercase()]["security"];
        let words: Vec<_> =
            security.as_array().unwrap().iter().flat_map(|s| s.as_object().unwrap().keys()).collect();
        let expected: &[&str] = match route.proof {
            Proof::Session => &["session"],
            Proof::Grant => &["bearer", "session", "view"],
            Proof::Nothing | Proof::Certificate => &[],
        };
        assert_eq!(words, expected, "{}", route.path);
    }
}
