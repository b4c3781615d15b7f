//! What a check writes into an archive that opens: its entry, and objects to be examined anew.

use super::Report;
use crate::catalog::Catalog;
use crate::vault::{Accept, Vault};
use ledger::{Envelope, Event};
use model::Uid;
use port::Fault;

impl Vault {
    /// Records a check, and first what the operator takes as it is.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn record_check(&self, report: &Report, accept: Accept) -> Result<(), Fault> {
        for (taken, what) in [(accept.tables, "tables"), (accept.policies, "policies")] {
            if taken {
                let found = match what {
                    "policies" => self.rules().policies.version().hex(),
                    _ => self.ledger_size().to_string(),
                };
                let event = Event::Accepted { what: what.to_owned(), found };
                tokio::task::block_in_place(|| self.let_go(event))?;
            }
        }
        if accept.policies {
            tokio::task::block_in_place(|| self.keep_policies())?;
        }
        let count = |mended| report.findings.iter().filter(|f| f.mended == mended).count() as u64;
        let event = Event::Checked {
            objects: report.objects,
            entries: report.entries,
            findings: report.findings.len() as u64,
            repaired: count(true),
        };
        self.record_own(event).await?;
        tokio::task::block_in_place(|| self.keep_seen_checkpoint())?;
        Ok(())
    }

    /// Records a restore: entries and objects that are back, and how many entries are known to have been.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn record_restore(&self, entries: u64, objects: u64, known: u64) -> Result<(), Fault> {
        self.record_own(Event::Restored { entries, objects, known }).await?;
        tokio::task::block_in_place(|| self.keep_seen_checkpoint())?;
        Ok(())
    }

    /// Forgets what was seen on these objects, so that they are examined again; until then more of them is hidden.
    ///
    /// # Errors
    /// As a change of the index.
    pub async fn examine_anew(&self, instances: &[Uid]) -> Result<(), Fault> {
        for sop in instances {
            let Some((study, record)) = self.instance(sop)? else { continue };
            let (uid, patient, sop) = (study.record.uid.clone(), study.patient(), sop.clone());
            let envelope = Envelope {
                time: self.clock.now().0,
                tenant: self.tenant.as_str().to_owned(),
                door: "command".to_owned(),
                patient: Some(patient),
                study: uid.as_str().to_owned(),
                object: Some(record.object),
                ..Envelope::default()
            };
            let change = move |catalog: &mut Catalog| catalog.change(&sop, |record| record.seen = None);
            self.change(&uid, envelope, Event::ExamineAnew {}, store::Commit::new(0), change).await?;
        }
        Ok(())
    }
}
