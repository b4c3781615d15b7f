//! What this service can do (PS3.18 §8.9, Annex H), from the table of routes: as WADL, or as JSON.

use crate::http::accept::{accepted, choose};
use crate::http::{Ask, Body, Problem, Reply, json, reply};
use crate::routes::{Route, routes};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use std::collections::BTreeMap;

const WADL: &str = "application/vnd.sun.wadl+xml";

/// `OPTIONS /dicom-web/`, and `GET` for people.
pub async fn capabilities(ask: Ask) -> Result<Reply, Problem> {
    let ranges = accepted(ask.headers(), &ask.query)?;
    let wadl = ask.head.method() == hyper::Method::OPTIONS;
    let offers = if wadl { [WADL, "application/json"] } else { ["application/json", WADL] };
    if choose(&ranges, &offers)? == WADL {
        let mut out = reply(StatusCode::OK, Body::full(wadl_text(&ask.origin())));
        out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(WADL));
        return Ok(out);
    }
    let resources: Vec<_> = resources()
        .into_iter()
        .map(|(path, methods)| serde_json::json!({ "path": path, "methods": methods }))
        .collect();
    let body = serde_json::json!({ "base": format!("{}/dicom-web", ask.origin()), "resources": resources });
    json(StatusCode::OK, &body)
}

/// Paths below the service's root, with their methods.
fn resources() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut out: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let below = |route: &Route| route.path.strip_prefix("/dicom-web/").filter(|rest| !rest.is_empty());
    for route in routes() {
        if let Some(path) = below(route) {
            out.entry(path).or_default().push(route.method);
        }
    }
    out
}

/// Paths and methods are ours, the origin is plain characters: nothing needs escaping.
fn wadl_text(origin: &str) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str("<application xmlns=\"http://wadl.dev.java.net/2009/02\">\n");
    out.push_str(&format!("  <resources base=\"{origin}/dicom-web/\">\n"));
    for (path, methods) in resources() {
        out.push_str(&format!("    <resource path=\"{path}\">\n"));
        for name in path.split('/').filter_map(|s| s.strip_prefix('{').and_then(|s| s.strip_suffix('}'))) {
            out.push_str(&format!("      <param name=\"{name}\" style=\"template\" required=\"true\"/>\n"));
        }
        for method in methods {
            out.push_str(&format!("      <method name=\"{method}\" id=\"{}\"/>\n", id(method, path)));
        }
        out.push_str("    </resource>\n");
    }
    out.push_str("  </resources>\n</application>\n");
    out
}

/// A name of its own for each method of each path.
fn id(method: &str, path: &str) -> String {
    let words = path.split(['/', '{', '}', '.']).filter(|word| !word.is_empty());
    words.fold(method.to_lowercase(), |id, word| format!("{id}-{word}"))
}

#[cfg(test)]
mod tests {
    use crate::tests::fake::{Fake, get, send};
    use std::sync::Arc;

    #[tokio::test(flavor = "multi_thread")]
    async fn both_forms_name_every_resource() {
        let fake = Arc::new(Fake::default());
        let host = ("host", "gauze.example");
        let got = send(&fake, "OPTIONS", "/dicom-web/", &[host], vec![]).await;
        assert_eq!((got.status.as_u16(), got.header("content-type")), (200, "application/vnd.sun.wadl+xml"));
        let text = got.text();
        assert!(text.contains("<resources base=\"https://gauze.example/dicom-web/\">"), "{text}");
        assert!(text.contains("<resource path=\"studies/{study}/metadata\">"), "{text}");
        assert_eq!(text.matches("<method ").count(), text.matches(" id=\"").count());
        let got = get(&fake, "/dicom-web/", &[host]).await;
        let json = got.json();
        let all = json["resources"].as_array().unwrap();
        assert!(
            all.iter().any(|r| r["path"] == "studies" && r["methods"] == serde_json::json!(["POST", "GET"]))
        );
        assert!(fake.calls.lock().unwrap().is_empty());
        let wrong = get(&fake, "/dicom-web/", &[("accept", "image/png")]).await;
        assert_eq!(wrong.status, 406);
    }
}
