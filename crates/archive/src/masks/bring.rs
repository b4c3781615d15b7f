//! masks, coming in: Caller → Permit → Outlined → MaskSet → Recorded. Planes of bits become shapes that cover at least every
//! set pixel, and are added to what the caller drew. What does not fit changes nothing, and is recorded.

use super::{CORNERS, bounded, checked, drawable};
use crate::catalog::Study;
use crate::context::{About, Context};
use crate::vault::Vault;
use ledger::Event;
use model::{ImageInfo, MaskFault, Region, RegionKind, Uid, limits, plane_bytes};
use port::archive::{BringPlanes, DrawnRegion};
use port::{Code, Fault, Item, Response, Stream, Trailer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Images that the planes of one segmentation are about, each as often as it is named.
const REFERENCES: usize = 4 * limits::MASK_PLANES;
/// Times that somebody else may change the set meanwhile.
const TRIES: usize = 3;

/// Shapes by instance and frame.
type Shapes = BTreeMap<(Uid, Option<u32>), Vec<Vec<[f32; 2]>>>;

/// Why nothing was added.
enum Refused {
    /// By what came.
    Planes(MaskFault),
    /// By what happened.
    Fault(Fault),
}

impl From<MaskFault> for Refused {
    fn from(fault: MaskFault) -> Self {
        Self::Planes(fault)
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Self::Fault(code.into())
    }
}

/// Adds planes to what the caller drew.
pub async fn bring(
    vault: &Vault,
    context: &Context,
    ask: BringPlanes,
    body: Stream,
) -> Result<Response, Fault> {
    let study = drawable(vault, context, &ask.study).await?;
    match added(vault, context, &study, ask, body).await {
        Ok(()) => super::masks(vault, context, &study.record.uid).await,
        Err(Refused::Fault(fault)) => super::refused(vault, context, &study, fault).await,
        Err(Refused::Planes(cause)) => {
            let event = Event::MaskRefused { cause: cause.as_str().to_owned() };
            vault.record(context, About::study(&study), event).await?;
            Ok(Response::PlanesRefused(cause))
        }
    }
}

async fn added(
    vault: &Vault,
    context: &Context,
    study: &Arc<Study>,
    ask: BringPlanes,
    body: Stream,
) -> Result<(), Refused> {
    fits(study, &ask)?;
    let shapes = drawn(shapes(&ask, body).await?)?;
    // The body may have taken minutes: whose study it is and who may draw on it is looked at again.
    for _ in 0..TRIES {
        let now = drawable(vault, context, &ask.study).await?;
        if now.righted != study.righted {
            return Err(Code::VersionConflict.into());
        }
        fits(&now, &ask)?;
        let drawn = checked(&now, shapes.clone(), context.caller.role.as_str())?;
        if merged(vault, context, &now, &drawn).await? {
            return Ok(());
        }
    }
    Err(Code::VersionConflict.into())
}

/// Before a plane is read: they are not too many, of images of this series, and of their size.
fn fits(study: &Study, ask: &BringPlanes) -> Result<(), MaskFault> {
    if ask.rows == 0 || ask.columns == 0 {
        return Err(MaskFault::OtherSize);
    }
    let bytes = plane_bytes(ask.rows, ask.columns) as u64;
    let references = ask.frames.iter().map(Vec::len).sum::<usize>();
    if ask.frames.len() > limits::MASK_PLANES
        || references > REFERENCES
        || bytes > limits::BROUGHT_PLANE_BYTES
        || bytes.saturating_mul(ask.frames.len() as u64) > limits::BROUGHT_BYTES
    {
        return Err(MaskFault::TooMany);
    }
    let series = study.series.iter().find(|series| series.uid == ask.series).ok_or(MaskFault::OtherImage)?;
    let images: BTreeMap<&Uid, &ImageInfo> = series
        .instances
        .iter()
        .filter(|i| i.shown())
        .filter_map(|i| Some((&i.record.sop_uid, i.record.image.as_ref()?)))
        .collect();
    for frame in &ask.frames {
        if frame.is_empty() {
            return Err(MaskFault::NoReference);
        }
        for (uid, number) in frame {
            let image = images.get(uid).ok_or(MaskFault::OtherImage)?;
            if (image.rows, image.columns) != (ask.rows, ask.columns) {
                return Err(MaskFault::OtherSize);
            }
            if number.is_some_and(|number| number >= image.frames) {
                return Err(MaskFault::NoSuchFrame);
            }
        }
    }
    Ok(())
}

/// One plane in memory at a time.
async fn shapes(ask: &BringPlanes, mut body: Stream) -> Result<Shapes, Refused> {
    let (size, bytes) = ((ask.rows, ask.columns), plane_bytes(ask.rows, ask.columns));
    let mut shapes = Shapes::new();
    let (mut plane, mut frames) = (Vec::new(), ask.frames.iter());
    while let Some(item) = body.next().await? {
        let mut chunk = match item {
            Item::Chunk(chunk) => chunk,
            Item::Trailer(trailer) => match *trailer {
                Trailer::Unread(fault) => return Err(fault.into()),
                Trailer::Facts(_) => return Err(Code::BadRequest.into()),
            },
            Item::Part(_) | Item::End => return Err(Code::BadRequest.into()),
        };
        while !chunk.is_empty() {
            plane.extend_from_slice(&chunk.split_to(chunk.len().min(bytes - plane.len())));
            if plane.len() == bytes {
                let frame = frames.next().ok_or(MaskFault::Truncated)?;
                let whole = std::mem::take(&mut plane);
                let outlined = tokio::task::spawn_blocking(move || privacy::outlines(size, &whole));
                add(&mut shapes, frame, outlined.await.map_err(|_| Code::Internal)?)?;
            }
        }
    }
    if frames.next().is_some() || !plane.is_empty() {
        return Err(MaskFault::Truncated.into());
    }
    Ok(shapes)
}

/// Shapes of one more plane. When they are too many, each frame keeps one around all of its own.
fn add(
    shapes: &mut Shapes,
    frame: &[(Uid, Option<u32>)],
    polygons: Vec<Vec<[f32; 2]>>,
) -> Result<(), MaskFault> {
    if polygons.is_empty() {
        return Ok(());
    }
    for image in frame {
        if shapes.len() >= limits::REGIONS && !shapes.contains_key(image) {
            return Err(MaskFault::TooMany);
        }
        let own = shapes.entry(image.clone()).or_default();
        own.extend(polygons.iter().filter(|polygon| !own.contains(polygon)).cloned().collect::<Vec<_>>());
    }
    let all = || shapes.values().flatten();
    if all().count() > limits::REGIONS || all().map(Vec::len).sum::<usize>() > CORNERS {
        for own in shapes.values_mut().filter(|own| own.len() > 1 || own.iter().any(|p| p.len() > 64)) {
            *own = vec![privacy::hull(own)];
        }
    }
    Ok(())
}

fn drawn(shapes: Shapes) -> Result<Vec<DrawnRegion>, MaskFault> {
    let region = |frame: Option<u32>, polygon| Region {
        kind: RegionKind::Drawn,
        frame,
        polygon,
        source: String::new(),
        confidence: 1.0,
    };
    let out: Vec<DrawnRegion> = shapes
        .into_iter()
        .flat_map(|((instance, frame), own)| {
            own.into_iter().map(move |polygon| DrawnRegion {
                instance: instance.clone(),
                region: region(frame, polygon),
            })
        })
        .collect();
    match out.len() {
        0 => Err(MaskFault::Empty),
        1..=limits::REGIONS => Ok(out),
        _ => Err(MaskFault::TooMany),
    }
}

/// False: somebody changed the set first.
async fn merged(
    vault: &Vault,
    context: &Context,
    study: &Study,
    drawn: &[(Uid, Region)],
) -> Result<bool, Refused> {
    let author = context.caller.user.clone();
    let mut after = study.record.masks.regions.clone();
    let own = |(_, _, by): &&(Uid, Region, String)| *by == author;
    for (uid, region) in drawn {
        let there = after.iter().filter(own).any(|(on, known, _)| (on, known) == (uid, region));
        if !there {
            after.push((uid.clone(), region.clone(), author.clone()));
        }
    }
    let regions = after.iter().filter(own).count();
    let by = (author.as_str(), context.caller.role);
    if regions > limits::REGIONS || !bounded(&study.record.masks.regions, &after, by) {
        return Err(MaskFault::TooMany.into());
    }
    let version = study.record.masks.version + 1;
    let event = Event::MaskChanged { version, regions: regions as u64 };
    let changed = vault.change_masks(context, study, event, move |masks| {
        masks.regions = after;
        masks.version = version;
        true
    });
    Ok(changed.await?)
}

#[cfg(test)]
mod tests;
