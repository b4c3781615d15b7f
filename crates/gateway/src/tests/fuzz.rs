//! Seeded mutation of what the HTTP door reads of a request: no target may panic, whatever it answers, and a body in pieces
//! is read as the same body whole. About three seconds a target.

use crate::dicomweb::fuzzed;
use crate::http::accept::Media;
use crate::http::query;

struct Random(u64);

impl Random {
    /// xorshift64*: the same inputs on every machine and run.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

fn mutated(random: &mut Random, seed: &[u8]) -> Vec<u8> {
    const TOKENS: &[&[u8]] =
        &[b"\r\n--b", b"--", b"\r\n\r\n", b"\"", b";", b",", b"%", b"=", b"\0", b"\xFF", b"bytes=", b"-"];
    let mut bytes = seed.to_vec();
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.iter_mut().skip(at).take(1).for_each(|b| *b ^= 1 << (at % 8)),
            2 => drop(bytes.splice(at..at, TOKENS[random.below(TOKENS.len())].iter().copied())),
            _ => {
                let copy: Vec<u8> = bytes.iter().skip(at).take(random.below(64)).copied().collect();
                drop(bytes.splice(at..at, copy));
            }
        }
    }
    bytes
}

fn drive(seeds: &[&[u8]], rounds: usize, target: fn(&[u8])) {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for round in 0..rounds {
        target(&mutated(&mut random, seeds[round % seeds.len()]));
    }
}

#[test]
fn multipart_never_panics_and_pieces_do_not_matter() {
    let seeds: [&[u8]; 2] = [
        b"--b\r\nContent-Type: application/dicom\r\n\r\nDICM\r\n--b\r\n\r\nx\r\n--b--\r\n",
        b"pre\r\n--b \t\r\nContent-Type: image/jpeg; transfer-syntax=1.2.3\r\nContent-Location: a\r\n\r\n\r\n--bc\r\n--b--",
    ];
    drive(&seeds, 60_000, |bytes| {
        let whole = fuzzed(bytes, bytes.len().max(1));
        assert_eq!(fuzzed(bytes, 1), whole);
        assert_eq!(fuzzed(bytes, 7), whole);
    });
}

#[test]
fn heads_never_panic() {
    let seeds: [&[u8]; 4] = [
        b"multipart/related; type=\"application/dicom\"; transfer-syntax=*; q=0.5, image/*;q=0",
        b"bytes=0-5,7-,-9",
        b"PatientName=%E5%BC%A0*&window=1,2,sigmoid&viewport=1,2,3,4,5,6",
        b"W/\"a\", \"b\"",
    ];
    drive(&seeds, 300_000, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = (Media::parse(&text), query::pairs(Some(&text)), query::decode(&text, true));
        crate::dicomweb::fuzzed_headers(bytes);
    });
}
