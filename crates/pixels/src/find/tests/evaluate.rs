//! Figures on a folder of labelled films (`index.csv` with `image`, `mask`, `age_group`; PNG), for docs/recognition.md:
//! `GAUZE_FILMS=DIR cargo test --release -p pixels evaluate -- --ignored --nocapture`.

use super::*;

fn grey(path: &Path) -> Option<(u32, u32, Vec<u8>)> {
    let mut decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).ok()?));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let mut data = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut data).ok()?;
    let step = info.color_type.samples();
    Some((info.width, info.height, data.into_iter().step_by(step).collect()))
}

#[test]
#[ignore = "needs a folder of labelled films in GAUZE_FILMS"]
fn evaluate() {
    let folder = std::path::PathBuf::from(std::env::var("GAUZE_FILMS").unwrap());
    let table = std::fs::read_to_string(folder.join("index.csv")).unwrap();
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let column = |name: &str| head.iter().position(|h| *h == name).unwrap();
    let (image, mask, age) = (column("image"), column("mask"), column("age_group"));
    for adults in [false, true] {
        let (mut films, mut back, mut kept, mut share) = (0, 0, Vec::new(), 0.0);
        for line in lines.clone().filter(|line| (line[age] == "adult") == adults) {
            let (columns, rows, data) = grey(&folder.join(line[image])).unwrap();
            let (_, _, lung) = grey(&folder.join(line[mask])).unwrap();
            let mut film = blank(rows, columns, 0);
            film.frame.data = Samples::U8(data);
            let look = look(&film);
            films += 1;
            if look.fallback {
                back += 1;
                continue;
            }
            let points = (0..rows).step_by(2).flat_map(|y| (0..columns).step_by(2).map(move |x| (x, y)));
            let (mut lungs, mut free, mut masked, mut all) = (0u32, 0u32, 0u32, 0u32);
            for (x, y) in points {
                let at = [(x as f32 + 0.5) / columns as f32, (y as f32 + 0.5) / rows as f32];
                let hidden = hidden(&look, &film.image, at, None);
                let lung = lung[(y * columns + x) as usize] == 255;
                lungs += u32::from(lung);
                free += u32::from(lung && !hidden);
                masked += u32::from(hidden);
                all += 1;
            }
            kept.push(f64::from(free) / f64::from(lungs.max(1)));
            share += f64::from(masked) / f64::from(all);
        }
        kept.sort_by(f64::total_cmp);
        let mean = kept.iter().sum::<f64>() / kept.len().max(1) as f64;
        let low = kept.get(kept.len() / 20).copied().unwrap_or(0.0);
        println!(
            "{}: {films} films, fall-back {back}; lung kept: mean {mean:.3}, 5th percentile {low:.3}; masked share {:.3}",
            if adults { "adults" } else { "children" },
            share / kept.len().max(1) as f64
        );
    }
}

/// All pictures of two folders of chest films, each turned four times, under the header of a hand.
#[test]
#[ignore = "needs a folder of films in GAUZE_FILMS"]
fn chests_called_hands() {
    let folder = std::path::PathBuf::from(std::env::var("GAUZE_FILMS").unwrap());
    let (mut films, mut chests, mut back) = (0, 0, 0);
    for part in ["images", "unlabelled"] {
        for entry in std::fs::read_dir(folder.join(part)).unwrap() {
            let path = entry.unwrap().path();
            let Some((columns, rows, data)) = grey(&path) else { continue };
            let mut film = blank(rows, columns, 0);
            film.frame.data = Samples::U8(data);
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
