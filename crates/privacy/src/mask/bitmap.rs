//! Regions to pixels: a pixel is inside when its centre is. Finders' polygons are even-odd, so that an outline may have holes;
//! what people draw is filled wherever their line goes round, so that one that crosses itself leaves nothing open.

use model::{Region, RegionKind, limits};

/// Seen.
pub const OPEN: u8 = 0;
/// Hidden by a cell of the mosaic layer.
pub const CELL: u8 = 1;
/// Hidden by black.
pub const FILL: u8 = 2;

/// Boxes of text are rounded outward to multiples of this, so that the length of a name leaks little.
const TEXT_GRID: f64 = 16.0;
/// A marker larger than this share of the frame is no marker: it frees nothing.
const MARKER_SHARE: f64 = 1.0 / 16.0;

/// One byte a pixel: [`OPEN`], [`CELL`] or [`FILL`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    columns: usize,
    cells: Vec<u8>,
}

impl Bitmap {
    /// What the regions hide on this frame. Markers are kept free from what finders find, but not from what is unsure or
    /// drawn by a person.
    pub fn of(rows: u32, columns: u32, index: u32, regions: &[Region]) -> Self {
        let mut map = Self::open(rows, columns);
        let here = |r: &&Region| r.frame.is_none_or(|frame| frame == index);
        let last = |r: &&Region| matches!(r.kind, RegionKind::Unsure | RegionKind::Drawn);
        let hides = |r: &&Region| r.kind != RegionKind::Marker;
        for region in regions.iter().filter(here).filter(|r| hides(r) && !last(r)) {
            map.hide(region);
        }
        for region in regions.iter().filter(here).filter(|r| !hides(r)) {
            map.free(region);
        }
        for region in regions.iter().filter(here).filter(last) {
            map.hide(region);
        }
        map
    }

    /// All black.
    pub fn everything(rows: u32, columns: u32) -> Self {
        let mut map = Self::open(rows, columns);
        map.cells.fill(FILL);
        map
    }

    fn open(rows: u32, columns: u32) -> Self {
        let columns = columns as usize;
        Self { columns, cells: vec![OPEN; rows as usize * columns] }
    }

    /// Something is hidden.
    pub fn any(&self) -> bool {
        self.cells.iter().any(|cell| *cell != OPEN)
    }

    /// The state of a pixel.
    pub fn at(&self, row: u32, column: u32) -> u8 {
        let (row, column) = (row as usize, column as usize);
        let inside = column < self.columns;
        self.cells.get(row * self.columns + column).copied().filter(|_| inside).unwrap_or(OPEN)
    }

    /// The strongest state of any pixel in a rectangle (left, top, right, bottom).
    pub fn most_in(&self, [left, top, right, bottom]: [u32; 4]) -> u8 {
        let (left, right) = (left as usize, right as usize);
        let rows = self.rows().take(bottom as usize).skip(top as usize);
        rows.flat_map(|row| row.get(left..right.min(self.columns)).unwrap_or(&[]))
            .copied()
            .max()
            .unwrap_or(OPEN)
    }

    /// Row by row.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, u8> {
        self.cells.chunks_exact(self.columns.max(1))
    }

    /// Hides a region; one that cannot be drawn hides the whole frame.
    fn hide(&mut self, region: &Region) {
        let value = if region.kind.filled() { FILL } else { CELL };
        let Some(edges) = edges(&region.polygon) else {
            self.cells.iter_mut().for_each(|cell| *cell = value.max(*cell));
            return;
        };
        if region.kind == RegionKind::Text {
            let bounds = coarse(&edges);
            return self.scan(&bounds, |cells| cells.iter_mut().for_each(|cell| *cell = FILL));
        }
        let over = |cells: &mut [u8]| cells.iter_mut().for_each(|cell| *cell = value.max(*cell));
        if region.kind == RegionKind::Drawn { self.wind(&edges, over) } else { self.scan(&edges, over) }
    }

    fn free(&mut self, region: &Region) {
        let Some(edges) = edges(&region.polygon) else { return };
        let [left, top, right, bottom] = bounds(&edges);
        #[expect(clippy::cast_precision_loss, reason = "pixels of a frame, exact in f64")]
        let most = self.cells.len() as f64 * MARKER_SHARE;
        if (right - left) * (bottom - top) <= most {
            self.scan(&edges, |cells| cells.fill(OPEN));
        }
    }

    /// Calls `paint` with each run of pixels whose centres are inside by the even-odd rule.
    fn scan(&mut self, edges: &[Edge], paint: impl FnMut(&mut [u8])) {
        self.fill(edges, |crossed, _| crossed % 2 == 1, paint);
    }

    /// The same wherever the line goes round, however often.
    fn wind(&mut self, edges: &[Edge], paint: impl FnMut(&mut [u8])) {
        self.fill(edges, |_, round| round != 0, paint);
    }

    /// Calls `paint` with each run that is inside by the number of sides to its left, and by how often these go round it.
    fn fill(
        &mut self,
        edges: &[Edge],
        inside: impl Fn(usize, i32) -> bool,
        mut paint: impl FnMut(&mut [u8]),
    ) {
        let columns = self.columns;
        if columns == 0 {
            return;
        }
        let mut sorted: Vec<Edge> = edges.iter().filter(|e| e.top < e.bottom).copied().collect();
        sorted.sort_by(|a, b| a.top.total_cmp(&b.top));
        let mut waiting = sorted.into_iter().peekable();
        let mut active: Vec<Edge> = Vec::new();
        let mut crossings: Vec<(f64, i32)> = Vec::new();
        for (row, cells) in self.cells.chunks_exact_mut(columns).enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a row of a frame, exact in f64")]
            let y = row as f64 + 0.5;
            while let Some(edge) = waiting.next_if(|edge| edge.top <= y) {
                active.push(edge);
            }
            active.retain(|edge| edge.bottom > y);
            if active.is_empty() {
                continue;
            }
            crossings.clear();
            crossings.extend(active.iter().map(|edge| (edge.x + (y - edge.top) * edge.slope, edge.turn)));
            crossings.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            let mut round = 0;
            for (at, pair) in crossings.windows(2).enumerate() {
                let [(from, turn), (to, _)] = pair else { continue };
                round += turn;
                if inside(at + 1, round)
                    && let Some(run) = cells.get_mut(first(*from, columns)..first(*to, columns))
                {
                    paint(run);
                }
            }
        }
    }
}

/// The first pixel whose centre is at or right of `x`, at most `columns`.
fn first(x: f64, columns: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, and not-a-number becomes 0"
    )]
    let pixel = (x - 0.5).ceil() as usize;
    pixel.min(columns)
}

/// A side of a polygon that is not level, from its upper end.
#[derive(Debug, Clone, Copy)]
struct Edge {
    top: f64,
    bottom: f64,
    x: f64,
    slope: f64,
    /// Down: 1; up: -1.
    turn: i32,
}

impl Edge {
    fn between([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> Self {
        let ((top, x), (bottom, end)) = if ay <= by { ((ay, ax), (by, bx)) } else { ((by, bx), (ay, ax)) };
        let slope = if bottom > top { (end - x) / (bottom - top) } else { 0.0 };
        Self { top, bottom, x, slope, turn: if ay <= by { 1 } else { -1 } }
    }

    fn end(&self) -> f64 {
        self.x + (self.bottom - self.top) * self.slope
    }
}

/// The sides, or nothing when the polygon is none: too few or too many corners, or one that is not a number.
fn edges(polygon: &[[f32; 2]]) -> Option<Vec<Edge>> {
    let drawable = (3..=limits::POLYGON_CORNERS).contains(&polygon.len())
        && polygon.iter().flatten().all(|c| c.is_finite());
    let wide = |c: &[f32; 2]| c.map(f64::from);
    let next = polygon.iter().cycle().skip(1);
    drawable.then(|| polygon.iter().zip(next).map(|(a, b)| Edge::between(wide(a), wide(b))).collect())
}

/// Left, top, right, bottom.
fn bounds(edges: &[Edge]) -> [f64; 4] {
    let start = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    edges.iter().fold(start, |[left, top, right, bottom], edge| {
        let (a, b) = (edge.x, edge.end());
        [left.min(a).min(b), top.min(edge.top), right.max(a).max(b), bottom.max(edge.bottom)]
    })
}

/// The bounding box on the coarse grid.
fn coarse(edges: &[Edge]) -> [Edge; 2] {
    let [left, top, right, bottom] = bounds(edges);
    let down = |v: f64| (v / TEXT_GRID).floor() * TEXT_GRID;
    let up = |v: f64| (v / TEXT_GRID).ceil() * TEXT_GRID;
    let (top, bottom) = (down(top), up(bottom));
    [
        Edge::between([down(left), top], [down(left), bottom]),
        Edge::between([up(right), top], [up(right), bottom]),
    ]
}
