//! One piece of work on many things, on all cores; results come to one place, a few at a time.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// Results taken at once: they share a sync.
const BATCH: usize = 16;
/// As the main thread's.
const STACK_BYTES: usize = 8 << 20;

/// Works on each item; `take` gets the results with their places, in any order. When it fails no more is begun.
///
/// # Errors
/// What `take` says.
pub fn each<T: Sync, R: Send, E>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(Vec<(usize, R)>) -> Result<(), E>,
) -> Result<(), E> {
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (results, inbox) = sync_channel(BATCH);
    let mine = |results: SyncSender<(usize, R)>| {
        let (next, stopped, work) = (&next, &stopped, &work);
        move || {
            while !stopped.load(Ordering::Relaxed) {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(at) else { break };
                if results.send((at, work(item))).is_err() {
                    break;
                }
            }
        }
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let begin = |_: &usize| {
            thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, mine(results.clone())).is_ok()
        };
        if (0..cores.min(items.len())).filter(begin).count() == 0 {
            // No threads to be had: one after the other, here.
            return items.iter().enumerate().try_for_each(|(at, item)| take(vec![(at, work(item))]));
        }
        drop(results);
        while let Ok(first) = inbox.recv() {
            let mut batch = vec![first];
            batch.extend(inbox.try_iter().take(BATCH - 1));
            if let Err(error) = take(batch) {
                stopped.store(true, Ordering::Relaxed);
                drop(inbox);
                return Err(error);
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_done_once_and_a_failure_ends_it() {
        let items: Vec<usize> = (0..1000).collect();
        let mut got = Vec::new();
        each(
            &items,
            |n| n * 2,
            |batch| {
                got.extend(batch);
                Ok::<_, std::io::Error>(())
            },
        )
        .unwrap();
        got.sort_unstable();
        assert_eq!(got, items.iter().map(|n| (*n, n * 2)).collect::<Vec<_>>());
        let mut taken = 0;
        let failed = each(
            &items,
            |n| *n,
            |batch| {
                taken += batch.len();
                Err(std::io::Error::other("full"))
            },
        );
        assert!(failed.is_err() && taken <= BATCH);
    }
}
