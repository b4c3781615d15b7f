//! Planes of bits to polygons that cover at least every set pixel: along the pixels' edges, holes filled. Where that takes
//! too many corners, the grid is coarsened until it does not; a coarse pixel is set when any of its own is.

use model::{limits, plane_bytes};

/// Polygons of one plane.
const POLYGONS: usize = 32;
/// Corners of them all.
const CORNERS: usize = 2 * limits::POLYGON_CORNERS;

/// A closed line through corners of pixels: column, row.
type Line = Vec<[u32; 2]>;

/// Polygons in pixel coordinates (`[column, row]`, (0,0) the outer corner of the first pixel) whose inside, wherever the line
/// goes round, holds every set pixel of a plane as [`super::plane`] makes it. None: no bit is set.
#[must_use]
pub fn outlines((rows, columns): (u32, u32), bits: &[u8]) -> Vec<Vec<[f32; 2]>> {
    let mut grid = Grid::of(rows, columns, bits);
    if !grid.bits.iter().any(|byte| *byte != 0) {
        return Vec::new();
    }
    let mut step = 1;
    let lines = loop {
        if let Some(lines) = grid.lines() {
            break lines;
        }
        grid = grid.coarser();
        step *= 2;
    };
    let scaled = |v: u32, most: u32| {
        #[expect(clippy::cast_precision_loss, reason = "at most 65,535, exact in f32")]
        let v = v.saturating_mul(step).min(most) as f32;
        v
    };
    let corner = |[x, y]: [u32; 2]| [scaled(x, columns), scaled(y, rows)];
    lines.into_iter().map(|line| line.into_iter().map(corner).collect()).collect()
}

/// The convex hull of some polygons: what holds them all with few corners (monotone chain, Andrew 1979).
#[must_use]
pub fn hull(polygons: &[Vec<[f32; 2]>]) -> Vec<[f32; 2]> {
    let mut points: Vec<[f32; 2]> = polygons.iter().flatten().copied().collect();
    points.sort_by(|[ax, ay], [bx, by]| ax.total_cmp(bx).then(ay.total_cmp(by)));
    points.dedup();
    let turn = |[ax, ay]: [f32; 2], [bx, by]: [f32; 2], [cx, cy]: [f32; 2]| {
        let [ax, ay, bx, by, cx, cy] = [ax, ay, bx, by, cx, cy].map(f64::from);
        (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    };
    let chain = |points: &mut dyn Iterator<Item = [f32; 2]>| {
        let mut out: Vec<[f32; 2]> = Vec::new();
        for point in points {
            while let [.., a, b] = out.as_slice()
                && turn(*a, *b, point) <= 0.0
            {
                out.pop();
            }
            out.push(point);
        }
        out.pop();
        out
    };
    let mut out = chain(&mut points.iter().copied());
    out.extend(chain(&mut points.iter().rev().copied()));
    out
}

struct Grid {
    rows: u32,
    columns: u32,
    bits: Vec<u8>,
}

/// Up, right, down, left; what is inside lies to the right.
const WAYS: [[i64; 2]; 4] = [[0, -1], [1, 0], [0, 1], [-1, 0]];

impl Grid {
    /// A plane; bits that it lacks are not set, bits beyond it do not count.
    fn of(rows: u32, columns: u32, bits: &[u8]) -> Self {
        let len = plane_bytes(rows, columns);
        let mut bits: Vec<u8> = bits.iter().copied().chain(std::iter::repeat(0)).take(len).collect();
        let over = (rows as usize * columns as usize) % 8;
        if over > 0
            && let Some(last) = bits.last_mut()
        {
            *last &= (1 << over) - 1;
        }
        Self { rows, columns, bits }
    }

    fn place(&self, x: i64, y: i64) -> Option<usize> {
        let inside = (0..i64::from(self.columns)).contains(&x) && (0..i64::from(self.rows)).contains(&y);
        let at = y.checked_mul(i64::from(self.columns))?.checked_add(x)?;
        usize::try_from(at).ok().filter(|_| inside)
    }

    fn at(&self, x: i64, y: i64) -> bool {
        self.place(x, y).is_some_and(|at| self.bits.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1))
    }

    /// Half the size; nothing is lost.
    fn coarser(&self) -> Self {
        let (rows, columns) = (self.rows.div_ceil(2), self.columns.div_ceil(2));
        let mut out = Self { rows, columns, bits: vec![0; plane_bytes(rows, columns)] };
        self.each(|x, y| {
            if let Some(at) = out.place(x / 2, y / 2)
                && let Some(byte) = out.bits.get_mut(at / 8)
            {
                *byte |= 1 << (at % 8);
            }
        });
        out
    }

    /// Every set pixel, row by row.
    fn each(&self, mut see: impl FnMut(i64, i64)) {
        let columns = self.columns.max(1) as usize;
        for (at, byte) in self.bits.iter().enumerate().filter(|(_, byte)| **byte != 0) {
            for bit in (0..8).filter(|bit| byte >> bit & 1 == 1) {
                let at = at * 8 + bit;
                // A pixel's place in a plane fits in an i64 with room.
                let (x, y) = ((at % columns) as i64, (at / columns) as i64);
                see(x, y);
            }
        }
    }

    /// The outer outlines; nothing: they take too much.
    fn lines(&self) -> Option<Vec<Line>> {
        let mut seen = vec![0u8; self.bits.len()];
        let (mut out, mut corners, mut over) = (Vec::new(), 0, false);
        self.each(|x, y| {
            let known = |seen: &[u8]| {
                self.place(x, y).is_some_and(|at| seen.get(at / 8).is_some_and(|b| b >> (at % 8) & 1 == 1))
            };
            if over || self.at(x - 1, y) || known(&seen) {
                return;
            }
            // The edge of a hole goes round the other way.
            let Some(line) = self.follow(x, y, &mut seen) else { return };
            corners += line.len();
            over = line.len() > limits::POLYGON_CORNERS || corners > CORNERS || out.len() >= POLYGONS;
            out.push(line);
        });
        (!over).then_some(out)
    }

    /// Goes round from the left edge of a pixel; pixels that touch by a corner belong together. Nothing: it was a hole.
    /// Corners above what a polygon may have are cut off, all but one, by which it is known as too long.
    fn follow(&self, x: i64, y: i64, seen: &mut [u8]) -> Option<Line> {
        let start = [x, y + 1];
        let (mut at, mut way, mut area) = (start, 0usize, 0i64);
        let mut line = Line::new();
        loop {
            if way == 0
                && let Some(place) = self.place(at[0], at[1] - 1)
                && let Some(byte) = seen.get_mut(place / 8)
            {
                *byte |= 1 << (place % 8);
            }
            let [dx, dy] = WAYS.get(way).copied().unwrap_or_default();
            // Pixels left of the line: more on the way down than on the way up when it goes round what is set.
            area += dy * at[0];
            at = [at[0] + dx, at[1] + dy];
            let turned = self.turned(at, way);
            if turned != way {
                way = turned;
                if line.len() <= limits::POLYGON_CORNERS {
                    line.push([u32::try_from(at[0]).ok()?, u32::try_from(at[1]).ok()?]);
                }
            }
            if at == start && way == 0 {
                break;
            }
        }
        (area > 0).then_some(line)
    }

    /// The way from a corner on: round what is set.
    fn turned(&self, [x, y]: [i64; 2], way: usize) -> usize {
        let (left, right) = match way {
            0 => ([x - 1, y - 1], [x, y - 1]),
            1 => ([x, y - 1], [x, y]),
            2 => ([x, y], [x - 1, y]),
            _ => ([x - 1, y], [x - 1, y - 1]),
        };
        match (self.at(left[0], left[1]), self.at(right[0], right[1])) {
            (true, _) => (way + 3) % 4,
            (false, true) => way,
            (false, false) => (way + 1) % 4,
        }
    }
}

#[cfg(test)]
mod tests;
