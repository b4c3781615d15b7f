//! Heads as dicom-rs data sets, read behind the bounded walk and written as Part 10 explicit little endian.

mod unknown;
mod words;

use crate::intake::walk::Coding;
use crate::intake::{inflate, read_meta, walk_whole};
use crate::{Error, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION, Result};
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::{StandardDataDictionary, tags as std_tags};
use dicom_encoding::TransferSyntaxIndex;
use dicom_object::InMemDicomObject;
use dicom_object::meta::{FileMetaTable, FileMetaTableBuilder};
use dicom_transfer_syntax_registry::{TransferSyntaxRegistry, entries};
use model::{Tag, Uid, limits};

/// A head: file meta information and the data set before the pixel data.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Group 0002.
    pub meta: FileMetaTable,
    /// The data set without pixel data.
    pub object: InMemDicomObject,
}

/// Length of pixel data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelLength {
    /// Native, this many bytes (an odd number is written one larger: pad with one zero byte, PS3.5 §8.1.1).
    Native(u32),
    /// Fragments follow.
    Encapsulated,
}

/// VR of a tag in PS3.6's dictionary; `UN` when unknown.
pub(crate) fn dictionary_vr(tag: Tag) -> &'static str {
    StandardDataDictionary.by_tag(core_tag(tag)).map_or("UN", |entry| entry.vr().relaxed().to_string())
}

/// Functional groups of all frames, and of each (PS3.3 C.7.6.16).
pub(crate) const SHARED_GROUPS: Tag = 0x5200_9229;
/// As above.
pub(crate) const FRAME_GROUPS: Tag = 0x5200_9230;

/// Items of a sequence; none when it is not there.
pub(crate) fn items(object: &InMemDicomObject, sequence: Tag) -> &[InMemDicomObject] {
    object.get(core_tag(sequence)).and_then(|element| element.items()).unwrap_or_default()
}

/// A value as text, trimmed; empty when it is not there.
pub(crate) fn text(object: &InMemDicomObject, tag: Tag) -> String {
    let text = object.get(core_tag(tag)).and_then(|element| element.to_str().ok());
    text.map(|text| text.trim_matches([' ', '\0']).to_owned()).unwrap_or_default()
}

/// Keyword of a tag in PS3.6's dictionary; empty when unknown, as of private ones.
#[must_use]
pub fn keyword(tag: Tag) -> &'static str {
    StandardDataDictionary.by_tag(core_tag(tag)).map_or("", |entry| entry.alias())
}

/// A tag of dicom-rs's as ours.
pub(crate) fn number(tag: dicom_core::Tag) -> Tag {
    Tag::from(tag.group()) << 16 | Tag::from(tag.element())
}

/// A tag of ours as dicom-rs's.
pub(crate) fn core_tag(tag: Tag) -> dicom_core::Tag {
    let [a, b, c, d] = tag.to_be_bytes();
    dicom_core::Tag(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

/// The plain transfer syntax of a data set so coded.
pub(crate) fn plain_syntax(coding: Coding) -> dicom_encoding::TransferSyntax {
    match coding {
        Coding::ImplicitLe => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        Coding::ExplicitBe => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
        _ => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
    }
}

/// Reads a head as [`crate::Intake`] kept it.
///
/// # Errors
/// Whatever the bounded walk refuses, and what dicom-rs cannot read.
pub fn read_head(head: &[u8]) -> Result<Head> {
    let (syntax, object) = read_object(head)?;
    let meta = meta_table(head, &object, syntax.as_str())?;
    Ok(Head { meta, object })
}

/// The data set before the pixel data of a file, whatever it is, and its transfer syntax.
pub(crate) fn read_object(head: &[u8]) -> Result<(Uid, InMemDicomObject)> {
    let meta = read_meta(head, true)?.ok_or(Error::NotPart10)?;
    let stored = head.get(meta.end..).unwrap_or_default();
    let inflated;
    let (bytes, coding) = if meta.coding == Coding::Deflated {
        inflated = inflate(stored)?;
        (inflated.as_slice(), Coding::ExplicitLe)
    } else if head.len() > limits::HEADER_BYTES {
        return Err(Error::TooLarge("header"));
    } else {
        (stored, meta.coding)
    };
    let (walker, _) = walk_whole(bytes, coding, 0)?;
    let end = walker.pixels.map_or(bytes.len(), |header| header.start);
    let syntax = plain_syntax(coding);
    let data = bytes.get(..end).unwrap_or_default();
    let mut object = InMemDicomObject::read_dataset_with_ts(data, &syntax).map_err(|_| Error::Unreadable)?;
    unknown::resolve(&mut object);
    words::resolve(&mut object);
    Ok((meta.syntax, object))
}

fn meta_table(head: &[u8], object: &InMemDicomObject, syntax: &str) -> Result<FileMetaTable> {
    if let Ok(meta) = FileMetaTable::from_reader(head.get(128..).unwrap_or_default()) {
        return Ok(meta);
    }
    // Meta information that dicom-rs refuses (a wrong group length, missing parts) is made anew from the data set.
    let text =
        |tag| object.get(tag).and_then(|e| e.to_str().ok()).map(|s| s.into_owned()).unwrap_or_default();
    meta_of(&text(std_tags::SOP_CLASS_UID), &text(std_tags::SOP_INSTANCE_UID), syntax)
}

/// A head for a data set that came without a file.
///
/// # Errors
/// The data set lacks its UIDs, or the transfer syntax is not known.
pub fn new_head(object: InMemDicomObject, syntax: &str) -> Result<Head> {
    Coding::of(syntax)?;
    let text = |tag| {
        object.get(tag).and_then(|e| e.to_str().ok()).map(|s| s.trim_end_matches(['\0', ' ']).to_owned())
    };
    let (class, instance) = (text(std_tags::SOP_CLASS_UID), text(std_tags::SOP_INSTANCE_UID));
    let missing = Error::Missing("SOP class or instance");
    let meta = meta_of(&class.ok_or(missing)?, &instance.ok_or(missing)?, syntax)?;
    Ok(Head { meta, object })
}

fn meta_of(class: &str, instance: &str, syntax: &str) -> Result<FileMetaTable> {
    FileMetaTableBuilder::new()
        .media_storage_sop_class_uid(class)
        .media_storage_sop_instance_uid(instance)
        .transfer_syntax(syntax)
        .implementation_class_uid(IMPLEMENTATION_CLASS_UID)
        .implementation_version_name(IMPLEMENTATION_VERSION)
        .build()
        .map_err(|_| Error::Missing("file meta information"))
}

/// Writes Part 10 bytes: zero preamble, fresh meta information with our implementation, explicit VR little endian.
/// The transfer syntax of `meta` stays when its data sets are explicit little endian (encapsulated ones); others
/// become Explicit VR Little Endian. Media storage UIDs follow the data set.
///
/// # Errors
/// The data set lacks its UIDs or cannot be encoded.
pub fn write_head(head: &Head) -> Result<Vec<u8>> {
    let uid = |tag| -> Result<String> {
        let element = head.object.get(tag).ok_or(Error::Missing("SOP class or instance"))?;
        let text = element.to_str().map_err(|_| Error::Missing("SOP class or instance"))?;
        Ok(text.trim_end_matches(['\0', ' ']).to_owned())
    };
    let stored = head.meta.transfer_syntax();
    let explicit = matches!(Coding::of(stored), Ok(Coding::ExplicitLe));
    let syntax = if explicit { stored } else { "1.2.840.10008.1.2.1" };
    let meta = meta_of(&uid(std_tags::SOP_CLASS_UID)?, &uid(std_tags::SOP_INSTANCE_UID)?, syntax)?;
    let mut out = vec![0; 128];
    out.extend_from_slice(b"DICM");
    meta.write(&mut out).map_err(|_| Error::Unreadable)?;
    let plain = TransferSyntaxRegistry.get("1.2.840.10008.1.2.1").ok_or(Error::TransferSyntax)?;
    head.object.write_dataset_with_ts(&mut out, plain).map_err(|_| Error::Unreadable)?;
    Ok(out)
}

/// Header of (7FE0,0010) in explicit little endian: OW for native, OB with undefined length for fragments
/// (PS3.5 A.4). The caller appends items and the sequence delimiter.
#[must_use]
pub fn pixel_data_header(length: PixelLength) -> Vec<u8> {
    let (vr, len) = match length {
        // 0xFFFFFFFF is the mark of undefined length, so the largest even length stands below it.
        PixelLength::Native(len) => (b"OW", len.saturating_add(len % 2).min(u32::MAX - 1)),
        PixelLength::Encapsulated => (b"OB", u32::MAX),
    };
    [&[0xE0, 0x7F, 0x10, 0x00][..], vr, &[0, 0], &len.to_le_bytes()].concat()
}
