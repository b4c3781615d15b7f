//! `gauze render`.

use super::local::{Local, mask_of};
use super::{Done, Failure};
use crate::say;
use crate::wiring::io;
use clap::{Args, ValueEnum};
use crypto::Random;
use model::view::WindowFunction;
use model::{View, Window};
use port::archive::Picture;
use port::pixels::{ColourProfile, Mask, Output};
use std::io::Write;
use std::path::PathBuf;

/// `render`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze render film.dcm out.png --visibility masked --window 2048,4096")]
pub struct Render {
    /// DICOM file.
    file: PathBuf,
    /// PNG to write.
    out: PathBuf,
    /// What the picture shows.
    #[arg(long, value_enum)]
    visibility: Shown,
    /// Window centre and width in rescaled units.
    #[arg(long, value_parser = window, allow_hyphen_values = true)]
    window: Option<(f64, f64)>,
    /// 1-based frame.
    #[arg(long, default_value_t = 1)]
    frame: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shown {
    /// What was recognised is hidden.
    Masked,
    /// As acquired.
    Clear,
}

fn window(text: &str) -> Result<(f64, f64), String> {
    let numbers: Vec<f64> = text.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    match numbers.as_slice() {
        [centre, width] if centre.is_finite() && *width >= 1.0 && width.is_finite() => Ok((*centre, *width)),
        _ => Err("centre,width with width ≥ 1".to_owned()),
    }
}

pub fn run(command: &Render) -> Done {
    let local = Local::open(&command.file).map_err(|e| Failure::Text(e.to_string()))?;
    let index = command.frame.checked_sub(1).ok_or_else(|| Failure::Usage("--frame counts from 1".into()))?;
    let mask = match command.visibility {
        Shown::Clear => None,
        Shown::Masked => Some(mask(&local, index)?),
    };
    let window =
        command.window.map(|(centre, width)| Window { centre, width, function: WindowFunction::Linear });
    let picture = Picture { png: true, quality: 90, view: View { window, viewport: None } };
    let output = Output::Picture { picture, label: true, words: Vec::new(), profile: ColourProfile::None };
    let png =
        local.redacted(index, mask, output).map_err(|f| Failure::Text(say::text(f.code.as_str(), &[])))?;
    let mut file = std::fs::File::create(&command.out).map_err(io("picture"))?;
    file.write_all(&png).map_err(io("picture"))?;
    Ok(())
}

/// What cannot be masked is not shown at all.
fn mask(local: &Local, index: u32) -> Result<Mask, Failure> {
    let mut noise = [0; 32];
    keys::SystemRandom.fill(&mut noise).map_err(|e| Failure::Text(e.to_string()))?;
    let examined = local.examine(noise);
    if examined.withheld || !examined.maskable {
        return Err(Failure::Text(say::text("withheld", &[])));
    }
    Ok(mask_of(&examined, index))
}
