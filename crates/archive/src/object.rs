//! Reading a sealed object: the trailer once, then only the chunks that a range needs. Each chunk is authenticated
//! before a byte of it is used.

use crate::catalog::InstanceRecord;
use crate::vault::Vault;
use crate::{Error, Result};
use bytes::Bytes;
use crypto::seal::{self, Opener};
use crypto::{Key, Ladder, PatientKey, row};
use model::limits::CHUNK_BYTES;
use model::{FrameSpan, Id, Mosaic, PatientRef, Tenant};
use port::{Code, Fault};
use std::ops::Range;
use std::sync::Arc;
use store::{BlobReader, Commit, WrapWrite};

/// An opened object. Cheap to clone.
#[derive(Clone)]
pub struct ObjectReader(Arc<Inner>);

/// An object whose head, key and end agree.
pub struct Inner {
    blob: BlobReader,
    opener: Opener,
}

/// Names of wraps.
pub struct Named<'a> {
    pub ladder: &'a Ladder,
    pub tenant: &'a Tenant,
}

impl Named<'_> {
    /// Of a patient's key.
    pub fn patient(&self, patient: PatientRef) -> [u8; 32] {
        self.ladder.name("gauze/wrap/patient", &[self.tenant.as_str().as_bytes(), &patient.0])
    }

    /// Of an object's key.
    pub fn object(&self, object: Id) -> [u8; 32] {
        self.ladder.name("gauze/wrap/object", &[self.tenant.as_str().as_bytes(), &object.0])
    }
}

impl ObjectReader {
    /// Bytes of the object.
    pub fn len(&self) -> u64 {
        self.0.opener.trailer().len
    }

    /// Spans of the fragments of each frame.
    pub fn frames(&self) -> &[Vec<FrameSpan>] {
        &self.0.opener.trailer().frames
    }

    /// Some bytes of the object.
    pub async fn read(&self, range: Range<u64>) -> std::result::Result<Bytes, Fault> {
        let inner = Arc::clone(&self.0);
        let read =
            tokio::task::spawn_blocking(move || inner.read(&range)).await.map_err(|_| Code::Internal)?;
        Ok(read?)
    }
}

/// Sealed bytes read from the disk at once.
const READ_CHUNKS: u64 = 16;

impl Inner {
    /// Bytes of the object.
    pub fn len(&self) -> u64 {
        self.opener.trailer().len
    }

    /// Some of them.
    pub fn read(&self, range: &Range<u64>) -> Result<Bytes> {
        let mut chunks = self.opener.chunks(range)?;
        let mut out = Vec::with_capacity(usize::try_from(range.end - range.start).unwrap_or(0));
        let mut sealed = Vec::new();
        while !chunks.is_empty() {
            let some = chunks.start..chunks.end.min(chunks.start + READ_CHUNKS);
            chunks.start = some.end;
            let first = self.opener.chunk_span(some.start).start;
            let last = self.opener.chunk_span(some.end - 1).end;
            sealed.resize(usize::try_from(last - first).unwrap_or(0), 0);
            self.blob.read(first, &mut sealed)?;
            let mut rest = &mut sealed[..];
            for number in some {
                let span = self.opener.chunk_span(number);
                let len = usize::try_from(span.end - span.start).unwrap_or(0);
                let (bytes, behind) = rest.split_at_mut_checked(len).ok_or(Error::Internal("range"))?;
                rest = behind;
                let len = self.opener.open_chunk(number, bytes)?;
                let start = number * CHUNK_BYTES as u64;
                let from = usize::try_from(range.start.saturating_sub(start)).unwrap_or(0);
                let to = len.min(usize::try_from(range.end - start).unwrap_or(len));
                out.extend_from_slice(bytes.get(from..to).ok_or(Error::Internal("range"))?);
            }
        }
        Ok(out.into())
    }
}

/// Opens an object: header, commitment, trailer.
pub fn open(blob: BlobReader, key: &Key, place: (&str, Id)) -> Result<Inner> {
    let file_len = blob.len();
    let mut footer = [0; seal::FOOTER];
    blob.read(file_len.saturating_sub(seal::FOOTER as u64), &mut footer)?;
    let span = Opener::trailer_span(file_len, &footer)?;
    let mut trailer = vec![0; usize::try_from(span.end - span.start).map_err(|_| crypto::Error::Broken)?];
    blob.read(span.start, &mut trailer)?;
    let mut header = [0; seal::HEADER];
    blob.read(0, &mut header)?;
    let opener = Opener::new(key, place, &header, trailer, file_len)?;
    Ok(Inner { blob, opener })
}

impl Vault {
    /// Opens an object of a patient: wrap, header, commitment, trailer.
    pub(crate) async fn open_object(
        &self,
        patient: PatientRef,
        record: &InstanceRecord,
    ) -> std::result::Result<ObjectReader, Fault> {
        let key = self.object_key(patient, record.object)?;
        let blob = self.store.object(&self.tenant, record.object).map_err(Error::from)?;
        let (tenant, object, len) = (self.tenant.clone(), record.object, record.len);
        let opened = tokio::task::spawn_blocking(move || open(blob, &key, (tenant.as_str(), object)));
        let opened = opened.await.map_err(|_| Code::Internal)??;
        if opened.opener.trailer().len != len {
            return Err(Error::Internal("the sealed length is not the index's").into());
        }
        Ok(ObjectReader(Arc::new(opened)))
    }

    fn patient_name(&self, patient: PatientRef) -> [u8; 32] {
        Named { ladder: &self.sealing.ladder, tenant: &self.tenant }.patient(patient)
    }

    fn object_name(&self, object: Id) -> [u8; 32] {
        Named { ladder: &self.sealing.ladder, tenant: &self.tenant }.object(object)
    }

    /// Puts the wrap of a new object's key, and of the patient's when it is new, into a commit.
    pub(crate) fn wrap_into(
        &self,
        commit: &mut Commit,
        patient: PatientRef,
        object: Id,
        key: &Key,
    ) -> Result<()> {
        let keys = (&self.sealing.ladder, &*self.sealing.random);
        let ring = self.rings.key(&self.store, keys, self.patient_name(patient), commit)?;
        let place = (self.tenant.as_str(), &patient.0, &object.0);
        let own = PatientKey::new(Key::from_bytes(*ring.dangerous_expose()));
        let sealed = own.wrap(&*self.sealing.random, place, key)?;
        commit.wraps.push(WrapWrite { key: self.object_name(object), sealed });
        Ok(())
    }

    pub(crate) fn object_key(&self, patient: PatientRef, object: Id) -> Result<Key> {
        let ring = self.rings.find(&self.store, &self.sealing.ladder, self.patient_name(patient))?;
        let ring = ring.ok_or(Error::Internal("the patient's key is gone"))?;
        let wrap =
            self.store.wrap(&self.object_name(object))?.ok_or(Error::Internal("the object's key is gone"))?;
        let own = PatientKey::new(Key::from_bytes(*ring.dangerous_expose()));
        Ok(own.unwrap((self.tenant.as_str(), &patient.0, &object.0), &wrap)?)
    }

    /// Key of the object's sidecar.
    pub(crate) fn sidecar_key(&self, patient: PatientRef, object: Id) -> Result<Key> {
        Ok(seal::sidecar_key(&self.object_key(patient, object)?, object)?)
    }

    /// Key of the mosaic's noise.
    pub(crate) fn noise_key(&self, patient: PatientRef, object: Id) -> Result<[u8; 32]> {
        Ok(*seal::noise_key(&self.object_key(patient, object)?, object)?.dangerous_expose())
    }

    /// The mosaic layer of a frame; without one, masked pixels are filled.
    pub(crate) async fn mosaic(
        &self,
        patient: PatientRef,
        record: &InstanceRecord,
        frame: u32,
    ) -> std::result::Result<Option<Mosaic>, Fault> {
        if !record.seen.as_ref().is_some_and(|s| s.mosaic) {
            return Ok(None);
        }
        let key = self.sidecar_key(patient, record.object)?;
        let sealed = self.store.sidecar(&self.tenant, record.object).map_err(Error::from)?;
        let plain = row::open(&key, &[b"mosaic", &record.object.0], &sealed).map_err(Error::from)?;
        let mosaics: Vec<Mosaic> = postcard::from_bytes(&plain).map_err(|_| Error::Record)?;
        Ok(mosaics.into_iter().nth(frame as usize))
    }
}
