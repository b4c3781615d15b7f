//! Who looked follows the film: a series that was moved brings along what was released of it where it was before. What else
//! was done there concerns somebody else and stays.

use super::record::Deed;
use crate::catalog::Series;
use crate::vault::{Vault, lock};
use ledger::{Entry, Value};
use model::{Id, Uid};
use port::Fault;
use std::collections::BTreeSet;

/// Entries that the patient of a study is told of, oldest first: index and kind.
pub async fn told(vault: &Vault, study: &Uid) -> Result<Vec<(u64, &'static str)>, Fault> {
    let mut told = vault.told(study.as_str()).await?;
    let whole = vault.study(study)?;
    let all_series = whole.as_ref().map(|study| study.series.as_slice()).unwrap_or_default();
    let (objects, elsewhere) = moved_in(vault, study, all_series);
    for place in elsewhere {
        let there = vault.told(place.as_str()).await?;
        let films = there.into_iter().filter(|(_, kind)| matches!(*kind, "stored" | "released"));
        for (index, kind) in films.collect::<Vec<_>>() {
            let entry = tokio::task::block_in_place(|| vault.entry_as_kept(index))?;
            if entry.is_some_and(|entry| concerns(&entry, &objects)) {
                told.push((index, kind));
            }
        }
    }
    told.sort_unstable();
    told.dedup();
    Ok(told)
}

/// Objects of the study that have been in another one, and where they have been.
fn moved_in(vault: &Vault, study: &Uid, all_series: &[Series]) -> (BTreeSet<[u8; 16]>, BTreeSet<Uid>) {
    let righted = lock(&vault.righted);
    let mut elsewhere = BTreeSet::new();
    let mut objects = BTreeSet::new();
    for series in all_series {
        let home = righted.arrived_in(study, &series.uid);
        let named = (home.clone(), series.uid.clone());
        let moves = righted.changes.values().filter_map(|change| match &change.deed {
            Deed::MoveSeries { series, to } if series.contains(&named) => Some(to.clone()),
            _ => None,
        });
        let places: BTreeSet<Uid> = moves.chain([home]).filter(|place| place != study).collect();
        if !places.is_empty() {
            objects.extend(series.instances.iter().map(|i| i.record.object.0));
            elsewhere.extend(places);
        }
    }
    (objects, elsewhere)
}

fn concerns(entry: &Entry, objects: &BTreeSet<[u8; 16]>) -> bool {
    let one = |Id(id): Id| objects.contains(&id);
    let listed = entry.details.iter().filter(|(name, _)| name == "objects").any(|(_, value)| match value {
        Value::List(list) => list.iter().any(|value| match value {
            Value::Bytes(bytes) => {
                bytes.as_slice().try_into().is_ok_and(|id: [u8; 16]| objects.contains(&id))
            }
            _ => false,
        }),
        _ => false,
    });
    listed || entry.envelope.object.is_some_and(one)
}
