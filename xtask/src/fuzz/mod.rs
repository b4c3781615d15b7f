//! Seeded fuzzing on stable: each target is a `fn(&[u8])`, fed with mutations of a kept corpus for some seconds.
//!
//! A finding is a panic in code of ours, or an input that takes longer than [`SLOW`]. Panics inside third-party decoders
//! end at the fence of `codec::decode` and are counted only. Memory is bounded by the caller (`ulimit -v`): an
//! allocation that fails ends the process, and the input in work lies beside the corpus.

mod mutate;
mod targets;

use mutate::Random;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};
pub use targets::{TARGETS, Target};

/// An input that takes longer on a CPU is a finding: a handful of them would hold all workers.
const SLOW: Duration = Duration::from_secs(5);
/// Inputs between two looks at the time.
const LOOKS: usize = 16;
/// Bytes of a mutated input.
const LARGEST: usize = 256 << 10;

/// What to do.
pub struct Plan {
    /// The repository.
    pub root: PathBuf,
    /// Of each target.
    pub time: Duration,
    /// Another number, other mutations.
    pub seed: u64,
    /// Targets at a time.
    pub jobs: usize,
    /// Names; none: all.
    pub only: Vec<String>,
}

/// What one target did.
struct Done {
    inputs: u64,
    fenced: u64,
    findings: Vec<String>,
}

thread_local! {
    /// Where the last panic of this thread was.
    static PANICKED: RefCell<Option<String>> = const { RefCell::new(None) };
    static FENCED: Cell<u64> = const { Cell::new(0) };
}

/// Runs the plan; findings as lines, and what was done through `say`.
pub fn run(plan: &Plan, say: &(dyn Fn(&str) + Sync)) -> Vec<String> {
    listen();
    let chosen: Vec<&Target> = TARGETS
        .iter()
        .filter(|target| plan.only.is_empty() || plan.only.iter().any(|name| name == target.name))
        .collect();
    let unknown = plan.only.iter().filter(|name| !TARGETS.iter().any(|t| t.name == **name));
    let findings: Mutex<Vec<String>> =
        Mutex::new(unknown.map(|name| format!("{name}: no such target")).collect());
    let queue = Mutex::new(chosen);
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs.clamp(1, 64) {
            scope.spawn(|| {
                loop {
                    let Some(target) = queue.lock().ok().and_then(|mut queue| queue.pop()) else { return };
                    let done = one(plan, target);
                    say(&format!(
                        "{:<14} {:>9} inputs, {} stopped at the fence",
                        target.name, done.inputs, done.fenced
                    ));
                    if let Ok(mut all) = findings.lock() {
                        all.extend(done.findings);
                    }
                }
            });
        }
    });
    findings.into_inner().unwrap_or_default()
}

/// One input of one target, for cargo-fuzz.
pub fn input(name: &str, bytes: &[u8]) {
    if let Some(target) = TARGETS.iter().find(|target| target.name == name) {
        (target.run)(bytes);
    }
}

/// Notes where a panic began instead of printing it. Code of ours is compiled from paths below this workspace.
fn listen() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
        let ours = place.starts_with("crates/") || place.starts_with("xtask/");
        // The first place counts: a fence may panic no second time.
        if ours {
            PANICKED.with(|p| {
                p.borrow_mut().get_or_insert(place);
            });
        } else {
            FENCED.with(|f| f.set(f.get() + 1));
        }
    }));
}

fn one(plan: &Plan, target: &Target) -> Done {
    let corpus = corpus(&plan.root, target);
    let mut done = Done { inputs: 0, fenced: 0, findings: Vec::new() };
    if corpus.is_empty() {
        done.findings.push(format!("{}: no corpus", target.name));
        return done;
    }
    FENCED.with(|f| f.set(0));
    let mut random = Random::new(plan.seed);
    let (began, mut looked) = (now(), cpu());
    let until = looked + plan.time;
    for i in 0.. {
        let kept = corpus.get(i);
        if i % LOOKS == 0 {
            looked = cpu();
            // On a busy machine at most twice the time passes.
            if kept.is_none() && (looked >= until || began.elapsed() >= plan.time * 2) {
                break;
            }
        }
        // The corpus itself first: what was found once is tried each time.
        let input = kept.cloned().unwrap_or_else(|| mutate::mutated(&mut random, &corpus, LARGEST));
        done.inputs += 1;
        if let Some(finding) = attempt(target, &input, looked) {
            let place = keep(&plan.root, target, &input);
            done.findings.push(format!("{}: {finding}; input in {}", target.name, place.display()));
            if done.findings.len() >= 5 {
                break;
            }
        }
    }
    done.fenced = FENCED.with(Cell::get);
    done
}

/// Why an input is a finding. `looked`: this thread's time on a CPU a few inputs ago.
fn attempt(target: &Target, input: &[u8], looked: Duration) -> Option<String> {
    PANICKED.with(|p| p.borrow_mut().take());
    let began = now();
    let ended = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    if let Some(place) = PANICKED.with(|p| p.borrow_mut().take()) {
        return Some(format!("panic at {place}"));
    }
    if ended.is_err() {
        return Some("a panic of third-party code left its fence".to_owned());
    }
    if began.elapsed() < SLOW {
        return None;
    }
    let took = cpu().saturating_sub(looked);
    (took > SLOW).then(|| format!("{} s", took.as_secs()))
}

#[expect(clippy::disallowed_methods, reason = "the fuzzer's own time, no product code")]
fn now() -> Instant {
    Instant::now()
}

/// This thread's time on a CPU, as Linux counts it: other work on the machine is no finding.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|n| n.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// Seeds of the target and kept files.
fn corpus(root: &Path, target: &Target) -> Vec<Vec<u8>> {
    let folder = root.join("fuzz/corpus").join(target.name);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut all: Vec<Vec<u8>> = paths.iter().filter_map(|path| std::fs::read(path).ok()).collect();
    all.extend((target.seeds)(root));
    all.retain(|input| input.len() <= LARGEST);
    all
}

#[expect(clippy::disallowed_methods, reason = "a developer's file, not the archive's")]
fn keep(root: &Path, target: &Target, input: &[u8]) -> PathBuf {
    use sha2::{Digest, Sha256};
    let digest: String = Sha256::digest(input).iter().take(8).map(|b| format!("{b:02x}")).collect();
    let folder = root.join("fuzz/found").join(target.name);
    let path = folder.join(digest);
    // Without a place for it the finding still counts.
    let _ = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input));
    path
}
