//! Series metadata without opening a thousand objects: what a worker once made of a page's headers is kept, sealed, and sent
//! again. One manifest for each page of a series and for each way in which words leave; made at the first request, with the
//! object's own path, so that both say the same; a stale or damaged one is made anew (docs/decisions/0066-manifests.md).

mod delta;

use super::deliver::{From, Outflow, metadata};
use super::{Chosen, Plan, Release};
use crate::Result;
use crate::catalog::PAGE;
use crate::vault::Vault;
use bytes::Bytes;
use crypto::row;
use memchr::memmem;
use model::{Id, Uid, Words};
use port::{Fault, Item, Part};
use std::collections::HashMap;

/// A header as JSON that is longer is made each time.
const JSON_BYTES: usize = 256 << 10;
/// A page at its worst, padded and sealed, is within what is kept.
const _: () =
    assert!(PAGE * JSON_BYTES < row::ROW_BYTES && PAGE * JSON_BYTES * 5 / 4 < store::KEEPSAKE_BYTES);

/// A page of a series under one way of leaving.
struct Page {
    name: [u8; 32],
    /// Whose object's key derives the page's: destroying that destroys this.
    first: Id,
    known: HashMap<Id, Bytes>,
}

/// Sends the metadata of all chosen instances, in their order. Addresses in them begin with `studies`, which is the caller's
/// word for where we are; in what is kept a mark that nobody can write stands there instead.
pub async fn send(
    vault: &Vault,
    release: &Release,
    studies: &str,
    sink: &Outflow<'_>,
) -> std::result::Result<(), Fault> {
    let places = places(release);
    let mut made: Vec<(Page, Vec<(Id, Bytes)>)> = Vec::new();
    for group in release.chosen.chunk_by(|a, b| same_page(&places, a, b)) {
        let page = tokio::task::block_in_place(|| page(vault, release, &places, group));
        let page = page.filter(|_| plain(studies));
        let base = page.as_ref().map_or_else(|| studies.to_owned(), |page| mark(&page.name));
        let (mut whole, mut fresh) = (Vec::new(), 0);
        for chosen in group {
            let object = chosen.instance.record.object;
            let known = page.as_ref().and_then(|page| page.known.get(&object)).cloned();
            fresh += usize::from(known.is_none());
            let json = match known {
                Some(json) => json,
                None => of_object(vault, release, chosen, &base).await?,
            };
            sink.send(Item::Part(part(chosen))).await?;
            sink.bytes(addressed(&json, &base, studies)).await?;
            whole.push((object, json));
        }
        // One instance alone is no page; somebody who pages through by instances would write each time.
        if let Some(page) = page.filter(|_| fresh > 0 && group.len() > 1) {
            made.push((page, whole));
        }
    }
    if !made.is_empty() {
        let (vault, patient) = (vault.shared()?, release.study.patient());
        tokio::task::spawn_blocking(move || keep(&vault, patient, made));
    }
    Ok(())
}

async fn of_object(
    vault: &Vault,
    release: &Release,
    chosen: &Chosen,
    base: &str,
) -> std::result::Result<Bytes, Fault> {
    let object = vault.open_object(release.study.patient(), &chosen.instance.record).await?;
    metadata(&From { vault, release, chosen, object: &object }, base).await
}

fn part(chosen: &Chosen) -> Part {
    Part {
        media: "application/dicom+json".to_owned(),
        transfer_syntax: None,
        instance: Some(chosen.shown.clone()),
        frame: None,
        span: None,
        derived: false,
    }
}

/// Nothing in it would have to be written otherwise within JSON.
fn plain(studies: &str) -> bool {
    studies.bytes().all(|b| b.is_ascii_alphanumeric() || b"/:.-_[]".contains(&b))
}

/// Stands for the beginning of an address: a keyed hash, so that no header holds it already.
fn mark(name: &[u8; 32]) -> String {
    name.iter().map(|b| format!("{b:02x}")).collect()
}

/// The text with the caller's address where the mark is.
fn addressed(json: &Bytes, mark: &str, studies: &str) -> Bytes {
    let mut out = Vec::new();
    let mut from = 0;
    for at in memmem::find_iter(json, mark).filter(|_| mark != studies) {
        out.extend_from_slice(json.get(from..at).unwrap_or_default());
        out.extend_from_slice(studies.as_bytes());
        from = at + mark.len();
    }
    if from == 0 {
        return json.clone();
    }
    out.extend_from_slice(json.get(from..).unwrap_or_default());
    out.into()
}

/// Series and place in it of each instance of the study, by object.
type Places<'a> = HashMap<Id, (&'a Uid, usize)>;

fn places(release: &Release) -> Places<'_> {
    let series = release.study.series.iter();
    series
        .flat_map(|s| s.instances.iter().enumerate().map(|(at, i)| (i.record.object, (&s.uid, at))))
        .collect()
}

fn same_page(places: &Places<'_>, a: &Chosen, b: &Chosen) -> bool {
    let place =
        |chosen: &Chosen| places.get(&chosen.instance.record.object).map(|(series, at)| (*series, at / PAGE));
    let way = |chosen: &Chosen| chosen.plan == Plan::Clear;
    place(a).is_some() && place(a) == place(b) && way(a) == way(b) && a.corrections == b.corrections
}

/// The page of a group, with what is kept of it; nothing when nothing may be kept.
fn page(vault: &Vault, release: &Release, places: &Places<'_>, group: &[Chosen]) -> Option<Page> {
    let chosen = group.first()?;
    let (series, at) = *places.get(&chosen.instance.record.object)?;
    let pages = &release.study.series.iter().find(|s| s.uid == *series)?.instances;
    let first = pages.get(at / PAGE * PAGE)?.record.object;
    let name = name(vault, release, (series, at / PAGE), chosen)?;
    let known = known(vault, release, &name, first).unwrap_or_default();
    Some(Page { name, first, known })
}

/// A name for everything that the words depend on besides the object, which never changes: how they leave, whose study it is
/// said to be and by which name it was asked for, what people put right, and the program: a later one may leave out more.
fn name(
    vault: &Vault,
    release: &Release,
    (series, page): (&Uid, usize),
    chosen: &Chosen,
) -> Option<[u8; 32]> {
    let record = &release.study.record;
    let words = match release.grant.visibility().words {
        Words::Full => 0,
        Words::Pseudonymous => 1,
        Words::Reduced | Words::None => return None,
    };
    let said = (record.patient, &record.patient_attributes, &record.attributes, &chosen.corrections);
    let said = crate::catalog::encode(&said).ok()?;
    let masked = chosen.plan != Plan::Clear;
    let page = u32::try_from(page).ok()?;
    let parts: [&[u8]; 8] = [
        release.asked.as_str().as_bytes(),
        vault.options.software.as_bytes(),
        vault.tenant.as_str().as_bytes(),
        record.uid.as_str().as_bytes(),
        series.as_str().as_bytes(),
        &page.to_be_bytes(),
        &[words, masked.into()],
        &crypto::sha256(&said),
    ];
    Some(vault.sealing.ladder.name("gauze/manifest", &parts))
}

fn known(vault: &Vault, release: &Release, name: &[u8; 32], first: Id) -> Option<HashMap<Id, Bytes>> {
    let sealed = vault.store.keepsake(name)?;
    let key = vault.sidecar_key(release.study.patient(), first).ok()?;
    let plain = row::open(&key, &[b"manifest", name], &sealed).ok()?;
    delta::unpack(&crate::catalog::decode(&plain).ok()?)
}

/// Keeps manifests, while nobody waits for it.
fn keep(vault: &Vault, patient: Id, made: Vec<(Page, Vec<(Id, Bytes)>)>) {
    for (page, whole) in made {
        if let Err(error) = keep_one(vault, patient, page, whole) {
            tracing::warn!(%error, "a manifest could not be kept; the next request makes it anew");
        }
    }
}

fn keep_one(vault: &Vault, patient: Id, page: Page, whole: Vec<(Id, Bytes)>) -> Result<()> {
    let Page { name, first, mut known } = page;
    // Instances that this grant does not cover stay in it for others.
    whole.iter().for_each(|(object, _)| drop(known.remove(object)));
    let all = known.into_iter().chain(whole).filter(|(_, json)| json.len() <= JSON_BYTES);
    let plain = crate::catalog::encode(&delta::pack(all))?;
    let key = vault.sidecar_key(patient, first)?;
    let sealed = row::seal(&key, &*vault.sealing.random, &[b"manifest", &name], &plain)?;
    Ok(vault.store.keep(&name, &sealed)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_address_stands_where_the_mark_was() {
        let mark = mark(&[0xA5; 32]);
        let kept = Bytes::from(format!("{{\"a\":\"{mark}/1\",\"b\":\"{mark}\"}}"));
        assert_eq!(
            addressed(&kept, &mark, "https://x/studies"),
            r#"{"a":"https://x/studies/1","b":"https://x/studies"}"#
        );
        let without = Bytes::from_static(b"{}");
        assert_eq!(addressed(&without, &mark, "https://x"), without);
        assert!(plain("https://[::1]:8443/dicom-web/studies"));
        for bad in ["a\"b", "a\\b", "a b", "ä"] {
            assert!(!plain(bad), "{bad}");
        }
    }
}
