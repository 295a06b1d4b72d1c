//! Online backup and restore: each makes a new file, whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::SqliteOptions;
use super::failure::{Outcome, of_sqlite};
use super::verify;
use crate::error::{Error, ErrorKind, Result};

/// Pages that are copied between two transactions of the writer: 1 MiB.
const STEP: i32 = 256;

/// How often other processes' appends may make the copy begin anew, before it is made in one go.
const MAX_RESTARTS: usize = 8;

const BACKUP: &str = "back up store";
const RESTORE: &str = "restore store";

/// Copies through the connection that writes, so that its own appends go into the copy too; calls `between` after each
/// step, for appends to go on.
pub(super) fn copy(from: &Connection, to: &Path, between: impl FnMut()) -> Result<()> {
    create(BACKUP, to, |partial| {
        copy_pages(from, partial, between).map_err(|failure| failure.into_error(BACKUP, partial))
    })
}

/// Verifies a backup and copies it.
pub(super) fn restore(backup: &Path, to: &Path) -> Result<()> {
    let verification = verify::verify(backup, &SqliteOptions::default())?;
    if let Some(problem) = verification.problems.first() {
        let message = format!("the backup is damaged ({problem}); restore another one");
        return Err(Error::new(ErrorKind::Corrupt, RESTORE, message).with("backup", backup.display()));
    }
    create(RESTORE, to, |partial| {
        let source = verify::open_at_rest(backup).map_err(|error| of_sqlite(&error, RESTORE, backup))?;
        copy_pages(&source, partial, || ()).map_err(|failure| failure.into_error(RESTORE, partial))
    })
}

fn copy_pages(from: &Connection, to: &Path, mut between: impl FnMut()) -> Outcome<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut target = Connection::open_with_flags(to, flags)?;
    let backup = Backup::new(from, &mut target)?;
    let (mut remaining, mut restarts) = (i32::MAX, 0);
    loop {
        let pages = if restarts < MAX_RESTARTS { STEP } else { -1 };
        if backup.step(pages)? == StepResult::Done {
            break;
        }
        let left = backup.progress().remaining;
        restarts += usize::from(left > remaining);
        remaining = left;
        between();
    }
    drop(backup);
    target.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Makes a file under a passing name, syncs it, and gives it its name.
fn create(operation: &'static str, to: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if to.exists() {
        let message = "the target exists; give the path of a new file, or move the old one away";
        return Err(Error::new(ErrorKind::InvalidInput, operation, message).with("file", to.display()));
    }
    let partial = beside(to);
    let made = fill(&partial).and_then(|()| {
        keep(&partial, to).map_err(|error| {
            let message = "the new file cannot be written; check its folder";
            Error::new(ErrorKind::Unavailable, operation, message).with("file", to.display()).caused_by(error)
        })
    });
    if made.is_err() {
        // What is left has a name that says that it is not whole.
        let _ = fs::remove_file(&partial);
    }
    made
}

/// Gives a file its name; a hard link fails where the name was taken meanwhile.
fn keep(partial: &Path, to: &Path) -> std::io::Result<()> {
    File::open(partial)?.sync_all()?;
    fs::hard_link(partial, to)?;
    fs::remove_file(partial)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn beside(to: &Path) -> PathBuf {
    let mut name = OsString::from(to);
    name.push(format!(".{}.partial", uuid::Uuid::now_v7().simple()));
    name.into()
}
