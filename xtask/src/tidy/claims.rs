//! `docs/claims.md`: every public sentence with its test or its limit; `docs/promises.md`: every figure with what measures
//! it. A test that was renamed or removed takes its sentence with it.

use std::collections::BTreeSet;
use std::path::Path;

const CLAIMS: &str = "docs/claims.md";
const PROMISES: &str = "docs/promises.md";
/// Between these marks of the README each list item is a claim and ends with the claim's number.
const MARKS: (&str, &str) = ("<!-- claims -->", "<!-- /claims -->");
/// A limit in fewer characters says nothing.
const LIMIT: usize = 20;

/// Checks claims, promises and the README's list.
pub fn check(root: &Path) -> Vec<String> {
    let read = |name: &str| std::fs::read_to_string(root.join(name));
    let (Ok(claims), Ok(promises), Ok(readme)) = (read(CLAIMS), read(PROMISES), read("README.md")) else {
        return vec![format!("{CLAIMS}, {PROMISES} or README.md: cannot be read")];
    };
    let source = |file: &str| read(file).ok();
    let (known, mut faults) = claims_of(&claims, &source);
    faults.extend(promises_of(&promises, &source));
    faults.extend(listed(&readme, &known));
    faults
}

/// Numbers of all claims, and what is wrong with them. A row: `| C1 | sentence | tests and limits |`.
fn claims_of(text: &str, source: &dyn Fn(&str) -> Option<String>) -> (BTreeSet<String>, Vec<String>) {
    let (mut known, mut faults) = (BTreeSet::new(), Vec::new());
    for (line, cells) in rows(text) {
        let fault = |what: String| format!("{CLAIMS}:{line}: {what}");
        let [number, sentence, proof] = cells.as_slice() else {
            faults.push(fault("a claim has three cells: number, sentence, test or limit".into()));
            continue;
        };
        if !is_number(number) || !known.insert((*number).to_owned()) {
            faults.push(fault(format!("`{number}` is no number of a claim, or is there twice")));
        }
        if sentence.is_empty() {
            faults.push(fault("no sentence".into()));
        }
        let named = references(proof);
        let limit = proof.split_once("Limit:").map(|(_, limit)| limit.trim());
        if named.is_empty() && limit.is_none_or(|l| l.chars().count() < LIMIT) {
            faults.push(fault(format!("{number} names neither a test nor a limit")));
        }
        faults.extend(named.iter().filter_map(|r| missing(r, source)).map(fault));
    }
    if rows(text).is_empty() {
        faults.push(format!("{CLAIMS}: no claims found"));
    }
    (known, faults)
}

/// Rows with four cells: promise, measured, where and when, command.
fn promises_of(text: &str, source: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, cells) in rows(text) {
        let fault = |what: String| format!("{PROMISES}:{line}: {what}");
        let Some(command) = cells.last().filter(|_| cells.len() == 4) else {
            faults.push(fault("a promise has four cells: promise, measured, where and when, command".into()));
            continue;
        };
        if references(command).is_empty() && !command.contains("make ") {
            faults.push(fault("no command or test that measures it".into()));
        }
        faults.extend(references(command).iter().filter_map(|r| missing(r, source)).map(fault));
    }
    faults
}

/// Every item of the README's list names claims that exist.
fn listed(readme: &str, known: &BTreeSet<String>) -> Vec<String> {
    let Some(list) = readme.split_once(MARKS.0).and_then(|(_, rest)| rest.split_once(MARKS.1)) else {
        return vec![format!("README.md: no list between {} and {}", MARKS.0, MARKS.1)];
    };
    let items: Vec<&str> = list.0.split("\n- ").skip(1).collect();
    let mut faults: Vec<String> =
        items.is_empty().then(|| "README.md: the list of claims is empty".to_owned()).into_iter().collect();
    for item in items {
        let numbers: Vec<&str> =
            item.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| is_number(w)).collect();
        let start: String = item.chars().take(40).collect();
        if numbers.is_empty() {
            faults.push(format!("README.md: `{start}…` names no claim of {CLAIMS}"));
        }
        let unknown = numbers.into_iter().filter(|n| !known.contains(*n));
        faults.extend(unknown.map(|n| format!("README.md: `{start}…` names {n}, which {CLAIMS} has not")));
    }
    faults
}

fn is_number(word: &str) -> bool {
    word.strip_prefix('C').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Line numbers and cells of all table rows but the heads.
fn rows(text: &str) -> Vec<(usize, Vec<&str>)> {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule =
        |line: &&str| line.starts_with("|--") || line.starts_with("| --") || line.starts_with("|:-");
    let head = |at: usize| lines.get(at + 1).is_some_and(is_rule);
    let rows = lines.iter().enumerate().filter(|(at, l)| l.starts_with('|') && !is_rule(l) && !head(*at));
    rows.map(|(at, line)| (at + 1, line.trim().trim_matches('|').split('|').map(str::trim).collect()))
        .collect()
}

/// Back-quoted `file::test`s.
fn references(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).filter(|code| code.contains("::") && code.contains('/')).collect()
}

/// What is wrong with `file::test`; nothing when that file holds this test and it is not ignored.
fn missing(reference: &str, source: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let (file, test) = reference.split_once("::")?;
    let Some(text) = source(file) else { return Some(format!("no file `{file}`")) };
    let holds = match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some("rs") => rust_test(&text, test),
        Some("py") => text.contains(&format!("def {test}(")),
        _ => text.contains(test),
    };
    (!holds).then(|| format!("`{file}` has no running test `{test}`"))
}

/// The function stands under a test attribute and is not ignored.
fn rust_test(text: &str, test: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_it =
        |line: &&str| line.split_once("fn ").is_some_and(|(_, rest)| rest.starts_with(&format!("{test}(")));
    let Some(at) = lines.iter().position(|l| is_it(&l)) else { return false };
    let above = lines.get(..at).unwrap_or_default().iter().rev();
    let attributes: Vec<&&str> = above.take_while(|l| l.starts_with("#[") || l.starts_with("//")).collect();
    let in_macro = lines.get(..at).unwrap_or_default().iter().any(|l| l.starts_with("proptest!"));
    (in_macro || attributes.iter().any(|l| l.starts_with("#[test]") || l.starts_with("#[tokio::test")))
        && !attributes.iter().any(|l| l.starts_with("#[ignore"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str =
        "#[test]\nfn holds() {}\n#[test]\n#[ignore = \"slow\"]\nfn sleeps() {}\nfn helper() {}\n";

    fn source(file: &str) -> Option<String> {
        match file {
            "a/b.rs" => Some(SOURCE.into()),
            "t/c.py" => Some("def works(x):\n".into()),
            _ => None,
        }
    }

    fn faults(row: &str) -> Vec<String> {
        claims_of(&format!("| # | Sentence | Proof |\n|---|---|---|\n{row}\n"), &source).1
    }

    #[test]
    fn a_claim_needs_a_running_test_or_a_limit() {
        for good in [
            "| C1 | It holds. | `a/b.rs::holds` |",
            "| C1 | It holds. | `t/c.py::works`, by `a tool`. Limit: more than that is not shown here. |",
            "| C1 | It does not hold. | Limit: whoever has the key can read everything. |",
        ] {
            assert!(faults(good).is_empty(), "{good}: {:?}", faults(good));
        }
        for bad in [
            "| C1 | It holds. | trust us |",
            "| C1 | It holds. | Limit: none |",
            "| C1 | It holds. | `a/b.rs::gone` |",
            "| C1 | It holds. | `a/b.rs::sleeps` |",
            "| C1 | It holds. | `a/b.rs::helper` |",
            "| C1 | It holds. | `a/b.rs::hold` |",
            "| C1 | It holds. | `gone.d/b.rs::holds` |",
            "| C1 | It holds. | `t/c.py::gone` |",
            "| 1 | It holds. | `a/b.rs::holds` |",
            "| C1 | `a/b.rs::holds` |",
            "| C1 | | `a/b.rs::holds` |",
            "",
        ] {
            assert_eq!(faults(bad).len(), 1, "{bad}: {:?}", faults(bad));
        }
        let twice = "| C1 | It holds. | `a/b.rs::holds` |";
        assert_eq!(faults(&format!("{twice}\n{twice}")).len(), 1);
    }

    #[test]
    fn a_figure_needs_its_command() {
        let head = "| Promise | Measured | Where | Command |\n|---|---|---|---|\n";
        let count = |row: &str| promises_of(&format!("{head}{row}\n"), &source).len();
        assert_eq!(count("| fast | 3 s | here | `make bench` |"), 0);
        assert_eq!(count("| fast | 3 s | here | `a/b.rs::holds` |"), 0);
        assert_eq!(count("| fast | 3 s | here | |"), 1);
        assert_eq!(count("| fast | 3 s | here | `a/b.rs::gone` |"), 1);
        assert_eq!(count("| fast | 3 s |"), 1);
    }

    #[test]
    fn the_readme_names_claims_that_exist() {
        let known = BTreeSet::from(["C1".to_owned()]);
        let list = |items: &str| listed(&format!("x\n{}\n{items}\n{}\ny", MARKS.0, MARKS.1), &known).len();
        assert_eq!(list("- It holds. (C1)\n- Also\n  (C1)"), 0);
        assert_eq!(list("- It holds."), 1);
        assert_eq!(list("- It holds. (C2)"), 1);
        assert_eq!(list(""), 1);
        assert_eq!(listed("no list", &known).len(), 1);
    }
}
