//! A ZIP that comes as a stream: its local headers one after the other. An entry that is stored with its length behind it
//! cannot be told from what follows and is refused.

use super::read::Checked;
use super::{
    CENTRAL, DEFLATED, DESCRIBED, DESCRIPTOR, ENCRYPTED, END, LOCAL, Numbers, STORED, bounded, shown, zip64,
};
use crate::{ENTRY_BYTES, Error, NAME_BYTES, RATIO, RATIO_FROM, Result};
use flate2::bufread::DeflateDecoder;
use std::io::{self, BufRead, Read, Take};

/// What follows in a stream.
pub enum Next<R> {
    /// An entry.
    Entry(Streamed<R>),
    /// The central directory begins: no more entries.
    End,
}

/// An entry of a stream. It is read to its end, whatever becomes of it, before the next one ([`Streamed::finish`]).
pub struct Streamed<R> {
    /// To show, never to open.
    pub name: String,
    bytes: Bytes<R>,
}

enum Bytes<R> {
    Stored(Checked<Take<R>>),
    Known(Checked<DeflateDecoder<Take<R>>>),
    /// Length and checksum follow.
    Described {
        bytes: DeflateDecoder<R>,
        len: u64,
        hasher: crc32fast::Hasher,
        done: bool,
        wide: bool,
    },
}

/// Reads the next local header.
///
/// # Errors
/// [`Error::Zip`], [`Error::Unsupported`], [`Error::TooLarge`], the system's: nothing can be read behind it.
pub fn next<R: BufRead>(mut reader: R) -> Result<Next<R>> {
    let mut head = [0; 30];
    reader.read_exact(head.get_mut(..4).unwrap_or_default())?;
    match Numbers(&head).u32() {
        LOCAL => {}
        CENTRAL | END => return Ok(Next::End),
        _ => return Err(Error::Zip("local header")),
    }
    reader.read_exact(head.get_mut(4..).unwrap_or_default())?;
    let mut numbers = Numbers(head.get(6..).unwrap_or_default());
    let (flags, method, _, crc) = (numbers.u16(), numbers.u16(), numbers.u32(), numbers.u32());
    let (mut packed, mut len) = (u64::from(numbers.u32()), u64::from(numbers.u32()));
    let (name_len, extra_len) = (usize::from(numbers.u16()), usize::from(numbers.u16()));
    if name_len > NAME_BYTES {
        return Err(Error::TooLarge("a name in the ZIP file"));
    }
    let (mut name, mut extra) = (vec![0; name_len], vec![0; extra_len]);
    reader.read_exact(&mut name)?;
    reader.read_exact(&mut extra)?;
    if flags & ENCRYPTED != 0 {
        return Err(Error::Unsupported("an encrypted entry"));
    }
    let wide = extra.starts_with(&[1, 0]);
    zip64(&extra, [&mut len, &mut packed, &mut 0]);
    let hasher = crc32fast::Hasher::new();
    let described = flags & DESCRIBED != 0;
    let bytes = match (method, described) {
        (DEFLATED, true) => {
            Bytes::Described { bytes: DeflateDecoder::new(reader), len: 0, hasher, done: false, wide }
        }
        (DEFLATED, false) => {
            bounded(packed, len)?;
            let bytes = DeflateDecoder::new(reader.take(packed));
            Bytes::Known(Checked { bytes, left: len, crc, hasher })
        }
        (STORED, false) if packed == len => {
            bounded(packed, len)?;
            Bytes::Stored(Checked { bytes: reader.take(packed), left: len, crc, hasher })
        }
        (STORED, true) => return Err(Error::Unsupported("a stored entry whose length follows it")),
        _ => return Err(Error::Unsupported("a compression method other than DEFLATE")),
    };
    Ok(Next::Entry(Streamed { name: shown(&name), bytes }))
}

impl<R: BufRead> Read for Streamed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match &mut self.bytes {
            Bytes::Stored(bytes) => bytes.read(out),
            Bytes::Known(bytes) => bytes.read(out),
            Bytes::Described { done: true, .. } => Ok(0),
            Bytes::Described { bytes, len, hasher, done, wide } => {
                let bad = |what: &'static str| io::Error::new(io::ErrorKind::InvalidData, what);
                if out.is_empty() {
                    return Ok(0);
                }
                let some = bytes.read(out).map_err(|_| bad("the packed bytes are damaged"))?;
                *len += some as u64;
                hasher.update(out.get(..some).unwrap_or_default());
                if *len > ENTRY_BYTES || *len > RATIO_FROM && *len / bytes.total_in().max(1) > RATIO {
                    return Err(bad("unpacks to far more than it is"));
                }
                if some == 0 {
                    *done = true;
                    let (crc, said) = descriptor(bytes.get_mut(), *wide)?;
                    if said != *len || crc != hasher.clone().finalize() {
                        return Err(bad("length or checksum"));
                    }
                }
                Ok(some)
            }
        }
    }
}

/// Data descriptor (APPNOTE 4.3.9), with or without its signature: checksum and length.
fn descriptor<R: Read>(reader: &mut R, wide: bool) -> io::Result<(u32, u64)> {
    let mut word = [0; 4];
    reader.read_exact(&mut word)?;
    if u32::from_le_bytes(word) == DESCRIPTOR {
        reader.read_exact(&mut word)?;
    }
    let crc = u32::from_le_bytes(word);
    let mut sizes = [0; 16];
    let sizes = sizes.get_mut(..if wide { 16 } else { 8 }).unwrap_or_default();
    reader.read_exact(sizes)?;
    let mut numbers = Numbers(sizes);
    // Packed length, then unpacked.
    let [_, len] =
        if wide { [(); 2].map(|()| numbers.u64()) } else { [(); 2].map(|()| numbers.u32().into()) };
    Ok((crc, len))
}

impl<R: BufRead> Streamed<R> {
    /// Reads what is left of it and gives the stream back. What was wrong with it was said when it was read.
    ///
    /// # Errors
    /// The stream cannot be read on: where the next entry begins is not known.
    pub fn finish(mut self) -> Result<R> {
        match self.bytes {
            Bytes::Stored(checked) => drain(checked.bytes),
            Bytes::Known(checked) => drain(checked.bytes.into_inner()),
            Bytes::Described { .. } => {
                let mut sink = [0; 32 << 10];
                while self.read(&mut sink)? > 0 {}
                match self.bytes {
                    Bytes::Described { bytes, .. } => Ok(bytes.into_inner()),
                    _ => Err(Error::Zip("entry")),
                }
            }
        }
    }
}

fn drain<R: BufRead>(mut bytes: Take<R>) -> Result<R> {
    io::copy(&mut bytes, &mut io::sink())?;
    Ok(bytes.into_inner())
}
