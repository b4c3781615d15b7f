//! Packs (docs/formats/pack.md): closed segments that keep their objects and sidecars. A directory is appended when all else
//! of the segment is in its place; then all else is taken out of the file, for a wrap or an entry left in it would outlive
//! its erasure. A pack is never changed afterwards.

use crate::segment::HEADER;
use crate::{Error, Result, disk};
use model::{Id, Tenant};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"GZPACK01";
const FOOTER: usize = 40;
/// Objects and sidecars of one pack. A segment is closed long before.
const ITEMS: u32 = 1 << 20;
/// Bytes of an item in the directory, without the tenant's name.
const ITEM: usize = 38;
/// Packs in one folder.
const FAN: u64 = 1000;

pub const OBJECT: u8 = 0;
pub const SIDECAR: u8 = 1;

/// An object or sidecar in a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub part: u8,
    pub tenant: Tenant,
    pub id: Id,
    pub at: u64,
    pub len: u64,
    pub crc: u32,
}

pub fn folder(data: &Path) -> PathBuf {
    data.join("packs")
}

/// Where a pack lies.
pub fn path(data: &Path, number: u64) -> PathBuf {
    folder(data).join(format!("{:03}", number / FAN)).join(format!("{number:016}.pack"))
}

/// All packs by number, in order.
pub fn list(data: &Path) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for fan in std::fs::read_dir(folder(data))?.flatten().filter(|e| e.path().is_dir()) {
        for pack in std::fs::read_dir(fan.path())? {
            let name = pack?.file_name().to_string_lossy().into_owned();
            numbers.extend(name.strip_suffix(".pack").and_then(|n| n.parse::<u64>().ok()));
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Directory and footer of segment `number`, to be written at byte `at`.
pub fn encode(number: u64, at: u64, items: &[Item]) -> Vec<u8> {
    let mut out = Vec::with_capacity(items.len() * (ITEM + 8) + FOOTER);
    for item in items {
        let tenant = item.tenant.as_str().as_bytes();
        out.extend_from_slice(&[item.part, u8::try_from(tenant.len()).unwrap_or(u8::MAX)]);
        out.extend_from_slice(tenant);
        out.extend_from_slice(&item.id.0);
        out.extend_from_slice(&item.at.to_be_bytes());
        out.extend_from_slice(&item.len.to_be_bytes());
        out.extend_from_slice(&item.crc.to_be_bytes());
    }
    let mut footer = MAGIC.to_vec();
    footer.extend_from_slice(&number.to_be_bytes());
    footer.extend_from_slice(&at.to_be_bytes());
    footer.extend_from_slice(&u32::try_from(items.len()).unwrap_or(u32::MAX).to_be_bytes());
    footer.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    footer.extend_from_slice(&[0; 4]);
    let check = crc32fast::hash(&footer);
    footer.extend_from_slice(&check.to_be_bytes());
    out.append(&mut footer);
    out
}

/// The directory at the end of a file and where it begins; nothing when there is no whole one.
pub fn directory(file: &File, number: u64) -> Result<Option<(u64, Vec<Item>)>> {
    let len = file.metadata()?.len();
    let mut footer = [0; FOOTER];
    let Some(end) = len.checked_sub(FOOTER as u64).filter(|end| *end >= HEADER as u64) else {
        return Ok(None);
    };
    file.read_exact_at(&mut footer, end)?;
    let mut rest = &footer[..];
    let magic: [u8; 8] = take(&mut rest).unwrap_or_default();
    let of = take(&mut rest).map(u64::from_be_bytes);
    let at = take(&mut rest).map_or(0, u64::from_be_bytes);
    let count = take(&mut rest).map_or(0, u32::from_be_bytes);
    let sum = take(&mut rest).map(u32::from_be_bytes);
    let zeros: [u8; 4] = take(&mut rest).unwrap_or([1; 4]);
    let check = take(&mut rest).map(u32::from_be_bytes);
    let good = &magic == MAGIC
        && of == Some(number)
        && zeros == [0; 4]
        && check == footer.get(..FOOTER - 4).map(crc32fast::hash)
        && (HEADER as u64..=end).contains(&at)
        && count <= ITEMS
        && end - at <= u64::from(count) * (ITEM as u64 + 32);
    if !good {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(end - at).map_err(|_| Error::Damaged("pack"))?];
    file.read_exact_at(&mut bytes, at)?;
    if sum != Some(crc32fast::hash(&bytes)) {
        return Ok(None);
    }
    let items = decode(&bytes, count, at).ok_or(Error::Damaged("directory of a pack"))?;
    Ok(Some((at, items)))
}

fn decode(mut rest: &[u8], count: u32, until: u64) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    for _ in 0..count {
        let [part, tenant]: [u8; 2] = take(&mut rest)?;
        let (name, tail) = rest.split_at_checked(tenant.into())?;
        rest = tail;
        let tenant = std::str::from_utf8(name).ok()?.parse().ok()?;
        let id = Id(take(&mut rest)?);
        let (at, len) = (u64::from_be_bytes(take(&mut rest)?), u64::from_be_bytes(take(&mut rest)?));
        let crc = u32::from_be_bytes(take(&mut rest)?);
        if part > SIDECAR || at < HEADER as u64 || at.checked_add(len).is_none_or(|end| end > until) {
            return None;
        }
        items.push(Item { part, tenant, id, at, len, crc });
    }
    rest.is_empty().then_some(items)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*first)
}

/// Makes a pack of a segment whose records, `good` bytes of them, are in their places. May be repeated at any point.
pub fn finish(data: &Path, segment: &Path, number: u64, good: u64, items: &[Item]) -> Result<()> {
    let to = path(data, number);
    if !segment.exists() && to.is_file() {
        return Ok(()); // renamed before
    }
    let file = File::options().read(true).write(true).open(segment)?;
    if directory(&file, number)?.is_none() {
        // What may stand behind the last record was refused or is a directory that was cut.
        file.set_len(good)?;
        // Only a file that durably names its objects may lose the records that named them.
        let written = file.write_all_at(&encode(number, good, items), good).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // What the system failed to sync it may forget: the next try writes it anew.
            file.set_len(good)?;
            return Err(disk::full(error));
        }
    }
    let mut at = HEADER as u64;
    for item in items {
        disk::clear(&file, at, item.at)?;
        at = item.at + item.len;
    }
    disk::clear(&file, at, good)?;
    file.sync_all()?;
    let folder = to.parent().ok_or(Error::Missing)?;
    disk::make_folder(folder)?;
    std::fs::rename(segment, &to)?;
    disk::sync_folder(folder)?;
    segment.parent().map_or(Ok(()), disk::sync_folder)
}

#[cfg(test)]
mod tests;
