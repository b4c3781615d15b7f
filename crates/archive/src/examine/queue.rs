//! What waits to be examined. Rebuilt from the index at start, so it needs no place on the disk.

use model::Uid;
use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{Notify, futures::Notified};

#[derive(Default)]
struct Waiting {
    order: VecDeque<Uid>,
    known: HashSet<Uid>,
}

/// The queue. An instance stands in it once.
#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    more: Notify,
    finished: Notify,
}

impl Queue {
    /// At the end.
    pub fn push(&self, uid: Uid) {
        self.put(uid, false);
    }

    /// At the front, also when it waits already: somebody wants to see it.
    pub fn first(&self, uid: Uid) {
        self.put(uid, true);
    }

    fn put(&self, uid: Uid, front: bool) {
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let known = !waiting.known.insert(uid.clone());
            match (known, front) {
                (true, false) => return,
                (true, true) => {
                    waiting.order.retain(|other| *other != uid);
                    waiting.order.push_front(uid);
                }
                (false, true) => waiting.order.push_front(uid),
                (false, false) => waiting.order.push_back(uid),
            }
        }
        self.more.notify_one();
    }

    /// The next one, when there is one.
    pub async fn next(&self) -> Uid {
        loop {
            let more = self.more.notified();
            {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(uid) = waiting.order.pop_front() {
                    waiting.known.remove(&uid);
                    return uid;
                }
            }
            more.await;
        }
    }

    /// One was examined.
    pub fn done(&self) {
        self.finished.notify_waiters();
    }

    /// Ends when the next one was examined. Registered at once: nothing between the call and the wait is missed.
    pub fn progress(&self) -> impl Future<Output = ()> + '_ {
        let mut notified: std::pin::Pin<Box<Notified<'_>>> = Box::pin(self.finished.notified());
        notified.as_mut().enable();
        notified
    }

    /// How many wait.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_looks_goes_first() {
        let queue = Queue::default();
        let uid = |n: u32| format!("1.{n}").parse::<Uid>().unwrap();
        for n in 1..=3 {
            queue.push(uid(n));
        }
        queue.push(uid(1));
        queue.first(uid(3));
        assert_eq!(queue.len(), 3, "each stands in it once");
        for expected in [3, 1, 2] {
            assert_eq!(queue.next().await, uid(expected));
        }
    }
}
