//! `gauze inspect`.

use super::local::{Local, region_json};
use super::{Done, Failure, files};
use crate::say;
use clap::Args;
use crypto::Random;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// `inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze inspect film.dcm --json")]
pub struct Inspect {
    /// Files or folders.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// One JSON line a file.
    #[arg(long)]
    json: bool,
}

pub fn run(command: &Inspect) -> Done {
    let mut failed = false;
    for path in files::all(&command.files) {
        let line = inspect(&path);
        failed |= line.get("ok") != Some(&Value::Bool(true));
        say::line(&if command.json { line.to_string() } else { plain(&line) });
    }
    if failed { Err(Failure::Reported) } else { Ok(()) }
}

/// The line of one file (DESIGN.md §5).
fn inspect(path: &Path) -> Value {
    let file = path.to_string_lossy();
    let local = match Local::open(path) {
        Ok(local) => local,
        Err(error) => {
            return json!({ "file": file, "ok": false, "error": error.to_string(), "sop_class": null, "modality": null,
                "level": null, "regions": [] });
        }
    };
    let mut noise = [0; 32];
    // The noise only colours a mosaic that is not shown here.
    let _ = keys::SystemRandom.fill(&mut noise);
    let examined = local.examine(noise);
    let facts = &local.parsed.facts;
    json!({
        "file": file,
        "ok": true,
        "error": null,
        "sop_class": facts.sop_class.as_str(),
        "modality": facts.series.first(model::tags::MODALITY),
        "class": examined.class,
        "level": examined.level,
        "fallback": examined.fallback,
        "withheld": examined.withheld || !examined.maskable,
        "regions": examined.regions.iter().map(region_json).collect::<Vec<_>>(),
    })
}

fn plain(line: &Value) -> String {
    let word = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or("-").to_owned();
    if let Some(error) = line.get("error").and_then(Value::as_str) {
        return format!("{}: {error}", word("file"));
    }
    let regions = line.get("regions").and_then(Value::as_array).cloned().unwrap_or_default();
    let kinds: Vec<&str> = regions.iter().filter_map(|r| r.get("kind").and_then(Value::as_str)).collect();
    let level = line.get("level").and_then(Value::as_u64).unwrap_or(0);
    format!("{}: {} {}, {level}: {}", word("file"), word("modality"), word("class"), kinds.join(" "))
}
