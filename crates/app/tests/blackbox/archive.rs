//! Commands on an archive: import, verify, checkpoint, accounts.

use crate::run::{Serving, film_in, films, gauze, plain_home, text, write};
use serde_json::Value;

#[test]
fn import_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (home, input) = (plain_home(folder.path()), folder.path().join("in"));
    std::fs::create_dir(&input).unwrap();
    for name in ["anna-chest.dcm", "lucia-chest.dcm"] {
        film_in(&input, name);
    }
    write(&input.join("readme.txt"), b"no film", 0o644);
    let arguments = ["import", text(&input), "--home", text(&home), "--json"];
    let results = |out: &str| {
        let mut all: Vec<String> = out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["result"].as_str().unwrap().to_owned())
            .collect();
        all.sort();
        all
    };
    assert_eq!(results(&gauze(&arguments).ends_with(0).out), ["not-dicom", "stored", "stored"]);
    film_in(&input, "xiaoming-chest.dcm");
    assert_eq!(
        results(&gauze(&arguments).ends_with(0).out),
        ["stored"],
        "earlier ones are not looked at again"
    );
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    film_in(&copy, "anna-chest.dcm");
    let said = gauze(&["import", text(&copy), "--home", text(&home), "--json"]).ends_with(0);
    assert_eq!(results(&said.out), ["duplicate"]);
    let (_, whole) = films().remove(0);
    write(&copy.join("cut.dcm"), &whole[..400], 0o644);
    let said = gauze(&["import", text(&copy), "--home", text(&home)]).ends_with(1);
    assert!(said.err.contains("cut.dcm"), "{}", said.err);
}

#[test]
fn import_reaches_a_running_archive() {
    let folder = tempfile::tempdir().unwrap();
    let (home, film) = (plain_home(folder.path()), film_in(folder.path(), "anna-chest.dcm"));
    let (serving, _) = Serving::start(&home);
    let said = gauze(&["import", text(&film), "--home", text(&home)]).ends_with(0);
    assert!(said.err.contains("1 stored"), "{}", said.err);
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn verify_and_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let home = plain_home(folder.path());
    let saved = folder.path().join("saved.txt");
    gauze(&["checkpoint", text(&home), "--out", text(&saved)]).ends_with(0);
    let printed = gauze(&["checkpoint", text(&home)]).ends_with(0).out;
    assert!(printed.starts_with("gauze/") && printed.contains("\n\n— "), "C2SP signed note: {printed}");
    let said = gauze(&["verify", text(&home), "--checkpoint", text(&saved), "--json"]).ends_with(0);
    let report: Value = serde_json::from_str(said.out.trim()).unwrap();
    assert_eq!((&report["ok"], &report["fault"]), (&Value::Bool(true), &Value::Null));
    assert!(report["entries"].as_u64().unwrap() > 0 && report["root"].as_str().unwrap().len() == 64);
    write(&saved, b"not a checkpoint\n", 0o644);
    gauze(&["verify", text(&home), "--checkpoint", text(&saved)]).ends_with(1);
}

#[test]
fn accounts() {
    let folder = tempfile::tempdir().unwrap();
    let home = plain_home(folder.path());
    let home = text(&home);
    let said = gauze(&["user", "--home", home, "add", "Rosa", "--role", "radiologist", "--name", "Rosa R"])
        .ends_with(0);
    let password = said.out.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(password.len() >= 20, "{}", said.out);
    gauze(&["user", "--home", home, "relate", "rosa", "--patient", "GZ-1001"]).ends_with(0);
    gauze(&["user", "--home", home, "order", "rosa", "--study", "2.25.1"]).ends_with(0);
    gauze(&["user", "--home", home, "order", "rosa", "--study", "no uid"]).ends_with(2);
    let factor = |more: &[&str]| gauze(&[&["user", "--home", home, "second-factor"], more].concat());
    let secrets = ["rosa", "Rosa"].map(|name| {
        let out = factor(&[name]).ends_with(0).out;
        let secret = out.split("secret=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        assert!(
            secret.len() == 32 && out.matches(&secret).count() == 2,
            "160 bits, to type and to scan: {out}"
        );
        secret
    });
    assert_ne!(secrets[0], secrets[1], "a new one each time");
    assert!(!factor(&["rosa", "--remove"]).ends_with(0).out.contains("secret="));
    factor(&["nobody"]).ends_with(1);
    gauze(&["user", "--home", home, "disable", "rosa"]).ends_with(0);
    gauze(&["user", "--home", home, "disable", "nobody"]).ends_with(1);
    gauze(&["user", "--home", home, "add", "anna", "--role", "patient", "--name", "Anna"]).ends_with(2);
    gauze(&["user", "--home", home, "add", "dev", "--role", "device", "--name", "X"]).ends_with(2);
}
