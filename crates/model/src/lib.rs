//! Words shared by every crate: ids, tenant, caller, purpose, visibility, region, frame, time, limits.
//!
//! Invariant: no I/O, no clock, no randomness; everything here is plain data that is checked when made.

pub mod attributes;
pub mod caller;
pub mod consent;
pub mod durable;
pub mod facts;
pub mod frame;
pub mod id;
pub mod limits;
pub mod masked;
pub mod placement;
pub mod region;
pub mod time;
pub mod tone;
pub mod view;
pub mod visibility;

pub use attributes::{Attribute, Attributes, Item, Plain, Tag, Vr, first_of, tags};
pub use caller::{Organisation, Purpose, Role, Tenant};
pub use consent::{Bounds, ConsentFault, Recipient, Says};
pub use durable::Durable;
pub use facts::{Arrival, Door, FrameSpan, InstanceFacts, Rejection, RejectionNote};
pub use frame::{Frame, ImageInfo, Photometric, Samples};
pub use id::{Id, ObjectId, PatientRef, Uid};
pub use masked::{Greys, MaskFault, MaskPlanes, MaskedImage, Referred, plane_bytes};
pub use placement::{Placement, Plane};
pub use region::{HoldsFor, Mosaic, Region, RegionKind};
pub use time::Time;
pub use tone::Tone;
pub use view::{Source, View, Viewport, Window};
pub use visibility::{Pixels, Visibility, Words};

/// A word from outside that is not one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What was expected, e.g. `purpose`.
    pub what: &'static str,
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not a known {}", self.what)
    }
}

impl std::error::Error for Unknown {}
