//! open: Caller → Facts → Grant → Recorded → Token. A lift is the same with a reason.

pub mod facts;
mod glass;

pub use glass::break_glass;

use crate::catalog::Study;
use crate::context::{About, Context};
use crate::vault::Vault;
use ledger::Event;
use model::{Purpose, Uid, Words};
use policy::{Action, Facts, Grant, Obligation, PolicyVersion, Refusal};
use port::{Code, Fault, Response, archive::Opened};

/// What a caller asks for.
pub struct Ask {
    /// The UID as the caller knows it.
    pub study: Uid,
    /// Open, lift, or break the glass.
    pub action: Action,
    /// Why; for a lift, the purpose of the grant that is lifted.
    pub purpose: Purpose,
    /// In words.
    pub reason: Option<String>,
}

/// Letters or digits that make a reason; a Han or Hangul character says as much as two.
const REASON_LETTERS: usize = 3;

/// Opens a study, or lifts its mask. The entry is durable before the token exists.
pub async fn open(vault: &Vault, context: &Context, ask: Ask) -> Result<Response, Fault> {
    let ask = Ask { reason: ask.reason.filter(|reason| says_something(reason)), ..ask };
    vault.may(context, policy::Right::Open).await?;
    let Some(study) = vault.known_study(context, &ask.study, ask.purpose)? else {
        return refuse(vault, context, &ask, None, (&[], None)).await;
    };
    let ended = vault.relations_ended(&context.caller.user);
    let facts = glass::known(vault, context, facts::gather(vault, context, &study, &ask));
    let set = vault.rules();
    let version = set.policies.version();
    match policy::decide(&set.policies, ask.action, &facts) {
        // What a rule obliges to is owed before the picture: without it, nothing would ever ask.
        Ok(grant) if grant.obligations().contains(&Obligation::Reason) => {
            let mut rules = vec![policy::refusal::Code::ReasonNeeded.as_str().to_owned()];
            rules.extend(grant.rules().iter().cloned());
            refuse(vault, context, &ask, Some(&study), (&rules, Some((&facts, version)))).await
        }
        Ok(grant) if !named_as_shown(&grant, &study, &ask) => {
            refuse(vault, context, &ask, Some(&study), (&["other-name".to_owned()], None)).await
        }
        Ok(grant) => {
            vault
                .record(context, About::study(&study), opened(&ask, &grant, facts.written(ask.action)))
                .await?;
            Ok(Response::Opened(token(vault, context, (&study, ended), &grant)?))
        }
        Err(refusal) => {
            refuse(vault, context, &ask, Some(&study), (&refusal_rules(&refusal), Some((&facts, version))))
                .await
        }
    }
}

/// A pseudonymous grant is asked for by the pseudonym only, every other one by the study's own UID only: nobody learns here
/// which pseudonym belongs to which name.
fn named_as_shown(grant: &Grant, study: &Study, ask: &Ask) -> bool {
    (grant.visibility().words == Words::Pseudonymous) == (ask.study != study.record.uid)
}

/// A full stop is no reason: what is recorded must be worth reading to the patient.
fn says_something(reason: &str) -> bool {
    let letters = reason.chars().filter(|c| c.is_alphanumeric());
    letters.map(|c| if c.len_utf8() > 2 { 2 } else { 1 }).sum::<usize>() >= REASON_LETTERS
}

pub fn opened(ask: &Ask, grant: &Grant, facts: String) -> Event {
    let purpose = ask.purpose.to_string();
    let reason = ask.reason.clone().unwrap_or_default();
    match ask.action {
        // Glass that was broken before: the first entry is the one to look into.
        Action::Open | Action::BreakGlass => Event::Opened {
            purpose,
            reason,
            visibility: grant.visibility().name(),
            mask_version: grant.mask_version(),
            policy_version: grant.policy_version().hex(),
            rules: grant.rules().to_vec(),
            facts,
        },
        Action::Lift => Event::Lifted {
            purpose,
            reason,
            mask_version: grant.mask_version(),
            policy_version: grant.policy_version().hex(),
            rules: grant.rules().to_vec(),
            facts,
        },
    }
}

pub fn refusal_rules(refusal: &Refusal) -> Vec<String> {
    let mut rules = vec![refusal.code.as_str().to_owned()];
    rules.extend(refusal.rules.iter().cloned());
    rules
}

/// Unknown and forbidden are recorded apart and answered alike (DESIGN.md §2.8).
async fn refuse(
    vault: &Vault,
    context: &Context,
    ask: &Ask,
    study: Option<&Study>,
    (rules, decided): (&[String], Option<(&Facts, PolicyVersion)>),
) -> Result<Response, Fault> {
    let about = study.map_or_else(About::nothing, About::study);
    let version = decided.map_or_else(|| vault.rules().policies.version(), |(_, version)| version);
    let facts = decided.map(|(facts, _)| facts.written(ask.action)).unwrap_or_default();
    let policy_version = version.hex();
    let (purpose, rules) = (ask.purpose.to_string(), rules.to_vec());
    let reason = rules.iter().any(|r| r == policy::refusal::Code::ReasonNeeded.as_str());
    let event = Event::OpenRefused { purpose, rules, policy_version, facts };
    vault.record(context, about, event).await?;
    Err(if reason { Code::ReasonNeeded } else { Code::NotFound }.into())
}

impl Vault {
    /// The purpose of the grant that the session holds for a study: a lift is asked for under it.
    pub(crate) fn purpose_of(&self, context: &Context, study: &Uid) -> Option<Purpose> {
        let (cookie, _) = context.session?;
        let mut sessions = self.sessions();
        let session = sessions.touch(&cookie, self.clock.monotonic())?;
        session.grants.get(study).and_then(|held| held.purpose)
    }
}

/// A bearer token of this grant, and the session's viewing set with the grant in it.
/// `ended`: relations that had ended when it was decided.
fn token(
    vault: &Vault,
    context: &Context,
    (study, ended): (&Study, u64),
    grant: &Grant,
) -> Result<Opened, Fault> {
    let (cookie, _) = context.session.ok_or(Code::NotSignedIn)?;
    let (token, bearer) = vault.sealing.new_token(crypto::TokenKind::Bearer)?;
    let (viewing, view) = vault.sealing.new_token(crypto::TokenKind::Viewing)?;
    let left = grant.ends_at().0.saturating_sub(context.now.0).div_euclid(1_000_000_000);
    let left = left.clamp(0, vault.options.viewing_s);
    let now = vault.clock.monotonic();
    // What was decided of a study that was put right meanwhile is not given.
    let catalog = vault.catalog_with(&study.record.uid)?;
    if catalog.study(&study.record.uid).is_none_or(|known| known.righted != study.righted) {
        return Err(Code::OpenAnew.into());
    }
    let mut sessions = vault.sessions();
    // It may rest on a relation that ended meanwhile.
    if vault.relations_ended(&context.caller.user) != ended {
        return Err(Code::OpenAnew.into());
    }
    let times = (now, now.plus_seconds(left));
    sessions.grant(&cookie, study.record.uid.clone(), (grant.to_record(), grant.purpose()), bearer, times);
    sessions.set_viewing(&cookie, view);
    Ok(Opened {
        token,
        viewing,
        expires_in_s: u32::try_from(left).unwrap_or(0),
        visibility: grant.visibility().name(),
        mask_version: grant.mask_version(),
        may_lift: grant.may_lift(),
        lifted: grant.lifted(),
    })
}

#[cfg(test)]
mod tests;
