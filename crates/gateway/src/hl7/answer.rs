//! Acknowledgements (HL7 v2.5.1 §2.14.1 ACK; MSA, ERR).

use super::act::Cause;
use super::message::{Message, Segment};

/// HL7 Table 0008, original mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// AA.
    Accept,
    /// AA with a warning: there was nothing to do.
    Warn(Cause),
    /// AE: sending it again changes nothing.
    Error(Cause),
    /// AR: not taken, or not now.
    Reject(Cause),
}

/// The acknowledgement, in ASCII. Fields that are echoed keep the sender's separators, so they say what they said.
pub fn acknowledged(message: Option<&Message>, verdict: Verdict) -> Vec<u8> {
    let header = message.and_then(|message| message.first("MSH"));
    let of = |field: usize| header.map_or("", |segment: &Segment| segment.raw(field));
    let separator = if of(1).is_empty() { "|" } else { of(1) };
    let encoding = if of(2).is_empty() { "^~\\&" } else { of(2) };
    let component = encoding.chars().next().unwrap_or('^');
    let trigger = message.map(|message| message.header(9, 2)).unwrap_or_default();
    let kind =
        if trigger.is_empty() { "ACK".to_owned() } else { format!("ACK{component}{trigger}{component}ACK") };
    let (processing, version) = (or(of(11), "P"), or(of(12), "2.5.1"));
    // MSH-7 is the message's own: the door has no clock, and what is durable has its time in the ledger.
    let fields = ["MSH", encoding, of(5), of(6), of(3), of(4), of(7), "", &kind, of(10), processing, version];
    // Severity: HL7 Table 0516.
    let (code, severity, cause) = match verdict {
        Verdict::Accept => ("AA", "", None),
        Verdict::Warn(cause) => ("AA", "W", Some(cause)),
        Verdict::Error(cause) => ("AE", "E", Some(cause)),
        Verdict::Reject(cause) => ("AR", "E", Some(cause)),
    };
    let mut lines = vec![fields.join(separator), ["MSA", code, of(10)].join(separator)];
    if let Some(Cause(number, text)) = cause {
        let number = format!("{number}{component}{text}{component}HL70357");
        lines.push(["ERR", "", "", &number, severity, "", "", "", text].join(separator));
    }
    let text = lines.join("\r") + "\r";
    text.chars().map(|c| if c.is_ascii() && c != '\x1C' && c != '\x0B' { c as u8 } else { b'?' }).collect()
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}
