//! Rules at rest: the book, the texts of each version, the log of versions; one commit with the entry.

use super::{BookRecord, InForce};
use crate::Result;
use crate::context::{About, Context};
use crate::sealing::{Kind, fault};
use crate::vault::{Vault, lock};
use ledger::Event;
use policy::Texts;
use port::{Code, Fault};
use store::Commit;
use tokio::sync::OwnedMutexGuard;

impl Vault {
    /// At the start ([`BookRecord::over`]).
    pub(crate) fn take_up_rules(&self) -> Result<()> {
        let files = self.rules().texts.clone();
        let texts = lock(&self.book).0.over(&files);
        if texts != files {
            self.put_in_force(InForce::of(texts)?);
        }
        Ok(())
    }

    /// The texts of a version that is or was in force, by its 64 hexadecimal digits.
    pub(crate) fn rules_of(&self, version: &str) -> Result<Option<Texts>> {
        let now = self.rules();
        if now.policies.version().hex() == version {
            return Ok(Some(now.texts.clone()));
        }
        let row = self.store.row(&self.sealing.name(Kind::RuleSet, &[version.as_bytes()]))?;
        row.map(|row| self.sealing.open_row(&row)).transpose()
    }

    /// Row and entry; then the book is as told, and a set, if there is one, decides from now on. `before`: the version that the
    /// book had; `one` is held until memory is as the rows say, whoever asked goes away or not.
    pub(crate) async fn keep_rules(
        &self,
        context: &Context,
        (book, before, set): (BookRecord, u64, Option<InForce>),
        event: Event,
        one: OwnedMutexGuard<()>,
    ) -> std::result::Result<(), Fault> {
        let name = self.sealing.name(Kind::Rules, &[]);
        let version = self.next_version(before, &name)?;
        let mut commit = Commit::new(self.store.epoch());
        commit.rows.push(self.sealing.row(Kind::Rules, name, version, &book)?);
        let mut log = None;
        if let Some(set) = &set {
            let (mut versions, before) = lock(&self.policy_log).clone();
            versions.add(set.policies.version().0);
            let name = self.sealing.name(Kind::Policies, &[]);
            let next = self.next_version(before, &name)?;
            commit.rows.push(self.sealing.row(Kind::Policies, name, next, &versions)?);
            log = Some((versions, next));
            for kept in [&*self.rules(), set] {
                self.keep_texts(kept, &mut commit)?;
            }
        }
        self.entry_into(&mut commit, self.envelope(context, &About::nothing()), event)?;
        let committed = self.committed(commit, move |vault| {
            let _one = one;
            *lock(&vault.book) = (book, version);
            if let Some(log) = log {
                *lock(&vault.policy_log) = log;
            }
            set.into_iter().for_each(|set| vault.put_in_force(set));
        });
        match committed.await? {
            Err(store::Error::Stale) => Err(Code::VersionConflict.into()),
            Err(error) => Err(fault(&error)),
            Ok(()) => Ok(()),
        }
    }

    /// The texts of a version, once.
    fn keep_texts(&self, set: &InForce, commit: &mut Commit) -> Result<()> {
        let name = self.sealing.name(Kind::RuleSet, &[set.policies.version().hex().as_bytes()]);
        if self.store.row(&name)?.is_none() {
            commit.rows.push(self.sealing.row(Kind::RuleSet, name, 1, &set.texts)?);
        }
        Ok(())
    }
}
