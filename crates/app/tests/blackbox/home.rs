//! Homes: making, keys, locks, configuration.

use crate::run::{Serving, gauze, gauze_with, plain_home, text, write};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// All files with their bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut out, mut folders) = (BTreeMap::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() && !path.ends_with("lock") {
                out.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    out
}

fn with_passphrase(folder: &Path, passphrase: &str) -> (PathBuf, PathBuf) {
    let (home, file) = (folder.join("home"), folder.join("passphrase"));
    write(&file, passphrase.as_bytes(), 0o600);
    gauze(&["init", text(&home), "--passphrase-file", text(&file)]).ends_with(0);
    (home, file)
}

#[test]
fn init_makes_a_home_once_and_its_secrets_private() {
    let folder = tempfile::tempdir().unwrap();
    let (home, file) = with_passphrase(folder.path(), "seven wet stones\n");
    for name in ["root.key", "accounts.json", "tls/server.key", "tls/ca.key"] {
        assert_eq!(mode(&home.join("keys").join(name)), 0o600, "{name}");
    }
    assert_eq!((mode(&home.join("keys")), mode(&home.join("data"))), (0o700, 0o700));
    let key = std::fs::read(home.join("keys/root.key")).unwrap();
    assert!(!key.windows(5).any(|w| w == b"seven"));
    let before = contents(&home);
    let said = gauze(&["init", text(&home), "--passphrase-file", text(&file)]).ends_with(1);
    assert!(said.err.contains("nothing was changed"), "{}", said.err);
    assert_eq!(contents(&home), before);
}

#[test]
fn weak_and_readable_passphrases_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (home, file) = (folder.path().join("home"), folder.path().join("passphrase"));
    write(&file, b"short\n", 0o600);
    gauze(&["init", text(&home), "--passphrase-file", text(&file)]).ends_with(1);
    write(&file, b"seven wet stones\n", 0o644);
    gauze(&["init", text(&home), "--passphrase-file", text(&file)]).ends_with(1);
    assert!(!home.exists());
    gauze_with(&["init", text(&home)], "seven wet stones\n", &[]).ends_with(0);
}

#[test]
fn a_wrong_passphrase_is_a_clear_error_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (home, _) = with_passphrase(folder.path(), "seven wet stones");
    let before = contents(&home);
    let arguments = [
        &["serve", text(&home)][..],
        &["checkpoint", text(&home)],
        &["user", "--home", text(&home), "disable", "admin"],
    ];
    for arguments in arguments {
        let said = gauze_with(arguments, "seven dry stones\n", &[]).ends_with(1);
        assert!(said.out.is_empty() && said.err.contains("passphrase"), "{}", said.err);
        assert!(!said.err.contains("stones"), "it is not repeated: {}", said.err);
    }
    assert_eq!(contents(&home), before);
    gauze_with(&["checkpoint", text(&home)], "seven wet stones\n", &[]).ends_with(0);
}

#[test]
fn a_second_serve_is_refused_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let home = plain_home(folder.path());
    let (first, ready) = Serving::start(&home);
    for key in ["https", "dimse_tls", "ca", "home"] {
        assert!(ready[key].is_string(), "{key}: {ready}");
    }
    assert_eq!(
        (&ready["accounts"], &ready["modality_key"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    let said = gauze(&["serve", text(&home)]).ends_with(1);
    assert!(said.out.is_empty() && !said.err.is_empty(), "{}", said.err);
    gauze(&["user", "--home", text(&home), "disable", "admin"]).ends_with(1);
    assert_eq!(first.stop(), Some(0));
    let (again, _) = Serving::start(&home);
    assert_eq!(again.stop(), Some(0));
}

#[test]
fn mistakes_in_the_configuration_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let home = plain_home(folder.path());
    let config = home.join("gauze.toml");
    let good = std::fs::read_to_string(&config).unwrap();
    for (mistake, word) in [
        ("\n[viewing]\nsecnods = 3\n", "gauze.toml"),
        ("\n[[device]]\nname = \"x\"\ncertificate = \"00\"\n", "device.certificate"),
        ("\nnonsense", "gauze.toml"),
    ] {
        write(
            &config,
            format!("{}{mistake}", good.replace("[viewing]\n", "[viewing]\n# ").replace("\nseconds", "\n#"))
                .as_bytes(),
            0o644,
        );
        let said = gauze(&["serve", text(&home)]).ends_with(1);
        assert!(said.err.contains(word), "{}", said.err);
    }
    write(&config, good.as_bytes(), 0o644);
    let (serving, _) = Serving::start(&home);
    assert_eq!(serving.stop(), Some(0));
    let said = gauze_with(&["serve", text(&home)], "", &[("GAUZE_HTTPS", "somewhere")]).ends_with(1);
    assert!(said.err.contains("GAUZE_HTTPS"), "{}", said.err);
}

#[test]
fn policies_that_do_not_parse_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let home = plain_home(folder.path());
    write(&home.join("policies/default.cedar"), b"permit (everything);", 0o644);
    let said = gauze(&["serve", text(&home)]).ends_with(1);
    assert!(said.err.contains("polic"), "{}", said.err);
}
