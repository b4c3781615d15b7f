//! What a grant lets out, on two axes: pixels and words.

use crate::caller::words;
use serde::{Deserialize, Serialize};

words! {
    /// What of the picture leaves.
    Pixels, "pixel visibility",
    /// Nothing.
    None = "none",
    /// Everything but the mask's regions.
    Masked = "masked",
    /// Everything.
    Clear = "clear",
}

words! {
    /// What of the attributes leaves.
    Words, "word visibility",
    /// Nothing.
    None = "none",
    /// De-identified by a profile with consistent pseudonyms.
    Pseudonymous = "pseudonymous",
    /// Without what treatment does not need.
    Reduced = "reduced",
    /// Everything.
    Full = "full",
}

/// A pair of both; four pairs have names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Visibility {
    /// Pixels.
    pub pixels: Pixels,
    /// Words.
    pub words: Words,
}

impl Visibility {
    /// All of it.
    pub const CLEAR: Self = Self { pixels: Pixels::Clear, words: Words::Full };
    /// Masked pixels, full words.
    pub const MASKED: Self = Self { pixels: Pixels::Masked, words: Words::Full };
    /// Masked pixels, pseudonymous words.
    pub const DEIDENTIFIED: Self = Self { pixels: Pixels::Masked, words: Words::Pseudonymous };
    /// As if absent.
    pub const WITHHELD: Self = Self { pixels: Pixels::None, words: Words::None };

    /// The name of the pair on the wire: `clear`, `masked`, `deidentified`, `withheld`, else `pixels/words`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::CLEAR => "clear".to_owned(),
            Self::MASKED => "masked".to_owned(),
            Self::DEIDENTIFIED => "deidentified".to_owned(),
            Self::WITHHELD => "withheld".to_owned(),
            Self { pixels, words } => format!("{pixels}/{words}"),
        }
    }
}
