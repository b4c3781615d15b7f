//! FHIR R4 (HL7 FHIR 4.0.1), as far as it tells the archive what it needs.

mod feed;
mod when;

pub use feed::{care_team, encounter, service_request};
pub use when::when;
