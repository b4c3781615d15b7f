//! DICOM JSON back into a data set, for STOW-RS (PS3.18 §10.5.2). Everything in it is from outside: depth and number of
//! elements are bounded, and nothing is guessed but a missing VR, which the dictionary gives.

use super::binary::is_binary;
use crate::dataset::{core_tag, dictionary_vr};
use crate::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_object::InMemDicomObject;
use model::{Tag, limits, tags};
use serde_json::Value;

const MALFORMED: Error = Error::Malformed("DICOM JSON");
/// (7FE0,0010): not part of the data set that is read here; it flows beside it.
pub const PIXEL_DATA: Tag = 0x7FE0_0010;

/// Bytes of the value at an address, for those that stand outside the JSON.
pub type Bulk<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// The data set, without pixel data and group lengths, in UTF-8.
///
/// # Errors
/// It is no DICOM JSON, a bound is exceeded, or a bulk value is missing.
pub fn to_object(value: &Value, bulk: Bulk<'_>) -> Result<InMemDicomObject> {
    let mut reader = Reader { bulk, elements: 0 };
    let mut object = reader.object(value, 0)?;
    let utf8 = PrimitiveValue::from("ISO_IR 192");
    object.put(DataElement::new(core_tag(tags::SPECIFIC_CHARACTER_SET), VR::CS, utf8));
    Ok(object)
}

struct Reader<'a> {
    bulk: Bulk<'a>,
    elements: usize,
}

impl Reader<'_> {
    fn object(&mut self, value: &Value, depth: usize) -> Result<InMemDicomObject> {
        if depth > limits::SEQUENCE_DEPTH {
            return Err(Error::TooLarge("depth of sequences"));
        }
        let mut out = InMemDicomObject::new_empty();
        for (key, body) in value.as_object().ok_or(MALFORMED)? {
            self.elements += 1;
            if self.elements > limits::ELEMENTS {
                return Err(Error::TooLarge("number of elements"));
            }
            let tag = tag_of(key).ok_or(MALFORMED)?;
            let own = tag == tags::SPECIFIC_CHARACTER_SET || tag == PIXEL_DATA && depth == 0;
            // Group 0002 is the file's, written anew; group lengths mean nothing.
            if own || tag >> 16 <= 2 || tag & 0xFFFF == 0 {
                continue;
            }
            if tag >> 16 >= 0xFFFE {
                return Err(MALFORMED);
            }
            out.put(self.element(tag, body, depth)?);
        }
        Ok(out)
    }

    fn element(&mut self, tag: Tag, body: &Value, depth: usize) -> Result<dicom_object::mem::InMemElement> {
        let vr = body.get("vr").and_then(Value::as_str).unwrap_or_else(|| dictionary_vr(tag));
        let vr: VR = vr.parse().map_err(|_| MALFORMED)?;
        let values = match body.get("Value") {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(values)) => values,
            Some(_) => return Err(MALFORMED),
        };
        if vr == VR::SQ {
            let items = values.iter().map(|item| match item {
                Value::Null => Ok(InMemDicomObject::new_empty()),
                item => self.object(item, depth + 1),
            });
            let items: Vec<InMemDicomObject> = items.collect::<Result<_>>()?;
            return Ok(DataElement::new(core_tag(tag), vr, DataSetSequence::from(items)));
        }
        let value = match (body.get("InlineBinary"), body.get("BulkDataURI")) {
            (Some(Value::String(text)), None) => {
                PrimitiveValue::U8(STANDARD.decode(text).map_err(|_| MALFORMED)?.into())
            }
            (None, Some(Value::String(uri))) => {
                let bytes = (self.bulk)(uri).ok_or(Error::Missing("bulk data"))?;
                if is_binary(vr) {
                    PrimitiveValue::U8(bytes.into())
                } else {
                    PrimitiveValue::from(String::from_utf8(bytes).map_err(|_| MALFORMED)?)
                }
            }
            (None, None) if is_binary(vr) => PrimitiveValue::Empty,
            (None, None) => primitive(vr, values)?,
            _ => return Err(MALFORMED),
        };
        Ok(DataElement::new(core_tag(tag), vr, value))
    }
}

fn primitive(vr: VR, values: &[Value]) -> Result<PrimitiveValue> {
    if values.is_empty() {
        return Ok(PrimitiveValue::Empty);
    }
    Ok(match vr {
        VR::US => PrimitiveValue::U16(numbers(values)?.into()),
        VR::SS => PrimitiveValue::I16(numbers(values)?.into()),
        VR::UL => PrimitiveValue::U32(numbers(values)?.into()),
        VR::SL => PrimitiveValue::I32(numbers(values)?.into()),
        VR::UV => PrimitiveValue::U64(numbers(values)?.into()),
        VR::SV => PrimitiveValue::I64(numbers(values)?.into()),
        VR::FL => PrimitiveValue::F32(numbers(values)?.into()),
        VR::FD => PrimitiveValue::F64(numbers(values)?.into()),
        VR::AT => {
            let tags = values.iter().map(|v| v.as_str().and_then(tag_of).map(core_tag).ok_or(MALFORMED));
            PrimitiveValue::Tags(tags.collect::<Result<Vec<_>>>()?.into())
        }
        VR::PN => PrimitiveValue::Strs(values.iter().map(person).collect::<Result<Vec<_>>>()?.into()),
        _ => PrimitiveValue::Strs(values.iter().map(text).collect::<Result<Vec<_>>>()?.into()),
    })
}

/// Numbers, also as text (F.2.3.1): through text, so that none is rounded or wraps.
fn numbers<T: std::str::FromStr>(values: &[Value]) -> Result<Vec<T>> {
    let one = |value: &Value| text(value)?.trim().parse().map_err(|_| MALFORMED);
    values.iter().map(one).collect()
}

fn text(value: &Value) -> Result<String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) if !text.contains('\0') => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(MALFORMED),
    }
}

fn person(value: &Value) -> Result<String> {
    let Value::Object(groups) = value else { return text(value) };
    let group = |key: &str| groups.get(key).map_or(Ok(String::new()), text);
    let all = [group("Alphabetic")?, group("Ideographic")?, group("Phonetic")?].join("=");
    Ok(all.trim_end_matches('=').to_owned())
}

fn tag_of(text: &str) -> Option<Tag> {
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    Tag::from_str_radix(text, 16).ok().filter(|_| digits)
}

/// Addresses of bulk values: those of the data set, and the pixel data's.
#[must_use]
pub fn references(value: &Value) -> (Vec<String>, Option<String>) {
    let (mut out, mut pixels) = (Vec::new(), None);
    let mut open: Vec<(&Value, usize)> = vec![(value, 0)];
    while let Some((object, depth)) = open.pop() {
        for (key, body) in object.as_object().into_iter().flatten() {
            if let Some(uri) = body.get("BulkDataURI").and_then(Value::as_str) {
                if depth == 0 && tag_of(key) == Some(PIXEL_DATA) {
                    pixels = Some(uri.to_owned());
                } else {
                    out.push(uri.to_owned());
                }
            }
            let items = body.get("Value").and_then(Value::as_array).into_iter().flatten();
            if depth < limits::SEQUENCE_DEPTH {
                open.extend(items.filter(|item| item.is_object()).map(|item| (item, depth + 1)));
            }
        }
    }
    (out, pixels)
}

/// Pixel data that stand in the JSON itself.
#[must_use]
pub fn inline_pixels(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value.get("7FE00010")?.get("InlineBinary")?.as_str()?).ok()
}

/// A first value as text.
#[must_use]
pub fn first_text(value: &Value, key: &str) -> Option<String> {
    text(value.get(key)?.get("Value")?.get(0)?).ok()
}

/// Bytes of all native frames, as the image pixel module says (PS3.3 C.7.6.3).
#[must_use]
pub fn native_len(value: &Value) -> Option<u64> {
    let number =
        |key: &str| first_text(value, key)?.trim().parse::<u64>().ok().filter(|n| *n <= u64::from(u32::MAX));
    let frames = number("00280008").unwrap_or(1);
    let samples = number("00280002")?;
    let factors = [number("00280010")?, number("00280011")?, samples, number("00280100")?, frames];
    let bits = factors.iter().try_fold(1u64, |all, n| all.checked_mul(*n))?;
    // PS3.3 C.7.6.3.1.2: one pair of chrominance samples for two pixels.
    let halved = first_text(value, "00280004").as_deref() == Some("YBR_FULL_422");
    Some(if halved { bits / 24 * 2 } else { bits.div_ceil(8) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::from_object;
    use serde_json::json;

    fn none(_: &str) -> Option<Vec<u8>> {
        None
    }

    #[test]
    fn what_is_written_is_read() {
        let mut given = json!({
            "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
            "00080018": {"vr": "UI", "Value": ["1.2.3"]},
            "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.4"]}}]},
            "00091001": {"vr": "UN", "InlineBinary": "AAEC/w=="},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小東"}]},
            "00100020": {"vr": "LO"},
            "00181050": {"vr": "DS", "Value": [0.5, -2]},
            "00200013": {"vr": "IS", "Value": [7]},
            "00209165": {"vr": "AT", "Value": ["00189087"]},
            "00280010": {"vr": "US", "Value": [65535]},
            "00186011": {"vr": "SL", "Value": [-5]},
            "00189087": {"vr": "FD", "Value": [1e-9]}
        });
        let object = to_object(&given, &none).unwrap();
        given.as_object_mut().unwrap().sort_keys();
        let mut back = from_object(&object, None);
        back.as_object_mut().unwrap().sort_keys();
        assert_eq!(back, given);
    }

    #[test]
    fn bulk_values_are_asked_for() {
        let given = json!({
            "00282000": {"vr": "OB", "BulkDataURI": "a"},
            "54000100": {"vr": "SQ", "Value": [{"54001010": {"vr": "OW", "BulkDataURI": "b"}}]},
            "7FE00010": {"vr": "OW", "BulkDataURI": "c"}
        });
        let (mut values, pixels) = references(&given);
        values.sort();
        assert_eq!((values, pixels), (vec!["a".to_owned(), "b".to_owned()], Some("c".to_owned())));
        assert_eq!(to_object(&given, &none), Err(Error::Missing("bulk data")));
        let object = to_object(&given, &|uri| Some(uri.as_bytes().to_vec())).unwrap();
        assert_eq!(crate::json::value_at(&object, "54000100.0.54001010"), Some(b"b".to_vec()));
        assert!(object.get(core_tag(PIXEL_DATA)).is_none());
    }

    #[test]
    fn nonsense_is_refused() {
        let deep = (0..=limits::SEQUENCE_DEPTH)
            .fold(json!({}), |inner, _| json!({"00081140": {"vr": "SQ", "Value": [inner]}}));
        assert_eq!(to_object(&deep, &none), Err(Error::TooLarge("depth of sequences")));
        for bad in [
            json!([]),
            json!({"0008001": {"vr": "UI"}}),
            json!({"+0080018": {"vr": "UI"}}),
            json!({"00080018": {"vr": "XX"}}),
            json!({"00080018": {"vr": "UI", "Value": "1.2"}}),
            json!({"00080018": {"vr": "UI", "Value": [{}]}}),
            json!({"00280010": {"vr": "US", "Value": [65536]}}),
            json!({"00280010": {"vr": "US", "Value": [1.5]}}),
            json!({"00091001": {"vr": "UN", "InlineBinary": "!"}}),
            json!({"00091001": {"vr": "UN", "InlineBinary": "", "BulkDataURI": "x"}}),
            json!({"FFFEE000": {"vr": "UN"}}),
        ] {
            assert_eq!(to_object(&bad, &none), Err(MALFORMED), "{bad}");
        }
    }

    #[test]
    fn lengths_of_native_pixels() {
        let image = |rows: u64, bits: u64, photometric: &str, samples: u64| {
            json!({
                "00280002": {"vr": "US", "Value": [samples]}, "00280004": {"vr": "CS", "Value": [photometric]},
                "00280008": {"vr": "IS", "Value": ["3"]}, "00280010": {"vr": "US", "Value": [rows]},
                "00280011": {"vr": "US", "Value": [4]}, "00280100": {"vr": "US", "Value": [bits]}
            })
        };
        assert_eq!(native_len(&image(5, 16, "MONOCHROME2", 1)), Some(120));
        assert_eq!(native_len(&image(5, 1, "MONOCHROME2", 1)), Some(8));
        assert_eq!(native_len(&image(4, 8, "YBR_FULL_422", 3)), Some(96));
        assert_eq!(native_len(&image(u64::from(u32::MAX), u64::from(u32::MAX), "RGB", 3)), None);
        assert_eq!(native_len(&json!({})), None);
    }
}
