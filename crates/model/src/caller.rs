//! Who asks, for whom, and why.

use crate::Unknown;
use serde::{Deserialize, Serialize};

/// The owner of data (a hospital). Part of every key, row hash, wrap and ledger entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tenant(String);

impl Tenant {
    /// `main`, the tenant of an archive with one owner.
    #[must_use]
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// The name: `[a-z0-9-]{1,32}`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Tenant {
    type Err = Unknown;

    fn from_str(s: &str) -> Result<Self, Unknown> {
        let ok = (1..=32).contains(&s.len())
            && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if ok { Ok(Self(s.to_owned())) } else { Err(Unknown { what: "tenant" }) }
    }
}

/// Whom a caller acts for (hospital, vendor, cloud, patient). Not the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Organisation(pub String);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, $( $(#[$vdoc:meta])* $variant:ident = $text:literal ),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $( $(#[$vdoc])* $variant ),+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text ),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Unknown;
            fn from_str(s: &str) -> Result<Self, $crate::Unknown> {
                match s { $( $text => Ok(Self::$variant), )+ _ => Err($crate::Unknown { what: $what }) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
    };
}
pub(crate) use words;

words! {
    /// What an account is for.
    Role, "role",
    /// Acquires and stores.
    Technologist = "technologist",
    /// Reads and reports.
    Radiologist = "radiologist",
    /// Another department's doctor.
    Referrer = "referrer",
    /// Works on de-identified data.
    Researcher = "researcher",
    /// The person on the film.
    Patient = "patient",
    /// Privacy officer: sees accesses, never pixels.
    Officer = "officer",
    /// Hospital IT: runs the machine, never sees pixels.
    Admin = "admin",
    /// A vendor's engineer.
    Vendor = "vendor",
    /// A modality or other machine, known by its certificate.
    Device = "device",
}

words! {
    /// Why the caller asks (DESIGN.md §1).
    Purpose, "purpose",
    /// Writing the report that an order asks for.
    Report = "report",
    /// Treating the patient.
    Treatment = "treatment",
    /// Emergency.
    Emergency = "emergency",
    /// A second opinion.
    SecondOpinion = "second-opinion",
    /// Teaching.
    Teaching = "teaching",
    /// Research.
    Research = "research",
    /// Quality assurance.
    Quality = "quality",
    /// Machine reading.
    Ai = "ai",
    /// Maintenance of machines.
    Maintenance = "maintenance",
    /// Audit.
    Audit = "audit",
    /// The patient's own films.
    Own = "own",
}

impl Purpose {
    /// Not for the patient's own care: teaching, research, quality assurance, machine reading.
    #[must_use]
    pub const fn secondary(self) -> bool {
        matches!(self, Self::Teaching | Self::Research | Self::Quality | Self::Ai)
    }
}
