//! Licences of everything that is linked, and crates that must not be: the lists with their reasons are in `deny.toml`.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The lists of `deny.toml`, which `cargo deny` reads too.
struct Lists {
    licences: Vec<String>,
    banned: Vec<(String, String)>,
}

impl Lists {
    fn parse(text: &str) -> Option<Self> {
        let table: toml::Table = text.parse().ok()?;
        let list = |section: &str, key: &str| table.get(section)?.get(key)?.as_array().cloned();
        let licences =
            list("licenses", "allow")?.iter().filter_map(|l| Some(l.as_str()?.to_owned())).collect();
        let text = |value: &toml::Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let banned =
            list("bans", "deny")?.into_iter().map(|b| Some((text(&b, "crate")?, text(&b, "reason")?)));
        Some(Self { licences, banned: banned.collect::<Option<_>>()? })
    }
}

/// Checks all packages that cargo resolves.
pub fn check(root: &Path) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--locked",
            "--format-version",
            "1",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(root)
        .output();
    let Some(metadata) = output.ok().and_then(|o| serde_json::from_slice::<Value>(&o.stdout).ok()) else {
        return vec!["cargo metadata: no answer".into()];
    };
    let lists = std::fs::read_to_string(root.join("deny.toml")).ok().and_then(|text| Lists::parse(&text));
    let Some(lists) = lists else {
        return vec!["deny.toml: has no lists of licences and of bans with reasons".into()];
    };
    let packages = metadata.get("packages").and_then(Value::as_array).cloned().unwrap_or_default();
    packages.iter().flat_map(|package| faults(package, &lists)).collect()
}

fn faults(package: &Value, lists: &Lists) -> Vec<String> {
    let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (name, version, licence) = (text("name"), text("version"), text("license"));
    let mut faults = Vec::new();
    if !allowed(&licence, lists) {
        faults.push(format!("{name} {version}: licence `{licence}` is not in deny.toml"));
    }
    if let Some((_, reason)) = lists.banned.iter().find(|(banned, _)| *banned == name) {
        faults.push(format!("{name} {version}: banned by deny.toml: {reason}"));
    }
    faults
}

/// SPDX expressions without nesting beyond one level of parentheses: every AND part needs one allowed OR part.
fn allowed(expression: &str, lists: &Lists) -> bool {
    let expression = expression.replace('/', " OR ");
    let good = |licence: &str| lists.licences.iter().any(|l| l == licence);
    !expression.trim().is_empty()
        && expression
            .split(" AND ")
            .all(|part| part.split(" OR ").map(|l| l.trim_matches([' ', '(', ')'])).any(good))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lists() -> Lists {
        Lists::parse(include_str!("../../../deny.toml")).unwrap()
    }

    #[test]
    fn expressions() {
        for good in ["MIT", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0", "GPL-3.0 OR MIT"] {
            assert!(allowed(good, &lists()), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "MPL-2.0", "AGPL-3.0-only"] {
            assert!(!allowed(bad, &lists()), "{bad}");
        }
    }

    #[test]
    fn bans() {
        let count = |name: &str| faults(&json!({ "name": name, "license": "MIT" }), &lists()).len();
        assert_eq!(count("serde"), 0);
        assert_eq!(count("openssl-sys"), 1);
        assert!(
            Lists::parse("[licenses]\nallow = []\n[bans]\ndeny = [{ crate = \"x\" }]").is_none(),
            "no reason"
        );
    }
}
