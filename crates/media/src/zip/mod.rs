//! ZIP (PKWARE APPNOTE 6.3.10): the central directory for files, local headers one after the other for streams.

mod read;
mod stream;
mod write;

pub use read::{Checked, Entry, Unpacked, entries, open};
pub use stream::{Next, Streamed, next};
pub use write::Writer;

pub(crate) const LOCAL: u32 = 0x0403_4b50;
pub(crate) const CENTRAL: u32 = 0x0201_4b50;
pub(crate) const END: u32 = 0x0605_4b50;
pub(crate) const END64: u32 = 0x0606_4b50;
pub(crate) const LOCATOR64: u32 = 0x0706_4b50;
pub(crate) const DESCRIPTOR: u32 = 0x0807_4b50;
pub(crate) const STORED: u16 = 0;
pub(crate) const DEFLATED: u16 = 8;
pub(crate) const ENCRYPTED: u16 = 1;
pub(crate) const DESCRIBED: u16 = 8;

/// Little-endian numbers of a record.
pub(crate) struct Numbers<'a>(pub &'a [u8]);

impl Numbers<'_> {
    pub fn u16(&mut self) -> u16 {
        self.take::<2>().map_or(0, u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> u32 {
        self.take::<4>().map_or(0, u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> u64 {
        self.take::<8>().map_or(0, u64::from_le_bytes)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (some, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*some)
    }
}

/// Sizes and offset of the ZIP64 extra field (APPNOTE 4.5.3), for those that are all ones in the record.
pub(crate) fn zip64(mut extra: &[u8], values: [&mut u64; 3]) {
    while let Some((head, rest)) = extra.split_first_chunk::<4>() {
        let mut numbers = Numbers(head);
        let (id, len) = (numbers.u16(), usize::from(numbers.u16()));
        let (field, rest) = rest.split_at(len.min(rest.len()));
        if id == 1 {
            let mut numbers = Numbers(field);
            for value in values {
                if *value == u64::from(u32::MAX) && numbers.0.len() >= 8 {
                    *value = numbers.u64();
                }
            }
            return;
        }
        extra = rest;
    }
}

/// A name to show: UTF-8 or Latin letters, without control characters.
pub(crate) fn shown(name: &[u8]) -> String {
    let text = match std::str::from_utf8(name) {
        Ok(text) => text.to_owned(),
        Err(_) => name.iter().map(|b| char::from(*b)).collect(),
    };
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// Checks an entry's declared sizes.
pub(crate) fn bounded(packed: u64, len: u64) -> crate::Result<()> {
    if len > crate::ENTRY_BYTES || packed > crate::ENTRY_BYTES {
        return Err(crate::Error::TooLarge("an entry of the ZIP file"));
    }
    if len > crate::RATIO_FROM && len / packed.max(1) > crate::RATIO {
        return Err(crate::Error::TooLarge("an entry unpacks to far more than it is"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
