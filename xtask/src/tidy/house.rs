//! The house table (ARCHITECTURE.md): a crate uses crates on lower floors only.

use std::collections::BTreeMap;
use std::path::Path;

/// Crate, floor, and what it may use besides lower floors (`*` in the table), or the only crates it may use at all.
struct Room {
    name: &'static str,
    floor: u8,
    also: &'static [&'static str],
    only: Option<&'static [&'static str]>,
}

const fn room(name: &'static str, floor: u8) -> Room {
    Room { name, floor, also: &[], only: None }
}

const HOUSE: &[Room] = &[
    room("model", 0),
    room("port", 1),
    room("dicom", 1),
    room("codec", 1),
    Room { only: Some(&["model"]), ..room("media", 1) },
    Room { also: &["dicom"], ..room("privacy", 1) },
    room("policy", 1),
    room("crypto", 1),
    Room { also: &["crypto"], ..room("keys", 1) },
    room("store", 1),
    Room { only: Some(&["model"]), ..room("ledger", 1) },
    Room { only: Some(&["model", "port", "dicom", "codec", "privacy"]), ..room("pixels", 2) },
    // The vault parses no DICOM and decodes nothing (DESIGN.md §2.6).
    Room {
        only: Some(&["model", "port", "privacy", "policy", "crypto", "keys", "store", "ledger"]),
        ..room("archive", 2)
    },
    Room { only: Some(&["model", "port", "dicom"]), ..room("gateway", 3) },
    room("app", 4),
];

/// Checks every crate's manifest against the table.
pub fn check(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    let floors: BTreeMap<_, _> = HOUSE.iter().map(|r| (r.name, r.floor)).collect();
    let Ok(entries) = std::fs::read_dir(root.join("crates")) else {
        return vec!["crates: cannot be read".into()];
    };
    for folder in entries.flatten().map(|e| e.path()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(room) = HOUSE.iter().find(|r| r.name == name) else {
            faults
                .push(format!("crates/{name}: not in the house table; add it there with a decision record"));
            continue;
        };
        match std::fs::read_to_string(folder.join("Cargo.toml")).map(|t| t.parse::<toml::Table>()) {
            Ok(Ok(manifest)) => faults.extend(rules(room, &manifest, &floors)),
            _ => faults.push(format!("crates/{name}/Cargo.toml: cannot be read")),
        }
        faults.extend(invariant(&folder, &name));
    }
    faults
}

fn rules(room: &Room, manifest: &toml::Table, floors: &BTreeMap<&str, u8>) -> Vec<String> {
    let mut faults = Vec::new();
    let used = manifest.get("dependencies").and_then(toml::Value::as_table);
    for used in used.into_iter().flat_map(toml::Table::keys) {
        let Some(floor) = floors.get(used.as_str()) else { continue };
        let allowed = match room.only {
            Some(only) => only.contains(&used.as_str()),
            None => *floor < room.floor || room.also.contains(&used.as_str()),
        };
        if !allowed {
            faults.push(format!("crates/{}: may not use {used} (house table)", room.name));
        }
    }
    let inherits = manifest.get("lints").and_then(|l| l.get("workspace")).and_then(toml::Value::as_bool);
    if inherits != Some(true) {
        faults.push(format!("crates/{}: must inherit the workspace's lints", room.name));
    }
    faults
}

/// STYLE §3.1: say what is absent.
fn invariant(folder: &Path, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(folder.join("src/lib.rs"))
        .or_else(|_| std::fs::read_to_string(folder.join("src/main.rs")))
        .unwrap_or_default();
    let says = text.lines().take_while(|l| l.starts_with("//!")).any(|l| l.contains("Invariant"));
    (!says).then(|| format!("crates/{name}: its first comment names no `Invariant:`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(name: &str, dependencies: &str) -> usize {
        let floors: BTreeMap<_, _> = HOUSE.iter().map(|r| (r.name, r.floor)).collect();
        let manifest = format!("[lints]\nworkspace = true\n[dependencies]\n{dependencies}").parse().unwrap();
        let room = HOUSE.iter().find(|r| r.name == name).unwrap();
        rules(room, &manifest, &floors).len()
    }

    #[test]
    fn the_table_holds() {
        assert_eq!(faults_of("gateway", "port.workspace = true\ndicom.workspace = true"), 0);
        assert_eq!(faults_of("gateway", "archive.workspace = true"), 1);
        assert_eq!(faults_of("archive", "dicom.workspace = true"), 1);
        assert_eq!(faults_of("crypto", "dicom.workspace = true"), 1);
        assert_eq!(faults_of("privacy", "dicom.workspace = true"), 0);
        assert_eq!(faults_of("ledger", "crypto.workspace = true"), 1);
        assert_eq!(faults_of("pixels", "keys.workspace = true"), 1);
    }
}
