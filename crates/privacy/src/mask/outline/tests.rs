use super::*;
use crate::mask::plane;
use model::{Region, RegionKind};

/// Pixels from text: `#` is set.
fn bits(picture: &[&str]) -> ((u32, u32), Vec<u8>) {
    let pixels: Vec<bool> = picture.iter().flat_map(|row| row.bytes().map(|b| b == b'#')).collect();
    packed((picture.len() as u32, picture[0].len() as u32), &pixels)
}

fn packed(size: (u32, u32), pixels: &[bool]) -> ((u32, u32), Vec<u8>) {
    let mut out = vec![0; pixels.len().div_ceil(8)];
    pixels.iter().enumerate().filter(|(_, set)| **set).for_each(|(at, _)| out[at / 8] |= 1 << (at % 8));
    (size, out)
}

/// What polygons hide when they are drawn by a person.
fn drawn(size: (u32, u32), polygons: &[Vec<[f32; 2]>]) -> Vec<u8> {
    let region = |polygon: &Vec<[f32; 2]>| Region {
        kind: RegionKind::Drawn,
        frame: None,
        polygon: polygon.clone(),
        source: String::new(),
        confidence: 1.0,
    };
    let regions: Vec<Region> = polygons.iter().map(region).collect();
    plane(size, 0, &regions, None)
}

struct Random(u64);

impl Random {
    /// xorshift64*: the same planes on every machine and run.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

#[test]
fn outlines_follow_the_pixels_and_fill_holes() {
    let cases: [(&[&str], &[&str], usize); 7] = [
        (&["...", "...", "..."], &["...", "...", "..."], 0),
        (&["...", ".#.", "..."], &["...", ".#.", "..."], 1),
        (&["###", "#.#", "###"], &["###", "###", "###"], 1),
        (&["#..", ".#.", "..#"], &["#..", ".#.", "..#"], 1),
        (&["#.#", "...", "#.#"], &["#.#", "...", "#.#"], 4),
        // Something in a hole: two lines, one picture.
        (&["#####", "#...#", "#.#.#", "#...#", "#####"], &["#####"; 5], 2),
        (&["##..", "###.", "..##"], &["##..", "###.", "..##"], 1),
    ];
    for (given, expected, lines) in cases {
        let (size, plane) = bits(given);
        let polygons = outlines(size, &plane);
        assert_eq!(polygons.len(), lines, "{given:?}");
        assert_eq!(drawn(size, &polygons), bits(expected).1, "{given:?} {polygons:?}");
    }
    let (size, plane) = bits(&["....", ".##.", ".##.", "...."]);
    let mut square = outlines(size, &plane).remove(0);
    square.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    assert_eq!(square, [[1.0, 1.0], [1.0, 3.0], [3.0, 1.0], [3.0, 3.0]]);
}

/// Never less than the plane, for noise of every density, blobs and sizes that are no multiple of eight.
#[test]
fn every_set_pixel_is_covered() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for round in 0..400 {
        let size = (1 + random.below(90) as u32, 1 + random.below(90) as u32);
        let density = 1 + random.below(99);
        let (rows, columns) = (u64::from(size.0), u64::from(size.1));
        let mut pixels: Vec<bool> =
            (0..rows * columns).map(|_| round % 2 == 0 && random.below(100) < density).collect();
        for _ in 0..random.below(6) {
            let (top, left) = (random.below(rows), random.below(columns));
            let (down, across) = (1 + random.below(rows - top), 1 + random.below(columns - left));
            let round_one = random.below(2) == 0;
            for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
                let (dy, dx) =
                    ((2 * y + 1) as f64 / down as f64 - 1.0, (2 * x + 1) as f64 / across as f64 - 1.0);
                if !round_one || dy * dy + dx * dx <= 1.0 {
                    pixels[((top + y) * columns + left + x) as usize] = true;
                }
            }
        }
        let (size, plane) = packed(size, &pixels);
        let polygons = outlines(size, &plane);
        let corners = polygons.iter().map(Vec::len);
        assert!(polygons.len() <= POLYGONS && corners.clone().sum::<usize>() <= CORNERS, "round {round}");
        assert!(corners.clone().all(|n| (4..=limits::POLYGON_CORNERS).contains(&n)), "round {round}");
        let covered = drawn(size, &polygons);
        assert!(
            plane.iter().zip(&covered).all(|(set, covered)| set & !covered == 0),
            "round {round} {size:?}"
        );
        if !polygons.is_empty() {
            let hulled = drawn(size, &[hull(&polygons)]);
            assert!(covered.iter().zip(&hulled).all(|(set, hulled)| set & !hulled == 0), "round {round}");
        }
    }
}

/// A film's worth: a disc stays within three pixels of itself, noise ends as few boxes, soon.
#[test]
fn large_planes_are_bounded() {
    let size = (2048u32, 2500u32);
    let disc = |at: usize| {
        let (y, x) = ((at / 2500) as f64 - 1000.0, (at % 2500) as f64 - 1200.0);
        (x * x + y * y).sqrt()
    };
    let pixels: Vec<bool> = (0..2048 * 2500).map(|at| disc(at) < 800.0).collect();
    let (_, plane) = packed(size, &pixels);
    let covered = drawn(size, &outlines(size, &plane));
    for (at, byte) in covered.iter().enumerate() {
        for bit in 0..8 {
            let (hidden, from) = (byte >> bit & 1 == 1, disc(at * 8 + bit));
            assert!(if hidden { from < 803.0 } else { from >= 800.0 }, "{at}");
        }
    }
    let mut random = Random(7);
    let noise: Vec<u8> = (0..plane.len()).map(|_| (random.next() & random.next()) as u8).collect();
    let polygons = outlines(size, &noise);
    assert!((1..=POLYGONS).contains(&polygons.len()));
    // Bits that are missing are none; bits that are too many do not count.
    assert!(outlines((3, 3), &[]).is_empty());
    assert!(outlines((1, 3), &[0b1111_1000, 255]).is_empty());
}
