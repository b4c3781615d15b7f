//! Words and calls that belong to one place.

use super::files;
use std::path::Path;

/// A text that may stand only in files whose path starts so, with the reason.
struct Ban {
    text: &'static str,
    allowed: &'static [&'static str],
    reason: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        text: "Durable::assertion(",
        allowed: &["crates/store/src/", "crates/ledger/src/"],
        reason: "only store may claim durability (ledger: in tests)",
    },
    Ban {
        text: "::from_lease(",
        allowed: &["crates/archive/src/retrieve/"],
        reason: "what a worker returns is believed at one place",
    },
    Ban { text: "rusqlite::", allowed: &["crates/store/"], reason: "rows are store's" },
    Ban {
        text: "unmasked-canary",
        allowed: &["crates/privacy/", "crates/pixels/", "crates/app/tests/"],
        reason: "masking is never switched off in a product build",
    },
    Ban { text: "/work/", allowed: &[], reason: "no path of a developer's machine" },
];

/// Lines at which somebody has to look twice; longer files are listed by name and may only shrink.
const FILE_LINES: usize = 400;
const LONG_FILES: &[(&str, usize)] = &[];

/// Checks all sources.
pub fn check(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for path in files(&root.join("crates"), "rs") {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(&path) else {
            faults.push(format!("{name}: cannot be read"));
            continue;
        };
        for ban in BANS {
            if text.contains(ban.text) && !ban.allowed.iter().any(|a| name.starts_with(a)) {
                faults.push(format!("{name}: `{}` does not belong here: {}", ban.text, ban.reason));
            }
        }
        faults.extend(length(&name, &text));
    }
    faults
}

fn length(name: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let is_test = name.ends_with("tests.rs") || name.contains("/tests/") || name.contains("/tests_");
    let bound = LONG_FILES.iter().find(|(file, _)| *file == name).map_or(FILE_LINES, |(_, lines)| *lines);
    (!is_test && lines > bound).then(|| format!("{name}: {lines} lines, above {bound}; split it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_named() {
        assert!(length("crates/x/src/a.rs", &"\n".repeat(FILE_LINES)).is_none());
        assert!(length("crates/x/src/a.rs", &"\n".repeat(FILE_LINES + 1)).is_some());
        assert!(length("crates/x/src/a/tests.rs", &"\n".repeat(FILE_LINES + 1)).is_none());
    }
}
