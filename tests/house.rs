//! The rules of the house: imports run one way, every file says what it is, and none grows too long.

mod imports;

use std::fs;
use std::path::{Path, PathBuf};

use newton_tests::workspace_root;

const MAX_LINES: usize = 500;

/// The Rust files below the workspace's folders, with their paths from its root.
fn sources() -> Vec<(PathBuf, String)> {
    let root = workspace_root();
    let mut files = Vec::new();
    for folder in ["newton", "newton-macros", "newton-cli", "examples", "tests", "benches"] {
        collect(&root.join(folder), &mut files);
    }
    assert!(files.len() > 20, "only {} files were found below {}", files.len(), root.display());
    files
        .iter()
        .map(|file| (file.strip_prefix(&root).unwrap().into(), fs::read_to_string(file).unwrap()))
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn lacks_first_sentence(source: &str) -> bool {
    !source.lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > 8)
}

fn is_too_long(source: &str) -> bool {
    source.lines().count() > MAX_LINES
}

fn paths_where(rule_is_broken: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    sources().into_iter().filter(|(_, source)| rule_is_broken(source)).map(|(path, _)| path).collect()
}

#[test]
fn every_file_starts_with_a_sentence() {
    assert_eq!(paths_where(lacks_first_sentence), Vec::<PathBuf>::new(), "these do not start with `//! `");
    assert!(lacks_first_sentence("use std::fmt;\n"));
    assert!(lacks_first_sentence("//!\n"));
    assert!(lacks_first_sentence(""));
}

#[test]
fn no_file_is_too_long() {
    assert_eq!(paths_where(is_too_long), Vec::<PathBuf>::new(), "these have more than {MAX_LINES} lines");
    assert!(is_too_long(&"\n".repeat(MAX_LINES + 1)));
}
