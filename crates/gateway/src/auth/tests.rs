use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut out = HeaderMap::new();
    for (name, value) in pairs {
        out.append(*name, value.parse().unwrap());
    }
    out
}

#[test]
fn credentials() {
    let check = |pairs: &[(&'static str, &str)], expected: Result<Credential, u16>| {
        assert_eq!(credential(&headers(pairs)).map_err(|p| p.status.as_u16()), expected, "{pairs:?}");
    };
    let cookies =
        |s: &str, v: Option<&str>| Credential::Cookies { session: s.into(), viewing: v.map(Into::into) };
    check(&[], Ok(Credential::None));
    check(&[("cookie", "other=1; __Host-gauze-session=gzs_a")], Ok(cookies("gzs_a", None)));
    check(
        &[("cookie", "__Host-gauze-session=a"), ("cookie", "__Host-gauze-view=b")],
        Ok(cookies("a", Some("b"))),
    );
    check(&[("cookie", "__Host-gauze-view=b")], Ok(Credential::None));
    check(&[("authorization", "bearer gzt_x")], Ok(Credential::Bearer("gzt_x".into())));
    check(
        &[("authorization", "Bearer t"), ("cookie", "__Host-gauze-session=a")],
        Ok(Credential::Bearer("t".into())),
    );
    check(&[("authorization", "Basic eDp5")], Err(401));
    check(&[("authorization", "Bearer")], Err(400));
    check(&[("authorization", "Bearer a b")], Err(400));
    check(&[("authorization", "Bearer a"), ("authorization", "Bearer b")], Err(400));
    check(&[("cookie", "__Host-gauze-session=a; __Host-gauze-session=b")], Err(400));
    check(&[("cookie", "__Host-gauze-session=")], Err(400));
    let (fits, long) = ("x".repeat(limits::TOKEN_BYTES), "x".repeat(limits::TOKEN_BYTES + 1));
    check(&[("authorization", format!("Bearer {fits}").as_str())], Ok(Credential::Bearer(fits)));
    check(&[("authorization", format!("Bearer {long}").as_str())], Err(400));
}

#[test]
fn writes_by_cookie_come_from_our_pages() {
    let cookie = Credential::Cookies { session: "a".into(), viewing: None };
    let check = |credential: &Credential, pairs: &[(&'static str, &str)], expected: Result<(), u16>| {
        let got = same_site(&Method::POST, &headers(pairs), credential, (None, false));
        assert_eq!(got.map_err(|p| p.status.as_u16()), expected, "{pairs:?}");
    };
    let json = ("content-type", "application/json");
    check(&cookie, &[json], Ok(()));
    check(&cookie, &[json, ("sec-fetch-site", "same-origin")], Ok(()));
    for site in ["cross-site", "same-site", "none"] {
        check(&cookie, &[json, ("sec-fetch-site", site)], Err(403));
        check(&Credential::None, &[json, ("sec-fetch-site", site)], Err(403));
        check(&Credential::Bearer("t".into()), &[json, ("sec-fetch-site", site)], Ok(()));
    }
    check(&cookie, &[json, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], Err(403));
    check(&cookie, &[json, ("origin", "https://a.example"), ("host", "a.example")], Ok(()));
    check(&cookie, &[json, ("origin", "https://b.example"), ("host", "a.example")], Err(403));
    check(&cookie, &[json, ("origin", "null"), ("host", "a.example")], Err(403));
    check(&cookie, &[json, ("origin", "https://a.example")], Err(403));
    let second = |origin: &'static str| {
        let headers = headers(&[json, ("origin", origin)]);
        same_site(&Method::POST, &headers, &cookie, (Some("a.example"), false)).map_err(|p| p.status.as_u16())
    };
    assert_eq!(second("https://a.example"), Ok(()), "HTTP/2 has no `Host`");
    assert_eq!(second("https://b.example"), Err(403));
    check(&cookie, &[("content-type", "text/plain; charset=utf-8")], Err(415));
    check(&cookie, &[("content-type", "multipart/form-data; boundary=x")], Err(415));
    check(&cookie, &[], Err(415));
    check(&cookie, &[("content-type", "multipart/related; boundary=x")], Ok(()));
}
