//! Figures for the page of promised numbers: `cargo test --release -p pixels -- --ignored --nocapture speed`.

use super::*;
use model::Photometric;

fn within(side: u32) -> View {
    View { window: None, viewport: Some(Viewport::within(side)) }
}

/// Mean CPU time of the runs on this thread: other work on the machine does not count.
fn timed<T>(what: &str, mut job: impl FnMut() -> T) -> T {
    const RUNS: u32 = 20;
    let mut last = job();
    let start = cpu_ms();
    for _ in 0..RUNS {
        last = job();
    }
    println!("{:8.2} ms CPU  {what}", (cpu_ms() - start) / f64::from(RUNS));
    last
}

/// Time on a CPU so far, as the scheduler counts it (Linux, nanoseconds).
fn cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn film(rows: u32, columns: u32, base: &ImageInfo) -> (ImageInfo, Vec<u8>) {
    let image = ImageInfo {
        transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
        rows,
        columns,
        frames: 1,
        bits_allocated: 16,
        bits_stored: 12,
        high_bit: 11,
        signed: false,
        photometric: Photometric::Monochrome1,
        window: Some((2048.0, 4096.0)),
        spacing: Some((0.168, 0.168)),
        ..base.clone()
    };
    let value = |i: u32| ((i % columns) * 3000 / columns + (i.wrapping_mul(2_654_435_761) >> 25)) as u16;
    (image, (0..rows * columns).flat_map(|i| value(i).to_le_bytes()).collect())
}

#[test]
#[ignore = "a measurement"]
fn speed_of_a_film_and_a_slice() {
    let base = file("pydicom__CT_small.dcm").image;
    for (name, rows, columns) in [("film 2500 × 2048", 2500, 2048), ("slice 512 × 512", 512, 512)] {
        let (image, encoded) = film(rows, columns, &base);
        println!("{name}");
        let frame = timed("decode native", || codec::decode(&image, &encoded).unwrap());
        timed("look", || {
            let mut finder = find::Finder::new(&image);
            finder.frame(1, &frame);
            finder.finish()
        });
        let layer = timed("mosaic layer", || privacy::mosaic(&frame, image.spacing, &[1; 32]));
        let (c, r) = (columns as f32, rows as f32);
        let regions = vec![
            Region::rectangle(RegionKind::Breast, None, [0.1 * c, 0.3 * r, 0.4 * c, 0.8 * r], "test/1", 1.0),
            Region::rectangle(RegionKind::Abdomen, None, [0.0, 0.8 * r, c, r], "test/1", 1.0),
            Region::rectangle(RegionKind::Text, None, [0.0, 0.0, 0.3 * c, 0.05 * r], "test/1", 1.0),
        ];
        let plan = Some((&*regions, Some(&layer)));
        let redacted =
            timed("redact (with a copy of the frame)", || privacy::redact(frame.clone(), &image, 0, plan));
        let tone = model::Tone::of(&image);
        timed("picture, side 1024", || privacy::picture(&redacted, &image, &tone, &within(1024), true));
        let full = timed("picture, full size", || {
            privacy::picture(&redacted, &image, &tone, &View::default(), true)
        });
        let picture = codec::Picture { rows: full.rows, columns: full.columns, samples: 1, data: full.data };
        timed("PNG, full size", || codec::png(&picture).unwrap().len());
        timed("JPEG, full size", || codec::jpeg(&picture, 85).unwrap().len());
        let mask = || Some(Mask { regions: regions.clone(), mosaic: Some(layer.clone()) });
        let native = lease(&image, mask(), Output::Native);
        timed("lease: masked, native", || frame_of(&native, &encoded));
        let picture = port::archive::Picture { png: false, quality: 85, view: within(1024) };
        let output =
            Output::Picture { picture, label: true, words: Vec::new(), profile: ColourProfile::None };
        let small = lease(&image, mask(), output);
        timed("lease: masked, JPEG of side 1024", || frame_of(&small, &encoded));
    }
}

fn frame_of(lease: &FrameLease, encoded: &[u8]) -> usize {
    frame(lease, &[], encoded, &Deadline::never()).unwrap().1.len()
}
