use super::*;
use crate::mask::redact;
use model::{Frame, ImageInfo, Photometric, Samples};

const SIZE: (u32, u32) = (37, 43);

fn image() -> ImageInfo {
    ImageInfo { frames: 2, ..crate::testing::image(SIZE, "1.2.840.10008.5.1.4.1.1.1.1", "DX") }
}

fn set(plane: &[u8], at: usize) -> bool {
    plane[at / 8] >> (at % 8) & 1 == 1
}

/// The planes of all kinds together are what a masked frame hides, pixel by pixel, markers free.
#[test]
fn planes_say_what_is_hidden() {
    let mut state = 11u64;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    for _ in 0..200 {
        let regions: Vec<Region> = (0..1 + below(7))
            .map(|_| {
                let kind = RegionKind::ALL[below(RegionKind::ALL.len() as u64) as usize];
                let (left, top) = (below(40) as f32, below(34) as f32);
                let edges = [left, top, left + 1.0 + below(14) as f32, top + 1.0 + below(14) as f32];
                let frame = [None, Some(0), Some(1)][below(3) as usize];
                Region::rectangle(kind, frame, edges, "test", 1.0)
            })
            .collect();
        for index in [0, 1] {
            let data = Samples::U8(vec![200; (SIZE.0 * SIZE.1) as usize]);
            let frame = Frame {
                rows: SIZE.0,
                columns: SIZE.1,
                samples: 1,
                bits_stored: 8,
                signed: false,
                photometric: Photometric::Monochrome2,
                data,
            };
            let redacted = redact(frame, &image(), index, Some((&regions, None)));
            let kinds = kinds(SIZE, index, &regions);
            let planes: Vec<_> = kinds.iter().map(|kind| plane(SIZE, index, &regions, Some(*kind))).collect();
            let all = plane(SIZE, index, &regions, None);
            assert!(planes.iter().all(|plane| plane.iter().any(|byte| *byte != 0)), "no plane is empty");
            for (row, column) in (0..SIZE.0).flat_map(|row| (0..SIZE.1).map(move |column| (row, column))) {
                let at = (row * SIZE.1 + column) as usize;
                let any = planes.iter().any(|plane| set(plane, at));
                assert_eq!(
                    (any, set(&all, at)),
                    (redacted.hides(row, column), any),
                    "{regions:?} {row} {column}"
                );
            }
        }
    }
}
