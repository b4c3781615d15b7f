//! Puts right what can be put right without guessing: marks from the key, the ledger from itself, objects from a spare copy
//! whose bytes open to the recorded digest; what nobody names goes into quarantine. Everything else is left as it is and said.

use super::objects::Due;
use super::{Ask, Check, Finding, Report, What};
use crate::{Error, Result};
use model::{Id, Uid};
use std::collections::HashMap;

/// A copy of sealed files elsewhere: a backup.
pub trait Spare {
    /// The sealed bytes of an object or sidecar.
    fn bytes(&self, object: Id, sidecar: bool) -> Option<Vec<u8>>;
}

/// What was put right, and what an opened vault still has to do.
#[derive(Debug, Default)]
pub struct Mended {
    /// Instances whose sidecar is to be made anew.
    pub examine: Vec<Uid>,
}

/// Repairs what a check found; marks findings as mended. The folder is in nobody's use.
///
/// # Errors
/// As [`super::check`].
pub fn repair(ask: Ask, report: &mut Report, spare: Option<&dyn Spare>) -> Result<Mended> {
    let mut check = Check::open(ask)?;
    // What it finds was found before; here it tells whose each object is.
    check.tables()?;
    let due = check.all_due();
    let put = |object, sidecar| check.put_spare((&due, object), sidecar, spare);
    let mut done = Mended::default();
    check.ledger_from_itself(report)?;
    let genuine = report.genuine > 0;
    for finding in report.findings.iter_mut().filter(|f| !f.mended) {
        let object = object(&finding.place);
        finding.mended = match (finding.what, object) {
            (What::Version, _) => check.mark("VERSION", &store::DATA_VERSION.to_string())?,
            (What::Snapshot, _) => check.store.remove_snapshot().is_ok(),
            // The ledger is signed by this key, so the data are its.
            (What::KeyMark, _) if genuine => {
                check.mark("key-mark", &crate::vault::key_mark(&check.ladder))?
            }
            (What::Object | What::ObjectMissing, Some(object)) => put(object, false)?,
            (What::Sidecar, Some(object)) => {
                if !put(object, true)? {
                    done.examine.extend(instance(&finding.affects));
                }
                true
            }
            (What::Stray, Some(object)) => check.store.quarantine(&check.tenant, object, false).is_ok(),
            (What::StraySidecar, Some(object)) => check.store.quarantine(&check.tenant, object, true).is_ok(),
            _ => false,
        };
    }
    // What a lost pack held is back in files of its own, or all of it was dead.
    let lost = |f: &Finding| !f.mended && matches!(f.what, What::Object | What::ObjectMissing);
    let back = spare.is_some() && !report.findings.iter().any(lost);
    for finding in report.findings.iter_mut().filter(|f| f.what == What::PackMissing) {
        finding.mended = back;
    }
    Ok(done)
}

/// `object 0123…, its digest` → the reference.
fn object(place: &str) -> Option<Id> {
    let hex = place.strip_prefix("object ")?;
    hex.get(..32)?.parse().ok()
}

/// `instance 1.2.3` → the UID.
fn instance(affects: &[String]) -> Option<Uid> {
    affects.iter().find_map(|text| text.strip_prefix("instance ")?.parse().ok())
}

impl Check {
    fn mark(&self, name: &str, text: &str) -> Result<bool> {
        store::write_mark(&self.ask.data.join(name), &format!("{text}\n"))?;
        Ok(true)
    }

    fn ledger_from_itself(&self, report: &mut Report) -> Result<()> {
        let root = self.ask.data.join("ledger");
        let done = ledger::mend::mend(&root, (&self.origin, &self.signing.public()), &report.flaws)?;
        let flaws = report.findings.iter_mut().filter(|f| matches!(f.what, What::Ledger(_)));
        flaws.zip(done).for_each(|(finding, done)| finding.mended = done);
        Ok(())
    }

    /// Puts a spare copy into place, once it was opened and is what was stored: a damaged one would take the place of what
    /// may still be read in part.
    fn put_spare(
        &self,
        (due, object): (&HashMap<Id, Due>, Id),
        sidecar: bool,
        spare: Option<&dyn Spare>,
    ) -> Result<bool> {
        let Some(bytes) = spare.and_then(|spare| spare.bytes(object, sidecar)) else { return Ok(false) };
        if !due.get(&object).map_or(Ok(false), |due| self.fits(due, sidecar, &bytes))? {
            return Ok(false);
        }
        self.store.put_back(&self.tenant, object, sidecar, &bytes).map_err(Error::Store)?;
        Ok(true)
    }
}
