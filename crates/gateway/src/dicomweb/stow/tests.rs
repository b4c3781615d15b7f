use crate::tests::fake::{COOKIES, Fake, Got, object, send};
use bytes::Bytes;
use port::Code;
use serde_json::Value;
use std::sync::Arc;

const RELATED: (&str, &str) = ("content-type", r#"multipart/related; type="application/dicom"; boundary=b0"#);

fn multipart(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (media, bytes) in parts {
        out.extend_from_slice(format!("--b0\r\nContent-Type: {media}\r\n\r\n").as_bytes());
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"--b0--\r\n");
    out
}

async fn stow(
    fake: &Arc<Fake>,
    uri: &str,
    content: (&'static str, &'static str),
    body: &[u8],
    piece: usize,
) -> Got {
    let pieces = body.chunks(piece).map(Bytes::copy_from_slice).collect();
    send(fake, "POST", uri, &[COOKIES, content], pieces).await
}

fn items<'a>(json: &'a Value, sequence: &str) -> Vec<&'a Value> {
    json[sequence]["Value"].as_array().map(|a| a.iter().collect()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_valid_part_between_hostile_ones_is_stored_bit_for_bit() {
    let good = object("SC_rgb_small_odd");
    let mut cut = object("SC_rgb_rle");
    cut.truncate(cut.len() - 10);
    let parts: Vec<(&str, &[u8])> = vec![
        ("application/dicom", b"MZ not DICOM at all".as_slice()),
        ("application/dicom", cut.as_slice()),
        ("application/dicom", good.as_slice()),
        ("application/pdf", b"%PDF".as_slice()),
        ("application/dicom", b"".as_slice()),
    ];
    for piece in [1usize, 13, 4096, 1 << 20] {
        let fake = Arc::new(Fake::default());
        let got = stow(&fake, "/dicom-web/studies", RELATED, &multipart(&parts), piece).await;
        assert_eq!((got.status.as_u16(), got.header("content-type")), (202, "application/dicom+json"));
        let stored = fake.stored.lock().unwrap();
        assert_eq!(stored.len(), 1);
        assert!(stored[0].0 == good, "bytes changed on the way");
        let json = got.json();
        let uid = stored[0].1.sop_uid.as_str();
        assert_eq!(items(&json, "00081199").len(), 1);
        assert_eq!(json["00081199"]["Value"][0]["00081155"]["Value"][0], uid);
        // Three objects refused by us, the part that is none without a call.
        assert_eq!(items(&json, "0008119A").len(), 4);
        assert_eq!(fake.refused.lock().unwrap().as_slice(), [Code::BadObject; 3]);
        // By hand: not Part 10; cut in its pixels; no DICOM; not Part 10.
        let reasons: Vec<_> =
            items(&json, "0008119A").iter().map(|i| i["00081197"]["Value"][0].as_u64()).collect();
        assert_eq!(reasons, [Some(0xC001), Some(0xC002), Some(0xA900), Some(0xC001)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_and_addresses() {
    let good = object("SC_rgb_small_odd");
    let one = [("application/dicom", good.as_slice())];
    let fake = Arc::new(Fake::default());
    let got = stow(&fake, "/dicom-web/studies", RELATED, &multipart(&one), 999).await;
    assert_eq!(got.status, 200);
    let facts = fake.stored.lock().unwrap()[0].1.clone();
    let (study, series, instance) = (&facts.study_uid, &facts.series_uid, &facts.sop_uid);
    let url = format!("/dicom-web/studies/{study}/series/{series}/instances/{instance}");
    assert_eq!(got.json()["00081199"]["Value"][0]["00081190"]["Value"][0], url);
    // A single object without multipart; the study that the path names; another one.
    let dicom = ("content-type", "application/dicom");
    assert_eq!(stow(&fake, &format!("/dicom-web/studies/{study}"), dicom, &good, 7).await.status, 200);
    let got = stow(&fake, "/dicom-web/studies/1.2.3", dicom, &good, 7).await;
    assert_eq!(got.status, 409);
    assert_eq!(got.json()["00081198"]["Value"][0]["00081197"]["Value"][0], 0xC409);
    assert_eq!(got.json()["00081198"]["Value"][0]["00081155"]["Value"][0], instance.as_str());
    assert_eq!(fake.stored.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_request() {
    let good = object("SC_rgb_small_odd");
    let body = multipart(&[("application/dicom", good.as_slice())]);
    let cases: &[(&'static str, &[u8], u16)] = &[
        ("multipart/related; type=\"application/dicom\"", body.as_slice(), 400),
        ("multipart/related; boundary=\"a b \"", body.as_slice(), 400),
        ("multipart/related; type=\"application/dicom+xml\"; boundary=b0", body.as_slice(), 415),
        ("multipart/form-data; boundary=b0", body.as_slice(), 415),
        ("application/json", body.as_slice(), 415),
        ("multipart/related; boundary=other", body.as_slice(), 400),
        ("multipart/related; boundary=b0", &body[..body.len() - 12], 400),
        ("multipart/related; boundary=b0", b"--b0--\r\n".as_slice(), 400),
    ];
    for (media, body, expected) in cases {
        let fake = Arc::new(Fake::default());
        let got = stow(&fake, "/dicom-web/studies", ("content-type", media), body, 100).await;
        assert_eq!(got.status.as_u16(), *expected, "{media} {}", got.text());
        assert!(fake.stored.lock().unwrap().is_empty(), "{media}: nothing of a cut body is kept");
    }
    for (code, expected) in [
        (Code::NotSignedIn, 401),
        (Code::NotAllowed, 403),
        (Code::SlowDown, 429),
        (Code::StorageFull, 507),
        (Code::TooLarge, 409),
        (Code::Unavailable, 409),
    ] {
        let fake = Arc::new(Fake::refusing(code));
        assert_eq!(
            stow(&fake, "/dicom-web/studies", RELATED, &body, 100).await.status.as_u16(),
            expected,
            "{code:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_counted() {
    let part = b"--b0\r\nContent-Type: x/y\r\n\r\n\r\n";
    let body = |count: usize| [part.repeat(count).as_slice(), b"--b0--"].concat();
    let fake = Arc::new(Fake::default());
    let most = model::limits::STOW_PARTS;
    assert_eq!(stow(&fake, "/dicom-web/studies", RELATED, &body(most), 1 << 16).await.status, 409);
    assert_eq!(stow(&fake, "/dicom-web/studies", RELATED, &body(most + 1), 1 << 16).await.status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_answered_before_his_body_ends() {
    for code in [Code::NotSignedIn, Code::NotAllowed] {
        let fake = Arc::new(Fake::refusing(code));
        let door = crate::http::Door::new(Arc::clone(&fake) as Arc<dyn port::Archive>, Vec::new());
        let request = hyper::Request::builder().method("POST").uri("/dicom-web/studies");
        let request = request.header("content-type", "application/dicom").body(()).unwrap();
        let (outlet, body) = crate::http::Body::flow();
        outlet.send(Bytes::from_static(b"x")).await.unwrap();
        let body = crate::http::Incoming::new(body, None);
        let answering = crate::http::answer(&door, "10.0.0.9:1".parse().unwrap(), request, body);
        let answer = tokio::time::timeout(std::time::Duration::from_secs(10), answering).await;
        let answer = answer.expect("a body that never ends holds nothing up");
        assert_eq!(answer.status(), crate::http::problem::status(code));
        drop(outlet);
    }
}

fn described(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (headers, bytes) in parts {
        out.extend_from_slice(format!("--b0\r\n{headers}\r\n\r\n").as_bytes());
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"--b0--\r\n");
    out
}

fn element(vr: &str, value: Value) -> Value {
    serde_json::json!({ "vr": vr, "Value": [value] })
}

/// A secondary capture of 2 by 3 pixels of 8 bits.
fn image(uid: &str) -> Value {
    serde_json::json!({
        "00080016": element("UI", "1.2.840.10008.5.1.4.1.1.7".into()),
        "00080018": element("UI", uid.into()),
        "00080060": element("CS", "OT".into()),
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小東"}]},
        "0020000D": element("UI", "1.2.3".into()),
        "0020000E": element("UI", "1.2.4".into()),
        "00280002": element("US", 1.into()),
        "00280004": element("CS", "MONOCHROME2".into()),
        "00280010": element("US", 2.into()),
        "00280011": element("US", 3.into()),
        "00280100": element("US", 8.into()),
        "00280101": element("US", 8.into()),
        "00280102": element("US", 7.into()),
        "00280103": element("US", 0.into()),
        "00282000": {"vr": "OB", "BulkDataURI": "profile"},
        "7FE00010": {"vr": "OB", "BulkDataURI": format!("pixels/{uid}")}
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_as_json_with_bulk_data() {
    let related = ("content-type", "multipart/related; type=\"application/dicom+json\"; boundary=b0");
    let all = serde_json::json!([image("1.2.5"), image("1.2.6"), image("1.2.7"), image("1.2.8")]).to_string();
    let parts: Vec<(&str, &[u8])> = vec![
        ("Content-Type: application/dicom+json", all.as_bytes()),
        ("Content-Location: nobody", b"asked for this"),
        // Before the other value of its object: not taken.
        ("Content-Type: application/octet-stream\r\nContent-Location: pixels/1.2.8", b"abcdef"),
        ("Content-Type: application/octet-stream\r\nContent-Location: profile", b"ICC"),
        ("Content-Type: application/octet-stream\r\nContent-Location: pixels/1.2.5", b"abcdef"),
        (
            "Content-Type: image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50\r\nContent-Location: pixels/1.2.6",
            b"JPEG!",
        ),
        ("Content-Type: application/octet-stream\r\nContent-Location: pixels/1.2.7", b"abc"),
    ];
    for piece in [1usize, 4096] {
        let fake = Arc::new(Fake::default());
        let got = stow(&fake, "/dicom-web/studies", related, &described(&parts), piece).await;
        assert_eq!(got.status, 202, "{}", got.text());
        let stored = fake.stored.lock().unwrap();
        let uids: Vec<_> = stored.iter().map(|(_, facts)| facts.sop_uid.as_str()).collect();
        assert_eq!(uids, ["1.2.5", "1.2.6"]);
        let (native, facts) = &stored[0];
        assert_eq!((facts.transfer_syntax.as_str(), facts.frames[0][0].len), ("1.2.840.10008.1.2.1", 6));
        assert_eq!(facts.patient.first(0x0010_0010), "Wang^XiaoDong=王^小東");
        assert!(native.ends_with(b"OW\0\0\x06\0\0\0abcdef"), "PS3.5 §7.1.2 by hand");
        assert!(native.windows(12).any(|w| w == b"\x28\0\0\x20OB\0\0\x04\0\0\0"), "the profile, padded");
        let (jpeg, facts) = &stored[1];
        assert_eq!(facts.transfer_syntax.as_str(), "1.2.840.10008.1.2.4.50");
        let span = facts.frames[0][0];
        assert_eq!(&jpeg[span.offset as usize..][..2], b"JP");
        let json = got.json();
        let failed: Vec<_> =
            items(&json, "00081198").iter().map(|i| i["00081155"]["Value"][0].clone()).collect();
        assert_eq!(failed.len() + items(&json, "0008119A").len(), 2, "{json}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_as_json_alone() {
    let json = ("content-type", "application/dicom+json");
    let mut report = image("1.2.5");
    let fields = report.as_object_mut().unwrap();
    fields.retain(|key, _| !key.starts_with("0028") && !key.starts_with("7FE0"));
    let fake = Arc::new(Fake::default());
    let body = serde_json::json!([report, image("1.2.6")]).to_string();
    let got = stow(&fake, "/dicom-web/studies/1.2.3", json, body.as_bytes(), 7).await;
    assert_eq!(got.status, 202, "{}", got.text());
    assert_eq!(got.json()["00081199"]["Value"][0]["00081155"]["Value"][0], "1.2.5");
    assert_eq!(got.json()["00081198"]["Value"][0]["00081155"]["Value"][0], "1.2.6", "its values never came");
    for bad in ["[]", "{", "7", "\"\"", "[1]"] {
        let got = stow(&fake, "/dicom-web/studies", json, bad.as_bytes(), 7).await;
        assert!(matches!(got.status.as_u16(), 400 | 409), "{bad} {}", got.status);
    }
    let deep = "[".repeat(1000);
    assert_eq!(stow(&fake, "/dicom-web/studies", json, deep.as_bytes(), 999).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_response_as_xml() {
    let good = object("SC_rgb_small_odd");
    let fake = Arc::new(Fake::default());
    let headers = [COOKIES, ("content-type", "application/dicom"), ("accept", "application/dicom+xml")];
    let got = send(&fake, "POST", "/dicom-web/studies", &headers, vec![good.into()]).await;
    assert_eq!((got.status.as_u16(), got.header("content-type")), (200, "application/dicom+xml"));
    assert!(
        got.text().contains("<DicomAttribute tag=\"00081199\" vr=\"SQ\" keyword=\"ReferencedSOPSequence\">")
    );
}

/// Whoever may not store is told so before the end of his body, and the vault has refused him.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_store_takes_no_turn() {
    let fake = Arc::new(Fake { may_not_store: true, ..Fake::default() });
    let json = ("content-type", "application/dicom+json");
    for content in [RELATED, json] {
        let got = stow(&fake, "/dicom-web/studies", content, b"--b0", 1 << 16).await;
        assert_eq!(got.status, 403);
        assert!(matches!(fake.last().request, port::Request::Store { .. }), "recorded");
    }
}

/// One value of 2 MiB that an object names a thousand times, and one that two hundred objects share.
#[tokio::test(flavor = "multi_thread")]
async fn values_that_are_named_often_stay_bounded() {
    let related = ("content-type", "multipart/related; type=\"application/dicom+json\"; boundary=b0");
    let bulk = serde_json::json!({"vr": "OB", "BulkDataURI": "value"});
    let plain = |uid: String| {
        let mut object = image(&uid);
        object.as_object_mut().unwrap().retain(|key, _| !key.starts_with("0028") && !key.starts_with("7FE0"));
        object["00420011"] = bulk.clone();
        object
    };
    let mut greedy = plain("1.2.5".to_owned());
    for n in 0..1000 {
        greedy[format!("0042{:04X}", 0x1000 + n)] = bulk.clone();
    }
    let many: Vec<Value> = (0..200).map(|n| plain(format!("1.2.6.{n}"))).collect();
    let all = serde_json::json!([vec![greedy], many].concat()).to_string();
    let value = vec![7; 2 << 20];
    let parts: Vec<(&str, &[u8])> =
        vec![("Content-Type: application/dicom+json", all.as_bytes()), ("Content-Location: value", &value)];
    let fake = Arc::new(Fake::default());
    let got = stow(&fake, "/dicom-web/studies", related, &described(&parts), 1 << 16).await;
    assert_eq!(got.status, 202, "{}", got.text());
    let json = got.json();
    let failed = items(&json, "00081198");
    assert_eq!(failed[0]["00081155"]["Value"][0], "1.2.5");
    let stored = fake.stored.lock().unwrap().len();
    assert_eq!(stored + failed.len(), 201);
    assert!((100..=128).contains(&stored), "{stored} of 2 MiB each");
}
