//! Developer tools: `cargo xtask tidy` checks the house, its bans, its licences, its words and its claims; `cargo xtask testdata` makes the
//! demo's films; `cargo xtask seed` fills a home for figures at size.
#![expect(clippy::print_stdout, reason = "a command for developers, its output is its purpose")]

mod seed;
mod testdata;
mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => report(&tidy::all()),
        Some("testdata") => match testdata::make(&tidy::root()) {
            Ok(count) => {
                println!("testdata: {count} films");
                ExitCode::SUCCESS
            }
            Err(fault) => report(&[fault]),
        },
        Some("seed") => match seed::run(std::env::args().skip(2)) {
            Ok(text) => {
                println!("seed: {text}");
                ExitCode::SUCCESS
            }
            Err(fault) => report(&[fault]),
        },
        _ => {
            println!("usage: cargo xtask tidy|testdata|seed");
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
