//! The services of the DIMSE door through a real TLS socket, before a vault that answers as the test says.

use super::fake::{Fake, object, part};
use super::sockets::{World, world};
use crate::dimse::wire::{End, Wire};
use dicom::dimse::dataset::{Elements, first, read, text, write};
use dicom::dimse::{
    Association, Command, Context, EXPLICIT, Event, IMPLICIT, Role, Terms, classes, field, p10_meta,
};
use model::{Id, tags};
use port::find::{Key, Level, Matching};
use port::transfer::{Gathered, Job, Line, Peer, Progress, Task};
use port::{Code, Credential, Item, Request};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const PATIENCE: Duration = Duration::from_secs(20);

type Client = Wire<TlsStream<TcpStream>>;

/// An association with one context for each class, numbered 1, 3, 5 …
async fn associate(world: &World, proposals: &[(&str, &[&str])], roles: Vec<Role>) -> Client {
    let file = |name: &str| std::fs::read(world.path(name)).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&file("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(&file("client.pem")).unwrap()],
            PrivateKeyDer::from_pem_slice(&file("client-key.pem")).unwrap(),
        )
        .unwrap();
    let socket = TcpStream::connect(world.running.dimse_tls.unwrap()).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let socket = connector.connect("localhost".try_into().unwrap(), socket).await.unwrap();
    let mut terms = Terms::ours("GAUZE", "READER", 1 << 16);
    terms.contexts =
        (1..).step_by(2).zip(proposals).map(|(id, (class, s))| Context::propose(id, class, s)).collect();
    terms.roles = roles;
    let (sender, stop) = tokio::sync::watch::channel(false);
    // The client never stops by itself: a sender that is gone would mean that.
    std::mem::forget(sender);
    let mut wire = Wire::new(socket, Association::request(terms), stop);
    assert!(matches!(wire.next(PATIENCE).await, Ok(Event::Associated(_))));
    wire
}

fn send(wire: &mut Client, context: u8, command: &Command, data: Option<&Elements>) {
    let command = Command { has_data: data.is_some(), ..command.clone() };
    wire.association.send(context, &command);
    if let Some(data) = data {
        wire.association.send_data(context, &write(data, IMPLICIT), true);
    }
}

fn command(field: u16, class: &str) -> Command {
    Command { field, message: 3, sop_class: class.to_owned(), ..Command::default() }
}

/// The next command with its data.
async fn received(wire: &mut Client) -> Result<(Command, Vec<u8>), End> {
    let Event::Command { command, .. } = wire.next(PATIENCE).await? else { return Err(End::Closed) };
    let data = if command.has_data { wire.data(PATIENCE).await? } else { Vec::new() };
    Ok((command, data))
}

fn identifier(level: &str, more: Elements) -> Elements {
    [vec![text(0x0008_0052, b"CS", level)], more].concat()
}

fn study() -> Elements {
    identifier("STUDY", vec![text(tags::STUDY_INSTANCE_UID, b"UI", "1.2.3")])
}

fn line(syntax: Option<&str>) -> Line {
    Line {
        study: "1.2.3".parse().unwrap(),
        instance: "1.2.5".parse().unwrap(),
        sop_class: CT.parse().unwrap(),
        syntax: syntax.map(|s| s.parse().unwrap()),
        derived: false,
        decodes: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_reach_the_vault_typed_and_come_back_in_their_shape() {
    let world = world(Fake::default()).await;
    let mut wire = associate(&world, &[(classes::STUDY_FIND, &[IMPLICIT])], Vec::new()).await;
    let asked = identifier(
        "STUDY",
        vec![
            text(tags::PATIENT_NAME, b"PN", "DO*"),
            text(0x0010_2160, b"SH", ""),
            text(tags::STUDY_DATE, b"DA", "2020"),
        ],
    );
    send(&mut wire, 1, &command(field::FIND, classes::STUDY_FIND), Some(&asked));
    let (last, _) = received(&mut wire).await.unwrap();
    assert_eq!(
        (last.status, last.offending),
        (Some(0xA900), Some(tags::STUDY_DATE)),
        "a date of four digits"
    );
    assert!(world.fake.calls.lock().unwrap().is_empty(), "the vault is not asked");
    let asked =
        identifier("STUDY", vec![text(tags::PATIENT_NAME, b"PN", "DO*"), text(0x0010_2160, b"SH", "")]);
    send(&mut wire, 1, &command(field::FIND, classes::STUDY_FIND), Some(&asked));
    let (pending, data) = received(&mut wire).await.unwrap();
    assert_eq!(pending.status, Some(0xFF01), "a key that is not kept");
    let answer = read(&data, IMPLICIT).unwrap();
    assert_eq!(first(&answer, 0x0008_0052).as_deref(), Some("STUDY"));
    assert!(answer.iter().any(|e| e.tag == 0x0010_2160), "it comes back empty");
    assert_eq!(received(&mut wire).await.unwrap().0.status, Some(0));
    let call = world.fake.calls.lock().unwrap().first().cloned().unwrap();
    let Request::Find(query) = call.request else { panic!() };
    assert_eq!((call.credential, query.level, query.bare), (Credential::Device, Level::Study, true));
    assert_eq!(query.keys[0], Key::top(tags::PATIENT_NAME, Matching::Wildcard("DO*".into())));
    assert_eq!(call.arrival.certificate.len(), 64);
    // Not an operation of this class; not this context's class; then the association still stands.
    for (other, expected) in [
        (command(field::MOVE, classes::STUDY_FIND), 0x0211),
        (command(field::FIND, classes::PATIENT_FIND), 0x0122),
        (command(0x0140, classes::STUDY_FIND), 0x0211),
    ] {
        send(&mut wire, 1, &other, Some(&study()));
        assert_eq!(received(&mut wire).await.unwrap().0.status, Some(expected));
    }
    send(&mut wire, 1, &command(field::ECHO, classes::VERIFICATION), None);
    assert_eq!(received(&mut wire).await.unwrap().0.status, Some(0));
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_their_status() {
    for (code, status) in [
        (Code::NotAllowed, 0x0124),
        (Code::NotSignedIn, 0x0124),
        (Code::Unavailable, 0xA700),
        (Code::Internal, 0xC000),
    ] {
        let world = world(Fake::refusing(code)).await;
        let proposals: [(&str, &[&str]); 4] = [
            (classes::STUDY_FIND, &[IMPLICIT]),
            (classes::STUDY_GET, &[IMPLICIT]),
            (classes::STUDY_MOVE, &[IMPLICIT]),
            (classes::COMMITMENT, &[IMPLICIT]),
        ];
        let mut wire = associate(&world, &proposals, Vec::new()).await;
        for (context, command) in [
            (1, command(field::FIND, classes::STUDY_FIND)),
            (3, command(field::GET, classes::STUDY_GET)),
            (5, Command { destination: "X".into(), ..command(field::MOVE, classes::STUDY_MOVE) }),
        ] {
            send(&mut wire, context, &command, Some(&study()));
            assert_eq!(received(&mut wire).await.unwrap().0.status, Some(status), "{code:?} {context}");
        }
        world.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_fetched_comes_back_whole_or_the_association_ends() {
    let film: &'static [u8] = object("SC_rgb_small_odd").leak();
    let meta = p10_meta(film).unwrap().unwrap();
    let file = part("application/dicom", Some(EXPLICIT), None, film);
    let role = || vec![Role { class: CT.into(), scu: true, scp: true }];
    let proposals: [(&str, &[&str]); 2] = [(classes::STUDY_GET, &[IMPLICIT]), (CT, &[EXPLICIT])];
    let gathered = || Gathered { lines: vec![line(Some(EXPLICIT)), line(None)], job: None };
    let world = world(Fake { gathered: gathered(), ..Fake::sending(file.clone().into()) }).await;
    let mut wire = associate(&world, &proposals, role()).await;
    send(&mut wire, 1, &command(field::GET, classes::STUDY_GET), Some(&study()));
    let (store, data) = received(&mut wire).await.unwrap();
    assert_eq!((store.field, store.sop_class.as_str(), store.sop_uid.as_str()), (field::STORE, CT, "1.2.5"));
    assert!(data == film[meta.end..], "what was stored, without its meta information");
    send(&mut wire, 3, &store.response(0xB007), None);
    let (pending, _) = received(&mut wire).await.unwrap();
    assert_eq!(
        pending.counts.map(|c| (c.remaining, c.completed, c.failed, c.warning)),
        Some((Some(1), 0, 0, 1))
    );
    let (last, data) = received(&mut wire).await.unwrap();
    assert_eq!(
        (last.status, last.counts.map(|c| (c.remaining, c.failed, c.warning))),
        (Some(0xB000), Some((None, 1, 1)))
    );
    assert_eq!(first(&read(&data, IMPLICIT).unwrap(), 0x0008_0058).as_deref(), Some("1.2.5"));
    world.running.stop().await;

    // Without the role nothing is sent; another instance than the one announced is not sent under its name.
    for (roles, items) in
        [(Vec::new(), file.clone()), (role(), part("application/dicom", None, Some(9), film))]
    {
        let mut items: Vec<Item> = items.into();
        if let Some(Item::Part(part)) = items.first_mut()
            && part.frame.take().is_some()
        {
            part.instance = Some(("1.2.4".parse().unwrap(), "1.9.9".parse().unwrap()));
        }
        let gathered = Gathered { lines: vec![line(Some(EXPLICIT))], job: None };
        let world = super::sockets::world(Fake { gathered, ..Fake::sending(items) }).await;
        let mut wire = associate(&world, &proposals, roles).await;
        send(&mut wire, 1, &command(field::GET, classes::STUDY_GET), Some(&study()));
        let (last, _) = received(&mut wire).await.unwrap();
        assert_eq!((last.status, last.counts.map(|c| c.failed)), (Some(0xA702), Some(1)));
        world.running.stop().await;
    }

    // Cut in its middle.
    let gathered = gathered();
    let world =
        super::sockets::world(Fake { gathered, cut: Some(Code::Internal), ..Fake::sending(file.into()) })
            .await;
    let mut wire = associate(&world, &proposals, role()).await;
    send(&mut wire, 1, &command(field::GET, classes::STUDY_GET), Some(&study()));
    assert!(received(&mut wire).await.is_err(), "half an object must not look like one");
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_does_not_answer_fails_the_move_and_the_vault_is_told() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let peer =
        Peer { name: "x".into(), ae: "X".into(), address: nobody.to_string(), certificate: "ab".repeat(32) };
    let task = Task::Move { originator: "READER".into(), message: 3, lines: Vec::new() };
    let job = Some(Job { id: Id([5; 16]), peer: Some(peer), task, attempts: 0 });
    let gathered = Gathered { lines: vec![line(Some(EXPLICIT))], job };
    let world = world(Fake { gathered, ..Fake::default() }).await;
    let mut wire = associate(&world, &[(classes::STUDY_MOVE, &[IMPLICIT])], Vec::new()).await;
    let asked = Command { destination: "X".into(), ..command(field::MOVE, classes::STUDY_MOVE) };
    send(&mut wire, 1, &asked, Some(&study()));
    let (last, _) = received(&mut wire).await.unwrap();
    assert_eq!((last.status, last.counts.map(|c| c.failed)), (Some(0xA702), Some(1)));
    let call = world.fake.last();
    let progress = Progress::Done { completed: 0, failed: 1 };
    assert_eq!(
        (call.credential, call.request),
        (Credential::Gateway, Request::JobProgress { job: Id([5; 16]), progress })
    );
    world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_commitment_is_told_where_it_was_asked_for() {
    let world = world(Fake::default()).await;
    let mut wire = associate(&world, &[(classes::COMMITMENT, &[IMPLICIT])], Vec::new()).await;
    let reference = vec![text(0x0008_1150, b"UI", CT), text(0x0008_1155, b"UI", "1.2.5")];
    let sequence = dicom::dimse::dataset::Element {
        tag: 0x0008_1199,
        vr: *b"SQ",
        value: dicom::dimse::dataset::Value::Items(vec![reference]),
    };
    let asked = vec![text(0x0008_1195, b"UI", "1.77"), sequence];
    let action = Command {
        sop_uid: classes::COMMITMENT_INSTANCE.into(),
        kind: Some(1),
        ..command(field::ACTION, classes::COMMITMENT)
    };
    send(&mut wire, 1, &action, Some(&asked));
    assert_eq!(received(&mut wire).await.unwrap().0.status, Some(0));
    let (event, data) = received(&mut wire).await.unwrap();
    assert_eq!((event.field, event.kind), (field::EVENT, Some(1)));
    assert_eq!(first(&read(&data, IMPLICIT).unwrap(), 0x0008_1195).as_deref(), Some("1.77"));
    send(&mut wire, 1, &event.response(0), None);
    send(&mut wire, 1, &Command { kind: Some(9), ..action.clone() }, Some(&asked));
    assert_eq!(received(&mut wire).await.unwrap().0.status, Some(0x0123));
    send(&mut wire, 1, &action, Some(&Elements::new()));
    assert_eq!(received(&mut wire).await.unwrap().0.status, Some(0x0115));
    let told = |call: &port::Call| {
        matches!(call.request, Request::JobProgress { progress: Progress::Done { .. }, .. })
    };
    assert!(world.fake.calls.lock().unwrap().iter().any(told));
    world.running.stop().await;
}
