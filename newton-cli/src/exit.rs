//! How a command ends: the exit codes that scripts can use, and what is said on standard error.

use std::error::Error as _;
use std::io;
use std::process::ExitCode;

use newton::{Error, ErrorKind};

use crate::output::clean;

/// How a command ended.
pub type Outcome<T = ()> = Result<T, Trouble>;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// A service was reached and refused.
    Refused = 1,
    /// The command can't be carried out as it was given; `clap` ends with the same code.
    Usage = 2,
    /// A service or the broker can't be reached, or something failed.
    Failed = 3,
    /// There is no such service, path or stream of a service, or folder of a store.
    NotFound = 4,
    /// Ended by Ctrl-C or SIGTERM.
    Interrupted = 130,
}

/// Why a command was not done.
#[derive(Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The code for scripts.
    pub exit: Exit,
    /// What happened and what to do, for people; empty where there is nothing to say.
    pub message: String,
}

impl Trouble {
    /// It ends with this code and message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// The command has to be given in another way.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A service refused.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// Something failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Somebody ended it.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "")
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Many errors tell their cause themselves.
            if !message.ends_with(&text) {
                message.push_str("\n  caused by: ");
                message.push_str(&text);
            }
            source = cause.source();
        }
        Self::new(exit_of(error.kind()), message)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Whoever read the output has enough of it, as `head` has.
            io::ErrorKind::BrokenPipe => Self::new(Exit::Done, ""),
            _ => Self::failed(format!("reading or writing failed: {error}")),
        }
    }
}

fn exit_of(kind: &ErrorKind) -> Exit {
    match kind {
        ErrorKind::NotFound => Exit::NotFound,
        ErrorKind::Configuration => Exit::Usage,
        ErrorKind::Conflict { .. }
        | ErrorKind::ConditionFailed { .. }
        | ErrorKind::IdReused { .. }
        | ErrorKind::StateConflict { .. }
        | ErrorKind::Parked { .. }
        | ErrorKind::Deleted
        | ErrorKind::InvalidInput
        | ErrorKind::Forbidden
        | ErrorKind::TooLarge
        | ErrorKind::UnknownType
        | ErrorKind::Unsupported
        | ErrorKind::ReadOnly => Exit::Refused,
        _ => Exit::Failed,
    }
}

/// Says on standard error what went wrong, and gives the code for the system.
pub fn report(outcome: Outcome) -> ExitCode {
    let Err(trouble) = outcome else { return ExitCode::SUCCESS };
    for (index, line) in trouble.message.lines().enumerate() {
        let prefix = if index == 0 { "error: " } else { "" };
        eprintln!("{prefix}{}", clean(line));
    }
    ExitCode::from(trouble.exit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(kind: ErrorKind) -> Exit {
        Trouble::from(Error::new(kind, "ask", "no")).exit
    }

    #[test]
    fn each_kind_of_error_has_a_code() {
        assert_eq!(exit(ErrorKind::NotFound), Exit::NotFound);
        assert_eq!(exit(ErrorKind::Forbidden), Exit::Refused);
        assert_eq!(exit(ErrorKind::Deleted), Exit::Refused);
        assert_eq!(exit(ErrorKind::Configuration), Exit::Usage);
        assert_eq!(exit(ErrorKind::Unavailable), Exit::Failed);
        assert_eq!(exit(ErrorKind::Internal), Exit::Failed);
        let codes = [Exit::Done, Exit::Refused, Exit::Usage, Exit::Failed, Exit::NotFound, Exit::Interrupted];
        assert_eq!(codes.map(|exit| exit as u8), [0, 1, 2, 3, 4, 130]);
    }

    #[test]
    fn a_message_names_its_causes() {
        let error = Error::new(ErrorKind::Unavailable, "connect", "no").caused_by(io::Error::other("why"));
        assert_eq!(Trouble::from(error).message, "connect: no\n  caused by: why");
        let error = Error::new(ErrorKind::Unavailable, "connect", "why").caused_by(io::Error::other("why"));
        assert_eq!(Trouble::from(error).message, "connect: why");
    }

    #[test]
    fn a_reader_that_has_enough_is_no_failure() {
        let trouble = Trouble::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(trouble, Trouble::new(Exit::Done, ""));
        assert_eq!(Trouble::from(io::Error::other("disk")).exit, Exit::Failed);
    }
}
