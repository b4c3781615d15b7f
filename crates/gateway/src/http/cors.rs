//! Pages of other sites (Fetch §3.2): none, but for the origins that the configuration names, and for those DICOMweb alone.
//! They bring a token of their own; cookies are never theirs to send (they are `SameSite=Strict`, and credentials are not
//! allowed here).

use super::{Body, Reply, reply};
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};
use hyper::{Method, Request, StatusCode};

/// What a page may read beside the body.
const EXPOSED: &str = "accept-ranges, content-location, content-range, etag, gauze-fallback, retry-after, warning, x-request-id";

/// The origin of a request, when it is one of those named, letter by letter, and asks for DICOMweb.
pub fn shared<T>(origins: &[String], request: &Request<T>) -> Option<HeaderValue> {
    let path = request.uri().path();
    let dicomweb = path == "/wado" || path == "/dicom-web" || path.starts_with("/dicom-web/");
    let mut asked = request.headers().get_all(ORIGIN).iter();
    let origin = asked.next().filter(|_| dicomweb && asked.next().is_none())?;
    origins.iter().any(|known| origin == known.as_str()).then(|| origin.clone())
}

/// A browser asks whether it may ask.
pub fn is_preflight<T>(request: &Request<T>) -> bool {
    *request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// It may ask so.
pub fn preflight() -> Reply {
    let mut out = reply(StatusCode::NO_CONTENT, Body::empty());
    let fixed = [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "accept, authorization, content-type, if-none-match, range"),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    for (name, value) in fixed {
        out.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    out
}

/// Lets the page of this origin read the answer.
pub fn share(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    headers.append(VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use crate::http::{Door, Incoming, answer};
    use crate::tests::fake::Fake;
    use std::sync::Arc;

    async fn ask(method: &str, path: &str, headers: &[(&str, &str)]) -> hyper::HeaderMap {
        let door = Door::new(Arc::new(Fake::default()), vec!["https://viewer.example".to_owned()]);
        let mut request = hyper::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Incoming::new(crate::http::Body::empty(), None);
        let peer = "10.0.0.9:1234".parse().unwrap();
        answer(&door, peer, request.body(()).unwrap(), body).await.headers().clone()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_named_origins_and_only_dicomweb() {
        let allowed = "access-control-allow-origin";
        for path in ["/dicom-web/studies", "/wado", "/dicom-web/nowhere"] {
            let got = ask("GET", path, &[("origin", "https://viewer.example")]).await;
            assert_eq!(got[allowed], "https://viewer.example", "{path}");
            assert!(got.get("access-control-allow-credentials").is_none());
            assert!(got.get_all("vary").iter().any(|v| v == "origin"));
        }
        for origin in
            ["https://viewer.example.evil", "https://VIEWER.example", "null", "http://viewer.example", "*"]
        {
            assert!(
                ask("GET", "/dicom-web/studies", &[("origin", origin)]).await.get(allowed).is_none(),
                "{origin}"
            );
        }
        for path in ["/", "/api/v1/me", "/auth/sign-in", "/dicom-webx"] {
            let got = ask("GET", path, &[("origin", "https://viewer.example")]).await;
            assert!(got.get(allowed).is_none(), "{path}");
        }
        let two = [("origin", "https://viewer.example"), ("origin", "https://other.example")];
        assert!(ask("GET", "/dicom-web/studies", &two).await.get(allowed).is_none());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn preflights() {
        let wish = ("access-control-request-method", "GET");
        let got =
            ask("OPTIONS", "/dicom-web/studies/1.2", &[("origin", "https://viewer.example"), wish]).await;
        assert_eq!(got["access-control-allow-methods"], "GET, POST");
        assert!(got["access-control-allow-headers"].to_str().unwrap().contains("authorization"));
        let other =
            ask("OPTIONS", "/dicom-web/studies/1.2", &[("origin", "https://evil.example"), wish]).await;
        assert!(other.get("access-control-allow-methods").is_none());
        assert!(other.get("access-control-allow-origin").is_none());
    }
}
