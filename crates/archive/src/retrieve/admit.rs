//! From what the caller shows to a grant that holds now, for this study. Each refusal is recorded with its cause; at the
//! door all of them look alike, but that somebody who had a grant is told to open anew.

use crate::catalog::Study;
use crate::context::{About, Context};
use crate::retrieve::{Proof, Release};
use crate::vault::{Vault, lock};
use crate::who::session::Handle;
use model::{Purpose, Role, Words};
use policy::{Current, Grant, GrantRecord, Lapse};
use port::archive::Retrieve;
use port::{Code, Fault};
use std::sync::Arc;

/// The grant, and the study as the catalog has it now.
pub async fn admit(vault: &Vault, context: &Context, ask: &Retrieve) -> Result<(Grant, Arc<Study>), Fault> {
    if super::standing::is_machine(context) {
        return super::standing::admit(vault, context, ask).await;
    }
    let Some(study) = vault.study_by_any_name(&ask.study)? else {
        return refuse(vault, context, None, "unknown-study", Code::NotFound).await;
    };
    let held = held(vault, context, &study);
    // A pseudonymous grant knows the study by its pseudonym only, every other one by its own UID only. Told before any
    // lapse is: else "open anew" links a name from outside to a pseudonym.
    let pseudonymous = match &held {
        Ok(grant) => grant.visibility().words == Words::Pseudonymous,
        Err(_) => context.caller.role == Role::Researcher || for_research(vault, context, &study),
    };
    if pseudonymous == (ask.study == study.record.uid) {
        return refuse(vault, context, Some(&study), "other-name", Code::NotFound).await;
    }
    match held {
        Ok(grant) => Ok((grant, study)),
        Err(Some(lapse)) => {
            let code = if lapse == Lapse::OtherStudy { Code::NotFound } else { Code::OpenAnew };
            refuse(vault, context, Some(&study), lapse.as_str(), code).await
        }
        Err(None) => refuse(vault, context, Some(&study), "not-opened", Code::NotFound).await,
    }
}

/// What a release of this caller rests on.
pub fn proof(context: &Context) -> Result<Proof, Fault> {
    if super::standing::is_machine(context) {
        return Ok(super::standing::standing(context));
    }
    let (session, _) = context.session.ok_or(Code::NotSignedIn)?;
    Ok(Proof::Session(session))
}

/// The grant that the session holds or held for the study is one for secondary use.
fn for_research(vault: &Vault, context: &Context, study: &Study) -> bool {
    vault.purpose_of(context, &study.record.uid).is_some_and(Purpose::secondary)
}

/// The grant that this proof holds for the study, readmitted; nothing when it never had one.
fn held(vault: &Vault, context: &Context, study: &Study) -> Result<Grant, Option<Lapse>> {
    let (cookie, _) = context.session.ok_or(None)?;
    match &context.bearer {
        Some(own) if *own != study.record.uid => return Err(Some(Lapse::OtherStudy)),
        // The sign-in cookie alone never opens pixels (DESIGN.md §3, Tokens).
        None if !context.views => return Err(None),
        _ => {}
    }
    let (record, alive) = in_session(vault, &cookie, study)?;
    if !alive {
        return Err(Some(Lapse::Expired));
    }
    let versions = (vault.mask_version(study), vault.consent_version(study));
    readmit(vault, record, study, versions).map_err(Some)
}

/// The record that the session holds for the study, and whether its time on the monotonic clock is not over.
fn in_session(vault: &Vault, cookie: &Handle, study: &Study) -> Result<(GrantRecord, bool), Option<Lapse>> {
    let now = vault.clock.monotonic();
    let mut sessions = vault.sessions();
    let session = sessions.touch(cookie, now).ok_or(Some(Lapse::Revoked))?;
    let held = session.grants.get(&study.record.uid).ok_or(None)?;
    Ok((held.grant.clone(), held.alive(now)))
}

fn readmit(
    vault: &Vault,
    record: GrantRecord,
    study: &Study,
    (mask_version, consent_version): (u64, u64),
) -> Result<Grant, Lapse> {
    let current = Current {
        now: vault.clock.now(),
        study: study.record.id,
        mask_version,
        consent_version,
        policy_version: vault.rules().policies.version(),
        session_alive: true,
    };
    policy::readmit(record, &current)
}

/// Whether a release may go on now: session, account and grant are alive, and visibility, policy and mask set are those
/// of the release. Signing out, a revocation or a patient's new mask ends what already flows (DESIGN.md §2.3).
pub fn still(vault: &Vault, release: &Release) -> Result<(), Lapse> {
    let session = match &release.proof {
        Proof::Session(session) => session,
        Proof::Standing(context) => return super::standing::still(vault, context, release),
        Proof::Two(both) => return super::leaving::still(vault, both, release),
    };
    let (record, alive) =
        in_session(vault, session, &release.study).map_err(|lapse| lapse.unwrap_or(Lapse::Revoked))?;
    if !alive {
        return Err(Lapse::Expired);
    }
    let user = &release.grant.caller().user;
    if lock(&vault.accounts).get(user).is_none_or(|(account, _)| account.disabled) {
        return Err(Lapse::Revoked);
    }
    let known = vault.study(&release.study.record.uid).ok().flatten();
    let versions = |study: &Study| (vault.mask_version(study), vault.consent_version(study));
    let known = known.map(|study| (versions(&study), study.righted));
    let (now, righted) = known.ok_or(Lapse::Revoked)?;
    if righted != release.study.righted {
        return Err(Lapse::Revoked); // put right meanwhile: perhaps it is not this patient's any more
    }
    let now = readmit(vault, record, &release.study, now)?;
    if !now.shows_as(&release.grant) {
        return Err(Lapse::Revoked); // superseded by a grant that shows something else
    }
    let versions = |grant: &Grant| (grant.mask_version(), grant.consent_version(), grant.policy_version());
    if versions(&now) == versions(&release.grant) { Ok(()) } else { Err(Lapse::MaskChanged) }
}

/// Records a refusal and gives it.
pub async fn refuse<T>(
    vault: &Vault,
    context: &Context,
    study: Option<&Study>,
    cause: &str,
    code: Code,
) -> Result<T, Fault> {
    let about = study.map_or_else(About::nothing, About::study);
    vault.record(context, about, super::refused(cause)).await?;
    Err(code.into())
}
