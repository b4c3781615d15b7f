//! break-glass: Caller → Code → Facts → Grant → Recorded → Token. The loud way in without a relation: a reason and a second
//! factor open all films of one patient for minutes, what is withheld too; the entry waits for a review.
//!
//! The code is looked at before the study is: what a wrong one is answered says nothing of which studies there are.

use super::{Ask, facts, opened, refusal_rules, says_something, token};
use crate::catalog::Study;
use crate::context::{About, Context};
use crate::vault::Vault;
use crate::who::factor::{self, Right};
use crate::who::glass::BROKEN_S;
use ledger::Event;
use model::{PatientRef, Purpose, Time, Uid};
use policy::{Action, Facts, Grant};
use port::{Code, Fault, Response};

/// Breaks the glass with a code; without one, opens what is behind glass that was broken before.
pub async fn break_glass(
    vault: &Vault,
    context: &Context,
    study: Uid,
    (reason, code): (String, &str),
) -> Result<Response, Fault> {
    let reason = Some(reason).filter(|reason| says_something(reason));
    let ask = Ask { study, action: Action::BreakGlass, purpose: Purpose::Emergency, reason };
    vault.may(context, policy::Right::BreakGlass).await?;
    if ask.reason.is_none() {
        return refuse(vault, context, ("reason-needed", Code::ReasonNeeded.into())).await;
    }
    if code.is_empty() {
        return again(vault, context, &ask).await;
    }
    match factor::check(vault, context, code).await {
        Ok(right) => first(vault, context, &ask, right).await,
        Err(wrong) => refuse(vault, context, wrong).await,
    }
}

/// With a code that was right: it is spent whatever comes of it.
async fn first(vault: &Vault, context: &Context, ask: &Ask, right: Right<'_>) -> Result<Response, Fault> {
    let known = vault.known_study(context, &ask.study, ask.purpose)?;
    let about = known.as_deref().map_or_else(About::nothing, About::study);
    let refused = |rules: &[String]| Event::GlassRefused { cause: rules.join(" ") };
    let Some(study) = known else {
        right.spend(vault, (context, about), refused(&["not-found".to_owned()])).await?;
        return Err(Code::NotFound.into());
    };
    let until = context.now.plus_seconds(BROKEN_S);
    let facts = behind(vault, context, (&study, ask), until);
    match policy::decide(&vault.rules().policies, ask.action, &facts) {
        Ok(grant) => {
            let told = facts.written(ask.action);
            right.spend(vault, (context, about), broken(ask, &grant, told)).await?;
            vault.break_for(context, study.patient());
            given(vault, context, &study, &grant)
        }
        Err(refusal) => {
            right.spend(vault, (context, about), refused(&refusal_rules(&refusal))).await?;
            Err(Code::NotFound.into())
        }
    }
}

/// The same key again: as long as the glass is broken for the patient no code is asked for. Unknown studies and those of
/// other patients are answered alike.
async fn again(vault: &Vault, context: &Context, ask: &Ask) -> Result<Response, Fault> {
    let needed = ("second-factor-needed", Code::SecondFactorNeeded.into());
    let Some(study) = vault.known_study(context, &ask.study, ask.purpose)? else {
        return refuse(vault, context, needed).await;
    };
    let Some(until) = vault.broken_until(context, study.patient()) else {
        return refuse(vault, context, needed).await;
    };
    let facts = behind(vault, context, (&study, ask), until);
    match policy::decide(&vault.rules().policies, ask.action, &facts) {
        Ok(grant) => {
            let told = facts.written(ask.action);
            vault.record(context, About::study(&study), opened(ask, &grant, told)).await?;
            given(vault, context, &study, &grant)
        }
        Err(refusal) => {
            let event = Event::GlassRefused { cause: refusal_rules(&refusal).join(" ") };
            vault.record(context, About::study(&study), event).await?;
            Err(Code::NotFound.into())
        }
    }
}

/// Glass rests on no relation: none that ends meanwhile matters.
fn given(vault: &Vault, context: &Context, study: &Study, grant: &Grant) -> Result<Response, Fault> {
    let ended = vault.relations_ended(&context.caller.user);
    Ok(Response::Opened(token(vault, context, (study, ended), grant)?))
}

async fn refuse(vault: &Vault, context: &Context, (cause, fault): factor::Wrong) -> Result<Response, Fault> {
    let event = Event::GlassRefused { cause: cause.to_owned() };
    vault.record(context, About::nothing(), event).await?;
    Err(fault)
}

fn behind(vault: &Vault, context: &Context, (study, ask): (&Study, &Ask), until: Time) -> Facts {
    Facts { glass_until: Some(until), ..facts::gather(vault, context, study, ask) }
}

/// What a session knows besides: the glass that it broke for this patient.
pub fn known(vault: &Vault, context: &Context, facts: Facts) -> Facts {
    Facts { glass_until: vault.broken_until(context, facts.study.patient), ..facts }
}

fn broken(ask: &Ask, grant: &Grant, facts: String) -> Event {
    Event::GlassBroken {
        purpose: ask.purpose.to_string(),
        reason: ask.reason.clone().unwrap_or_default(),
        visibility: grant.visibility().name(),
        mask_version: grant.mask_version(),
        policy_version: grant.policy_version().hex(),
        rules: grant.rules().to_vec(),
        facts,
    }
}

impl Vault {
    fn break_for(&self, context: &Context, patient: PatientRef) {
        let now = self.clock.monotonic();
        let mut sessions = self.sessions();
        if let Some(session) = context.session.and_then(|(cookie, _)| sessions.touch(&cookie, now)) {
            session.glass.broken(patient, now);
        }
    }

    /// Until when the caller's session has broken the glass for a patient. It ends by the monotonic clock; the policy is told
    /// that moment by the other one.
    fn broken_until(&self, context: &Context, patient: PatientRef) -> Option<Time> {
        let now = self.clock.monotonic();
        let mut sessions = self.sessions();
        let session = context.session.and_then(|(cookie, _)| sessions.touch(&cookie, now))?;
        let until = session.glass.until(patient, now)?;
        Some(Time(context.now.0.saturating_add(until.0.saturating_sub(now.0))))
    }
}

#[cfg(test)]
mod tests;
