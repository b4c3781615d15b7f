//! The fitted numbers of `models/lungs-1.bin` (written by `models/lungs-1.py`): linear maps, no network.

use std::sync::OnceLock;

/// Side of the patch that is compared and mapped.
pub const PATCH: usize = 24;
/// Side of the patch, in sides of the lungs' box.
pub const PATCH_SPAN: f32 = 1.4;
/// Side of the shape's grid.
pub const SHAPE: usize = 32;
/// Side of the shape's grid, in sides of the lungs' box.
pub const SHAPE_SPAN: f32 = 1.25;
const PIXELS: usize = PATCH * PATCH;
const COMPONENTS: usize = 20;

/// From patch to a few numbers: `outputs` columns a pixel, then one bias each.
#[derive(Debug)]
pub struct Linear {
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// `patch × weights + bias`.
    pub fn map(&self, patch: &[f32]) -> Vec<f32> {
        let mut out = self.bias.clone();
        for (value, row) in patch.iter().zip(self.weights.chunks_exact(self.bias.len().max(1))) {
            for (sum, weight) in out.iter_mut().zip(row) {
                *sum += value * weight;
            }
        }
        out
    }
}

/// The whole model.
#[derive(Debug)]
pub struct Model {
    /// Mean patch, its mean taken off.
    pub mean: Vec<f32>,
    /// From a patch far off to the correction of its place.
    pub coarse: Linear,
    /// The same near by.
    pub fine: Linear,
    middle: Vec<f32>,
    main: Vec<f32>,
    shape: Linear,
}

impl Model {
    /// Read once; nothing when the file in the binary is not what this code expects.
    pub fn shipped() -> Option<&'static Self> {
        static MODEL: OnceLock<Option<Model>> = OnceLock::new();
        MODEL.get_or_init(|| Self::read(include_bytes!("../../models/lungs-1.bin"))).as_ref()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut take = |count| array(&mut rest, count);
        let mean: Vec<f32> = take(PIXELS)?;
        let coarse = Linear { weights: take(PIXELS * 4)?, bias: take(4)? };
        let fine = Linear { weights: take(PIXELS * 4)?, bias: take(4)? };
        let middle = take(SHAPE * SHAPE)?;
        let main = take(COMPONENTS * SHAPE * SHAPE)?;
        let shape = Linear { weights: take(PIXELS * COMPONENTS)?, bias: take(COMPONENTS)? };
        rest.is_empty().then_some(Self { mean, coarse, fine, middle, main, shape })
    }

    /// Signed distance to the lungs' border on the shape's grid, inside positive, in hundredths of the box's width.
    pub fn distances(&self, patch: &[f32]) -> Vec<f32> {
        let mut out = self.middle.clone();
        for (amount, component) in self.shape.map(patch).iter().zip(self.main.chunks_exact(SHAPE * SHAPE)) {
            for (sum, value) in out.iter_mut().zip(component) {
                *sum += amount * value;
            }
        }
        out
    }
}

/// A scale (f32) and `count` values (i16), little endian.
fn array(rest: &mut &[u8], count: usize) -> Option<Vec<f32>> {
    let (scale, after) = rest.split_first_chunk::<4>()?;
    let scale = f32::from_le_bytes(*scale);
    let (values, after) = after.split_at_checked(count * 2)?;
    *rest = after;
    let value =
        |pair: &[u8]| <[u8; 2]>::try_from(pair).map_or(0.0, |p| f32::from(i16::from_le_bytes(p)) * scale);
    Some(values.chunks_exact(2).map(value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_model_is_whole_and_a_shorter_or_longer_one_is_refused() {
        let bytes = include_bytes!("../../models/lungs-1.bin").as_slice();
        assert!(Model::shipped().is_some());
        assert!(Model::read(&bytes[..bytes.len() - 1]).is_none());
        assert!(Model::read(&[bytes, &[0]].concat()).is_none());
    }
}
