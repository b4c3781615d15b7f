//! Numbers and words that a change may bring: of their own form, nothing guessed.

use super::Asked;
use model::{Attributes, Tag, limits, tags};
use port::Code;
use port::putright::PatientNumber;

/// Letters of a reason.
const REASON_LETTERS: usize = 3;
/// Bytes of a number: LO has 64 characters (PS3.5 Table 6.2-1).
const NUMBER_CHARACTERS: usize = 64;
/// Characters of one corrected value: a person name's group has 64, LO and SH have fewer (PS3.5 Table 6.2-1).
const VALUE_CHARACTERS: usize = 194;

/// What is recorded must be worth reading to the patient.
pub fn reason(reason: &str) -> Asked<()> {
    let letters: usize =
        reason.chars().filter(|c| c.is_alphanumeric()).map(|c| if c.len_utf8() > 2 { 2 } else { 1 }).sum();
    if letters < REASON_LETTERS {
        return Err(("no-reason", Code::ReasonNeeded));
    }
    if reason.len() > limits::REASON_BYTES { Err(("long-reason", Code::TooLarge)) } else { Ok(()) }
}

/// A number in the form that LO allows.
pub fn number(name: &PatientNumber) -> Asked<PatientNumber> {
    let (issuer, number) = (name.issuer.trim(), name.number.trim());
    let fits = |text: &str| text.chars().count() <= NUMBER_CHARACTERS && plain(text);
    if number.is_empty() || !fits(number) || !fits(issuer) {
        return Err(("patient-number", Code::BadRequest));
    }
    Ok(PatientNumber { issuer: issuer.to_owned(), number: number.to_owned() })
}

/// No backslash: it would make two values of one (PS3.5 §6.4).
fn plain(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || c == '\\')
}

/// Only what may be corrected, one value each, of its own form.
pub fn checked(set: &Attributes, allowed: &[Tag]) -> Asked<Attributes> {
    let mut out = Attributes::new();
    for (tag, attribute) in set.iter() {
        let vr = vr(tag).filter(|_| allowed.contains(&tag)).ok_or(("attribute", Code::BadRequest))?;
        let values: Vec<String> = attribute.values.iter().map(|v| v.trim().to_owned()).collect();
        let values: Vec<String> = values.into_iter().filter(|v| !v.is_empty()).collect();
        if values.len() > 1 || !values.iter().all(|value| formed(vr, value)) {
            return Err(("value", Code::BadRequest));
        }
        out.set(tag, vr, values);
    }
    if out.is_empty() { Err(("nothing-to-correct", Code::BadRequest)) } else { Ok(out) }
}

fn vr(tag: Tag) -> Option<[u8; 2]> {
    Some(match tag {
        tags::PATIENT_NAME | tags::REFERRING_PHYSICIAN_NAME => *b"PN",
        tags::PATIENT_BIRTH_DATE | tags::STUDY_DATE => *b"DA",
        tags::STUDY_TIME => *b"TM",
        tags::PATIENT_SEX => *b"CS",
        tags::ACCESSION_NUMBER | tags::STUDY_ID => *b"SH",
        tags::STUDY_DESCRIPTION => *b"LO",
        _ => return None,
    })
}

/// PS3.5 Table 6.2-1.
fn formed(vr: [u8; 2], value: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let short = |limit: usize| value.chars().count() <= limit;
    plain(value)
        && match &vr {
            b"DA" => value.len() == 8 && digits(value),
            b"TM" => {
                let (whole, part) = value.split_once('.').unwrap_or((value, ""));
                matches!(whole.len(), 2 | 4 | 6) && digits(whole) && part.len() <= 6 && digits(part)
            }
            b"CS" => matches!(value, "M" | "F" | "O"),
            b"SH" => short(16),
            b"LO" => short(64),
            b"PN" => short(VALUE_CHARACTERS) && value.split('=').count() <= 3,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use port::putright::{CORRECTABLE_OF_PATIENT, CORRECTABLE_OF_STUDY};

    #[test]
    fn values_have_their_form() {
        let set = |tag, value: &str| {
            let mut set = Attributes::new();
            set.set(tag, *b"UN", [value.to_owned()]);
            checked(&set, &[CORRECTABLE_OF_PATIENT, CORRECTABLE_OF_STUDY].concat()).is_ok()
        };
        let (long, longer) = ("x".repeat(VALUE_CHARACTERS), "x".repeat(VALUE_CHARACTERS + 1));
        for (tag, good, bad) in [
            (tags::PATIENT_NAME, "Wang^Min=王^敏", "a=b=c=d"),
            (tags::PATIENT_NAME, long.as_str(), longer.as_str()),
            (tags::PATIENT_NAME, "Probe^Anna", "Probe\\Anna"),
            (tags::PATIENT_BIRTH_DATE, "19780512", "1978-05-12"),
            (tags::PATIENT_SEX, "F", "female"),
            (tags::ACCESSION_NUMBER, "0123456789ABCDEF", "0123456789ABCDEFG"),
            (tags::STUDY_TIME, "1230", "123"),
            (tags::STUDY_DESCRIPTION, "Thorax p.a.", "Thorax\u{1b}"),
        ] {
            assert!(set(tag, good), "{good}");
            assert!(!set(tag, bad), "{bad}");
        }
        assert!(!set(tags::PATIENT_ID, "4711"), "a number is no word to correct");
        assert!(set(tags::ACCESSION_NUMBER, ""), "emptied");
    }

    #[test]
    fn a_reason_says_something() {
        assert!(reason("two cards, one person").is_ok() && reason("重复").is_ok());
        assert_eq!(reason(" . ").unwrap_err().1, Code::ReasonNeeded);
        assert!(reason(&"x".repeat(limits::REASON_BYTES)).is_ok());
        assert_eq!(reason(&"x".repeat(limits::REASON_BYTES + 1)).unwrap_err().1, Code::TooLarge);
    }
}
