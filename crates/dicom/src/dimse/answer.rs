//! Answers to C-FIND (PS3.4 §C.4.1.1.3.2): the shape of the request, the values of the match, in its character set.

use super::dataset::{Element, Elements, Value, text};
use super::identifier::{Level, QUERY_RETRIEVE_LEVEL, RETRIEVE_AE_TITLE, Search};
use crate::charset::Charsets;
use model::{Attributes, Item, Plain, Tag, tags};

/// One answer as a data set. `ours`: the AE title from which the match can be retrieved.
#[must_use]
pub fn answer(search: &Search, found: &Attributes, ours: &str) -> Elements {
    let asked = Charsets::new(&search.charset);
    match shaped(search, found, ours, &asked) {
        Some(elements) => elements,
        // PS3.4 §C.4.1.1.3.2: another character set than asked for where that one cannot say it.
        None => shaped(search, found, ours, &Charsets::utf8()).unwrap_or_default(),
    }
}

fn shaped(search: &Search, found: &Attributes, ours: &str, charsets: &Charsets) -> Option<Elements> {
    let retrieved = [
        text(QUERY_RETRIEVE_LEVEL, b"CS", search.level.as_str()),
        text(RETRIEVE_AE_TITLE, b"AE", ours),
        text(tags::INSTANCE_AVAILABILITY, b"CS", "ONLINE"),
    ];
    // What is scheduled is not there to be retrieved.
    let mut out: Vec<Element> = retrieved.into_iter().filter(|_| search.level != Level::Step).collect();
    let mut ascii = true;
    let fixed =
        [tags::SPECIFIC_CHARACTER_SET, QUERY_RETRIEVE_LEVEL, RETRIEVE_AE_TITLE, tags::INSTANCE_AVAILABILITY];
    for element in search.shape.iter().filter(|e| !fixed.contains(&e.tag)) {
        let attribute = found.get(element.tag);
        let value = match (&element.value, attribute) {
            (Value::Items(asked), Some(attribute)) => {
                let shape = asked.first().filter(|item| !item.is_empty());
                let items = attribute.items.iter().map(|item| inner(item, shape, charsets, &mut ascii));
                Value::Items(items.collect::<Option<_>>()?)
            }
            (Value::Items(_), None) => Value::Items(Vec::new()),
            (Value::Bytes(_), attribute) => {
                let values = attribute.map(|a| a.values.as_slice()).unwrap_or_default();
                Value::Bytes(bytes(element.vr, values, charsets, &mut ascii)?)
            }
        };
        out.push(Element { tag: element.tag, vr: element.vr, value });
    }
    if !ascii || charsets.declares() {
        out.push(text(tags::SPECIFIC_CHARACTER_SET, b"CS", &charsets.terms()));
    }
    Some(out)
}

/// One item of a sequence: what was asked for in it, or all that is known of it.
fn inner(item: &Item, shape: Option<&Elements>, charsets: &Charsets, ascii: &mut bool) -> Option<Elements> {
    let one = |tag: Tag, vr: [u8; 2], plain: Option<&Plain>, ascii: &mut bool| {
        let values = plain.map(|p| p.values.as_slice()).unwrap_or_default();
        Some(Element { tag, vr, value: Value::Bytes(bytes(vr, values, charsets, ascii)?) })
    };
    match shape {
        Some(shape) => shape.iter().map(|e| one(e.tag, e.vr, item.get(&e.tag), ascii)).collect(),
        None => item.iter().map(|(tag, plain)| one(*tag, plain.vr.0, Some(plain), ascii)).collect(),
    }
}

/// The value of an element; nothing when the character set cannot say it.
fn bytes(vr: [u8; 2], values: &[String], charsets: &Charsets, ascii: &mut bool) -> Option<Vec<u8>> {
    let numbers = values.iter().filter_map(|v| v.trim().parse::<i64>().ok());
    match &vr {
        b"US" | b"SS" => Some(numbers.flat_map(|n| n.to_le_bytes().into_iter().take(2)).collect()),
        b"UL" | b"SL" => Some(numbers.flat_map(|n| n.to_le_bytes().into_iter().take(4)).collect()),
        b"OB" | b"OW" | b"OF" | b"OD" | b"OL" | b"OV" | b"UN" | b"AT" | b"FL" | b"FD" => Some(Vec::new()),
        // Only these depend on (0008,0005) (PS3.5 §6.1.2.3).
        b"SH" | b"LO" | b"ST" | b"LT" | b"PN" | b"UC" | b"UT" => {
            let joined = values.join("\\");
            *ascii &= joined.is_ascii();
            charsets.encode(&joined)
        }
        _ => Some(values.join("\\").into_bytes()),
    }
}
