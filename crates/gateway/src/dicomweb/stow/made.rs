//! A Part 10 file made while its pixel data come: the head first, then the pixels as fragments or samples.

use super::{Reader, Step};
use crate::http::Problem;
use bytes::Bytes;
use dicom::{PixelLength, pixel_data_header};
use std::collections::VecDeque;

/// Item tag, and the end of the sequence of fragments (PS3.5 A.4).
const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
const END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];

/// How pixel data are written.
pub enum Coding {
    /// So many bytes of samples.
    Native(u64),
    /// Fragments of one frame, as many as come; the byte that waits for its other half (fragments have even lengths).
    Fragments(Vec<u8>),
}

impl Coding {
    fn header(&self) -> Bytes {
        let mut out = match self {
            Self::Native(len) => {
                pixel_data_header(PixelLength::Native(u32::try_from(*len).unwrap_or(u32::MAX)))
            }
            Self::Fragments(_) => pixel_data_header(PixelLength::Encapsulated),
        };
        if let Self::Fragments(_) = self {
            // An empty offset table.
            out.extend_from_slice(&ITEM);
            out.extend_from_slice(&[0; 4]);
        }
        out.into()
    }

    /// Bytes of samples that are to come.
    const fn samples(&self) -> u64 {
        match self {
            Self::Native(len) => *len,
            Self::Fragments(_) => 0,
        }
    }

    /// The next bytes; too many samples are not taken.
    fn take(&mut self, piece: &[u8], over: &mut bool) -> Bytes {
        match self {
            Self::Native(left) => {
                let fits = usize::try_from(*left).unwrap_or(usize::MAX).min(piece.len());
                *left -= fits as u64;
                // One byte more may be the padding of an odd length.
                let rest = piece.get(fits..).unwrap_or_default();
                *over |= !matches!(rest, [] | [0]);
                Bytes::copy_from_slice(piece.get(..fits).unwrap_or_default())
            }
            Self::Fragments(carried) => {
                carried.extend_from_slice(piece);
                let rest = carried.split_off(carried.len() - carried.len() % 2);
                let whole = std::mem::replace(carried, rest);
                if whole.is_empty() { Bytes::new() } else { fragment(&whole) }
            }
        }
    }

    /// What closes them; nothing when samples are missing.
    fn end(self, len: u64) -> Option<Bytes> {
        match self {
            Self::Native(0) => Some(if len % 2 == 1 { Bytes::from_static(&[0]) } else { Bytes::new() }),
            Self::Native(_) => None,
            Self::Fragments(mut carried) => {
                if !carried.is_empty() {
                    carried.push(0);
                    carried = fragment(&carried).to_vec();
                }
                carried.extend_from_slice(&END);
                Some(carried.into())
            }
        }
    }
}

fn fragment(bytes: &[u8]) -> Bytes {
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&ITEM[..], &len.to_le_bytes(), bytes].concat().into()
}

/// One file in the making.
pub struct Made<'a, 'b> {
    ahead: VecDeque<Bytes>,
    pixels: Option<(Coding, u64, &'a mut Reader<'b>)>,
    over: bool,
    /// The pixel data are not what the header says.
    pub broken: bool,
}

impl<'a, 'b> Made<'a, 'b> {
    /// A head without pixel data, or with those that are at hand.
    pub fn whole(head: Vec<u8>, pixels: Option<(Coding, Vec<u8>)>) -> Self {
        let mut made =
            Self { ahead: VecDeque::from([head.into()]), pixels: None, over: false, broken: false };
        if let Some((mut coding, bytes)) = pixels {
            let len = coding.samples();
            made.ahead.push_back(coding.header());
            let piece = coding.take(&bytes, &mut made.over);
            made.ahead.push_back(piece);
            made.close(coding, len);
        }
        made
    }

    /// A head whose pixel data are the part that just began.
    pub fn flowing(head: Vec<u8>, coding: Coding, reader: &'a mut Reader<'b>) -> Self {
        let len = coding.samples();
        let ahead = VecDeque::from([head.into(), coding.header()]);
        Self { ahead, pixels: Some((coding, len, reader)), over: false, broken: false }
    }

    fn close(&mut self, coding: Coding, len: u64) {
        match coding.end(len) {
            Some(end) if !self.over => self.ahead.push_back(end),
            _ => self.broken = true,
        }
    }

    /// The next bytes of the file.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            if let Some(bytes) = self.ahead.pop_front() {
                if bytes.is_empty() {
                    continue;
                }
                return Ok(Some(bytes));
            }
            let Some((mut coding, len, reader)) = self.pixels.take() else { return Ok(None) };
            match reader.step().await? {
                Step::Data(piece) => {
                    let taken = coding.take(&piece, &mut self.over);
                    self.ahead.push_back(taken);
                    self.pixels = Some((coding, len, reader));
                }
                Step::PartEnd => self.close(coding, len),
                Step::Part(_) | Step::Done | Step::More => return Err(Problem::bad("broken multipart")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pixels_at_hand() {
        let all = async |coding, bytes: &[u8]| {
            let mut made = Made::whole(b"head".to_vec(), Some((coding, bytes.to_vec())));
            let mut out = Vec::new();
            while let Some(piece) = made.next().await.unwrap() {
                out.extend_from_slice(&piece);
            }
            (out.split_off(4), made.broken)
        };
        // PS3.5 A.4 and §7.1 by hand.
        let native = |len: u8| [0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0, len, 0, 0, 0];
        assert_eq!(
            all(Coding::Native(3), &[1, 2, 3]).await,
            ([&native(4)[..], &[1, 2, 3, 0]].concat(), false)
        );
        assert_eq!(all(Coding::Native(3), &[1, 2, 3, 0]).await.0, [&native(4)[..], &[1, 2, 3, 0]].concat());
        assert!(all(Coding::Native(3), &[1, 2]).await.1, "too few");
        assert!(all(Coding::Native(3), &[1, 2, 3, 4]).await.1, "too many");
        let head = [0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
        let expected =
            [&head[..], &ITEM, &[0; 4], &ITEM, &[2, 0, 0, 0, 1, 2], &ITEM, &[2, 0, 0, 0, 3, 0], &END]
                .concat();
        assert_eq!(all(Coding::Fragments(Vec::new()), &[1, 2, 3]).await, (expected, false));
    }
}
