//! Rows without objects, so that figures at size need no disk full of films: what finding and starting do with a million of
//! studies. No command of the product calls this; `cargo xtask seed --rows-only` does.

use crate::Result;
use crate::catalog::{InstanceRecord, MaskSet, NewInstance, PatientKey, StudyRecord, Touched};
use crate::journal::{new_id, promises};
use crate::vault::Vault;
use ledger::{Envelope, Event};
use model::{InstanceFacts, Uid};
use std::collections::BTreeSet;
use store::{Commit, Pending};

impl Vault {
    /// Commits instances whose objects do not exist, all in one commit: they are found and cannot be opened.
    ///
    /// # Errors
    /// Storage.
    pub fn dangerous_rows_only(&self, instances: Vec<InstanceFacts>) -> Result<()> {
        let mut catalog = self.catalog();
        let mut commit = Commit::new(catalog.epoch);
        let (mut added, mut rows) = (Vec::new(), BTreeSet::<(Uid, Option<(usize, usize)>)>::new());
        for facts in instances {
            let key = PatientKey::of(&facts.patient, &facts.study_uid);
            let fresh = new_id(&*self.sealing.random)?;
            let patient = catalog.patient(&key).unwrap_or(fresh);
            let new = self.without_object(facts, patient)?;
            let (sop_uid, digest) = (new.record.sop_uid.clone(), new.record.digest);
            let (uid, Touched { study, page }) = catalog.add(new);
            if study {
                rows.insert((uid.clone(), None));
            }
            rows.extend(page.map(|page| (uid.clone(), Some(page))));
            added.push((uid, sop_uid, digest));
        }
        for (uid, page) in &rows {
            let touched = Touched { study: page.is_none(), page: *page };
            self.rows_into(&mut commit, &mut catalog, uid, &touched)?;
        }
        let envelope = Envelope {
            time: self.clock.now().0,
            tenant: self.tenant.as_str().to_owned(),
            ..Envelope::default()
        };
        let event = Event::Configured { what: "rows-without-objects".to_owned(), whom: String::new() };
        self.entry_into(&mut commit, envelope, event)?;
        let (epoch, (names, leaves)) = (catalog.epoch, promises(&commit));
        drop(catalog);
        let durable = self.store.submit(commit).and_then(Pending::wait)?;
        self.kept(&names, durable.leaf() + leaves);
        let mut catalog = self.catalog();
        for (uid, sop_uid, digest) in &added {
            catalog.settle(epoch, uid, Some((sop_uid, digest)));
        }
        Ok(())
    }

    fn without_object(&self, facts: InstanceFacts, patient: model::PatientRef) -> Result<NewInstance> {
        let now = self.clock.now();
        let study = StudyRecord {
            id: new_id(&*self.sealing.random)?,
            uid: facts.study_uid,
            patient,
            patient_attributes: facts.patient,
            attributes: facts.study,
            arrived: now,
            masks: MaskSet::default(),
        };
        let record = InstanceRecord {
            object: new_id(&*self.sealing.random)?,
            sop_uid: facts.sop_uid,
            sop_class: facts.sop_class,
            transfer_syntax: facts.transfer_syntax,
            attributes: facts.instance,
            image: None,
            head_len: facts.head_len,
            len: facts.head_len,
            digest: [0; 32],
            arrived: now,
            others: Vec::new(),
            seen: None,
        };
        Ok(NewInstance { study, series_uid: facts.series_uid, series: facts.series, record })
    }
}
