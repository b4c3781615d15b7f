//! Packed studies: some hundred bytes each instead of some thousand. Attributes by their place in a table, shared texts by
//! number, digits by halves of bytes, an instance by what differs from the one before it. In memory and, sealed, in the
//! snapshot (docs/formats/index-snapshot.md); never the only copy of anything.

mod text;

use super::card::{Card, CardInstance, CardSeries, Depth};
use super::words::Words;
use model::{Attribute, Attributes, Id, Item, Plain, Tag, Uid, Vr, tags};
use text::{Reader, number, text};

/// Attributes with their VR, and whether their texts are worth sharing. A place in this table is a byte of the format: new
/// ones go to the end.
const TABLE: &[(Tag, [u8; 2], bool)] = &[
    (tags::STUDY_DATE, *b"DA", false),
    (tags::STUDY_TIME, *b"TM", false),
    (tags::ACCESSION_NUMBER, *b"SH", false),
    (tags::REFERRING_PHYSICIAN_NAME, *b"PN", true),
    (tags::STUDY_DESCRIPTION, *b"LO", true),
    (tags::STUDY_INSTANCE_UID, *b"UI", false),
    (tags::STUDY_ID, *b"SH", false),
    (tags::PATIENT_AGE, *b"AS", true),
    (tags::PROCEDURE_CODE_SEQUENCE, *b"SQ", true),
    (tags::PATIENT_NAME, *b"PN", false),
    (tags::PATIENT_ID, *b"LO", false),
    (tags::ISSUER_OF_PATIENT_ID, *b"LO", true),
    (tags::PATIENT_BIRTH_DATE, *b"DA", false),
    (tags::PATIENT_SEX, *b"CS", true),
    (tags::SERIES_DATE, *b"DA", false),
    (tags::SERIES_TIME, *b"TM", false),
    (tags::MODALITY, *b"CS", true),
    (tags::INSTITUTION_NAME, *b"LO", true),
    (tags::STATION_NAME, *b"SH", true),
    (tags::SERIES_DESCRIPTION, *b"LO", true),
    (tags::BODY_PART_EXAMINED, *b"CS", true),
    (tags::PROTOCOL_NAME, *b"LO", true),
    (tags::SERIES_INSTANCE_UID, *b"UI", false),
    (tags::SERIES_NUMBER, *b"IS", false),
    (tags::LATERALITY, *b"CS", true),
    (tags::PERFORMED_PROCEDURE_STEP_START_DATE, *b"DA", false),
    (tags::PERFORMED_PROCEDURE_STEP_START_TIME, *b"TM", false),
    (tags::REQUEST_ATTRIBUTES_SEQUENCE, *b"SQ", true),
    (tags::SOP_CLASS_UID, *b"UI", true),
    (tags::SOP_INSTANCE_UID, *b"UI", false),
    (tags::CONTENT_DATE, *b"DA", false),
    (tags::CONTENT_TIME, *b"TM", false),
    (tags::ACQUISITION_DATE_TIME, *b"DT", false),
    (tags::OPERATORS_NAME, *b"PN", true),
    (tags::VIEW_POSITION, *b"CS", true),
    (tags::INSTANCE_NUMBER, *b"IS", false),
    (tags::NUMBER_OF_FRAMES, *b"IS", false),
    (tags::ROWS, *b"US", false),
    (tags::COLUMNS, *b"US", false),
    (tags::BITS_ALLOCATED, *b"US", false),
];
/// Not in the table: tag and VR follow.
const OTHER: u8 = 0xFF;

/// What stands first, for those who count only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    pub unexamined: usize,
    pub withheld: bool,
}

/// Packs a study.
pub fn pack(card: &Card, words: &mut Words) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    number(&mut out, card.unexamined as u64);
    number(&mut out, card.withheld.into());
    text(&mut out, card.uid.as_str(), "", None);
    out.extend_from_slice(&card.id.0);
    out.extend_from_slice(&card.patient.0);
    for n in [card.masks, card.counts.0 as u64, card.counts.1 as u64, card.modalities.len() as u64] {
        number(&mut out, n);
    }
    for modality in &card.modalities {
        text(&mut out, modality, "", Some(words));
    }
    let uid = card.uid.as_str();
    attributes(&mut out, &card.patient_attributes, None, uid, words);
    attributes(&mut out, &card.attributes, None, uid, words);
    for series in &card.series {
        text(&mut out, series.uid.as_str(), uid, None);
        attributes(&mut out, &series.attributes, None, series.uid.as_str(), words);
        number(&mut out, series.instances.len() as u64);
        let mut body = Vec::new();
        let (mut last_uid, mut last) = (series.uid.as_str(), None);
        for instance in &series.instances {
            text(&mut body, instance.sop_uid.as_str(), last_uid, None);
            number(&mut body, instance.unexamined.into());
            attributes(&mut body, &instance.attributes, last, instance.sop_uid.as_str(), words);
            (last_uid, last) = (instance.sop_uid.as_str(), Some(&instance.attributes));
        }
        number(&mut out, body.len() as u64);
        out.append(&mut body);
    }
    out
}

/// Attributes, or how they differ from those before. `own`: the UID that they belong to, which they say once more.
fn attributes(
    out: &mut Vec<u8>,
    given: &Attributes,
    before: Option<&Attributes>,
    own: &str,
    words: &mut Words,
) {
    let before = before.filter(|before| before.iter().all(|(tag, _)| given.get(tag).is_some()));
    let differs = |tag: Tag, attribute: &Attribute| match before {
        Some(before) => says_own(attribute, own) || before.get(tag) != Some(attribute),
        None => true,
    };
    let list: Vec<(Tag, &Attribute)> = given.iter().filter(|(tag, a)| differs(*tag, a)).collect();
    number(out, (list.len() as u64) << 1 | u64::from(before.is_some()));
    for (tag, attribute) in list {
        let place = TABLE.iter().position(|(known, vr, _)| (*known, *vr) == (tag, attribute.vr.0));
        let place = place.and_then(|place| u8::try_from(place).ok());
        let shared =
            place.and_then(|place| TABLE.get(usize::from(place))).is_some_and(|(_, _, shared)| *shared);
        out.push(place.unwrap_or(OTHER));
        if place.is_none() {
            out.extend_from_slice(&tag.to_be_bytes());
            out.extend_from_slice(&attribute.vr.0);
        }
        if says_own(attribute, own) {
            number(out, 0);
            continue;
        }
        let is_sequence = attribute.vr.0 == *b"SQ";
        let len = if is_sequence { attribute.items.len() } else { attribute.values.len() };
        number(out, len as u64 + 1);
        for value in attribute.values.iter().filter(|_| !is_sequence) {
            text(out, value, own, shared.then_some(&mut *words));
        }
        for item in &attribute.items {
            number(out, item.len() as u64);
            for (tag, plain) in item {
                out.extend_from_slice(&tag.to_be_bytes());
                out.extend_from_slice(&plain.vr.0);
                number(out, plain.values.len() as u64);
                plain.values.iter().for_each(|value| text(out, value, own, Some(&mut *words)));
            }
        }
    }
}

fn says_own(attribute: &Attribute, own: &str) -> bool {
    attribute.vr.0 == *b"UI"
        && attribute.values.len() == 1
        && attribute.values.first().is_some_and(|v| v == own)
}

/// What stands first.
pub fn summary(bytes: &[u8]) -> Option<Summary> {
    let mut reader = Reader::new(bytes);
    Some(Summary { unexamined: reader.len()?, withheld: reader.number()? != 0 })
}

/// Something of it is to be seen.
pub fn visible(bytes: &[u8], words: &Words) -> bool {
    let read = || {
        let mut reader = Reader::new(bytes);
        reader.number()?;
        reader.number()?;
        reader.text("", words)?;
        reader.take::<16>()?;
        reader.take::<16>()?;
        reader.number()?;
        reader.number()?;
        reader.number()
    };
    read().is_some_and(|instances| instances > 0)
}

/// The study's UID.
pub fn uid(bytes: &[u8], words: &Words) -> Option<Uid> {
    let mut reader = Reader::new(bytes);
    reader.number()?;
    reader.number()?;
    reader.text("", words)?.parse().ok()
}

/// Unpacks as much as is looked at.
pub fn unpack(bytes: &[u8], words: &Words, depth: Depth) -> Option<Card> {
    let mut reader = Reader::new(bytes);
    let (unexamined, withheld) = (reader.len()?, reader.number()? != 0);
    let uid: Uid = reader.text("", words)?.parse().ok()?;
    let (id, patient) = (Id(*reader.take()?), Id(*reader.take()?));
    let (masks, counts, many) = (reader.number()?, (reader.len()?, reader.len()?), reader.len()?);
    let modalities = (0..many).map(|_| reader.text("", words)).collect::<Option<Vec<_>>>()?;
    let patient_attributes = read_attributes(&mut reader, None, uid.as_str(), words)?;
    let attributes = read_attributes(&mut reader, None, uid.as_str(), words)?;
    let mut series = Vec::new();
    while depth > Depth::Study && !reader.is_empty() {
        series.push(read_series(&mut reader, uid.as_str(), words, depth)?);
    }
    Some(Card {
        uid,
        id,
        patient,
        masks,
        counts,
        unexamined,
        withheld,
        modalities,
        patient_attributes,
        attributes,
        series,
    })
}

fn read_series(reader: &mut Reader<'_>, study: &str, words: &Words, depth: Depth) -> Option<CardSeries> {
    let uid: Uid = reader.text(study, words)?.parse().ok()?;
    let attributes = read_attributes(reader, None, uid.as_str(), words)?;
    let (count, len) = (reader.len()?, reader.len()?);
    let mut body = Reader::new(reader.bytes(len)?);
    let mut instances: Vec<CardInstance> = Vec::new();
    while depth == Depth::Instance && !body.is_empty() {
        let last = instances.last();
        let sop_uid: Uid =
            body.text(last.map_or(uid.as_str(), |i| i.sop_uid.as_str()), words)?.parse().ok()?;
        let unexamined = body.number()? != 0;
        let before = last.map(|i| &i.attributes);
        let attributes = read_attributes(&mut body, before, sop_uid.as_str(), words)?;
        instances.push(CardInstance { sop_uid, attributes, unexamined });
    }
    Some(CardSeries { uid, attributes, count, instances })
}

fn read_attributes(
    reader: &mut Reader<'_>,
    before: Option<&Attributes>,
    own: &str,
    words: &Words,
) -> Option<Attributes> {
    let head = reader.number()?;
    let mut out = if head & 1 == 1 { before?.clone() } else { Attributes::new() };
    for _ in 0..head >> 1 {
        let place = *reader.bytes(1)?.first()?;
        let (tag, vr) = match TABLE.get(usize::from(place)) {
            Some((tag, vr, _)) => (*tag, *vr),
            None => (u32::from_be_bytes(*reader.take()?), *reader.take()?),
        };
        match reader.len()?.checked_sub(1) {
            None => out.set(tag, *b"UI", [own.to_owned()]),
            Some(len) if vr == *b"SQ" => {
                let items = (0..len).map(|_| read_item(reader, own, words)).collect::<Option<Vec<_>>>()?;
                out.set_items(tag, items);
            }
            Some(len) => {
                let values = (0..len).map(|_| reader.text(own, words)).collect::<Option<Vec<_>>>()?;
                out.set(tag, vr, values);
            }
        }
    }
    Some(out)
}

fn read_item(reader: &mut Reader<'_>, own: &str, words: &Words) -> Option<Item> {
    let mut item = Item::new();
    for _ in 0..reader.len()? {
        let (tag, vr) = (u32::from_be_bytes(*reader.take()?), Vr(*reader.take()?));
        let many = reader.len()?;
        let values = (0..many).map(|_| reader.text(own, words)).collect::<Option<Vec<_>>>()?;
        item.insert(tag, Plain { vr, values });
    }
    Some(item)
}

#[cfg(test)]
mod tests;
