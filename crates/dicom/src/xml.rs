//! The Native DICOM Model (PS3.19 A.1) as XML, made from its JSON twin.

use crate::dataset::core_tag;
use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
use dicom_dictionary_std::StandardDataDictionary;
use model::Tag;
use serde_json::Value;

/// A data set of [`crate::json`] as an XML document.
#[must_use]
pub fn from_json(data_set: &Value) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(
        "<NativeDicomModel xmlns=\"http://dicom.nema.org/PS3.19/models/NativeDICOM\" xml:space=\"preserve\">",
    );
    attributes(data_set, &mut out);
    out.push_str("</NativeDicomModel>");
    out
}

fn attributes(data_set: &Value, out: &mut String) {
    for (key, body) in data_set.as_object().into_iter().flatten() {
        let vr = body.get("vr").and_then(Value::as_str).unwrap_or("UN");
        let tag = Tag::from_str_radix(key, 16).unwrap_or(0);
        let keyword = StandardDataDictionary.by_tag(core_tag(tag)).map_or("", |entry| entry.alias());
        out.push_str(&format!("<DicomAttribute tag=\"{tag:08X}\" vr=\"{}\"", escaped(vr)));
        if !keyword.is_empty() {
            out.push_str(&format!(" keyword=\"{}\"", escaped(keyword)));
        }
        out.push('>');
        let values = body.get("Value").and_then(Value::as_array).into_iter().flatten();
        for (number, value) in values.enumerate().map(|(i, value)| (i + 1, value)) {
            one(vr, number, value, out);
        }
        if let Some(text) = body.get("InlineBinary").and_then(Value::as_str) {
            out.push_str(&format!("<InlineBinary>{}</InlineBinary>", escaped(text)));
        }
        if let Some(uri) = body.get("BulkDataURI").and_then(Value::as_str) {
            out.push_str(&format!("<BulkData uri=\"{}\"/>", escaped(uri)));
        }
        out.push_str("</DicomAttribute>");
    }
}

fn one(vr: &str, number: usize, value: &Value, out: &mut String) {
    match (vr, value) {
        (_, Value::Null) => out.push_str(&format!("<Value number=\"{number}\"/>")),
        ("SQ", item) => {
            out.push_str(&format!("<Item number=\"{number}\">"));
            attributes(item, out);
            out.push_str("</Item>");
        }
        ("PN", Value::Object(groups)) => {
            out.push_str(&format!("<PersonName number=\"{number}\">"));
            for key in ["Alphabetic", "Ideographic", "Phonetic"] {
                let Some(group) = groups.get(key).and_then(Value::as_str) else { continue };
                out.push_str(&format!("<{key}>"));
                let parts = ["FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"];
                for (part, text) in parts.iter().zip(group.split('^')).filter(|(_, text)| !text.is_empty()) {
                    out.push_str(&format!("<{part}>{}</{part}>", escaped(text)));
                }
                out.push_str(&format!("</{key}>"));
            }
            out.push_str("</PersonName>");
        }
        (_, Value::String(text)) => {
            out.push_str(&format!("<Value number=\"{number}\">{}</Value>", escaped(text)));
        }
        (_, other) => {
            out.push_str(&format!("<Value number=\"{number}\">{}</Value>", escaped(&other.to_string())))
        }
    }
}

/// XML 1.0 §2.2, §2.4: markup is escaped, characters that XML cannot hold become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
            '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_data_set() {
        let data_set = json!({
            "00080018": {"vr": "UI", "Value": ["1.2"]},
            "00081199": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [272]}}]},
            "00091001": {"vr": "UN", "InlineBinary": "AAE="},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A&B^C", "Ideographic": "王"}]},
            "00104000": {"vr": "LT", "Value": ["<\u{1}\n"]},
            "00280010": {"vr": "US"}
        });
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<NativeDicomModel \
            xmlns=\"http://dicom.nema.org/PS3.19/models/NativeDICOM\" xml:space=\"preserve\">\
            <DicomAttribute tag=\"00080018\" vr=\"UI\" keyword=\"SOPInstanceUID\"><Value number=\"1\">1.2</Value></DicomAttribute>\
            <DicomAttribute tag=\"00081199\" vr=\"SQ\" keyword=\"ReferencedSOPSequence\"><Item number=\"1\">\
            <DicomAttribute tag=\"00081197\" vr=\"US\" keyword=\"FailureReason\"><Value number=\"1\">272</Value></DicomAttribute>\
            </Item></DicomAttribute>\
            <DicomAttribute tag=\"00091001\" vr=\"UN\"><InlineBinary>AAE=</InlineBinary></DicomAttribute>\
            <DicomAttribute tag=\"00100010\" vr=\"PN\" keyword=\"PatientName\"><PersonName number=\"1\"><Alphabetic>\
            <FamilyName>A&amp;B</FamilyName><GivenName>C</GivenName></Alphabetic><Ideographic><FamilyName>王</FamilyName>\
            </Ideographic></PersonName></DicomAttribute>\
            <DicomAttribute tag=\"00104000\" vr=\"LT\" keyword=\"PatientComments\"><Value number=\"1\">&lt;\u{FFFD}&#10;</Value>\
            </DicomAttribute>\
            <DicomAttribute tag=\"00280010\" vr=\"US\" keyword=\"Rows\"></DicomAttribute></NativeDicomModel>";
        assert_eq!(from_json(&data_set), expected);
    }
}
