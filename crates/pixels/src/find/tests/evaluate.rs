//! Figures on a folder of films (`index.csv` with `image`, `mask`, `age_group`; `unlabelled/`, `breast-regions.json`; PNG),
//! for docs/recognition.md: `GAUZE_FILMS=DIR cargo nextest run --release --workspace --run-ignored only -E 'test(evaluate)'
//! --no-capture`; GAUZE_PICTURES=DIR writes pictures. Weights that never saw the film: `GAUZE_FOLDS=DIR` with what `training/lungs/train.py --check` writes.

use super::*;
use crate::find::chest::net::{self, Net};
use crate::find::chest::{Seen, look as look_at, lungs};
use privacy::geometry::Shape;
use std::path::PathBuf;
use std::time::Instant;

fn grey(path: &Path) -> Option<(u32, u32, Vec<u8>)> {
    let mut decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).ok()?));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let mut data = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut data).ok()?;
    let step = info.color_type.samples();
    Some((info.width, info.height, data.into_iter().step_by(step).collect()))
}

/// A film with the header of a chest.
fn film(path: &Path) -> Option<Film> {
    let (columns, rows, data) = grey(path)?;
    let mut film = blank(rows, columns, 0);
    film.frame.data = Samples::U8(data);
    Some(film)
}

fn folder() -> PathBuf {
    PathBuf::from(std::env::var("GAUZE_FILMS").unwrap())
}

/// What polygons cover, pixel by pixel (even-odd in each, all together).
fn mask<'a>(polygons: impl Iterator<Item = &'a Vec<[f32; 2]>>, columns: usize, rows: usize) -> Vec<bool> {
    let mut out = vec![false; columns * rows];
    for polygon in polygons {
        for (row, line) in out.chunks_exact_mut(columns).enumerate() {
            let y = row as f32 + 0.5;
            let ends = polygon.iter().zip(polygon.iter().cycle().skip(1));
            let mut at: Vec<f32> = ends
                .filter(|([_, ay], [_, by])| (*ay > y) != (*by > y))
                .map(|([ax, ay], [bx, by])| (bx - ax) * (y - ay) / (by - ay) + ax)
                .collect();
            at.sort_by(f32::total_cmp);
            for pair in at.chunks_exact(2) {
                let edge = |x: f32| ((x + 0.5).max(0.0) as usize).min(columns);
                line[edge(pair[0])..edge(pair[1])].fill(true);
            }
        }
    }
    out
}

fn shapes(shapes: &[Shape], plane: &Plane) -> Vec<bool> {
    mask(shapes.iter().map(|shape| &shape.polygon), plane.width, plane.height)
}

fn count(of: impl Iterator<Item = bool>) -> f64 {
    of.filter(|on| *on).count() as f64
}

fn overlap(a: &[bool], b: &[bool]) -> f64 {
    let both = count(a.iter().zip(b).map(|(a, b)| *a && *b));
    both / count(a.iter().zip(b).map(|(a, b)| *a || *b)).max(1.0)
}

/// Mean, 5th percentile, least, most.
fn told(name: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let at = |share: f64| values.get((values.len() as f64 * share) as usize).copied().unwrap_or(0.0);
    let (least, most) = (at(0.0), values.last().copied().unwrap_or(0.0));
    println!(
        "  {name}: mean {mean:.4}, 5th percentile {:.4}, least {least:.4}, most {most:.4} ({})",
        at(0.05),
        values.len()
    );
}

/// Between the inner borders of both lungs, from the apex to two thirds of their height.
fn mediastinum(lung: &[bool], columns: usize, rows: usize) -> Vec<bool> {
    let mut out = vec![false; columns * rows];
    let lines: Vec<usize> =
        lung.chunks_exact(columns).enumerate().filter(|(_, l)| l.contains(&true)).map(|(y, _)| y).collect();
    let (Some(top), Some(bottom)) = (lines.first(), lines.last()) else { return out };
    for y in *top..top + (bottom - top) * 2 / 3 {
        let line = &lung[y * columns..(y + 1) * columns];
        // The widest gap between lung and lung.
        let on: Vec<usize> = (0..columns).filter(|x| line[*x]).collect();
        if let Some(gap) = on.windows(2).max_by_key(|w| w[1] - w[0]) {
            out[y * columns + gap[0] + 1..y * columns + gap[1]].fill(true);
        }
    }
    out
}

/// The fold that each film was left out of, and the networks.
fn networks() -> Option<(serde_json::Value, Vec<Net>)> {
    let folder = PathBuf::from(std::env::var("GAUZE_FOLDS").ok()?);
    let report = serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap();
    let net = |n: usize| Net::read(std::fs::read(folder.join(format!("fold-{n}.onnx"))).unwrap()).unwrap();
    Some((report, (0..5).map(net).collect()))
}

fn labelled() -> Vec<(PathBuf, PathBuf, bool)> {
    let folder = folder();
    let table = std::fs::read_to_string(folder.join("index.csv")).unwrap();
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let column = |name: &str| head.iter().position(|h| *h == name).unwrap();
    let (image, mask, age) = (column("image"), column("mask"), column("age_group"));
    lines.map(|l| (folder.join(l[image]), folder.join(l[mask]), l[age] == "adult")).collect()
}

#[derive(Default)]
struct Sums {
    films: u32,
    back: Vec<String>,
    dice: Vec<f64>,
    kept: Vec<f64>,
    middle: Vec<f64>,
    share: Vec<f64>,
    mirrored: Vec<f64>,
    inverted: Vec<f64>,
    cropped: Vec<f64>,
    turned: Vec<f64>,
    poor: Vec<String>,
}

/// Network, gates and geometry without words: cross-validated with GAUZE_FOLDS, else the shipped weights.
#[test]
#[ignore = "needs a folder of labelled films in GAUZE_FILMS"]
fn evaluate_lungs() {
    let folds = networks();
    for adults in [false, true] {
        let mut sums = Sums::default();
        for (image, truth, _) in labelled().into_iter().filter(|film| film.2 == adults) {
            let name = image.file_stem().unwrap().to_str().unwrap().to_owned();
            let net = match &folds {
                None => Net::shipped().unwrap(),
                Some((report, nets)) => match report["films"][&name][1].as_u64() {
                    Some(fold) => &nets[fold as usize],
                    // Never trained on.
                    None => Net::shipped().unwrap(),
                },
            };
            one(&mut sums, &name, &film(&image).unwrap(), &grey(&truth).unwrap().2, net);
        }
        println!(
            "{}: {} films, not understood {:?}",
            if adults { "adults" } else { "children" },
            sums.films,
            sums.back
        );
        told("Dice, before the gates", sums.dice);
        told("lung left untouched", sums.kept);
        told("mediastinum left untouched", sums.middle);
        told("masked share of the picture", sums.share);
        told("mirrored, overlap", sums.mirrored);
        told("inverted, overlap", sums.inverted);
        told("cropped by 10 %, overlap", sums.cropped);
        told("turned, overlap", sums.turned);
        println!("  less than 97 % of the lung untouched: {:?}", sums.poor);
    }
}

fn one(sums: &mut Sums, name: &str, film: &Film, truth: &[u8], net: &Net) {
    let plane = Plane::of(&film.frame, &film.image).unwrap();
    sums.films += 1;
    let (columns, rows) = (plane.width, plane.height);
    let picture = net::fitted(&plane);
    let answer = net.see(&picture).unwrap();
    let cell = |at: usize| {
        let (x, y) = ((at % columns) * picture.width / columns, (at / columns) * picture.height / rows);
        answer.lungs[y * picture.width + x] > 0.5
    };
    let known: Vec<usize> = (0..truth.len()).filter(|at| truth[*at] != 127).collect();
    let both = count(known.iter().map(|at| cell(*at) && truth[*at] == 255));
    let either = count(known.iter().map(|at| cell(*at))) + count(known.iter().map(|at| truth[*at] == 255));
    sums.dice.push(2.0 * both / either.max(1.0));
    let gated = lungs::two(&answer, picture.width).is_some();
    let Seen::Chest(chest) = look_at(&plane, net) else {
        sums.back.push(format!("{name}{}", if gated { " (geometry)" } else { "" }));
        return;
    };
    let hidden = shapes(&chest.shapes, &plane);
    let lung: Vec<bool> = truth.iter().map(|v| *v == 255).collect();
    let free = |part: &[bool]| {
        count(part.iter().zip(&hidden).map(|(p, h)| *p && !h)) / count(part.iter().copied()).max(1.0)
    };
    sums.kept.push(free(&lung));
    if free(&lung) < 0.97 {
        sums.poor.push(format!("{name} {:.3}", free(&lung)));
    }
    sums.middle.push(free(&mediastinum(&lung, columns, rows)));
    sums.share.push(count(hidden.iter().copied()) / hidden.len() as f64);
    let again = |plane: &Plane| match look_at(plane, net) {
        Seen::Chest(chest) => shapes(&chest.shapes, plane),
        _ => vec![false; plane.data.len()],
    };
    let flipped =
        |data: &[bool]| data.chunks_exact(columns).flat_map(|r| r.iter().rev().copied()).collect::<Vec<_>>();
    let data = plane.data.chunks_exact(columns).flat_map(|r| r.iter().rev().copied()).collect();
    sums.mirrored.push(overlap(&flipped(&again(&Plane { width: columns, height: rows, data })), &hidden));
    sums.inverted.push(overlap(&again(&plane.inverted()), &hidden));
    let (x, y) = (columns / 20, rows / 20);
    fn cut<T: Copy>(data: &[T], columns: usize, x: usize, y: usize) -> Vec<T> {
        let rows = data.len() / columns;
        data.chunks_exact(columns)
            .take(rows - y)
            .skip(y)
            .flat_map(|r| r[x..columns - x].iter().copied())
            .collect()
    }
    let data = cut(&plane.data, columns, x, y);
    let small = Plane { width: columns - 2 * x, height: rows - 2 * y, data };
    sums.cropped.push(overlap(&again(&small), &cut(&hidden, columns, x, y)));
    let turned = again(&plane.turned());
    let straight =
        Plane { width: columns, height: rows, data: hidden.iter().map(|h| u8::from(*h)).collect() };
    let straight: Vec<bool> = straight.turned().data.iter().map(|v| *v == 1).collect();
    sums.turned.push(overlap(&turned, &straight));
}

/// All that the archive does, words included, with the shipped weights, on labelled and unlabelled films.
#[test]
#[ignore = "needs a folder of labelled films in GAUZE_FILMS"]
#[expect(clippy::disallowed_methods, reason = "measures")]
fn evaluate_films() {
    let unlabelled = std::fs::read_dir(folder().join("unlabelled")).unwrap().map(|e| e.unwrap().path());
    let mut groups: Vec<(&str, Vec<PathBuf>)> = vec![("unlabelled", unlabelled.collect())];
    for (name, adults) in [("children", false), ("adults", true)] {
        groups.push((name, labelled().into_iter().filter(|f| f.2 == adults).map(|f| f.0).collect()));
    }
    for (name, paths) in groups {
        let (mut back, mut share, mut long) = (Vec::new(), Vec::new(), 0.0f64);
        for path in &paths {
            let film = film(path).unwrap();
            let look = look(&film);
            let (columns, rows) = (film.image.columns as usize, film.image.rows as usize);
            let hidden = mask(look.regions.iter().map(|r| &r.polygon), columns, rows);
            if let Ok(out) = std::env::var("GAUZE_PICTURES") {
                picture(&Path::new(&out).join(path.file_name().unwrap()), &film, &look);
            }
            if look.fallback {
                back.push(path.file_stem().unwrap().to_owned());
            } else {
                share.push(count(hidden.iter().copied()) / hidden.len() as f64);
            }
            let plane = Plane::of(&film.frame, &film.image).unwrap();
            let begun = Instant::now();
            let _ = crate::find::chest::find(&plane);
            long = long.max(begun.elapsed().as_secs_f64());
        }
        println!(
            "{name}: {} films, fall-back {back:?}; longest search for lungs {long:.3} s (wall)",
            paths.len()
        );
        told("masked share, words included", share);
    }
}

/// The film beside itself with what is hidden darkened and outlined: red for body, blue for words, yellow for markers.
fn picture(path: &Path, film: &Film, look: &Look) {
    let plane = Plane::of(&film.frame, &film.image).unwrap();
    let (columns, rows) = (plane.width, plane.height);
    let layer = |wanted: fn(RegionKind) -> bool| {
        let regions = look.regions.iter().filter(|r| wanted(r.kind));
        regions.map(|r| mask(std::iter::once(&r.polygon), columns, rows)).collect::<Vec<_>>()
    };
    let layers = [
        (layer(|k| !matches!(k, RegionKind::Text | RegionKind::Marker)), [255, 60, 60]),
        (layer(|k| k == RegionKind::Text), [80, 140, 255]),
        (layer(|k| k == RegionKind::Marker), [255, 220, 0]),
    ];
    let mut data = vec![0u8; columns * 2 * rows * 3];
    for (at, grey) in plane.data.iter().enumerate() {
        let (x, y) = (at % columns, at / columns);
        let (mut colour, mut dark) = ([*grey; 3], false);
        for (regions, line) in &layers {
            for region in regions {
                let on = |x: usize, y: usize| x < columns && y < rows && region[y * columns + x];
                let edge = on(x, y)
                    && !(on(x + 1, y)
                        && on(x, y + 1)
                        && on(x.wrapping_sub(1), y)
                        && on(x, y.wrapping_sub(1)));
                dark |= on(x, y) && *line != [255, 220, 0];
                if edge {
                    colour = *line;
                }
            }
        }
        if dark && colour == [*grey; 3] {
            colour = colour.map(|v| v / 4);
        }
        let to = (y * 2 * columns + x) * 3;
        data[to..to + 3].fill(*grey);
        data[to + columns * 3..to + columns * 3 + 3].copy_from_slice(&colour);
    }
    let file = std::fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, 2 * film.image.columns, film.image.rows);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&data).unwrap();
}

/// Share of each polygon of breast-regions.json that the chest's regions cover.
#[test]
#[ignore = "needs a folder of films in GAUZE_FILMS"]
fn evaluate_breast_regions() {
    let file = std::fs::read(folder().join("breast-regions.json")).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let mut groups = std::collections::BTreeMap::<String, Vec<f64>>::new();
    for image in file["images"].as_array().unwrap() {
        let name = image["file"].as_str().unwrap();
        let film = film(&folder().join(name)).unwrap();
        let plane = Plane::of(&film.frame, &film.image).unwrap();
        let Seen::Chest(chest) = crate::find::chest::find(&plane) else {
            println!("{name}: not understood");
            continue;
        };
        let hidden = shapes(&chest.shapes, &plane);
        println!("{name}: masked share {:.3}", count(hidden.iter().copied()) / hidden.len() as f64);
        for region in image["regions"].as_array().unwrap() {
            let point =
                |p: &serde_json::Value| [p[0].as_f64().unwrap() as f32, p[1].as_f64().unwrap() as f32];
            let polygon: Vec<[f32; 2]> = region["polygon"].as_array().unwrap().iter().map(point).collect();
            let true_ = mask(std::iter::once(&polygon), plane.width, plane.height);
            let covered =
                count(true_.iter().zip(&hidden).map(|(t, h)| *t && *h)) / count(true_.iter().copied());
            let kind = region["region"].as_str().unwrap().split('_').next().unwrap().to_owned();
            let group = format!("{kind}, {}", region["certainty"].as_str().unwrap());
            if covered < 0.95 {
                println!("  {name} {}: {covered:.3}", region["region"]);
            }
            groups.entry(group).or_default().push(covered);
        }
    }
    groups.into_iter().for_each(|(name, values)| told(&name, values));
}

/// Pictures of anything else in GAUZE_FILMS: which would be taken for a chest?
#[test]
#[ignore = "needs a folder of pictures in GAUZE_FILMS"]
fn evaluate_strangers() {
    let (mut all, mut taken) = (0, 0);
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let Some(mut film) = film(&path) else { continue };
        for turn in 0..4 {
            let seen = crate::find::chest::find(&Plane::of(&film.frame, &film.image).unwrap());
            all += 1;
            if let Seen::Chest(chest) = seen {
                taken += 1;
                println!("taken for a chest: {} turned {turn}, sure {:.2}", path.display(), chest.sure);
            }
            film = super::frames::turned(&film);
        }
    }
    println!("{all} views, {taken} taken for a chest");
}

/// All pictures of two folders of chest films, each turned four times, under the header of a hand.
#[test]
#[ignore = "needs a folder of films in GAUZE_FILMS"]
fn evaluate_chests_called_hands() {
    let (mut films, mut chests, mut back) = (0, 0, 0);
    for part in ["images", "unlabelled"] {
        for entry in std::fs::read_dir(folder().join(part)).unwrap().step_by(4) {
            let path = entry.unwrap().path();
            let Some(mut film) = film(&path) else { continue };
            film.image.body_part = "HAND".to_owned();
            for turn in 0..4 {
                let look = look(&film);
                films += 1;
                back += u32::from(look.fallback);
                let chest = look.regions.iter().any(|r| r.source == CHEST);
                chests += u32::from(chest && !look.fallback);
                if !chest && !look.fallback {
                    println!("open: {} turned {turn}", path.display());
                }
                film = super::frames::turned(&film);
            }
        }
    }
    println!("{films} views: {chests} as chests, {back} fall back, {} open", films - chests - back);
}
