//! A film that names another patient than its study has. It is kept with the study, so that no film is kept from care; but it
//! must not be shown to the study's patient as hers. That is noted before the film is stored, as a change that waits for
//! somebody to look at it.

use super::keep::{self, Wanted};
use super::record::Deed;
use crate::context::Context;
use crate::vault::{Vault, lock};
use model::{InstanceFacts, tags};
use port::putright::PatientNumber;
use port::{Code, Fault};

const REASON: &str = "a film of another patient came into this study";

/// Notes it, once for each series.
pub async fn contradicted(vault: &Vault, context: &Context, facts: &InstanceFacts) -> Result<(), Fault> {
    let home = vault.goes_to(&facts.study_uid, &facts.series_uid);
    let first = |tag| facts.patient.first(tag).to_owned();
    let name = PatientNumber { issuer: first(tags::ISSUER_OF_PATIENT_ID), number: first(tags::PATIENT_ID) };
    let deed = Deed::Contradiction { study: facts.study_uid.clone(), series: facts.series_uid.clone(), name };
    let kept = keep::keep(
        vault,
        context,
        |_| vec![home.clone()],
        |_, now| {
            if now.noted_contradiction(&facts.study_uid, &facts.series_uid) {
                return Err(("noted", Code::VersionConflict));
            }
            Ok(Wanted { change: keep::made(now, context, deed.clone(), REASON), new: None, ignored: 0 })
        },
    );
    match kept.await? {
        Ok(_) | Err((_, Code::VersionConflict)) => Ok(()),
        Err((_, code)) => Err(code.into()),
    }
}

impl Vault {
    /// A film of this series that names another patient is known of.
    pub(crate) fn knows_contradiction(&self, facts: &InstanceFacts) -> bool {
        lock(&self.righted).noted_contradiction(&facts.study_uid, &facts.series_uid)
    }
}
