//! What a person wants hidden on all films of a patient.

use crate::http::{Ask, Problem, Reply, json};
use hyper::StatusCode;
use model::{HoldsFor, RegionKind, Uid, limits};
use port::archive::{Redraw, ShapeOn, Standing, StandingShape};
use port::{Code, Request, Response};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Wishes {
    #[serde(skip_serializing)]
    expect_version: u64,
    #[serde(default, skip_serializing)]
    drop_others: bool,
    #[serde(skip_deserializing)]
    version: u64,
    holds_for: String,
    parts: Vec<String>,
    shapes: Vec<Shape>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    on: On,
    polygon: Vec<[f32; 2]>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum On {
    SeriesOf(Uid),
    ViewOf(Uid),
    Series(Uid),
    View { modality: String, body_part: String, view_position: String },
}

/// `GET /api/v1/studies/{study}/masks/standing`.
pub async fn standing(ask: Ask) -> Result<Reply, Problem> {
    let study = ask.study()?;
    answered(ask.answer(Request::StandingMasks { study }).await?)
}

/// `PUT /api/v1/studies/{study}/masks/standing`.
pub async fn wish(mut ask: Ask) -> Result<Reply, Problem> {
    let study = ask.study()?;
    let Wishes { expect_version, drop_others, holds_for, parts, shapes, .. } = ask.json().await?;
    let corners = shapes.iter().any(|shape| shape.polygon.len() > limits::POLYGON_CORNERS);
    if parts.len() + shapes.len() > limits::REGIONS || corners {
        return Err(Code::TooLarge.into());
    }
    let holds_for: HoldsFor =
        holds_for.parse().map_err(|_| Problem::bad("not a known word of whom a mask holds for"))?;
    let part = |word: String| word.parse::<RegionKind>().map_err(|_| Problem::bad("not a known region kind"));
    let wanted = Standing {
        holds_for,
        parts: parts.into_iter().map(part).collect::<Result<_, _>>()?,
        shapes: shapes.into_iter().map(Shape::asked).collect(),
    };
    let change = Redraw { wanted, drop_others, expect_version };
    answered(ask.answer(Request::WishMasks { study, change }).await?)
}

impl Shape {
    fn asked(self) -> StandingShape {
        let on = match self.on {
            On::SeriesOf(uid) => ShapeOn::SeriesOf(uid),
            On::ViewOf(uid) => ShapeOn::ViewOf(uid),
            On::Series(uid) => ShapeOn::Series(uid),
            On::View { modality, body_part, view_position } => {
                ShapeOn::View([modality, body_part, view_position])
            }
        };
        StandingShape { on, polygon: self.polygon }
    }

    fn told(StandingShape { on, polygon }: StandingShape) -> Self {
        let on = match on {
            ShapeOn::SeriesOf(uid) => On::SeriesOf(uid),
            ShapeOn::ViewOf(uid) => On::ViewOf(uid),
            ShapeOn::Series(uid) => On::Series(uid),
            ShapeOn::View([modality, body_part, view_position]) => {
                On::View { modality, body_part, view_position }
            }
        };
        Self { on, polygon }
    }
}

fn answered(answer: Response) -> Result<Reply, Problem> {
    let Response::Standing { version, standing } = answer else { return Err(Code::Internal.into()) };
    let wishes = Wishes {
        expect_version: version,
        drop_others: false,
        version,
        holds_for: standing.holds_for.as_str().to_owned(),
        parts: standing.parts.iter().map(|part| part.as_str().to_owned()).collect(),
        shapes: standing.shapes.into_iter().map(Shape::told).collect(),
    };
    json(StatusCode::OK, &wishes)
}
