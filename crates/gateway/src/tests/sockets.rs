//! The doors through real sockets, with curl and DCMTK as clients that others wrote.

use super::fake::{Fake, object, part};
use crate::{Error, Options, Running, start};
use bytes::Bytes;
use port::archive::Form;
use port::{Archive, Code, Credential, Item, Request};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub struct World {
    folder: tempfile::TempDir,
    pub fake: Arc<Fake>,
    pub running: Running,
    client_sha256: String,
}

impl World {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        put(&self.path(name), bytes);
        self.path(name)
    }
}

fn put(path: &Path, bytes: &[u8]) {
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), bytes).unwrap();
}

fn certificate(names: &[&str], issuer: &CertifiedIssuer<'_, KeyPair>) -> (String, String, Vec<u8>) {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(names).unwrap().signed_by(&key, issuer).unwrap();
    (own.pem(), key.serialize_pem(), own.der().to_vec())
}

pub async fn world(fake: Fake) -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Else leaf and authority have one name, and a client takes the leaf for self-signed.
    params.distinguished_name.push(DnType::CommonName, "test authority");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let (certificate_pem, key_pem, _) = certificate(&["localhost", "127.0.0.1"], &authority);
    let (client, client_key, der) = certificate(&["modality"], &authority);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
    for (name, text) in [("ca.pem", authority.pem()), ("client.pem", client), ("client-key.pem", client_key)]
    {
        put(&folder.path().join(name), text.as_bytes());
    }
    let any = "127.0.0.1:0".parse().unwrap();
    let options = Options {
        https: any,
        dimse: Some(any),
        dimse_tls: Some(any),
        hl7_tls: None,
        certificate_pem,
        key_pem,
        client_ca_pem: authority.pem(),
        ae_title: "GAUZE".into(),
        storage_classes: Vec::new(),
        software: "test".into(),
        origins: Vec::new(),
    };
    let fake = Arc::new(fake);
    let running = start(options, Arc::clone(&fake) as Arc<dyn Archive>).await.unwrap();
    World { folder, fake, running, client_sha256: crate::http::hex(digest.as_ref()) }
}

async fn command(program: &str, arguments: Vec<String>) -> Output {
    let program = program.to_owned();
    tokio::task::spawn_blocking(move || Command::new(program).args(arguments).output().unwrap())
        .await
        .unwrap()
}

async fn curl(world: &World, path: &str, more: &[&str]) -> (i32, String) {
    let mut arguments: Vec<String> = ["-sS", "-m", "20", "--cacert"].map(str::to_owned).into();
    arguments.push(world.path("ca.pem").display().to_string());
    arguments.extend(more.iter().map(|a| (*a).to_owned()));
    arguments.push(format!("https://localhost:{}{path}", world.running.https.port()));
    let output = command("curl", arguments).await;
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_http_and_of_tls() {
    let world = world(Fake::default()).await;
    let shown = ["-o", "/dev/null", "-w", "%{http_code} %{http_version}"];
    for (more, expected) in [
        (["--http1.1", "--tlsv1.3"].as_slice(), "200 1.1"),
        (["--http2", "--tlsv1.3"].as_slice(), "200 2"),
        (["--http1.1", "--tlsv1.2", "--tls-max", "1.2"].as_slice(), "200 1.1"),
        (["--http2", "--tlsv1.2", "--tls-max", "1.2"].as_slice(), "200 2"),
    ] {
        let (code, text) = curl(&world, "/healthz", &[shown.as_slice(), more].concat()).await;
        assert_eq!((code, text.as_str()), (0, expected), "{more:?}");
    }
    let (code, _) = curl(&world, "/healthz", &["--tlsv1.1", "--tls-max", "1.1"]).await;
    assert_ne!(code, 0, "TLS 1.1 is over");
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_goes_in_by_stow_over_both_versions() {
    let world = world(Fake::default()).await;
    let film = object("SC_rgb_small_odd");
    let body =
        [b"--b\r\nContent-Type: application/dicom\r\n\r\n", film.as_slice(), b"\r\n--b--\r\n"].concat();
    let data = format!("@{}", world.put("body", &body).display());
    for version in ["--http1.1", "--http2"] {
        let more = [
            version,
            "-H",
            "Content-Type: multipart/related; type=\"application/dicom\"; boundary=b",
            "-H",
            "Expect: 100-continue",
            "--cookie",
            "__Host-gauze-session=gzs_s",
            "--data-binary",
            &data,
            "-w",
            " %{http_code}",
        ];
        let (code, text) = curl(&world, "/dicom-web/studies", &more).await;
        assert_eq!((code, text.ends_with(" 200")), (0, true), "{version} {text}");
    }
    let stored = world.fake.stored.lock().unwrap().clone();
    assert!(stored.len() == 2 && stored.iter().all(|(bytes, _)| *bytes == film));
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_picture_is_an_error_at_the_client() {
    let mut items: Vec<Item> = part("image/jpeg", None, None, b"").into();
    items.pop();
    items.extend((0..64).map(|_| Item::Chunk(Bytes::from(vec![7; port::stream::CHUNK_BYTES]))));
    let path = "/dicom-web/studies/1.2.3/series/1.2.4/instances/1.2.5/rendered";
    let whole = world(Fake::sending(items.clone())).await;
    let cut = world(Fake { cut: Some(Code::Internal), ..Fake::sending(items) }).await;
    for version in ["--http1.1", "--http2"] {
        let more = [version, "-o", "/dev/null", "-w", "%{http_code} %{size_download}"];
        let (code, text) = curl(&whole, path, &more).await;
        assert_eq!((code, text.as_str()), (0, "200 4194304"), "{version}");
        assert!(matches!(whole.fake.retrieve().form, Form::Rendered { .. }));
        let (code, _) = curl(&cut, path, &more).await;
        assert_ne!(code, 0, "{version}: a short body must not look whole");
    }
    whole.running.stop().await;
    cut.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends_is_cut_off_and_stopping_waits_for_nobody() {
    let world = world(Fake::default()).await;
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(world.path("ca.pem")).unwrap();
    use rustls_pki_types::pem::PemObject;
    roots.add(rustls_pki_types::CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let connect = async || {
        let socket = tokio::net::TcpStream::connect(world.running.https).await.unwrap();
        connector.connect("localhost".try_into().unwrap(), socket).await.unwrap()
    };
    let mut slow = connect().await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let since = tokio::time::Instant::now();
    let dripping = async {
        let mut buffer = [0; 1024];
        loop {
            tokio::select! {
                read = slow.read(&mut buffer) => if matches!(read, Ok(0) | Err(_)) { return },
                () = tokio::time::sleep(Duration::from_secs(1)) => {
                    // One more byte a second does not help.
                    if slow.write_all(b"x").await.is_err() { return }
                    let _ = slow.flush().await;
                }
            }
        }
    };
    let bound = crate::http::limits::HEAD + Duration::from_secs(5);
    assert!(tokio::time::timeout(bound, dripping).await.is_ok(), "still open after {:?}", since.elapsed());
    let mut idle = connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let https = world.running.https;
    let since = tokio::time::Instant::now();
    world.running.stop().await;
    assert!(since.elapsed() <= Duration::from_secs(3), "{:?}", since.elapsed());
    assert!(tokio::net::TcpStream::connect(https).await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_dimse_stands_on_loopback_only() {
    let any = "127.0.0.1:0".parse().unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let options = Options {
        https: any,
        dimse: Some("0.0.0.0:0".parse().unwrap()),
        dimse_tls: None,
        hl7_tls: None,
        certificate_pem: own.pem(),
        key_pem: key.serialize_pem(),
        client_ca_pem: String::new(),
        ae_title: String::new(),
        storage_classes: Vec::new(),
        software: String::new(),
        origins: Vec::new(),
    };
    let refused = start(options.clone(), Arc::new(Fake::default())).await;
    assert!(matches!(refused, Err(Error::PlainDimse(_))));
    let no_key = Options { dimse: None, key_pem: own.pem(), ..options.clone() };
    assert!(matches!(start(no_key, Arc::new(Fake::default())).await, Err(Error::Pem("private key"))));
    let no_clients = Options { dimse: None, dimse_tls: Some(any), ..options };
    assert!(matches!(start(no_clients, Arc::new(Fake::default())).await, Err(Error::Pem("certificate"))));
}

/// DCMTK with a called title.
async fn dcmtk(program: &str, world: &World, called: &str, tls: bool, more: &[&str]) -> bool {
    let mut arguments: Vec<String> = ["-aet", "MODALITY", "-aec", called].map(str::to_owned).into();
    let port = if tls { world.running.dimse_tls } else { world.running.dimse }.unwrap().port();
    if tls {
        let path = |name: &str| world.path(name).display().to_string();
        arguments.extend([
            "+tls".into(),
            path("client-key.pem"),
            path("client.pem"),
            "+cf".into(),
            path("ca.pem"),
        ]);
    }
    arguments.extend(["127.0.0.1".to_owned(), port.to_string()]);
    arguments.extend(more.iter().map(|a| (*a).to_owned()));
    let output = command(program, arguments).await;
    if !output.status.success() {
        println!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}

fn dcmtk_is_here() -> bool {
    let here = Command::new("storescu").arg("--version").output().is_ok();
    if !here {
        println!("skipped: DCMTK is not installed");
    }
    here
}

#[tokio::test(flavor = "multi_thread")]
async fn dcmtk_stores_plain_and_over_tls() {
    if !dcmtk_is_here() {
        return;
    }
    let world = world(Fake::default()).await;
    let film = object("SC_rgb_small_odd");
    let file = world.put("film.dcm", &film).display().to_string();
    for tls in [false, true] {
        assert!(dcmtk("echoscu", &world, "GAUZE", tls, &[]).await, "echo, TLS {tls}");
        assert!(!dcmtk("echoscu", &world, "OTHER", tls, &[]).await, "another title, TLS {tls}");
        assert!(dcmtk("storescu", &world, "GAUZE", tls, &[&file]).await, "store, TLS {tls}");
        let call = world.fake.last();
        assert_eq!((call.credential, call.request), (Credential::Device, Request::Store { study: None }));
        assert_eq!(
            (call.arrival.calling_ae.as_str(), call.arrival.called_ae.as_str()),
            ("MODALITY", "GAUZE")
        );
        assert_eq!(call.arrival.certificate, if tls { world.client_sha256.clone() } else { String::new() });
        assert!(call.arrival.software.starts_with("OFFIS_DCMTK"), "{}", call.arrival.software);
        assert_eq!(call.arrival.request.len(), 16);
    }
    let stored = world.fake.stored.lock().unwrap().clone();
    let known: Vec<_> = stored.iter().map(|(_, facts)| facts.sop_uid.as_str()).collect();
    assert_eq!(known.len(), 2);
    // The pixels of the file end both; between them stands what PS3.10 asks for.
    let pixels = &film[film.len() - 27..];
    assert!(stored.iter().all(|(bytes, _)| bytes[128..132] == *b"DICM" && bytes.ends_with(pixels)));
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_there_is_no_association() {
    if !dcmtk_is_here() {
        return;
    }
    let world = world(Fake::default()).await;
    let port = world.running.dimse_tls.unwrap().port().to_string();
    let ca = world.path("ca.pem").display().to_string();
    let anonymous = ["+tla", "+cf", &ca, "-aec", "GAUZE", "127.0.0.1", &port].map(str::to_owned).into();
    assert!(!command("echoscu", anonymous).await.status.success());
    let plain = ["-aec", "GAUZE", "127.0.0.1", &port].map(str::to_owned).into();
    assert!(!command("echoscu", plain).await.status.success());
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_object_keeps_the_association() {
    if !dcmtk_is_here() {
        return;
    }
    for (code, status) in [(Code::StorageFull, "a700"), (Code::NotSignedIn, "0124"), (Code::Internal, "0110")]
    {
        let world = world(Fake::refusing(code)).await;
        let files: Vec<String> = ["SC_rgb_small_odd", "SC_rgb_small_odd"]
            .iter()
            .enumerate()
            .map(|(i, name)| world.put(&format!("{i}.dcm"), &object(name)).display().to_string())
            .collect();
        let port = world.running.dimse.unwrap().port().to_string();
        let mut arguments: Vec<String> =
            ["-d", "-nh", "-aec", "GAUZE", "127.0.0.1", &port].map(str::to_owned).into();
        arguments.extend(files);
        let output = command("storescu", arguments).await;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).to_lowercase();
        assert_eq!(said.matches(&format!("0x{status}")).count(), 2, "{code:?}: both are answered\n{said}");
        assert_eq!(world.fake.calls.lock().unwrap().len(), 2);
        world.running.stop().await;
    }
}
