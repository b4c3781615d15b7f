//! What the sealed rows hold, by version. Postcard after a version byte; old versions stay readable.

use crate::{Error, Result};
use model::{Attributes, Id, ImageInfo, ObjectId, PatientRef, Region, Time, Uid};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// Version of the records below.
pub const RECORD_VERSION: u8 = 1;

/// A study's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyRecord {
    /// Reference, random.
    pub id: Id,
    /// (0020,000D).
    pub uid: Uid,
    /// Whose.
    pub patient: PatientRef,
    /// Patient level, as the first object said.
    pub patient_attributes: Attributes,
    /// Study level, as the first object said.
    pub attributes: Attributes,
    /// When the first object came.
    pub arrived: Time,
    /// The mask set drawn by people.
    pub masks: MaskSet,
}

/// Regions drawn by people, one version for a study.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MaskSet {
    /// 0: nobody has drawn anything.
    pub version: u64,
    /// Instance, region, who drew it.
    pub regions: Vec<(Uid, Region, String)>,
}

/// A version of a study's mask set, as it was drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrawnRecord {
    /// Study.
    pub study: Uid,
    /// Account.
    pub by: String,
    /// Its role then.
    pub role: String,
    /// When.
    pub at: Time,
    /// All regions of this version.
    pub masks: MaskSet,
}

/// A page of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageRecord {
    /// Study.
    pub study: Uid,
    /// Series.
    pub series: Uid,
    /// Order of arrival of the series in its study.
    pub series_index: u32,
    /// Number of the page.
    pub page: u32,
    /// Series level.
    pub attributes: Attributes,
    /// At most [`super::PAGE`].
    pub instances: Vec<Arc<InstanceRecord>>,
}

/// An instance in its page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceRecord {
    /// Reference of the sealed object.
    pub object: ObjectId,
    /// (0008,0018).
    pub sop_uid: Uid,
    /// (0008,0016).
    pub sop_class: Uid,
    /// Of the stored bytes.
    pub transfer_syntax: Uid,
    /// Instance level.
    pub attributes: Attributes,
    /// The image, when there is one that the limits allow.
    pub image: Option<ImageInfo>,
    /// Bytes before the pixel data.
    pub head_len: u64,
    /// Bytes of the file.
    pub len: u64,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
    /// When it came.
    pub arrived: Time,
    /// The same UID with other bytes: object, digest; stored and reported, not served by default.
    pub others: Vec<(Id, [u8; 32])>,
    /// What examining found; nothing before.
    pub seen: Option<Seen>,
}

/// What examining found, without the mosaic (that lies in the sealed sidecar).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Regions on all frames.
    pub regions: Vec<Region>,
    /// Recognition was unsure.
    pub fallback: bool,
    /// Class of the object.
    pub class: String,
    /// 1–5.
    pub level: u8,
    /// As if absent for callers without a relation and for secondary use.
    pub withheld: bool,
    /// Can be masked.
    pub maskable: bool,
    /// There is a sidecar with the mosaic layer.
    pub mosaic: bool,
}

/// Encodes a record.
pub fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>> {
    let mut out = vec![RECORD_VERSION];
    out.extend(postcard::to_stdvec(record).map_err(|_| Error::Record)?);
    Ok(out)
}

/// Decodes a record; a newer version is refused, never guessed.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    match bytes.split_first() {
        Some((&RECORD_VERSION, rest)) => postcard::from_bytes(rest).map_err(|_| Error::Record),
        _ => Err(Error::Record),
    }
}
