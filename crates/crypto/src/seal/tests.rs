//! Round trips, ranges, and everything an attacker with a hex editor can do.

use super::*;
use crate::Random;
use model::FrameSpan;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering};

/// Bytes 0, 1, 2 …: for tests and vectors only.
#[derive(Default)]
pub(crate) struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        out.iter_mut().for_each(|b| *b = self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

const OBJECT: Id = Id([7; 16]);

fn key() -> Key {
    Key::from_bytes(std::array::from_fn(|i| u8::try_from(i).unwrap()))
}

fn sealed(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(&key(), "main", OBJECT, &mut out).unwrap();
    for piece in plain.chunks(10_007) {
        sealer.push(piece, &mut out).unwrap();
    }
    let frames = vec![vec![FrameSpan { offset: 3, len: 4 }, FrameSpan { offset: 1, len: 1 }], vec![]];
    sealer.finish(plain.len().min(5) as u64, frames, &mut out).unwrap();
    out
}

fn opener(file: &[u8], tenant: &str, object: Id, key: &Key) -> Result<Opener, Error> {
    let footer = file.len().checked_sub(FOOTER).and_then(|at| file.get(at..)).ok_or(Error::Broken)?;
    let span = Opener::trailer_span(file.len() as u64, footer)?;
    let trailer = file[span.start as usize..span.end as usize].to_vec();
    let header = file.get(..HEADER).ok_or(Error::Broken)?;
    Opener::new(key, (tenant, object), header, trailer, file.len() as u64)
}

fn read(file: &[u8], opener: &Opener, range: Range<u64>) -> Result<Vec<u8>, Error> {
    let chunks = opener.chunks(&range)?;
    if chunks.is_empty() {
        return Ok(Vec::new());
    }
    let first = chunks.start * CHUNK_BYTES as u64;
    let mut plain = Vec::new();
    for number in chunks {
        let span = opener.chunk_span(number);
        let mut bytes = file.get(span.start as usize..span.end as usize).ok_or(Error::Broken)?.to_vec();
        let len = opener.open_chunk(number, &mut bytes)?;
        plain.extend_from_slice(&bytes[..len]);
    }
    Ok(plain[(range.start - first) as usize..(range.end - first) as usize].to_vec())
}

fn open_all(file: &[u8]) -> Result<Vec<u8>, Error> {
    let opener = opener(file, "main", OBJECT, &key())?;
    let all = read(file, &opener, 0..opener.trailer().len)?;
    if crate::sha256(&all) == opener.trailer().digest { Ok(all) } else { Err(Error::Broken) }
}

fn plain(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 % 251) as u8).collect()
}

#[test]
fn round_trips_at_every_border() {
    for len in [0, 1, 5, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 17]
    {
        assert_eq!(open_all(&sealed(&plain(len))).unwrap(), plain(len), "{len}");
    }
}

#[test]
fn ranges_need_only_their_chunks() {
    let original = plain(3 * CHUNK_BYTES + 17);
    let mut file = sealed(&original);
    let opener = opener(&file, "main", OBJECT, &key()).unwrap();
    assert_eq!(opener.trailer().frames[0][1], FrameSpan { offset: 1, len: 1 });
    let second = opener.chunk_span(1);
    file[second.start as usize] ^= 1;
    let size = CHUNK_BYTES as u64;
    for range in [0..10, size - 1..size, 2 * size..3 * size + 17, 5..5] {
        assert_eq!(
            read(&file, &opener, range.clone()).unwrap(),
            original[range.start as usize..range.end as usize],
            "{range:?}"
        );
    }
    assert_eq!(read(&file, &opener, size - 1..size + 1), Err(Error::Broken), "the changed chunk");
    assert_eq!(read(&file, &opener, 0..3 * size + 18), Err(Error::Broken), "one past the end");
}

#[test]
fn bound_to_key_tenant_and_object() {
    let file = sealed(&plain(100));
    assert!(opener(&file, "other", OBJECT, &key()).is_err());
    assert!(opener(&file, "main", Id([8; 16]), &key()).is_err());
    assert!(opener(&file, "main", OBJECT, &Key::from_bytes([1; 32])).is_err());
}

#[test]
fn chunks_cannot_be_moved_cut_or_appended() {
    let original = plain(4 * CHUNK_BYTES);
    let file = sealed(&original);
    let span = |n: usize| HEADER + n * SEALED_CHUNK as usize..HEADER + (n + 1) * SEALED_CHUNK as usize;
    let mut swapped = file.clone();
    swapped[span(0)].copy_from_slice(&file[span(1)]);
    swapped[span(1)].copy_from_slice(&file[span(0)]);
    let mut removed = file[..span(1).start].to_vec();
    removed.extend_from_slice(&file[span(1).end..]);
    let mut doubled = file[..span(1).end].to_vec();
    doubled.extend_from_slice(&file[span(1)]);
    doubled.extend_from_slice(&file[span(2).start..]);
    let mut appended = file.clone();
    appended.extend_from_slice(&[0; 8]);
    let cut = file[..file.len() - 1].to_vec();
    for (name, changed) in [
        ("swapped", swapped),
        ("removed", removed),
        ("doubled", doubled),
        ("appended", appended),
        ("cut", cut),
    ] {
        assert!(open_all(&changed).is_err(), "{name}");
    }
}

/// 10,000 seeded mutations: each is refused, or the object comes out as it went in.
#[test]
fn mutations_never_open_to_something_else() {
    let original = plain(CHUNK_BYTES + 300);
    let file = sealed(&original);
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut refused = 0;
    for round in 0..10_000 {
        let mut changed = file.clone();
        match round % 4 {
            0 => {
                let at = random(changed.len());
                changed[at] ^= 1 << random(8);
            }
            1 => changed.truncate(random(file.len())),
            2 => {
                let (from, to) = (random(file.len()), random(file.len()));
                changed[to] = file[from] ^ 0x55;
            }
            _ => {
                let at = file.len() - 1 - random(200);
                changed[at] = changed[at].wrapping_add(1 + random(255) as u8);
            }
        }
        match open_all(&changed) {
            Ok(opened) => assert!(opened == original && changed == file, "round {round}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 9_900, "{refused}");
}

#[test]
fn limits_at_bound_plus_one() {
    assert!(Opener::trailer_span(1 << 30, b"GZTL\x01\x00\x00\x00").is_ok());
    assert!(Opener::trailer_span(1 << 30, b"GZTL\x01\x00\x00\x01").is_err());
    let frames = vec![Vec::new(); model::limits::FRAMES as usize];
    let mut trailer = Trailer { frames, ..Trailer::default() };
    assert!(Trailer::decode(&trailer.encode().unwrap()).is_ok());
    trailer.frames.push(Vec::new());
    assert!(Trailer::decode(&trailer.encode().unwrap()).is_err());
}
