//! Seeded mutations: bits, bytes, lengths, numbers that limits are made of, and pieces of other inputs.

/// SplitMix64 (Steele et al. 2014).
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// Bytes at the edge of something.
const EDGES: [u8; 8] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF, 0x10, 0x20];
/// Words at the edge of something, put in either order of bytes.
const WORDS: [u32; 8] = [0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFE, 0xFFFF_FFFF];

/// A mutation of one input of the corpus.
pub fn mutated(random: &mut Random, corpus: &[Vec<u8>], largest: usize) -> Vec<u8> {
    let mut bytes = corpus.get(random.below(corpus.len())).cloned().unwrap_or_default();
    for _ in 0..=random.below(8) {
        // Most structure is at the start.
        let reach = if random.below(2) == 0 { bytes.len().min(256) } else { bytes.len() };
        let at = random.below(reach);
        once(random, &mut bytes, at, corpus);
        bytes.truncate(largest);
    }
    bytes
}

fn once(random: &mut Random, bytes: &mut Vec<u8>, at: usize, corpus: &[Vec<u8>]) {
    let kind = random.below(10);
    match (kind, bytes.get_mut(at)) {
        (0, _) => bytes.truncate(at),
        (1, _) => bytes.insert(at.min(bytes.len()), random.byte()),
        (2, Some(byte)) => *byte ^= 1 << random.below(8),
        (3, Some(byte)) => *byte = EDGES.get(random.below(EDGES.len())).copied().unwrap_or(0),
        (4, Some(byte)) => *byte = random.byte(),
        (5, _) => {
            let word = WORDS.get(random.below(WORDS.len())).copied().unwrap_or(0);
            let word = if random.below(2) == 0 { word.to_le_bytes() } else { word.to_be_bytes() };
            let width = if random.below(2) == 0 { 2 } else { 4 };
            bytes.iter_mut().skip(at).zip(word.iter().take(width)).for_each(|(to, from)| *to = *from);
        }
        (6, _) => {
            let end = (at + 1 + random.below(64)).min(bytes.len());
            bytes.drain(at.min(end)..end);
        }
        (7, _) => {
            let end = (at + 1 + random.below(64)).min(bytes.len());
            let piece = bytes.get(at..end).unwrap_or_default().to_vec();
            bytes.splice(at..at, piece);
        }
        (8, _) => {
            let other = corpus.get(random.below(corpus.len())).map(Vec::as_slice).unwrap_or_default();
            let from = random.below(other.len());
            let piece = other.get(from..(from + 1 + random.below(256)).min(other.len())).unwrap_or_default();
            let end = (at + piece.len()).min(bytes.len());
            bytes.splice(at.min(end)..end, piece.iter().copied());
        }
        (_, Some(byte)) => *byte = byte.wrapping_add(random.byte() % 3).wrapping_sub(1),
        _ => {}
    }
}
