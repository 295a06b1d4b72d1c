//! Handlers: what a user writes to react to an event, whatever comes of it.

use std::error::Error as StdError;
use std::fmt;

use crate::error::{Error, Retry};

/// A type that reacts to events: a projection or a saga. Derived, never written by hand.
///
/// The derive chooses the context: what a handler may read and do beside the event.
pub trait Handler: Sized + Send + Sync + 'static {
    /// What a handler is given besides the event.
    type Context<'a>;
}

/// Reacts to one kind of event. The derive insists on one for each type that `handles(..)` lists.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle `{E}`",
    label = "add `impl On<{E}> for {Self}`, or take `{E}` out of `handles(..)`"
)]
pub trait On<E>: Handler {
    /// Takes in one event.
    ///
    /// # Errors
    /// Whatever the handler gives: any error converts with `?`. It parks the event's key, and with it the later events of
    /// that key; other keys go on.
    fn on(&mut self, event: &E, context: &mut Self::Context<'_>) -> Result<(), HandlerError>;
}

/// Why a handler failed: any error, turned into this one by `?`.
///
/// ```
/// use newton::domain::HandlerError;
///
/// fn parse(text: &str) -> Result<u64, HandlerError> {
///     if text.is_empty() {
///         return Err(HandlerError::new("there is no number"));
///     }
///     Ok(text.parse()?)
/// }
/// assert_eq!(parse("").unwrap_err().to_string(), "there is no number");
/// ```
pub struct HandlerError(Box<dyn StdError + Send + Sync>);

impl HandlerError {
    /// A failure in words.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into().into())
    }

    /// The underlying error, if it is a `T`.
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    /// Whether the store or another part below could not be reached, so that nothing is wrong with the event itself.
    pub fn is_infrastructure(&self) -> bool {
        self.downcast_ref::<Error>().is_some_and(|error| error.retry() == Retry::Later)
    }

    /// The error and its causes, as one line.
    pub fn chain(&self) -> String {
        let mut text = self.0.to_string();
        let mut source = self.0.source();
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        text
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}
