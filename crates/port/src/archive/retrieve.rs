//! What may be fetched, and in which form (PS3.18 §10.4).

use model::{Uid, View};
use serde::{Deserialize, Serialize};

/// What to fetch (PS3.18 §10.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retrieve {
    /// Study.
    pub study: Uid,
    /// One series.
    pub series: Option<Uid>,
    /// One instance.
    pub instance: Option<Uid>,
    /// In which form.
    pub form: Form,
    /// The first instance that can be given in this form is enough: no other is released, or recorded as released.
    pub first: bool,
    /// Transfer syntaxes that the caller takes, best first; in another one it gets nothing (`unsupported`), which is known
    /// and refused before anything is released. Nothing given: as it is.
    pub syntaxes: Vec<Syntax>,
    /// Tags of answers that the caller still has ([`Response::Parts`]): when this one would be the same, nothing leaves.
    pub known: Vec<String>,
}

/// A transfer syntax that a caller takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Syntax {
    /// As it is stored, or as masking leaves it.
    Any,
    /// This one.
    Named(Uid),
    /// This one; what cannot be brought into it comes as it is stored, and says so.
    Preferred(Uid),
}

/// A part of a value's bytes (RFC 9110 §14.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ByteRange {
    /// From here to the end.
    From(u64),
    /// From here to there, both included.
    Between(u64, u64),
    /// So many at the end.
    Last(u64),
}

impl ByteRange {
    /// First byte and the one after the last, of so many; nothing when none of them is there.
    #[must_use]
    pub fn of(self, total: u64) -> Option<(u64, u64)> {
        let (from, to) = match self {
            Self::From(from) => (from, total),
            Self::Between(from, last) => (from, last.saturating_add(1).min(total)),
            Self::Last(count) => (total.saturating_sub(count), total),
        };
        (from < to).then_some((from, to))
    }
}

/// The form of what is fetched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Form {
    /// `application/dicom` files.
    Instances,
    /// Frames, 1-based.
    Frames {
        /// Which, in this order; empty: all.
        numbers: Vec<u32>,
    },
    /// DICOM JSON, one part an instance.
    Metadata {
        /// Where the caller finds studies: long binary values are named below it (`…/{study}/series/…/bulkdata/{path}`).
        studies: String,
    },
    /// One binary value of one instance; pixel data in fragments come frame by frame.
    Bulk {
        /// Tag, or tags and 0-based items with dots between them: `00282000`, `54000100.0.54001010`.
        path: String,
        /// A part of it.
        range: Option<ByteRange>,
    },
    /// Pictures.
    Rendered {
        /// 1-based frames; empty: the first.
        numbers: Vec<u32>,
        /// How.
        picture: Picture,
        /// Words burned into a corner, as the grant lets them out.
        annotation: Annotation,
        /// Colour profile.
        profile: Profile,
    },
}

/// The colour profile of a picture (PS3.18 §8.3.5.1.5). Grey pictures bear none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// None.
    #[default]
    No,
    /// The object's own, else sRGB.
    Yes,
    /// sRGB; an object with another one cannot be given so.
    Srgb,
}

/// Form and look of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// PNG, else JPEG.
    pub png: bool,
    /// JPEG quality, 1–100.
    pub quality: u8,
    /// Window, part and size.
    pub view: View,
}

/// What words a picture is to bear (PS3.18 §8.3.5.1.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// Whose it is.
    pub patient: bool,
    /// How it was made.
    pub technique: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_value() {
        let check =
            |range: ByteRange, total, expected| assert_eq!(range.of(total), expected, "{range:?} {total}");
        check(ByteRange::From(0), 10, Some((0, 10)));
        check(ByteRange::From(10), 10, None);
        check(ByteRange::Between(3, 5), 10, Some((3, 6)));
        check(ByteRange::Between(3, u64::MAX), 10, Some((3, 10)));
        check(ByteRange::Between(1 << 63, u64::MAX), 10, None);
        check(ByteRange::Last(4), 10, Some((6, 10)));
        check(ByteRange::Last(40), 10, Some((0, 10)));
        check(ByteRange::Last(0), 10, None);
        check(ByteRange::From(0), 0, None);
    }
}
