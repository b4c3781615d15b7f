//! What a door knows of an arriving object: typed, bounded, checked at the door and believed by nobody.

use crate::caller::words;
use crate::{Attributes, ImageInfo, Uid};
use serde::{Deserialize, Serialize};

/// A span of the stored object's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameSpan {
    /// From the start of the file.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
}

/// Facts of one instance. `head` is the file up to and excluding the Pixel Data element (all of it without one).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceFacts {
    /// (0020,000D).
    pub study_uid: Uid,
    /// (0020,000E).
    pub series_uid: Uid,
    /// (0008,0018).
    pub sop_uid: Uid,
    /// (0008,0016).
    pub sop_class: Uid,
    /// (0002,0010).
    pub transfer_syntax: Uid,
    /// Patient-level attributes ([`crate::tags::PATIENT`]).
    pub patient: Attributes,
    /// Study-level attributes.
    pub study: Attributes,
    /// Series-level attributes.
    pub series: Attributes,
    /// Instance-level attributes.
    pub instance: Attributes,
    /// The image, when there are pixels that the limits allow.
    pub image: Option<ImageInfo>,
    /// Bytes before the Pixel Data element; the whole length when there is none.
    pub head_len: u64,
    /// Spans of the fragments of each frame (native: one span a frame). Empty: frames cannot be told apart.
    pub frames: Vec<Vec<FrameSpan>>,
    /// The object is a note that rejects others.
    pub rejects: Option<RejectionNote>,
}

words! {
    /// Why instances are rejected (PS3.16 CID 7011; IHE RAD TF-2, IOCM).
    Rejection, "rejection",
    /// 113001: useless as a picture.
    Quality = "quality",
    /// 113037: dangerous to the patient if seen.
    Safety = "patient-safety",
    /// 113038: taken under another patient's or order's entry of the worklist.
    Worklist = "incorrect-worklist-entry",
    /// 113039: may not be kept any longer.
    Retention = "retention-expired",
}

impl Rejection {
    /// Of a code value of the scheme DCM.
    #[must_use]
    pub fn of_code(value: &str) -> Option<Self> {
        match value {
            "113001" => Some(Self::Quality),
            "113037" => Some(Self::Safety),
            "113038" => Some(Self::Worklist),
            "113039" => Some(Self::Retention),
            _ => None,
        }
    }
}

/// What a Key Object Selection document with a rejection's title says (PS3.3 A.35.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionNote {
    /// Why.
    pub code: Rejection,
    /// The instances of its evidence, at most [`crate::limits::REJECTED`].
    pub instances: Vec<Uid>,
}

words! {
    /// A way in.
    Door, "door",
    /// DICOM message exchange.
    Dimse = "dimse",
    /// HL7 v2 over MLLP.
    Hl7 = "hl7",
    /// DICOMweb.
    Dicomweb = "dicomweb",
    /// `gauze import` and other local commands.
    Command = "command",
    /// The web pages and their API.
    Pages = "pages",
}

/// The circumstances of an arrival or request: what is not recorded then can never be proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Which way in.
    pub door: Door,
    /// Network address of the peer, or the local user of a command.
    pub peer: String,
    /// SHA-256 of the client certificate, hexadecimal; empty without one.
    pub certificate: String,
    /// Calling and called AE titles, empty outside DIMSE.
    pub calling_ae: String,
    /// Called AE title.
    pub called_ae: String,
    /// Implementation name or User-Agent, at most 128 bytes.
    pub software: String,
    /// The request's own id, shown to the client and kept in the log.
    pub request: String,
}
