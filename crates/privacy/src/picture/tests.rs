//! Pictures: windows by hand from the standard's formula, and nothing of hidden pixels.

use super::*;
use model::view::{Source, WindowFunction};
use model::{Frame, Photometric, Region, RegionKind, Samples, Viewport, Window};

fn image() -> ImageInfo {
    ImageInfo {
        bits_allocated: 16,
        bits_stored: 16,
        high_bit: 15,
        signed: true,
        ..crate::testing::image((1, 1), "1.2.840.10008.5.1.4.1.1.1", "CT")
    }
}

fn frame(rows: u32, columns: u32, photometric: Photometric, data: Samples) -> Frame {
    let samples = if photometric == Photometric::Rgb || photometric == Photometric::YbrFull { 3 } else { 1 };
    let (bits_stored, signed) = if matches!(data, Samples::U8(_)) { (8, false) } else { (16, true) };
    Frame { rows, columns, samples, bits_stored, signed, photometric, data }
}

fn signed(values: &[i16]) -> Frame {
    let data = values.iter().map(|v| v.cast_unsigned()).collect();
    frame(1, values.len() as u32, Photometric::Monochrome2, Samples::U16(data))
}

/// No window, at most so large.
fn side(side: u32) -> View {
    View { window: None, viewport: Some(Viewport::within(side)) }
}

fn windowed(centre: f64, width: f64, function: WindowFunction) -> View {
    View { window: Some(Window { centre, width, function }), viewport: None }
}

/// With what the facts of the image say alone.
fn picture(redacted: &Redacted, image: &ImageInfo, view: &View, label: bool) -> Shown {
    super::picture(redacted, image, &Tone::of(image), view, label)
}

fn clear(frame: Frame, image: &ImageInfo) -> Redacted {
    crate::redact(frame, image, 0, None)
}

#[test]
fn windows_follow_the_standard() {
    // C.11.2.1.2.1 with c = 40, w = 401: black up to -160.5, white above 239.5, y = ((x - 39.5) / 400 + 0.5) × 255.
    let ct =
        ImageInfo { rescale_slope: 2.0, rescale_intercept: -1000.0, window: Some((40.0, 401.0)), ..image() };
    // Stored 300 → -400; 420 → -160 → 0.3; 520 → 40 → 127.8; 619 → 238 → 254.04; 700 → 400.
    let shown = picture(&clear(signed(&[300, 420, 520, 619, 700]), &ct), &ct, &side(100), true);
    assert_eq!(shown.data, [0, 0, 128, 254, 255]);
    let one = ImageInfo { window: Some((40.0, 1.0)), ..image() };
    let shown = picture(&clear(signed(&[39, 40]), &one), &one, &side(100), false);
    assert_eq!(shown.data, [0, 255], "a width of one is a step at 39.5");
    let asked = picture(
        &clear(signed(&[0, 100, 200]), &one),
        &one,
        &windowed(100.5, 201.0, WindowFunction::Linear),
        false,
    );
    assert_eq!(asked.data, [0, 128, 255]);
}

#[test]
fn curves_and_tables_follow_the_standard() {
    use model::tone::{Curve, Lut, Modality, Voi};
    let plain = image();
    let of = |values: &[i16], modality: Modality, voi: Option<Voi>| {
        let tone = Tone { modality, voi, inverse: false };
        super::picture(&clear(signed(values), &plain), &plain, &tone, &side(100), false).data
    };
    let same = || Modality::Rescale { slope: 1.0, intercept: 0.0 };
    let window = |curve| Some(Voi::Window { centre: 100.0, width: 200.0, curve });
    // C.11.2.1.3.2: black at 0, white at 200, 50 a quarter, 100 the middle.
    assert_eq!(of(&[-1, 0, 50, 100, 200, 201], same(), window(Curve::Exact)), [0, 0, 64, 128, 255, 255]);
    // C.11.2.1.3.1: 255 / (1 + exp(-4 (x - c) / w)): the middle, and a width above and below it.
    assert_eq!(of(&[100, 200, 0, 3000], same(), window(Curve::Sigmoid)), [128, 225, 30, 255]);
    let lut = |first, bits, entries: &[u16]| Lut { first, bits, entries: entries.to_vec() };
    let tables = Some(Voi::Table(lut(10, 12, &[0, 1024, 4095])));
    assert_eq!(of(&[-5, 10, 11, 12, 90], same(), tables.clone()), [0, 0, 64, 255, 255]);
    // A table first: -2 to 10, -1 to 12, everything above too.
    let modality = || Modality::Table(lut(-2, 8, &[10, 12]));
    assert_eq!(of(&[-9, -2, -1, 7], modality(), tables), [0, 0, 255, 255]);
    // Without any window the range of what the table gives.
    let falling = Modality::Table(lut(0, 8, &[9, 5, 1]));
    assert_eq!(of(&[0, 1, 2], falling, None), [255, 128, 0]);
}

#[test]
fn inversion_happens_once() {
    let plain = ImageInfo { window: Some((50.5, 101.0)), ..image() };
    let of = |photometric, inverse| {
        let image = ImageInfo { inverse, ..plain.clone() };
        let frame = Frame { photometric, ..signed(&[0, 100]) };
        picture(&clear(frame, &image), &image, &side(100), false).data
    };
    assert_eq!(of(Photometric::Monochrome2, false), [0, 255]);
    assert_eq!(of(Photometric::Monochrome1, false), [255, 0]);
    assert_eq!(of(Photometric::Monochrome2, true), [255, 0]);
    assert_eq!(of(Photometric::Monochrome1, true), [255, 0]);
}

#[test]
fn colours() {
    let palette =
        model::frame::Palette { first: 1, tables: [vec![0, 0xFF00], vec![0, 0x8000], vec![0, 0x0100]] };
    let indexed = ImageInfo { palette: Some(palette), ..image() };
    let pixels = frame(1, 4, Photometric::PaletteColor, Samples::U8(vec![0, 1, 2, 9]));
    let shown = picture(&clear(pixels, &indexed), &indexed, &side(100), false);
    assert_eq!((shown.samples, &*shown.data), (3, &[0, 0, 0, 0, 0, 0, 255, 128, 1, 255, 128, 1][..]));
    let ybr = frame(1, 2, Photometric::YbrFull, Samples::U8(vec![76, 85, 255, 255, 128, 128]));
    let shown = picture(&clear(ybr, &image()), &image(), &side(100), false);
    // PS3.3 C.7.6.3.1.2 backwards: 76, 85, 255 is pure red.
    assert_eq!(shown.data, [254, 0, 0, 255, 255, 255]);
}

#[test]
fn smaller_by_means_and_never_larger() {
    let grey = frame(2, 4, Photometric::Monochrome2, Samples::U8(vec![0, 4, 8, 12, 20, 24, 28, 32]));
    let eight = ImageInfo { window: Some((128.0, 256.0)), signed: false, bits_stored: 8, ..image() };
    let half = picture(&clear(grey.clone(), &eight), &eight, &side(2), false);
    assert_eq!((half.rows, half.columns, &*half.data), (1, 2, &[12, 20][..]));
    let same = picture(&clear(grey, &eight), &eight, &side(8192), false);
    assert_eq!((same.rows, same.columns, &*same.data), (2, 4, &[0, 4, 8, 12, 20, 24, 28, 32][..]));
    let line = frame(1, 3000, Photometric::Monochrome2, Samples::U8(vec![7; 3000]));
    let thin = picture(&clear(line, &eight), &eight, &side(10), false);
    assert_eq!((thin.rows, thin.columns), (1, 10));
}

/// The automatic window sees open pixels only: a bright pixel under the mask changes nothing.
#[test]
fn hidden_extremes_do_not_move_the_window() {
    let mut data = vec![100i16; 64 * 64];
    data[..64].iter_mut().zip(0..).for_each(|(v, i)| *v = i);
    let region = [Region::rectangle(RegionKind::Face, None, [0.0, 10.0, 64.0, 64.0], "test/1", 1.0)];
    let shown = |data: &[i16]| {
        let frame = Frame { rows: 64, columns: 64, ..signed(data) };
        let redacted = crate::redact(frame, &image(), 0, Some((&region, None)));
        picture(&redacted, &image(), &side(64), true)
    };
    let plain = shown(&data);
    data[50 * 64 + 7] = 30_000;
    assert_eq!(plain, shown(&data));
    assert!(plain.data[..10 * 64].contains(&255), "the range is that of what is seen");
}

#[test]
fn labels_stay_inside_the_mask() {
    for size in [400, 180] {
        let (rows, columns) = (300, 400);
        let data = Samples::U8((0..rows * columns).map(|i| (i % 251) as u8).collect());
        let original = frame(rows, columns, Photometric::Monochrome2, data);
        let eight = ImageInfo { window: Some((128.0, 256.0)), bits_stored: 8, ..image() };
        let region =
            [Region::rectangle(RegionKind::Breast, None, [100.0, 50.0, 390.0, 280.0], "test/1", 1.0)];
        let redacted = crate::redact(original, &eight, 0, Some((&region, None)));
        let (with, without) =
            (picture(&redacted, &eight, &side(size), true), picture(&redacted, &eight, &side(size), false));
        let mut drawn = 0;
        for (i, (a, b)) in with.data.iter().zip(&without.data).enumerate() {
            let (y, x) = (i as u32 / with.columns, i as u32 % with.columns);
            if a != b {
                let from = |p: u32, all: u32, to: u32| p * all / to..(p + 1) * all / to;
                let hidden = from(y, rows, with.rows)
                    .all(|r| from(x, columns, with.columns).all(|c| redacted.hides(r, c)));
                assert!(hidden, "{size}: {x}, {y}");
                drawn += 1;
            }
        }
        assert!(drawn > 500, "{size}: {drawn}");
    }
    let open = crate::redact(signed(&[1, 2, 3]), &image(), 0, Some((&[], None)));
    assert_eq!(picture(&open, &image(), &side(9), true), picture(&open, &image(), &side(9), false));
}

/// Parts, larger and mirrored ones: a label is drawn only where the nearest pixel of the frame is hidden.
#[test]
fn labels_stay_inside_the_mask_of_a_part() {
    let (rows, columns) = (300u32, 400u32);
    let data = Samples::U8((0..rows * columns).map(|i| (i % 251) as u8).collect());
    let original = frame(rows, columns, Photometric::Monochrome2, data);
    let eight = ImageInfo { window: Some((128.0, 256.0)), bits_stored: 8, ..image() };
    let region = [Region::rectangle(RegionKind::Breast, None, [100.0, 50.0, 390.0, 280.0], "test/1", 1.0)];
    let redacted = crate::redact(original, &eight, 0, Some((&region, None)));
    let source = Source { left: 60.0, top: 30.0, width: -340.0, height: 260.0, relative: false };
    let turned = Source { height: -260.0, width: 340.0, ..source };
    for (source, width, enlarge) in
        [(None, 700, true), (Some(source), 400, false), (Some(source), 690, true), (Some(turned), 900, true)]
    {
        let view = View { window: None, viewport: Some(Viewport { width, height: 900, enlarge, source }) };
        let (with, without) =
            (picture(&redacted, &eight, &view, true), picture(&redacted, &eight, &view, false));
        let part = view.part(rows, columns).unwrap();
        let mut drawn = 0;
        for (i, _) in with.data.iter().zip(&without.data).enumerate().filter(|(_, (a, b))| a != b) {
            let (y, x) = (i as u32 / with.columns, i as u32 % with.columns);
            let near = |at: u32, from: u32, to: u32, turned: bool| {
                let at = at * from / to;
                if turned { from - 1 - at } else { at }
            };
            let row = part.top + near(y, part.rows, with.rows, part.upside_down);
            let column = part.left + near(x, part.columns, with.columns, part.mirrored);
            assert!(redacted.hides(row, column), "{width}: {x}, {y}");
            drawn += 1;
        }
        assert!(drawn > 500, "{width}: {drawn}");
    }
}

#[test]
fn window_functions_follow_the_standard() {
    let shown =
        |values: &[i16], view: View| picture(&clear(signed(values), &image()), &image(), &view, false).data;
    // C.11.2.1.3.2, c = 2, w = 4: black to 0, white above 4, (x - 2) / 4 + 0.5.
    assert_eq!(
        shown(&[0, 1, 2, 4, 5], windowed(2.0, 4.0, WindowFunction::LinearExact)),
        [0, 64, 128, 255, 255]
    );
    // C.11.2.1.3.1: 255 / (1 + exp(-4 (x - 100) / 50)): 1.5, 30.4, 127.5, 224.6.
    assert_eq!(shown(&[36, 75, 100, 125], windowed(100.0, 50.0, WindowFunction::Sigmoid)), [2, 30, 128, 225]);
}

#[test]
fn parts_are_cut_turned_and_enlarged() {
    let grey = frame(2, 3, Photometric::Monochrome2, Samples::U8(vec![0, 40, 80, 120, 160, 200]));
    let eight = ImageInfo { window: Some((128.0, 256.0)), signed: false, bits_stored: 8, ..image() };
    let shown = |source: [f64; 4], room: u32, enlarge: bool| {
        let [left, top, width, height] = source;
        let source = Some(Source { left, top, width, height, relative: false });
        let viewport = Some(Viewport { width: room, height: room, enlarge, source });
        let shown = picture(&clear(grey.clone(), &eight), &eight, &View { window: None, viewport }, false);
        (shown.rows, shown.columns, shown.data)
    };
    assert_eq!(shown([1.0, 0.0, 2.0, 2.0], 8, false), (2, 2, vec![40, 80, 160, 200]));
    assert_eq!(shown([1.0, 0.0, -2.0, 2.0], 8, false), (2, 2, vec![80, 40, 200, 160]));
    assert_eq!(shown([1.0, 0.0, 2.0, -2.0], 8, false), (2, 2, vec![160, 200, 40, 80]));
    // Centres of four pixels over two: at -0.25, 0.25, 0.75, 1.25 of the smaller ones.
    assert_eq!(shown([0.0, 0.0, 2.0, 1.0], 4, true), (2, 4, vec![0, 10, 30, 40, 0, 10, 30, 40]));
}
