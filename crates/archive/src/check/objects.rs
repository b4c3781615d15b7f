//! Every object that the index knows, opened whole; then what lies there and nobody knows.

use super::{Check, Watch, What};
use crate::catalog::{InstanceRecord, StudyRecord};
use crate::object::{self, Named};
use crate::{Error, Result};
use crypto::{Digest, Key, PatientKey, row, seal};
use model::limits::CHUNK_BYTES;
use model::{Id, Mosaic, PatientRef};
use std::collections::{HashMap, HashSet};
use store::BlobReader;

/// One object to open.
pub(super) struct Due {
    object: Id,
    patient: PatientRef,
    digest: [u8; 32],
    len: Option<u64>,
    mosaic: bool,
    affects: Vec<String>,
}

impl Check {
    pub(super) fn objects(&mut self, watch: &mut dyn Watch) -> Result<()> {
        let due: Vec<Due> = self.all_due().into_values().collect();
        watch.objects(due.len() as u64);
        for one in due {
            let known = self.ask.opened.contains(&one.object);
            if known || self.object(&one)? {
                watch.whole(one.object);
            }
            self.report.objects += 1;
        }
        Ok(())
    }

    /// Opens an object and its sidecar; true: both are whole.
    fn object(&mut self, due: &Due) -> Result<bool> {
        let place = format!("object {}", due.object);
        let key = match self.object_key(due.patient, due.object) {
            Ok(key) => key,
            Err(Error::Store(error)) => return Err(error.into()),
            Err(_) => {
                self.find(What::Wrap, place, due.affects.clone());
                return Ok(false);
            }
        };
        let mut whole = true;
        if let Err(fault) = self.bytes(&key, due) {
            whole = false;
            match fault {
                Bad::Missing => self.find(What::ObjectMissing, place.clone(), due.affects.clone()),
                Bad::At(what) => self.find(What::Object, format!("{place}, {what}"), due.affects.clone()),
            }
        }
        if due.mosaic {
            self.report.sidecars += 1;
            if self.sidecar(&key, due.object).is_err() {
                whole = false;
                self.find(What::Sidecar, place, due.affects.clone());
            }
        }
        Ok(whole)
    }

    /// The object's bytes are those that were stored.
    fn bytes(&self, key: &Key, due: &Due) -> std::result::Result<(), Bad> {
        let at = |what: &str| Bad::At(what.to_owned());
        match self.store.object(&self.tenant, due.object) {
            Err(store::Error::Missing) => Err(Bad::Missing),
            other => self.opens(other.map_err(|e| at(&e.to_string()))?, key, due),
        }
    }

    /// These sealed bytes are what was stored.
    fn opens(&self, blob: BlobReader, key: &Key, due: &Due) -> std::result::Result<(), Bad> {
        let at = |what: &str| Bad::At(what.to_owned());
        let inner = object::open(blob, key, (self.tenant.as_str(), due.object))
            .map_err(|_| at("its head or its end"))?;
        let len = inner.len();
        if due.len.is_some_and(|known| known != len) {
            return Err(at("its length"));
        }
        let mut digest = Digest::new();
        let mut from = 0;
        while from < len {
            let to = len.min(from + CHUNK_BYTES as u64);
            let chunk =
                inner.read(&(from..to)).map_err(|_| Bad::At(format!("bytes {from} to {}", to - 1)))?;
            digest.update(&chunk);
            from = to;
        }
        if digest.finish() == due.digest { Ok(()) } else { Err(at("its digest")) }
    }

    fn sidecar(&self, key: &Key, object: Id) -> Result<()> {
        sidecar_opens(&self.store.sidecar(&self.tenant, object)?, key, object)
    }

    /// Instances' objects by reference.
    pub(super) fn all_due(&self) -> HashMap<Id, Due> {
        let all = self.instances().flat_map(|(study, i)| due(&study.record, &i.record));
        all.map(|due| (due.object, due)).collect()
    }

    /// Sealed bytes from elsewhere are this object's, or its sidecar's.
    pub(super) fn fits(&self, due: &Due, sidecar: bool, sealed: &[u8]) -> Result<bool> {
        let Ok(key) = self.object_key(due.patient, due.object) else { return Ok(false) };
        if sidecar {
            return Ok(sidecar_opens(sealed, &key, due.object).is_ok());
        }
        Ok(self.opens(BlobReader::of_bytes(sealed)?, &key, due).is_ok())
    }

    fn object_key(&self, patient: PatientRef, object: Id) -> Result<Key> {
        let named = Named { ladder: &self.ladder, tenant: &self.tenant };
        let ring = self.key(named.patient(patient))?.ok_or(Error::Record)?;
        let wrap = self.store.wrap(&named.object(object))?.ok_or(Error::Record)?;
        let own = PatientKey::new(Key::from_bytes(*ring.dangerous_expose()));
        Ok(own.unwrap((self.tenant.as_str(), &patient.0, &object.0), &wrap)?)
    }

    /// Files that the index does not name. One that the ledger knows is a lost row, told elsewhere, and stays.
    pub(super) fn strays(&mut self, testimony: &super::testimony::Testimony) -> Result<()> {
        let mut known = HashSet::new();
        for (_, instance) in self.instances() {
            known.insert(instance.record.object);
            known.extend(instance.record.others.iter().map(|(object, _)| *object));
        }
        for (sidecars, what) in [(false, What::Stray), (true, What::StraySidecar)] {
            let mut strays = Vec::new();
            self.store.list_objects(sidecars, &mut |tenant, id| {
                if tenant != self.tenant || !known.contains(&id) && !testimony.arrivals.contains_key(&id) {
                    strays.push((tenant, id));
                }
            })?;
            for (tenant, id) in strays {
                self.find(what, format!("object {id} of tenant {}", tenant.as_str()), vec![]);
            }
        }
        Ok(())
    }
}

fn sidecar_opens(sealed: &[u8], key: &Key, object: Id) -> Result<()> {
    let plain = row::open(&seal::sidecar_key(key, object)?, &[b"mosaic", &object.0], sealed)?;
    postcard::from_bytes::<Vec<Mosaic>>(&plain).map(drop).map_err(|_| Error::Record)
}

/// What is wrong with an object.
enum Bad {
    Missing,
    At(String),
}

/// An instance's object, and those with other bytes that came under its UID.
fn due(study: &StudyRecord, record: &InstanceRecord) -> Vec<Due> {
    let affects = vec![format!("study {}", study.uid), format!("instance {}", record.sop_uid)];
    let first = Due {
        object: record.object,
        patient: study.patient,
        digest: record.digest,
        len: Some(record.len),
        mosaic: record.seen.as_ref().is_some_and(|seen| seen.mosaic),
        affects: affects.clone(),
    };
    let others = record.others.iter().map(|(object, digest)| Due {
        object: *object,
        patient: study.patient,
        digest: *digest,
        len: None,
        mosaic: false,
        affects: affects.clone(),
    });
    std::iter::once(first).chain(others).collect()
}
