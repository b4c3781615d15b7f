//! masks: Caller → Permit → MaskSet → Recorded. The patient draws, and so do her doctors and the privacy officer; every change
//! is a new version, which ends all grants of the study, so that the next request shows it.

mod standing;
mod wishes;

pub use standing::{standing, wish};
pub use wishes::{WishRecord, Wishes};

use crate::catalog::Study;
use crate::context::{About, Context};
use crate::vault::Vault;
use ledger::Event;
use model::{Region, RegionKind, Uid, limits};
use policy::Right;
use port::archive::{DRAWABLE, DrawnRegion};
use port::{Code, Fault, Response};
use std::collections::HashMap;
use std::sync::Arc;

/// Corners of all regions that people drew on one instance.
const CORNERS: usize = 16 << 10;

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
    regions: Vec<DrawnRegion>,
    expect_version: u64,
) -> Result<Response, Fault> {
    let study = drawable(vault, context, study).await?;
    if let Err(fault) = replaced(vault, context, &study, regions, expect_version).await {
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
    regions: Vec<DrawnRegion>,
    expect_version: u64,
) -> Result<(), Fault> {
    let drawn = checked(study, regions, context.caller.role.as_str())?;
    if !bounded(study, &drawn, &context.caller.user) {
        return Err(Code::TooLarge.into());
    }
    if study.record.masks.version != expect_version {
        return Err(Code::VersionConflict.into());
    }
    let version = expect_version + 1;
    let event = Event::MaskChanged { version, regions: drawn.len() as u64 };
    let author = context.caller.user.clone();
    let changed = vault.change_masks(context, study, event, move |masks| {
        masks.regions.retain(|(_, _, by)| *by != author);
        masks.regions.extend(drawn.into_iter().map(|(uid, region)| (uid, region, author.clone())));
        masks.version = version;
        true
    });
    if changed.await? { Ok(()) } else { Err(Code::VersionConflict.into()) }
}

/// Every masked frame of an instance pays for all that is drawn on it, by whomever.
fn bounded(study: &Study, drawn: &[(Uid, Region)], author: &str) -> bool {
    let others =
        study.record.masks.regions.iter().filter(|(_, _, by)| by != author).map(|(uid, r, _)| (uid, r));
    let mut on: HashMap<&Uid, (usize, usize)> = HashMap::new();
    for (uid, region) in others.chain(drawn.iter().map(|(uid, region)| (uid, region))) {
        let (regions, corners) = on.entry(uid).or_default();
        (*regions, *corners) = (*regions + 1, *corners + region.polygon.len());
    }
    on.values().all(|(regions, corners)| *regions <= limits::REGIONS && *corners <= CORNERS)
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
            let event = Event::OpenRefused { purpose: "own".to_owned(), rules: vec!["not-found".to_owned()] };
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
        let inside = |[x, y]: &[f32; 2]| (0.0..=columns).contains(x) && (0.0..=rows).contains(y);
        // One that is nowhere a pixel wide or high hides nothing, and would be told as done.
        let side = |of: fn(&[f32; 2]) -> f32| {
            let sides = polygon.iter().map(of);
            sides.clone().fold(f32::NEG_INFINITY, f32::max) - sides.fold(f32::INFINITY, f32::min)
        };
        let good = DRAWABLE.contains(&kind)
            && frame.is_none_or(|f| f < image.frames)
            && (3..=limits::POLYGON_CORNERS).contains(&polygon.len())
            && polygon.iter().all(inside)
            && side(|[x, _]| *x) >= 1.0
            && side(|[_, y]| *y) >= 1.0;
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
