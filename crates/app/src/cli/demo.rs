//! `gauze demo`.

use super::{Done, home, runtime, serve};
use crate::{demo, say, wiring};
use clap::Args;
use std::path::PathBuf;

/// `demo`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze demo\nA second start keeps the data.")]
pub struct Demo {
    /// The home; made when there is none.
    home: Option<PathBuf>,
}

pub fn run(command: &Demo) -> Done {
    let home = home(command.home.as_ref());
    wiring::harden();
    let new = !home.exists();
    if new {
        say::note("demo-making", &[&home.path().display()]);
        demo::make(&home)?;
    }
    let runtime = runtime()?;
    runtime.block_on(async {
        let running = serve::start(&home).await?;
        if new || demo::unfinished(&home) {
            demo::load(&home, &running).await?;
        }
        let ready = running.ready(&home, true);
        say::note("demo-page", &[&ready.https]);
        if let Some(accounts) = &ready.accounts {
            say::note("demo-accounts", &[&accounts.display()]);
            for line in demo::accounts(accounts)? {
                say::note("demo-account", &[&format!("{:<14}", line.user), &line.password]);
                if let Some(secret) = &line.second_factor {
                    say::note("demo-factor", &[&format!("{:<14}", ""), secret]);
                }
            }
        }
        let told = serve::Told::listen()?;
        serve::ready(&running, &home, true)?;
        serve::until_told(running, told).await
    })
}
