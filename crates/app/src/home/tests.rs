use super::{temporary, write_private};
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_file_is_there_whole_or_not_at_all_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("import.key");
    // A kill in the middle of an earlier writing.
    std::fs::File::create(temporary(&path)).unwrap();
    write_private(&path, b"key").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = write_private(&path, b"other").unwrap_err();
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).unwrap(), b"key");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something is left over");
    assert_eq!(super::rename_new(&path, &path).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
}
