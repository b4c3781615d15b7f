//! Code systems and identifiers of what is said in FHIR.

use model::{Purpose, Recipient};

/// HL7 v3 ActReason: purposes of use.
pub const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
/// HL7 v3 ParticipationType; `IRCP` is the recipient of information.
pub const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
/// Scopes of a consent.
pub const SCOPE: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
/// LOINC; 59284-0 is a patient consent.
pub const LOINC: &str = "http://loinc.org";
/// The profile that these resources keep (IHE PCF).
pub const PROFILE: &str = "https://profiles.ihe.net/ITI/PCF/StructureDefinition/IHE.PCF.consentIntermediate";
/// DICOM UIDs as identifiers.
pub const DICOM_UID: &str = "urn:dicom:uid";

/// Ours are under a UUID as an OID (ITU-T X.667), for no domain is theirs: purposes that HL7 has no code for.
pub const PURPOSES: &str = "urn:oid:2.25.112055582576748617152153165980909140656.1";
/// A part of the body that is hidden: `valueCode`, once each.
pub const HIDDEN: &str = "urn:oid:2.25.112055582576748617152153165980909140656.2";
/// Longest side in pixels: `valuePositiveInt`.
pub const LONGEST_SIDE: &str = "urn:oid:2.25.112055582576748617152153165980909140656.3";
/// Masked, under the patient's own name: `valueBoolean`; without it de-identified.
pub const IDENTIFIED: &str = "urn:oid:2.25.112055582576748617152153165980909140656.4";
/// For who works abroad, too: `valueBoolean`; without it not.
pub const ABROAD: &str = "urn:oid:2.25.112055582576748617152153165980909140656.5";
/// Accounts and machines, by name.
pub const ACCOUNTS: &str = "urn:oid:2.25.112055582576748617152153165980909140656.6";
/// Organisations, by name.
pub const ORGANISATIONS: &str = "urn:oid:2.25.112055582576748617152153165980909140656.7";
/// Roles.
pub const ROLES: &str = "urn:oid:2.25.112055582576748617152153165980909140656.8";
/// The patient behind the account that asks: `me`.
pub const PATIENT: &str = "urn:oid:2.25.112055582576748617152153165980909140656.9";
/// What a patient is told of secondary use (docs/consent.md).
pub const POLICY: &str = "urn:oid:2.25.112055582576748617152153165980909140656.10";
/// Stable words of refusals.
pub const PROBLEMS: &str = "urn:oid:2.25.112055582576748617152153165980909140656.11";

/// Purposes of secondary use: system and code. HL7 has none for machine reading.
const CODES: &[(Purpose, &str, &str)] = &[
    (Purpose::Research, ACT_REASON, "HRESCH"),
    (Purpose::Teaching, ACT_REASON, "TRAIN"),
    (Purpose::Quality, ACT_REASON, "HQUALIMP"),
    (Purpose::Ai, PURPOSES, "ai"),
];

/// A purpose as a coding.
pub fn coded(purpose: Purpose) -> Option<(&'static str, &'static str)> {
    CODES.iter().find(|(known, ..)| *known == purpose).map(|(_, system, code)| (*system, *code))
}

/// The purpose of a coding.
pub fn purpose(system: &str, code: &str) -> Option<Purpose> {
    CODES.iter().find(|(_, s, c)| (*s, *c) == (system, code)).map(|(purpose, ..)| *purpose)
}

/// A recipient as an identifier.
pub fn identified(recipient: &Recipient) -> (&'static str, String) {
    match recipient {
        Recipient::Account(user) => (ACCOUNTS, user.clone()),
        Recipient::Organisation(name) => (ORGANISATIONS, name.clone()),
        Recipient::Role(role) => (ROLES, role.to_string()),
    }
}

/// The recipient of an identifier.
pub fn recipient(system: &str, value: &str) -> Option<Recipient> {
    match system {
        ACCOUNTS => Some(Recipient::Account(value.to_owned())),
        ORGANISATIONS => Some(Recipient::Organisation(value.to_owned())),
        ROLES => value.parse().ok().map(Recipient::Role),
        _ => None,
    }
}
