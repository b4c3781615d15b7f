//! Studies of invented people: names in two scripts, a few hundred examinations a day, modalities as a hospital has them.

use dicom::Intake;
use model::InstanceFacts;

const FAMILY: &[(&str, &str)] = &[
    ("Wang", "王"),
    ("Li", "李"),
    ("Zhang", "张"),
    ("Liu", "刘"),
    ("Chen", "陈"),
    ("Yang", "杨"),
    ("Huang", "黄"),
    ("Zhao", "赵"),
    ("Wu", "吴"),
    ("Zhou", "周"),
    ("Xu", "徐"),
    ("Sun", "孙"),
    ("Ma", "马"),
    ("Zhu", "朱"),
    ("Hu", "胡"),
    ("Guo", "郭"),
    ("He", "何"),
    ("Lin", "林"),
    ("Gao", "高"),
    ("Luo", "罗"),
];
const GIVEN: &[(&str, &str)] = &[
    ("Wei", "伟"),
    ("Fang", "芳"),
    ("Na", "娜"),
    ("Xiuying", "秀英"),
    ("Min", "敏"),
    ("Jing", "静"),
    ("Li", "丽"),
    ("Qiang", "强"),
    ("Lei", "磊"),
    ("Jun", "军"),
    ("Yang", "洋"),
    ("Yong", "勇"),
    ("Yan", "艳"),
    ("Jie", "杰"),
    ("Tao", "涛"),
    ("Ming", "明"),
    ("Chao", "超"),
    ("Xiaodong", "小东"),
    ("Gang", "刚"),
    ("Guiying", "桂英"),
];
const LATIN: &[&str] = &["Doe^Jane", "Smith^Anna", "Meyer^Hans", "Garcia^Jose", "Novak^Eva", "Rossi^Luca"];
const KINDS: &[(&str, &str, &str)] = &[
    ("CT", "CT Thorax", "CHEST"),
    ("DX", "Chest PA", "CHEST"),
    ("MR", "MR Head", "HEAD"),
    ("CR", "Hand left", "HAND"),
    ("US", "US Abdomen", "ABDOMEN"),
    ("CT", "CT Abdomen", "ABDOMEN"),
];
/// A class without pixels: nothing is examined.
const RAW_DATA: &str = "1.2.840.10008.5.1.4.1.1.66";

/// One instance.
pub struct One {
    pub bytes: Vec<u8>,
    pub facts: InstanceFacts,
}

/// All instances, study by study.
pub struct Studies {
    of: [u32; 3],
    at: [u32; 2],
}

impl Studies {
    pub const fn new(studies: u32, series: u32, instances: u32) -> Self {
        Self { of: [studies, series, instances], at: [0, 0] }
    }
}

impl Iterator for Studies {
    type Item = One;

    fn next(&mut self) -> Option<One> {
        let ([studies, series, instances], [study, instance]) = (self.of, self.at);
        if study == studies {
            return None;
        }
        self.at = if instance + 1 == instances { [study + 1, 0] } else { [study, instance + 1] };
        let bytes = file(study, instance % series, instance);
        let mut intake = Intake::new();
        intake.push(&bytes).ok()?;
        let facts = intake.finish().ok()?.facts;
        Some(One { bytes, facts })
    }
}

/// A hash of a number: the same numbers make the same studies.
const fn mix(n: u32, salt: u32) -> usize {
    let mut x = (n as u64) << 32 | salt as u64;
    x = (x ^ x >> 31).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ x >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x >> 33) as usize
}

fn pick<T: Copy>(list: &[T], n: u32, salt: u32) -> Option<T> {
    list.get(mix(n, salt) % list.len()).copied()
}

fn name(patient: u32) -> String {
    if mix(patient, 1).is_multiple_of(8) {
        return pick(LATIN, patient, 2).unwrap_or_default().to_owned();
    }
    let (family, given) =
        (pick(FAMILY, patient, 3).unwrap_or_default(), pick(GIVEN, patient, 4).unwrap_or_default());
    format!("{}^{}={}^{}", family.0, given.0, family.1, given.1)
}

fn file(study: u32, series: u32, instance: u32) -> Vec<u8> {
    // One patient has two studies, as in a year of a hospital.
    let patient = study / 2;
    let uid = format!("2.25.7040.{study}");
    let kind = pick(KINDS, study, 5).unwrap_or_default();
    let modality = if series == 2 { "SR" } else { kind.0 };
    let day = mix(study, 6) % (365 * 5);
    let date = format!("{}{:02}{:02}", 2021 + day / 365, day % 365 / 31 + 1, day % 28 + 1);
    let minute = mix(study, 7) % 1440;
    let time = format!("{:02}{:02}{:02}", minute / 60, minute % 60, mix(study, 8) % 60);
    let mut out = vec![0; 128];
    out.extend_from_slice(b"DICM");
    let mut put = |tag: u32, vr: &[u8; 2], text: &str| element(&mut out, tag, vr, text);
    put(0x0002_0010, b"UI", "1.2.840.10008.1.2.1");
    put(0x0008_0005, b"CS", "ISO_IR 192");
    put(0x0008_0016, b"UI", RAW_DATA);
    put(0x0008_0018, b"UI", &format!("{uid}.{series}.{instance}"));
    put(0x0008_0020, b"DA", &date);
    put(0x0008_0030, b"TM", &time);
    put(0x0008_0050, b"SH", &format!("A{study:08}"));
    put(0x0008_0060, b"CS", modality);
    put(0x0008_0080, b"LO", "People's Hospital");
    put(0x0008_0090, b"PN", pick(LATIN, study, 9).unwrap_or_default());
    put(0x0008_1030, b"LO", kind.1);
    put(0x0008_103E, b"LO", if series == 0 { "Scout" } else { "1.0 B60f" });
    put(0x0010_0010, b"PN", &name(patient));
    put(0x0010_0020, b"LO", &format!("P{patient:07}"));
    put(
        0x0010_0030,
        b"DA",
        &format!(
            "{}{:02}{:02}",
            1930 + mix(patient, 10) % 90,
            mix(patient, 11) % 12 + 1,
            mix(patient, 12) % 28 + 1
        ),
    );
    put(0x0010_0040, b"CS", if mix(patient, 13).is_multiple_of(2) { "F" } else { "M" });
    put(0x0018_0015, b"CS", kind.2);
    put(0x0020_000D, b"UI", &uid);
    put(0x0020_000E, b"UI", &format!("{uid}.{series}"));
    put(0x0020_0010, b"SH", &(study % 100_000).to_string());
    put(0x0020_0011, b"IS", &(series + 1).to_string());
    put(0x0020_0013, b"IS", &(instance + 1).to_string());
    out
}

/// An element in explicit little endian (PS3.5 Table 7.1-2), padded to even length.
fn element(out: &mut Vec<u8>, tag: u32, vr: &[u8; 2], text: &str) {
    let [a, b, c, d] = tag.to_be_bytes();
    let mut value = text.as_bytes().to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == b"UI" { 0 } else { b' ' });
    }
    let len = u16::try_from(value.len()).unwrap_or(0);
    out.extend_from_slice(&[b, a, d, c]);
    out.extend_from_slice(vr);
    out.extend_from_slice(&len.to_le_bytes());
    out.append(&mut value);
}
