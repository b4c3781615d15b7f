//! One scan: contexts, prediction, Golomb codes and runs (T.87 annex A).

use super::bits::Bits;
use super::header::{Interleave, ScanHead};
use crate::{Error, Result};

const CUT: Error = Error::Malformed("JPEG-LS scan");
/// Lengths of runs by index, as powers of two (table A.1's J).
const RUNS: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// Contexts of regular mode (A.3.4).
const CONTEXTS: usize = 365;

#[derive(Debug, Clone, Copy)]
struct Context {
    a: i32,
    b: i32,
    c: i32,
    n: i32,
}

/// A context of run interruption (A.7.2).
#[derive(Debug, Clone, Copy)]
struct RunContext {
    a: i32,
    n: i32,
    negative: i32,
}

/// The state of one scan.
pub struct Scan<'a> {
    bits: Bits<'a>,
    columns: usize,
    components: usize,
    by_sample: bool,
    rule: Rule,
    contexts: Vec<Context>,
    run_contexts: [RunContext; 2],
    run_index: Vec<usize>,
    /// The line before and this one, of each component, with one sample more at either end.
    above: Vec<Vec<i32>>,
    here: Vec<Vec<i32>>,
}

/// Numbers that do not change within a scan (A.2.1).
struct Rule {
    near: i32,
    most: i32,
    step: i32,
    range: i32,
    bits: u32,
    limit: u32,
    thresholds: [i32; 3],
    reset: i32,
}

impl Rule {
    fn new(head: &ScanHead) -> Self {
        let step = 2 * head.near + 1;
        let range = (head.most + 2 * head.near) / step + 1;
        let width = |n: i32| 32 - (n - 1).max(0).leading_zeros();
        let depth = width(head.most + 1).max(2);
        Self {
            near: head.near,
            most: head.most,
            step,
            range,
            bits: width(range),
            limit: 2 * (depth + depth.max(8)),
            thresholds: head.thresholds,
            reset: head.reset,
        }
    }

    /// A.3.3.
    fn quantised(&self, d: i32) -> i32 {
        let [t1, t2, t3] = self.thresholds;
        let level = match d.abs() {
            d if d <= self.near => return 0,
            d if d < t1 => 1,
            d if d < t2 => 2,
            d if d < t3 => 3,
            _ => 4,
        };
        if d < 0 { -level } else { level }
    }

    /// A.4.5, A.5.3: the sample, brought back into its range.
    fn sample(&self, predicted: i32, error: i32) -> i32 {
        let value = predicted + error * self.step;
        let around = self.range * self.step;
        let value = if value < -self.near {
            value + around
        } else if value > self.most + self.near {
            value - around
        } else {
            value
        };
        value.clamp(0, self.most)
    }
}

impl<'a> Scan<'a> {
    pub fn new(head: &ScanHead, columns: usize, components: usize, data: &'a [u8]) -> Self {
        let rule = Rule::new(head);
        let a = ((rule.range + 32) / 64).max(2);
        Self {
            bits: Bits::new(data),
            columns,
            components,
            by_sample: head.interleave == Interleave::Sample,
            contexts: vec![Context { a, b: 0, c: 0, n: 1 }; CONTEXTS],
            run_contexts: [RunContext { a, n: 1, negative: 0 }; 2],
            run_index: vec![0; components],
            above: vec![vec![0; columns + 2]; components],
            here: vec![vec![0; columns + 2]; components],
            rule,
        }
    }

    /// Bytes that the scan took.
    pub fn end(mut self) -> Result<usize> {
        self.bits.end()
    }

    /// Decodes the next line of each component and appends it: one after the other, or pixel by pixel when interleaved.
    pub fn line(&mut self, out: &mut Vec<u16>) -> Result<()> {
        std::mem::swap(&mut self.above, &mut self.here);
        let last = self.columns;
        for (above, here) in self.above.iter_mut().zip(&mut self.here) {
            // A.2.1: right of the line above stands its last sample, left of this one the first above.
            above[last + 1] = above[last];
            here[0] = above[1];
        }
        if self.by_sample {
            self.samples()?;
        } else {
            (0..self.components).try_for_each(|component| self.component(component))?;
        }
        for x in 1..=last {
            out.extend(
                self.here
                    .iter()
                    .map(|line| line[x].to_le_bytes())
                    .map(|[a, b, ..]| u16::from_le_bytes([a, b])),
            );
        }
        Ok(())
    }

    fn component(&mut self, component: usize) -> Result<()> {
        let mut x = 1;
        while x <= self.columns {
            let context = self.context(component, x);
            if context == 0 {
                x += self.run(component..component + 1, x)?;
            } else {
                self.here[component][x] = self.regular(component, x, context)?;
                x += 1;
            }
        }
        Ok(())
    }

    /// All components of a pixel, then the next pixel; a run is one of all components.
    fn samples(&mut self) -> Result<()> {
        let mut x = 1;
        while x <= self.columns {
            if (0..self.components).all(|c| self.context(c, x) == 0) {
                x += self.run(0..self.components, x)?;
                continue;
            }
            for component in 0..self.components {
                let context = self.context(component, x);
                self.here[component][x] = self.regular(component, x, context)?;
            }
            x += 1;
        }
        Ok(())
    }

    /// Signed number of the context: 0 is run mode.
    fn context(&self, component: usize, x: usize) -> i32 {
        let (above, here) = (&self.above[component], &self.here[component]);
        let (a, b, c, d) = (here[x - 1], above[x], above[x - 1], above[x + 1]);
        let q = |d| self.rule.quantised(d);
        81 * q(d - b) + 9 * q(b - c) + q(c - a)
    }

    fn regular(&mut self, component: usize, x: usize, context: i32) -> Result<i32> {
        let (above, here) = (&self.above[component], &self.here[component]);
        let (a, b, c) = (here[x - 1], above[x], above[x - 1]);
        let edge = if c >= a.max(b) {
            a.min(b)
        } else if c <= a.min(b) {
            a.max(b)
        } else {
            a + b - c
        };
        let sign = if context < 0 { -1 } else { 1 };
        let place = context.unsigned_abs() as usize;
        let state = self.contexts[place];
        let predicted = (edge + sign * state.c).clamp(0, self.rule.most);
        let k = golomb(state.n, state.a)?;
        let mapped = self.code(k, self.rule.limit)?;
        let mut error = if mapped & 1 == 0 { mapped >> 1 } else { -((mapped + 1) >> 1) };
        if self.rule.near == 0 && k == 0 && 2 * state.b <= -state.n {
            error = -(error + 1);
        }
        self.contexts[place] = updated(state, error, &self.rule);
        Ok(self.rule.sample(predicted, sign * error))
    }

    /// A.5.3: a Golomb code of limited length.
    fn code(&mut self, k: u32, limit: u32) -> Result<i32> {
        let most = limit.checked_sub(self.rule.bits + 1).ok_or(CUT)?;
        let zeros = self.bits.zeros(most)?;
        let value = if zeros < most {
            (zeros << k) | self.bits.take(k)?
        } else {
            self.bits.take(self.rule.bits)? + 1
        };
        i32::try_from(value).ok().filter(|v| *v <= 2 * self.rule.range).ok_or(CUT)
    }

    /// A.7: the run, and the sample that ended it; how many pixels they were.
    fn run(&mut self, components: std::ops::Range<usize>, x: usize) -> Result<usize> {
        let left = self.columns + 1 - x;
        let first = components.start;
        let mut run = 0;
        let mut index = self.run_index[first];
        while self.bits.bit()? {
            let whole = 1usize << RUNS[index];
            if whole <= left - run {
                run += whole;
                index = (index + 1).min(RUNS.len() - 1);
            } else {
                run = left;
            }
            if run == left {
                break;
            }
        }
        self.run_index[first] = index;
        let ended = run < left;
        if ended {
            run += self.bits.take(RUNS[index])? as usize;
            if run >= left {
                return Err(CUT);
            }
        }
        for component in components.clone() {
            let here = &mut self.here[component];
            let value = here[x - 1];
            here[x..x + run].fill(value);
        }
        if !ended {
            return Ok(run);
        }
        for component in components.clone() {
            self.here[component][x + run] =
                self.interruption(component, x + run, components.len() > 1, index)?;
        }
        self.run_index[first] = index.saturating_sub(1);
        Ok(run + 1)
    }

    /// A.7.2. With interleaved samples the first context serves all.
    fn interruption(&mut self, component: usize, x: usize, many: bool, index: usize) -> Result<i32> {
        let (a, b) = (self.here[component][x - 1], self.above[component][x]);
        let same = !many && (a - b).abs() <= self.rule.near;
        let kind = usize::from(same);
        let state = self.run_contexts[kind];
        let k = golomb(state.n, if same { state.a.saturating_add(state.n >> 1) } else { state.a })?;
        let mapped = self.code(k, self.rule.limit.checked_sub(RUNS[index] + 1).ok_or(CUT)?)?;
        let sum = mapped + i32::from(same);
        let odd = sum & 1 == 1;
        let size = (sum + 1) >> 1;
        let error = if (k != 0 || 2 * state.negative >= state.n) == odd { -size } else { size };
        let mut next = RunContext {
            a: state.a.saturating_add((mapped + 1 - i32::from(same)) >> 1),
            n: state.n,
            negative: state.negative + i32::from(error < 0),
        };
        if next.n == self.rule.reset {
            next = RunContext { a: next.a >> 1, n: next.n >> 1, negative: next.negative >> 1 };
        }
        self.run_contexts[kind] = RunContext { n: next.n + 1, ..next };
        let (predicted, sign) = if same { (a, 1) } else { (b, if a > b { -1 } else { 1 }) };
        Ok(self.rule.sample(predicted, sign * error))
    }
}

/// The code's parameter (A.5.1).
fn golomb(n: i32, a: i32) -> Result<u32> {
    (0..24).find(|k| i64::from(n) << k >= i64::from(a)).ok_or(CUT)
}

/// A.6.
fn updated(mut state: Context, error: i32, rule: &Rule) -> Context {
    state.b += error * rule.step;
    state.a = state.a.saturating_add(error.abs());
    if state.n == rule.reset {
        state = Context { a: state.a >> 1, b: state.b >> 1, n: state.n >> 1, ..state };
    }
    state.n += 1;
    if state.b <= -state.n {
        state.b = (state.b + state.n).max(1 - state.n);
        state.c = (state.c - 1).max(-128);
    } else if state.b > 0 {
        state.b = (state.b - state.n).min(0);
        state.c = (state.c + 1).min(127);
    }
    state
}
