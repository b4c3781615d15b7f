//! Frontal chest films: two lungs seen by the network, then the regions around them. A film may lie on its side or on its
//! head: it is looked at again upright, and the regions are turned back.

pub mod lungs;
pub mod net;

use super::plane::Plane;
use net::{Answer, Net};
use privacy::geometry::{self, Lungs, Shape};

/// A frontal chest film that was understood.
#[derive(Debug, Clone)]
pub struct Chest {
    /// Regions in pixels of the frame.
    pub shapes: Vec<Shape>,
    /// 0..=1.
    pub sure: f32,
}

/// What a film turned out to be.
#[derive(Debug, Clone)]
pub enum Seen {
    /// Two lungs that pass all gates.
    Chest(Chest),
    /// It may be a chest, and it was not understood.
    Doubt,
    /// The network sees no frontal chest film.
    Nothing,
}

/// Surer than this that it is no frontal chest film: then it is none. Below, what fails a gate is in doubt.
const STRANGE: f32 = 0.9;

/// Looks for a frontal chest.
pub fn find(plane: &Plane) -> Seen {
    Net::shipped().map_or(Seen::Doubt, |net| look(plane, net))
}

/// The same with other weights.
pub fn look(plane: &Plane, net: &Net) -> Seen {
    let mut picture = net::fitted(plane);
    let Some(mut answer) = net.see(&picture) else { return Seen::Doubt };
    let turns = answer.turns;
    // So many quarters clockwise bring the head up again.
    let back = (4 - turns) % 4;
    if back > 0 {
        (0..back).for_each(|_| picture = picture.turned());
        let Some(upright) = net.see(&picture) else { return Seen::Doubt };
        answer = upright;
    }
    match regions(&answer, &picture) {
        Some((shapes, sure)) => Seen::Chest(Chest { shapes: onto(plane, &picture, shapes, back), sure }),
        None if answer.strange > STRANGE => Seen::Nothing,
        None => Seen::Doubt,
    }
}

/// The regions of an upright picture, or nothing when a gate fails.
fn regions(answer: &Answer, picture: &Plane) -> Option<(Vec<Shape>, f32)> {
    let (lungs, sure): (Lungs, f32) = lungs::two(answer, picture.width)?;
    Some((geometry::chest(&lungs)?, sure))
}

/// From the upright picture's cells to the frame's pixels.
#[expect(clippy::cast_precision_loss, reason = "sides of a frame, at most 65,535")]
fn onto(plane: &Plane, picture: &Plane, mut shapes: Vec<Shape>, back: usize) -> Vec<Shape> {
    let (mut width, mut height) = (picture.width as f32, picture.height as f32);
    let points = |shapes: &mut Vec<Shape>, turn: &dyn Fn([f32; 2]) -> [f32; 2]| {
        shapes.iter_mut().flat_map(|shape| &mut shape.polygon).for_each(|point| *point = turn(*point));
    };
    for _ in 0..back {
        points(&mut shapes, &|[x, y]| [y, width - x]);
        (width, height) = (height, width);
    }
    let (x, y) = (plane.width as f32 / width, plane.height as f32 / height);
    points(&mut shapes, &|point| [point[0] * x, point[1] * y]);
    shapes
}
