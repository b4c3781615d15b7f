//! Licences of everything that is linked: Apache-2.0 must be able to ship it.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

const ALLOWED: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "MIT",
    "MIT-0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "CC0-1.0",
    "BlueOak-1.0.0",
    "Unicode-3.0",
    "Unlicense",
    "BSL-1.0",
    "IJG",
    "OpenSSL",
    "CDLA-Permissive-2.0",
];

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
    let packages = metadata.get("packages").and_then(Value::as_array).cloned().unwrap_or_default();
    packages.iter().filter_map(fault).collect()
}

fn fault(package: &Value) -> Option<String> {
    let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let licence = text("license");
    (!allowed(&licence))
        .then(|| format!("{} {}: licence `{licence}` is not on the list", text("name"), text("version")))
}

/// SPDX expressions without nesting beyond one level of parentheses: every AND part needs one allowed OR part.
fn allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    !expression.trim().is_empty()
        && expression.split(" AND ").all(|part| {
            part.split(" OR ").map(|l| l.trim_matches([' ', '(', ')'])).any(|l| ALLOWED.contains(&l))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for good in ["MIT", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0", "GPL-3.0 OR MIT"] {
            assert!(allowed(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "MPL-2.0", "AGPL-3.0-only"] {
            assert!(!allowed(bad), "{bad}");
        }
    }
}
