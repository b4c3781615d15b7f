//! Text with code extensions (PS3.5 §6.1.2.5). dicom-rs decodes by the first character set alone and leaves escape
//! sequences as they are; here such text is decoded again, and the data set says from then on that it is UTF-8.

use super::core_tag;
use crate::charset::Charsets;
use dicom_core::header::Header as _;
use dicom_core::value::Value;
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use model::{limits, tags};

/// Decodes again, nested data sets too: they inherit the character sets of the one around them (PS3.3 C.12.1.1.2).
pub fn resolve(object: &mut InMemDicomObject) {
    resolve_at(object, None, 0);
}

fn resolve_at(object: &mut InMemDicomObject, inherited: Option<&Charsets>, depth: usize) {
    if depth > limits::SEQUENCE_DEPTH {
        return;
    }
    let declaration = core_tag(tags::SPECIFIC_CHARACTER_SET);
    let own = object.get(declaration).and_then(|e| e.value().primitive());
    let own = own.map(|value| Charsets::new(value.to_multi_str().join("\\").as_bytes()));
    let Some(charsets) = own.as_ref().or(inherited).cloned() else {
        return nested(object, None, depth);
    };
    nested(object, Some(&charsets), depth);
    if !charsets.extended() {
        return;
    }
    let again: Vec<InMemElement> = object.iter().filter_map(|e| decoded(e, &charsets)).collect();
    for element in again {
        object.put(element);
    }
    if own.is_some() {
        object.put(DataElement::new(declaration, VR::CS, PrimitiveValue::from("ISO_IR 192")));
    }
}

fn nested(object: &mut InMemDicomObject, charsets: Option<&Charsets>, depth: usize) {
    let sequences: Vec<_> = object.iter().filter(|e| e.items().is_some()).map(|e| e.tag()).collect();
    for tag in sequences {
        object.update_value(tag, |value| {
            for item in value.items_mut().into_iter().flatten() {
                resolve_at(item, charsets, depth + 1);
            }
        });
    }
}

/// The element with its text as it was meant, when it holds an escape sequence.
fn decoded(element: &InMemElement, charsets: &Charsets) -> Option<InMemElement> {
    let many = matches!(element.vr(), VR::LO | VR::PN | VR::SH | VR::UC);
    if !many && !matches!(element.vr(), VR::LT | VR::ST | VR::UT) {
        return None;
    }
    let Value::Primitive(value) = element.value() else { return None };
    // A backslash may be half of a character: what was split at it is joined before it is decoded.
    let text = value.to_multi_str().join("\\");
    let raw = text.contains('\u{1B}').then(|| charsets.undo(&text))??;
    let value = if many {
        PrimitiveValue::Strs(charsets.values(&raw).into_iter().collect())
    } else {
        PrimitiveValue::from(charsets.decode(&raw))
    };
    Some(DataElement::new(element.tag(), element.vr(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(charset: &str, name: &[u8]) -> (String, String) {
        let element = |tag: [u8; 4], vr: &[u8; 2], value: &[u8]| {
            let mut value = value.to_vec();
            value.resize(value.len().next_multiple_of(2), b' ');
            [&tag[..], vr, &u16::try_from(value.len()).unwrap().to_le_bytes(), &value].concat()
        };
        let raw =
            [element([8, 0, 5, 0], b"CS", charset.as_bytes()), element([16, 0, 16, 0], b"PN", name)].concat();
        let syntax = dicom_transfer_syntax_registry::entries::EXPLICIT_VR_LITTLE_ENDIAN.erased();
        let mut object = InMemDicomObject::read_dataset_with_ts(raw.as_slice(), &syntax).unwrap();
        resolve(&mut object);
        let text = |tag| object.get(core_tag(tag)).unwrap().to_str().unwrap().trim_end().to_owned();
        (text(0x0010_0010), text(tags::SPECIFIC_CHARACTER_SET))
    }

    /// PS3.5 H.3.1, H.3.2, I.2, J.1, J.2, K.2, byte by byte.
    #[test]
    fn the_examples_of_the_standard() {
        let check = |charset: &str, name: &[u8], expected: &str| {
            assert_eq!(read(charset, name).0, expected, "{charset}");
        };
        check(
            "\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        );
        check(
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        );
        check(
            "\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=洪^吉洞=홍^길동",
        );
        check("ISO_IR 192", "Wang^XiaoDong=王^小東".as_bytes(), "Wang^XiaoDong=王^小東");
        check("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab", "Wang^XiaoDong=王^小东");
        check(
            "\\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
            "Zhang^XiaoDong=张^小东=",
        );
    }

    #[test]
    fn only_extended_text_is_declared_anew() {
        assert_eq!(read("\\ISO 2022 IR 87", b"A^B").1, "ISO_IR 192");
        assert_eq!(
            read("ISO_IR 100", b"Buc^J\xe9r\xf4me"),
            ("Buc^Jérôme".to_owned(), "ISO_IR 100".to_owned())
        );
    }
}
