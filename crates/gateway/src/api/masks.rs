//! The mask set of a study.

use crate::http::{Ask, Problem, Reply, json};
use hyper::StatusCode;
use model::{Region, RegionKind, Uid, limits};
use port::archive::{DrawnRegion, Redraw};
use port::{Code, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json as value};

/// `GET /api/v1/studies/{study}/masks`.
pub async fn masks(ask: Ask) -> Result<Reply, Problem> {
    let study = ask.study()?;
    answered(ask.answer(Request::Masks { study }).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draw {
    expect_version: u64,
    #[serde(default)]
    drop_others: bool,
    regions: Vec<Drawn>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawn {
    instance: Uid,
    frame: Option<u32>,
    kind: String,
    polygon: Vec<[f32; 2]>,
}

/// `PUT /api/v1/studies/{study}/masks`.
pub async fn draw(mut ask: Ask) -> Result<Reply, Problem> {
    let study = ask.study()?;
    let Draw { expect_version, drop_others, regions } = ask.json().await?;
    if regions.len() > limits::REGIONS {
        return Err(Code::TooLarge.into());
    }
    let wanted = regions.into_iter().map(checked).collect::<Result<_, _>>()?;
    let change = Redraw { wanted, drop_others, expect_version };
    answered(ask.answer(Request::DrawMasks { study, change }).await?)
}

/// Only its size is looked at here: what makes no sense is refused, and recorded, by the vault.
fn checked(drawn: Drawn) -> Result<DrawnRegion, Problem> {
    let Drawn { instance, frame, kind, polygon } = drawn;
    let kind: RegionKind = kind.parse().map_err(|_| Problem::bad("not a known region kind"))?;
    if polygon.len() > limits::POLYGON_CORNERS {
        return Err(Code::TooLarge.into());
    }
    let region = Region { kind, frame, polygon, source: String::new(), confidence: 1.0 };
    Ok(DrawnRegion { instance, region })
}

/// The mask set, as JSON.
pub fn answered(answer: Response) -> Result<Reply, Problem> {
    let Response::Masks { version, regions, others, holds_for } = answer else {
        return Err(Code::Internal.into());
    };
    let [regions, others] = [regions, others].map(|some| some.iter().map(region).collect::<Vec<Value>>());
    json(
        StatusCode::OK,
        &value!({ "version": version, "holds_for": holds_for.as_str(), "regions": regions, "others": others }),
    )
}

fn region(drawn: &DrawnRegion) -> Value {
    let Region { kind, frame, polygon, source, confidence } = &drawn.region;
    value!({
        "instance": drawn.instance.as_str(),
        "kind": kind.as_str(),
        "source": source,
        "frame": frame,
        "confidence": confidence,
        "polygon": polygon,
    })
}
