//! Changes of the index: memory and sealed rows move together, each with its entry in one commit.

use super::Vault;
use crate::catalog::{Catalog, DrawnRecord, InstanceRecord, MaskSet, PageRecord, Seen, Study, StudyRecord};
use crate::context::{About, Context};
use crate::journal::{Promises, promises};
use crate::sealing::{Kind, fault};
use crate::{Error, Result};
use crypto::row;
use ledger::Event;
use model::{Mosaic, Uid};
use port::{Code, Fault};
use std::sync::Arc;
use std::time::Duration;
use store::{Commit, Pending};

/// Without room for what was found, an object is looked at again after this long.
const LATER: Duration = Duration::from_secs(60);

/// A change that was handed to the store.
struct Submitted {
    epoch: u64,
    study: Uid,
    promises: Promises,
    pending: Pending,
}

impl Vault {
    /// Changes the mask set of a study that the caller was found to have a right to, with an entry in one commit. False:
    /// `change` did not want to, or the study is another one by now: somebody drew, or it was put right.
    pub(crate) async fn change_masks(
        &self,
        context: &Context,
        study: &Study,
        event: Event,
        change: impl FnOnce(&mut MaskSet) -> bool,
    ) -> std::result::Result<bool, Fault> {
        let (uid, old, righted) = (&study.record.uid, study.record.masks.version, study.righted);
        let mut masks = study.record.masks.clone();
        if !change(&mut masks) {
            return Ok(false);
        }
        let mut commit = Commit::new(0);
        commit.rows.push(self.drawn_row(context, uid, &masks)?);
        let envelope = self.envelope(context, &About::study(study));
        let change = move |catalog: &mut Catalog| {
            let now = catalog.study(uid)?;
            if (now.record.masks.version, now.righted) != (old, righted) {
                return None;
            }
            catalog.change_study(uid, |record| record.masks = masks)
        };
        self.change(uid, envelope, event, commit, change).await.map(|done| done.is_some())
    }

    /// A mask set as it is from now on, kept for ever: what was hidden from whom, and when, must be told later.
    fn drawn_row(&self, context: &Context, study: &Uid, masks: &MaskSet) -> Result<store::RowWrite> {
        let name = self.sealing.name(Kind::Drawn, &[study.as_str().as_bytes(), &masks.version.to_be_bytes()]);
        let record = DrawnRecord {
            study: study.clone(),
            by: context.caller.user.clone(),
            role: context.caller.role.to_string(),
            at: context.now,
            masks: masks.clone(),
        };
        self.sealing.row(Kind::Drawn, name, 1, &record)
    }

    /// Keeps what examining found: index and sidecar with the entry in one commit. Nobody waits for it: it costs no sync of
    /// its own. Whatever is released on its account is recorded behind it in the same log, so it is durable before.
    pub(crate) async fn keep_seen(
        &self,
        study: Arc<Study>,
        record: &InstanceRecord,
        seen: Seen,
        mosaics: &[Mosaic],
        event: Event,
    ) -> std::result::Result<(), Fault> {
        let mut commit = Commit::new(0);
        commit.lazy = true;
        // Whose and where it is now: it may have been moved while it was looked at.
        let now = self.instance(&record.sop_uid)?.map(|(study, _)| study);
        let study = now.unwrap_or(study);
        if !mosaics.is_empty() {
            let key = self.sidecar_key(study.patient(), record.object)?;
            let plain = postcard::to_stdvec(mosaics).map_err(|_| Code::Internal)?;
            let sealed = row::seal(&key, &*self.sealing.random, &[b"mosaic", &record.object.0], &plain);
            commit.sidecars.push((self.tenant.clone(), record.object, sealed.map_err(Error::from)?));
        }
        let about = About { object: Some(record.object), ..About::study(&study) };
        let study_uid = study.record.uid.clone();
        // Whoever holds a study while it is changed makes the change copy all of it.
        drop(study);
        let envelope = ledger::Envelope {
            time: self.clock.now().0,
            tenant: self.tenant.as_str().to_owned(),
            patient: about.patient,
            study: study_uid.as_str().to_owned(),
            object: about.object,
            ..ledger::Envelope::default()
        };
        let uid = record.sop_uid.clone();
        let change = move |catalog: &mut Catalog| catalog.change(&uid, |r| r.seen = Some(seen));
        let Some(submitted) = self.submit_change(&study_uid, envelope, event, commit, change)? else {
            return Ok(());
        };
        let (vault, uid) = (self.shared()?, record.sop_uid.clone());
        tokio::spawn(async move {
            if let Err(fault) = vault.settled_change(submitted).await {
                tracing::warn!(code = fault.code.as_str(), "what examining found could not be kept");
                // Memory was read anew, without what was found: it is looked at again, at once when somebody else's commit
                // was refused before it.
                match fault.code {
                    Code::Unavailable => vault.queue.push(uid),
                    Code::StorageFull => {
                        let waiting = Arc::downgrade(&vault);
                        drop(vault); // a stop waits for nobody's findings
                        tokio::time::sleep(LATER).await;
                        waiting.upgrade().iter().for_each(|vault| vault.queue.push(uid.clone()));
                    }
                    _ => {}
                }
            }
        });
        Ok(())
    }

    /// One change of a study in the index: memory under the lock, rows, entry, submit; then durable, or memory is read anew.
    pub(crate) async fn change(
        &self,
        study: &Uid,
        envelope: ledger::Envelope,
        event: Event,
        commit: Commit,
        change: impl FnOnce(&mut Catalog) -> Option<(Uid, crate::catalog::Touched)>,
    ) -> std::result::Result<Option<()>, Fault> {
        match self.submit_change(study, envelope, event, commit, change)? {
            Some(submitted) => self.settled_change(submitted).await.map(Some),
            None => Ok(None),
        }
    }

    fn submit_change(
        &self,
        study: &Uid,
        envelope: ledger::Envelope,
        event: Event,
        mut commit: Commit,
        change: impl FnOnce(&mut Catalog) -> Option<(Uid, crate::catalog::Touched)>,
    ) -> Result<Option<Submitted>> {
        tokio::task::block_in_place(|| {
            let mut catalog = self.catalog_with(study)?;
            commit.epoch = catalog.epoch;
            let Some((study, touched)) = change(&mut catalog) else { return Ok(None) };
            let submit = |catalog: &mut Catalog| {
                self.rows_into(&mut commit, catalog, &study, &touched)?;
                self.entry_into(&mut commit, envelope, event)?;
                let promises = promises(&commit);
                let pending = self.store.submit(commit)?;
                Ok(Submitted { epoch: catalog.epoch, study, promises, pending })
            };
            match submit(&mut catalog) {
                Ok(submitted) => Ok(Some(submitted)),
                Err(error) => {
                    self.take_back(&mut catalog)?;
                    Err(error)
                }
            }
        })
    }

    async fn settled_change(&self, submitted: Submitted) -> std::result::Result<(), Fault> {
        let Submitted { epoch, study, promises, pending } = submitted;
        self.settled(promises, pending, move |vault, durable| match durable {
            Ok(_) => {
                vault.catalog().settle(epoch, &study, None);
                Ok(())
            }
            Err(error) => {
                vault.resync()?;
                Err(fault(&error))
            }
        })
        .await
    }

    pub(crate) fn rows_into(
        &self,
        commit: &mut Commit,
        catalog: &mut Catalog,
        uid: &Uid,
        touched: &crate::catalog::Touched,
    ) -> Result<()> {
        if touched.study
            && let Some((record, version)) = catalog.next_study_row(uid)
        {
            let name = self.sealing.name(Kind::Study, &[uid.as_str().as_bytes()]);
            commit.rows.push(self.sealing.row(Kind::Study, name, version, &record)?);
        }
        if let Some(page) = touched.page
            && let Some((record, version)) = catalog.next_page_row(uid, page)
        {
            commit.rows.push(self.sealing.row(Kind::Page, self.page_name(&record), version, &record)?);
        }
        Ok(())
    }

    fn page_name(&self, page: &PageRecord) -> [u8; 32] {
        self.page_key(&page.study, &page.series, page.page)
    }

    fn page_key(&self, study: &Uid, series: &Uid, page: u32) -> [u8; 32] {
        let parts: [&[u8]; 3] = [study.as_str().as_bytes(), series.as_str().as_bytes(), &page.to_be_bytes()];
        self.sealing.name(Kind::Page, &parts)
    }

    /// After a failed batch: everything that may have been part of it is read anew from what is durable.
    pub(crate) fn resync(&self) -> Result<()> {
        let mut catalog = self.catalog();
        if catalog.epoch == self.store.epoch() { Ok(()) } else { self.reread(&mut catalog) }
    }

    /// What was changed in memory and never handed in is taken back. Others' commits may be under way, so the epoch is ended
    /// first, by a commit that cannot be kept: all that is then read is durable, and nothing comes behind it.
    pub(crate) fn take_back(&self, catalog: &mut Catalog) -> Result<()> {
        if catalog.epoch == self.store.epoch() {
            let mut refused = Commit::new(catalog.epoch);
            let mut key = [0; 32];
            self.sealing.random.fill(&mut key)?;
            refused.rows.push(store::RowWrite { key, kind: 0, expect: u64::MAX, sealed: Vec::new() });
            let _ = self.store.submit(refused)?.wait();
        }
        self.reread(catalog)
    }

    /// The same for who holds the index already.
    pub(crate) fn reread(&self, catalog: &mut Catalog) -> Result<()> {
        let epoch = self.store.epoch();
        // All is read before anything is forgotten: when reading fails, the epoch stays behind and the next one tries again.
        let mut durable = Vec::new();
        for (uid, series) in catalog.dirty() {
            match self.durable_study(&uid, &series) {
                // Damage of one study, as at a start: it is left out, and all others go on.
                Err(error @ (Error::Crypto(_) | Error::Record)) => {
                    tracing::error!(%error, "a study's rows do not open; see `gauze check`");
                    self.broken_rows.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                study => durable.extend(study?),
            }
        }
        catalog.forget_dirty();
        for study in durable {
            let uid = study.record.uid.clone();
            catalog.load(study);
            self.remember(catalog, &uid);
        }
        catalog.epoch = epoch;
        Ok(())
    }

    /// A study as its rows say it; nothing when none of it is durable.
    pub(super) fn durable_study(&self, uid: &Uid, series: &[Uid]) -> Result<Option<Study>> {
        let name = self.sealing.name(Kind::Study, &[uid.as_str().as_bytes()]);
        let Some(row) = self.store.row(&name)? else { return Ok(None) };
        let study: StudyRecord = self.sealing.open_row(&row)?;
        let mut pages = Vec::new();
        for series in series {
            for number in 0.. {
                let Some(row) = self.store.row(&self.page_key(uid, series, number))? else { break };
                pages.push((self.sealing.open_row(&row)?, row.version));
            }
        }
        let mut study = Study::of_rows((study, row.version), pages);
        self.mark(&mut study);
        Ok(Some(study))
    }
}
