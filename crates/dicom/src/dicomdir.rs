//! DICOMDIR (PS3.3 Annex F, PS3.10 §8): which files it names, and one for files that leave.

use crate::dataset::read_head;
use crate::{Error, Result};
use dicom_dictionary_std::tags;

/// Directory records of one file.
pub const RECORDS: usize = 1_000_000;
/// Media Storage Directory Storage.
const CLASS: &str = "1.2.840.10008.1.3.10";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// Paths of the files that a DICOMDIR names, below its folder, in its order. A component is 1 to 8 characters of upper-case
/// letters, digits and underscores (PS3.10 §8.2); older media have others, so only what could leave the folder is refused.
///
/// # Errors
/// Not a DICOMDIR, or above a limit.
pub fn referenced_files(bytes: &[u8]) -> Result<Vec<Vec<String>>> {
    let head = read_head(bytes)?;
    if head.meta.media_storage_sop_class_uid.trim_end_matches('\0') != CLASS {
        return Err(Error::Missing("directory of a file-set"));
    }
    let records = head.object.get(tags::DIRECTORY_RECORD_SEQUENCE).and_then(|e| e.items());
    let records = records.ok_or(Error::Missing("directory records"))?;
    if records.len() > RECORDS {
        return Err(Error::TooLarge("directory records"));
    }
    let mut out = Vec::new();
    for record in records {
        let Some(element) = record.get(tags::REFERENCED_FILE_ID) else { continue };
        let Ok(parts) = element.to_multi_str() else { continue };
        let parts: Vec<String> = parts.iter().map(|part| part.trim().to_owned()).collect();
        let inside =
            |part: &String| !part.is_empty() && part != "." && part != ".." && !part.contains(['/', '\0']);
        if parts.iter().all(inside) && !parts.is_empty() {
            out.push(parts);
        }
    }
    Ok(out)
}

/// What a directory says of one file: as the file itself says it, so that nothing leaves here that does not leave there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Path below the folder, at most eight components of at most eight characters.
    pub file: Vec<String>,
    /// (0010,0020).
    pub patient_id: String,
    /// (0010,0021).
    pub issuer: String,
    /// (0010,0010).
    pub patient_name: String,
    /// (0020,000D).
    pub study: String,
    /// (0008,0020).
    pub study_date: String,
    /// (0008,0030).
    pub study_time: String,
    /// (0008,0050).
    pub accession: String,
    /// (0008,1030).
    pub study_description: String,
    /// (0020,0010).
    pub study_id: String,
    /// (0020,000E).
    pub series: String,
    /// (0008,0060).
    pub modality: String,
    /// (0020,0011).
    pub series_number: String,
    /// (0008,0016).
    pub class: String,
    /// (0008,0018).
    pub instance: String,
    /// (0020,0013).
    pub number: String,
    /// Of the file.
    pub syntax: String,
}

impl Listed {
    /// Of a file's head.
    ///
    /// # Errors
    /// As [`read_head`].
    pub fn of(head: &[u8]) -> Result<Self> {
        let head = read_head(head)?;
        let text = |tag| {
            let text = head.object.get(tag).and_then(|e| e.to_str().ok()).map(|s| s.into_owned());
            text.unwrap_or_default().trim_end_matches(['\0', ' ']).to_owned()
        };
        Ok(Self {
            file: Vec::new(),
            patient_id: text(tags::PATIENT_ID),
            issuer: text(tags::ISSUER_OF_PATIENT_ID),
            patient_name: text(tags::PATIENT_NAME),
            study: text(tags::STUDY_INSTANCE_UID),
            study_date: text(tags::STUDY_DATE),
            study_time: text(tags::STUDY_TIME),
            accession: text(tags::ACCESSION_NUMBER),
            study_description: text(tags::STUDY_DESCRIPTION),
            study_id: text(tags::STUDY_ID),
            series: text(tags::SERIES_INSTANCE_UID),
            modality: text(tags::MODALITY),
            series_number: text(tags::SERIES_NUMBER),
            class: text(tags::SOP_CLASS_UID),
            instance: text(tags::SOP_INSTANCE_UID),
            number: text(tags::INSTANCE_NUMBER),
            syntax: head.meta.transfer_syntax().trim_end_matches('\0').to_owned(),
        })
    }
}

/// Writes the directory of these files.
///
/// # Errors
/// [`Error::TooLarge`]: more records than offsets of 32 bits can name.
pub fn write(uid: &str, listed: &[Listed]) -> Result<Vec<u8>> {
    let records = tree(listed);
    let head = preface(uid);
    // Tag, VR, two reserved bytes and length of the sequence, behind the fixed elements of the directory itself.
    let first = (head.len() + FIXED) as u64;
    let mut at = first;
    let mut offsets = Vec::with_capacity(records.len());
    for record in &records {
        offsets.push(u32::try_from(at).map_err(|_| Error::TooLarge("directory"))?);
        at += 8 + record.bytes(0, 0).len() as u64;
    }
    let length = u32::try_from(at - first).map_err(|_| Error::TooLarge("directory"))?;
    let of = |index: Option<usize>| index.and_then(|i| offsets.get(i)).copied().unwrap_or(0);
    let last = records.iter().rposition(|record| record.depth == 0);
    let mut out = head;
    element(&mut out, 0x0004_1130, b"CS", b"");
    element(&mut out, 0x0004_1200, b"UL", &of(records.first().map(|_| 0)).to_le_bytes());
    element(&mut out, 0x0004_1202, b"UL", &of(last).to_le_bytes());
    element(&mut out, 0x0004_1212, b"US", &0u16.to_le_bytes());
    out.extend(tag(0x0004_1220));
    out.extend(b"SQ\0\0");
    out.extend(length.to_le_bytes());
    for (index, record) in records.iter().enumerate() {
        let rest = || records.iter().enumerate().skip(index + 1);
        let end = rest().find(|(_, other)| other.depth < record.depth).map_or(records.len(), |(i, _)| i);
        let next = rest().take_while(|(i, _)| *i < end).find(|(_, other)| other.depth == record.depth);
        let lower = records.get(index + 1).filter(|other| other.depth > record.depth).map(|_| index + 1);
        let bytes = record.bytes(of(next.map(|(i, _)| i)), of(lower));
        out.extend(tag(0xFFFE_E000));
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend(bytes);
    }
    Ok(out)
}

/// Bytes of the directory's own elements before its first record.
const FIXED: usize = 8 + 12 + 12 + 10 + 12;

/// One directory record (PS3.3 F.5), without its offsets.
struct Record {
    depth: u8,
    kind: &'static [u8],
    rest: Vec<u8>,
}

impl Record {
    fn bytes(&self, next: u32, lower: u32) -> Vec<u8> {
        let mut out = Vec::new();
        element(&mut out, 0x0004_1400, b"UL", &next.to_le_bytes());
        element(&mut out, 0x0004_1410, b"US", &0xFFFFu16.to_le_bytes());
        element(&mut out, 0x0004_1420, b"UL", &lower.to_le_bytes());
        element(&mut out, 0x0004_1430, b"CS", self.kind);
        out.extend_from_slice(&self.rest);
        out
    }
}

/// Records of patients, studies, series and files, each before what is below it.
fn tree(listed: &[Listed]) -> Vec<Record> {
    let mut sorted: Vec<&Listed> = listed.iter().collect();
    // A number is of one issuer; without a number each study is somebody else's.
    let patient = |l: &Listed| {
        let nobody = if l.patient_id.is_empty() { l.study.as_str() } else { "" };
        [&l.patient_id, &l.issuer, nobody].join("\n")
    };
    let key = |l: &Listed| (patient(l), l.study.clone(), l.series.clone());
    sorted.sort_by_key(|l| key(l));
    let (mut out, mut before) = (Vec::new(), None::<(String, String, String)>);
    let mut patients = 0;
    for one in sorted {
        let (patient, study, series) = key(one);
        let same = |depth: u8| {
            before.as_ref().is_some_and(|(p, st, se)| {
                *p == patient && (depth < 1 || *st == study) && (depth < 2 || *se == series)
            })
        };
        let levels = [same(0), same(1), same(2)];
        for (depth, known) in (0u8..).zip(levels) {
            if !known {
                patients += u32::from(depth == 0);
                out.push(upper(depth, one, patients));
            }
        }
        out.push(file(one));
        before = Some((patient, study, series));
    }
    out
}

/// Texts stand here as UTF-8, whatever their files are in, and say so where it matters (PS3.3 §C.12.1.1.2).
fn upper(depth: u8, one: &Listed, patients: u32) -> Record {
    let mut rest = Vec::new();
    let texts = match depth {
        0 => &[&one.patient_name, &one.patient_id][..],
        1 => &[&one.accession, &one.study_description, &one.study_id],
        _ => &[],
    };
    if !texts.iter().all(|text| text.is_ascii()) {
        words(&mut rest, 0x0008_0005, b"CS", "ISO_IR 192");
    }
    let mut put = |tag, vr: &[u8; 2], text: &str| words(&mut rest, tag, vr, text);
    let kind: &[u8] = match depth {
        0 => {
            put(0x0010_0010, b"PN", &one.patient_name);
            // Type 1 here (PS3.3 F.5.1).
            let nobody = format!("NONE-{patients}");
            put(0x0010_0020, b"LO", if one.patient_id.is_empty() { &nobody } else { &one.patient_id });
            b"PATIENT"
        }
        1 => {
            put(0x0008_0020, b"DA", &one.study_date);
            put(0x0008_0030, b"TM", &one.study_time);
            put(0x0008_0050, b"SH", &one.accession);
            put(0x0008_1030, b"LO", &one.study_description);
            put(0x0020_000D, b"UI", &one.study);
            put(0x0020_0010, b"SH", &one.study_id);
            b"STUDY"
        }
        _ => {
            put(0x0008_0060, b"CS", &one.modality);
            put(0x0020_000E, b"UI", &one.series);
            put(0x0020_0011, b"IS", &one.series_number);
            b"SERIES"
        }
    };
    Record { depth, kind, rest }
}

fn file(one: &Listed) -> Record {
    let mut rest = Vec::new();
    let mut put = |tag, vr: &[u8; 2], text: &str| words(&mut rest, tag, vr, text);
    put(0x0004_1500, b"CS", &one.file.join("\\"));
    put(0x0004_1510, b"UI", &one.class);
    put(0x0004_1511, b"UI", &one.instance);
    put(0x0004_1512, b"UI", &one.syntax);
    put(0x0020_0013, b"IS", &one.number);
    Record { depth: 3, kind: b"IMAGE", rest }
}

/// Preamble and file meta information (PS3.10 §7.1).
fn preface(uid: &str) -> Vec<u8> {
    let mut group = Vec::new();
    // OB has a long form of its own.
    group.extend(tag(0x0002_0001));
    group.extend(b"OB\0\0\x02\0\0\0\0\x01");
    words(&mut group, 0x0002_0002, b"UI", CLASS);
    words(&mut group, 0x0002_0003, b"UI", uid);
    words(&mut group, 0x0002_0010, b"UI", EXPLICIT);
    words(&mut group, 0x0002_0012, b"UI", crate::IMPLEMENTATION_CLASS_UID);
    words(&mut group, 0x0002_0013, b"SH", crate::IMPLEMENTATION_VERSION);
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    element(&mut out, 0x0002_0000, b"UL", &(group.len() as u32).to_le_bytes());
    out.extend(group);
    out
}

fn tag(tag: u32) -> [u8; 4] {
    let [a, b, c, d] = tag.to_be_bytes();
    [b, a, d, c]
}

fn words(out: &mut Vec<u8>, tag: u32, vr: &[u8; 2], text: &str) {
    element(out, tag, vr, text.as_bytes());
}

/// An element in explicit little endian with a short length, padded to even.
fn element(out: &mut Vec<u8>, number: u32, vr: &[u8; 2], value: &[u8]) {
    let value = value.get(..value.len().min(0xFFFE)).unwrap_or_default();
    out.extend(tag(number));
    out.extend(vr);
    out.extend((value.len().next_multiple_of(2) as u16).to_le_bytes());
    out.extend(value);
    if value.len() % 2 == 1 {
        out.push(if vr == b"UI" { 0 } else { b' ' });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(patient: &str, study: &str, series: &str, number: u32) -> Listed {
        Listed {
            file: vec!["DICOM".into(), format!("IM{number:06}")],
            patient_id: patient.into(),
            study: study.into(),
            series: series.into(),
            class: "1.2.840.10008.5.1.4.1.1.2".into(),
            instance: format!("1.2.{number}"),
            syntax: EXPLICIT.into(),
            ..Listed::default()
        }
    }

    #[test]
    fn what_is_written_names_its_files() {
        let all: Vec<Listed> =
            [("A", "1.1", "1.1.1"), ("B", "1.2", "1.2.1"), ("A", "1.1", "1.1.2"), ("A", "1.3", "1.3.1")]
                .iter()
                .zip(1..)
                .map(|((p, st, se), n)| listed(p, st, se, n))
                .collect();
        let bytes = write("2.25.1", &all).unwrap();
        let mut files = referenced_files(&bytes).unwrap();
        files.sort();
        assert_eq!(files, all.iter().map(|l| l.file.clone()).collect::<Vec<_>>());
        // The first root record lies where (0004,1200) says: an item.
        let at = bytes.windows(4).position(|w| w == tag(0x0004_1200)).unwrap();
        let first = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
        assert_eq!(bytes[first..first + 4], tag(0xFFFE_E000));
        assert!(referenced_files(&write("2.25.1", &[]).unwrap()).is_ok_and(|files| files.is_empty()));
    }

    #[test]
    fn paths_stay_inside() {
        let outside = |file: &[&str]| {
            let file = file.iter().map(|part| (*part).to_owned()).collect();
            let one = Listed { file, ..listed("A", "1.1", "1.1.1", 1) };
            referenced_files(&write("2.25.1", &[one]).unwrap()).unwrap()
        };
        assert_eq!(outside(&["..", "ETC"]), [] as [Vec<String>; 0]);
        assert_eq!(outside(&["A/B"]), [] as [Vec<String>; 0]);
        assert_eq!(outside(&["A", "B"]).len(), 1);
        assert!(referenced_files(b"no").is_err());
    }
}
