//! The snapshot's content (docs/formats/index-snapshot.md): everything of this memory that took time to make, as one run of
//! bytes that the vault cuts into sealed blocks. Old ones need not be read: what cannot be read is made anew from the rows.

use super::pack::{self};
use super::prints::{PRINT_BYTES, Prints};
use super::{Card, Catalog, Depth, Slot, Study, Words};
use crate::{Error, Result};
use std::cmp::Reverse;
use std::sync::{Arc, RwLock};

/// Version of the content; another one is not read.
pub const FORMAT: u8 = 1;
/// Prints come in pieces of so many.
const PRINTS: usize = 4096;
/// One piece of the content; a study of 100,000 instances has 4 MiB.
const PIECE_BYTES: usize = 64 << 20;

const WORD: u8 = 1;
const STUDY: u8 = 2;
const PRINT: u8 = 3;
const END: u8 = 4;

/// A catalog as it is at one moment, to be written without its lock.
pub struct Snapshot {
    slots: Vec<(Arc<[u8]>, u64, String)>,
    prints: Prints,
    words: Arc<RwLock<Words>>,
    /// Of these so many: more come while it is written, which is twice.
    word_count: usize,
    /// Studies under way: what of them is durable, their rows say.
    pub under_way: Vec<(model::Uid, Vec<model::Uid>)>,
    /// Changes that were in it.
    pub changes: u64,
}

impl Catalog {
    /// What is durable, packed. Slots are numbered anew, without those that are gone.
    pub fn snapshot(&self) -> Snapshot {
        let mut out = Snapshot {
            slots: Vec::with_capacity(self.slots.len()),
            prints: Prints::new(self.prints.key()),
            words: self.words(),
            word_count: 0,
            under_way: self.dirty(),
            changes: self.changes,
        };
        for (slot, held) in (0u32..).zip(&self.slots) {
            let bytes = match held {
                Slot::Packed(bytes) => Arc::clone(bytes),
                Slot::Whole(study, _)
                    if !study.series.is_empty() && !self.dirty.contains_key(&study.record.uid) =>
                {
                    pack::pack(&Card::of(study, Depth::Instance), &mut self.words_mut()).into()
                }
                // Under way or gone; its place stays, so that fingerprints keep their numbers.
                Slot::Whole(..) | Slot::Gone => Arc::default(),
            };
            let day = self.day_of.get(slot as usize).copied().unwrap_or(0);
            out.slots.push((bytes, day, self.lines.line(slot).to_owned()));
        }
        out.prints = self.prints.clone();
        out.word_count = super::words_of(&out.words).all().len();
        out
    }
}

impl Snapshot {
    /// Adds a study that was under way, as its rows say it.
    pub fn add(&mut self, study: &Study) {
        let Ok(slot) = u32::try_from(self.slots.len()) else { return };
        let card = Card::of(study, Depth::Instance);
        let mut words = self.words.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bytes = pack::pack(&card, &mut words).into();
        self.word_count = words.all().len();
        self.slots.push((bytes, card.day(), card.line()));
        super::load::prints_of(study, |of, bytes| self.prints.add(of, bytes, slot));
    }

    /// Gives the content piece by piece.
    ///
    /// # Errors
    /// Those of `put`.
    pub fn write(&self, put: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let (a, b) = self.prints.key();
        put(&[&[FORMAT][..], &a.to_le_bytes(), &b.to_le_bytes()].concat())?;
        for word in super::words_of(&self.words).all().iter().take(self.word_count) {
            put(&piece(WORD, &[word.as_bytes()])?)?;
        }
        for (bytes, day, line) in &self.slots {
            let len = u32::try_from(bytes.len()).map_err(|_| Error::Record)?;
            put(&piece(STUDY, &[&day.to_le_bytes(), &len.to_le_bytes(), bytes, line.as_bytes()])?)?;
        }
        let mut prints = Vec::new();
        self.prints.write(&mut prints);
        for many in prints.chunks(PRINTS * PRINT_BYTES) {
            put(&piece(PRINT, &[many])?)?;
        }
        put(&piece(END, &[])?)
    }
}

/// `kind ‖ length: u32 LE ‖ bytes`.
fn piece(kind: u8, parts: &[&[u8]]) -> Result<Vec<u8>> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let len = u32::try_from(len).ok().filter(|len| *len as usize <= PIECE_BYTES).ok_or(Error::Record)?;
    Ok([&[kind][..], &len.to_le_bytes(), &parts.concat()].concat())
}

/// Reads a snapshot's content as it comes.
#[derive(Default)]
pub struct Reader {
    left: Vec<u8>,
    catalog: Catalog,
    days: Vec<(Reverse<u64>, u32)>,
    words: Words,
    begun: bool,
    ended: bool,
}

impl Reader {
    /// The next bytes.
    ///
    /// # Errors
    /// [`Error::Record`] for what is no snapshot of this format.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.left.extend_from_slice(bytes);
        let left = std::mem::take(&mut self.left);
        let mut rest = left.as_slice();
        if !self.begun {
            let Some((head, after)) = rest.split_first_chunk::<17>() else {
                self.left = left;
                return Ok(());
            };
            let [format, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *head;
            if format != FORMAT {
                return Err(Error::Record);
            }
            let key =
                (u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes([i, j, k, l, m, n, o, p]));
            (self.begun, self.catalog.prints, rest) = (true, Prints::new(key), after);
        }
        // After the end there is only what fills the last block.
        while let Some(([kind, a, b, c, d], after)) = rest.split_first_chunk().filter(|_| !self.ended) {
            let len = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            if len > PIECE_BYTES {
                return Err(Error::Record);
            }
            let Some((body, after)) = after.split_at_checked(len) else { break };
            self.take(*kind, body)?;
            rest = after;
        }
        if !self.ended {
            self.left = rest.to_vec();
        }
        Ok(())
    }

    fn take(&mut self, kind: u8, body: &[u8]) -> Result<()> {
        match kind {
            WORD => {
                let word = std::str::from_utf8(body).map_err(|_| Error::Record)?;
                self.words.id(word).ok_or(Error::Record).map(drop)
            }
            STUDY => self.study(body).ok_or(Error::Record),
            PRINT => {
                self.catalog.prints.read(body);
                Ok(())
            }
            END => {
                self.ended = true;
                Ok(())
            }
            _ => Err(Error::Record),
        }
    }

    fn study(&mut self, body: &[u8]) -> Option<()> {
        let (day, rest) = body.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (bytes, line) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        let (day, catalog) = (u64::from_le_bytes(*day), &mut self.catalog);
        let slot = u32::try_from(catalog.slots.len()).ok()?;
        let there = !bytes.is_empty();
        catalog.slots.push(if there { Slot::Packed(bytes.into()) } else { Slot::Gone });
        catalog.day_of.push(day);
        if there && pack::visible(bytes, &self.words) {
            self.days.push((Reverse(day), slot));
            catalog.lines.set(slot, std::str::from_utf8(line).ok()?);
        }
        Some(())
    }

    /// The catalog, when the content was whole.
    ///
    /// # Errors
    /// [`Error::Record`].
    pub fn finish(mut self) -> Result<Catalog> {
        if !self.ended {
            return Err(Error::Record);
        }
        self.catalog.prints.settle();
        // Sorted once and built as a whole: a million single inserts take half a second.
        self.catalog.days = self.days.into_iter().collect();
        self.catalog.words = Arc::new(RwLock::new(self.words));
        Ok(self.catalog)
    }
}

#[cfg(test)]
mod tests;
