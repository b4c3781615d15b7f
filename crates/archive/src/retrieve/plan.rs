//! What one grant lets out of one instance. Undecided pixels are masked, unknown objects are withheld (DESIGN.md §2.4).

use crate::catalog::{Instance, Study};
use crate::masks::Wishes;
use model::{HoldsFor, ImageInfo, Pixels, Region, RegionKind, Uid, Visibility, Words, limits};
use policy::{Grant, Hide};
use privacy::Kind;

/// Version of the finder that says: nothing was found out in time, so all is hidden.
pub const FALLBACK: &str = "fallback";

/// What happens to an instance's pixels.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// As stored.
    Clear,
    /// These regions are hidden; the rest leaves as it is.
    Masked {
        /// On all frames, markers included.
        regions: Vec<Region>,
        /// The safe fall-back: recognition was unsure or is not done.
        fallback: bool,
    },
}

/// The plan, or nothing: as if the instance were absent for this grant.
pub fn plan(
    grant: &Grant,
    (related, wishes, untouched): (bool, &Wishes, &dyn Fn() -> bool),
    study: &Study,
    (series, instance): (&Uid, &Instance),
) -> Option<Plan> {
    let Visibility { pixels, words } = grant.visibility();
    let seen = instance.record.seen.as_ref();
    match (pixels, words) {
        (Pixels::None, _) | (_, Words::None | Words::Reduced) => return None,
        (Pixels::Clear, Words::Full) => return Some(Plan::Clear),
        // Clear pixels with fewer words: no grant of today says so, and nothing is made up here.
        (Pixels::Clear, Words::Pseudonymous) => return None,
        (Pixels::Masked, _) => {}
    }
    let drawn = drawn(wishes, study, (series, instance), &|holds_for| grant.hides_drawn(holds_for));
    // From who reports under an order nothing is hidden but what the patient drew: where nothing of that is, all is as without it.
    if grant.hide() == Hide::Drawn && drawn.is_empty() && (looked_at(instance) || untouched()) {
        return Some(Plan::Clear);
    }
    // Not an image, or one that nobody could look at: nothing of it can be masked, so it is withheld.
    let image = instance.record.image.as_ref()?;
    let secondary = words == Words::Pseudonymous;
    match seen {
        Some(seen) if !seen.maskable => None,
        Some(seen) if seen.withheld && (secondary || !related) => None,
        Some(seen) => {
            let found = |r: &&Region| r.kind == RegionKind::Marker || grant.hides_found(r.kind);
            let mut regions: Vec<Region> = seen.regions.iter().filter(found).cloned().collect();
            lay_over(&mut regions, drawn, instance);
            lay_over(&mut regions, crate::masks::parts(grant.also_hidden(), instance), instance);
            Some(Plan::Masked { regions, fallback: seen.fallback })
        }
        // Not looked at: what its header already says is withheld. `maskable` is not known, so its pixels are all hidden.
        None if withheld_by_header(image, related, secondary) => None,
        None => Some(Plan::Masked { regions: vec![everything(instance)], fallback: true }),
    }
}

/// All that is hidden of an instance from who sees the least of it; nothing: it is no image.
pub fn in_force(
    wishes: &Wishes,
    study: &Study,
    (series, instance): (&Uid, &Instance),
) -> Option<Vec<Region>> {
    instance.record.image.as_ref()?;
    let seen = instance.record.seen.as_ref().filter(|seen| seen.maskable && !seen.withheld);
    let Some(seen) = seen else { return Some(vec![everything(instance)]) };
    let mut regions = seen.regions.clone();
    lay_over(&mut regions, drawn(wishes, study, (series, instance), &|_| true), instance);
    Some(regions)
}

/// More than a frame can pay for hide all of it.
fn lay_over(regions: &mut Vec<Region>, drawn: Vec<Region>, instance: &Instance) {
    for region in drawn {
        if !regions.contains(&region) {
            regions.push(region);
        }
    }
    if regions.len() > limits::PLANNED_REGIONS {
        *regions = vec![everything(instance)];
    }
}

/// What people drew on an instance, or wish of it, as far as it holds.
fn drawn(
    wishes: &Wishes,
    study: &Study,
    (series, instance): (&Uid, &Instance),
    holds: &dyn Fn(HoldsFor) -> bool,
) -> Vec<Region> {
    let Some(image) = instance.record.image.as_ref() else { return Vec::new() };
    let twins = is_film(image);
    let drawn = study.record.masks.regions.iter().filter(|(uid, _, _)| {
        *uid == instance.record.sop_uid
            || twins && drawn_on(study, uid).is_some_and(|of| same_view(of, image))
    });
    let drawn = drawn.map(|(_, region, by)| (region.clone(), wishes.holds_for(by)));
    let all = drawn.chain(wishes.on(series, instance));
    all.filter(|(_, holds_for)| holds(*holds_for)).map(|(region, _)| region).collect()
}

/// An image that was looked at and can be masked. What nobody could look at (a report with icons, a document, an image that lies)
/// may show what is drawn on another one.
fn looked_at(instance: &Instance) -> bool {
    let record = &instance.record;
    record.image.is_some() && record.seen.as_ref().is_some_and(|seen| seen.maskable)
}

/// Nothing that is hidden from this caller is drawn on any image of the study.
pub fn untouched(grant: &Grant, wishes: &Wishes, study: &Study) -> bool {
    study.instances().all(|(series, instance)| {
        drawn(wishes, study, (&series.uid, instance), &|holds_for| grant.hides_drawn(holds_for)).is_empty()
    })
}

fn drawn_on<'a>(study: &'a Study, uid: &Uid) -> Option<&'a ImageInfo> {
    let (_, instance) = study.instances().find(|(_, i)| i.record.sop_uid == *uid)?;
    instance.record.image.as_ref()
}

/// Two films of one study and one size of which the header says the same: the exposure for processing beside the processed
/// one, a second processing. What was drawn on one would stand open on the other.
fn same_view(one: &ImageInfo, other: &ImageInfo) -> bool {
    let said =
        |image: &ImageInfo| (image.rows, image.columns, image.body_part.clone(), image.view_position.clone());
    is_film(one) && is_film(other) && said(one) == said(other)
}

fn is_film(image: &ImageInfo) -> bool {
    matches!(privacy::classify(image).kind, Kind::Projection(_))
}

/// Would examining withhold it for this caller, whatever the pixels show?
fn withheld_by_header(image: &ImageInfo, related: bool, secondary: bool) -> bool {
    (secondary || !related) && privacy::classify(image).withheld
}

/// One region over the whole frame.
fn everything(instance: &Instance) -> Region {
    let (rows, columns) = instance.record.image.as_ref().map_or((0, 0), |i| (i.rows, i.columns));
    #[expect(clippy::cast_precision_loss, reason = "at most 65,535, exact in f32")]
    let edges = [0.0, 0.0, columns as f32, rows as f32];
    Region::rectangle(RegionKind::Unsure, None, edges, FALLBACK, 0.0)
}

#[cfg(test)]
mod tests;
