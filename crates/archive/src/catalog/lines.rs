//! What people type to find a study, one line each in one long text that is searched as a whole: the name, its other forms
//! (run together, pinyin, initials), number and accession number. A hit is a candidate; what is compared stands elsewhere.

use memchr::memmem::Finder;

/// The text stays below this; what comes later is found by looking at each study.
const TEXT_BYTES: usize = 1 << 31;

const NONE: u32 = u32::MAX;

/// The lines.
#[derive(Debug, Default, Clone)]
pub struct Lines {
    text: String,
    /// Where each line starts and whose it is, in order.
    starts: Vec<(u32, u32)>,
    /// By study: the line's place in `starts`.
    of: Vec<u32>,
    dead: usize,
    /// A line had no room: every study must be looked at.
    full: bool,
}

impl Lines {
    /// Sets the line of a study.
    pub fn set(&mut self, slot: u32, line: &str) {
        if self.line(slot) == line {
            return;
        }
        self.remove(slot);
        let (Ok(start), Ok(place)) = (u32::try_from(self.text.len()), u32::try_from(self.starts.len()))
        else {
            return;
        };
        let index = slot as usize;
        if self.text.len() + line.len() >= TEXT_BYTES {
            self.full = true;
            return;
        }
        if self.of.len() <= index {
            self.of.resize(index + 1, NONE);
        }
        if let Some(of) = self.of.get_mut(index) {
            *of = place;
        }
        self.starts.push((start, slot));
        self.text.extend(line.chars().map(|c| if c == '\n' { ' ' } else { c }));
        self.text.push('\n');
    }

    /// Forgets the line of a study.
    pub fn remove(&mut self, slot: u32) {
        let Some(of) = self.of.get_mut(slot as usize).filter(|of| **of != NONE) else { return };
        *of = NONE;
        self.dead += 1;
        if self.dead > 1024 && self.dead > self.starts.len() / 2 {
            self.compact();
        }
    }

    fn compact(&mut self) {
        let old = std::mem::take(self);
        // A line that had no room then is not in `old`: it stays missing.
        self.full = old.full;
        for (_, slot) in &old.starts {
            let line = old.line(*slot);
            if !line.is_empty() {
                self.set(*slot, line);
            }
        }
    }

    /// The line of a study.
    pub fn line(&self, slot: u32) -> &str {
        let place = self.of.get(slot as usize).filter(|of| **of != NONE);
        let Some(place) = place.map(|of| *of as usize) else { return "" };
        let start = self.starts.get(place).map_or(0, |(start, _)| *start as usize);
        let end = self.starts.get(place + 1).map_or(self.text.len(), |(start, _)| *start as usize);
        self.text.get(start..end.saturating_sub(1)).unwrap_or_default()
    }

    /// Studies in whose line this stands, each once; nothing when lines are missing.
    pub fn candidates(&self, needle: &str) -> Option<Vec<u32>> {
        (!self.full).then(|| self.find(needle))
    }

    fn find(&self, needle: &str) -> Vec<u32> {
        let finder = Finder::new(needle.as_bytes());
        let (mut from, mut out) = (0, Vec::new());
        while let Some(at) = self.text.as_bytes().get(from..).and_then(|rest| finder.find(rest)) {
            let at = from + at;
            let next = self.starts.partition_point(|(start, _)| *start as usize <= at);
            let (place, slot) = (next - 1, self.starts.get(next - 1).map_or(0, |(_, slot)| *slot));
            if self.of.get(slot as usize).is_some_and(|of| *of as usize == place) {
                out.push(slot);
            }
            // One hit in a line is enough.
            from = self.starts.get(next).map_or(self.text.len(), |(start, _)| *start as usize);
        }
        out
    }

    /// Bytes that this takes.
    pub fn bytes(&self) -> usize {
        self.text.capacity() + self.starts.capacity() * 8 + self.of.capacity() * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_any_part() {
        let mut lines = Lines::default();
        for (slot, line) in [(2, "zhang^san zs a1"), (0, "doe^jane"), (5, "王^小东\nwxd")] {
            lines.set(slot, line);
        }
        assert_eq!(lines.find("zs"), [2]);
        assert_eq!(lines.find("小"), [5]);
        assert_eq!(lines.line(5), "王^小东 wxd");
        lines.set(2, "doe^john");
        assert_eq!((lines.find("zs"), lines.find("doe")), (vec![], vec![0, 2]));
        lines.remove(0);
        assert_eq!(lines.find("doe"), [2]);
        for n in 0..3000 {
            lines.set(7, &format!("x{n}"));
        }
        assert!(lines.starts.len() < 2100, "what is old goes");
        assert_eq!((lines.find("x2999"), lines.find("doe")), (vec![7], vec![2]));
    }
}
