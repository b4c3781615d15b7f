//! The counter-proof of the canary test (`tests/clients/parts/p05_canary.py`): the archive with a pixel worker that hides
//! nothing and claims that it did. The canary must be found in its answers; if it were not, the test could not fail.
//!
//! It is an example so that no switch for this exists in the product.

use app::config::Config;
use app::home::Home;
use app::{say, wiring};
use port::pixels::{FrameLease, HeadLease, WordsPlan};
use port::{Fault, Lease, Outcome, PixelWork, Stream};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

struct Unmasked(Arc<dyn PixelWork>);

#[async_trait::async_trait]
impl PixelWork for Unmasked {
    async fn work(&self, lease: Lease, body: Stream) -> Result<(Outcome, Stream), Fault> {
        match lease {
            Lease::Frame(lease) => {
                let asked = lease.mask.as_ref().map(|m| (&*m.regions, m.mosaic.as_ref()));
                let plan_digest = privacy::plan_digest(asked, lease.frame);
                let clear = Lease::Frame(Box::new(FrameLease { mask: None, ..*lease }));
                let (outcome, bytes) = self.0.work(clear, body).await?;
                let claimed = match outcome {
                    Outcome::Frame { rows, columns, len, .. } => {
                        Outcome::Frame { plan_digest, rows, columns, len }
                    }
                    other => other,
                };
                Ok((claimed, bytes))
            }
            Lease::Head(lease) => {
                let open = HeadLease { words: WordsPlan::Full, masked: false, ..*lease };
                self.0.work(Lease::Head(Box::new(open)), body).await
            }
            examine @ Lease::Examine { .. } => self.0.work(examine, body).await,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), wiring::Error> {
    let path = std::env::args_os().nth(2).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let home = Home::new(&path);
    let config = Config::read(&home)?;
    let pixels = Arc::new(Unmasked(wiring::pixel_workers()));
    let vault = tokio::task::block_in_place(|| wiring::open_vault(&home, &config, pixels))?;
    let running = wiring::start(&home, &config, vault).await?;
    let mut told = signal(SignalKind::terminate()).map_err(wiring::io("signals"))?;
    let ready =
        serde_json::to_string(&running.ready(&home, true)).map_err(|e| wiring::io("ready")(e.into()))?;
    say::line(&format!("ready {ready}"));
    told.recv().await;
    running.stop().await
}
