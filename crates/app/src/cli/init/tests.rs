use super::begin;
use crate::home::{Home, make_private_folder, write_private, write_public};
use crate::wiring::Error;

#[test]
fn a_finished_home_keeps_its_keys_whatever_mark_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(&folder.path().join("home"));
    let mark = begin(&home).unwrap();
    make_private_folder(&home.keys()).unwrap();
    write_private(&home.key("root.key"), b"key").unwrap();
    write_public(&home.config(), b"").unwrap();
    // Killed between the configuration and the mark's end.
    assert!(matches!(begin(&home), Err(Error::Exists(_))));
    assert_eq!(std::fs::read(home.key("root.key")).unwrap(), b"key");
    assert!(!mark.exists());
    assert!(matches!(begin(&home), Err(Error::Exists(_))));
}

#[test]
fn an_unfinished_home_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(&folder.path().join("home"));
    begin(&home).unwrap();
    make_private_folder(&home.keys()).unwrap();
    write_private(&home.key("root.key"), b"key").unwrap();
    assert!(begin(&home).unwrap().exists());
    assert!(!home.keys().exists());
}
