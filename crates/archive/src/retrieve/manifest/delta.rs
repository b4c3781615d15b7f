//! Headers of one series differ in few attributes: each is kept as what differs from the one before, member by member of its
//! JSON object. Putting one together is copying.

use bytes::Bytes;
use model::Id;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;

/// A page, packed.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Packed(Vec<(Id, Vec<Piece>)>);

/// Some members.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Piece {
    /// As in the one before: from which, how many.
    Same(u32, u32),
    /// One member, `"key":value`.
    New(Bytes),
    /// A text that is no object with members, as it is.
    Whole(Bytes),
}

/// Packs.
pub fn pack(all: impl Iterator<Item = (Id, Bytes)>) -> Packed {
    let mut out = Vec::new();
    let mut before: (Bytes, Vec<Range<usize>>) = (Bytes::new(), Vec::new());
    for (object, json) in all {
        let members = members(&json).unwrap_or_default();
        let pieces = if members.is_empty() {
            vec![Piece::Whole(json.clone())]
        } else {
            differ(&before, &json, &members)
        };
        out.push((object, pieces));
        before = (json, members);
    }
    Packed(out)
}

fn differ((old, olds): &(Bytes, Vec<Range<usize>>), json: &Bytes, members: &[Range<usize>]) -> Vec<Piece> {
    let known: HashMap<&[u8], usize> =
        olds.iter().enumerate().filter_map(|(at, range)| Some((old.get(range.clone())?, at))).collect();
    let mut pieces: Vec<Piece> = Vec::new();
    for range in members {
        let same = json
            .get(range.clone())
            .and_then(|member| known.get(member))
            .and_then(|at| u32::try_from(*at).ok());
        match (same, pieces.last_mut()) {
            (Some(at), Some(Piece::Same(from, count))) if *from + *count == at => *count += 1,
            (Some(at), _) => pieces.push(Piece::Same(at, 1)),
            (None, _) => pieces.push(Piece::New(json.slice(range.clone()))),
        }
    }
    pieces
}

/// Unpacks; nothing when it is damaged.
pub fn unpack(packed: &Packed) -> Option<HashMap<Id, Bytes>> {
    let mut out = HashMap::new();
    let mut before: (Bytes, Vec<Range<usize>>) = (Bytes::new(), Vec::new());
    for (object, pieces) in &packed.0 {
        let (json, members) = whole(&before, pieces)?;
        out.insert(*object, json.clone());
        before = (json, members);
    }
    Some(out)
}

fn whole((old, olds): &(Bytes, Vec<Range<usize>>), pieces: &[Piece]) -> Option<(Bytes, Vec<Range<usize>>)> {
    if let [Piece::Whole(text)] = pieces {
        return Some((text.clone(), Vec::new()));
    }
    let (mut json, mut members) = (Vec::with_capacity(old.len() + 64), Vec::new());
    let mut member = |bytes: &[u8]| {
        json.push(if json.is_empty() { b'{' } else { b',' });
        let start = json.len();
        json.extend_from_slice(bytes);
        members.push(start..json.len());
    };
    for piece in pieces {
        match piece {
            Piece::New(bytes) => member(bytes),
            Piece::Whole(_) => return None,
            Piece::Same(from, count) => {
                let from = *from as usize;
                for range in olds.get(from..from.checked_add(*count as usize)?)? {
                    member(old.get(range.clone())?);
                }
            }
        }
    }
    json.push(b'}');
    Some((json.into(), members))
}

/// Where the members of a JSON object stand that was written without spaces; nothing for anything else.
fn members(json: &[u8]) -> Option<Vec<Range<usize>>> {
    let inner = json.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let (mut out, mut start, mut depth) = (Vec::new(), 0, 0u32);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in inner.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => {
                out.push(start + 1..at + 1);
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < inner.len() {
        out.push(start + 1..inner.len() + 1);
    }
    let all = out.iter().all(|range| json.get(range.start) == Some(&b'"'));
    (all && depth == 0 && !quoted).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_back() {
        let texts = [
            r#"{"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"A,\"{^B"}]}}"#,
            r#"{"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"C"}]}}"#,
            r#"{"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00081115":{"vr":"SQ","Value":[{"1":{}},{}]},"00100010":{"vr":"PN"}}"#,
            "{}",
            "no object",
            "\"a string\"",
            "",
            r#"{"00080005":{"vr":"CS"}}"#,
        ];
        let given = texts.iter().zip(1..).map(|(text, n)| (Id([n; 16]), Bytes::from_static(text.as_bytes())));
        let packed = pack(given.clone());
        assert_eq!(packed.0[1].1.len(), 2, "{packed:?}");
        let bytes = crate::catalog::encode(&packed).unwrap();
        let unpacked = unpack(&crate::catalog::decode(&bytes).unwrap()).unwrap();
        for (object, text) in given {
            assert_eq!(unpacked[&object], text);
        }
    }

    #[test]
    fn what_points_outside_is_damage() {
        for piece in [Piece::Same(0, 1), Piece::Same(u32::MAX, u32::MAX)] {
            assert_eq!(unpack(&Packed(vec![(Id([1; 16]), vec![piece])])), None);
        }
    }

    #[test]
    fn a_series_takes_a_fraction() {
        let one = |n: usize| {
            let rest: String =
                (0..100).map(|i| format!("\"0009{i:04}\":{{\"vr\":\"LO\",\"Value\":[\"x\"]}},")).collect();
            Bytes::from(format!("{{{rest}\"00200013\":{{\"vr\":\"IS\",\"Value\":[{n}]}}}}"))
        };
        let packed = pack((0..32).map(|n| (Id([n as u8; 16]), one(n))));
        let bytes = crate::catalog::encode(&packed).unwrap().len();
        assert!(bytes * 10 < one(0).len() * 32, "{bytes}");
    }
}
