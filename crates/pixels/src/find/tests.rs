//! The demo's films. What must be hidden and what must stay was read off the pictures by eye, as shares of width and
//! height, well inside of what it belongs to; nothing here was taken from the finder's answers.

mod evaluate;
mod frames;

use super::*;
use model::{Photometric, Samples};
use std::io::Read;
use std::path::Path;

struct Film {
    image: ImageInfo,
    frame: Frame,
}

fn films() -> Vec<(String, Film)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/demo/films.tar.gz");
    let packed = std::fs::File::open(path).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    let mut films = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string().replace(".dcm", "");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let mut intake = dicom::Intake::new();
        intake.push(&bytes).unwrap();
        let facts = intake.finish().unwrap().facts;
        let image = facts.image.unwrap();
        let spans = facts.frames.first().unwrap();
        let part = |s: &model::FrameSpan| bytes[s.offset as usize..(s.offset + s.len) as usize].to_vec();
        let encoded: Vec<u8> = spans.iter().flat_map(part).collect();
        let frame = codec::decode(&image, &encoded).unwrap();
        films.push((name, Film { image, frame }));
    }
    films
}

fn look(film: &Film) -> Look {
    let mut finder = Finder::new(&film.image);
    finder.frame(1, &film.frame);
    finder.finish()
}

/// Even-odd rule.
fn inside(region: &Region, x: f32, y: f32) -> bool {
    let ends = region.polygon.iter().zip(region.polygon.iter().cycle().skip(1));
    let crossed = ends
        .filter(|([ax, ay], [bx, by])| (*ay > y) != (*by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax);
    crossed.count() % 2 == 1
}

fn hidden(look: &Look, image: &ImageInfo, [x, y]: [f32; 2], only: Option<RegionKind>) -> bool {
    let (x, y) = (x * image.columns as f32, y * image.rows as f32);
    let counts = |r: &&Region| r.kind != RegionKind::Marker && only.is_none_or(|kind| r.kind == kind);
    look.regions.iter().filter(counts).any(|region| inside(region, x, y))
}

/// A film, points that must be hidden, points that must stay.
type Chest = (&'static str, &'static [[f32; 2]], &'static [[f32; 2]]);

/// Film; lungs and mediastinum (stay); beside the lungs and below the domes (hidden).
const CHESTS: &[Chest] = &[
    (
        "anna-chest-2024",
        &[[0.26, 0.56], [0.79, 0.56], [0.51, 0.52]],
        &[[0.04, 0.6], [0.97, 0.6], [0.51, 0.95]],
    ),
    ("anna-chest", &[[0.26, 0.59], [0.74, 0.59], [0.5, 0.6]], &[[0.03, 0.67], [0.97, 0.67], [0.65, 0.985]]),
    (
        "karl-chest-2025",
        &[[0.22, 0.48], [0.75, 0.48], [0.5, 0.5]],
        &[[0.03, 0.55], [0.96, 0.55], [0.5, 0.92]],
    ),
    ("karl-chest", &[[0.40, 0.45]], &[[0.05, 0.6], [0.55, 0.965]]),
    ("lucia-chest", &[[0.22, 0.5], [0.79, 0.5], [0.5, 0.5]], &[[0.03, 0.58], [0.97, 0.58], [0.37, 0.98]]),
    ("marie-chest", &[[0.24, 0.43], [0.75, 0.51], [0.5, 0.5]], &[[0.03, 0.55], [0.97, 0.51], [0.5, 0.93]]),
    ("max-chest", &[[0.22, 0.4], [0.73, 0.44], [0.5, 0.45]], &[[0.02, 0.48], [0.97, 0.48], [0.49, 0.94]]),
    ("xiaoming-chest", &[[0.22, 0.51], [0.75, 0.51], [0.5, 0.5]], &[[0.03, 0.59], [0.98, 0.59], [0.5, 0.96]]),
];

/// Film; where words are.
const WORDS: &[(&str, &[[f32; 2]])] = &[
    ("anna-chest", &[[0.1, 0.03], [0.35, 0.03], [0.1, 0.085], [0.5, 0.085]]),
    ("max-chest", &[[0.1, 0.03], [0.3, 0.03], [0.2, 0.065]]),
    ("marie-mr", &[[0.2, 0.82], [0.35, 0.82], [0.3, 0.95]]),
    ("anna-mammogram", &[[0.2, 0.09], [0.5, 0.09]]),
    ("marie-ultrasound", &[[0.05, 0.02], [0.9, 0.02]]),
];

#[test]
fn chest_films_keep_lungs_and_hide_what_is_around_them() {
    for (name, film) in films() {
        let Some((_, stay, hide)) = CHESTS.iter().find(|(film, ..)| *film == name) else { continue };
        let look = look(&film);
        for point in *stay {
            assert!(!hidden(&look, &film.image, *point, None), "{name}: {point:?} should stay");
        }
        for point in *hide {
            assert!(hidden(&look, &film.image, *point, None), "{name}: {point:?} should be hidden");
        }
    }
}

#[test]
fn words_are_found_on_films_slices_and_screens() {
    for (name, film) in films() {
        let Some((_, words)) = WORDS.iter().find(|(film, _)| *film == name) else { continue };
        let look = look(&film);
        for point in *words {
            assert!(hidden(&look, &film.image, *point, Some(RegionKind::Text)), "{name}: {point:?}");
        }
    }
}

#[test]
fn other_films_follow_their_class() {
    for (name, film) in films() {
        let look = look(&film);
        let told = (look.class.as_str(), look.level, look.withheld);
        let middle = hidden(&look, &film.image, [0.5, 0.5], None);
        match name.as_str() {
            "anna-mammogram" => assert_eq!((told, middle), (("mammography", 5, true), true)),
            // A thorax and a pelvis are not blanked, a head is.
            "max-ct" => assert_eq!((told, middle, look.fallback), (("ct", 3, false), false, false)),
            "marie-mr" => assert_eq!((told, middle, look.fallback), (("mr", 3, false), false, false)),
            "max-ct-capture" => {
                assert_eq!((told, middle, look.fallback), (("capture", 4, false), true, true))
            }
            "marie-ultrasound" => assert_eq!((told, middle), (("ultrasound", 3, false), false)),
            _ => assert_eq!(look.class, "projection"),
        }
    }
}

#[test]
fn no_chest_film_of_the_demo_falls_back() {
    for (name, film) in films().iter().filter(|(name, _)| name.contains("chest")) {
        assert!(!look(film).fallback, "{name}");
    }
}

#[test]
fn a_mirrored_film_has_the_mirrored_mask() {
    for (name, mut film) in films().into_iter().filter(|(name, _)| name.contains("chest")) {
        let straight = look(&film);
        let columns = film.frame.columns as usize;
        match &mut film.frame.data {
            Samples::U8(data) => data.chunks_exact_mut(columns).for_each(<[u8]>::reverse),
            Samples::U16(data) => data.chunks_exact_mut(columns).for_each(<[u16]>::reverse),
            Samples::U32(data) => data.chunks_exact_mut(columns).for_each(<[u32]>::reverse),
        }
        let mirrored = look(&film);
        let body = |look: &Look, at: [f32; 2]| {
            look.regions.iter().any(|r| {
                !matches!(r.kind, RegionKind::Text | RegionKind::Marker)
                    && inside(r, at[0] * film.image.columns as f32, at[1] * film.image.rows as f32)
            })
        };
        let (mut both, mut any) = (0, 0);
        for (x, y) in
            (0..100).flat_map(|x| (0..100).map(move |y| (x as f32 / 100.0 + 0.005, y as f32 / 100.0 + 0.005)))
        {
            let (one, other) = (body(&straight, [x, y]), body(&mirrored, [1.0 - x, y]));
            both += u32::from(one && other);
            any += u32::from(one || other);
        }
        assert!(f64::from(both) >= 0.95 * f64::from(any), "{name}: {both} of {any}");
    }
}

fn blank(rows: u32, columns: u32, value: u8) -> Film {
    let (_, mut film) = films().into_iter().find(|(name, _)| name == "xiaoming-chest").unwrap();
    (film.image.rows, film.image.columns) = (rows, columns);
    (film.frame.rows, film.frame.columns) = (rows, columns);
    film.frame.bits_stored = 8;
    film.frame.photometric = Photometric::Monochrome2;
    film.frame.data = Samples::U8(vec![value; rows as usize * columns as usize]);
    film
}

#[test]
fn what_is_not_understood_is_hidden_and_nothing_panics() {
    for (rows, columns) in [(1, 1), (1, 5000), (5000, 1), (7, 3), (64, 64), (400, 30)] {
        let film = blank(rows, columns, 7);
        let look = look(&film);
        assert!(look.fallback, "{rows} × {columns}");
        assert!(hidden(&look, &film.image, [0.05, 0.05], None), "{rows} × {columns}");
    }
    // Not what the header says, and nothing at all.
    let mut short = blank(64, 64, 7);
    short.frame.data = Samples::U8(vec![0; 64 * 63]);
    for look in [look(&short), Finder::new(&short.image).finish()] {
        assert!(look.fallback);
        assert!(hidden(&look, &short.image, [0.5, 0.5], Some(RegionKind::Unsure)));
    }
}
