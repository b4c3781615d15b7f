//! Texts that many records share (modalities, descriptions, stations), kept once each. Only ever grows: packed records name
//! them by number.

use std::collections::HashMap;
use std::sync::Arc;

/// Shared texts; a feed that sends a new description each time fills this, and later ones stand in their records.
const WORDS: usize = 1 << 18;
/// Bytes of a shared text.
const WORD_BYTES: usize = 64;

/// The texts, by number.
#[derive(Debug, Default, Clone)]
pub struct Words {
    ids: HashMap<Arc<str>, u32>,
    list: Vec<Arc<str>>,
}

impl Words {
    /// The number of a text, a new one when there is room.
    pub fn id(&mut self, text: &str) -> Option<u32> {
        if let Some(id) = self.ids.get(text) {
            return Some(*id);
        }
        let id = u32::try_from(self.list.len()).ok()?;
        if self.list.len() >= WORDS || text.len() > WORD_BYTES {
            return None;
        }
        let text: Arc<str> = text.into();
        self.list.push(Arc::clone(&text));
        self.ids.insert(text, id);
        Some(id)
    }

    /// The text of a number.
    pub fn word(&self, id: u64) -> Option<&str> {
        self.list.get(usize::try_from(id).ok()?).map(|text| &**text)
    }

    /// All, by number.
    pub fn all(&self) -> &[Arc<str>] {
        &self.list
    }

    /// Bytes that this takes, roughly.
    pub fn bytes(&self) -> usize {
        self.list.iter().map(|text| text.len() + 64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_plus_one() {
        let mut words = Words::default();
        assert_eq!(words.id("CT"), words.id("CT"));
        assert_eq!(words.id(&"x".repeat(WORD_BYTES + 1)), None);
        assert!((1..WORDS).all(|n| words.id(&n.to_string()).is_some()));
        assert_eq!(words.id("one more"), None);
        assert_eq!(words.id("CT"), Some(0));
        assert_eq!(words.word(0), Some("CT"));
        assert_eq!(words.word(u64::MAX), None);
    }
}
