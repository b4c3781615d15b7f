use crate::tests::fake::{COOKIES, Fake, get, part};
use port::Code;
use port::archive::Form;
use std::sync::Arc;

const STUDY: &str = "/dicom-web/studies/1.2.3";
const INSTANCE: &str = "/dicom-web/studies/1.2.3/series/1.2.4/instances/1.2.5";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const JPEG: &str = "1.2.840.10008.1.2.4.50";

async fn accept(path: &str, accept: &str, syntax: &str) -> (u16, String, Fake) {
    let octets = if path.contains("frames") { "application/octet-stream" } else { "application/dicom" };
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
async fn stored_frames_only_for_who_takes_any_syntax() {
    let path = format!("{INSTANCE}/frames/3,1");
    for (range, expected) in [
        ("*/*", false),
        ("multipart/related; type=\"application/octet-stream\"", false),
        ("multipart/related; type=\"application/octet-stream\"; transfer-syntax=*", true),
        ("multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.1", false),
        (
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.4.50",
            true,
        ),
    ] {
        let (_, _, fake) = accept(&path, range, EXPLICIT).await;
        assert_eq!(fake.retrieve().form, Form::Frames { numbers: vec![3, 1], stored: expected }, "{range}");
    }
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
    for (code, status) in
        [(Code::Unsupported, 501), (Code::NotFound, 404), (Code::OpenAnew, 403), (Code::Internal, 500)]
    {
        let fake = Arc::new(Fake { cut: Some(code), ..Fake::default() });
        assert_eq!(get(&fake, &path, &[COOKIES]).await.status.as_u16(), status);
    }
    for path in
        [path.clone(), format!("{INSTANCE}/metadata"), INSTANCE.to_owned(), format!("{INSTANCE}/frames/1")]
    {
        let items = part("image/jpeg", None, None, b"half").into();
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
    assert_eq!(fake.retrieve().syntax, Some("1.2.3".parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures() {
    let ask = async |path: &str, accept: &str| {
        let fake = Arc::new(Fake::sending(part("image/jpeg", None, None, b"jpeg").into()));
        let status = get(&fake, path, &[COOKIES, ("accept", accept)]).await.status.as_u16();
        (status, (status == 200).then(|| fake.retrieve().form))
    };
    let form = |png, quality, window, side| {
        (200, Some(Form::Rendered { numbers: vec![], png, quality, window, side }))
    };
    let rendered = format!("{INSTANCE}/rendered");
    assert_eq!(ask(&rendered, "*/*").await, form(false, 90, None, 8192));
    assert_eq!(ask(&rendered, "image/png").await, form(true, 90, None, 8192));
    assert_eq!(ask(&format!("{rendered}?accept=image/png"), "image/gif").await, form(true, 90, None, 8192));
    let query = "?window=40,400,linear&viewport=512,384&quality=70&unknown=1";
    assert_eq!(
        ask(&format!("{rendered}{query}"), "image/jpeg").await,
        form(false, 70, Some((40.0, 400.0)), 384)
    );
    for bad in ["?quality=0", "?quality=101", "?window=1", "?viewport=0,0"] {
        assert_eq!(ask(&format!("{rendered}{bad}"), "*/*").await.0, 400, "{bad}");
    }
    assert_eq!(ask(&rendered, "image/gif").await.0, 406);
    for (query, side) in
        [("", 256), ("?viewport=10,10", 128), ("?viewport=200,300", 200), ("?viewport=999,999", 256)]
    {
        assert_eq!(
            ask(&format!("{STUDY}/thumbnail{query}"), "*/*").await,
            form(false, 90, None, side),
            "{query}"
        );
    }
    let numbered = ask(&format!("{INSTANCE}/frames/2/rendered"), "*/*").await.1;
    assert!(matches!(numbered, Some(Form::Rendered { numbers, .. }) if numbers == [2]));
    let wado = "/wado?requestType=WADO&studyUID=1.2.3&seriesUID=1.2.4&objectUID=1.2.5";
    let uri =
        ask(&format!("{wado}&contentType=image/png&windowCenter=40&windowWidth=80&rows=100"), "*/*").await;
    assert_eq!(
        uri,
        (
            200,
            Some(Form::Rendered {
                numbers: vec![1],
                png: true,
                quality: 90,
                window: Some((40.0, 80.0)),
                side: 100
            })
        )
    );
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
