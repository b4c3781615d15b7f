//! Connected strokes of one polarity, with the few numbers that tell glyphs from anatomy.

use super::super::plane::Plane;

/// Blobs looked at per polarity; of more, the strongest: noise must not cost time without end.
pub const BLOBS: usize = 8000;

/// A connected group of stroke pixels (8 neighbours).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blob {
    /// Left edge.
    pub left: usize,
    /// Top edge.
    pub top: usize,
    /// One past the right edge.
    pub right: usize,
    /// One past the bottom edge.
    pub bottom: usize,
    /// Pixels.
    pub area: usize,
    /// Unbroken runs of pixels over all rows: strokes crossed.
    pub runs: usize,
    /// Sum of stroke strength.
    pub strength: usize,
    /// Sum of the plane's values, to tell text's one value from anatomy's many.
    pub value: usize,
    /// Brightest pixel of the plane.
    pub peak: u8,
}

impl Blob {
    /// Pixels across.
    pub const fn width(&self) -> usize {
        self.right - self.left
    }

    /// Pixels down.
    pub const fn height(&self) -> usize {
        self.bottom - self.top
    }

    /// Both together.
    pub fn joined(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
            area: self.area + other.area,
            runs: self.runs + other.runs,
            strength: self.strength + other.strength,
            value: self.value + other.value,
            peak: self.peak.max(other.peak),
        }
    }
}

/// Pixels of a row that are tested together.
const CHUNK: usize = 32;

struct Run {
    left: usize,
    right: usize,
    label: usize,
}

/// Runs that are kept of one search, 160 bytes each; no writing and no film has as many.
const RUNS: usize = 2 << 20;

/// All blobs of pixels whose stroke strength is above `threshold`; nothing when there are more than can be looked at.
pub fn blobs(plane: &Plane, strokes: &Plane, threshold: u8) -> Option<Vec<Blob>> {
    let mut parents: Vec<usize> = Vec::new();
    let mut parts: Vec<Blob> = Vec::new();
    let mut above: Vec<Run> = Vec::new();
    for (row, (line, values)) in strokes.lines().zip(plane.lines()).enumerate() {
        let mut runs = runs_of(line, threshold);
        if parents.len() + runs.len() > RUNS {
            return None;
        }
        let mut first = 0;
        for run in &mut runs {
            run.label = parents.len();
            parents.push(run.label);
            parts.push(part(run, row, line, values));
            while above.get(first).is_some_and(|up| up.right < run.left) {
                first += 1;
            }
            for up in above.iter().skip(first).take_while(|up| up.left <= run.right) {
                join(&mut parents, up.label, run.label);
            }
        }
        above = runs;
    }
    Some(gather(&mut parents, &parts))
}

fn runs_of(line: &[u8], threshold: u8) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut start = None;
    for (at, chunk) in line.chunks(CHUNK).enumerate() {
        // Most of a picture has no strokes.
        if start.is_none() && chunk.iter().fold(0, |most, v| most.max(*v)) <= threshold {
            continue;
        }
        spans_of(chunk, at * CHUNK, threshold, &mut start, &mut runs);
    }
    runs.extend(start.map(|left| Run { left, right: line.len(), label: 0 }));
    runs
}

fn spans_of(chunk: &[u8], from: usize, threshold: u8, start: &mut Option<usize>, runs: &mut Vec<Run>) {
    for (at, value) in chunk.iter().enumerate() {
        let column = from + at;
        match (*value > threshold, *start) {
            (true, None) => *start = Some(column),
            (false, Some(left)) => {
                runs.push(Run { left, right: column, label: 0 });
                *start = None;
            }
            _ => {}
        }
    }
}

fn part(run: &Run, row: usize, line: &[u8], values: &[u8]) -> Blob {
    let sum = |of: &[u8]| of.get(run.left..run.right).unwrap_or(&[]).iter().map(|v| usize::from(*v)).sum();
    let peak = values.get(run.left..run.right).unwrap_or(&[]).iter().copied().max().unwrap_or(0);
    let (left, right) = (run.left, run.right);
    let area = right - left;
    Blob {
        left,
        right,
        top: row,
        bottom: row + 1,
        area,
        runs: 1,
        strength: sum(line),
        value: sum(values),
        peak,
    }
}

/// The label that a set of joined labels goes by.
pub fn root(parents: &mut [usize], mut at: usize) -> usize {
    while let Some(up) = parents.get(at).copied().filter(|up| *up != at) {
        let higher = parents.get(up).copied().unwrap_or(up);
        if let Some(slot) = parents.get_mut(at) {
            *slot = higher;
        }
        at = up;
    }
    at
}

/// Joins two labels; the lower one stays.
pub fn join(parents: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(parents, one), root(parents, other));
    if let Some(slot) = parents.get_mut(one.max(other)) {
        *slot = one.min(other);
    }
}

/// One blob for each set of joined parts.
pub fn gather(parents: &mut [usize], parts: &[Blob]) -> Vec<Blob> {
    let mut sums: Vec<Option<Blob>> = vec![None; parts.len()];
    for (at, part) in parts.iter().enumerate() {
        let home = root(parents, at);
        if let Some(slot) = sums.get_mut(home) {
            *slot = Some(slot.map_or(*part, |sum| sum.joined(part)));
        }
    }
    sums.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stripes of one pixel ask for one run each: a small file would take all memory.
    #[test]
    fn more_runs_than_can_be_kept_are_not_kept() {
        let stripes = |width: usize, height: usize| Plane {
            width,
            height,
            data: (0..width * height)
                .map(|at| if (at % width).is_multiple_of(2) { 255 } else { 0 })
                .collect(),
        };
        let few = stripes(64, 16);
        assert_eq!(blobs(&few, &few, 60).map(|blobs| blobs.len()), Some(32));
        let many = stripes(65_534, 80);
        assert_eq!(blobs(&many, &many, 60), None);
    }
}
