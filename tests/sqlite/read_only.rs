//! A folder and a file that may not be written, checked without root's powers.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use newton::ErrorKind;
use newton::store::sqlite::{SqliteOptions, SqliteStore};

use super::support::Temporary;

/// Tells a child process without root's powers which file to open.
const FILE: &str = "NEWTON_TEST_READ_ONLY";

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn is_root(folder: &Path) -> bool {
    let probe = folder.join("probe");
    fs::write(&probe, "").is_ok_and(|()| fs::remove_file(probe).is_ok())
}

/// Opens the file as a user who may not write it, and expects a clear refusal.
fn is_refused(test: &str, file: &Path) {
    let folder = file.parent().unwrap();
    if !is_root(folder) {
        return check(file);
    }
    // The test's binary may lie where nobody else can reach it.
    let program = tempfile::tempdir().unwrap();
    allow(program.path(), 0o755);
    let copy = program.path().join("promises");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    allow(&copy, 0o755);
    let mut child = Command::new(copy);
    child.args(["--exact", &format!("sqlite::read_only::{test}"), "--nocapture"]).env(FILE, file);
    let ended = child.uid(NOBODY).gid(NOBODY).current_dir("/").status().unwrap();
    assert!(ended.success(), "the check without root's powers failed");
}

fn check(file: &Path) {
    let error = SqliteStore::open(file, SqliteOptions::default()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ReadOnly, "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&*file.to_string_lossy()) && text.contains("folder"), "{text}");
}

fn as_child() -> bool {
    std::env::var(FILE).map(|file| check(Path::new(&file))).is_ok()
}

#[test]
fn a_read_only_folder_is_named() {
    if as_child() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    allow(folder.path(), 0o555);
    is_refused("a_read_only_folder_is_named", &folder.path().join("events.db"));
    allow(folder.path(), 0o755);
}

#[test]
fn a_read_only_file_is_named() {
    if as_child() {
        return;
    }
    let (folder, file) = Temporary::open().close();
    let before = fs::read(&file).unwrap();
    allow(&file, 0o444);
    allow(folder.path(), 0o555);
    is_refused("a_read_only_file_is_named", &file);
    allow(folder.path(), 0o755);
    assert_eq!(fs::read(&file).unwrap(), before);
}
