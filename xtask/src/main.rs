//! Developer tools: `cargo xtask tidy` checks the house, its bans, its licences, its words and its claims; `cargo xtask testdata` makes the
//! demo's films; `cargo xtask seed` fills a home for figures at size;
//! `cargo xtask codecs` writes `docs/codecs.md`; `cargo xtask fuzz` feeds parsers and decoders.
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
        Some("codecs") => codecs(),
        Some("fuzz") => fuzz(),
        _ => {
            println!(
                "usage: cargo xtask tidy|testdata|seed|codecs|fuzz [--seconds N] [--seed N] [--jobs N] [TARGET...]"
            );
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a page of the repository, not a file of the archive")]
fn codecs() -> ExitCode {
    match std::fs::write(xtask::codecs::path(&tidy::root()), xtask::codecs::page()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&[format!("docs/codecs.md: {error}")]),
    }
}

fn fuzz() -> ExitCode {
    let mut plan = xtask::fuzz::Plan {
        root: tidy::root(),
        time: std::time::Duration::from_secs(10),
        seed: 1,
        jobs: 2,
        only: Vec::new(),
    };
    let mut words = std::env::args().skip(2);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|n| n.parse::<u64>().ok());
        match word.as_str() {
            "--seconds" => plan.time = std::time::Duration::from_secs(number().unwrap_or(10)),
            "--seed" => plan.seed = number().unwrap_or(1),
            "--jobs" => plan.jobs = number().and_then(|n| usize::try_from(n).ok()).unwrap_or(2),
            name => plan.only.push(name.to_owned()),
        }
    }
    let findings = xtask::fuzz::run(&plan, &|line| println!("{line}"));
    findings.iter().for_each(|finding| println!("FOUND {finding}"));
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
