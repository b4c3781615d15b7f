//! standing masks: Caller → Permit → Wishes → Recorded. What is wished of a patient's films holds for every request after
//! the answer: a new version ends all grants of her studies, and each film is laid over when it leaves.

use super::wishes::{Author, On, Wish, WishRecord, WishedRecord, Wishes};
use super::{Drawn, drawable, fits, of_patient, outlines, refused};
use crate::catalog::Study;
use crate::context::{About, Context};
use crate::journal::promises;
use crate::sealing::{Kind, fault};
use crate::vault::{Vault, lock};
use ledger::Event;
use model::{HoldsFor, PatientRef, RegionKind, Role, Uid, limits};
use port::archive::{Redraw, ShapeOn, Standing, StandingShape};
use port::{Code, Fault, Response};
use std::sync::Arc;
use store::Commit;

/// Bytes of a word by which a view is named, as the header may have it.
const WORD: usize = 64;

/// Share of width and height that a shape has at least.
const LEAST: f32 = 0.001;

impl Vault {
    /// What is wished of a patient's films, under all the references that were merged into hers.
    pub(crate) fn wishes_of(&self, patient: PatientRef) -> Wishes {
        let wishes = lock(&self.wishes);
        if wishes.is_empty() {
            return Wishes::default();
        }
        let righted = lock(&self.righted);
        let mut out: Vec<Arc<WishRecord>> =
            righted.references(patient).filter_map(|of| wishes.get(&of).cloned()).collect();
        out.sort_by_key(|record| record.patient);
        Wishes(out)
    }

    /// Version of what is hidden on a study ([`Wishes::with`]).
    pub(crate) fn mask_version(&self, study: &Study) -> u64 {
        self.wishes_of(study.patient()).with(study)
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
    study: &Uid,
    change: Redraw<Standing>,
) -> Result<Response, Fault> {
    drawable(vault, context, study).await?;
    let _one = vault.wishing.lock().await;
    // Whose it is may have changed while others were waited for.
    let study = drawable(vault, context, study).await?;
    match keep(vault, context, &study, change).await {
        Ok(()) => Ok(answer(vault, context, study.patient())),
        Err(fault) => refused(vault, context, &study, fault).await,
    }
}

fn answer(vault: &Vault, context: &Context, patient: PatientRef) -> Response {
    let wishes = vault.wishes_of(patient);
    let user = &context.caller.user;
    let mut standing = Standing { holds_for: wishes.holds_for(user), parts: Vec::new(), shapes: Vec::new() };
    for wish in wishes.of(user).flat_map(|author| &author.wishes) {
        match wish {
            Wish::Part(kind) if standing.parts.contains(kind) => {}
            Wish::Part(kind) => standing.parts.push(*kind),
            Wish::Shape { on, polygon } => {
                let shape = StandingShape { on: told(on), polygon: polygon.clone() };
                if !standing.shapes.contains(&shape) {
                    standing.shapes.push(shape);
                }
            }
        }
    }
    Response::Standing { version: wishes.version(), standing }
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
    Redraw { wanted, drop_others, expect_version }: Redraw<Standing>,
) -> Result<(), Fault> {
    let role = context.caller.role;
    // Only the patient herself hides anything from those who report or treat under an order.
    if wanted.holds_for == HoldsFor::Everyone && role != Role::Patient || drop_others && role != Role::Officer
    {
        return Err(Code::NotAllowed.into());
    }
    let own = Author {
        user: context.caller.user.clone(),
        role: role.to_string(),
        holds: wanted.holds_for,
        wishes: checked(study, wanted)?,
    };
    let (righted, home) = {
        let righted = lock(&vault.righted);
        (righted.version(), righted.unmerged(study))
    };
    let now = vault.wishes_of(study.patient());
    if now.version() != expect_version {
        return Err(Code::VersionConflict.into());
    }
    let user = own.user.clone();
    let said = own.wishes.len() as u64;
    let holds_for = own.holds.as_str().to_owned();
    let after = redrawn(&now, home, own, drop_others);
    let (changed, dropped) = (after.changed, after.dropped);
    let before = drawn_by(now.0.iter().map(|record| &**record));
    if !fits(&before, &drawn_by(&after.all), (&user, role)) {
        return Err(Code::TooLarge.into());
    }
    let version = after.all.iter().map(|record| record.version).sum();
    let event = match drop_others {
        false => Event::MasksStanding { version, wishes: said, holds_for },
        true => Event::MasksDropped { version, dropped, regions: said },
    };
    save(vault, context, study, (righted, changed, event)).await
}

/// Rows and entry in one commit.
async fn save(
    vault: &Vault,
    context: &Context,
    study: &Study,
    (righted, changed, event): (u64, Vec<WishRecord>, Event),
) -> Result<(), Fault> {
    let mut commit = Commit::new(vault.store.epoch());
    for state in &changed {
        let name = vault.sealing.name(Kind::Wishes, &[&state.patient.0]);
        commit.rows.push(vault.sealing.row(Kind::Wishes, name, state.version, state)?);
        let name = vault.sealing.name(Kind::Wished, &[&state.patient.0, &state.version.to_be_bytes()]);
        let (by, role) = (context.caller.user.clone(), context.caller.role.to_string());
        let said = WishedRecord { by, role, at: context.now, state: state.clone() };
        commit.rows.push(vault.sealing.row(Kind::Wished, name, 1, &said)?);
    }
    vault.entry_into(&mut commit, vault.envelope(context, &About::study(study)), event)?;
    let promises = promises(&commit);
    let pending = {
        // What is put right holds the index until it is durable: none comes in between.
        let _index = vault.catalog();
        if lock(&vault.righted).version() != righted {
            return Err(Code::VersionConflict.into());
        }
        vault.store.submit(commit).map_err(crate::Error::from)?
    };
    let kept = vault.settled(promises, pending, move |vault, durable| match durable {
        Ok(_) => {
            let mut wishes = lock(&vault.wishes);
            wishes.extend(changed.into_iter().map(|record| (record.patient, Arc::new(record))));
            Ok(())
        }
        Err(error) => Err(fault(&error)),
    });
    kept.await
}

/// All records of a patient after a change, and those that it changes.
struct Redrawn {
    all: Vec<WishRecord>,
    changed: Vec<WishRecord>,
    dropped: u64,
}

/// What an account wished under a reference that was merged stays there, so that it goes back with an undone merge; what is new
/// is kept under `home`, whose the study is without merges.
fn redrawn(now: &Wishes, home: PatientRef, own: Author, drop_others: bool) -> Redrawn {
    let mut records: Vec<WishRecord> = now.0.iter().map(|record| (**record).clone()).collect();
    if !records.iter().any(|record| record.patient == home) {
        records.push(WishRecord { patient: home, version: 0, of: Vec::new() });
    }
    let elsewhere = |wish: &Wish| {
        let others = now.0.iter().filter(|record| record.patient != home);
        others.flat_map(|record| record.by(&own.user)).any(|author| author.wishes.contains(wish))
    };
    let mut out = Redrawn { all: Vec::new(), changed: Vec::new(), dropped: 0 };
    for mut record in records {
        let before = record.of.clone();
        let of_others = |author: &&mut Author| author.user != own.user && !of_patient(&author.role);
        if drop_others {
            // For whom it holds what they drew on films stays said.
            for author in record.of.iter_mut().filter(of_others) {
                out.dropped += std::mem::take(&mut author.wishes).len() as u64;
            }
        }
        let here = record.patient == home;
        let old = record.by(&own.user).map(|author| author.wishes.clone());
        record.of.retain(|author| author.user != own.user);
        if here || old.is_some() {
            let old = old.unwrap_or_default();
            let stays = |wish: &&Wish| if here { !elsewhere(wish) } else { old.contains(wish) };
            let wishes = own.wishes.iter().filter(stays).cloned().collect();
            record.of.push(Author { wishes, ..own.clone() });
        }
        if here || record.of != before {
            record.version += 1;
            out.changed.push(record.clone());
        }
        out.all.push(record);
    }
    out
}

/// Every masked frame of the patient pays for all of it.
fn drawn_by<'a>(records: impl IntoIterator<Item = &'a WishRecord>) -> Vec<Drawn<'a>> {
    let authors = records.into_iter().flat_map(|record| &record.of);
    let wishes = authors.flat_map(|author| author.wishes.iter().map(move |wish| (author, wish)));
    let drawn = wishes.map(|(author, wish)| Drawn {
        by: &author.user,
        of_patient: of_patient(&author.role),
        corners: match wish {
            Wish::Part(_) => 4,
            Wish::Shape { polygon, .. } => polygon.len(),
        },
    });
    drawn.collect()
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
        let good = outlines(&polygon, [1.0, 1.0], LEAST);
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
