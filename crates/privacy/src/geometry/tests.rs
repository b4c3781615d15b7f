//! Two drawn lungs on a grid of 100 × 100: boxes whose regions can be told by hand from the table in docs/recognition.md.

use super::*;

const SIZE: usize = 100;

/// Boxes: columns 20..45 and 55..80, rows 20..70.
fn lungs() -> Lungs {
    let draw = |from: usize, to: usize| {
        (0..SIZE * SIZE)
            .map(|at| (from..to).contains(&(at % SIZE)) && (20..70).contains(&(at / SIZE)))
            .collect()
    };
    Lungs { width: SIZE, height: SIZE, left: draw(20, 45), right: draw(55, 80) }
}

/// Even-odd rule at the middle of a cell.
fn inside(shape: &Shape, column: f32, row: f32) -> bool {
    let (x, y) = (column + 0.5, row + 0.25);
    let ends = shape.polygon.iter().zip(shape.polygon.iter().cycle().skip(1));
    ends.filter(|([ax, ay], [bx, by])| (*ay > y) != (*by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax)
        .count()
        % 2
        == 1
}

fn kinds_at(shapes: &[Shape], column: f32, row: f32) -> Vec<RegionKind> {
    let mut kinds: Vec<_> = shapes.iter().filter(|s| inside(s, column, row)).map(|s| s.kind).collect();
    kinds.sort_unstable();
    kinds
}

#[test]
fn regions_lie_beside_and_below_the_lungs() {
    let shapes = chest(&lungs()).unwrap();
    // Apex 20, dome 70, so L = 50: axilla rows 25 to 42, breast rows 37 to 85, abdomen from 71.
    let cases: &[(f32, f32, &[RegionKind])] = &[
        (10.0, 22.0, &[]),
        (10.0, 30.0, &[RegionKind::Axilla]),
        (10.0, 40.0, &[RegionKind::Breast, RegionKind::Axilla]),
        (10.0, 60.0, &[RegionKind::Breast]),
        (10.0, 80.0, &[RegionKind::Breast, RegionKind::Abdomen]),
        (10.0, 90.0, &[RegionKind::Abdomen]),
        (30.0, 30.0, &[]),
        (30.0, 65.0, &[]),
        (30.0, 80.0, &[RegionKind::Breast, RegionKind::Abdomen]),
        // Mediastinum, and below it.
        (50.0, 50.0, &[]),
        (50.0, 80.0, &[RegionKind::Abdomen]),
    ];
    for (column, row, expected) in cases {
        assert_eq!(kinds_at(&shapes, *column, *row), *expected, "{column} {row}");
        assert_eq!(kinds_at(&shapes, 99.0 - column, *row), *expected, "mirrored {column} {row}");
    }
}

#[test]
fn a_mirrored_picture_has_mirrored_regions() {
    let mut one = lungs();
    // Not the same on both sides.
    one.left.iter_mut().enumerate().for_each(|(at, on)| *on &= at / SIZE < 62);
    let other = Lungs { left: mirrored(&one.right, SIZE), right: mirrored(&one.left, SIZE), ..one };
    let (a, b) = (chest(&one).unwrap(), chest(&other).unwrap());
    for at in 0..SIZE * SIZE {
        #[expect(clippy::cast_precision_loss, reason = "at most 100")]
        let (column, row) = ((at % SIZE) as f32, (at / SIZE) as f32);
        assert_eq!(kinds_at(&a, column, row), kinds_at(&b, 99.0 - column, row), "{column} {row}");
    }
}

#[test]
fn what_cannot_be_two_lungs_is_refused() {
    let none = vec![false; SIZE * SIZE];
    let good = lungs();
    let cases = [
        ("one lung", Lungs { right: none.clone(), ..lungs() }),
        ("the same lung twice", Lungs { right: good.left.clone(), ..lungs() }),
        ("left and right swapped", Lungs { left: good.right.clone(), right: good.left.clone(), ..lungs() }),
        ("all of the picture", Lungs { left: vec![true; SIZE * SIZE], ..lungs() }),
        ("another size", Lungs { height: SIZE + 1, ..lungs() }),
        ("nothing", Lungs { width: 0, height: 0, left: Vec::new(), right: Vec::new() }),
    ];
    for (what, lungs) in cases {
        assert!(chest(&lungs).is_none(), "{what}");
    }
    assert!(chest(&good).is_some());
}

#[test]
fn a_picture_that_goes_far_below_the_chest_has_its_lower_end_filled() {
    let mut long = lungs();
    let small =
        |lung: &[bool]| (0..SIZE * 2 * SIZE).map(|at| lung.get(at).copied().unwrap_or(false)).collect();
    (long.left, long.right) = (small(&long.left), small(&long.right));
    long.height = 2 * SIZE;
    let shapes = chest(&long).unwrap();
    // Dome 70 + 1.0 × 50.
    assert!(!kinds_at(&shapes, 50.0, 115.0).contains(&RegionKind::Pelvis));
    assert!(kinds_at(&shapes, 50.0, 125.0).contains(&RegionKind::Pelvis));
}
