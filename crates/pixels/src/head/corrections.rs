//! What was put right since an object came, laid over its header before anything else is done to it.

use crate::{Error, Result};
use dicom::Head;
use model::{Attributes, Tag, tags};
use port::pixels::{Corrections, HeadLease, Outcome, WordsPlan};

/// Kept of a patient whose name was wrong: measured on the person who was filmed (PS3.3 C.7.2.2).
const MEASURED: &[Tag] = &[0x0010_1020, 0x0010_1030];
/// Says whose and which order's a film is in other places than those that are corrected: Referenced Patient, the visit,
/// the request with its accession number, and signatures over what is not so any more.
const BESIDE: &[Tag] = &[0x0008_1120, 0x0040_0275, 0x0040_2016, 0x0040_2017, 0xFFFA_FFFA];

/// The head as stored but for what is corrected. Only in clear: there is nothing to hide in it.
pub fn as_stored(lease: &HeadLease, stored: &[u8]) -> Result<(Outcome, Vec<u8>)> {
    let corrections = lease.corrections.as_ref().ok_or(Error::Unsupported("nothing to correct"))?;
    if lease.masked || lease.words != WordsPlan::Full {
        return Err(Error::Unsupported("a stored head for a grant that hides something"));
    }
    let bytes = dicom::correct::correct(stored, &corrections.set, &drops(corrections))?;
    Ok((Outcome::Head { len: bytes.len() as u64, attributes: Attributes::new() }, bytes))
}

/// The same in memory.
pub fn lay_over(head: &mut Head, corrections: &Corrections) {
    dicom::correct::lay_over(&mut head.object, &corrections.set, &drops(corrections));
}

/// What goes because it would say otherwise than what is corrected.
fn drops(corrections: &Corrections) -> impl Fn(Tag) -> bool {
    let order = corrections.set.get(tags::ACCESSION_NUMBER).is_some()
        || corrections.set.get(tags::STUDY_INSTANCE_UID).is_some();
    let other_patient = corrections.other_patient;
    move |tag| {
        let group = tag >> 16;
        let of_patient = group == 0x0010 && !MEASURED.contains(&tag) || group == 0x0038;
        other_patient && of_patient || (other_patient || order) && BESIDE.contains(&tag)
    }
}
