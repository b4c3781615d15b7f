//! What is asked against what is there: an entry shall not say that something left which never could.

use super::{Chosen, Leaves, Plan, Release};
use model::{ImageInfo, View, Viewport, limits};
use port::Code;
use port::archive::{Form, Syntax};
use std::collections::HashSet;

/// The transfer syntax of everything that was masked or decoded (PS3.5 A.2).
pub const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// Stored like this, a frame is native already (PS3.5 A.1).
const IMPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2";
/// The data set is one deflated stream, pixels included: no frame can be read alone (PS3.5 A.5).
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
/// Sequential JPEG of 8 bits and of 8 or 12 (PS3.5 A.4.1).
const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
const JPEG_EXTENDED: &str = "1.2.840.10008.1.2.4.51";
/// Longest path of a bulk value: a tag and item for each depth.
const PATH_BYTES: usize = limits::SEQUENCE_DEPTH * 14 + 8;
/// Pixel data, as a path.
pub const PIXEL_DATA: &str = "7FE00010";

/// A word for the ledger and the code for the caller.
type Refusal = (&'static str, Code);

/// Leaves the instances that can be given in the form, or says why there are none.
pub fn givable(release: &mut Release, first: bool) -> Result<(), Refusal> {
    if release.chosen.is_empty() {
        return Err(("not-found", Code::NotFound));
    }
    let numbers = numbers(&release.form)?.to_vec();
    if matches!(release.form, Form::Frames { .. } | Form::Rendered { .. }) {
        // A report among pictures has no picture; asked for alone it is refused.
        release.chosen.retain(|c| c.instance.record.image.is_some());
        if release.chosen.is_empty() {
            return Err(("no-image", Code::Unsupported));
        }
    }
    if first {
        release.chosen.truncate(1);
    }
    if release.chosen.iter().filter_map(image).any(|i| numbers.iter().any(|n| !(1..=i.frames).contains(n))) {
        return Err(("no-such-frame", Code::NotFound));
    }
    limited(release)?;
    form(release)?;
    syntaxes(release)
}

/// Under a longest side only whole pictures within it leave: of files, frames and values nothing is known to be small, and
/// parts one by one would make a picture as large as the film.
fn limited(release: &mut Release) -> Result<(), Refusal> {
    let Some(most) = release.grant.longest_side() else { return Ok(()) };
    match &mut release.form {
        Form::Metadata { .. } => Ok(()),
        Form::Rendered { picture, .. } => within(&mut picture.view, most),
        Form::Instances | Form::Frames { .. } | Form::Bulk { .. } => Err(TOO_FINE),
    }
}

/// The most that a patient agreed to is less than was asked.
const TOO_FINE: Refusal = ("longest-side", Code::NotAllowed);

fn within(view: &mut View, most: u32) -> Result<(), Refusal> {
    let room = view.viewport.unwrap_or(Viewport::within(most));
    if room.source.is_some() {
        return Err(TOO_FINE);
    }
    view.viewport = Some(Viewport { width: room.width.min(most), height: room.height.min(most), ..room });
    Ok(())
}

/// What the form alone asks for.
fn form(release: &Release) -> Result<(), Refusal> {
    match &release.form {
        Form::Bulk { path, .. } => {
            let known = path.len() <= PATH_BYTES && path.bytes().all(|b| b.is_ascii_hexdigit() || b == b'.');
            if release.chosen.len() == 1 && known { Ok(()) } else { Err(("no-such-value", Code::NotFound)) }
        }
        Form::Rendered { picture, .. } => {
            let shown = |i: &ImageInfo| picture.view.part(i.rows, i.columns).is_some();
            let all = release.chosen.iter().filter_map(image).all(shown);
            if all { Ok(()) } else { Err(("no-such-part", Code::BadRequest)) }
        }
        Form::Instances | Form::Frames { .. } | Form::Metadata { .. } => Ok(()),
    }
}

/// Decides in which transfer syntax each instance leaves.
fn syntaxes(release: &mut Release) -> Result<(), Refusal> {
    let files = match &release.form {
        Form::Instances => true,
        Form::Frames { .. } => false,
        Form::Bulk { path, .. } if path == PIXEL_DATA => false,
        Form::Bulk { .. } | Form::Metadata { .. } | Form::Rendered { .. } => return Ok(()),
    };
    for chosen in &mut release.chosen {
        let leaves = leaves(chosen, &release.syntaxes, files);
        chosen.leaves = leaves.ok_or(("other-transfer-syntax", Code::Unsupported))?;
    }
    Ok(())
}

/// The first of the wished syntaxes in which the instance (a file, else its frames) can leave.
fn leaves(chosen: &Chosen, wished: &[Syntax], files: bool) -> Option<Leaves> {
    let clear = chosen.plan == Plan::Clear;
    // Its receiver may not take what is stored; and frames of a deflated data set have no bytes of their own.
    let whole = chosen.leaves != Leaves::Decoded
        && (files || framed(chosen.instance.record.transfer_syntax.as_str()));
    if wished.is_empty() {
        return Some(if clear && whole { Leaves::Stored } else { Leaves::Decoded });
    }
    let any = match clear {
        true if whole => Leaves::Stored,
        false if editable(chosen) => Leaves::Edited,
        _ => Leaves::Decoded,
    };
    let exact = |wanted: &str| match wanted {
        _ if clear && whole && labelled(chosen, files) == wanted => Some(Leaves::Stored),
        _ if any == Leaves::Edited && chosen.instance.record.transfer_syntax.as_str() == wanted => Some(any),
        EXPLICIT_LITTLE_ENDIAN if !clear => Some(Leaves::Decoded),
        EXPLICIT_LITTLE_ENDIAN => native_form(chosen, files),
        _ => None,
    };
    wished.iter().find_map(|syntax| match syntax {
        Syntax::Any => Some(any),
        Syntax::Named(uid) => exact(uid.as_str()),
        Syntax::Preferred(uid) => exact(uid.as_str()).or(Some(any)),
    })
}

/// Blocks of its streams can be painted over without decoding them (ISO 10918-1, sequential). Streams that turn out to be
/// others are decoded after all, for who takes that.
fn editable(chosen: &Chosen) -> bool {
    let stored = chosen.instance.record.transfer_syntax.as_str();
    let image = chosen.instance.record.image.as_ref();
    matches!(stored, JPEG_BASELINE | JPEG_EXTENDED) && image.is_some_and(|image| !image.signed)
}

/// Who asked takes native samples as well.
pub fn takes_native(release: &Release) -> bool {
    release.syntaxes.iter().any(|syntax| match syntax {
        Syntax::Any | Syntax::Preferred(_) => true,
        Syntax::Named(uid) => uid.as_str() == EXPLICIT_LITTLE_ENDIAN,
    })
}

/// How a clear instance becomes native little endian, when it can.
fn native_form(chosen: &Chosen, files: bool) -> Option<Leaves> {
    let record = &chosen.instance.record;
    let stored = record.transfer_syntax.as_str();
    let Some(image) = &record.image else {
        // Without pixel data only the header is coded anew; whether a deflated data set has any is not known.
        let headed = files && record.head_len == record.len && stored != DEFLATED;
        return headed.then_some(Leaves::Copied);
    };
    if stored == IMPLICIT_LITTLE_ENDIAN {
        return Some(Leaves::Copied);
    }
    // Not looked at yet: tried, and refused if it fails. Bits are decoded to bytes, which is another image.
    let decodes = record.seen.as_ref().is_none_or(|seen| seen.maskable);
    (decodes && image.bits_allocated > 1).then_some(Leaves::Decoded)
}

/// What stored bytes are called when they leave.
pub fn labelled(chosen: &Chosen, file: bool) -> &str {
    let stored = chosen.instance.record.transfer_syntax.as_str();
    if file {
        return file_syntax(chosen);
    }
    if native(stored) { EXPLICIT_LITTLE_ENDIAN } else { stored }
}

/// The frames that a form names: each once. A frame named a thousand times is a thousand frames under one entry.
fn numbers(form: &Form) -> Result<&[u32], Refusal> {
    let numbers: &[u32] = match form {
        Form::Frames { numbers } | Form::Rendered { numbers, .. } => numbers,
        Form::Instances | Form::Metadata { .. } | Form::Bulk { .. } => &[],
    };
    let mut seen = HashSet::new();
    if numbers.len() > limits::FRAMES_PER_REQUEST || !numbers.iter().all(|n| seen.insert(*n)) {
        return Err(("repeated-frames", Code::BadRequest));
    }
    Ok(numbers)
}

fn image(chosen: &Chosen) -> Option<&ImageInfo> {
    chosen.instance.record.image.as_ref()
}

/// The transfer syntax of a file in clear: its own, but that a deflated one with a corrected header leaves inflated.
fn file_syntax(chosen: &Chosen) -> &str {
    let stored = chosen.instance.record.transfer_syntax.as_str();
    if chosen.corrections.is_some() && stored == DEFLATED { EXPLICIT_LITTLE_ENDIAN } else { stored }
}

/// The transfer syntax in which a file leaves when nothing is said of it.
pub fn leaves_as(chosen: &Chosen) -> &str {
    if chosen.plan == Plan::Clear && chosen.leaves != Leaves::Decoded {
        file_syntax(chosen)
    } else {
        EXPLICIT_LITTLE_ENDIAN
    }
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
    fn pictures_are_made_small_and_parts_refused() {
        let room = |width, height, source| Viewport { width, height, enlarge: true, source };
        let asked = |viewport| View { window: None, viewport };
        let of = |mut view: View| within(&mut view, 100).map(|()| view.size(3000, 2000));
        assert_eq!(of(asked(None)), Ok(Some((100, 66))));
        assert_eq!(of(asked(Some(room(64, 64, None)))), Ok(Some((64, 42))));
        assert_eq!(of(asked(Some(room(8000, 50, None)))), Ok(Some((50, 33))));
        let part = model::Source { left: 0.0, top: 0.0, width: 50.0, height: 50.0, relative: false };
        assert_eq!(of(asked(Some(room(64, 64, Some(part))))), Err(TOO_FINE));
    }

    #[test]
    fn frames_are_named_once() {
        let frames = |numbers: &[u32]| Form::Frames { numbers: numbers.to_vec() };
        assert_eq!(numbers(&frames(&[3, 1])), Ok([3, 1].as_slice()));
        assert_eq!(numbers(&frames(&[3, 1, 3])), Err(("repeated-frames", Code::BadRequest)));
        assert_eq!(numbers(&frames(&[])), Ok([].as_slice()), "all");
        assert_eq!(numbers(&Form::Instances), Ok([].as_slice()));
    }
}
