//! What the header says of the pixels, or nothing when it is unreasonable.

use super::facts::Values;
use crate::bounds;
use model::frame::Palette;
use model::{ImageInfo, Photometric, Tag, Uid, tags};

/// The image, when every number is one that a decoder may be given.
pub fn info(v: &Values<'_>, syntax: &Uid, sop_class: &Uid) -> Option<ImageInfo> {
    let bits_allocated =
        u8::try_from(v.us(tags::BITS_ALLOCATED)?).ok().filter(|b| matches!(b, 1 | 8 | 16 | 32))?;
    let bits_stored = byte(v, 0x0028_0101, bits_allocated)?;
    let samples = byte(v, 0x0028_0002, 1)?;
    let photometric: Photometric = v.text(0x0028_0004).parse().ok()?;
    let info = ImageInfo {
        transfer_syntax: syntax.clone(),
        sop_class: sop_class.clone(),
        rows: v.us(tags::ROWS)?.into(),
        columns: v.us(tags::COLUMNS)?.into(),
        frames: frames(v)?,
        samples,
        photometric,
        bits_allocated,
        bits_stored,
        high_bit: byte(v, 0x0028_0102, bits_stored.checked_sub(1)?)?,
        signed: v.us(0x0028_0103) == Some(1),
        planar: v.us(0x0028_0006) == Some(1),
        rescale_slope: v.number(0x0028_1053, 0).unwrap_or(1.0),
        rescale_intercept: v.number(0x0028_1052, 0).unwrap_or(0.0),
        window: v.number(0x0028_1050, 0).zip(v.number(0x0028_1051, 0)).filter(|(_, width)| *width > 0.0),
        inverse: v.text(0x2050_0020) == "INVERSE",
        spacing: spacing(v, 0x0028_0030).or_else(|| spacing(v, 0x0018_1164)),
        palette: palette(v, photometric)?,
        modality: v.text(tags::MODALITY).to_uppercase().chars().take(16).collect(),
        body_part: v.text(tags::BODY_PART_EXAMINED).to_uppercase(),
        view_position: v.text(tags::VIEW_POSITION).to_uppercase(),
        image_type: v.texts(0x0008_0008).join("\\"),
        burned_in: match v.text(0x0028_0301).as_str() {
            "YES" => Some(true),
            "NO" => Some(false),
            _ => None,
        },
        age_years: age(v),
        sex: Some(v.text(tags::PATIENT_SEX))
            .filter(|s| matches!(s.as_str(), "M" | "F" | "O"))
            .unwrap_or_default(),
    };
    let sane = matches!(samples, 1 | 3) && bits_stored <= bits_allocated && info.high_bit < bits_allocated;
    (sane && info.frame_bytes().is_some()).then_some(info)
}

fn byte(v: &Values<'_>, tag: Tag, absent: u8) -> Option<u8> {
    v.us(tag).map_or(Some(absent), |n| u8::try_from(n).ok())
}

fn frames(v: &Values<'_>) -> Option<u32> {
    let text = v.text(tags::NUMBER_OF_FRAMES);
    let n = if text.is_empty() { 1 } else { text.trim().parse().ok()? };
    (1..=model::limits::FRAMES).contains(&n).then_some(n)
}

fn spacing(v: &Values<'_>, tag: Tag) -> Option<(f64, f64)> {
    v.number(tag, 0).zip(v.number(tag, 1)).filter(|(r, c)| *r > 0.0 && *c > 0.0)
}

/// Outer `None`: a palette image without a usable palette.
fn palette(v: &Values<'_>, photometric: Photometric) -> Option<Option<Palette>> {
    if photometric != Photometric::PaletteColor {
        return Some(None);
    }
    let descriptor = v.raw(0x0028_1101);
    let count = match v.u16(descriptor)? {
        0 => bounds::PALETTE_ENTRIES,
        n => n.into(),
    };
    let first = v.u16(descriptor.get(2..)?)?;
    let bits = v.u16(descriptor.get(4..)?)?;
    let signed = &v.vr(0x0028_1101) == b"SS";
    let first = if signed { i32::from(first.cast_signed()) } else { i32::from(first) };
    let table = |tag: Tag| -> Option<Vec<u16>> {
        let raw = v.raw(tag);
        if raw.is_empty() {
            // (0028,1221) to (0028,1223) stand 32 above (PS3.3 C.7.9.2).
            return segmented(v, v.raw(tag + 0x20), bits, count);
        }
        if bits == 8 && raw.len() < count * 2 {
            // Eight-bit entries packed two in a word (PS3.3 C.7.6.3.1.6).
            return Some(raw.get(..count)?.iter().map(|b| u16::from(*b)).collect());
        }
        raw.get(..count * 2)?.chunks_exact(2).map(|c| v.u16(c)).collect()
    };
    let mut tables = [table(0x0028_1201)?, table(0x0028_1202)?, table(0x0028_1203)?];
    // Entries of eight bits, also of senders that say sixteen, to 16 bits.
    if tables.iter().flatten().all(|entry| *entry < 256) {
        tables.iter_mut().flatten().for_each(|entry| *entry *= 257);
    }
    Some(Some(Palette { first, tables }))
}

/// A segmented table (C.7.9.2): discrete, linear and indirect segments, `count` entries in all.
fn segmented(v: &Values<'_>, raw: &[u8], bits: u16, count: usize) -> Option<Vec<u16>> {
    let words: Vec<u16> = if bits == 8 {
        raw.iter().map(|b| u16::from(*b)).collect()
    } else {
        raw.chunks_exact(2).map(|c| v.u16(c)).collect::<Option<_>>()?
    };
    let mut out = Vec::new();
    let mut at = 0;
    while out.len() < count {
        at = segment(&words, at, bits, &mut out)?;
        if out.len() > count {
            return None;
        }
    }
    Some(out)
}

/// Appends one segment's entries; where the next begins. Each appends at least one, so that the table ends.
fn segment(words: &[u16], at: usize, bits: u16, out: &mut Vec<u16>) -> Option<usize> {
    let len = usize::from(*words.get(at + 1)?);
    if len == 0 {
        return None;
    }
    match words.get(at)? {
        0 => {
            let end = at + 2 + len;
            out.extend_from_slice(words.get(at + 2..end)?);
            Some(end)
        }
        1 => {
            let (from, to) = (i64::from(*out.last()?), i64::from(*words.get(at + 2)?));
            let steps = i64::try_from(len).ok()?;
            let entry = |i: i64| {
                u16::try_from(from + ((to - from) * i * 2 + steps * (to - from).signum()) / (2 * steps))
            };
            for i in 1..=steps {
                out.push(entry(i).ok()?);
            }
            Some(at + 3)
        }
        // Copies `len` segments from a byte offset on, none of which may be indirect again.
        2 => {
            let offset = if bits == 8 {
                words.get(at + 2..at + 6)?.iter().rev().fold(0usize, |n, b| n << 8 | usize::from(*b))
            } else {
                let low = usize::from(*words.get(at + 2)?);
                (low | usize::from(*words.get(at + 3)?) << 16) / 2
            };
            let mut from = offset;
            for _ in 0..len {
                if from >= at || matches!(words.get(from), Some(2)) {
                    return None;
                }
                from = segment(words, from, bits, out)?;
                if out.len() > bounds::PALETTE_ENTRIES {
                    return None;
                }
            }
            Some(at + if bits == 8 { 6 } else { 4 })
        }
        _ => None,
    }
}

/// Years from (0010,1010) (`nnnD`, `W`, `M`, `Y`), else from birth and study dates.
fn age(v: &Values<'_>) -> Option<f32> {
    let text = v.text(0x0010_1010);
    let per_year = match text.as_bytes() {
        [_, _, _, b'Y'] => Some(1.0),
        [_, _, _, b'M'] => Some(12.0),
        [_, _, _, b'W'] => Some(52.18),
        [_, _, _, b'D'] => Some(365.25),
        _ => None,
    };
    let given = per_year.and_then(|per| text.get(..3)?.parse::<u16>().ok().map(|n| f32::from(n) / per));
    given.or_else(|| {
        let years = date(&v.text(tags::STUDY_DATE))? - date(&v.text(tags::PATIENT_BIRTH_DATE))?;
        (0.0..150.0).contains(&years).then_some(years)
    })
}

/// A date as years, to a few days.
fn date(text: &str) -> Option<f32> {
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    let part = |r: std::ops::Range<usize>| text.get(r).and_then(|s| s.parse::<u16>().ok()).map(f32::from);
    let (y, m, d) = (part(0..4)?, part(4..6)?, part(6..8)?);
    digits.then_some(y + (m - 1.0) / 12.0 + (d - 1.0) / 365.25)
}

/// Bytes of one native frame; nothing when frames do not start at a byte.
pub fn native_frame_bytes(info: &ImageInfo) -> Option<u64> {
    let samples = match info.photometric {
        Photometric::YbrFull422 => 2,
        _ => u64::from(info.samples),
    };
    let bits = u64::from(info.rows) * u64::from(info.columns) * samples * u64::from(info.bits_allocated);
    if bits % 8 == 0 || info.frames == 1 { Some(bits.div_ceil(8)) } else { None }
}
