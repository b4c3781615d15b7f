//! `cargo xtask testdata`: makes `testdata/demo/films.tar.gz` from its sources and `films.toml`. Deterministic.

mod font;
mod wrap;

use serde::Deserialize;
use std::io::Write;
use std::path::Path;

/// A demo patient.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patient {
    pub id: String,
    pub name: String,
    pub sex: String,
    pub birth: String,
}

/// A demo film.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Film {
    pub file: String,
    pub source: String,
    pub patient: String,
    pub accession: String,
    pub date: String,
    pub time: String,
    pub description: String,
    #[serde(default)]
    pub view: String,
    /// 12 bits in 16, white is low.
    #[serde(default)]
    pub deep: bool,
    /// Lines burned into the upper left corner.
    #[serde(default)]
    pub burned: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Films {
    patient: Vec<Patient>,
    film: Vec<Film>,
}

/// Makes the archive; answers what went wrong.
pub fn make(root: &Path) -> Result<usize, String> {
    let folder = root.join("testdata/demo");
    let text = std::fs::read_to_string(folder.join("films.toml")).map_err(|e| format!("films.toml: {e}"))?;
    let films: Films = toml::from_str(&text).map_err(|e| format!("films.toml: {e}"))?;
    let out = std::fs::File::create(folder.join("films.tar.gz")).map_err(|e| e.to_string())?;
    let gzip = flate2::GzBuilder::new().mtime(0).write(out, flate2::Compression::best());
    let mut tar = tar::Builder::new(gzip);
    for film in &films.film {
        let patient = films.patient.iter().find(|p| p.id == film.patient);
        let patient = patient.ok_or_else(|| format!("{}: no patient {}", film.file, film.patient))?;
        let bytes =
            wrap::film(&folder.join("sources"), film, patient).map_err(|e| format!("{}: {e}", film.file))?;
        append(&mut tar, &film.file, &bytes).map_err(|e| e.to_string())?;
    }
    let gzip = tar.into_inner().map_err(|e| e.to_string())?;
    gzip.finish().and_then(|mut file| file.flush()).map_err(|e| e.to_string())?;
    Ok(films.film.len())
}

fn append(tar: &mut tar::Builder<impl Write>, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_cksum();
    tar.append_data(&mut header, name, bytes)
}
