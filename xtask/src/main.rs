//! Developer tools: `cargo xtask tidy` checks the house, its bans and its licences.
#![expect(clippy::print_stdout, reason = "a command for developers, its output is its purpose")]

mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => report(&tidy::all()),
        _ => {
            println!("usage: cargo xtask tidy");
            ExitCode::from(2)
        }
    }
}

fn report(faults: &[String]) -> ExitCode {
    for fault in faults {
        println!("{fault}");
    }
    if faults.is_empty() {
        println!("tidy: the house is in order");
        return ExitCode::SUCCESS;
    }
    println!("tidy: {} faults", faults.len());
    ExitCode::FAILURE
}
