//! Help and wrong use.

use crate::run::{gauze, gauze_with};

/// The commands of this version (DESIGN.md §5 names those that come later, too).
const COMMANDS: &[&str] = &[
    "init",
    "serve",
    "demo",
    "import",
    "export",
    "order",
    "inspect",
    "render",
    "deidentify",
    "verify",
    "check",
    "backup",
    "restore",
    "checkpoint",
    "policy",
    "user",
];

#[test]
fn every_command_has_help_with_an_example() {
    let all = gauze(&["--help"]).ends_with(0).out;
    for command in COMMANDS {
        assert!(all.contains(command), "{command} is not in the help");
        let help = gauze(&[command, "--help"]).ends_with(0).out;
        assert!(
            help.contains("Example: ") && help.contains(&format!("gauze {command}")),
            "{command}: {help}"
        );
    }
    let listed = all.lines().skip_while(|l| !l.starts_with("Commands:")).skip(1);
    let listed: Vec<&str> =
        listed.take_while(|l| !l.is_empty()).filter_map(|l| l.split_whitespace().next()).collect();
    assert_eq!(listed, COMMANDS, "a command is missing here or there");
}

#[test]
fn version() {
    assert!(gauze(&["--version"]).ends_with(0).out.starts_with("gauze "));
}

#[test]
fn wrong_use_ends_with_2() {
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["serve", "--unknown"],
        &["inspect"],
        &["render", "a.dcm"],
        &["render", "a.dcm", "b.png", "--visibility", "half"],
        &["render", "a.dcm", "b.png", "--visibility", "masked", "--window", "1"],
        &["deidentify", "a.dcm", "b.dcm", "--profile", "mine"],
        &["init", "x", "--plain-key", "--passphrase-file", "y"],
        &["user", "add", "x", "--role", "king", "--name", "X"],
        &["user", "second-factor"],
        &["import"],
        &["check", "--from", "x"],
        &["check", "--accept", "everything"],
        &["restore", "x", "y"],
        &["export", "x.zip", "--user", "u", "--purpose", "fun", "--study", "1.2"],
        &["export", "x.zip", "--user", "u", "--purpose", "report"],
        &["export", "x", "--all", "--user", "u"],
        &["export", "x", "--all", "--user", "u", "--second", "v", "--study", "1.2"],
    ] {
        let said = gauze(arguments).ends_with(2);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{arguments:?}: {}", said.out);
    }
}

#[test]
fn what_is_not_there_ends_with_1() {
    for arguments in [
        &["serve", "/nonexistent"][..],
        &["import", "/nonexistent", "--home", "/nonexistent"],
        &["verify", "/nonexistent"],
        &["checkpoint", "/nonexistent"],
        &["user", "--home", "/nonexistent", "disable", "x"],
        &["check", "/nonexistent"],
        &["backup", "/nonexistent/target", "--home", "/nonexistent"],
        &["restore", "/nonexistent", "/nonexistent/home", "--keys", "/nonexistent"],
        &[
            "export",
            "/nonexistent/out",
            "--user",
            "x",
            "--purpose",
            "report",
            "--study",
            "1.2",
            "--home",
            "/nonexistent",
        ],
        &["inspect", "/nonexistent.dcm"],
        &["render", "/nonexistent.dcm", "/nonexistent.png", "--visibility", "clear"],
    ] {
        gauze(arguments).ends_with(1);
    }
    let said = gauze(&["serve", "/nonexistent"]);
    assert!(said.err.contains("gauze init"), "a hint: {}", said.err);
}

#[test]
fn texts_follow_the_language() {
    let of = |language| gauze_with(&["verify", "/nonexistent"], "", &[("LC_ALL", language)]).err;
    assert!(!of("en_US.UTF-8").is_empty() && !of("zh_CN.UTF-8").is_empty());
}
