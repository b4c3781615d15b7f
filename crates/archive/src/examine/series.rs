//! Slices of a series are alike: who writes on them writes on all. A few are searched for words in full, the others only
//! where something seems drawn; once words turn up on one, all of its series are searched.

use crate::catalog::{Instance, InstanceRecord, Seen, Series, Study};
use model::{ImageInfo, RegionKind, Uid};

/// So many from the first are searched in full, and must be before another is only glanced at.
const FIRST: usize = 4;
/// And so is every one at this distance.
const EVERY: usize = 16;

/// Whether the slices of this one's series that were searched bear no words, so that a glance does for it.
pub fn bears_no_words(study: &Study, record: &InstanceRecord, image: &ImageInfo) -> bool {
    let Some((series, at)) = place(study, record) else { return false };
    let searched = |other: &Instance| {
        let seen = other.record.seen.as_ref().is_some_and(|seen| seen.maskable && !words(seen));
        seen && other.record.image.as_ref().is_some_and(|first| alike(first, image))
    };
    let wordless = |other: &Instance| !other.record.seen.as_ref().is_some_and(words);
    at >= FIRST
        && !at.is_multiple_of(EVERY)
        && series.instances.iter().take(FIRST).all(searched)
        && series.instances.iter().all(wordless)
}

/// Words were found on it.
pub fn words(seen: &Seen) -> bool {
    seen.regions.iter().any(|region| region.kind == RegionKind::Text)
}

/// What is to be searched after this one was looked at: in a series that bears words, all on which none were found when
/// this one bears some, else this one.
pub fn to_search(study: &Study, record: &InstanceRecord) -> Vec<Uid> {
    let Some((series, _)) = place(study, record) else { return Vec::new() };
    let bears = |record: &InstanceRecord| record.seen.as_ref().map(words);
    let glanced: fn(&Instance) -> bool =
        |other| other.record.seen.as_ref().is_some_and(|seen| seen.maskable && !words(seen));
    let uids = |all: &[Instance], only: &dyn Fn(&Instance) -> bool| {
        all.iter().filter(|i| only(i)).map(|i| i.record.sop_uid.clone()).collect()
    };
    match bears(record) {
        Some(true) => uids(&series.instances, &glanced),
        Some(false) if series.instances.iter().any(|i| bears(&i.record) == Some(true)) => {
            uids(&series.instances, &|i| glanced(i) && i.record.sop_uid == record.sop_uid)
        }
        _ => Vec::new(),
    }
}

fn place<'a>(study: &'a Study, record: &InstanceRecord) -> Option<(&'a Series, usize)> {
    study.series.iter().find_map(|series| {
        let at = series.instances.iter().position(|i| i.record.sop_uid == record.sop_uid)?;
        Some((series, at))
    })
}

/// Made by the same step of the same machine, as far as a header says.
fn alike(one: &ImageInfo, other: &ImageInfo) -> bool {
    let step = |i: &ImageInfo| {
        (
            i.sop_class.clone(),
            i.transfer_syntax.clone(),
            i.image_type.clone(),
            i.rows,
            i.columns,
            i.bits_stored,
        )
    };
    step(one) == step(other)
}

#[cfg(test)]
mod tests;
