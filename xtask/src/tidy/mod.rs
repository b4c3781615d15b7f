//! Rules that no compiler checks. Each returns faults as `where: what, and what to do`.

mod bans;
mod claims;
mod house;
mod licences;
mod links;
mod words;

use std::path::{Path, PathBuf};

/// Runs all rules over the workspace.
pub fn all() -> Vec<String> {
    let root = root();
    let mut faults = house::check(&root);
    faults.extend(bans::check(&root));
    faults.extend(licences::check(&root));
    faults.extend(words::check(&root));
    faults.extend(claims::check(&root));
    faults.extend(links::check(&root));
    faults.extend(xtask::codecs::check(&root));
    faults
}

/// The folder of the workspace: this crate's parent.
pub fn root() -> PathBuf {
    // Two clones may share a target folder: the one that it is called in counts, not the one it was built in.
    let here = std::env::current_dir().unwrap_or_default();
    let above = here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file());
    above.map_or(here.clone(), Path::to_path_buf)
}

/// All files under `folder` with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|e| e.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
