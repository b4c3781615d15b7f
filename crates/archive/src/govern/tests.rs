use super::*;
use crate::testing::{House, facts};
use model::Role;
use port::govern::Replayed;

const FORBIDS: &str =
    "@id(\"closed\") forbid (principal == Role::\"referrer\", action, resource is Study);\n";

fn more(rule: &str) -> Rules {
    let texts = Texts::embedded();
    Rules { pictures: format!("{}\n{rule}", texts.pictures), rights: texts.rights }
}

async fn ask(house: &House, who: &Context, ask: Ask) -> Result<Answer, Code> {
    match govern(&house.vault, who, &Credential::None, ask).await {
        Ok(Response::Governed(answer)) => Ok(*answer),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.code),
    }
}

async fn how(house: &House, who: &Context, asked: Ask) -> Shown {
    match ask(house, who, asked).await {
        Ok(Answer::Shown(shown)) => *shown,
        other => panic!("{other:?}"),
    }
}

fn proposing(house: &House, rules: Rules) -> Ask {
    let expect_version = house.vault.rules().policies.version().hex();
    Ask::Propose { rules, reason: "a trial".to_owned(), expect_version }
}

fn persons(house: &House) -> (Context, Context) {
    (house.context("olga", Role::Officer, None), house.context("adam", Role::Admin, None))
}

/// What a referrer who treats this patient would get.
async fn opened(house: &House, who: &Context) -> Result<String, Code> {
    let request = crate::open::Ask {
        study: "1.1".parse().unwrap(),
        action: policy::Action::Open,
        purpose: model::Purpose::Treatment,
        reason: None,
    };
    let cookie = [7; 32];
    let id = model::Id([7; 16]);
    house.vault.sessions().begin(cookie, id, who.caller.user.clone(), house.vault.clock.monotonic());
    let who = Context { session: Some((cookie, id)), ..who.clone() };
    match crate::open::open(&house.vault, &who, request).await {
        Ok(Response::Opened(opened)) => Ok(opened.visibility),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.code),
    }
}

async fn filled() -> (House, Context) {
    let house = House::new();
    house.store(facts("1.1", "1.1.9", "A"), b"a..1").await.unwrap();
    let doctor = house.treats("rolf", "A");
    (house, doctor)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_persons_put_rules_in_force_and_back() {
    let (house, doctor) = filled().await;
    let (olga, adam) = persons(&house);
    assert_eq!(opened(&house, &doctor).await, Ok("masked".to_owned()));
    let first = how(&house, &olga, Ask::Show).await;
    assert_eq!((first.since, first.proposals.len(), first.past.len()), (None, 0, 0));

    let shown = how(&house, &olga, proposing(&house, more(FORBIDS))).await;
    let [proposal] = shown.proposals.as_slice() else { panic!("{shown:?}") };
    assert_eq!((proposal.by.as_str(), proposal.base.as_str()), ("olga", first.version.as_str()));
    assert_eq!(opened(&house, &doctor).await, Ok("masked".to_owned()), "a proposal decides nothing");
    let activate = Ask::Activate { proposal: proposal.id };
    assert_eq!(ask(&house, &olga, activate.clone()).await, Err(Code::NotAllowed), "her own");
    let shown = how(&house, &adam, activate.clone()).await;
    assert_eq!((shown.version.as_str(), shown.proposals.len()), (proposal.version.as_str(), 0));
    assert_eq!(opened(&house, &doctor).await, Err(Code::NotFound));
    assert_eq!(ask(&house, &adam, activate).await, Err(Code::NotFound), "once");

    // It stays so over a restart, and over a copy of the files as they are in force.
    let house = house.again(|_| ());
    assert_eq!(opened(&house, &doctor).await, Err(Code::NotFound));
    let put_back = |house: &House| Ask::PutBack {
        version: first.version.clone(),
        reason: "enough".to_owned(),
        expect_version: house.vault.rules().policies.version().hex(),
    };
    let shown = how(&house, &adam, put_back(&house)).await;
    let back = Ask::Activate { proposal: shown.proposals[0].id };
    let shown = how(&house, &olga, back).await;
    assert_eq!(shown.version, first.version);
    assert_eq!(opened(&house, &doctor).await, Ok("masked".to_owned()));
    let of = |kind| house.entries(kind).len();
    assert_eq!((of("rules-proposed"), of("rules-activated"), of("rules-refused")), (2, 2, 2));
    let house = house.again(|_| ());
    assert_eq!(how(&house, &olga, Ask::Show).await.version, first.version);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_changes_nothing_and_is_recorded() {
    let (house, _) = filled().await;
    let (olga, adam) = persons(&house);
    let version = how(&house, &olga, Ask::Show).await.version;
    for bad in ["permit (", "@id(\"x\") permit (principal, action, resource) when { context.nonsense };"] {
        let answer = ask(&house, &olga, proposing(&house, more(bad))).await.unwrap();
        assert!(matches!(&answer, Answer::Faulty(why) if why.starts_with("policy ")), "{answer:?}");
    }
    let propose = |reason: &str, expect: &str, rules| Ask::Propose {
        rules,
        reason: reason.to_owned(),
        expect_version: expect.to_owned(),
    };
    let same = Rules { pictures: Texts::embedded().pictures, rights: Texts::embedded().rights };
    for (asked, code) in [
        (propose(" ", &version, more(FORBIDS)), Code::BadRequest),
        (propose("why", "0", more(FORBIDS)), Code::VersionConflict),
        (propose("why", &version, same), Code::BadRequest),
        (propose(&"x".repeat(limits::REASON_BYTES + 1), &version, more(FORBIDS)), Code::BadRequest),
    ] {
        assert_eq!(ask(&house, &olga, asked).await, Err(code));
    }
    for n in 0..PROPOSALS {
        let rule = format!("@id(\"r{n}\") forbid (principal, action, resource is Study);");
        how(&house, &olga, proposing(&house, more(&rule))).await;
    }
    assert_eq!(ask(&house, &adam, proposing(&house, more(FORBIDS))).await, Err(Code::TooLarge));
    let shown = how(&house, &adam, Ask::Show).await;
    let [first, second, ..] = shown.proposals.as_slice() else { panic!() };
    how(&house, &adam, Ask::Drop { proposal: first.id }).await;
    how(&house, &adam, Ask::Activate { proposal: second.id }).await;
    // The others were made from rules that are not in force any more.
    let stale = Ask::Activate { proposal: shown.proposals[2].id };
    assert_eq!(ask(&house, &adam, stale).await, Err(Code::VersionConflict));
    assert_eq!(house.entries("rules-refused").len(), 2 + 4 + 1 + 1);
    for role in [Role::Radiologist, Role::Researcher, Role::Vendor, Role::Patient, Role::Technologist] {
        let who = house.context("x", role, None);
        assert_eq!(ask(&house, &who, Ask::Show).await, Err(Code::NotAllowed), "{role}");
    }
    assert_eq!(house.entries("not-allowed").len(), 5);
    // Whoever runs the machine reads and tries, and changes nothing alone.
    let local = house.context("import", Role::Technologist, None);
    let by_line = |asked| govern(&house.vault, &local, &Credential::Local, asked);
    assert!(by_line(Ask::Show).await.is_ok());
    assert_eq!(by_line(proposing(&house, more(FORBIDS))).await.unwrap_err().code, Code::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_edited_since_go_first() {
    let (house, doctor) = filled().await;
    let (olga, adam) = persons(&house);
    let shown = how(&house, &olga, proposing(&house, more(FORBIDS))).await;
    how(&house, &adam, Ask::Activate { proposal: shown.proposals[0].id }).await;
    let folder = house.stop().await;
    let mut parts = House::parts(folder.path());
    parts.rules.pictures.push_str("// the operator was here\n");
    let vault = Vault::open(parts).unwrap();
    assert!(vault.rules().texts.pictures.ends_with("was here\n"));
    drop(vault);
    let house = House::open(folder).unwrap();
    assert_eq!(opened(&house, &doctor).await, Err(Code::NotFound), "and without the edit those of the two");
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_replayed() {
    let (house, doctor) = filled().await;
    let (olga, _) = persons(&house);
    let stranger = {
        house.account("sven", Role::Referrer, None);
        house.context("sven", Role::Referrer, None)
    };
    assert_eq!(opened(&house, &doctor).await, Ok("masked".to_owned()));
    assert_eq!(opened(&house, &stranger).await, Err(Code::ReasonNeeded));
    let replay = async |which| match ask(&house, &olga, Ask::Replay { which, last: 100 }).await {
        Ok(Answer::Replayed(replayed)) => *replayed,
        other => panic!("{other:?}"),
    };
    let same = replay(Which::InForce).await;
    let counts = |r: &Replayed| (r.decisions, r.untold, r.confirmed, r.contradicted, r.changed);
    assert_eq!(counts(&same), (2, 0, 2, 0, 0));
    let other = replay(Which::Given(more(FORBIDS))).await;
    assert_eq!(counts(&other), (2, 0, 2, 0, 2));
    let change = &other.changes[1];
    assert_eq!((change.user.as_str(), change.before.as_str()), ("rolf", "masked"));
    assert_eq!((change.after.sees.as_str(), change.after.rules.join(" ")), ("withheld", "closed".to_owned()));
    // The facts of an entry are for machines: people read the rest of it.
    assert!(house.entries("opened").iter().all(|e| e.details.iter().all(|(name, _)| name != "facts")));
    assert_eq!(house.entries("rules-tried").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_would_see_a_study() {
    let (house, _) = filled().await;
    let (olga, _) = persons(&house);
    house.account("vera", Role::Vendor, None);
    let explain = async |user: Option<&str>| {
        let asked = Ask::Explain { study: "1.1".parse().unwrap(), user: user.map(str::to_owned) };
        match ask(&house, &olga, asked).await {
            Ok(Answer::Explained { lines, .. }) => lines,
            other => panic!("{other:?}"),
        }
    };
    let lines = explain(None).await;
    let of = |purpose: &str| lines.iter().find(|l| l.user == "rolf" && l.purpose == purpose).unwrap();
    let treats = of("treatment");
    assert_eq!((treats.outcome.sees.as_str(), treats.outcome.may_lift), ("masked", true));
    assert_eq!(
        (treats.ties.join(" "), treats.outcome.rules.join(" ")),
        ("visit".into(), "relation-masked".into())
    );
    assert!(lines.iter().all(|line| line.user != "vera"), "who would see nothing is left out");
    assert!(explain(Some("vera")).await.iter().all(|line| line.outcome.sees == "withheld"));
    let unknown = Ask::Explain { study: "1.7".parse().unwrap(), user: None };
    assert_eq!(ask(&house, &olga, unknown).await, Err(Code::NotFound));
}

/// As after `gauze check --accept tables`: memory has nothing, the row stands at some version.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_book_is_written_again() {
    let (house, _) = filled().await;
    let (olga, adam) = persons(&house);
    how(&house, &olga, proposing(&house, more(FORBIDS))).await;
    *lock(&house.vault.book) = (BookRecord::default(), 0);
    let shown = how(&house, &olga, proposing(&house, more(FORBIDS))).await;
    let shown = how(&house, &adam, Ask::Activate { proposal: shown.proposals[0].id }).await;
    assert_eq!((shown.proposals.len(), lock(&house.vault.book).1), (0, 3));
}
