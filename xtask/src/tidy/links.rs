//! Documents point to what is there.

use super::files;
use std::path::Path;

/// Checks the relative links of all documents.
pub fn check(root: &Path) -> Vec<String> {
    let mut documents = files(&root.join("docs"), "md");
    documents
        .extend(["README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md"].map(|name| root.join(name)));
    let mut faults = Vec::new();
    for path in documents {
        let folder = path.parent().unwrap_or(root);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let gone = links(&text).into_iter().filter(|link| !folder.join(link).exists());
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy();
        faults.extend(gone.map(|link| format!("{name}: the link to `{link}` leads nowhere")));
    }
    faults
}

/// Targets of `[…](…)` within the repository, without their anchors.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let inside = targets.filter(|t| !t.contains("://") && !t.starts_with('#') && !t.starts_with("mailto:"));
    inside.map(|t| t.split('#').next().unwrap_or(t)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_within_the_repository() {
        let text = "![a](docs/a.png) [b](https://example.org/x) [c](docs/b.md#c1) [d](#here) (no) [e]";
        assert_eq!(links(text), ["docs/a.png", "docs/b.md"]);
    }
}
