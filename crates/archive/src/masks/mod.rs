//! masks: Caller → Permit → MaskSet → Recorded. The patient draws, and so do her doctors and the privacy officer; every change
//! is a new version, which ends all grants of the study, so that the next request shows it.

mod bring;
mod planes;
mod standing;
mod wishes;

pub use bring::bring;
pub use planes::planes;
pub use standing::{standing, wish};
#[cfg(test)]
pub use wishes::WishedRecord;
pub use wishes::{WishRecord, Wishes, parts};

use crate::catalog::Study;
use crate::context::{About, Context};
use crate::vault::Vault;
use ledger::Event;
use model::{Region, RegionKind, Role, Uid, limits};
use policy::Right;
use port::archive::{DRAWABLE, DrawnRegion, Redraw};
use port::{Code, Fault, Response};
use std::collections::HashMap;
use std::sync::Arc;

/// Corners of all regions that a patient drew on one instance, and of those that all others drew there.
const CORNERS: usize = 16 << 10;

/// Of all others' room, the share of one of them.
const SHARE: usize = 4;

/// The mask set of a study, for who may draw on it.
pub async fn masks(vault: &Vault, context: &Context, study: &Uid) -> Result<Response, Fault> {
    let study = drawable(vault, context, study).await?;
    Ok(answer(vault, context, &study))
}

/// Replaces the caller's regions.
pub async fn draw(
    vault: &Vault,
    context: &Context,
    study: &Uid,
    change: Redraw<Vec<DrawnRegion>>,
) -> Result<Response, Fault> {
    let study = drawable(vault, context, study).await?;
    if let Err(fault) = replaced(vault, context, &study, change).await {
        return refused(vault, context, &study, fault).await;
    }
    let study = vault.study(&study.record.uid)?.ok_or(Code::NotFound)?;
    Ok(answer(vault, context, &study))
}

async fn refused<T>(vault: &Vault, context: &Context, study: &Study, fault: Fault) -> Result<T, Fault> {
    let event = Event::MaskRefused { cause: fault.code.as_str().to_owned() };
    vault.record(context, About::study(study), event).await?;
    Err(fault)
}

async fn replaced(
    vault: &Vault,
    context: &Context,
    study: &Study,
    Redraw { wanted, drop_others, expect_version }: Redraw<Vec<DrawnRegion>>,
) -> Result<(), Fault> {
    let (author, role) = (context.caller.user.clone(), context.caller.role);
    if drop_others && role != Role::Officer {
        return Err(Code::NotAllowed.into());
    }
    let own = checked(study, wanted, role.as_str())?;
    let now = &study.record.masks;
    let stays = |(_, region, by): &&(Uid, Region, String)| {
        *by != author && (!drop_others || of_patient(&region.source))
    };
    let mut after: Vec<_> = now.regions.iter().filter(stays).cloned().collect();
    let others = now.regions.iter().filter(|(_, _, by)| *by != author).count();
    let (regions, dropped) = (own.len() as u64, (others - after.len()) as u64);
    after.extend(own.into_iter().map(|(uid, region)| (uid, region, author.clone())));
    if !bounded(&now.regions, &after, (&author, role)) {
        return Err(Code::TooLarge.into());
    }
    if now.version != expect_version {
        return Err(Code::VersionConflict.into());
    }
    let version = expect_version + 1;
    let event = match drop_others {
        false => Event::MaskChanged { version, regions },
        true => Event::MasksDropped { version, dropped, regions },
    };
    let changed = vault.change_masks(context, study, event, move |masks| {
        masks.regions = after;
        masks.version = version;
        true
    });
    if changed.await? { Ok(()) } else { Err(Code::VersionConflict.into()) }
}

/// Every masked frame of an instance pays for all that is drawn on it, by whomever. The patient's room is her own.
fn bounded(before: &[(Uid, Region, String)], after: &[(Uid, Region, String)], by: (&str, Role)) -> bool {
    let (before, after) = (on_each(before), on_each(after));
    after.iter().all(|(uid, drawn)| fits(before.get(uid).map_or(&[], Vec::as_slice), drawn, by))
}

fn on_each(regions: &[(Uid, Region, String)]) -> HashMap<&Uid, Vec<Drawn<'_>>> {
    let mut on: HashMap<&Uid, Vec<Drawn<'_>>> = HashMap::new();
    for (uid, region, by) in regions {
        let of_patient = of_patient(&region.source);
        on.entry(uid).or_default().push(Drawn { by, of_patient, corners: region.polygon.len() });
    }
    on
}

/// One region, for its share of the room.
#[derive(Debug, Clone, Copy)]
struct Drawn<'a> {
    by: &'a str,
    of_patient: bool,
    corners: usize,
}

/// A change of what this account drew fits. What others drew before counts only where the room is shared; less than before always
/// fits, for two that fitted may have become one patient's.
fn fits(before: &[Drawn<'_>], after: &[Drawn<'_>], (user, role): (&str, Role)) -> bool {
    let own = |drawn: &[Drawn<'_>]| Used::of(drawn.iter().filter(|one| one.by == user));
    if own(after).at_most(&own(before)) {
        return true;
    }
    if role == Role::Patient {
        return own(after).within(1);
    }
    own(after).within(SHARE) && Used::of(after.iter().filter(|one| !one.of_patient)).within(1)
}

/// What is used of the room on a frame.
#[derive(Debug, Default)]
struct Used {
    regions: usize,
    corners: usize,
}

impl Used {
    fn of<'a>(drawn: impl Iterator<Item = &'a Drawn<'a>>) -> Self {
        drawn.fold(Self::default(), |used, one| Self {
            regions: used.regions + 1,
            corners: used.corners + one.corners,
        })
    }

    const fn at_most(&self, other: &Self) -> bool {
        self.regions <= other.regions && self.corners <= other.corners
    }

    const fn within(&self, share: usize) -> bool {
        self.regions <= limits::REGIONS / share && self.corners <= CORNERS / share
    }
}

/// Who drew it was the patient.
fn of_patient(role: &str) -> bool {
    role == Role::Patient.as_str()
}

/// A shape within a frame of this width and height, and at least so wide and high: one that is narrower than a pixel hides
/// nothing, and would be told as done.
fn outlines(polygon: &[[f32; 2]], [width, height]: [f32; 2], least: f32) -> bool {
    let inside = |[x, y]: &[f32; 2]| (0.0..=width).contains(x) && (0.0..=height).contains(y);
    let side = |of: fn(&[f32; 2]) -> f32| {
        let sides = polygon.iter().map(of);
        sides.clone().fold(f32::NEG_INFINITY, f32::max) - sides.fold(f32::INFINITY, f32::min)
    };
    (3..=limits::POLYGON_CORNERS).contains(&polygon.len())
        && polygon.iter().all(inside)
        && side(|[x, _]| *x) >= least
        && side(|[_, y]| *y) >= least
}

fn answer(vault: &Vault, context: &Context, study: &Study) -> Response {
    let (masks, user) = (&study.record.masks, &context.caller.user);
    let (own, others): (Vec<_>, Vec<_>) = masks.regions.iter().partition(|(_, _, by)| by == user);
    let drawn = |some: Vec<&(Uid, Region, String)>| {
        let region = |(uid, region, _): &(Uid, Region, String)| DrawnRegion {
            instance: uid.clone(),
            region: region.clone(),
        };
        some.into_iter().map(region).collect()
    };
    let holds_for = vault.wishes_of(study.patient()).holds_for(user);
    Response::Masks { version: masks.version, regions: drawn(own), others: drawn(others), holds_for }
}

/// A study on which the caller may draw: the patient on the film, who has to do with her, the privacy officer. For everybody
/// else the study is unknown.
async fn drawable(vault: &Vault, context: &Context, study: &Uid) -> Result<Arc<Study>, Fault> {
    vault.may(context, Right::ChangeMasks).await?;
    let found = vault.study(study)?.filter(|study| vault.right_on(context, study, Right::ChangeMasks));
    match found {
        Some(study) => Ok(study),
        None => {
            let event = Event::OpenRefused {
                purpose: "own".to_owned(),
                rules: vec!["not-found".to_owned()],
                policy_version: String::new(),
                facts: String::new(),
            };
            vault.record(context, About::nothing(), event).await?;
            Err(Code::NotFound.into())
        }
    }
}

/// What came from a browser, within bounds and on an instance of this study.
fn checked(study: &Study, regions: Vec<DrawnRegion>, source: &str) -> Result<Vec<(Uid, Region)>, Fault> {
    if regions.len() > limits::REGIONS {
        return Err(Code::TooLarge.into());
    }
    let check = |drawn: DrawnRegion| {
        let (_, instance) =
            study.instances().find(|(_, i)| i.record.sop_uid == drawn.instance).ok_or(Code::BadRequest)?;
        let image = instance.record.image.as_ref().ok_or(Code::BadRequest)?;
        let Region { kind, frame, polygon, .. } = drawn.region;
        #[expect(clippy::cast_precision_loss, reason = "at most 65,535, exact in f32")]
        let (columns, rows) = (image.columns as f32, image.rows as f32);
        let good = DRAWABLE.contains(&kind)
            && frame.is_none_or(|f| f < image.frames)
            && outlines(&polygon, [columns, rows], 1.0);
        if !good {
            return Err(Fault::from(Code::BadRequest));
        }
        let region =
            Region { kind: RegionKind::Drawn, frame, polygon, source: source.to_owned(), confidence: 1.0 };
        Ok((drawn.instance, region))
    };
    regions.into_iter().map(check).collect()
}

#[cfg(test)]
mod tests;
