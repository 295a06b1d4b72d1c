//! Why something failed: a refusal with its own error, or SQLite's, mapped by its code.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind};

/// Why something failed inside the store.
#[derive(Debug)]
pub(super) enum Failure {
    /// The request cannot be granted; nothing was written.
    Refused(Error),
    /// SQLite failed.
    Database(rusqlite::Error),
}

pub(super) type Outcome<T> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl Failure {
    /// The error for the caller of `operation` on `file`.
    pub(super) fn into_error(self, operation: &'static str, file: &Path) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Database(error) => of_sqlite(&error, operation, file),
        }
    }
}

/// A stored value that the store itself cannot have written.
pub(super) fn corrupt(message: impl Into<String>) -> Failure {
    let message = format!("{}; `verify` lists what is wrong, a backup can be restored", message.into());
    Error::new(ErrorKind::Corrupt, "read", message).into()
}

/// The error for a failure of SQLite in `operation` on `file`.
pub(crate) fn of_sqlite(error: &rusqlite::Error, operation: &'static str, file: &Path) -> Error {
    let (kind, message) = match error.sqlite_error_code() {
        Some(code) => of_code(code),
        None => (ErrorKind::Corrupt, "a stored value has an impossible type; `verify` lists what is wrong"),
    };
    Error::new(kind, operation, message).with("file", file.display()).caused_by(error.to_string())
}

fn of_code(code: ErrorCode) -> (ErrorKind, &'static str) {
    match code {
        ErrorCode::DiskFull => (
            ErrorKind::Full,
            "no space is left and nothing was written; free some space, or raise `max_page_count`",
        ),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            (ErrorKind::ReadOnly, "the file or its folder may not be written; change their permissions")
        }
        ErrorCode::CannotOpen => (
            ErrorKind::ReadOnly,
            "the file cannot be opened or created; check that this user may write the file and its folder",
        ),
        ErrorCode::DatabaseCorrupt => (
            ErrorKind::Corrupt,
            "the file is damaged; restore it from a backup, `verify` lists what is wrong",
        ),
        ErrorCode::NotADatabase => {
            (ErrorKind::Incompatible, "the file is not an SQLite database; give another path")
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => (
            ErrorKind::Unavailable,
            "another program holds the write lock; end its transaction, or raise `busy_timeout`",
        ),
        ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed => {
            (ErrorKind::Unavailable, "the disk failed to read or write; look into the system's log")
        }
        ErrorCode::OutOfMemory => (ErrorKind::Unavailable, "no memory is left; lower `cache_bytes`"),
        ErrorCode::TooBig => {
            (ErrorKind::TooLarge, "a value is above SQLite's limit of 1 GB; store a reference to it")
        }
        ErrorCode::OperationInterrupted | ErrorCode::OperationAborted => {
            (ErrorKind::Unavailable, "the operation was interrupted; try it again")
        }
        _ => (ErrorKind::Internal, "SQLite refused a statement; `verify` tells whether the file is sound"),
    }
}
