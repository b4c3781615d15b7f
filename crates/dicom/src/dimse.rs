//! DICOM message exchange without sockets (PS3.7, PS3.8): bytes in, events and bytes out, for both sides of an
//! association; command sets, identifiers and answers. Deadlines are the caller's.

mod answer;
mod association;
pub mod classes;
pub mod command;
pub mod commitment;
pub mod dataset;
pub mod identifier;
mod identity;
mod negotiate;
mod part10;
mod pdu;

pub use answer::answer;
pub use association::{Association, Event};
pub use classes::Options;
pub use command::{Command, Counts, field};
pub use identity::{Identity, Proof};
pub use negotiate::{Context, Extended, Role, Terms, Verdict};
pub use part10::{Meta, p10_meta, p10_prefix};

/// Implicit VR Little Endian (PS3.5 A.1).
pub const IMPLICIT: &str = "1.2.840.10008.1.2";
/// Explicit VR Little Endian (PS3.5 A.2).
pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// Statuses (PS3.7 Annex C, PS3.4 §B.2.3, §C.4).
pub mod status {
    /// Done.
    pub const SUCCESS: u16 = 0x0000;
    /// Ended by C-CANCEL.
    pub const CANCEL: u16 = 0xFE00;
    /// There is more to come.
    pub const PENDING: u16 = 0xFF00;
    /// The same, and some optional keys were not compared or are not returned.
    pub const PENDING_KEYS: u16 = 0xFF01;
    /// Sub-operations complete, some of them with failures or warnings.
    pub const WARNING: u16 = 0xB000;
    /// Refused: not authorised.
    pub const NOT_AUTHORISED: u16 = 0x0124;
    /// SOP class not supported.
    pub const CLASS: u16 = 0x0122;
    /// Operation not recognised.
    pub const OPERATION: u16 = 0x0211;
    /// No such action.
    pub const ACTION: u16 = 0x0123;
    /// Invalid argument value.
    pub const ARGUMENT: u16 = 0x0115;
    /// No such SOP instance.
    pub const NO_INSTANCE: u16 = 0x0112;
    /// Class and instance do not belong together.
    pub const CLASS_INSTANCE: u16 = 0x0119;
    /// Invalid object instance: its UID is none.
    pub const INSTANCE: u16 = 0x0117;
    /// Processing failure.
    pub const PROCESSING: u16 = 0x0110;
    /// Out of resources.
    pub const RESOURCES: u16 = 0xA700;
    /// Out of resources: the matches cannot be counted.
    pub const MATCHES: u16 = 0xA701;
    /// Out of resources: the sub-operations cannot be performed.
    pub const SUBOPERATIONS: u16 = 0xA702;
    /// Move destination unknown.
    pub const DESTINATION: u16 = 0xA801;
    /// The identifier does not match the SOP class.
    pub const IDENTIFIER: u16 = 0xA900;
    /// Unable to process.
    pub const UNABLE: u16 = 0xC000;
}
