//! What the ledger says was stored, against the index.

use super::{Check, What};
use crate::Result;
use crate::govern::InForce;
use crate::journal::{self, Body};
use ledger::{Entry, Value};
use model::Id;
use std::collections::HashMap;
use store::unmoved_leaves;

/// An arrival as its entry tells it.
pub struct Arrived {
    pub index: u64,
    pub study: String,
    pub sop: String,
    pub digest: Vec<u8>,
}

/// What the ledger says.
#[derive(Default)]
pub struct Testimony {
    /// By object.
    pub arrivals: HashMap<Id, Arrived>,
    /// Version of the mask set, by study.
    pub masks: HashMap<String, u64>,
    /// Policies and configuration of the last start.
    started: Option<(String, Vec<u8>)>,
    /// Entries that could not be read: what they say is not known.
    pub silent: bool,
}

impl Check {
    /// Every file and every entry; what readable bodies say is kept.
    pub(super) fn ledger(&mut self) -> Result<Testimony> {
        let checkpoints = self.checkpoints();
        let tail = unmoved_leaves(&self.ask.data).unwrap_or_default();
        let public = self.signing.public();
        let root = self.ask.data.join("ledger");
        let (mut testimony, mut broken, mut genuine) = (Testimony::default(), Vec::new(), 0);
        let looked = ledger::inspect::inspect(
            &root,
            &tail,
            (&self.origin, &public),
            &checkpoints,
            &mut |index, stored| {
                genuine += 1;
                match journal::open_body(index, stored, &|name| self.key(name)) {
                    Ok(Body::Read(entry)) => testimony.take(index, *entry),
                    Ok(Body::Destroyed) => {}
                    Err(_) => broken.push(index),
                }
            },
        )?;
        (self.report.entries, self.report.genuine) = (looked.entries, genuine);
        let damaged: Vec<u64> = looked.found.iter().map(|found| found.entries.0).collect();
        for found in looked.found {
            let (from, to) = found.entries;
            let affects = match to.saturating_sub(from) {
                0 => vec![],
                1 => vec![format!("entry {from}")],
                _ => vec![format!("entries {from} to {}", to - 1)],
            };
            testimony.silent |=
                !matches!(found.flaw, ledger::inspect::Flaw::Copy | ledger::inspect::Flaw::Tile);
            let place =
                if found.file.is_empty() { "ledger".to_owned() } else { format!("ledger/{}", found.file) };
            self.find(What::Ledger(found.flaw), place, affects);
            self.report.flaws.push(found);
        }
        for index in broken.into_iter().filter(|index| !damaged.contains(index)) {
            testimony.silent = true;
            self.find(What::Body, format!("entry {index}"), vec![]);
        }
        Ok(testimony)
    }

    /// The index knows what was stored, with the same digest, and nothing else.
    pub(super) fn compare(&mut self, testimony: &Testimony) {
        let mut indexed = HashMap::new();
        for (study, instance) in self.instances() {
            let record = &instance.record;
            indexed.insert(record.object, (record.digest, study.record.uid.clone(), record.sop_uid.clone()));
            for (object, digest) in &record.others {
                indexed.insert(*object, (*digest, study.record.uid.clone(), record.sop_uid.clone()));
            }
        }
        let mut missing: Vec<_> =
            testimony.arrivals.iter().filter(|(id, _)| !indexed.contains_key(*id)).collect();
        missing.sort_by_key(|(_, arrived)| arrived.index);
        for (object, arrived) in missing {
            let affects = vec![format!("study {}", arrived.study), format!("instance {}", arrived.sop)];
            self.find(
                What::Unindexed,
                format!("object {object}, stored by entry {}", arrived.index),
                affects,
            );
        }
        for (object, (digest, study, sop)) in &indexed {
            let affects = || vec![format!("study {study}"), format!("instance {sop}")];
            match testimony.arrivals.get(object) {
                Some(arrived) if arrived.digest != digest => {
                    self.find(
                        What::Contradiction,
                        format!("object {object}, entry {}", arrived.index),
                        affects(),
                    );
                }
                None if !testimony.silent => {
                    self.find(What::Unrecorded, format!("object {object}"), affects())
                }
                _ => {}
            }
        }
        self.settings(testimony);
    }

    fn settings(&mut self, testimony: &Testimony) {
        let (Some((policies, config)), Some((old_policies, old_config))) =
            (self.ask.settings.clone(), &testimony.started)
        else {
            return;
        };
        let now = policies.and_then(|files| InForce::of(self.book.over(&files)).ok());
        if now.is_none_or(|now| now.policies.version().hex() != *old_policies) {
            self.find(What::Settings, "policies", vec![format!("at the last start: {old_policies}")]);
        }
        if config != old_config.as_slice() {
            self.find(What::Settings, "gauze.toml", vec![]);
        }
    }
}

impl Testimony {
    fn take(&mut self, index: u64, entry: Entry) {
        let field =
            |name: &str| entry.details.iter().find(|(field, _)| field == name).map(|(_, value)| value);
        let text = |name: &str| match field(name) {
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let bytes = |name: &str| match field(name) {
            Some(Value::Bytes(bytes)) => bytes.clone(),
            _ => Vec::new(),
        };
        match (entry.kind.as_str(), entry.envelope.object) {
            ("stored", Some(object)) if field("duplicate") != Some(&Value::Bool(true)) => {
                let (study, sop, digest) = (entry.envelope.study.clone(), text("sop_uid"), bytes("digest"));
                self.arrivals.insert(object, Arrived { index, study, sop, digest });
            }
            ("mask-changed", _) => {
                if let Some(Value::Number(version)) = field("version") {
                    self.masks.insert(entry.envelope.study.clone(), *version);
                }
            }
            ("rules-activated", _) => {
                if let Some((rules, _)) = &mut self.started {
                    *rules = text("version");
                }
            }
            ("started", _) => self.started = Some((text("policy_version"), bytes("config_digest"))),
            _ => {}
        }
    }
}
