//! Films under a wrong header, and objects of several frames.

use super::*;

fn quarter<T: Copy>(data: &[T], rows: usize, columns: usize) -> Vec<T> {
    (0..columns).flat_map(|r| (0..rows).map(move |c| data[(rows - 1 - c) * columns + r])).collect()
}

pub fn turned(film: &Film) -> Film {
    let (rows, columns) = (film.image.rows as usize, film.image.columns as usize);
    let mut out = Film { image: film.image.clone(), frame: film.frame.clone() };
    (out.image.rows, out.image.columns) = (film.image.columns, film.image.rows);
    (out.frame.rows, out.frame.columns) = (film.image.columns, film.image.rows);
    out.frame.data = match &film.frame.data {
        Samples::U8(d) => Samples::U8(quarter(d, rows, columns)),
        Samples::U16(d) => Samples::U16(quarter(d, rows, columns)),
        Samples::U32(d) => Samples::U32(quarter(d, rows, columns)),
    };
    out
}

/// Something other than words and markers is hidden.
fn masked(look: &Look) -> bool {
    look.regions.iter().any(|r| !matches!(r.kind, RegionKind::Text | RegionKind::Marker))
}

#[test]
fn no_chest_leaves_unmasked_because_its_header_says_limb() {
    for (name, mut film) in films().into_iter().filter(|(name, _)| name.contains("chest")) {
        film.image.body_part = "HAND".to_owned();
        for turn in 0..4 {
            let look = look(&film);
            let chest = look.regions.iter().any(|r| r.source == CHEST);
            assert!(chest && !look.fallback && masked(&look), "{name} turned {turn}");
            film = turned(&film);
        }
    }
}

/// A palm with five fingers, drawn by hand, on dark air.
fn hand() -> Film {
    let mut film = blank(500, 400, 10);
    film.image.body_part = "HAND".to_owned();
    let Samples::U8(data) = &mut film.frame.data else { panic!("eight bits") };
    let mut fill = |left: usize, top: usize, right: usize, bottom: usize, value: u8| {
        (top..bottom).for_each(|y| data[y * 400 + left..y * 400 + right].fill(value));
    };
    fill(120, 260, 260, 430, 150);
    for (at, top) in [(120, 120), (158, 70), (196, 60), (234, 100)] {
        fill(at, top, at + 26, 262, 140);
        fill(at + 8, top + 8, at + 18, 262, 220);
    }
    fill(258, 300, 330, 330, 150);
    fill(150, 428, 230, 500, 170);
    film
}

#[test]
fn what_looks_like_a_hand_stays_open_and_a_plain_field_does_not() {
    let open = look(&hand());
    assert!(!open.fallback && !masked(&open), "{:?}", open.regions);
    for value in [0, 90, 255] {
        let mut plain = blank(500, 400, value);
        plain.image.body_part = "HAND".to_owned();
        assert!(look(&plain).fallback, "{value}");
    }
}

#[test]
fn every_frame_of_a_film_is_looked_at_for_a_chest() {
    let (_, mut film) = films().into_iter().find(|(name, _)| name == "anna-chest-2024").unwrap();
    film.image.frames = 2;
    let mut empty = film.frame.clone();
    match &mut empty.data {
        Samples::U8(data) => data.fill(0),
        Samples::U16(data) => data.fill(0),
        Samples::U32(data) => data.fill(0),
    }
    for part in ["CHEST", "HAND"] {
        film.image.body_part = part.to_owned();
        let mut finder = Finder::new(&film.image);
        finder.frame(1, &empty);
        finder.frame(2, &film.frame);
        let look = finder.finish();
        assert!(look.regions.iter().any(|r| r.source == CHEST), "{part}");
        for point in [[0.04, 0.6], [0.97, 0.6], [0.51, 0.95]] {
            assert!(hidden(&look, &film.image, point, None), "{part}: {point:?}");
        }
    }
}

/// An ultrasound clip with the film's words on some frames only.
fn clip(frames: u32, worded: &[u32], shown: &[u32]) -> (ImageInfo, Look) {
    let (_, mut film) = films().into_iter().find(|(name, _)| name == "marie-ultrasound").unwrap();
    film.image.frames = frames;
    film.image.modality = "OT".to_owned();
    film.image.body_part = "ABDOMEN".to_owned();
    film.image.sop_class = "1.2.840.10008.5.1.4.1.1.7".parse().unwrap();
    let mut bare = film.frame.clone();
    let row = film.frame.columns as usize * usize::from(film.frame.samples);
    match &mut bare.data {
        Samples::U8(data) => data[..row * film.frame.rows as usize / 10].fill(0),
        _ => panic!("eight bits"),
    }
    let mut finder = Finder::new(&film.image);
    for number in shown {
        finder.frame(*number, if worded.contains(number) { &film.frame } else { &bare });
    }
    (film.image, finder.finish())
}

#[test]
fn words_on_any_frame_are_hidden_and_unseen_frames_hide_all() {
    let all: Vec<u32> = (1..=130).collect();
    let words = [[0.05, 0.02], [0.9, 0.02]];
    let (image, look) = clip(130, &[], &all);
    assert!(
        words.iter().all(|at| !hidden(&look, &image, *at, Some(RegionKind::Text))),
        "the test's own ground"
    );
    let (image, look) = clip(130, &[2, 3], &all);
    assert!(!look.fallback && words.iter().all(|at| hidden(&look, &image, *at, Some(RegionKind::Text))));
    for shown in [&all[..129], &all[1..]] {
        let (image, look) = clip(130, &[2, 3], shown);
        assert!(look.fallback && hidden(&look, &image, [0.5, 0.5], Some(RegionKind::Unsure)));
    }
}

#[test]
fn beyond_the_budget_all_is_hidden() {
    let mut film = blank(16, 16, 0);
    film.image.frames = 40;
    film.image.body_part = "CHEST".to_owned();
    let mut finder = Finder::new(&film.image);
    finder.searched = SEARCHED;
    for number in 1..=40 {
        film.frame.data = Samples::U8((0..=255).map(|at: u8| at.wrapping_mul(number)).collect());
        finder.frame(u32::from(number), &film.frame);
    }
    let look = finder.finish();
    assert!(look.fallback && hidden(&look, &film.image, [0.5, 0.5], Some(RegionKind::Unsure)));
}
