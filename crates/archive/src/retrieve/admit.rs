//! From what the caller shows to a grant that holds now, for this study. Each refusal is recorded with its cause; at the
//! door all of them look alike, but that somebody who had a grant is told to open anew.

use crate::catalog::Study;
use crate::context::{About, Context};
use crate::vault::Vault;
use policy::{Current, Grant, Lapse};
use port::archive::Retrieve;
use port::{Code, Fault};

/// The grant, and the study as the catalog has it now.
pub async fn admit(vault: &Vault, context: &Context, ask: &Retrieve) -> Result<(Grant, Study), Fault> {
    let Some(study) = vault.study_by_any_name(&ask.study) else {
        return refuse(vault, context, None, "unknown-study", Code::NotFound).await;
    };
    match held(vault, context, &study) {
        Ok(grant) => {
            // A pseudonymous grant knows the study by its pseudonym only, every other one by its own UID only.
            let pseudonymous = grant.visibility().words == model::Words::Pseudonymous;
            if pseudonymous == (ask.study == study.record.uid) {
                return refuse(vault, context, Some(&study), "other-name", Code::NotFound).await;
            }
            Ok((grant, study))
        }
        Err(Some(lapse)) => {
            let code = if lapse == Lapse::OtherStudy { Code::NotFound } else { Code::OpenAnew };
            refuse(vault, context, Some(&study), lapse.as_str(), code).await
        }
        Err(None) => refuse(vault, context, Some(&study), "not-opened", Code::NotFound).await,
    }
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
    let now = vault.clock.monotonic();
    let (record, alive) = {
        let mut sessions = vault.sessions();
        let session = sessions.touch(&cookie, now).ok_or(Some(Lapse::Revoked))?;
        let held = session.grants.get(&study.record.uid).ok_or(None)?;
        (held.grant.clone(), held.alive(now))
    };
    if !alive {
        return Err(Some(Lapse::Expired));
    }
    let current = Current {
        now: context.now,
        study: study.record.id,
        mask_version: study.record.masks.version,
        policy_version: vault.policies.version(),
        session_alive: true,
    };
    policy::readmit(record, &current).map_err(Some)
}

async fn refuse<T>(
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
