//! govern: Caller → Permit → Rules → Recorded. One person proposes rules, another one puts them in force; from the next
//! request and the next chunk on they decide (docs/decisions/0097-rules-in-force.md).

mod keep;
mod records;
mod tried;

pub use records::{ActiveRecord, BookRecord, InForce, PastRecord, ProposalRecord};
pub use tried::{checked, table};

use crate::context::{About, Context};
use crate::journal::new_id;
use crate::vault::{Vault, lock};
use crate::who;
use ledger::Event;
use model::{Id, limits};
use policy::{PolicyVersion, Right, Texts};
use port::govern::{Answer, Ask, Past, Proposal, Rules, Shown, Which};
use port::{Code, Credential, Fault, Response};
use std::sync::Arc;

/// Proposals that wait at once.
pub const PROPOSALS: usize = 8;
/// Versions that can be put in force again.
const PAST: usize = 16;
/// Who looks after the archive's machine reads and tries rules, and changes none.
const OPERATOR: &str = "operator";

/// One question or act about rules.
pub async fn govern(
    vault: &Vault,
    context: &Context,
    credential: &Credential,
    ask: Ask,
) -> Result<Response, Fault> {
    let operates = who::operator(credential).is_ok();
    if !operates {
        vault.may(context, Right::Govern).await?;
    }
    let answer = match ask {
        Ask::Show => shown(vault),
        Ask::Check(which) => tried::check(vault, &which).await?,
        Ask::Matrix { which, body_parts } => tried::matrix(vault, &which, body_parts).await?,
        // Who has to do with whom, and who looked at what, is the officer's to read.
        Ask::Explain { study, user } => {
            if !operates {
                vault.may(context, Right::ReadAllAccesses).await?;
            }
            tried::explain(vault, context, &study, user.as_deref()).await?
        }
        Ask::Replay { which, last } => {
            let reads = operates || vault.right(context, Right::ReadAllAccesses).is_ok();
            tried::replay(vault, context, &which, (last, reads)).await?
        }
        _ if operates => return refused(vault, context, OPERATOR, Code::NotAllowed).await,
        Ask::Propose { rules, reason, expect_version } => {
            propose(vault, context, texts(rules), (reason, &expect_version)).await?
        }
        Ask::PutBack { version, reason, expect_version } => {
            let Some(rules) = vault.rules_of(&version)? else {
                return refused(vault, context, "unknown", Code::NotFound).await;
            };
            propose(vault, context, rules, (reason, &expect_version)).await?
        }
        Ask::Activate { proposal } => activate(vault, context, proposal).await?,
        Ask::Drop { proposal } => dropped(vault, context, proposal).await?,
    };
    Ok(Response::Governed(Box::new(answer)))
}

fn texts(rules: Rules) -> Texts {
    Texts { pictures: rules.pictures, rights: rules.rights }
}

fn rules(texts: &Texts) -> Rules {
    Rules { pictures: texts.pictures.clone(), rights: texts.rights.clone() }
}

fn hex(version: &[u8; 32]) -> String {
    PolicyVersion(*version).hex()
}

/// What is in force, what waits, what was.
fn shown(vault: &Vault) -> Answer {
    let now = vault.rules();
    let book = lock(&vault.book).0.clone();
    let proposals = book.proposals.iter().map(|p| Proposal {
        id: p.id,
        version: version_of(&p.texts),
        base: hex(&p.base),
        rules: rules(&p.texts),
        by: p.by.clone(),
        at: p.at,
        reason: p.reason.clone(),
    });
    Answer::Shown(Box::new(Shown {
        version: now.policies.version().hex(),
        rules: rules(&now.texts),
        since: book.active.as_ref().map(|active| active.since),
        proposals: proposals.collect(),
        past: book.past.iter().map(|p| Past { version: hex(&p.version), until: p.until }).collect(),
    }))
}

fn version_of(texts: &Texts) -> String {
    policy::Policies::of(texts).map(|set| set.version().hex()).unwrap_or_default()
}

/// The texts that a question is about: those in force, a proposal's, or given ones. The latter two may be wrong.
fn wanted(vault: &Vault, which: &Which) -> Result<Result<InForce, String>, Fault> {
    let texts = match which {
        Which::InForce => vault.rules().texts.clone(),
        Which::Given(given) => texts(given.clone()),
        Which::Proposal(id) => {
            let book = lock(&vault.book);
            let found = book.0.proposals.iter().find(|p| p.id == *id);
            found.map(|p| p.texts.clone()).ok_or(Code::NotFound)?
        }
    };
    Ok(sound(texts))
}

/// A set, or why it is none in the words of its author's mistake.
fn sound(texts: Texts) -> Result<InForce, String> {
    InForce::of(texts).map_err(|error| error.to_string())
}

async fn propose(
    vault: &Vault,
    context: &Context,
    texts: Texts,
    (reason, expect_version): (String, &str),
) -> Result<Answer, Fault> {
    let one = Arc::clone(&vault.governing).lock_owned().await;
    let base = vault.rules().policies.version();
    let set = match sound(texts) {
        Ok(set) => set,
        Err(error) => {
            refused::<()>(vault, context, "invalid", Code::BadRequest).await.ok();
            return Ok(Answer::Faulty(error));
        }
    };
    let (mut book, before) = lock(&vault.book).clone();
    let version = set.policies.version();
    let waits = book.proposals.iter().any(|p| p.texts == set.texts);
    let refusal = match () {
        () if base.hex() != expect_version => Some(("version", Code::VersionConflict)),
        () if reason.trim().is_empty() || reason.len() > limits::REASON_BYTES => {
            Some(("reason", Code::BadRequest))
        }
        () if version == base || waits => Some(("nothing-new", Code::BadRequest)),
        () if book.proposals.len() >= PROPOSALS => Some(("too-many", Code::TooLarge)),
        () => None,
    };
    if let Some((cause, code)) = refusal {
        return refused(vault, context, cause, code).await;
    }
    let proposal = ProposalRecord {
        id: new_id(&*vault.sealing.random)?,
        texts: set.texts,
        base: base.0,
        by: context.caller.user.clone(),
        at: context.now,
        reason: reason.trim().to_owned(),
    };
    let event = Event::RulesProposed {
        proposal: proposal.id,
        version: version.hex(),
        base: base.hex(),
        reason: proposal.reason.clone(),
    };
    book.proposals.push(proposal);
    vault.keep_rules(context, (book, before, None), event, one).await?;
    Ok(shown(vault))
}

/// Puts a proposal in force. Not by who proposed it, and not when the rules changed meanwhile: it was made from others.
async fn activate(vault: &Vault, context: &Context, proposal: Id) -> Result<Answer, Fault> {
    let one = Arc::clone(&vault.governing).lock_owned().await;
    let (mut book, before) = lock(&vault.book).clone();
    let Some(at) = book.proposals.iter().position(|p| p.id == proposal) else {
        return refused(vault, context, "unknown", Code::NotFound).await;
    };
    let now = vault.rules();
    let proposed = book.proposals.remove(at);
    if proposed.by == context.caller.user {
        return refused(vault, context, "second-person", Code::NotAllowed).await;
    }
    if proposed.base != now.policies.version().0 {
        return refused(vault, context, "version", Code::VersionConflict).await;
    }
    let set = match sound(proposed.texts.clone()) {
        Ok(set) => set,
        Err(error) => {
            refused::<()>(vault, context, "invalid", Code::BadRequest).await.ok();
            return Ok(Answer::Faulty(error));
        }
    };
    let files = book.active.take().map_or_else(|| now.texts.clone(), |active| active.files);
    book.active = Some(ActiveRecord { texts: proposed.texts, files, since: context.now });
    book.past.retain(|past| past.version != now.policies.version().0);
    book.past.push(PastRecord { version: now.policies.version().0, until: context.now });
    let excess = book.past.len().saturating_sub(PAST);
    book.past.drain(..excess);
    let event = Event::RulesActivated {
        proposal,
        version: set.policies.version().hex(),
        before: now.policies.version().hex(),
        proposed_by: proposed.by,
        reason: proposed.reason,
    };
    vault.keep_rules(context, (book, before, Some(set)), event, one).await?;
    Ok(shown(vault))
}

async fn dropped(vault: &Vault, context: &Context, proposal: Id) -> Result<Answer, Fault> {
    let one = Arc::clone(&vault.governing).lock_owned().await;
    let (mut book, before) = lock(&vault.book).clone();
    let Some(at) = book.proposals.iter().position(|p| p.id == proposal) else {
        return refused(vault, context, "unknown", Code::NotFound).await;
    };
    let gone = book.proposals.remove(at);
    let event = Event::RulesDropped { proposal, version: version_of(&gone.texts) };
    vault.keep_rules(context, (book, before, None), event, one).await?;
    Ok(shown(vault))
}

async fn refused<T>(vault: &Vault, context: &Context, cause: &str, code: Code) -> Result<T, Fault> {
    let event = Event::RulesRefused { cause: cause.to_owned() };
    vault.record(context, About::nothing(), event).await?;
    Err(code.into())
}

#[cfg(test)]
mod tests;
