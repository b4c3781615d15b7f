//! Slices made by hand: a body with noise as scanners have it, and words as programs draw them.

use super::*;
use model::Photometric;

const SIDE: u32 = 256;

/// Noise that is the same in every run: a linear congruential generator (Knuth's MMIX), its upper bits summed to a bell.
struct Noise(u64);

impl Noise {
    fn bell(&mut self, sd: f64) -> f64 {
        let mut sum = 0.0;
        for _ in 0..12 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (self.0 >> 40) as f64 / (1u64 << 24) as f64;
        }
        (sum - 6.0) * sd
    }
}

/// Air of 24 ± 12 clipped at 0, a round body of 1,050 ± 15 with a spine of 1,500 ± 60.
fn slice(seed: u64) -> Vec<u16> {
    let mut noise = Noise(seed);
    let centre = f64::from(SIDE) / 2.0;
    let at = |i: u32| (f64::from(i % SIDE) - centre, f64::from(i / SIDE) - centre);
    let value = |i: u32, noise: &mut Noise| match at(i) {
        (x, y) if x.hypot(y - 60.0) < 14.0 => 1500.0 + noise.bell(60.0),
        (x, y) if x.hypot(y) < 100.0 => 1050.0 + noise.bell(15.0),
        _ => 24.0 + noise.bell(12.0),
    };
    (0..SIDE * SIDE).map(|i| value(i, &mut noise).clamp(0.0, 4095.0) as u16).collect()
}

fn frame(data: Vec<u16>) -> Frame {
    Frame {
        rows: SIDE,
        columns: SIDE,
        samples: 1,
        bits_stored: 12,
        signed: false,
        photometric: Photometric::Monochrome2,
        data: Samples::U16(data),
    }
}

/// Three letters of strokes 2 pixels wide, 10 high: H E L by hand.
fn write(data: &mut [u16], left: usize, top: usize, value: u16) {
    let bars: &[(usize, usize, usize, usize)] = &[
        (0, 0, 2, 10),
        (6, 0, 2, 10),
        (2, 4, 4, 2), // H
        (11, 0, 2, 10),
        (13, 0, 5, 2),
        (13, 4, 4, 2),
        (13, 8, 5, 2), // E
        (22, 0, 2, 10),
        (24, 8, 5, 2), // L
    ];
    for (x, y, wide, tall) in bars {
        for (row, column) in (0..*tall).flat_map(|r| (0..*wide).map(move |c| (r, c))) {
            data[(top + y + row) * SIDE as usize + left + x + column] = value;
        }
    }
}

#[test]
fn a_slice_as_scanned_is_no_suspect() {
    for seed in 1..=20 {
        assert!(!suspected(&frame(slice(seed))), "{seed}");
    }
}

#[test]
fn words_are_suspects_wherever_they_are_drawn() {
    for seed in 1..=20 {
        for (left, top, value) in
            [(4, 4, 4095), (4, 4, 2000), (4, 4, 300), (110, 110, 4095), (110, 110, 700), (110, 110, 0)]
        {
            let mut data = slice(seed);
            write(&mut data, left, top, value);
            assert!(suspected(&frame(data)), "{seed}: {value} at {left}, {top}");
        }
    }
}

#[test]
fn what_cannot_be_judged_is_a_suspect() {
    let frame = frame(slice(1));
    assert!(suspected(&Frame { samples: 3, ..frame.clone() }));
    assert!(suspected(&Frame { data: Samples::U32(vec![0; 9]), ..frame.clone() }));
    assert!(suspected(&Frame { data: Samples::U16(vec![]), ..frame }));
}
