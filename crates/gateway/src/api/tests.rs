use crate::tests::fake::{COOKIES, Fake, JSON, get, send};
use port::archive::DrawnRegion;
use port::putright::{Act, Ask as Asked};
use port::{Code, Request};
use std::sync::Arc;

async fn post(fake: &Arc<Fake>, uri: &str, body: &str) -> (u16, serde_json::Value) {
    let method = if uri.ends_with("masks") { "PUT" } else { "POST" };
    let got = send(fake, method, uri, &[COOKIES, JSON], vec![body.to_owned().into()]).await;
    (got.status.as_u16(), got.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_and_out_sets_and_ends_the_cookies() {
    let fake = Arc::new(Fake::default());
    let body = r#"{"user":"reader","password":"correct horse"}"#;
    let got = send(&fake, "POST", "/auth/sign-in", &[JSON], vec![body.into()]).await;
    let cookies: Vec<_> = got.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap()).collect();
    assert_eq!(
        cookies,
        [
            "__Host-gauze-session=gzs_new; Path=/; Secure; HttpOnly; SameSite=Strict",
            "__Host-gauze-view=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0",
        ]
    );
    let expected = serde_json::json!({
        "user": "reader", "name": "张医生", "role": "radiologist", "organisation": "hospital", "expires_in": 60
    });
    assert_eq!(got.json(), expected);
    let got = send(&fake, "POST", "/auth/sign-out", &[COOKIES], vec![]).await;
    assert_eq!((got.status.as_u16(), fake.last().request), (204, Request::SignOut));
    assert_eq!(got.headers.get_all("set-cookie").iter().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_gives_a_token_and_the_viewing_cookie() {
    let fake = Arc::new(Fake::default());
    let uri = "/api/v1/studies/1.2.3/open";
    let got = send(&fake, "POST", uri, &[COOKIES, JSON], vec![r#"{"purpose":"report"}"#.into()]).await;
    let expected = serde_json::json!({
        "token": "gzt_t", "token_type": "Bearer", "expires_in": 300, "visibility": "masked", "mask_version": 7,
        "may_lift": true, "lifted": false
    });
    assert_eq!(got.json(), expected);
    assert_eq!(
        got.header("set-cookie"),
        "__Host-gauze-view=gzv_new; Path=/; Secure; HttpOnly; SameSite=Strict"
    );
    let long = format!(r#"{{"reason":"{}"}}"#, "x".repeat(501));
    let fits = format!(r#"{{"reason":"{}"}}"#, "x".repeat(500));
    for (uri, body, status) in [
        (uri, r#"{"purpose":"treatment","reason":"seen in the ward"}"#, 200),
        (uri, r#"{"purpose":"curiosity"}"#, 400),
        (uri, r#"{"purpose":"report","extra":1}"#, 400),
        (uri, r#"{"purpose":"report""#, 400),
        (uri, "", 400),
        ("/api/v1/studies/1..2/open", r#"{"purpose":"report"}"#, 400),
        ("/api/v1/studies/1.2.3/lift", fits.as_str(), 200),
        ("/api/v1/studies/1.2.3/lift", long.as_str(), 400),
        ("/api/v1/studies/1.2.3/lift", r#"{}"#, 400),
    ] {
        assert_eq!(post(&fake, uri, body).await.0, status, "{uri} {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_bodies_are_bounded() {
    let fake = Arc::new(Fake::default());
    let body = |len: usize| {
        let frame = r#"{"purpose":"report","reason":""}"#.len();
        format!(r#"{{"purpose":"report","reason":"{}"}}"#, " ".repeat(len - frame))
    };
    let uri = "/api/v1/studies/1.2.3/open";
    assert_eq!(
        post(&fake, uri, &body(model::limits::JSON_BODY_BYTES)).await.0,
        400,
        "read, and the reason is too long"
    );
    assert_eq!(post(&fake, uri, &body(model::limits::JSON_BODY_BYTES + 1)).await.0, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn masks_are_bounded_before_the_vault_sees_them() {
    let fake = Arc::new(Fake::default());
    let uri = "/api/v1/studies/1.2.3/masks";
    let region = |kind: &str, polygon: &str| {
        format!(
            r#"{{"expect_version":3,"regions":[{{"instance":"1.2.5","frame":null,"kind":"{kind}","polygon":{polygon}}}]}}"#
        )
    };
    let triangle = "[[0,0],[10.5,0],[0,20]]";
    let (status, json) = post(&fake, uri, &region("drawn", triangle)).await;
    assert_eq!(
        (status, &json["version"], &json["regions"][0]["polygon"][1][0]),
        (200, &4.into(), &10.5.into())
    );
    let Request::DrawMasks { change, .. } = fake.last().request else { panic!() };
    assert_eq!((change.expect_version, change.drop_others), (3, false), "nothing was said of others");
    let [DrawnRegion { region: drawn, .. }] = change.wanted.as_slice() else { panic!() };
    assert_eq!((drawn.frame, drawn.polygon.len()), (None, 3));
    let corners = |n: usize| format!("[{}]", vec!["[1,1]"; n].join(","));
    for (kind, polygon, expected) in [
        ("nonsense", triangle.to_owned(), 400),
        ("drawn", "[[0,0],[1],[0,1]]".to_owned(), 400),
        ("drawn", corners(model::limits::POLYGON_CORNERS), 200),
        ("drawn", corners(model::limits::POLYGON_CORNERS + 1), 413),
    ] {
        assert_eq!(post(&fake, uri, &region(kind, &polygon)).await.0, expected, "{kind}");
    }
    let many = |n: usize| {
        let one = format!(r#"{{"instance":"1.2.5","kind":"drawn","polygon":{triangle}}}"#);
        format!(r#"{{"expect_version":0,"regions":[{}]}}"#, vec![one; n].join(","))
    };
    assert_eq!(post(&fake, uri, &many(model::limits::REGIONS)).await.0, 200);
    assert_eq!(post(&fake, uri, &many(model::limits::REGIONS + 1)).await.0, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists() {
    let fake = Arc::new(Fake::default());
    let got = get(&fake, "/api/v1/worklist?search=%E5%BC%A0&limit=5000&offset=2", &[COOKIES]).await;
    assert_eq!(got.json()["total"], 9);
    assert_eq!(got.json()["studies"][0]["attributes"]["0020000D"]["Value"][0], "1.2.3");
    let expected = Request::Worklist { search: "张".into(), limit: model::limits::MATCHES, offset: 2 };
    assert_eq!(fake.last().request, expected);
    get(&fake, "/api/v1/accesses?study=1.2.3&kind=released,opened&limit=7&before=99", &[COOKIES]).await;
    let Request::Accesses { study, kinds, limit: 7, before: Some(99) } = fake.last().request else {
        panic!()
    };
    assert_eq!((study.unwrap().as_str(), kinds.join("+")), ("1.2.3", "released+opened".to_owned()));
    for bad in ["limit=x", "limit=-1", "study=abc", "before=1e9"] {
        assert_eq!(get(&fake, &format!("/api/v1/accesses?{bad}"), &[COOKIES]).await.status, 400, "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_right_is_checked_before_the_vault_sees_it() {
    let fake = Arc::new(Fake::default());
    let ask = async |act: &str| {
        let body = format!(r#"{{"expect_version":6,"reason":"two cards, one person","act":{act}}}"#);
        post(&fake, "/api/v1/changes", &body).await
    };
    let (status, json) = ask(r#"{"merge":{"from":{"number":"1","issuer":"H"},"into":{"number":"2"}}}"#).await;
    assert_eq!(
        (status, json),
        (200, serde_json::json!({"change": 4, "version": 7, "studies": 2, "objects": 3}))
    );
    let Request::PutRight(Asked::Make { act: Act::Merge { from, into, .. }, expect_version: 6, .. }) =
        fake.last().request
    else {
        panic!()
    };
    assert_eq!((from.issuer.as_str(), from.number.as_str(), into.issuer.as_str()), ("H", "1", ""));
    let set = r#"{"correct-study":{"study":"1.2.3","set":{"AccessionNumber":"A1","StudyDescription":""}}}"#;
    assert_eq!(ask(set).await.0, 200);
    let Request::PutRight(Asked::Make { act: Act::CorrectStudy { set, .. }, .. }) = fake.last().request
    else {
        panic!()
    };
    assert_eq!(set.first(model::tags::ACCESSION_NUMBER), "A1");
    assert_eq!(set.get(model::tags::STUDY_DESCRIPTION).map(|a| a.values.len()), Some(0), "emptied");
    let many = |n: usize| {
        format!(
            r#"{{"reject":{{"study":"1.2","code":"quality","instances":[{}]}}}}"#,
            vec![r#""1.2.3""#; n].join(",")
        )
    };
    for (act, status) in [
        (r#"{"move-series":{"study":"1.2","series":["1.3"],"to_study":"1.4"}}"#, 200),
        (r#"{"move-series":{"study":"1.2","series":["1.3"]}}"#, 200),
        (
            r#"{"move-series":{"study":"1.2","series":["1.3"],"to_study":"1.4","to_patient":{"number":"1"}}}"#,
            400,
        ),
        (
            r#"{"move-studies":{"studies":["1.2"],"to":{"number":"1"},"demographics":{"PatientName":"A"}}}"#,
            200,
        ),
        (r#"{"correct-patient":{"patient":{"number":"1"},"set":{"PatientID":"2"}}}"#, 400),
        (r#"{"reject":{"study":"1.2","code":"boredom"}}"#, 400),
        (&many(model::limits::REJECTED), 200),
        (&many(model::limits::REJECTED + 1), 413),
        (r#"{"merge":{"from":{"number":"1"}}}"#, 400),
        (r#"{"burn":{}}"#, 400),
    ] {
        assert_eq!(ask(act).await.0, status, "{}", act.get(..80).unwrap_or(act));
    }
    for (uri, body, status) in [
        ("/api/v1/changes/7/undo", r#"{"expect_version":1,"reason":"a mistake"}"#, 200),
        ("/api/v1/changes/x/undo", r#"{"expect_version":1,"reason":"a mistake"}"#, 400),
        ("/api/v1/changes/7/undo", r#"{"expect_version":1}"#, 400),
        ("/api/v1/look-up", r#"{"number":"4711"}"#, 200),
        ("/api/v1/look-up", r#"{}"#, 400),
    ] {
        assert_eq!(post(&fake, uri, body).await.0, status, "{uri} {body}");
    }
    assert_eq!(get(&fake, "/api/v1/changes?limit=5000&before=9", &[COOKIES]).await.json()["version"], 5);
    assert_eq!(
        fake.last().request,
        Request::PutRight(Asked::Changes { limit: model::limits::MATCHES, before: Some(9) })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_has_no_body() {
    let up = get(&Arc::new(Fake::default()), "/readyz", &[]).await;
    let down = get(&Arc::new(Fake::refusing(Code::Unavailable)), "/readyz", &[]).await;
    assert_eq!((up.status.as_u16(), up.body.len()), (200, 0));
    assert_eq!((down.status.as_u16(), down.body.len()), (503, 0));
    assert_eq!(get(&Arc::new(Fake::default()), "/metrics", &[]).await.status, 404);
    assert_eq!(get(&Arc::new(Fake::default()), "/auth/token", &[]).await.status, 405);
}
