//! Rules tried before they decide: checked, as a table, on one study, and on what was decided before.

use super::{InForce, wanted};
use crate::catalog::Study;
use crate::context::{About, Context};
use crate::open::{Ask, facts};
use crate::vault::{Vault, lock};
use crate::who;
use ledger::tiles::WIDTH;
use ledger::{Entry, Event, Value};
use model::{Purpose, Uid};
use policy::matrix::Line;
use policy::replay::{self, Asked, WITHHELD};
use policy::{Action, Facts, Policies};
use port::govern::{Answer, Change, MatrixLine, Outcome, Replayed, Which, WhoSees};
use port::{Code, Fault};
use std::collections::HashMap;
use std::sync::Arc;

/// Accounts and machines asked about one study.
const ACCOUNTS: usize = 2_000;
/// Decisions of one replay, and entries looked at for them.
const DECISIONS: u64 = 10_000;
const LOOKED_AT: u64 = 1_000_000;
/// Changes that are told one by one.
const TOLD: usize = 500;

/// Takes a core for seconds: one at a time, off the threads that answer, and its turn ends with the work, not with the caller.
async fn try_out<T: Send + 'static>(
    vault: &Vault,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    let turn = Arc::clone(&vault.trying).acquire_owned().await.map_err(|_| Code::Unavailable)?;
    let work = move || {
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| Code::Internal.into())
}

/// The set that a question is about, or the answer that it is none.
macro_rules! sound {
    ($vault:expr, $which:expr) => {
        match wanted($vault, $which)? {
            Ok(set) => set,
            Err(error) => return Ok(Answer::Faulty(error)),
        }
    };
}

pub async fn check(vault: &Vault, which: &Which) -> Result<Answer, Fault> {
    let set = sound!(vault, which);
    try_out(vault, move || checked(&set)).await
}

/// Which rules do not do what they say.
#[must_use]
pub fn checked(set: &InForce) -> Answer {
    let report = policy::check::check(&set.policies);
    let findings = report.findings.into_iter().map(|(rule, trouble)| (rule, trouble.as_str().to_owned()));
    Answer::Checked {
        version: set.policies.version().hex(),
        findings: findings.collect(),
        questions: report.questions,
        cut: report.cut,
    }
}

pub async fn matrix(vault: &Vault, which: &Which, body_parts: Vec<String>) -> Result<Answer, Fault> {
    let set = sound!(vault, which);
    try_out(vault, move || table(&set, &body_parts)).await
}

/// Who sees what.
#[must_use]
pub fn table(set: &InForce, body_parts: &[String]) -> Answer {
    let lines = policy::matrix::matrix(&set.policies, body_parts);
    Answer::Matrix { version: set.policies.version().hex(), lines: lines.into_iter().map(line).collect() }
}

fn line(line: Line) -> MatrixLine {
    MatrixLine {
        role: line.role.to_string(),
        purpose: line.purpose.to_string(),
        tie: line.tie.as_str().to_owned(),
        withheld_class: line.withheld_class,
        body_parts: line.body_parts,
        outcome: told(line.outcome),
    }
}

fn told(outcome: replay::Outcome) -> Outcome {
    Outcome {
        sees: outcome.word,
        hides: outcome.hides.to_owned(),
        may_lift: outcome.lift,
        rules: outcome.rules,
    }
}

/// Who would see what of a study now. Facts are gathered as for an opening; nothing is opened.
pub async fn explain(
    vault: &Vault,
    context: &Context,
    study: &Uid,
    user: Option<&str>,
) -> Result<Answer, Fault> {
    let found = vault.study(study)?;
    let about = found.as_deref().map_or_else(About::nothing, About::study);
    let event = Event::RulesTried { how: "explain".to_owned(), entries: 0 };
    vault.record(context, about, event).await?;
    let study = found.ok_or(Code::NotFound)?;
    let callers = callers(vault, context, user);
    let cut = callers.len() > ACCOUNTS;
    let rules = vault.rules();
    let cases: Vec<(Vec<String>, Facts)> = callers
        .iter()
        .take(ACCOUNTS)
        .flat_map(|caller| purposes(caller).into_iter().map(move |purpose| (caller, purpose)))
        .map(|(caller, purpose)| case(vault, caller, &study, purpose))
        .collect();
    let all = user.is_some();
    let version = rules.policies.version().hex();
    let lines = try_out(vault, move || {
        let lines = cases.into_iter().map(|(ties, facts)| who_sees(&rules, ties, &facts));
        lines.filter(|line| all || line.outcome.sees != WITHHELD).collect()
    });
    Ok(Answer::Explained { version, lines: lines.await?, cut })
}

/// Everybody who could ask, or the one who is named.
fn callers(vault: &Vault, context: &Context, user: Option<&str>) -> Vec<Context> {
    let mut names: Vec<String> = {
        let accounts = lock(&vault.accounts);
        accounts.values().filter(|(account, _)| !account.disabled).map(|(a, _)| a.user.clone()).collect()
    };
    names.sort();
    let people = names.iter().filter_map(|name| who::person(vault, name, &context.arrival));
    let machines = vault.options.devices.iter().map(|known| who::agreed(vault, known, &context.arrival));
    let wanted = |caller: &Context| user.is_none_or(|user| caller.caller.user == user);
    people.chain(machines).filter(wanted).take(ACCOUNTS + 1).collect()
}

fn purposes(caller: &Context) -> Vec<Purpose> {
    caller.standing.purpose.map_or_else(|| Purpose::ALL.to_vec(), |agreed| vec![agreed])
}

fn case(vault: &Vault, caller: &Context, study: &Study, purpose: Purpose) -> (Vec<String>, Facts) {
    let ask = Ask { study: study.record.uid.clone(), action: Action::Open, purpose, reason: None };
    let facts = facts::gather(vault, caller, study, &ask);
    let mut ties: Vec<String> = facts.relations_now().map(|r| r.kind.as_str().to_owned()).collect();
    ties.extend(facts.order_for_report.then(|| "order".to_owned()));
    ties.extend(facts.own().then(|| "own".to_owned()));
    ties.sort();
    ties.dedup();
    (ties, facts)
}

fn who_sees(rules: &InForce, ties: Vec<String>, facts: &Facts) -> WhoSees {
    WhoSees {
        user: facts.caller.user.clone(),
        role: facts.caller.role.to_string(),
        purpose: facts.purpose.map(|purpose| purpose.to_string()).unwrap_or_default(),
        ties,
        outcome: told(replay::outcome(&rules.policies, Action::Open, facts)),
    }
}

/// The newest decisions again: under the rules of their own time, which must give what is recorded, and under these. Who does not
/// read accesses gets counts.
pub async fn replay(
    vault: &Vault,
    context: &Context,
    which: &Which,
    (last, reads): (u64, bool),
) -> Result<Answer, Fault> {
    let set = sound!(vault, which);
    let entries = last.min(DECISIONS);
    let event = Event::RulesTried { how: "replay".to_owned(), entries };
    vault.record(context, About::nothing(), event).await?;
    let shared = vault.shared()?;
    let mut replayed = try_out(vault, move || again(&shared, &set, entries)).await??;
    if !reads {
        replayed.changes.clear();
    }
    Ok(Answer::Replayed(Box::new(replayed)))
}

/// What an entry says of a decision.
struct Decided {
    policy_version: String,
    sees: String,
    asked: Option<Asked>,
}

fn again(vault: &Vault, set: &InForce, last: u64) -> Result<Replayed, Fault> {
    let mut out = Replayed {
        version: set.policies.version().hex(),
        decisions: 0,
        untold: 0,
        confirmed: 0,
        contradicted: 0,
        changed: 0,
        changes: Vec::new(),
    };
    let mut then = HashMap::new();
    let mut end = vault.ledger_size();
    let from = end.saturating_sub(LOOKED_AT);
    while end > from && out.decisions < last {
        let first = ((end - 1) / WIDTH * WIDTH).max(from);
        for (index, entry) in vault.decisions(first..end)?.into_iter().rev() {
            let Some(decided) = decided(&entry) else { continue };
            if out.decisions == last {
                return Ok(out);
            }
            out.decisions += 1;
            let Some(asked) = &decided.asked else {
                out.untold += 1;
                continue;
            };
            match of_then(vault, &mut then, &decided.policy_version) {
                Some(rules) if asked.outcome(rules).word == decided.sees => out.confirmed += 1,
                Some(_) => out.contradicted += 1,
                None => {}
            }
            let after = asked.outcome(&set.policies);
            if after.word != decided.sees {
                out.changed += 1;
                if out.changes.len() < TOLD {
                    out.changes.push(change((index, &entry), &decided, after));
                }
            }
        }
        end = first;
    }
    Ok(out)
}

/// The rules of a version, parsed once; nothing when their text is not kept, or is of a program that had other words.
fn of_then<'a>(
    vault: &Vault,
    known: &'a mut HashMap<String, Option<Policies>>,
    version: &str,
) -> Option<&'a Policies> {
    let parse = || {
        let texts = vault.rules_of(version).ok().flatten()?;
        Policies::of(&texts).ok().filter(|set| set.version().hex() == version)
    };
    known.entry(version.to_owned()).or_insert_with(parse).as_ref()
}

fn decided(entry: &Entry) -> Option<Decided> {
    let text = |name: &str| match entry.details.iter().find(|(known, _)| known == name) {
        Some((_, Value::Text(text))) => text.clone(),
        _ => String::new(),
    };
    let owed = match entry.details.iter().find(|(known, _)| known == "rules") {
        Some((_, Value::List(rules))) => {
            rules.first() == Some(&Value::Text(policy::Code::ReasonNeeded.as_str().to_owned()))
        }
        _ => false,
    };
    let sees = match entry.kind.as_str() {
        "opened" | "glass-broken" => text("visibility"),
        "lifted" => "clear".to_owned(),
        "open-refused" if owed => policy::Code::ReasonNeeded.as_str().to_owned(),
        "open-refused" => WITHHELD.to_owned(),
        _ => return None,
    };
    let (policy_version, asked) = (text("policy_version"), Asked::read(&text("facts")));
    Some(Decided { policy_version, sees, asked })
}

fn change((index, entry): (u64, &Entry), decided: &Decided, after: replay::Outcome) -> Change {
    let purpose =
        decided.asked.as_ref().and_then(|asked| asked.facts.purpose).map(|purpose| purpose.to_string());
    Change {
        index,
        time: entry.time(),
        user: entry.envelope.actor.clone(),
        role: entry.envelope.role.clone(),
        purpose: purpose.unwrap_or_default(),
        study: entry.envelope.study.parse().ok(),
        before: decided.sees.clone(),
        after: told(after),
    }
}
