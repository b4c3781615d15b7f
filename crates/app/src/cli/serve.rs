//! `gauze serve`.

use super::{Done, Failure, home, runtime};
use crate::config::Config;
use crate::home::Home;
use crate::say;
use crate::wiring::{self, Error, Running};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// `serve`.
#[derive(Debug, Args)]
#[command(after_help = "Example: GAUZE_HTTPS=0.0.0.0:8443 gauze serve /srv/gauze\n\
Prints `ready ` and a JSON object when it serves; ends on SIGTERM.")]
pub struct Serve {
    /// The home.
    home: Option<PathBuf>,
}

/// A stop that hangs is ended: what was acknowledged is durable already.
const STOP: Duration = Duration::from_secs(4);

pub fn run(command: &Serve) -> Done {
    let home = home(command.home.as_ref());
    if !home.exists() {
        return Err(Error::NoHome(home.path().into()).into());
    }
    wiring::harden();
    let runtime = runtime()?;
    runtime.block_on(async {
        let running = start(&home).await?;
        ready(&running, &home, false)?;
        until_told(running).await
    })
}

/// Reads the configuration and starts everything.
pub async fn start(home: &Home) -> Result<Running, Error> {
    let config = Config::read(home)?;
    let vault = {
        let (home, config) = (home.clone(), config.clone());
        let open = move || wiring::open_vault(&home, &config, wiring::pixel_workers());
        tokio::task::spawn_blocking(open).await.map_err(|_| Error::Fault(port::Code::Internal.into()))??
    };
    wiring::start(home, &config, vault).await
}

/// Prints the one line that programs wait for.
pub fn ready(running: &Running, home: &Home, demo: bool) -> Done {
    let json = serde_json::to_string(&running.ready(home, demo)).map_err(|e| Failure::Text(e.to_string()))?;
    say::line(&format!("ready {json}"));
    Ok(())
}

/// Serves until SIGTERM or SIGINT.
pub async fn until_told(running: Running) -> Done {
    let listen = |kind| signal(kind).map_err(wiring::io("signals"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    match tokio::time::timeout(STOP, running.stop()).await {
        Ok(stopped) => Ok(stopped?),
        Err(_) => Err(Failure::Text(say::text("stop-late", &[]))),
    }
}
