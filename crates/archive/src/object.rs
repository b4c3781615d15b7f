//! Reading a sealed object: the trailer once, then only the chunks that a range needs. Each chunk is authenticated
//! before a byte of it is used.

use crate::catalog::InstanceRecord;
use crate::vault::Vault;
use bytes::Bytes;
use crypto::seal::Opener;
use model::{FrameSpan, Id, PatientRef, limits};
use port::{Code, Fault};
use std::ops::Range;
use std::sync::Arc;
use store::BlobReader;

/// An opened object. Cheap to clone.
#[derive(Clone)]
pub struct ObjectReader(Arc<Inner>);

struct Inner {
    blob: BlobReader,
    opener: Opener,
    frames: Vec<Vec<FrameSpan>>,
    len: u64,
}

impl Vault {
    /// Opens an object of a patient: wrap, header, commitment, trailer.
    pub async fn open_object(&self, patient: PatientRef, record: &InstanceRecord) -> Result<ObjectReader, Fault> {
        let key = self.object_key(patient, record.object)?;
        let blob = self.blob(record.object)?;
        let opened = tokio::task::spawn_blocking(move || open(blob, &key)).await.map_err(|_| Code::Internal)??;
        if opened.len != record.len {
            tracing::error!(object = %record.object, "the sealed length is not the index's");
            return Err(Code::Internal.into());
        }
        Ok(ObjectReader(Arc::new(opened)))
    }

    fn blob(&self, object: Id) -> Result<BlobReader, Fault> {
        self.store.object(&self.tenant, object).map_err(|e| self.internal("blob", &e))
    }
}
