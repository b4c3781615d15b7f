//! What waits to be examined. Rebuilt from the index at start, so it needs no place on the disk.

use model::Uid;
use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{Notify, futures::Notified};

#[derive(Default)]
struct Waiting {
    /// Somebody wants to see these.
    awaited: VecDeque<Uid>,
    /// Those that are awaited by now are passed over when their turn comes: nothing is searched for.
    order: VecDeque<Uid>,
    /// Whether it is awaited.
    known: HashMap<Uid, bool>,
    /// Taken and not done.
    in_work: HashSet<Uid>,
    /// To be searched although they were seen.
    again: HashSet<Uid>,
    /// Was so once since the start: words that turn up on one after the other must not go round for ever.
    was_again: HashSet<Uid>,
}

/// Instances remembered as searched again. Above it, nothing is searched a second time until the next start.
const AGAIN: usize = 1 << 20;

/// The queue. An instance stands in it once, and is in work once.
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

    /// At the end, to be searched although they were seen; each once.
    pub fn search_again(&self, uids: Vec<Uid>) {
        for uid in uids {
            {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if waiting.was_again.len() >= AGAIN || !waiting.was_again.insert(uid.clone()) {
                    continue;
                }
                waiting.again.insert(uid.clone());
            }
            self.push(uid);
        }
    }

    /// This one, which is in work, is to be searched although it was seen.
    pub fn again(&self, uid: &Uid) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).again.remove(uid)
    }

    fn put(&self, uid: Uid, front: bool) {
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.in_work.contains(&uid) {
                return;
            }
            match (waiting.known.get(&uid), front) {
                (Some(true), _) | (Some(false), false) => return,
                (None, false) => {
                    waiting.known.insert(uid.clone(), false);
                    waiting.order.push_back(uid);
                }
                (_, true) => {
                    waiting.known.insert(uid.clone(), true);
                    waiting.awaited.push_front(uid);
                }
            }
        }
        self.more.notify_waiters();
    }

    /// The next one, when there is one; or only one that somebody wants to see.
    pub async fn next(&self, awaited_only: bool) -> Uid {
        loop {
            let more = self.more.notified();
            tokio::pin!(more);
            // Registered before looking: nothing put in between is missed.
            more.as_mut().enable();
            if let Some(uid) = self.take(awaited_only) {
                return uid;
            }
            more.await;
        }
    }

    /// Ends when one waits; another may take it first.
    pub async fn some(&self) {
        loop {
            let more = self.more.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            if !self.waiting.lock().unwrap_or_else(PoisonError::into_inner).known.is_empty() {
                return;
            }
            more.await;
        }
    }

    fn take(&self, awaited_only: bool) -> Option<Uid> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = waiting.awaited.pop_front();
        while next.is_none() && !awaited_only {
            let uid = waiting.order.pop_front()?;
            next = (waiting.known.get(&uid) == Some(&false)).then_some(uid);
        }
        let uid = next?;
        waiting.known.remove(&uid);
        waiting.in_work.insert(uid.clone());
        Some(uid)
    }

    /// This one was examined.
    pub fn done(&self, uid: &Uid) {
        let again = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.in_work.remove(uid);
            waiting.again.contains(uid)
        };
        self.finished.notify_waiters();
        if again {
            self.push(uid.clone());
        }
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
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).known.len()
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
            assert_eq!(queue.next(false).await, uid(expected));
        }
    }

    #[tokio::test]
    async fn what_is_searched_again_is_so_once() {
        let queue = Queue::default();
        let uid: Uid = "1.5".parse().unwrap();
        queue.search_again(vec![uid.clone()]);
        assert_eq!(queue.next(false).await, uid);
        assert!(queue.again(&uid), "although it was seen");
        assert!(!queue.again(&uid));
        queue.done(&uid);
        queue.search_again(vec![uid]);
        assert_eq!(queue.len(), 0, "not a second time");
    }

    #[tokio::test]
    async fn a_lane_for_who_looks_takes_nothing_else_and_nothing_twice() {
        let queue = Queue::default();
        let uid = |n: u32| format!("1.{n}").parse::<Uid>().unwrap();
        queue.push(uid(1));
        queue.push(uid(2));
        let idle = tokio::time::timeout(std::time::Duration::from_millis(20), queue.next(true));
        assert!(idle.await.is_err());
        assert_eq!(queue.next(false).await, uid(1));
        // In work: asked for again it is not worked on a second time.
        queue.first(uid(1));
        queue.first(uid(2));
        assert_eq!(queue.next(true).await, uid(2));
        assert_eq!(queue.len(), 0);
        queue.done(&uid(1));
        queue.first(uid(1));
        assert_eq!(queue.next(true).await, uid(1));
    }
}
