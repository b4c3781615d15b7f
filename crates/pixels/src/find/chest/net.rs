//! The lung network (docs/models/lungs.md): a picture of 256 × 256 and its mirror image in, lungs and pose out. The mean
//! of both answers is taken: a mirrored film gives the mirrored lungs, cell by cell.

use crate::find::plane::Plane;
use rten::{Model, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use std::sync::{Arc, OnceLock};

/// Side of the picture that the network sees.
pub const SIDE: usize = 256;
/// Side of its answer.
const CELLS: usize = SIDE / 2;

/// Where the head points, clockwise from up.
const POSES: usize = 4;

/// The network, read once.
pub struct Net {
    model: Model,
    film: NodeId,
    lungs: NodeId,
    pose: NodeId,
}

/// What the network says of a picture.
#[derive(Debug, Clone)]
pub struct Answer {
    /// How sure it is that here is a lung, 0 to 1, on the picture's own grid, row by row.
    pub lungs: Vec<f32>,
    /// Quarter turns clockwise from upright to how the film lies.
    pub turns: usize,
    /// How sure it is of that, 0 to 1; the rest is other poses and *no frontal chest film*.
    pub posed: f32,
    /// How sure it is that this is no frontal chest film.
    pub strange: f32,
    /// Overlap of the lungs seen on the picture and on its mirror image (intersection over union).
    pub agreed: f32,
}

impl Net {
    /// Nothing when the file in the binary is not what this code expects.
    pub fn shipped() -> Option<&'static Self> {
        static NET: OnceLock<Option<Net>> = OnceLock::new();
        let read = || Self::of(Model::load_static_slice(include_bytes!("../../models/lungs-2.onnx")).ok()?);
        NET.get_or_init(read).as_ref()
    }

    fn of(model: Model) -> Option<Self> {
        let film = *model.input_ids().first()?;
        let (lungs, pose) = (model.find_node("lungs")?, model.find_node("pose")?);
        Some(Self { model, film, lungs, pose })
    }

    /// Other weights, for cross-validation.
    #[cfg(test)]
    pub fn read(bytes: Vec<u8>) -> Option<Self> {
        Self::of(Model::load(bytes).ok()?)
    }

    /// Looks at a picture made by [`fitted`].
    pub fn see(&self, picture: &Plane) -> Option<Answer> {
        let (left, top) = (SIDE.checked_sub(picture.width)? / 2, SIDE.checked_sub(picture.height)? / 2);
        let input = NdTensor::<f32, 4>::from_fn([2, 1, SIDE, SIDE], |[mirror, _, y, x]| {
            let x = if mirror == 0 { x } else { SIDE - 1 - x };
            let inside = x.checked_sub(left).zip(y.checked_sub(top));
            f32::from(inside.map_or(0, |(x, y)| picture.at(x, y))) / 255.0 - 0.5
        });
        // One core a film, as for all pixel work; the pool's thread ends with the call.
        let pool = Arc::new(ThreadPool::with_num_threads(1));
        let options = RunOptions::default().with_thread_pool(Some(pool));
        let input = vec![(self.film, ValueOrView::from(input.view()))];
        let [lungs, pose] = self.model.run_n(input, [self.lungs, self.pose], Some(options)).ok()?;
        let lungs: NdTensor<f32, 4> = lungs.try_into().ok()?;
        let pose: NdTensor<f32, 4> = pose.try_into().ok()?;
        let right = lungs.shape() == [2, 1, CELLS, CELLS] && pose.shape() == [2, POSES + 1, 1, 1];
        right.then(|| answer(&lungs.to_vec(), &pose.to_vec(), [left, top, picture.width, picture.height]))
    }
}

/// The copy that the network is shown: longer side 256, both sides even, so that a film and its mirror image lie on the
/// canvas alike.
pub fn fitted(plane: &Plane) -> Plane {
    let long = plane.width.max(plane.height);
    let half = |n: usize| ((n * CELLS + long / 2) / long).clamp(1, CELLS);
    plane.shrunk(2 * half(plane.width), 2 * half(plane.height))
}

/// From the logits of a picture and its mirror image, one after the other, to one answer on the part `[left, top, width,
/// height]` of the canvas.
#[expect(clippy::cast_precision_loss, reason = "cell counts of a grid")]
fn answer(lungs: &[f32], poses: &[f32], part: [usize; 4]) -> Answer {
    let (one, other) = lungs.split_at(lungs.len() / 2);
    let other: Vec<f32> = other.chunks_exact(CELLS).flat_map(|row| row.iter().rev().copied()).collect();
    let (mut both, mut any) = (0u32, 0u32);
    for (a, b) in one.iter().zip(&other) {
        both += u32::from(*a > 0.0 && *b > 0.0);
        any += u32::from(*a > 0.0 || *b > 0.0);
    }
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let mean: Vec<f32> =
        one.iter().zip(&other).map(|(a, b)| f32::midpoint(sigmoid(*a), sigmoid(*b))).collect();
    let (straight, mirrored) = poses.split_at(poses.len() / 2);
    let (straight, mirrored) = (shares(straight), shares(mirrored));
    // In the mirror right is left.
    let pose = [0, 3, 2, 1, 4].map(|at| mirrored.get(at).copied().unwrap_or(0.0));
    let pose: Vec<f32> = straight.iter().zip(pose).map(|(a, b)| f32::midpoint(*a, b)).collect();
    let (turns, posed) = pose
        .iter()
        .take(POSES)
        .copied()
        .enumerate()
        .fold((0, 0.0), |best, here| if here.1 > best.1 { here } else { best });
    Answer {
        lungs: enlarged(&mean, part),
        turns,
        posed,
        strange: pose.last().copied().unwrap_or(1.0),
        agreed: both as f32 / any.max(1) as f32,
    }
}

/// Softmax.
fn shares(logits: &[f32]) -> Vec<f32> {
    let most = logits.iter().copied().fold(f32::MIN, f32::max);
    let powers: Vec<f32> = logits.iter().map(|l| (l - most).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.iter().map(|p| p / sum).collect()
}

/// Twice as fine, linear between the cells' centres, cut to the picture.
fn enlarged(cells: &[f32], [left, top, width, height]: [usize; 4]) -> Vec<f32> {
    // The nearest cell, and the next one with a quarter of the weight.
    let taps = |at: usize| {
        let near = at / 2;
        let next = if at.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(CELLS - 1) };
        (near, next)
    };
    let cell = |x: usize, y: usize| cells.get(y * CELLS + x).copied().unwrap_or(0.0);
    let mut out = Vec::with_capacity(width * height);
    for (near, next) in (top..top + height).map(taps) {
        for (here, beside) in (left..left + width).map(taps) {
            let upper = 0.75 * cell(here, near) + 0.25 * cell(beside, near);
            let lower = 0.75 * cell(here, next) + 0.25 * cell(beside, next);
            out.push(0.75 * upper + 0.25 * lower);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_network_is_whole_and_half_a_file_is_refused() {
        let bytes = include_bytes!("../../models/lungs-2.onnx").as_slice();
        assert!(Net::shipped().is_some());
        assert!(Net::read(bytes[..bytes.len() / 2].to_vec()).is_none());
        assert!(Net::read(Vec::new()).is_none());
    }

    #[test]
    fn the_network_shown_is_the_one_on_the_card() {
        let card = include_str!("../../../../../docs/models/lungs.md");
        let digest = aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA256,
            include_bytes!("../../models/lungs-2.onnx"),
        );
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(card.contains(&hex), "{hex}");
    }

    #[test]
    fn a_copy_has_even_sides_and_at_most_the_networks() {
        for (width, height) in [(1, 1), (1, 5000), (5000, 1), (257, 255), (2048, 2500), (3, 2)] {
            let copy = fitted(&Plane::new(width, height));
            assert!(copy.width.is_multiple_of(2) && copy.height.is_multiple_of(2), "{width} × {height}");
            assert_eq!(copy.width.max(copy.height), SIDE, "{width} × {height}");
        }
    }
}
