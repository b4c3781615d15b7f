//! What may be seen through a mask: nothing but the mosaic layer.

use super::*;
use model::{Photometric, RegionKind, Samples};
use proptest::prelude::*;

const KEY: [u8; 32] = [7; 32];

fn image(rows: u32, columns: u32) -> ImageInfo {
    ImageInfo {
        bits_allocated: 16,
        bits_stored: 12,
        high_bit: 11,
        ..crate::testing::image((rows, columns), "1.2.840.10008.5.1.4.1.1.1", "CR")
    }
}

/// A structured 12-bit frame: slopes, stripes, edges and grain.
fn frame(rows: u32, columns: u32) -> Frame {
    let value = |y: u32, x: u32| {
        let slope = (x * 1500 / columns) + (y * 1000 / rows);
        let stripes = if (x / 5 + y / 7).is_multiple_of(2) { 500 } else { 0 };
        let grain =
            (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(2_246_822_519) >> 24;
        (slope + stripes + grain) as u16
    };
    let data = (0..rows).flat_map(|y| (0..columns).map(move |x| value(y, x))).collect();
    of(rows, columns, data)
}

fn of(rows: u32, columns: u32, data: Vec<u16>) -> Frame {
    Frame {
        rows,
        columns,
        samples: 1,
        bits_stored: 12,
        signed: false,
        photometric: Photometric::Monochrome2,
        data: Samples::U16(data),
    }
}

fn values(frame: &Frame) -> &[u16] {
    let Samples::U16(data) = &frame.data else { panic!("not 16 bits") };
    data
}

fn region(kind: RegionKind, polygon: Vec<[f32; 2]>) -> Region {
    Region { kind, frame: None, polygon, source: "test/1".into(), confidence: 1.0 }
}

fn rectangle(kind: RegionKind, edges: [f32; 4]) -> Region {
    Region::rectangle(kind, None, edges, "test/1", 1.0)
}

fn redacted(frame: &Frame, regions: &[Region], layer: Option<&Mosaic>) -> Redacted {
    redact(frame.clone(), &image(frame.rows, frame.columns), 0, Some((regions, layer)))
}

fn any_kind() -> impl Strategy<Value = RegionKind> {
    prop::sample::select(RegionKind::ALL)
}

fn any_region() -> impl Strategy<Value = Region> {
    let corner = prop::array::uniform2(prop_oneof![
        8 => -50f32..250.0,
        1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::MIN, 1e30]),
    ]);
    (any_kind(), prop::collection::vec(corner, 0..12)).prop_map(|(kind, polygon)| region(kind, polygon))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Outside: every bit as it was. Inside: whatever the hidden pixels were, given the same layer and regions.
    #[test]
    fn outside_is_kept_and_inside_depends_on_the_layer_only(
        regions in prop::collection::vec(any_region(), 0..6),
        noise in any::<u16>(),
    ) {
        let original = frame(150, 200);
        let layer = mosaic(&original, None, &KEY);
        let first = redacted(&original, &regions, Some(&layer));
        let mut other = original.clone();
        let Samples::U16(data) = &mut other.data else { unreachable!() };
        for (i, (after, before)) in values(first.frame()).iter().zip(values(&original)).enumerate() {
            let (row, column) = (i as u32 / 200, i as u32 % 200);
            if first.hides(row, column) {
                data[i] = noise.rotate_left(i as u32) & 0xFFF;
            } else {
                prop_assert_eq!(after, before);
            }
        }
        prop_assert_eq!(&first, &redacted(&other, &regions, Some(&layer)));
    }
}

#[test]
fn two_masks_show_the_same_cells() {
    let original = frame(300, 400);
    let layer = mosaic(&original, None, &KEY);
    let left =
        redacted(&original, &[rectangle(RegionKind::Breast, [10.0, 10.0, 200.0, 280.0])], Some(&layer));
    let right =
        redacted(&original, &[rectangle(RegionKind::Abdomen, [77.0, 33.0, 390.0, 299.0])], Some(&layer));
    let both = (0..300)
        .flat_map(|y| (0..400).map(move |x| (y, x)))
        .filter(|(y, x)| left.hides(*y, *x) && right.hides(*y, *x));
    let mut compared = 0;
    for (y, x) in both {
        let i = (y * 400 + x) as usize;
        assert_eq!(values(left.frame())[i], values(right.frame())[i]);
        compared += 1;
    }
    assert!(compared > 20_000);
}

/// Fine structure of the original must not be found again in the output.
#[test]
fn fine_structure_is_gone() {
    let original = frame(600, 700);
    let layer = mosaic(&original, None, &KEY);
    let all = redacted(&original, &[rectangle(RegionKind::Unsure, [0.0, 0.0, 700.0, 600.0])], Some(&layer));
    let (a, b) = (high_pass(values(&original), 700), high_pass(values(all.frame()), 700));
    let dot = |p: &[f64], q: &[f64]| p.iter().zip(q).map(|(p, q)| p * q).sum::<f64>();
    let r = dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt();
    println!("high-pass correlation r = {r:.4}");
    assert!(r.abs() <= 0.1, "r = {r}");
    let distinct: std::collections::BTreeSet<_> = values(all.frame()).iter().collect();
    assert!(distinct.len() <= 16, "{} levels", distinct.len());
}

/// A pixel minus the mean of its 9 × 9 neighbours.
fn high_pass(data: &[u16], columns: usize) -> Vec<f64> {
    let rows = data.len() / columns;
    let mut out = Vec::new();
    for y in 4..rows - 4 {
        for x in 4..columns - 4 {
            let sum: u32 = (y - 4..=y + 4)
                .flat_map(|v| &data[v * columns + x - 4..=v * columns + x + 4])
                .map(|v| u32::from(*v))
                .sum();
            out.push(f64::from(data[y * columns + x]) - f64::from(sum) / 81.0);
        }
    }
    out
}

#[test]
fn cells_are_coarse() {
    // By hand: 2048 / 24 = 85.3; 24 pixels at least; 12 mm / 0.1 mm = 120; never more than the longer side.
    for (rows, columns, spacing, cell) in [
        (2500, 2048, None, 86),
        (256, 256, None, 24),
        (2500, 2048, Some((0.1, 0.15)), 120),
        (2500, 2048, Some((0.5, 0.5)), 86),
        (100, 90, Some((1e-9, 1.0)), 100),
        (256, 256, Some((f64::NAN, 1.0)), 24),
    ] {
        let layer = mosaic(&of(rows, columns, vec![9; (rows * columns) as usize]), spacing, &KEY);
        assert_eq!(layer.cell, cell, "{rows} × {columns}, {spacing:?}");
        assert_eq!((layer.down, layer.across), (rows.div_ceil(cell), columns.div_ceil(cell)));
    }
}

#[test]
fn a_cell_is_near_the_mean_of_its_pixels_and_noise_is_keyed() {
    let original = frame(240, 240);
    let layer = mosaic(&original, None, &KEY);
    assert_eq!(layer, mosaic(&original, None, &KEY), "the same at each call");
    assert_ne!(layer.values, mosaic(&original, None, &[8; 32]).values, "another key, other noise");
    let data = values(&original);
    let mut off = Vec::new();
    for (i, value) in layer.values.iter().enumerate() {
        let (top, left) = (i / 10 * 24, i % 10 * 24);
        let cell = (top..top + 24).flat_map(|y| &data[y * 240 + left..y * 240 + left + 24]);
        let mean = cell.map(|v| f64::from(*v)).sum::<f64>() / 576.0;
        off.push((f64::from(*value) - mean).abs());
    }
    let mean_off = off.iter().sum::<f64>() / off.len() as f64;
    // A step is 256 here: (1500 + 1000) / 15 rounded up to a power of two.
    assert!(mean_off < 200.0, "{mean_off}");
}

#[test]
fn filled_kinds_are_black_as_displayed() {
    let original = frame(64, 64);
    let layer = mosaic(&original, None, &KEY);
    let text = [rectangle(RegionKind::Text, [20.0, 20.0, 30.0, 30.0])];
    let black = |frame: Frame, image: &ImageInfo| {
        let out = redact(frame, image, 0, Some((&text, Some(&layer))));
        values(out.frame())[25 * 64 + 25]
    };
    let plain = image(64, 64);
    assert_eq!(black(original.clone(), &plain), 0);
    let one = Frame { photometric: Photometric::Monochrome1, ..original.clone() };
    assert_eq!(black(one, &plain), 0xFFF);
    assert_eq!(black(original.clone(), &ImageInfo { inverse: true, ..plain.clone() }), 0xFFF);
    let signed = Frame { signed: true, ..original.clone() };
    assert_eq!(black(signed, &plain), 0xF800, "-2048");
    let palette =
        model::frame::Palette { first: 3, tables: [vec![9, 9, 1, 8], vec![9, 9, 1, 8], vec![9, 9, 1, 8]] };
    let indices = Frame { photometric: Photometric::PaletteColor, ..original };
    assert_eq!(black(indices, &ImageInfo { palette: Some(palette), ..plain }), 5);
}

#[test]
fn boxes_of_text_hide_their_length() {
    let original = frame(128, 128);
    let hidden =
        |right: f32| redacted(&original, &[rectangle(RegionKind::Text, [17.0, 33.0, right, 41.0])], None);
    assert_eq!(hidden(60.0), hidden(49.0), "both end at 64");
    let out = hidden(49.0);
    assert!(out.hides(32, 16) && out.hides(47, 63));
    assert!(!out.hides(31, 16) && !out.hides(48, 16) && !out.hides(32, 15) && !out.hides(32, 64));
}

#[test]
fn fill_beats_cells_and_markers_stay() {
    let original = frame(200, 200);
    let layer = mosaic(&original, None, &KEY);
    let marker = rectangle(RegionKind::Marker, [100.0, 100.0, 120.0, 120.0]);
    let text = rectangle(RegionKind::Text, [96.0, 96.0, 160.0, 160.0]);
    let breast = rectangle(RegionKind::Breast, [50.0, 50.0, 190.0, 190.0]);
    let regions = [marker.clone(), breast, text];
    let out = redacted(&original, &regions, Some(&layer));
    assert!(!out.hides(110, 110), "the marker is kept from text and skin");
    assert_eq!(values(out.frame())[150 * 200 + 150], 0, "text is black, not a cell");
    assert!(out.hides(60, 60));
    for kind in [RegionKind::Unsure, RegionKind::Drawn] {
        let out =
            redacted(&original, &[marker.clone(), rectangle(kind, [0.0, 0.0, 200.0, 200.0])], Some(&layer));
        assert!(out.hides(110, 110), "{kind}");
    }
    let large = rectangle(RegionKind::Marker, [0.0, 0.0, 200.0, 200.0]);
    let out =
        redacted(&original, &[large, rectangle(RegionKind::Breast, [0.0, 0.0, 200.0, 200.0])], Some(&layer));
    assert!(out.hides(110, 110), "what covers the frame is no marker");
}

#[test]
fn what_cannot_be_drawn_hides_everything() {
    let original = frame(40, 40);
    let long = (0..=model::limits::POLYGON_CORNERS).map(|i| [i as f32, 0.0]).collect();
    for polygon in [vec![], vec![[0.0, 0.0], [5.0, 5.0]], vec![[f32::NAN, 0.0], [5.0, 5.0], [0.0, 5.0]], long]
    {
        let out = redacted(&original, &[region(RegionKind::Breast, polygon)], None);
        assert!((0..40).all(|y| (0..40).all(|x| out.hides(y, x))));
        assert!(values(out.frame()).iter().all(|v| *v == 0), "no layer: black");
    }
    let short = of(40, 40, vec![5; 40 * 39]);
    assert!(values(redacted(&short, &[], None).frame()).iter().all(|v| *v == 0), "too few samples");
}

#[test]
fn a_layer_of_another_frame_is_not_used() {
    let original = frame(100, 100);
    let region = [rectangle(RegionKind::Breast, [0.0, 0.0, 100.0, 100.0])];
    let layer = mosaic(&original, None, &KEY);
    for wrong in [
        Mosaic { across: layer.across + 1, ..layer.clone() },
        Mosaic { samples: 3, ..layer.clone() },
        Mosaic { cell: 0, ..layer.clone() },
        Mosaic { values: layer.values[1..].to_vec(), ..layer.clone() },
    ] {
        let out = redacted(&original, &region, Some(&wrong));
        assert!(values(out.frame()).iter().all(|v| *v == 0));
    }
}

#[test]
fn regions_of_other_frames_do_nothing() {
    let original = frame(50, 50);
    let other = Region { frame: Some(1), ..rectangle(RegionKind::Breast, [0.0, 0.0, 50.0, 50.0]) };
    let out = redacted(&original, std::slice::from_ref(&other), None);
    assert!(!out.masked());
    assert_eq!(out.frame(), &original);
    let here = redact(original, &image(50, 50), 1, Some((&[other], None)));
    assert!(here.masked());
}

/// A pentagram drawn in one line: its middle is gone round twice (even-odd would leave it open), its points once.
#[test]
fn a_line_that_crosses_itself_leaves_nothing_open() {
    let (rows, columns) = (100, 100);
    let corner = |n: u32| {
        let angle = std::f32::consts::TAU * (2 * n) as f32 / 5.0;
        [50.0 + 45.0 * angle.sin(), 50.0 - 45.0 * angle.cos()]
    };
    let star = |kind| Region {
        kind,
        frame: None,
        polygon: (0..5).map(corner).collect(),
        source: "test/1".into(),
        confidence: 1.0,
    };
    let hides = |kind: RegionKind, row, column| {
        let regions = [star(kind)];
        redact(frame(rows, columns), &image(rows, columns), 0, Some((&regions, None))).hides(row, column)
    };
    for (row, column) in [(50, 50), (55, 50), (12, 50), (40, 15), (80, 28)] {
        assert!(hides(RegionKind::Drawn, row, column), "{row}, {column}");
    }
    assert!(!hides(RegionKind::Drawn, 5, 5));
    assert!(!hides(RegionKind::Breast, 50, 50), "finders' outlines have holes");
    // Two lobes, gone round in opposite directions.
    let eight = Region {
        polygon: vec![[10.0, 10.0], [90.0, 90.0], [90.0, 10.0], [10.0, 90.0]],
        ..star(RegionKind::Drawn)
    };
    let drawn = redact(frame(rows, columns), &image(rows, columns), 0, Some((&[eight], None)));
    assert!(drawn.hides(50, 15) && drawn.hides(50, 85) && !drawn.hides(15, 50));
}

#[test]
fn the_even_odd_rule_leaves_holes() {
    // A square wound twice, the inner one cuts a hole: one polygon through both.
    let ring = vec![
        [0.0, 0.0],
        [40.0, 0.0],
        [40.0, 40.0],
        [0.0, 40.0],
        [0.0, 0.0],
        [10.0, 10.0],
        [30.0, 10.0],
        [30.0, 30.0],
        [10.0, 30.0],
        [10.0, 10.0],
    ];
    let out = redacted(&frame(40, 40), &[region(RegionKind::Breast, ring.clone())], None);
    assert!(out.hides(5, 5) && out.hides(35, 20) && !out.hides(20, 20));
    let out = redacted(&frame(40, 40), &[region(RegionKind::Drawn, ring)], None);
    assert!(out.hides(5, 5) && out.hides(35, 20) && out.hides(20, 20), "drawn: nothing stays open");
}
