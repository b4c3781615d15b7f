//! Grants of machines (DESIGN.md §3: certificate → AE → standing policy). No token: each release is decided anew from what was
//! agreed, and has its entry like any other.

use super::{Chosen, Leaves, Plan, Proof, Release, admit, check, deliver, picked, released};
use crate::catalog::Study;
use crate::context::{About, Context};
use crate::open::{Ask, facts, opened, refusal_rules};
use crate::vault::Vault;
use crate::who;
use ledger::Event;
use model::{Door, Pixels, Purpose, Role, Uid, Words};
use policy::{Action, Facts, Grant, Lapse, Obligation, Policies, Refusal, Right};
use port::archive::{Form, Retrieve};
use port::transfer::{Line, Transfer};
use port::{Code, Fault, Response, Stream};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Which series and instances of a study are named, by the names that the receiver knows; empty: all.
pub struct Named<'a> {
    /// The study, by its own UID.
    pub study: Uid,
    /// Series.
    pub series: &'a [Uid],
    /// Instances.
    pub instances: &'a [Uid],
}

/// What of a study would leave for a machine: decided and recorded like an opening. `listed`: the machine finds the study
/// anyway, so what does not leave is told as such; else it is as if absent.
pub async fn lines(
    vault: &Vault,
    context: &Context,
    named: &Named<'_>,
    (reason, listed): (&str, bool),
) -> Result<Vec<Line>, Fault> {
    let ask = ask(context, &named.study, reason);
    let Some(study) = vault.study(&named.study)? else {
        unknown(vault, context).await?;
        return Ok(Vec::new());
    };
    let wants = |series: &Uid, instance: &Uid| {
        let among = |list: &[Uid], uid: &Uid| list.is_empty() || list.contains(uid);
        among(named.series, series) && among(named.instances, instance)
    };
    let (set, facts) = (vault.rules(), facts::gather(vault, context, &study, &ask));
    let decided = decide(vault, context, (&study, &ask), (&set.policies, &facts));
    // Of a person at a machine the entry tells no facts: two decisions met, and one entry tells of one.
    let facts = if context.operator.is_none() { facts.written(ask.action) } else { String::new() };
    let grant = match decided {
        Ok(grant) => grant,
        Err(refusal) => {
            let (purpose, rules) = (ask.purpose.to_string(), refusal_rules(&refusal));
            let policy_version = set.policies.version().hex();
            let event = Event::OpenRefused { purpose, rules, policy_version, facts };
            vault.record(context, About::study(&study), event).await?;
            let all = study.instances().filter(|(s, i)| wants(&s.uid, &i.record.sop_uid)).filter(|_| listed);
            return Ok(all.map(|(_, i)| withheld(&study, &i.record.sop_uid, &i.record.sop_class)).collect());
        }
    };
    vault.record(context, About::study(&study), opened(&ask, &grant, facts)).await?;
    let whole = whole(&study);
    let masked = grant.visibility().pixels != Pixels::Clear;
    let study = if masked { vault.examined(study, &whole).await } else { study };
    let chosen = picked(vault, &grant, &study, &whole, &wants);
    let release = Release {
        proof: standing(context),
        grant,
        study,
        asked: named.study.clone(),
        chosen,
        form: Form::Instances,
        syntaxes: Vec::new(),
    };
    Ok(told(vault, &release, listed, &wants))
}

/// Who asks for what is not there is worth knowing, too.
pub async fn unknown(vault: &Vault, context: &Context) -> Result<(), Fault> {
    let purpose = context.standing.purpose.unwrap_or(Purpose::Maintenance).to_string();
    let event = Event::OpenRefused {
        purpose,
        rules: vec!["not-found".to_owned()],
        policy_version: String::new(),
        facts: String::new(),
    };
    vault.record(context, About::nothing(), event).await.map(drop)
}

/// Lines in the order of the study; what is not among the chosen does not leave.
fn told(vault: &Vault, release: &Release, listed: bool, wants: &dyn Fn(&Uid, &Uid) -> bool) -> Vec<Line> {
    let study = super::shown(vault, &release.grant, &release.study.record.uid);
    let leaves: HashMap<&Uid, &Chosen> =
        release.chosen.iter().map(|c| (&c.instance.record.sop_uid, c)).collect();
    let all = release.study.instances().filter_map(|(series, instance)| {
        let record = &instance.record;
        if let Some(chosen) = leaves.get(&record.sop_uid) {
            let seen = record.seen.as_ref().is_none_or(|seen| seen.maskable);
            return Some(Line {
                study: study.clone(),
                instance: chosen.shown.1.clone(),
                sop_class: record.sop_class.clone(),
                syntax: check::leaves_as(chosen).parse().ok(),
                derived: chosen.plan != Plan::Clear,
                decodes: chosen.plan == Plan::Clear && record.image.is_some() && seen,
            });
        }
        let told = listed && wants(&series.uid, &record.sop_uid);
        told.then(|| withheld(&release.study, &record.sop_uid, &record.sop_class))
    });
    all.collect()
}

fn withheld(study: &Study, instance: &Uid, class: &Uid) -> Line {
    Line {
        study: study.record.uid.clone(),
        instance: instance.clone(),
        sop_class: class.clone(),
        syntax: None,
        derived: false,
        decodes: false,
    }
}

/// A caller with whom something was agreed once and for all.
pub fn is_machine(context: &Context) -> bool {
    context.caller.role == Role::Device && context.session.is_none()
}

/// A machine's own request by DICOMweb: the grant as it is decided now. Unknown, withheld and not agreed look alike.
pub async fn admit(vault: &Vault, context: &Context, asked: &Retrieve) -> Result<(Grant, Arc<Study>), Fault> {
    vault.may(context, Right::Retrieve).await?;
    let Some(study) = named(vault, context, &asked.study)? else {
        return admit::refuse(vault, context, None, "unknown-study", Code::NotFound).await;
    };
    match decide_now(vault, context, &study, &ask(context, &study.record.uid, "")) {
        Ok(grant) => Ok((grant, study)),
        Err(_) => admit::refuse(vault, context, Some(&study), "not-agreed", Code::NotFound).await,
    }
}

/// A study by the name that the machine knows it by.
fn named(vault: &Vault, context: &Context, name: &Uid) -> Result<Option<Arc<Study>>, Fault> {
    let own = if context.pseudonymous() { vault.by_pseudonym(name) } else { Some(name.clone()) };
    Ok(match own {
        Some(own) => vault.study(&own)?,
        None => None,
    })
}

/// Sends instances of one study to a machine.
pub async fn transfer(
    vault: &Arc<Vault>,
    context: &Context,
    ask: &Transfer,
) -> Result<(Response, Stream), Fault> {
    let wanted: HashMap<&Uid, bool> = ask.instances.iter().map(|(uid, decoded)| (uid, *decoded)).collect();
    let Some(study) = named(vault, context, &ask.study)? else {
        return admit::refuse(vault, context, None, "unknown-study", Code::NotFound).await;
    };
    let asked = self::ask(context, &study.record.uid, "");
    let Ok(grant) = decide_now(vault, context, &study, &asked) else {
        return admit::refuse(vault, context, Some(&study), "not-agreed", Code::NotFound).await;
    };
    let wants = |_: &Uid, instance: &Uid| wanted.contains_key(instance);
    let mut chosen = picked(vault, &grant, &study, &whole(&study), &wants);
    let order: HashMap<&Uid, usize> =
        ask.instances.iter().enumerate().map(|(n, (uid, _))| (uid, n)).collect();
    chosen.sort_by_key(|c| order.get(&c.shown.1).copied());
    for one in &mut chosen {
        if one.plan == Plan::Clear && wanted.get(&one.shown.1) == Some(&true) {
            one.leaves = Leaves::Decoded;
        }
    }
    let mut release = Release {
        proof: standing(context),
        grant,
        study,
        asked: ask.study.clone(),
        chosen,
        form: Form::Instances,
        syntaxes: Vec::new(),
    };
    if let Err((cause, code)) = check::givable(&mut release, false) {
        return admit::refuse(vault, context, Some(&release.study), cause, code).await;
    }
    let receipt = vault.record_all(context, About::study(&release.study), released(&release, false)).await?;
    Ok((
        Response::Parts { fallback: false, tag: String::new() },
        deliver::deliver(Arc::clone(vault), release, receipt),
    ))
}

/// Whether a machine's release may go on: the mask set is the one of the release; when the grant's time is over, the same is
/// decided again.
pub fn still(vault: &Vault, context: &Context, release: &Release) -> Result<(), Lapse> {
    let uid = &release.study.record.uid;
    if context.arrival.door == Door::Dicomweb && who::machine::disabled(vault, &context.caller.user) {
        return Err(Lapse::Revoked);
    }
    if !who::works(vault, context) {
        return Err(Lapse::Revoked);
    }
    let study = vault.study(uid).ok().flatten().ok_or(Lapse::Revoked)?;
    if vault.mask_version(&study) != release.grant.mask_version() {
        return Err(Lapse::MaskChanged);
    }
    if vault.consent_changed(&study, &release.grant) {
        return Err(Lapse::ConsentChanged);
    }
    if study.righted != release.study.righted {
        return Err(Lapse::Revoked); // put right meanwhile: perhaps it is not this patient's any more
    }
    let now = vault.clock.now();
    if now < release.grant.ends_at() && vault.rules().policies.version() == release.grant.policy_version() {
        return Ok(());
    }
    let context = Context { now, ..context.clone() };
    match decide_now(vault, &context, &study, &ask(&context, uid, "")) {
        Ok(grant) if grant.shows_as(&release.grant) => Ok(()),
        _ => Err(Lapse::Revoked),
    }
}

pub fn standing(context: &Context) -> Proof {
    Proof::Standing(Box::new(context.clone()))
}

fn ask(context: &Context, study: &Uid, reason: &str) -> Ask {
    Ask {
        study: study.clone(),
        action: Action::Open,
        purpose: context.standing.purpose.unwrap_or(Purpose::Maintenance),
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
    }
}

fn decide_now(vault: &Vault, context: &Context, study: &Study, ask: &Ask) -> Result<Grant, Refusal> {
    let facts = facts::gather(vault, context, study, ask);
    decide(vault, context, (study, ask), (&vault.rules().policies, &facts))
}

/// Machine and person are decided by one set of rules.
fn decide(
    vault: &Vault,
    context: &Context,
    (study, ask): (&Study, &Ask),
    (policies, facts): (&Policies, &Facts),
) -> Result<Grant, Refusal> {
    let mut grant = policy::decide(policies, Action::Open, facts)?;
    if let Some(person) = &context.operator {
        let person = Context { now: context.now, ..(**person).clone() };
        let also = policy::decide(policies, Action::Open, &facts::gather(vault, &person, study, ask))?;
        let differs = Refusal { code: policy::Code::NotFound, rules: also.rules().to_vec() };
        grant = grant.narrowed(also).ok_or(differs)?;
    }
    // What its patient lets out under a pseudonym only is not for a machine that knows her by name.
    if (grant.visibility().words == Words::Pseudonymous) != context.pseudonymous() {
        return Err(Refusal { code: policy::Code::NotFound, rules: grant.rules().to_vec() });
    }
    // A machine has no reason to give: a rule that asks for one is not met.
    if grant.obligations().contains(&Obligation::Reason) {
        return Err(Refusal { code: policy::Code::ReasonNeeded, rules: grant.rules().to_vec() });
    }
    Ok(grant)
}

/// All instances of a study as files.
pub fn whole(study: &Study) -> Retrieve {
    Retrieve {
        study: study.record.uid.clone(),
        series: None,
        instance: None,
        form: Form::Instances,
        first: false,
        syntaxes: Vec::new(),
        known: Vec::new(),
    }
}

/// Instances each once.
pub fn once(instances: &[(Uid, bool)]) -> bool {
    let mut seen = HashSet::new();
    instances.iter().all(|(uid, _)| seen.insert(uid))
}
