//! The one error type of the framework: what failed, where, whether to try again, and what to do.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::{EventId, ExpectedVersion, Name, OrderId, StreamName, Version};
use crate::store::StateKey;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// An infrastructure failure: never a business rule, those are the user's own rejections.
///
/// Its text names the operation, the thing it was about and the remedy. Code decides by [`kind`](Self::kind) and
/// [`retry`](Self::retry), never by text.
///
/// ```
/// use newton::{Error, ErrorKind, Retry};
///
/// let error = Error::new(ErrorKind::Full, "append", "the disk is full; free some space")
///     .with("file", "bank.db");
/// assert_eq!(error.to_string(), "append: the disk is full; free some space (file: bank.db)");
/// assert_eq!(error.retry(), Retry::Later);
/// ```
#[derive(Serialize, Deserialize)]
pub struct Error(Box<Inner>);

#[derive(Serialize, Deserialize)]
struct Inner {
    kind: ErrorKind,
    operation: Cow<'static, str>,
    message: String,
    context: Vec<(Cow<'static, str>, String)>,
    /// Its texts stay where it happened: they may name what is nobody else's business.
    #[serde(skip)]
    source: Option<Source>,
}

/// What went wrong, for code that has to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The stream is not at the version the caller expected; nothing was written.
    Conflict {
        /// The stream that moved on.
        stream: StreamName,
        /// What the caller expected.
        expected: ExpectedVersion,
        /// Where the stream is; 0 where it does not exist.
        actual: Version,
    },
    /// An event that the append's condition rules out exists; nothing was written.
    ConditionFailed {
        /// The position after which there was to be no match.
        after: OrderId,
        /// The first match.
        found: OrderId,
    },
    /// An event id is already known, in another place or beside unknown ones; nothing was written.
    IdReused {
        /// The id that is taken.
        id: EventId,
    },
    /// A state record is not at the revision the writer expected; nothing was written.
    StateConflict {
        /// The record that moved on.
        key: StateKey,
    },
    /// The events of a key were set aside because a handler failed on one of them.
    Parked {
        /// The stream, tag or instance.
        key: Name,
    },
    /// The stream ended with a tombstone.
    Deleted,
    /// What was asked for does not exist.
    NotFound,
    /// The caller's input cannot be accepted as it is.
    InvalidInput,
    /// The caller may not do this.
    Forbidden,
    /// The input is over a limit that can be configured.
    TooLarge,
    /// A stored or received value cannot be decoded.
    Decode,
    /// An event type or command name that nothing registered knows.
    UnknownType,
    /// The application is put together wrongly: a name registered twice, a missing part.
    Configuration,
    /// The store cannot do what was asked; its capability record says so.
    Unsupported,
    /// The stored data breaks the store's own rules.
    Corrupt,
    /// The data was written by a newer Newton or by another program.
    Incompatible,
    /// The store may be read but not written.
    ReadOnly,
    /// No space is left.
    Full,
    /// The store cannot be reached or did not answer in time.
    Unavailable,
    /// The store or the app was shut down.
    Closed,
    /// A defect: of Newton, or a panic in a user's function.
    Internal,
}

/// Whether the same call can succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same call fails again.
    Never,
    /// Read again, decide again, and then try again.
    AfterReload,
    /// The same call may succeed once the cause has passed.
    Later,
}

impl Error {
    /// An error of `kind`, in `operation` (a verb), with a message that says what to do.
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        let operation = Cow::Borrowed(operation);
        Self(Box::new(Inner { kind, operation, message: message.into(), context: Vec::new(), source: None }))
    }

    /// A version conflict that names both versions.
    pub fn conflict(
        operation: &'static str,
        stream: StreamName,
        expected: ExpectedVersion,
        actual: Version,
    ) -> Self {
        let message =
            format!("`{stream}` was expected at {expected} and is at version {actual}; load it again");
        Self::new(ErrorKind::Conflict { stream, expected, actual }, operation, message)
    }

    /// The stream ended with a tombstone.
    pub fn deleted(operation: &'static str, stream: &StreamName) -> Self {
        let message = "the stream was deleted; its history can still be read, but nothing can be appended";
        Self::new(ErrorKind::Deleted, operation, message).with("stream", stream)
    }

    /// An event ruled out by the append's condition exists.
    pub fn condition_failed(operation: &'static str, after: OrderId, found: OrderId) -> Self {
        let message = format!(
            "an event that the condition rules out stands at order id {found}, after {after}; read again and decide again"
        );
        Self::new(ErrorKind::ConditionFailed { after, found }, operation, message)
    }

    /// An event id is taken.
    pub fn id_reused(operation: &'static str, id: EventId) -> Self {
        let message = format!(
            "the event id `{id}` is known in another place or beside unknown ones; give every new event an id of its own"
        );
        Self::new(ErrorKind::IdReused { id }, operation, message)
    }

    /// A state record is not at the revision the writer expected.
    pub fn state_conflict(operation: &'static str, key: StateKey) -> Self {
        let message = format!("the record `{key}` is not as the writer expected; read it again");
        Self::new(ErrorKind::StateConflict { key }, operation, message)
    }

    /// Adds a name and a value that say where it happened. Said again on the way up, they are shown once.
    ///
    /// ```
    /// use newton::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::NotFound, "open", "nobody is there").with("service", "bank").with("service", "bank");
    /// assert_eq!(error.to_string(), "open: nobody is there (service: bank)");
    /// ```
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        let fact = (Cow::Borrowed(name), value.to_string());
        if !self.0.context.contains(&fact) {
            self.0.context.push(fact);
        }
        self
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The operation that failed, a verb such as `append`.
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// Whether the same call can succeed later.
    pub fn retry(&self) -> Retry {
        match self.0.kind {
            ErrorKind::Conflict { .. }
            | ErrorKind::ConditionFailed { .. }
            | ErrorKind::StateConflict { .. } => Retry::AfterReload,
            ErrorKind::Full | ErrorKind::Unavailable => Retry::Later,
            _ => Retry::Never,
        }
    }

    /// The same error for another receiver, where one failure ends several calls. The source is kept as text.
    pub(crate) fn duplicate(&self) -> Self {
        Self(Box::new(Inner {
            kind: self.0.kind.clone(),
            operation: self.0.operation.clone(),
            message: self.0.message.clone(),
            context: self.0.context.clone(),
            source: self.0.source.as_ref().map(|source| source.to_string().into()),
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.operation, self.0.message)?;
        let mut separator = " (";
        for (name, value) in &self.0.context {
            write!(f, "{separator}{name}: {value}")?;
            separator = ", ";
        }
        if self.0.context.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} [{:?}]", self.0.kind)?;
        let mut source = self.source();
        while let Some(cause) = source {
            write!(f, "\n  caused by: {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
