//! Rendered resources and thumbnails (PS3.18 §10.4.1.1.3, §8.3.5).

use super::deliver::{self, Delivery};
use super::{named, numbers};
use crate::http::accept::{Media, accepted};
use crate::http::query::{first, number};
use crate::http::{Ask, Problem, Reply};
use model::view::{Source, WindowFunction};
use model::{Viewport, Window, limits};
use port::Code;
use port::archive::{Annotation, Form, Picture, Profile, Retrieve};

/// Unless asked otherwise.
const QUALITY: u64 = 90;
/// Sides of a thumbnail.
const THUMBNAIL: std::ops::RangeInclusive<u32> = 128..=256;
const MEDIA: [&str; 2] = ["image/jpeg", "image/png"];

/// `GET …/rendered`.
pub async fn rendered(ask: Ask) -> Result<Reply, Problem> {
    let numbers = numbers(&ask)?;
    let (media, alone) = media(&ask)?;
    let view = View::of(&ask.query)?;
    // One instance's one picture stands alone; several come as parts.
    let single = ask.param("instance").is_some() && numbers.len() <= 1;
    let delivery = if single && alone { Delivery::Single } else { Delivery::Multipart(media) };
    let retrieve = named(&ask, view.form(numbers, media))?;
    deliver::deliver(ask, retrieve, delivery).await
}

/// `GET …/thumbnail`: of the first instance, or of one frame.
pub async fn thumbnail(ask: Ask) -> Result<Reply, Problem> {
    let numbers = numbers(&ask)?;
    if numbers.len() > 1 {
        return Err(Problem::bad("a thumbnail is of one frame"));
    }
    let (media, alone) = media(&ask)?;
    let view = View::of(&ask.query)?.small();
    let retrieve = Retrieve { first: true, ..named(&ask, view.form(numbers, media))? };
    deliver::deliver(ask, retrieve, if alone { Delivery::Single } else { Delivery::Multipart(media) }).await
}

/// The best media type that is made here, and whether it may stand alone.
fn media(ask: &Ask) -> Result<(&'static str, bool), Problem> {
    let ranges = accepted(ask.headers(), &ask.query)?;
    let fits = |range: &Media| -> Option<(&'static str, bool)> {
        if range.name != "multipart/related" {
            return MEDIA.into_iter().find(|media| range.covers(media)).map(|media| (media, true));
        }
        let kind = Media::parse(range.parameter("type").unwrap_or("*/*"))?;
        MEDIA.into_iter().find(|media| kind.covers(media)).map(|media| (media, false))
    };
    ranges.iter().find_map(fits).ok_or_else(Problem::not_acceptable)
}

/// How a picture is to look.
#[derive(Debug, PartialEq)]
pub struct View {
    quality: u8,
    view: model::View,
    annotation: Annotation,
    profile: Profile,
}

impl View {
    /// From the query; parameters that are not known are ignored (PS3.18 §8.3.5).
    pub fn of(query: &[(String, String)]) -> Result<Self, Problem> {
        let quality = number(query, "quality", QUALITY)?;
        let quality = u8::try_from(quality).ok().filter(|q| (1..=100).contains(q));
        let profile = match first(query, "iccprofile").unwrap_or("no") {
            "no" => Profile::No,
            "yes" => Profile::Yes,
            "srgb" => Profile::Srgb,
            // Of the standard's list, but would need a conversion.
            "adobergb" | "rommrgb" | "displayp3" => return Err(Code::Unsupported.into()),
            _ => return Err(Problem::bad("`iccprofile` is no, yes or srgb")),
        };
        Ok(Self {
            quality: quality.ok_or_else(|| Problem::bad("`quality` is 1 to 100"))?,
            view: model::View {
                window: first(query, "window").map(window).transpose()?,
                viewport: first(query, "viewport").map(viewport).transpose()?,
            },
            annotation: first(query, "annotation").map(annotation).unwrap_or_default(),
            profile,
        })
    }

    /// A part of the frame given by shares of its sides, instead of the viewport's own (PS3.18 §9.1.2.2.6).
    pub fn with_source(mut self, source: Source) -> Self {
        let room = self.view.viewport.unwrap_or(Viewport::within(limits::RENDERED_SIDE));
        self.view.viewport = Some(Viewport { source: Some(source), ..room });
        self
    }

    /// The size of a thumbnail; nothing is made larger.
    fn small(mut self) -> Self {
        let asked = self.view.viewport.map_or((*THUMBNAIL.end(), *THUMBNAIL.end()), |v| (v.width, v.height));
        let side = |side: u32| side.clamp(*THUMBNAIL.start(), *THUMBNAIL.end());
        let source = self.view.viewport.and_then(|v| v.source);
        let (width, height) = (side(asked.0), side(asked.1));
        self.view.viewport = Some(Viewport { width, height, enlarge: false, source });
        self
    }

    /// The form that the vault is asked for.
    pub fn form(&self, numbers: Vec<u32>, media: &str) -> Form {
        let picture = Picture { png: media == "image/png", quality: self.quality, view: self.view };
        Form::Rendered { numbers, picture, annotation: self.annotation, profile: self.profile }
    }
}

/// `centre,width,function` (PS3.18 §8.3.5.1.4).
fn window(text: &str) -> Result<Window, Problem> {
    let bad = || Problem::bad("`window` is centre,width,function");
    let words: Vec<&str> = text.split(',').collect();
    let (centre, width, function) = match words.as_slice() {
        [centre, width] => (centre, width, "linear"),
        [centre, width, function] => (centre, width, *function),
        _ => return Err(bad()),
    };
    let function = match function.to_ascii_lowercase().as_str() {
        "linear" => WindowFunction::Linear,
        "linear-exact" | "linear_exact" => WindowFunction::LinearExact,
        "sigmoid" => WindowFunction::Sigmoid,
        _ => return Err(bad()),
    };
    let (centre, width) = (decimal(centre).ok_or_else(bad)?, decimal(width).ok_or_else(bad)?);
    // PS3.3 C.11.2.1.2.1: a linear window is at least 1 wide; the others are wider than nothing.
    let wide = if function == WindowFunction::Linear { width >= 1.0 } else { width > 0.0 };
    if wide { Ok(Window { centre, width, function }) } else { Err(bad()) }
}

/// `width,height` or `width,height,x,y,w,h` (PS3.18 §8.3.5.1.3); parts that are left empty are those of the whole frame.
fn viewport(text: &str) -> Result<Viewport, Problem> {
    let bad = || Problem::bad("`viewport` is width,height or width,height,x,y,w,h in pixels");
    let words: Vec<&str> = text.split(',').collect();
    let side =
        |text: &str| text.parse().ok().filter(|s| (1..=limits::RENDERED_SIDE).contains(s)).ok_or_else(bad);
    let source = match words.as_slice() {
        [_, _] => None,
        [_, _, x, y, width, height] => {
            let place = |text: &str| if text.is_empty() { Some(0.0) } else { decimal(text) };
            let (left, top) = (place(x).ok_or_else(bad)?, place(y).ok_or_else(bad)?);
            // Beyond any frame: it is cut there.
            let rest = |text: &str| {
                if text.is_empty() { Some(f64::from(limits::FRAME_SIDE)) } else { decimal(text) }
            };
            let (width, height) = (rest(width).ok_or_else(bad)?, rest(height).ok_or_else(bad)?);
            Some(Source { left, top, width, height, relative: false })
        }
        _ => return Err(bad()),
    };
    if source.is_some_and(|s| s.left < 0.0 || s.top < 0.0 || s.width == 0.0 || s.height == 0.0) {
        return Err(bad());
    }
    let [width, height, ..] = words.as_slice() else { return Err(bad()) };
    Ok(Viewport { width: side(width)?, height: side(height)?, enlarge: true, source })
}

pub fn decimal(text: &str) -> Option<f64> {
    text.parse().ok().filter(|v: &f64| v.is_finite())
}

/// `patient`, `technique`; what else is asked for is ignored (PS3.18 §8.3.5.1.1).
fn annotation(text: &str) -> Annotation {
    let has = |word: &str| text.split(',').any(|one| one.trim().eq_ignore_ascii_case(word));
    Annotation { patient: has("patient"), technique: has("technique") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_viewports() {
        let of = |centre, width, function| Ok(Window { centre, width, function });
        assert_eq!(window("40,400,linear"), of(40.0, 400.0, WindowFunction::Linear));
        assert_eq!(window("-600.5,1e3"), of(-600.5, 1000.0, WindowFunction::Linear));
        assert_eq!(window("40,0.5,linear-exact"), of(40.0, 0.5, WindowFunction::LinearExact));
        assert_eq!(window("40,400,SIGMOID"), of(40.0, 400.0, WindowFunction::Sigmoid));
        for bad in ["", "1", "40,0.5", "40,0,sigmoid", "NaN,4", "1,inf", "1,2,3", "1,2,linear,4"] {
            assert_eq!(window(bad).unwrap_err().status, 400, "{bad}");
        }
        let room = |width, height, source| Ok(Viewport { width, height, enlarge: true, source });
        assert_eq!(viewport("800,600"), room(800, 600, None));
        assert_eq!(viewport("8192,8192"), room(8192, 8192, None));
        let source = Source { left: 1.5, top: 0.0, width: -20.0, height: 65_535.0, relative: false };
        assert_eq!(viewport("1,1,1.5,,-20,"), room(1, 1, Some(source)));
        for bad in [
            "0,1",
            "8193,1",
            "1",
            "-1,1",
            "1,1,1",
            "1.5,1",
            "1,1,-1,0,1,1",
            "1,1,0,0,0,1",
            "1,1,0,0,NaN,1",
            "1,1,0,0,1,1,1",
        ] {
            assert_eq!(viewport(bad).unwrap_err().status, 400, "{bad}");
        }
        assert_eq!(annotation("patient,foo"), Annotation { patient: true, technique: false });
    }
}
