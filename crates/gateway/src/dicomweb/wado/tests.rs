use crate::tests::fake::{COOKIES, Fake, TAG, get, part};
use model::view::{Source, WindowFunction};
use model::{View, Viewport, Window};
use port::archive::{Annotation, ByteRange, Form, Picture, Profile, Syntax};
use port::stream::Span;
use port::{Code, Item};
use std::sync::Arc;

const STUDY: &str = "/dicom-web/studies/1.2.3";
const INSTANCE: &str = "/dicom-web/studies/1.2.3/series/1.2.4/instances/1.2.5";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const JPEG: &str = "1.2.840.10008.1.2.4.50";

async fn accept(path: &str, accept: &str, syntax: &str) -> (u16, String, Fake) {
    let octets =
        if path != STUDY && path != INSTANCE { "application/octet-stream" } else { "application/dicom" };
    let fake = Arc::new(Fake::sending(part(octets, Some(syntax), None, b"bytes").into()));
    let got = get(&fake, path, &[COOKIES, ("accept", accept)]).await;
    let kind = got.header("content-type").split("; boundary").next().unwrap_or_default().to_owned();
    (got.status.as_u16(), kind, Arc::into_inner(fake).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_decides_the_form() {
    let related = "multipart/related; type=\"application/dicom\"";
    let octets = "multipart/related; type=\"application/octet-stream\"";
    let frame = format!("{INSTANCE}/frames/1");
    let frames = format!("{INSTANCE}/frames/1,2");
    let (pixels, value) = (format!("{STUDY}/pixeldata"), format!("{INSTANCE}/bulkdata/00282000"));
    let jpegs = "multipart/related; type=\"image/jpeg\"";
    let cases: &[(&str, &str, &str, u16, &str)] = &[
        (STUDY, "*/*", JPEG, 200, related),
        (STUDY, related, JPEG, 200, related),
        (STUDY, "multipart/related; type=\"application/dicom\"; transfer-syntax=*", JPEG, 200, related),
        (
            STUDY,
            "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50",
            JPEG,
            200,
            related,
        ),
        (
            STUDY,
            "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90",
            JPEG,
            406,
            "",
        ),
        (STUDY, "application/dicom", JPEG, 406, ""),
        (STUDY, "multipart/related; type=\"application/dicom+xml\"", JPEG, 406, ""),
        (
            INSTANCE,
            "application/dicom",
            EXPLICIT,
            200,
            "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
        ),
        (INSTANCE, "image/png", EXPLICIT, 406, ""),
        (INSTANCE, "application/dicom; q=0, */*", EXPLICIT, 200, related),
        (
            &frame,
            "application/octet-stream",
            EXPLICIT,
            200,
            "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
        ),
        (&frames, "application/octet-stream", EXPLICIT, 406, ""),
        (
            &frames,
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
            JPEG,
            200,
            octets,
        ),
        (&frame, "*/*", EXPLICIT, 200, octets),
        (&frame, "multipart/related; type=\"image/jpeg\"", EXPLICIT, 406, ""),
        (
            &frame,
            "multipart/related; type=\"image/jpeg\"",
            JPEG,
            200,
            "multipart/related; type=\"image/jpeg\"",
        ),
        (&frame, "image/jpeg", JPEG, 200, "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"),
        (&frame, "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70", JPEG, 406, ""),
        (&frame, "image/jls; transfer-syntax=*", JPEG, 406, ""),
        (&frame, "image/*", JPEG, 200, "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"),
        (&pixels, "multipart/related; type=\"image/jpeg\"; transfer-syntax=*", JPEG, 200, jpegs),
        (&pixels, "image/jpeg", JPEG, 406, ""),
        (&value, "*/*", EXPLICIT, 200, "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"),
        (&value, octets, EXPLICIT, 200, octets),
        (&value, "text/plain", EXPLICIT, 406, ""),
        (
            &frame,
            "multipart/related; type=\"image/jpeg\", multipart/related; type=\"application/octet-stream\"",
            EXPLICIT,
            200,
            octets,
        ),
    ];
    for (path, range, syntax, status, kind) in cases {
        let (got, media, _) = accept(path, range, syntax).await;
        assert_eq!(got, *status, "{path} {range}");
        if got == 200 {
            assert_eq!(media, *kind, "{path} {range}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vault_hears_what_is_taken_in_order() {
    let named = |uid: &str| Syntax::Named(uid.parse().unwrap());
    let explicit = Syntax::Preferred(EXPLICIT.parse().unwrap());
    let path = format!("{INSTANCE}/frames/3,1");
    for (path, range, expected) in [
        (path.as_str(), "*/*", vec![named(EXPLICIT)]),
        (&path, "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*", vec![Syntax::Any]),
        (
            &path,
            "multipart/related; type=\"application/octet-stream\"; q=0.5, multipart/related; type=\"image/jls\"",
            vec![named("1.2.840.10008.1.2.4.80"), named("1.2.840.10008.1.2.4.81"), named(EXPLICIT)],
        ),
        (STUDY, "*/*", vec![Syntax::Any]),
        (STUDY, "multipart/related; type=\"application/dicom\"", vec![explicit]),
        (
            STUDY,
            "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.50",
            vec![named(JPEG)],
        ),
    ] {
        let (_, _, fake) = accept(path, range, EXPLICIT).await;
        assert_eq!(fake.retrieve().syntaxes, expected, "{range}");
    }
    let (_, _, fake) = accept(&path, "*/*", EXPLICIT).await;
    assert_eq!(fake.retrieve().form, Form::Frames { numbers: vec![3, 1] });
    for bad in ["0", "1,", "a", "1,,2", "-1", "100001", "1.5", &vec!["1"; 1001].join(",")] {
        let fake = Arc::new(Fake::default());
        assert_eq!(get(&fake, &format!("{INSTANCE}/frames/{bad}"), &[COOKIES]).await.status, 400, "{bad}");
        assert!(fake.calls.lock().unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_framed_as_multipart() {
    let items = [
        part("application/octet-stream", Some(EXPLICIT), Some(1), b"\r\n--first"),
        part("application/octet-stream", Some(EXPLICIT), Some(2), b"second"),
    ];
    let fake = Arc::new(Fake::sending(items.concat()));
    let got = get(&fake, &format!("{INSTANCE}/frames/1,2"), &[COOKIES]).await;
    let boundary = got.header("content-type").rsplit_once("boundary=").unwrap().1.to_owned();
    assert_eq!((boundary.as_str(), got.header("etag")), (TAG, format!("\"{TAG}\"").as_str()));
    let head = |n: u32| {
        format!(
            "--{boundary}\r\nContent-Type: application/octet-stream; transfer-syntax={EXPLICIT}\r\n\
             Content-Location: {INSTANCE}/frames/{n}\r\n\r\n"
        )
    };
    let expected = format!("{}\r\n--first\r\n{}second\r\n--{boundary}--\r\n", head(1), head(2));
    assert_eq!((got.text(), got.cut), (expected, false));
    assert_eq!(got.header("gauze-fallback"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_one_array() {
    let items = [
        part("application/dicom+json", None, None, b"{\"a\":1}"),
        part("application/dicom+json", None, None, b"{}"),
    ];
    let fake = Arc::new(Fake::sending(items.concat()));
    let got = get(&fake, &format!("{STUDY}/metadata"), &[COOKIES]).await;
    assert_eq!(
        (got.header("content-type"), got.text().as_str()),
        ("application/dicom+json", "[{\"a\":1},{}]")
    );
    let none = get(&Arc::new(Fake::default()), &format!("{STUDY}/metadata"), &[COOKIES]).await;
    assert_eq!(none.status, 404, "no part at all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_before_the_first_part_is_a_status_and_after_it_a_cut() {
    let path = format!("{INSTANCE}/rendered");
    for (code, status) in [
        (Code::Unsupported, 501),
        (Code::BadRequest, 400),
        (Code::NotFound, 404),
        (Code::OpenAnew, 403),
        (Code::Internal, 500),
    ] {
        let fake = Arc::new(Fake { cut: Some(code), ..Fake::default() });
        assert_eq!(get(&fake, &path, &[COOKIES]).await.status.as_u16(), status);
    }
    for path in
        [path.clone(), format!("{INSTANCE}/metadata"), INSTANCE.to_owned(), format!("{INSTANCE}/frames/1")]
    {
        let items = part("image/jpeg", Some(EXPLICIT), None, b"half").into();
        let fake = Arc::new(Fake { cut: Some(Code::Internal), ..Fake::sending(items) });
        let got = get(&fake, &path, &[COOKIES]).await;
        assert!(got.status == 200 && got.cut, "{path}: a short body must not look whole");
    }
    // Two parts where one was asked for: cut as well.
    let items = [part("image/jpeg", None, None, b"one"), part("image/jpeg", None, None, b"two")].concat();
    let got = get(&Arc::new(Fake::sending(items.clone())), &path, &[COOKIES]).await;
    assert_eq!((got.text().as_str(), got.cut), ("one", true));
    // A thumbnail asks the vault for one instance: what does not leave is not recorded as released.
    let fake = Arc::new(Fake::sending(part("image/jpeg", None, None, b"one").into()));
    let got = get(&fake, &format!("{STUDY}/thumbnail"), &[COOKIES]).await;
    assert_eq!((got.text().as_str(), got.cut, fake.retrieve().first), ("one", false, true));
    // A frame is named once; HEAD never reaches the vault; the transfer syntax does.
    let fake = Arc::new(Fake::default());
    let twice = get(&fake, &format!("{INSTANCE}/frames/1,2,1"), &[COOKIES]).await;
    let head = crate::tests::fake::send(&fake, "HEAD", STUDY, &[COOKIES], vec![]).await;
    assert_eq!((twice.status.as_u16(), head.status.as_u16()), (400, 405));
    assert!(fake.calls.lock().unwrap().is_empty());
    let accept = ("accept", "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.3");
    let fake = Arc::new(Fake::refusing(port::Code::Unsupported));
    assert_eq!(get(&fake, STUDY, &[COOKIES, accept]).await.status, 406);
    assert_eq!(fake.retrieve().syntaxes, [Syntax::Named("1.2.3".parse().unwrap())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures() {
    let ask = async |path: &str, accept: &str| {
        let fake = Arc::new(Fake::sending(part("image/jpeg", None, None, b"jpeg").into()));
        let status = get(&fake, path, &[COOKIES, ("accept", accept)]).await.status.as_u16();
        (status, (status == 200).then(|| fake.retrieve().form))
    };
    let form = |png, quality, window, viewport| {
        let picture = Picture { png, quality, view: View { window, viewport } };
        (
            200,
            Some(Form::Rendered {
                numbers: vec![],
                picture,
                annotation: Annotation::default(),
                profile: Profile::No,
            }),
        )
    };
    let rendered = format!("{INSTANCE}/rendered");
    assert_eq!(ask(&rendered, "*/*").await, form(false, 90, None, None));
    assert_eq!(ask(&rendered, "image/png").await, form(true, 90, None, None));
    assert_eq!(ask(&format!("{rendered}?accept=image/png"), "image/gif").await, form(true, 90, None, None));
    let query = "?window=40,400,linear&viewport=512,384&quality=70&unknown=1";
    let window = Some(Window { centre: 40.0, width: 400.0, function: WindowFunction::Linear });
    let room = |width, height, enlarge| Some(Viewport { width, height, enlarge, source: None });
    assert_eq!(
        ask(&format!("{rendered}{query}"), "image/jpeg").await,
        form(false, 70, window, room(512, 384, true))
    );
    let annotated = ask(&format!("{rendered}?annotation=patient,technique"), "*/*").await.1;
    let both = Annotation { patient: true, technique: true };
    assert!(matches!(annotated, Some(Form::Rendered { annotation, .. }) if annotation == both));
    assert_eq!(ask(&format!("{rendered}?iccprofile=displayp3"), "*/*").await.0, 501);
    assert_eq!(ask(&format!("{rendered}?iccprofile=blue"), "*/*").await.0, 400);
    let srgb = ask(&format!("{rendered}?iccprofile=srgb"), "*/*").await.1;
    assert!(matches!(srgb, Some(Form::Rendered { profile: Profile::Srgb, .. })));
    assert_eq!(ask(&format!("{rendered}?iccprofile=no"), "*/*").await.0, 200);
    for bad in ["?quality=0", "?quality=101", "?window=1", "?viewport=0,0"] {
        assert_eq!(ask(&format!("{rendered}{bad}"), "*/*").await.0, 400, "{bad}");
    }
    assert_eq!(ask(&rendered, "image/gif").await.0, 406);
    for (query, width, height) in [
        ("", 256, 256),
        ("?viewport=10,10", 128, 128),
        ("?viewport=200,300", 200, 256),
        ("?viewport=999,999", 256, 256),
    ] {
        for path in [STUDY, &format!("{INSTANCE}/frames/1")] {
            let (status, got) = ask(&format!("{path}/thumbnail{query}"), "*/*").await;
            let Some(Form::Rendered { picture, .. }) = got else { panic!("{status}") };
            assert_eq!(picture.view.viewport, room(width, height, false), "{query}");
        }
    }
    let numbered = ask(&format!("{INSTANCE}/frames/2/rendered"), "*/*").await.1;
    assert!(matches!(numbered, Some(Form::Rendered { numbers, .. }) if numbers == [2]));
    let wado = "/wado?requestType=WADO&studyUID=1.2.3&seriesUID=1.2.4&objectUID=1.2.5";
    let uri =
        ask(&format!("{wado}&contentType=image/png&windowCenter=40&windowWidth=80&rows=100"), "*/*").await;
    let (status, got) = uri;
    let Some(Form::Rendered { numbers, picture, .. }) = got else { panic!("{status}") };
    let window = Window { centre: 40.0, width: 80.0, function: WindowFunction::Linear };
    let view = View { window: Some(window), viewport: room(100, 100, true) };
    assert_eq!((numbers, picture), (vec![1], Picture { png: true, quality: 90, view }));
    let (status, got) = ask(&format!("{wado}&region=0.25,0,0.5,1"), "*/*").await;
    let Some(Form::Rendered { picture, .. }) = got else { panic!("{status}") };
    let source = Source { left: 0.25, top: 0.0, width: 0.25, height: 1.0, relative: true };
    assert_eq!(picture.view.viewport.unwrap().source, Some(source));
    for bad in ["0,0,2,1", "0.5,0,0.5,1", "0,0,1", "a,0,1,1"] {
        assert_eq!(ask(&format!("{wado}&region={bad}"), "*/*").await.0, 400, "{bad}");
    }
    assert_eq!(
        ask(&format!("{wado}&contentType=application/dicom"), "*/*").await,
        (200, Some(Form::Instances))
    );
    assert_eq!(ask(&format!("{wado}&anonymize=yes"), "*/*").await.0, 501);
}

#[tokio::test(flavor = "multi_thread")]
async fn searching() {
    let fake = Arc::new(Fake::default());
    let uri = "/dicom-web/studies/1.2.3/series?Modality=CT&limit=5&includefield=all&fuzzymatching=true";
    let got = get(&fake, uri, &[COOKIES, ("host", "gauze.example:8443")]).await;
    assert_eq!((got.status.as_u16(), got.header("content-type")), (200, "application/dicom+json"));
    let url = &got.json()[0]["00081190"]["Value"][0];
    assert_eq!(url, "https://gauze.example:8443/dicom-web/studies/1.2.3/series/1.2.4");
    let warnings: Vec<_> = got.headers.get_all("warning").iter().filter_map(|w| w.to_str().ok()).collect();
    assert!(warnings[0].contains("additional results"));
    assert!(warnings[1].ends_with(": 00101020 00400275.00401001\""));
    let port::Request::Find(query) = fake.last().request else { panic!() };
    assert_eq!((query.limit, query.include, query.keys.len()), (5, None, 2));
    for (uri, status) in [
        ("/dicom-web/studies?NoSuchKey=1", 400),
        ("/dicom-web/studies/1.2.3/series?StudyInstanceUID=1.2.9", 400),
        ("/dicom-web/studies/x/series", 400),
        ("/dicom-web/studies?limit=x", 400),
    ] {
        assert_eq!(get(&fake, uri, &[COOKIES]).await.status.as_u16(), status, "{uri}");
    }
    let xml = get(&fake, "/dicom-web/studies", &[COOKIES, ("accept", "application/dicom+xml")]).await;
    assert_eq!(xml.status, 406);
    // A host that is no host does not get into our addresses.
    let got = get(&fake, "/dicom-web/studies", &[COOKIES, ("host", "x\"/evil")]).await;
    assert_eq!(got.json()[0]["00081190"]["Value"][0], "/dicom-web/studies/1.2.3");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_value() {
    let path = format!("{INSTANCE}/bulkdata/54000100.0.54001010");
    let mut items = part("application/octet-stream", Some(EXPLICIT), None, b"bcd");
    let Item::Part(head) = &mut items[0] else { panic!() };
    head.span = Some(Box::new(Span { from: 1, to: 4, total: 26 }));
    let fake = Arc::new(Fake::sending(items.into()));
    let got = get(&fake, &path, &[COOKIES, ("range", "bytes=1-3")]).await;
    assert_eq!(
        (got.status.as_u16(), got.header("content-range"), got.text().as_str()),
        (206, "bytes 1-3/26", "bcd")
    );
    assert_eq!(got.header("accept-ranges"), "bytes");
    let form = |range| Form::Bulk { path: "54000100.0.54001010".into(), range };
    assert_eq!(fake.retrieve().form, form(Some(ByteRange::Between(1, 3))));
    for (name, value) in [("range", "bytes=0-1,0-1"), ("range", "bytes=3-1"), ("range", "lines=1-2")] {
        let fake =
            Arc::new(Fake::sending(part("application/octet-stream", Some(EXPLICIT), None, b"abc").into()));
        let got = get(&fake, &path, &[COOKIES, (name, value)]).await;
        assert_eq!((got.status.as_u16(), fake.retrieve().form), (200, form(None)), "{value}");
    }
    let related = ("accept", "multipart/related; type=\"application/octet-stream\"");
    let fake = Arc::new(Fake::sending(part("application/octet-stream", Some(EXPLICIT), None, b"abc").into()));
    let got = get(&fake, &path, &[COOKIES, related, ("range", "bytes=1-3")]).await;
    assert_eq!(
        (got.status.as_u16(), fake.retrieve().form),
        (200, form(None)),
        "ranges are of one value alone"
    );
    // The value is shorter: known to the vault alone, and said as RFC 9110 §15.5.17 does.
    let fake = Arc::new(Fake { cut: Some(Code::BadRequest), ..Fake::default() });
    let got = get(&fake, &path, &[COOKIES, ("range", "bytes=9223372036854775808-")]).await;
    assert_eq!((got.status.as_u16(), got.header("content-range")), (416, ""));
    let lower = get(&Arc::new(Fake::default()), &format!("{INSTANCE}/bulkdata/7fe00010"), &[COOKIES]).await;
    assert_eq!(lower.status, 404, "no part at all");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_it_already_gets_nothing() {
    let fake = Arc::new(Fake::default());
    let tags = format!("\"x\", W/\"{TAG}\"");
    let got = get(&fake, STUDY, &[COOKIES, ("if-none-match", &tags)]).await;
    assert_eq!((got.status.as_u16(), got.body.len()), (304, 0));
    assert_eq!(
        (got.header("etag"), got.header("cache-control")),
        (format!("\"{TAG}\"").as_str(), "no-store")
    );
    assert_eq!(fake.retrieve().known, ["x", TAG]);
}
