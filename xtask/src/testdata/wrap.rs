//! A PNG becomes a Digital X-Ray image (PS3.3 A.26); a DICOM file gets a demo identity.

use super::{Film, Patient, font};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR, dictionary::DataDictionary};
use dicom_dictionary_std::{StandardDataDictionary, tags as t, uids};
use dicom_object::{FileDicomObject, FileMetaTableBuilder, InMemDicomObject, open_file};
use sha2::{Digest, Sha256};
use std::path::Path;

type Object = InMemDicomObject<StandardDataDictionary>;

/// The film as a DICOM file.
pub fn film(sources: &Path, film: &Film, patient: &Patient) -> Result<Vec<u8>, String> {
    let path = sources.join(&film.source);
    let mut file = if film.source.ends_with(".png") { wrap(&path, film)? } else { read(&path)? };
    identify(&mut file, film, patient);
    let mut out = Vec::new();
    file.write_all(&mut out).map_err(|e| e.to_string())?;
    Ok(out)
}

fn read(path: &Path) -> Result<FileDicomObject<Object>, String> {
    let mut file = open_file(path).map_err(|e| e.to_string())?;
    let odd: Vec<Tag> = file.tags().filter(|tag| tag.group() % 2 == 1).collect();
    for tag in odd {
        file.remove_element(tag);
    }
    Ok(file)
}

fn wrap(path: &Path, film: &Film) -> Result<FileDicomObject<Object>, String> {
    let (mut picture, columns, rows) = gray(path)?;
    font::burn(&mut picture, columns, &film.burned);
    let mut object = Object::new_empty();
    let mut text = |tag, value: &str| set(&mut object, tag, value);
    text(t::SOP_CLASS_UID, uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION);
    text(t::MODALITY, "DX");
    text(t::BODY_PART_EXAMINED, "CHEST");
    text(t::VIEW_POSITION, &film.view);
    text(t::IMAGE_TYPE, "ORIGINAL\\PRIMARY");
    text(t::PRESENTATION_INTENT_TYPE, "FOR PRESENTATION");
    text(t::PHOTOMETRIC_INTERPRETATION, if film.deep { "MONOCHROME1" } else { "MONOCHROME2" });
    text(t::PRESENTATION_LUT_SHAPE, if film.deep { "INVERSE" } else { "IDENTITY" });
    text(t::IMAGER_PIXEL_SPACING, &format!("{0}\\{0}", 350.0 / columns.max(rows) as f64));
    text(t::BURNED_IN_ANNOTATION, if film.burned.is_empty() { "NO" } else { "YES" });
    text(t::MANUFACTURER, "Gauze demo");
    text(t::RESCALE_INTERCEPT, "0");
    text(t::RESCALE_SLOPE, "1");
    text(t::RESCALE_TYPE, "US");
    let (allocated, stored) = if film.deep { (16, 12) } else { (8, 8) };
    for (tag, value) in [
        (t::SAMPLES_PER_PIXEL, 1),
        (t::ROWS, rows),
        (t::COLUMNS, columns),
        (t::BITS_ALLOCATED, allocated),
        (t::BITS_STORED, stored),
        (t::HIGH_BIT, stored - 1),
        (t::PIXEL_REPRESENTATION, 0),
    ] {
        let value = u16::try_from(value).map_err(|e| e.to_string())?;
        object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
    }
    object.put(pixels(picture, film.deep));
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION)
        .media_storage_sop_instance_uid("1.2");
    object.with_meta(meta).map_err(|e| e.to_string())
}

fn gray(path: &Path) -> Result<(Vec<u8>, usize, usize), String> {
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    let mut decoder = png::Decoder::new(std::io::BufReader::new(file));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(|e| e.to_string())?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("too large")?];
    let info = reader.next_frame(&mut bytes).map_err(|e| e.to_string())?;
    bytes.truncate(info.buffer_size());
    let step = info.color_type.samples();
    let gray = bytes.chunks_exact(step).filter_map(|pixel| pixel.first().copied()).collect();
    Ok((gray, info.width as usize, info.height as usize))
}

/// 12-bit films are inverted, so that MONOCHROME1 shows them as they were.
fn pixels(picture: Vec<u8>, deep: bool) -> DataElement<Object> {
    if deep {
        let samples: Vec<u16> = picture.iter().map(|v| 4095 - u16::from(*v) * 16).collect();
        return DataElement::new(t::PIXEL_DATA, VR::OW, PrimitiveValue::U16(samples.into()));
    }
    let mut picture = picture;
    if picture.len() % 2 == 1 {
        picture.push(0);
    }
    DataElement::new(t::PIXEL_DATA, VR::OB, PrimitiveValue::U8(picture.into()))
}

fn identify(file: &mut FileDicomObject<Object>, film: &Film, patient: &Patient) {
    let sop = uid(&film.file);
    file.meta_mut().media_storage_sop_instance_uid = format!("{sop}\0").trim_end_matches('\0').to_owned();
    file.update_meta(|meta| meta.media_storage_sop_instance_uid.clone_from(&sop));
    let time = film.time.as_str();
    for (tag, value) in [
        (t::SPECIFIC_CHARACTER_SET, "ISO_IR 192"),
        (t::SOP_INSTANCE_UID, &sop),
        (t::STUDY_INSTANCE_UID, &uid(&film.accession)),
        (t::SERIES_INSTANCE_UID, &uid(&format!("{}-series", film.file))),
        (t::PATIENT_NAME, &patient.name),
        (t::PATIENT_ID, &patient.id),
        (t::ISSUER_OF_PATIENT_ID, "GAUZE-DEMO"),
        (t::PATIENT_SEX, &patient.sex),
        (t::PATIENT_BIRTH_DATE, &patient.birth),
        (t::ACCESSION_NUMBER, &film.accession),
        (t::STUDY_DATE, &film.date),
        (t::STUDY_TIME, time),
        (t::STUDY_DESCRIPTION, &film.description),
        (t::STUDY_ID, &film.accession),
        (t::SERIES_NUMBER, "1"),
        (t::INSTANCE_NUMBER, "1"),
        (t::REFERRING_PHYSICIAN_NAME, "Doctor^Demo"),
        (t::INSTITUTION_NAME, "Gauze Demo Hospital"),
    ] {
        set(file, tag, value);
    }
    for tag in [t::PATIENT_AGE, t::PATIENT_ADDRESS, t::OPERATORS_NAME, t::SERIES_DATE] {
        file.remove_element(tag);
    }
}

fn set(object: &mut Object, tag: Tag, value: &str) {
    let vr = StandardDataDictionary.by_tag(tag).map_or(VR::LO, |entry| match entry.vr {
        dicom_core::dictionary::VirtualVr::Exact(vr) => vr,
        _ => VR::LO,
    });
    let values: Vec<String> = value.split('\\').map(str::to_owned).collect();
    object.put(DataElement::new(tag, vr, PrimitiveValue::Strs(values.into())));
}

/// A UID of the `2.25` root (PS3.5 B.2) from a name.
fn uid(name: &str) -> String {
    let digest = Sha256::digest(format!("gauze demo {name}").as_bytes());
    let number = digest.iter().take(15).fold(0u128, |n, byte| n << 8 | u128::from(*byte));
    format!("2.25.{number}")
}
