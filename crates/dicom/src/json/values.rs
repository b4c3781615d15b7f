//! Values by VR (PS3.18 Table F.2.3-1).

use model::{Attributes, Item, Plain, Tag};
use serde_json::{Map, Value, json};

/// Digits that every decimal keeps on its way through a double.
const EXACT_DIGITS: usize = 15;
/// Whole numbers beyond this lose digits in JavaScript (RFC 8259 §6).
const EXACT_WHOLE: i64 = (1 << 53) - 1;

/// Indexed attributes as JSON, e.g. an answer to QIDO-RS.
#[must_use]
pub fn from_attributes(attributes: &Attributes) -> Value {
    let mut out = Map::new();
    for (tag, attribute) in attributes.iter() {
        let mut body = Map::new();
        body.insert("vr".to_owned(), json!(attribute.vr.as_str()));
        if !attribute.items.is_empty() {
            let items: Vec<Value> = attribute.items.iter().map(from_item).collect();
            body.insert("Value".to_owned(), Value::Array(items));
        } else if let Some(value) = values(attribute.vr.as_str(), &attribute.values) {
            body.insert("Value".to_owned(), value);
        }
        out.insert(format!("{tag:08X}"), Value::Object(body));
    }
    Value::Object(out)
}

fn from_item(item: &Item) -> Value {
    let one = |(tag, plain): (&Tag, &Plain)| {
        let mut body = Map::new();
        body.insert("vr".to_owned(), json!(plain.vr.as_str()));
        if let Some(value) = values(plain.vr.as_str(), &plain.values) {
            body.insert("Value".to_owned(), value);
        }
        (format!("{tag:08X}"), Value::Object(body))
    };
    Value::Object(item.iter().map(one).collect())
}

/// An empty value is `null` beside others, nothing alone (F.2.5).
pub fn values(vr: &str, texts: &[String]) -> Option<Value> {
    if texts.iter().all(String::is_empty) {
        return None;
    }
    let one = |text: &String| match vr {
        _ if text.is_empty() => Value::Null,
        "PN" => person(text),
        "IS" | "DS" | "US" | "SS" | "UL" | "SL" | "UV" | "SV" | "FL" | "FD" => number(text),
        _ => json!(text),
    };
    Some(Value::Array(texts.iter().map(one).collect()))
}

/// Names of persons; one without any group is `null`.
pub fn person_names(texts: &[String]) -> Option<Value> {
    let all: Vec<Value> = texts.iter().map(|text| person(text)).collect();
    all.iter().any(|one| !one.is_null()).then_some(Value::Array(all))
}

/// A number where no reader loses a digit of it; else its text, which F.2.3.1 allows for decimal and 64-bit values.
fn number(text: &str) -> Value {
    if let Ok(whole) = text.parse::<i64>() {
        return if whole.abs() <= EXACT_WHOLE { json!(whole) } else { json!(text) };
    }
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|b| *b == b'0').count();
    let value = text.parse::<f64>().ok();
    match value {
        Some(value) if value.is_finite() && digits <= EXACT_DIGITS => json!(value),
        // `parse` knows more words than JSON's readers do.
        Some(value) if value.is_nan() => json!("NaN"),
        Some(value) if value == f64::INFINITY && digits == 0 => json!("Infinity"),
        Some(value) if value == f64::NEG_INFINITY && digits == 0 => json!("-Infinity"),
        _ => json!(text),
    }
}

/// Groups that are not empty (F.2.2); trailing delimiters say nothing (PS3.5 §6.2.1).
fn person(text: &str) -> Value {
    let mut out = Map::new();
    for (key, part) in ["Alphabetic", "Ideographic", "Phonetic"].into_iter().zip(text.split('=')) {
        let part = part.trim_end_matches(['^', ' ']);
        if !part.is_empty() {
            out.insert(key.to_owned(), json!(part));
        }
    }
    if out.is_empty() { Value::Null } else { Value::Object(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PS3.18 F.2.1.1.2's first result, without the attributes that are no text.
    #[test]
    fn the_standards_example() {
        let mut a = Attributes::new();
        a.set(0x0008_0020, *b"DA", ["20130409".to_owned()]);
        a.set(0x0008_0050, *b"SH", ["11235813".to_owned()]);
        a.set(0x0008_0090, *b"PN", ["^Bob^^Dr.".to_owned()]);
        a.set(0x0010_0010, *b"PN", ["Wang^XiaoDong=王^小東".to_owned()]);
        a.set(0x0010_0040, *b"CS", []);
        a.set(0x0020_1206, *b"IS", ["4".to_owned()]);
        let golden = json!({
            "00080020": {"vr": "DA", "Value": ["20130409"]},
            "00080050": {"vr": "SH", "Value": ["11235813"]},
            "00080090": {"vr": "PN", "Value": [{"Alphabetic": "^Bob^^Dr."}]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小東"}]},
            "00100040": {"vr": "CS"},
            "00201206": {"vr": "IS", "Value": [4]}
        });
        assert_eq!(from_attributes(&a), golden);
    }

    #[test]
    fn empty_values_beside_others_are_null() {
        assert_eq!(values("LO", &["".to_owned(), "B".to_owned()]), Some(json!([null, "B"])));
        assert_eq!(values("DS", &["1.5".to_owned(), "x".to_owned()]), Some(json!([1.5, "x"])));
        assert_eq!(person_names(&["^^^^".to_owned(), String::new()]), None);
        assert_eq!(person_names(&["".to_owned(), "A=".to_owned()]), Some(json!([null, {"Alphabetic": "A"}])));
    }

    #[test]
    fn numbers_lose_no_digit() {
        let check = |text: &str, expected: Value| assert_eq!(number(text), expected, "{text}");
        check("4", json!(4));
        check("+004", json!(4));
        check("-0.50", json!(-0.5));
        check("1.5e-3", json!(0.0015));
        check("0.123456789012345", json!(0.123_456_789_012_345));
        check("0.12345678901234", json!(0.123_456_789_012_34));
        check("1.234567890123456", json!("1.234567890123456"));
        check("9007199254740991", json!(9_007_199_254_740_991_i64));
        check("9007199254740993", json!("9007199254740993"));
        check("18446744073709551615", json!("18446744073709551615"));
        check("1e999", json!("1e999"));
        check("NaN", json!("NaN"));
        check("inf", json!("Infinity"));
        check("-inf", json!("-Infinity"));
        check("12 mm", json!("12 mm"));
    }
}
