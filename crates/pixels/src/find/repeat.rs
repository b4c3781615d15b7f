//! Frames that look like the one before: static screens and still clips are searched once.

use super::plane::Plane;

/// Grey levels by which a pixel may differ: below half of the faintest stroke that is cut out of a picture (40), also
/// where the ground goes the other way, so that no word hides in it.
const LEVELS: u8 = 8;

/// No pixel differs by more than noise.
pub fn same(one: &Plane, other: &Plane) -> bool {
    (one.width, one.height) == (other.width, other.height)
        && one.data.iter().zip(&other.data).all(|(a, b)| a.abs_diff(*b) <= LEVELS)
}
