use super::{commit, gather, job, transfer};
use crate::context::Context;
use crate::testing::{House, arrival, facts, uid};
use crate::vault::Device;
use crate::who;
use model::{Arrival, Door, Purpose, tags};
use port::transfer::{Gather, Gathered, Job, Line, Move, Progress, Task, Transfer, Wanted};
use port::{Code, Credential, Fault, Item, Request, Response, Stream};

fn device(name: &str, certificate: &str, (may, sees): (&[&str], &str), address: &str) -> Device {
    Device {
        name: name.to_owned(),
        certificate: certificate.to_owned(),
        ae: name.to_uppercase(),
        address: address.to_owned(),
        may: may.iter().map(|w| (*w).to_owned()).collect(),
        sees: sees.to_owned(),
        purpose: Purpose::Treatment,
    }
}

fn house() -> House {
    let all = &["store", "find", "retrieve", "move-to"];
    House::with(vec![
        device("modality", "aa", (&["store"], ""), ""),
        device("reader", "bb", (all, "clear"), "reader:104"),
        device("screen", "cc", (all, "masked"), "screen:104"),
        device("blind", "dd", (&["retrieve"], ""), ""),
        device("deaf", "ee", (&["retrieve"], "clear"), "deaf:104"),
        device("loopback", "", (&["store", "find", "retrieve"], "clear"), ""),
    ])
}

/// As who shows this certificate and calls itself this.
fn as_machine(house: &House, certificate: &str, title: &str) -> Result<Context, Fault> {
    let arrival = Arrival {
        door: Door::Dimse,
        certificate: certificate.to_owned(),
        calling_ae: title.to_owned(),
        ..arrival("127.0.0.1:9")
    };
    who::authenticate(&house.vault, &Credential::Device, &arrival)
}

async fn gathered(
    house: &House,
    context: &Context,
    wanted: Wanted,
    to: Option<&str>,
) -> Result<Gathered, Fault> {
    let to = to.map(|destination| Move { destination: destination.to_owned(), message: 7 });
    match gather(&house.vault, context, Gather { wanted, to }).await? {
        Response::Gathered(gathered) => Ok(gathered),
        other => panic!("{other:?}"),
    }
}

fn study(study: &str) -> Wanted {
    Wanted { studies: vec![uid(study)], ..Wanted::default() }
}

fn instances(lines: &[Line]) -> Vec<(&str, bool)> {
    lines.iter().map(|l| (l.instance.as_str(), l.syntax.is_some())).collect()
}

async fn sent(mut stream: Stream) -> Result<(Vec<String>, Vec<u8>), Fault> {
    let (mut parts, mut bytes) = (Vec::new(), Vec::new());
    while let Some(item) = stream.next().await? {
        match item {
            Item::Part(part) => parts.push(part.instance.unwrap().1.to_string()),
            Item::Chunk(chunk) => bytes.extend_from_slice(&chunk),
            other => panic!("{other:?}"),
        }
    }
    Ok((parts, bytes))
}

async fn lease(house: &House) -> Option<Job> {
    match job(&house.vault, Request::LeaseJob).await.unwrap() {
        Response::Job(job) => job,
        other => panic!("{other:?}"),
    }
}

async fn filled() -> House {
    let house = house();
    for (study, instance, patient) in
        [("1.2", "1.2.1.1", "A"), ("1.2", "1.2.1.2", "A"), ("1.3", "1.3.1.1", "A"), ("1.4", "1.4.1.1", "B")]
    {
        house.store(facts(study, instance, patient), b"one ").await.unwrap();
    }
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn who_a_machine_is_and_what_it_may() {
    let house = filled().await;
    assert!(as_machine(&house, "bb", "OTHER").is_err(), "the certificate with another title");
    assert!(as_machine(&house, "zz", "READER").is_err(), "the title with another certificate");
    let plain = as_machine(&house, "", "LOOPBACK").unwrap();
    assert_eq!(
        (plain.standing.may.as_slice(), plain.standing.sees.as_str()),
        (["store".to_owned()].as_slice(), "")
    );
    for (certificate, title) in [("aa", "MODALITY"), ("", "LOOPBACK")] {
        let machine = as_machine(&house, certificate, title).unwrap();
        let refused = gathered(&house, &machine, study("1.2"), None).await.unwrap_err();
        assert_eq!(refused.code, Code::NotAllowed);
    }
    assert_eq!(house.entries("not-allowed").len(), 2, "refusals are recorded");
    // May retrieve, sees nothing, finds nothing: as if absent, and recorded.
    let blind = as_machine(&house, "dd", "BLIND").unwrap();
    assert_eq!(gathered(&house, &blind, study("1.2"), None).await.unwrap().lines, []);
    assert_eq!(house.entries("open-refused").len(), 1);
    let ask = Transfer { job: None, study: uid("1.2"), instances: vec![(uid("1.2.1.1"), false)] };
    assert_eq!(transfer(&house.vault, &blind, ask).await.unwrap_err().code, Code::NotFound);
    assert_eq!(house.entries("release-refused").len(), 1);
}

/// Rosa has nothing to do with the patient; the machine sees all.
#[tokio::test(flavor = "multi_thread")]
async fn who_works_at_a_machine_gets_no_more_than_without_it() {
    let house = filled().await;
    house.account("rosa", model::Role::Referrer, None);
    let at = |certificate: &str, title: &str| Arrival {
        door: Door::Dimse,
        certificate: certificate.to_owned(),
        calling_ae: title.to_owned(),
        ..arrival("127.0.0.1:9")
    };
    let desk = at("bb", "READER");
    let signed =
        who::sign_in(&house.vault, &desk, "rosa", crate::testing::PASSWORD.to_owned()).await.unwrap();
    let Response::SignedIn { session, .. } = signed else { panic!() };
    let shown = Credential::Operated { session };
    for bare in [at("", "LOOPBACK"), at("zz", "READER"), Arrival { door: Door::Dicomweb, ..desk.clone() }] {
        assert!(who::authenticate(&house.vault, &shown, &bare).is_err(), "{bare:?}");
    }
    let rosa = who::authenticate(&house.vault, &shown, &desk).unwrap();
    assert_eq!((rosa.caller.user.as_str(), rosa.actor().caller.user.as_str()), ("reader", "rosa"));
    // No relation: she would be asked for a reason, and a machine has none.
    let got = gathered(&house, &rosa, study("1.2"), None).await.unwrap();
    assert_eq!(instances(&got.lines), [("1.2.1.1", false), ("1.2.1.2", false)], "told, and not sent");
    let ask = || Transfer { job: None, study: uid("1.2"), instances: vec![(uid("1.2.1.1"), false)] };
    assert_eq!(transfer(&house.vault, &rosa, ask()).await.unwrap_err().code, Code::NotFound);
    let refused = house.entries("release-refused").pop().unwrap();
    assert_eq!(refused.actor, "rosa");
    assert!(refused.details.contains(&("machine".to_owned(), "reader".to_owned())));
    // A move is asked for by an account.
    tokio::task::block_in_place(|| house.vault.disable_account("rosa")).unwrap();
    assert!(who::authenticate(&house.vault, &shown, &desk).is_err());
    let moved = gathered(&house, &rosa, study("1.2"), Some("READER")).await.unwrap();
    assert_eq!((moved.job, moved.lines.len()), (None, 0), "nobody any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_named_and_what_leaves() {
    let house = filled().await;
    let reader = as_machine(&house, "bb", "READER").unwrap();
    let cases: [(Wanted, &[&str]); 6] = [
        (study("1.2"), &["1.2.1.1", "1.2.1.2"]),
        (Wanted { patient: Some("A".into()), ..Wanted::default() }, &["1.2.1.1", "1.2.1.2", "1.3.1.1"]),
        (Wanted { patient: Some("B".into()), ..study("1.2") }, &[]),
        (Wanted { series: vec![uid("1.3.1")], ..Wanted::default() }, &["1.3.1.1"]),
        (
            Wanted { instances: vec![uid("1.4.1.1"), uid("1.2.1.2")], ..Wanted::default() },
            &["1.4.1.1", "1.2.1.2"],
        ),
        (study("1.9"), &[]),
    ];
    for (wanted, expected) in cases {
        let got = gathered(&house, &reader, wanted.clone(), None).await.unwrap();
        let mut expected: Vec<_> = expected.iter().map(|uid| (*uid, true)).collect();
        let mut leaves = instances(&got.lines);
        leaves.sort_unstable();
        expected.sort_unstable();
        assert_eq!(leaves, expected, "{wanted:?}");
        assert!(got.lines.iter().all(|l| l.syntax == Some(uid("1.2.840.10008.1.2.1")) && !l.derived));
    }
    let before = house.vault.ledger_size();
    let ask = |instances: &[&str]| Transfer {
        job: None,
        study: uid("1.2"),
        instances: instances.iter().map(|i| (uid(i), false)).collect(),
    };
    let (_, stream) = transfer(&house.vault, &reader, ask(&["1.2.1.2", "1.2.1.1", "1.4.1.1"])).await.unwrap();
    assert_eq!(house.vault.ledger_size(), before + 1, "recorded before the first byte");
    let (parts, _) = sent(stream).await.unwrap();
    assert_eq!(parts, ["1.2.1.2", "1.2.1.1"], "in the order asked for, of this study only");
    let released = house.entries("released").pop().unwrap();
    assert_eq!((released.actor.as_str(), released.study), ("reader", Some(uid("1.2"))));
    for bad in [ask(&[]), ask(&["1.2.1.1", "1.2.1.1"]), ask(&vec!["1.2.1.1"; 257])] {
        assert_eq!(transfer(&house.vault, &reader, bad).await.unwrap_err().code, Code::BadRequest);
    }
    // Nobody looked at them and they have no picture: nothing of them can be masked.
    let screen = as_machine(&house, "cc", "SCREEN").unwrap();
    let got = gathered(&house, &screen, study("1.2"), None).await.unwrap();
    assert_eq!(instances(&got.lines), [("1.2.1.1", false), ("1.2.1.2", false)], "told, and not sent");
    // A class that is withheld from machines.
    let mut mammogram = facts("1.5", "1.5.1.1", "C");
    mammogram.series.set(tags::MODALITY, *b"CS", ["MG".to_owned()]);
    house.store(mammogram, b"one ").await.unwrap();
    let got = gathered(&house, &reader, study("1.5"), None).await.unwrap();
    assert_eq!(instances(&got.lines), [("1.5.1.1", false)]);
    let ask = Transfer { job: None, study: uid("1.5"), instances: vec![(uid("1.5.1.1"), false)] };
    assert_eq!(transfer(&house.vault, &reader, ask).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_go_to_the_address_book_under_the_receivers_standing() {
    let house = filled().await;
    let deaf = as_machine(&house, "ee", "DEAF").unwrap();
    for to in ["NOBODY", "MODALITY", "DEAF"] {
        let got = gathered(&house, &deaf, study("1.2"), Some(to)).await.unwrap();
        assert_eq!((got.job, got.lines.len()), (None, 0), "{to}");
    }
    assert_eq!(house.entries("move-refused").len(), 3);
    let got = gathered(&house, &deaf, study("1.2"), Some("READER")).await.unwrap();
    let job_of = got.job.unwrap();
    assert_eq!(
        job_of.peer.as_ref().map(|p| (p.ae.as_str(), p.address.as_str())),
        Some(("READER", "reader:104"))
    );
    let opened = house.entries("opened").pop().unwrap();
    assert_eq!(opened.actor, "reader", "who gets to see it");
    assert!(opened.details.iter().any(|(_, v)| v == "C-MOVE by deaf"));
    let gateway = who::authenticate(&house.vault, &Credential::Gateway, &arrival("gateway")).unwrap();
    let ask = Transfer { job: Some(job_of.id), study: uid("1.2"), instances: vec![(uid("1.2.1.1"), false)] };
    let (_, stream) = transfer(&house.vault, &gateway, ask.clone()).await.unwrap();
    assert_eq!(sent(stream).await.unwrap().0, ["1.2.1.1"]);
    assert_eq!(house.entries("released").pop().unwrap().actor, "reader");
    assert_eq!(lease(&house).await, None, "somebody works on it");
    let done = Request::JobProgress { job: job_of.id, progress: Progress::Done { completed: 2, failed: 0 } };
    job(&house.vault, done.clone()).await.unwrap();
    assert_eq!(job(&house.vault, done).await.unwrap_err().code, Code::NotFound, "over");
    assert_eq!(transfer(&house.vault, &gateway, ask).await.unwrap_err().code, Code::NotFound);
    let ended = house.entries("move-ended").pop().unwrap();
    assert!(ended.details.contains(&("how".to_owned(), "done".to_owned())));
    assert_eq!(house.entries("move-asked").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_survives_its_gateway_and_its_vault() {
    let house = filled().await;
    let reader = as_machine(&house, "bb", "READER").unwrap();
    let wanted = Wanted { patient: Some("A".into()), ..Wanted::default() };
    let id = gathered(&house, &reader, wanted, Some("READER")).await.unwrap().job.unwrap().id;
    let progress = |progress| Request::JobProgress { job: id, progress };
    job(&house.vault, progress(Progress::Study(uid("1.2")))).await.unwrap();
    let house = house.again(|_| ());
    let leased = lease(&house).await.expect("nobody works on it any more");
    let Task::Move { originator, message, lines } = leased.task else { panic!() };
    assert_eq!((leased.id, originator.as_str(), message), (id, "READER", 7));
    assert_eq!(instances(&lines), [("1.3.1.1", true)], "what was not sent yet");
    assert_eq!(lease(&house).await, None);
    house.pass(91);
    assert_eq!(lease(&house).await.map(|j| j.id), Some(id), "a lease that nobody renews ends");
    job(&house.vault, progress(Progress::Failed)).await.unwrap();
    assert_eq!(lease(&house).await, None, "it waits before the next attempt");
    house.pass(61);
    assert_eq!(lease(&house).await.map(|j| j.attempts), Some(1));
    house.pass(25 * 3600);
    assert_eq!(lease(&house).await, None, "given up after a day");
    let ended = house.entries("move-ended").pop().unwrap();
    assert!(ended.details.contains(&("how".to_owned(), "given-up".to_owned())));
    // Its row is free for the next one.
    let reader = as_machine(&house, "bb", "READER").unwrap();
    assert!(gathered(&house, &reader, study("1.2"), Some("READER")).await.unwrap().job.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_durable_is_committed() {
    let house = filled().await;
    let modality = as_machine(&house, "aa", "MODALITY").unwrap();
    let (ct, mr) = (uid("1.2.840.10008.5.1.4.1.1.2"), uid("1.2.840.10008.5.1.4.1.1.4"));
    let asked = vec![(ct.clone(), uid("1.2.1.1")), (mr.clone(), uid("1.2.1.2")), (ct.clone(), uid("1.9.9"))];
    let Response::Job(Some(made)) = commit(&house.vault, &modality, uid("1.77"), asked).await.unwrap() else {
        panic!()
    };
    let Task::Report(report) = &made.task else { panic!() };
    assert_eq!((report.transaction.as_str(), made.peer.clone()), ("1.77", None));
    assert_eq!(report.committed, [(ct.clone(), uid("1.2.1.1"))]);
    assert_eq!(report.failed, [((mr, uid("1.2.1.2")), 0x0119), ((ct.clone(), uid("1.9.9")), 0x0112)]);
    // It has no address, so nobody can be called once its association is gone; one that has is called.
    house.pass(91);
    assert_eq!(lease(&house).await, None);
    assert_eq!(house.entries("commitment-reported").len(), 1, "given up at once");
    let reader = as_machine(&house, "bb", "READER").unwrap();
    commit(&house.vault, &reader, uid("1.78"), vec![(ct, uid("1.2.1.1"))]).await.unwrap();
    let house = house.again(|_| ());
    let leased = lease(&house).await.unwrap();
    assert_eq!(leased.peer.map(|p| p.address).as_deref(), Some("reader:104"));
    let done = Progress::Done { completed: 1, failed: 0 };
    job(&house.vault, Request::JobProgress { job: leased.id, progress: done }).await.unwrap();
    assert_eq!((house.entries("commitment-asked").len(), house.entries("commitment-reported").len()), (2, 2));
    // One machine's requests do not take everybody's places.
    let modality = as_machine(&house, "aa", "MODALITY").unwrap();
    for n in 0..64 {
        commit(&house.vault, &modality, uid(&format!("1.80.{n}")), vec![]).await.unwrap();
    }
    let more = commit(&house.vault, &modality, uid("1.81"), vec![]).await;
    assert_eq!(more.unwrap_err().code, Code::Unavailable);
    let reader = as_machine(&house, "bb", "READER").unwrap();
    commit(&house.vault, &reader, uid("1.82"), vec![]).await.unwrap();
    let blind = as_machine(&house, "dd", "BLIND").unwrap();
    assert_eq!(commit(&house.vault, &blind, uid("1.79"), vec![]).await.unwrap_err().code, Code::NotAllowed);
}
