//! Words for a corner of a picture (PS3.18 §8.3.5.1.1) and its colour profile: those that the grant lets out, from the same
//! header lease as metadata and files.

use super::deliver::From;
use model::{Attributes, Photometric, Tag, tags};
use port::archive::{Annotation, Profile};
use port::pixels::{ColourProfile, HeadForm};
use port::{Code, Fault};

/// (0028,2000).
const OWN: &str = "00282000";

const PATIENT: &[Tag] = &[0x0010_0010, tags::PATIENT_ID, 0x0010_0030, 0x0010_0040];
const TECHNIQUE: &[Tag] = &[0x0008_0060, 0x0008_103E, 0x0020_0011, 0x0020_0013];

/// A line for each kind of words that is asked for; none of what is empty.
pub async fn lines(from: &From<'_>, wanted: Annotation) -> Result<Vec<String>, Fault> {
    if wanted == Annotation::default() {
        return Ok(Vec::new());
    }
    let (_, attributes) = from.head(HeadForm::Json { bulk: String::new(), pixels: None }).await?;
    let kinds = [(wanted.patient, PATIENT), (wanted.technique, TECHNIQUE)];
    let lines = kinds.iter().filter(|(wanted, _)| *wanted).map(|(_, tags)| line(&attributes, tags));
    Ok(lines.filter(|line| !line.is_empty()).collect())
}

/// The colour profile that was asked for. Nothing is converted, so that one with another profile of its own is not sRGB.
pub async fn profile(from: &From<'_>, wanted: Profile) -> Result<ColourProfile, Fault> {
    let grey = matches!(from.image()?.photometric, Photometric::Monochrome1 | Photometric::Monochrome2);
    if wanted == Profile::No || grey {
        return Ok(ColourProfile::None);
    }
    match from.head(HeadForm::Value { path: OWN.to_owned() }).await {
        Ok((own, _)) if wanted == Profile::Yes => Ok(ColourProfile::Own(own.to_vec())),
        Ok(_) => Err(Code::Unsupported.into()),
        Err(fault) if fault.code == Code::NotFound => Ok(ColourProfile::Srgb),
        Err(fault) => Err(fault),
    }
}

/// Values beside each other. Of a name the alphabetic group: pictures are lettered in ASCII.
fn line(attributes: &Attributes, tags: &[Tag]) -> String {
    let text = |tag: &Tag| {
        let value = attributes.first(*tag);
        value.split('=').next().unwrap_or_default().replace('^', " ").trim().to_owned()
    };
    let words: Vec<String> = tags.iter().map(text).filter(|word| !word.is_empty()).collect();
    words.join("  ")
}
