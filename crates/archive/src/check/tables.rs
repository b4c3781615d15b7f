//! Rows and wraps: those that the last entry names, each row opened, the index put together as a start does it.

use super::{Check, What};
use crate::Result;
use crate::catalog::{PageRecord, Study, StudyRecord, decode};
use crate::sealing::Kind;
use crypto::row;
use model::Uid;
use std::collections::HashMap;
use store::Row;

impl Check {
    pub(super) fn tables(&mut self) -> Result<()> {
        self.state();
        let mut rows = Vec::new();
        let read = self.store.all_rows(&mut |row| rows.push(row));
        if let Err(error) = read {
            self.find(What::Database, store::ROWS_FILE, vec![error.to_string()]);
        }
        let (mut studies, mut pages) = (Vec::new(), Vec::new());
        for row in rows {
            self.report.rows += 1;
            let opened = self.row(&row).and_then(|plain| {
                match row.kind {
                    k if k == Kind::Study as u8 => {
                        studies.push((decode::<StudyRecord>(&plain)?, row.version))
                    }
                    k if k == Kind::Rules as u8 => self.book = decode(&plain)?,
                    k if k == Kind::Page as u8 => pages.push((decode::<PageRecord>(&plain)?, row.version)),
                    _ => {}
                }
                Ok(())
            });
            if opened.is_err() {
                let name: String = row.key.iter().take(8).map(|b| format!("{b:02x}")).collect();
                self.find(What::Row, format!("{}, kind {}, {name}", store::ROWS_FILE, row.kind), vec![]);
            }
        }
        let mut of: HashMap<Uid, Vec<(PageRecord, u64)>> = HashMap::new();
        for (page, version) in pages {
            of.entry(page.study.clone()).or_default().push((page, version));
        }
        for (record, version) in studies {
            let (uid, own) = (record.uid.clone(), of.remove(&record.uid).unwrap_or_default());
            let told: Vec<(Uid, u32)> =
                own.iter().map(|(page, _)| (page.series.clone(), page.page)).collect();
            let study = Study::of_rows((record, version), own);
            for (series, page) in told {
                let found = study.series.iter().find(|s| s.uid == series);
                if found.is_none_or(|found| found.versions.len() <= page as usize) {
                    self.lost(&uid, &series, page);
                }
            }
            self.studies.insert(uid, study);
        }
        for (page, _) in of.into_values().flatten() {
            self.lost(&page.study, &page.series, page.page);
        }
        Ok(())
    }

    fn lost(&mut self, study: &Uid, series: &Uid, page: u32) {
        self.find(What::Page, format!("page {page} of series {series}"), vec![format!("study {study}")]);
    }

    fn row(&self, row: &Row) -> Result<Vec<u8>> {
        let key = self.ladder.row_key(&row.key)?;
        Ok(row::open(&key, &[&[row.kind], &row.key, &row.version.to_be_bytes()], &row.sealed)?)
    }

    /// What the last entry says that the tables hold. With entries in the log that are not moved yet, the tables are behind;
    /// after a kill in the middle of a move, also behind the ledger's files, by what the log still has.
    fn state(&mut self) {
        let moved = self.reader.size().unwrap_or(0);
        let unmoved = self.store.first_unmoved().ok().flatten().unwrap_or(u64::MAX);
        let Some(index) = moved.min(unmoved).checked_sub(1) else { return };
        let leaf = self.reader.entry(index).ok().and_then(|stored| ledger::tiles::leaf_of(&stored));
        let Some(state) = leaf.and_then(|leaf| leaf.state()) else { return };
        let counted = match self.store.count() {
            Ok(counted) => counted,
            Err(error) => {
                return self.find(What::Database, "counting rows and wraps", vec![error.to_string()]);
            }
        };
        let (rows, wraps) = counted.agrees(index, &state);
        let place = format!("against entry {index}");
        if !rows {
            let of = self.earlier(moved, &|index, state| counted.agrees(index, state).0);
            self.find(What::RowsOlder, format!("{}, {place}", store::ROWS_FILE), of);
        }
        if !wraps {
            let of = self.earlier(moved, &|index, state| counted.agrees(index, state).1);
            self.find(What::WrapsOlder, format!("{}, {place}", store::WRAPS_FILE), of);
        }
    }

    /// The entry behind which the tables were as they are now: then somebody put back a whole older file.
    fn earlier(&self, entries: u64, agrees: &dyn Fn(u64, &[u8; 32]) -> bool) -> Vec<String> {
        for n in (0..entries.div_ceil(ledger::tiles::WIDTH)).rev() {
            let first = n * ledger::tiles::WIDTH;
            for (at, stored) in self.reader.bundle(n).unwrap_or_default().iter().enumerate().rev() {
                let state = ledger::tiles::leaf_of(stored).and_then(|leaf| leaf.state());
                let index = first + at as u64;
                if state.is_some_and(|state| agrees(index, &state)) {
                    return vec![format!("is as entry {index} left it")];
                }
            }
        }
        Vec::new()
    }
}
