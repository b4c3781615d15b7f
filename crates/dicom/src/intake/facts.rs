//! The facts of one instance from the walk's top-level values.

use super::pixel::PixelTracker;
use super::walk::{Coding, Entry, Walker};
use super::{Meta, image};
use crate::charset::Charsets;
use crate::{Error, Result};
use model::{Attributes, InstanceFacts, Item, Plain, Tag, Uid, Vr, limits, tags};
use std::collections::BTreeMap;

/// Access to top-level values.
pub struct Values<'a> {
    pub walker: &'a Walker,
    pub bytes: &'a [u8],
    charsets: Charsets,
    unnamed: bool,
}

impl<'a> Values<'a> {
    pub fn new(walker: &'a Walker, bytes: &'a [u8]) -> Self {
        let mut values = Self { walker, bytes, charsets: Charsets::new(b""), unnamed: false };
        values.charsets = Charsets::new(values.raw(tags::SPECIFIC_CHARACTER_SET));
        values
    }

    pub fn raw(&self, tag: Tag) -> &'a [u8] {
        let entry = self.walker.entries.get(&tag);
        entry.and_then(|e| self.bytes.get(e.start..e.start.checked_add(e.len)?)).unwrap_or_default()
    }

    pub fn vr(&self, tag: Tag) -> [u8; 2] {
        let explicit = self.walker.entries.get(&tag).and_then(|e| e.vr).filter(|vr| vr != b"UN");
        explicit
            .or_else(|| crate::dataset::dictionary_vr(tag).as_bytes().first_chunk().copied())
            .unwrap_or(*b"UN")
    }

    /// Values as UTF-8 text, at most 64 of them, each cut to what the index keeps.
    pub fn texts(&self, tag: Tag) -> Vec<String> {
        let raw = self.raw(tag);
        match &self.vr(tag) {
            b"US" => {
                raw.chunks_exact(2).take(64).filter_map(|c| self.u16(c)).map(|v| v.to_string()).collect()
            }
            b"UL" => {
                raw.chunks_exact(4).take(64).filter_map(|c| self.u32(c)).map(|v| v.to_string()).collect()
            }
            vr if is_text(vr) => texts(raw, &self.charsets),
            _ => Vec::new(),
        }
    }

    /// Items of a sequence that the index keeps; each may have a character set of its own (PS3.5 §7.5.3).
    fn items(&self, sequence: Tag) -> Vec<Item> {
        let items = self.walker.items.get(&sequence).into_iter().flatten();
        items.map(|item| self.item(item)).filter(|item| !item.is_empty()).collect()
    }

    fn item(&self, entries: &BTreeMap<Tag, Entry>) -> Item {
        let raw = |entry: &Entry| self.bytes.get(entry.start..entry.start.checked_add(entry.len)?);
        let own = entries.get(&tags::SPECIFIC_CHARACTER_SET).and_then(raw).map(Charsets::new);
        let charsets = own.as_ref().unwrap_or(&self.charsets);
        let known = entries.iter().filter(|(tag, _)| **tag != tags::SPECIFIC_CHARACTER_SET);
        let plain = known.filter_map(|(tag, entry)| {
            let vr = crate::dataset::dictionary_vr(*tag).as_bytes().first_chunk().copied()?;
            let values = texts(raw(entry)?, charsets);
            is_text(&vr).then_some((*tag, Plain { vr: Vr(vr), values }))
        });
        plain.collect()
    }

    pub fn text(&self, tag: Tag) -> String {
        self.texts(tag).into_iter().next().unwrap_or_default()
    }

    pub fn u16(&self, raw: &[u8]) -> Option<u16> {
        let raw = *raw.first_chunk::<2>()?;
        let big = self.walker.coding() == Coding::ExplicitBe;
        Some(if big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    }

    fn u32(&self, raw: &[u8]) -> Option<u32> {
        let raw = *raw.first_chunk::<4>()?;
        let big = self.walker.coding() == Coding::ExplicitBe;
        Some(if big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
    }

    pub fn us(&self, tag: Tag) -> Option<u16> {
        if matches!(&self.vr(tag), b"US" | b"SS") { self.u16(self.raw(tag)) } else { None }
    }

    /// A decimal string's value of index `i`, finite.
    pub fn number(&self, tag: Tag, i: usize) -> Option<f64> {
        self.texts(tag).get(i)?.trim().parse::<f64>().ok().filter(|v| v.is_finite())
    }

    fn uid(&self, tag: Tag, what: &'static str) -> Result<Uid> {
        let given = std::str::from_utf8(self.raw(tag)).ok().and_then(|text| text.parse().ok());
        let stand_in = || if self.unnamed { super::NO_UID.parse().ok() } else { None };
        given.or_else(stand_in).ok_or(Error::Missing(what))
    }
}

/// At most 64 values, each cut to what the index keeps.
fn texts(raw: &[u8], charsets: &Charsets) -> Vec<String> {
    let cut = raw.get(..limits::INDEXED_VALUE_BYTES * 4).unwrap_or(raw);
    let mut values = charsets.values(cut);
    values.truncate(64);
    values.iter().map(|v| v.trim_start_matches(' ').replace('\0', "")).collect()
}

const fn is_text(vr: &[u8; 2]) -> bool {
    matches!(
        vr,
        b"AE"
            | b"AS"
            | b"CS"
            | b"DA"
            | b"DS"
            | b"DT"
            | b"IS"
            | b"LO"
            | b"LT"
            | b"PN"
            | b"SH"
            | b"ST"
            | b"TM"
            | b"UC"
            | b"UI"
            | b"UR"
            | b"UT"
    )
}

/// Gathers everything.
pub fn gather(
    walker: &Walker,
    bytes: &[u8],
    meta: &Meta,
    pixels: Option<&PixelTracker>,
    unnamed: bool,
) -> Result<InstanceFacts> {
    let values = Values { unnamed, ..Values::new(walker, bytes) };
    let sop_class = values.uid(tags::SOP_CLASS_UID, "SOP class")?;
    let image = pixels.and_then(|pixels| {
        let image = image::info(&values, &meta.syntax, &sop_class);
        image.filter(|image| pixels.readable(image.bits_allocated))
    });
    let frames = match (&image, pixels) {
        (Some(image), Some(pixels)) => {
            pixels.frames(image.frames, image::native_frame_bytes(image), values.raw(0x7FE0_0001))
        }
        _ => Vec::new(),
    };
    Ok(InstanceFacts {
        study_uid: values.uid(tags::STUDY_INSTANCE_UID, "study")?,
        series_uid: values.uid(tags::SERIES_INSTANCE_UID, "series")?,
        sop_uid: values.uid(tags::SOP_INSTANCE_UID, "SOP instance")?,
        sop_class,
        transfer_syntax: meta.syntax.clone(),
        patient: level(&values, tags::PATIENT),
        study: level(&values, tags::STUDY),
        series: level(&values, tags::SERIES),
        instance: level(&values, tags::INSTANCE),
        image,
        head_len: walker.pixels.map_or(bytes.len(), |h| h.start) as u64,
        frames,
        rejects: None,
    })
}

fn level(values: &Values<'_>, wanted: &[Tag]) -> Attributes {
    let mut out = Attributes::new();
    for tag in wanted.iter().filter(|tag| values.walker.entries.contains_key(tag)) {
        let vr = crate::dataset::dictionary_vr(*tag).as_bytes().first_chunk().copied().unwrap_or(*b"UN");
        if &vr == b"SQ" {
            out.set_items(*tag, values.items(*tag));
        } else {
            out.set(*tag, vr, values.texts(*tag));
        }
    }
    out
}
