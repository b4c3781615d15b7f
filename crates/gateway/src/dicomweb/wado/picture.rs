//! Rendered resources and thumbnails (PS3.18 §10.4.1.1.3, §8.3.5).

use super::deliver::{self, Delivery, Shape};
use super::{named, numbers};
use crate::http::accept::{accepted, choose};
use crate::http::query::{first, number};
use crate::http::{Ask, Problem, Reply};
use model::limits;
use port::Code;
use port::archive::{Form, Retrieve};

/// Unless asked otherwise.
const QUALITY: u64 = 90;
/// Sides of a thumbnail.
const THUMBNAIL: std::ops::RangeInclusive<u32> = 128..=256;

/// `GET …/rendered`.
pub async fn rendered(ask: Ask) -> Result<Reply, Problem> {
    let numbers = numbers(&ask)?;
    let media = media(&ask)?;
    let view = View::of(&ask.query)?;
    // One instance's one picture stands alone; several come as parts.
    let single = ask.param("instance").is_some() && numbers.len() <= 1;
    let shape = if single { Shape::Single } else { Shape::Multipart(media) };
    let form = view.form(numbers, media, view.side.unwrap_or(limits::RENDERED_SIDE));
    let retrieve = named(&ask, form)?;
    deliver::deliver(ask, retrieve, Delivery { shape, syntax: None }).await
}

/// `GET …/thumbnail`: of the first instance.
pub async fn thumbnail(ask: Ask) -> Result<Reply, Problem> {
    let media = media(&ask)?;
    let view = View::of(&ask.query)?;
    let side = view.side.unwrap_or(*THUMBNAIL.end()).clamp(*THUMBNAIL.start(), *THUMBNAIL.end());
    let retrieve = Retrieve { first: true, ..named(&ask, view.form(Vec::new(), media, side))? };
    deliver::deliver(ask, retrieve, Delivery { shape: Shape::Single, syntax: None }).await
}

fn media(ask: &Ask) -> Result<&'static str, Problem> {
    choose(&accepted(ask.headers(), &ask.query)?, &["image/jpeg", "image/png"])
}

/// How a picture is to look.
#[derive(Debug, PartialEq)]
pub struct View {
    quality: u8,
    window: Option<(f64, f64)>,
    /// Longest side that fits the viewport whatever the picture's shape.
    pub side: Option<u32>,
}

impl View {
    /// From the query; parameters that are not known are ignored (PS3.18 §8.3.5).
    pub fn of(query: &[(String, String)]) -> Result<Self, Problem> {
        let quality = number(query, "quality", QUALITY)?;
        let quality = u8::try_from(quality).ok().filter(|q| (1..=100).contains(q));
        Ok(Self {
            quality: quality.ok_or_else(|| Problem::bad("`quality` is 1 to 100"))?,
            window: first(query, "window").map(window).transpose()?,
            side: first(query, "viewport").map(viewport).transpose()?,
        })
    }

    /// The form that the vault is asked for.
    pub fn form(&self, numbers: Vec<u32>, media: &str, side: u32) -> Form {
        Form::Rendered {
            numbers,
            png: media == "image/png",
            quality: self.quality,
            window: self.window,
            side,
        }
    }
}

/// `centre,width,function` (PS3.18 §8.3.5.1.4). Only the linear function is built.
fn window(text: &str) -> Result<(f64, f64), Problem> {
    let bad = || Problem::bad("`window` is centre,width,function");
    let words: Vec<&str> = text.split(',').collect();
    let (centre, width) = match words.as_slice() {
        [centre, width] => (centre, width),
        [centre, width, function] if function.eq_ignore_ascii_case("linear") => (centre, width),
        [_, _, function]
            if ["linear-exact", "linear_exact", "sigmoid"]
                .iter()
                .any(|f| function.eq_ignore_ascii_case(f)) =>
        {
            return Err(Code::Unsupported.into());
        }
        _ => return Err(bad()),
    };
    let value = |text: &str| text.parse().ok().filter(|v: &f64| v.is_finite()).ok_or_else(bad);
    let (centre, width) = (value(centre)?, value(width)?);
    // PS3.3 C.11.2.1.2.1: a linear window is at least 1 wide.
    if width >= 1.0 { Ok((centre, width)) } else { Err(bad()) }
}

/// `width,height` (PS3.18 §8.3.5.1.3). Cutting out a part is not built.
fn viewport(text: &str) -> Result<u32, Problem> {
    let bad = || Problem::bad("`viewport` is width,height in pixels");
    let words: Vec<&str> = text.split(',').collect();
    let [width, height] = words.as_slice() else {
        return Err(if words.len() == 6 { Code::Unsupported.into() } else { bad() });
    };
    let side =
        |text: &str| text.parse().ok().filter(|s| (1..=limits::RENDERED_SIDE).contains(s)).ok_or_else(bad);
    Ok(side(width)?.min(side(height)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_viewports() {
        assert_eq!(window("40,400,linear"), Ok((40.0, 400.0)));
        assert_eq!(window("-600.5,1e3"), Ok((-600.5, 1000.0)));
        for bad in ["", "1", "40,0.5", "NaN,4", "1,inf", "1,2,3", "1,2,linear,4"] {
            assert_eq!(window(bad).unwrap_err().status, 400, "{bad}");
        }
        assert_eq!(window("40,400,sigmoid").unwrap_err().status, 501);
        assert_eq!(viewport("800,600"), Ok(600));
        assert_eq!(viewport("8192,8192"), Ok(8192));
        for bad in ["0,1", "8193,1", "1", "-1,1", "1,1,1", "1.5,1"] {
            assert_eq!(viewport(bad).unwrap_err().status, 400, "{bad}");
        }
        assert_eq!(viewport("1,1,0,0,1,1").unwrap_err().status, 501);
    }
}
