//! Moves behind everybody's back what is durable in the log. What cannot be moved stays readable there and is tried again.

use crate::commit::LeafSink;
use crate::open::Shared;
use crate::place::{self, Places, Records, move_records};
use crate::rows::Tables;
use crate::writer::MARGIN;
use crate::{Result, disk};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// It looks so often whether the store is being closed.
const LOOK: Duration = Duration::from_millis(50);

pub struct Mover {
    pub shared: Arc<Shared>,
    pub tables: Tables,
    pub sink: Box<dyn LeafSink>,
    pub moves: Receiver<Records>,
}

impl Mover {
    /// Runs until the writer is gone and all is moved.
    pub fn run(mut self) {
        while let Ok(records) = self.moves.recv() {
            let mut pause = Duration::from_millis(100);
            while let Err(error) = self.go(&records) {
                tracing::warn!(%error, number = records.number, "a segment waits to be moved");
                // A full disk: what is in the log stays readable there; a stop leaves it to the next start.
                if disk::free_bytes(&self.shared.data) < MARGIN {
                    self.shared.release();
                }
                if self.stopped_within(pause) {
                    return;
                }
                pause = (pause * 2).min(Duration::from_secs(5));
            }
            self.shared.unmoved.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn go(&mut self, records: &Records) -> Result<()> {
        let data = &self.shared.data;
        if records.last && !records.path.exists() {
            return Ok(()); // an earlier try came past its last name
        }
        let shared = Arc::clone(&self.shared);
        let mut placed = shared.placed.lock().unwrap_or_else(PoisonError::into_inner);
        *placed = None;
        let mut places = Places { data, tables: &mut self.tables, sink: &mut *self.sink };
        let done = move_records(records, &mut places)?;
        *placed = Some(self.sink.size());
        drop(placed);
        if let Some(seq) = done.seq {
            self.shared.overlay_mut().moved(seq);
        }
        if records.last {
            place::close(data, &records.path, records.number, done.end, &done.items)?;
        }
        place::remove_packs(data, &mut self.tables, &done.empty)
    }

    fn stopped_within(&self, pause: Duration) -> bool {
        let mut left = pause;
        while !self.shared.stop.load(Ordering::SeqCst) {
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(LOOK));
            left = left.saturating_sub(LOOK);
        }
        true
    }
}
