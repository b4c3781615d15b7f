//! standing masks: Caller → Permit → Wishes → Recorded. What is wished of a patient's films holds for every request after
//! the answer: a new version ends all grants of her studies, and each film is laid over when it leaves.

use super::wishes::{Author, On, Wish, WishRecord, Wishes};
use super::{CORNERS, drawable, refused};
use crate::catalog::Study;
use crate::context::{About, Context};
use crate::journal::promises;
use crate::sealing::{Kind, fault};
use crate::vault::{Vault, lock};
use ledger::Event;
use model::{HoldsFor, PatientRef, RegionKind, Role, Uid, limits};
use port::archive::{ShapeOn, Standing, StandingShape};
use port::{Code, Fault, Response};
use std::sync::Arc;
use store::Commit;

/// Bytes of a word by which a view is named, as the header may have it.
const WORD: usize = 64;

impl Vault {
    /// What is wished of a patient's films, under all the numbers that were merged into hers.
    pub(crate) fn wishes_of(&self, patient: PatientRef) -> Wishes {
        let wishes = lock(&self.wishes);
        if wishes.is_empty() {
            return Wishes::default();
        }
        let righted = lock(&self.righted);
        let hers = |of: &PatientRef| *of == patient || righted.any_is(&[*of], patient);
        let mut out: Vec<Arc<WishRecord>> =
            wishes.values().filter(|record| hers(&record.patient)).cloned().collect();
        out.sort_by_key(|record| record.patient);
        Wishes(out)
    }

    /// Version of what is hidden on a study: its own mask set and what is wished of its patient's films.
    pub(crate) fn mask_version(&self, study: &Study) -> u64 {
        study.record.masks.version.saturating_add(self.wishes_of(study.patient()).version())
    }
}

/// What the caller wishes of the films of a study's patient.
pub async fn standing(vault: &Vault, context: &Context, study: &Uid) -> Result<Response, Fault> {
    let study = drawable(vault, context, study).await?;
    Ok(answer(vault, context, study.patient()))
}

/// Replaces that.
pub async fn wish(
    vault: &Vault,
    context: &Context,
    (study, standing): (&Uid, Standing),
    expect_version: u64,
) -> Result<Response, Fault> {
    let study = drawable(vault, context, study).await?;
    let _one = vault.wishing.lock().await;
    match keep(vault, context, &study, standing, expect_version).await {
        Ok(()) => Ok(answer(vault, context, study.patient())),
        Err(fault) => refused(vault, context, &study, fault).await,
    }
}

fn answer(vault: &Vault, context: &Context, patient: PatientRef) -> Response {
    let record = lock(&vault.wishes).get(&patient).cloned();
    let version = record.as_ref().map_or(0, |record| record.version);
    let own = record.iter().flat_map(|record| &record.of).find(|author| author.user == context.caller.user);
    let mut standing = Standing {
        holds_for: own.map_or(HoldsFor::Related, |author| author.holds),
        parts: Vec::new(),
        shapes: Vec::new(),
    };
    for wish in own.iter().flat_map(|author| &author.wishes) {
        match wish {
            Wish::Part(kind) => standing.parts.push(*kind),
            Wish::Shape { on, polygon } => {
                standing.shapes.push(StandingShape { on: told(on), polygon: polygon.clone() });
            }
        }
    }
    Response::Standing { version, standing }
}

fn told(on: &On) -> ShapeOn {
    match on {
        On::Series(uid) => ShapeOn::Series(uid.clone()),
        On::View { modality, body_part, view_position } => {
            ShapeOn::View([modality.clone(), body_part.clone(), view_position.clone()])
        }
    }
}

async fn keep(
    vault: &Vault,
    context: &Context,
    study: &Study,
    standing: Standing,
    expect_version: u64,
) -> Result<(), Fault> {
    let caller = &context.caller;
    // Only the patient herself hides anything from those who report or treat under an order.
    if standing.holds_for == HoldsFor::Everyone && caller.role != Role::Patient {
        return Err(Code::NotAllowed.into());
    }
    let author = Author {
        user: caller.user.clone(),
        role: caller.role.to_string(),
        holds: standing.holds_for,
        wishes: checked(study, standing)?,
    };
    let patient = study.patient();
    let now = lock(&vault.wishes).get(&patient).cloned();
    let mut record = now.map_or(WishRecord { patient, version: 0, of: Vec::new() }, |now| (*now).clone());
    if record.version != expect_version {
        return Err(Code::VersionConflict.into());
    }
    let event = Event::MasksStanding {
        version: expect_version + 1,
        wishes: author.wishes.len() as u64,
        holds_for: author.holds.as_str().to_owned(),
    };
    record.version = expect_version + 1;
    record.of.retain(|other| other.user != author.user);
    record.of.push(author);
    if !bounded(&record) {
        return Err(Code::TooLarge.into());
    }
    let mut commit = Commit::new(vault.store.epoch());
    let name = vault.sealing.name(Kind::Wishes, &[&patient.0]);
    commit.rows.push(vault.sealing.row(Kind::Wishes, name, record.version, &record)?);
    vault.entry_into(&mut commit, vault.envelope(context, &About::study(study)), event)?;
    let promises = promises(&commit);
    let pending = vault.store.submit(commit).map_err(crate::Error::from)?;
    let kept = vault.settled(promises, pending, move |vault, durable| match durable {
        Ok(_) => {
            lock(&vault.wishes).insert(patient, Arc::new(record));
            Ok(())
        }
        Err(error) => Err(fault(&error)),
    });
    kept.await
}

/// Every masked frame of the patient pays for all of it.
fn bounded(record: &WishRecord) -> bool {
    let wishes = || record.of.iter().flat_map(|author| &author.wishes);
    let corners = wishes().map(|wish| match wish {
        Wish::Part(_) => 4,
        Wish::Shape { polygon, .. } => polygon.len(),
    });
    wishes().count() <= limits::REGIONS && corners.sum::<usize>() <= CORNERS
}

/// What came from outside, within bounds, in the words of the films that it names.
fn checked(study: &Study, standing: Standing) -> Result<Vec<Wish>, Fault> {
    if standing.parts.len() + standing.shapes.len() > limits::REGIONS {
        return Err(Code::TooLarge.into());
    }
    let mut parts = standing.parts;
    parts.sort_unstable();
    parts.dedup();
    if parts.iter().any(|part| !RegionKind::PARTS.contains(part)) {
        return Err(Code::BadRequest.into());
    }
    let shapes = standing.shapes.into_iter().map(|StandingShape { on, polygon }| {
        let whole = |[x, y]: &[f32; 2]| (0.0..=1.0).contains(x) && (0.0..=1.0).contains(y);
        let side = |at: usize| {
            let of = || polygon.iter().filter_map(|corner| corner.get(at).copied());
            of().fold(f32::NEG_INFINITY, f32::max) - of().fold(f32::INFINITY, f32::min)
        };
        // One that is nowhere a pixel of any frame wide or high hides nothing, and would be told as done.
        let good = (3..=limits::POLYGON_CORNERS).contains(&polygon.len())
            && polygon.iter().all(whole)
            && side(0) >= 0.001
            && side(1) >= 0.001;
        if !good {
            return Err(Fault::from(Code::BadRequest));
        }
        Ok(Wish::Shape { on: named(study, on)?, polygon })
    });
    let shapes: Vec<Wish> = shapes.collect::<Result<_, _>>()?;
    Ok(parts.into_iter().map(Wish::Part).chain(shapes).collect())
}

fn named(study: &Study, on: ShapeOn) -> Result<On, Fault> {
    let of = |uid: &Uid| study.instances().find(|(_, i)| i.record.sop_uid == *uid).ok_or(Code::BadRequest);
    Ok(match on {
        ShapeOn::SeriesOf(uid) => On::Series(of(&uid)?.0.uid.clone()),
        ShapeOn::ViewOf(uid) => On::view_of(of(&uid)?.1.record.image.as_ref().ok_or(Code::BadRequest)?),
        ShapeOn::Series(uid) => On::Series(uid),
        ShapeOn::View(words) if words.iter().all(|word| word.len() <= WORD) => {
            let [modality, body_part, view_position] = words;
            On::View { modality, body_part, view_position }
        }
        ShapeOn::View(_) => return Err(Code::TooLarge.into()),
    })
}

#[cfg(test)]
mod tests;
