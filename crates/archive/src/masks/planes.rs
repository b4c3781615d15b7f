//! masks, going out: Caller → Permit → Planes → Recorded → Sent. What is hidden on the images of a series from who sees the
//! least of it: drawn, recognised and standing. No pixel of an image is in it, and no word that the caller may not find.

use super::drawable;
use crate::catalog::{Instance, Study};
use crate::context::{About, Context};
use crate::retrieve::{NAMED, in_force, of_head};
use crate::vault::Vault;
use ledger::Event;
use model::{
    Attributes, Greys, Id, ImageInfo, MaskPlanes, MaskedImage, Photometric, Pixels, Placement, Region,
    RegionKind, Uid, Visibility, Words, limits,
};
use policy::Right;
use port::archive::{AskPlanes, Form, Retrieve};
use port::pixels::{HeadForm, HeadLease, WordsPlan};
use port::{Code, Fault, Response, Sink, Stream, stream};
use std::sync::Arc;

/// A word for the ledger and the code for the caller.
type Refusal = (&'static str, Code);
/// Corners of all regions that are held until their planes are sent: 8 MiB.
const CORNERS: usize = 1 << 20;
/// Frames of all images, each with its place in what is told of them.
const FRAMES: usize = 4 * limits::MASK_PLANES;

/// An image and all that is hidden on it.
struct Hidden {
    instance: Instance,
    image: ImageInfo,
    regions: Vec<Region>,
    /// 0-based frame and kind of each plane.
    planes: Vec<(u32, RegionKind)>,
}

/// Masks as planes of bits, which follow in the answer's stream.
pub async fn planes(vault: &Vault, context: &Context, ask: AskPlanes) -> Result<(Response, Stream), Fault> {
    let study = drawable(vault, context, &ask.study).await?;
    let study = vault.examined(study, &all_of(&ask)).await;
    let version = vault.mask_version(&study);
    let hidden = match tokio::task::block_in_place(|| hidden(vault, &study, &ask)) {
        Ok(hidden) => hidden,
        Err((cause, code)) => {
            let event = Event::ReleaseRefused { cause: cause.to_owned() };
            vault.record(context, About::study(&study), event).await?;
            return Err(code.into());
        }
    };
    let words = words(vault, context, &study);
    let sheet = sheet(vault, context, (&study, &ask, words), &hidden).await?;
    // Heads take a while: what was hidden then is still what is hidden, and the caller still may have it.
    let now = drawable(vault, context, &ask.study).await?;
    if (vault.mask_version(&now), now.righted) != (version, study.righted) {
        return Err(Code::VersionConflict.into());
    }
    vault.record_all(context, About::study(&study), released(vault, &study, (&ask, words), &hidden)).await?;
    let (sink, stream) = stream();
    tokio::spawn(send(hidden, ask.joined, sink));
    Ok((Response::MaskPlanes(Box::new(sheet)), stream))
}

fn all_of(ask: &AskPlanes) -> Retrieve {
    Retrieve {
        study: ask.study.clone(),
        series: Some(ask.series.clone()),
        instance: ask.instance.clone(),
        form: Form::Instances,
        first: false,
        syntaxes: Vec::new(),
        known: Vec::new(),
    }
}

/// Words go to who finds them anyway. The privacy officer finds none: hers is a mask of a study without a name.
fn words(vault: &Vault, context: &Context, study: &Study) -> Words {
    let finds = [Right::FindFull, Right::FindOwn].iter().any(|right| vault.right_on(context, study, *right));
    if finds { Words::Full } else { Words::None }
}

fn hidden(vault: &Vault, study: &Study, ask: &AskPlanes) -> Result<Vec<Hidden>, Refusal> {
    let wishes = vault.wishes_of(study.patient());
    let wanted = |(series, instance): &(&Uid, &Instance)| {
        **series == ask.series && ask.instance.as_ref().is_none_or(|uid| *uid == instance.record.sop_uid)
    };
    let mut out: Vec<Hidden> = Vec::new();
    let (mut there, mut corners, mut bytes, mut frames) = (false, 0, 0, 0);
    for (series, instance) in study.instances().map(|(s, i)| (&s.uid, i)).filter(wanted) {
        there = true;
        let Some(image) = instance.record.image.clone() else { continue };
        let Some(regions) = in_force(&wishes, study, (series, instance)) else { continue };
        // Their states are others, which nothing here makes.
        if ask.joined && !matches!(image.photometric, Photometric::Monochrome1 | Photometric::Monochrome2) {
            return Err(("colours", Code::Unsupported));
        }
        if out.first().is_some_and(|first| size(&first.image) != size(&image)) {
            return Err(("other-sizes", Code::Unsupported));
        }
        let room = limits::MASK_PLANES - out.iter().map(|hidden| hidden.planes.len()).sum::<usize>();
        let planes =
            if ask.joined { vec![(0, RegionKind::Drawn)] } else { planes_of(&image, &regions, room)? };
        corners += regions.iter().map(|region| region.polygon.len()).sum::<usize>();
        bytes += model::plane_bytes(image.rows, image.columns) as u64 * planes.len() as u64;
        frames += image.frames as usize;
        if corners > CORNERS || bytes > limits::MASK_PLANE_BYTES || frames > FRAMES {
            return Err(("too-large", Code::TooLarge));
        }
        out.push(Hidden { instance: instance.clone(), image, regions, planes });
    }
    match out.first() {
        None if there => return Err(("no-image", Code::Unsupported)),
        None => return Err(("not-found", Code::NotFound)),
        Some(_) if ask.joined && out.len() > 1 => return Err(("many-images", Code::BadRequest)),
        _ => {}
    }
    Ok(fits(out))
}

/// An object has a frame: where nothing is hidden, an empty one says so.
fn fits(mut hidden: Vec<Hidden>) -> Vec<Hidden> {
    if hidden.iter().all(|hidden| hidden.planes.is_empty())
        && let Some(first) = hidden.first_mut()
    {
        first.planes.push((0, RegionKind::Drawn));
    }
    hidden
}

const fn size(image: &ImageInfo) -> (u32, u32) {
    (image.rows, image.columns)
}

fn planes_of(image: &ImageInfo, regions: &[Region], room: usize) -> Result<Vec<(u32, RegionKind)>, Refusal> {
    let mut out = Vec::new();
    let mut of_all: Option<Vec<RegionKind>> = None;
    for frame in 0..image.frames {
        let own = regions.iter().any(|region| region.frame == Some(frame));
        let kinds = match &of_all {
            Some(kinds) if !own => kinds.clone(),
            _ => privacy::kinds(size(image), frame, regions),
        };
        if !own {
            of_all.get_or_insert_with(|| kinds.clone());
        }
        out.extend(kinds.into_iter().map(|kind| (frame, kind)));
        if out.len() > room {
            return Err(("too-large", Code::TooLarge));
        }
    }
    Ok(out)
}

async fn sheet(
    vault: &Vault,
    context: &Context,
    (study, ask, words): (&Study, &AskPlanes, Words),
    hidden: &[Hidden],
) -> Result<MaskPlanes, Fault> {
    let first = hidden.first().ok_or(Code::NotFound)?;
    let mut known = Attributes::new();
    let mut images = Vec::with_capacity(hidden.len());
    for hidden in hidden {
        let (placement, attributes) = head(vault, study, (&ask.series, words), hidden).await?;
        if images.is_empty() && words == Words::Full {
            known = attributes;
        }
        images.push(masked(hidden, placement));
    }
    // The series of masks of a series is one; each object that is made is another.
    let derived =
        |what: &str| vault.derived_uid(&first.instance.record, &format!("masks/{}/{what}", ask.joined));
    let own = format!("{}/{}/{words}", context.now.0, ask.instance.is_some());
    let made_as = [derived("series"), derived(&own), derived("order")];
    let (rows, columns) = size(&first.image);
    let (study, series) = (study.record.uid.clone(), ask.series.clone());
    Ok(MaskPlanes { words: known, study, series, made_as, made: context.now, rows, columns, images })
}

fn masked(hidden: &Hidden, placement: Option<Placement>) -> MaskedImage {
    let (record, image) = (&hidden.instance.record, &hidden.image);
    MaskedImage {
        sop_class: record.sop_class.clone(),
        sop_uid: record.sop_uid.clone(),
        frames: image.frames,
        placement,
        greys: Greys {
            photometric: image.photometric,
            rescale: [image.rescale_slope, image.rescale_intercept],
            window: image.window,
            inverse: image.inverse,
        },
        planes: hidden.planes.clone(),
    }
}

/// Where an image lies, and its words as they leave on any other way.
async fn head(
    vault: &Vault,
    study: &Study,
    (series, words): (&Uid, Words),
    hidden: &Hidden,
) -> Result<(Option<Placement>, Attributes), Fault> {
    let record = &hidden.instance.record;
    let object = vault.open_object(study.patient(), record).await?;
    let lease = HeadLease {
        words: WordsPlan::Full,
        masked: false,
        form: HeadForm::Placement,
        image: Some(hidden.image.clone()),
        sop_uid: record.sop_uid.clone(),
        derived_uid: None,
        corrections: vault.corrections(study, series),
    };
    let (bytes, attributes) = of_head(vault, lease, &object, record.head_len).await?;
    let mut placement: Option<Placement> = serde_json::from_slice(&bytes).map_err(|_| Code::Internal)?;
    // Words that somebody typed.
    if let Some(place) = placement.as_mut().filter(|_| words != Words::Full) {
        place.position_reference.clear();
    }
    let whole = |place: &Placement| place.planes.len() == hidden.image.frames as usize;
    Ok((placement.filter(whole), attributes))
}

fn released(
    vault: &Vault,
    study: &Study,
    (ask, words): (&AskPlanes, Words),
    hidden: &[Hidden],
) -> Vec<Event> {
    let what = if ask.joined { "presentation-state" } else { "segmentation" };
    let corrected = vault.corrections(study, &ask.series).is_some();
    let event = |some: &[Hidden]| {
        let objects: Vec<Id> = some.iter().map(|hidden| hidden.instance.record.object).collect();
        Event::Released {
            what: what.to_owned(),
            corrected: if corrected { objects.len() as u64 } else { 0 },
            objects,
            frames: Vec::new(),
            visibility: Visibility { pixels: Pixels::None, words }.name(),
            mask_version: vault.mask_version(study),
        }
    };
    hidden.chunks(NAMED).map(event).collect()
}

/// One plane at a time.
async fn send(hidden: Vec<Hidden>, joined: bool, sink: Sink) {
    for hidden in hidden {
        let Hidden { image, regions, planes, .. } = hidden;
        let regions: Arc<[Region]> = regions.into();
        for (frame, kind) in planes {
            let (size, regions) = (size(&image), Arc::clone(&regions));
            let frames = image.frames;
            let made = tokio::task::spawn_blocking(move || match joined {
                true => over_all(size, frames, &regions),
                false => privacy::plane(size, frame, &regions, Some(kind)),
            });
            let Ok(bytes) = made.await else { return sink.fail(Code::Internal.into()).await };
            if sink.bytes(bytes.into()).await.is_err() {
                return;
            }
        }
    }
    // Nobody waits for the end any more, or somebody has it.
    let _ = sink.finish().await;
}

/// What is hidden on any frame: a shutter lies over all of them.
fn over_all(size: (u32, u32), frames: u32, regions: &[Region]) -> Vec<u8> {
    let mut named: Vec<u32> =
        regions.iter().filter_map(|region| region.frame).filter(|f| *f < frames).collect();
    named.sort_unstable();
    named.dedup();
    // One on which no region is alone stands for all such.
    let plain = (0..frames).find(|frame| named.binary_search(frame).is_err());
    let mut out = vec![0; model::plane_bytes(size.0, size.1)];
    for frame in named.into_iter().chain(plain) {
        let plane = privacy::plane(size, frame, regions, None);
        out.iter_mut().zip(plane).for_each(|(to, from)| *to |= from);
    }
    out
}
