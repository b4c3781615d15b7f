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
    let worded = |record: &InstanceRecord| record.seen.as_ref().is_some_and(words);
    if !series.instances.iter().any(|other| worded(&other.record)) {
        return Vec::new();
    }
    let asked = |other: &&Instance| worded(record) || other.record.sop_uid == record.sop_uid;
    let glanced = |other: &&Instance| other.record.seen.as_ref().is_some_and(glanced_at);
    let all = series.instances.iter().filter(asked).filter(glanced);
    all.map(|other| other.record.sop_uid.clone()).collect()
}

/// No words were found, and perhaps none were searched for. Only slices are glanced at (`Finder::glancing`): a film was
/// searched, and is not searched twice.
fn glanced_at(seen: &Seen) -> bool {
    seen.maskable && matches!(seen.class.as_str(), "ct" | "mr") && !words(seen)
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
