//! What the vault asks of a pixel worker. A worker gets one lease, its bytes and nothing else: no key, file or socket.

use crate::archive::Picture;
use crate::{Fault, Stream};
use model::{Attributes, ImageInfo, Mosaic, Region, Uid};
use serde::{Deserialize, Serialize};

/// One piece of work. Its input bytes flow beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Lease {
    /// Look at frames and say what is private there. Body: one [`crate::Item::Part`] with `frame` before the bytes of each frame.
    Examine {
        /// What the header says.
        image: Box<ImageInfo>,
        /// Key of the mosaic's noise, of this instance only.
        noise: [u8; 32],
        /// A slice of a series in which nothing is written on those that were searched: it is searched for words only when
        /// something seems drawn on it.
        glance: bool,
    },
    /// Turn one frame into what may leave. Body: the frame's encoded bytes; for a picture the stored bytes before the pixel
    /// data first, as an [`crate::Item::Part`] without a `frame`, then one with it.
    Frame(Box<FrameLease>),
    /// Turn the header into what may leave. Body: the stored bytes before the pixel data.
    Head(Box<HeadLease>),
}

/// See [`Lease::Frame`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameLease {
    /// What the header says.
    pub image: ImageInfo,
    /// 0-based.
    pub frame: u32,
    /// Nothing: a grant in clear. Else what to hide; an empty list hides nothing but still redacts through the one gate.
    pub mask: Option<Mask>,
    /// What comes back.
    pub output: Output,
}

/// What to hide on a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mask {
    /// Regions, markers included.
    pub regions: Vec<Region>,
    /// The mosaic layer of this frame; without one, masked pixels are filled.
    pub mosaic: Option<Mosaic>,
}

/// The form of a frame that leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// Little-endian samples.
    Native,
    /// The stored stream, with what is hidden painted over in it and all else as it is coded; needs a mask.
    Coded,
    /// A picture.
    Picture {
        /// Form and look; both sides at most [`model::limits::RENDERED_SIDE`].
        picture: Picture,
        /// Outline and label inside the mask.
        label: bool,
        /// Lines of words in the upper left corner.
        words: Vec<String>,
        /// Colour profile that a picture in colours bears.
        profile: ColourProfile,
    },
}

/// A colour profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColourProfile {
    /// None.
    #[default]
    None,
    /// sRGB.
    Srgb,
    /// These bytes, the object's own.
    Own(Vec<u8>),
}

/// See [`Lease::Head`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadLease {
    /// What happens to the words.
    pub words: WordsPlan,
    /// The pixels that follow are masked (derivation is declared, telltales go).
    pub masked: bool,
    /// What comes back.
    pub form: HeadForm,
    /// Image, when there are pixels and they can be decoded.
    pub image: Option<ImageInfo>,
    /// The object's own UIDs.
    pub sop_uid: Uid,
    /// UID of the derived instance for files; nothing: a file of the same instance in another transfer syntax.
    pub derived_uid: Option<Uid>,
    /// What was put right since it came: laid over the header before anything else is done to it.
    pub corrections: Option<Corrections>,
}

/// The form of a header that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeadForm {
    /// A DICOM file's head up to and with the header of its pixel data: frames from the decoder follow.
    File,
    /// The same for streams that stay in their stored coding ([`Output::Coded`]): fragments follow.
    Coded,
    /// The same for native pixel data of so many bytes that follow as they are stored, or for none.
    Stored(Option<u64>),
    /// One object of DICOM JSON. Long binary values are named below this address.
    Json {
        /// `…/instances/{uid}/bulkdata/`.
        bulk: String,
        /// Value representation of the pixel data that can be fetched there.
        pixels: Option<[u8; 2]>,
    },
    /// The bytes of one binary value; `not-found` when there is none.
    Value {
        /// As in [`crate::archive::Form::Bulk`].
        path: String,
    },
    /// The file's own head, corrected and nothing else: same instance, stored coding, pixel data follow as stored.
    Corrected,
    /// Where the frames lie: an [`Option`] of [`model::Placement`] as JSON. No word of it is a person's.
    Placement,
}

/// What is laid over a header at its top level.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Corrections {
    /// Attributes with their values; without values: emptied.
    pub set: Attributes,
    /// The header names another patient: all else that it says of her goes.
    pub other_patient: bool,
}

/// What happens to the words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum WordsPlan {
    /// All stay.
    Full,
    /// Basic profile with the project's pseudonyms (PS3.15 Annex E).
    Pseudonymous {
        /// Key of the project for this tenant.
        project_key: [u8; 32],
    },
}

/// What a worker found or made. Bytes flow beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Of [`Lease::Examine`].
    Examined(Box<Examined>),
    /// Of [`Lease::Frame`].
    Frame {
        /// SHA-256 of the plan that was carried out ([`FrameLease`]'s mask and frame).
        plan_digest: [u8; 32],
        /// Height of what comes back.
        rows: u32,
        /// Width of what comes back.
        columns: u32,
        /// Bytes that come back.
        len: u64,
    },
    /// Of [`Lease::Head`].
    Head {
        /// Bytes that come back.
        len: u64,
        /// Attributes of the level tables after the words plan, for answers beside the file.
        attributes: Attributes,
    },
}

/// Class of what could not be looked at, or of which nobody knows what it is.
pub const UNKNOWN: &str = "unknown";

/// What examining found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Examined {
    /// Regions on all frames.
    pub regions: Vec<Region>,
    /// Recognition was unsure: the safe fall-back hides more.
    pub fallback: bool,
    /// Class of the object, e.g. `projection`, `mammography`.
    pub class: String,
    /// 1–5.
    pub level: u8,
    /// As if absent for callers without a relation and for every secondary use.
    pub withheld: bool,
    /// One mosaic a frame, in frame order; shorter when frames were not examined.
    pub mosaics: Vec<Mosaic>,
    /// False: these pixels cannot be masked, so masked grants do not get them.
    pub maskable: bool,
}

/// A place where pixel work is done.
///
/// Contract: every call may be repeated with the same result; a worker that dies fails its call with `unavailable`
/// and nothing else. What comes back is bytes, claimed by nobody until `archive` checks it against the lease.
#[async_trait::async_trait]
pub trait PixelWork: Send + Sync {
    /// Does one lease.
    ///
    /// # Errors
    /// `unsupported` when the pixels cannot be decoded or masked, `bad-object`, `too-large`, `unavailable`.
    async fn work(&self, lease: Lease, body: Stream) -> Result<(Outcome, Stream), Fault>;
}
