//! What is asked against what is there: an entry shall not say that something left which never could.

use super::{Chosen, Plan, Release};
use model::{Pixels, Uid, limits};
use port::Code;
use port::archive::Form;
use std::collections::HashSet;

/// The transfer syntax of everything that was masked or decoded (PS3.5 A.2).
pub const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// Stored like this, a frame is native already (PS3.5 A.1).
const IMPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2";

/// Deflated Explicit VR Little Endian (PS3.5 A.5).
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// A word for the ledger and the code for the caller.
type Refusal = (&'static str, Code);

/// Leaves the instances that can be given in the form, or says why there are none.
pub fn givable(release: &mut Release, first: bool, syntax: Option<&Uid>) -> Result<(), Refusal> {
    if release.chosen.is_empty() {
        return Err(("not-found", Code::NotFound));
    }
    let numbers = numbers(&release.form)?.to_vec();
    if !matches!(release.form, Form::Instances | Form::Metadata) {
        // A report among pictures has no picture; asked for alone it is refused.
        release.chosen.retain(|c| c.instance.record.image.is_some());
        if release.chosen.is_empty() {
            return Err(("no-image", Code::Unsupported));
        }
    }
    if first {
        release.chosen.truncate(1);
    }
    let has = |c: &Chosen, number: u32| {
        c.instance.record.image.as_ref().is_some_and(|image| (1..=image.frames).contains(&number))
    };
    if release.chosen.iter().any(|c| numbers.iter().any(|n| !has(c, *n))) {
        return Err(("no-such-frame", Code::NotFound));
    }
    let other = |c: &Chosen| syntax.is_some_and(|wanted| leaves_as(release, c) != wanted.as_str());
    if release.chosen.iter().any(other) {
        return Err(("other-transfer-syntax", Code::Unsupported));
    }
    Ok(())
}

/// The frames that a form names: each once. A frame named a thousand times is a thousand frames under one entry.
fn numbers(form: &Form) -> Result<&[u32], Refusal> {
    let numbers: &[u32] = match form {
        Form::Frames { numbers, .. } | Form::Rendered { numbers, .. } => numbers,
        Form::Instances | Form::Metadata => &[],
    };
    let mut seen = HashSet::new();
    if numbers.len() > limits::FRAMES_PER_REQUEST || !numbers.iter().all(|n| seen.insert(*n)) {
        return Err(("repeated-frames", Code::BadRequest));
    }
    match form {
        Form::Frames { numbers, .. } if numbers.is_empty() => Err(("no-frames", Code::BadRequest)),
        _ => Ok(numbers),
    }
}

/// The transfer syntax in which an instance or its frames leave.
pub fn leaves_as<'a>(release: &Release, chosen: &'a Chosen) -> &'a str {
    let stored = chosen.instance.record.transfer_syntax.as_str();
    match &release.form {
        Form::Instances if chosen.plan == Plan::Clear && !chosen.decoded => file_syntax(chosen),
        Form::Frames { stored: true, .. }
            if as_stored(release, chosen) && !native(stored) && framed(stored) =>
        {
            stored
        }
        Form::Instances | Form::Frames { .. } | Form::Metadata | Form::Rendered { .. } => {
            EXPLICIT_LITTLE_ENDIAN
        }
    }
}

/// The transfer syntax of a file in clear: its own, but that a deflated one with a corrected header leaves inflated.
pub fn file_syntax(chosen: &Chosen) -> &str {
    let stored = chosen.instance.record.transfer_syntax.as_str();
    if chosen.corrections.is_some() && stored == DEFLATED { EXPLICIT_LITTLE_ENDIAN } else { stored }
}

/// Nothing of the instance's pixels is hidden.
pub fn as_stored(release: &Release, chosen: &Chosen) -> bool {
    release.grant.visibility().pixels == Pixels::Clear && chosen.plan == Plan::Clear
}

/// Frames are stored as native little endian samples.
pub fn native(syntax: &str) -> bool {
    matches!(syntax, IMPLICIT_LITTLE_ENDIAN | EXPLICIT_LITTLE_ENDIAN)
}

/// Frames have bytes of their own: not in a data set deflated as a whole (PS3.5 A.5).
pub fn framed(syntax: &str) -> bool {
    syntax != DEFLATED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_named_once() {
        let frames = |numbers: &[u32]| Form::Frames { numbers: numbers.to_vec(), stored: false };
        assert_eq!(numbers(&frames(&[3, 1])), Ok([3, 1].as_slice()));
        assert_eq!(numbers(&frames(&[3, 1, 3])), Err(("repeated-frames", Code::BadRequest)));
        assert_eq!(numbers(&frames(&[])), Err(("no-frames", Code::BadRequest)));
        assert_eq!(numbers(&Form::Instances), Ok([].as_slice()));
    }
}
