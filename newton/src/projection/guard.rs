//! Calls of a user's handler: whatever it does is an outcome.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::domain::HandlerError;
use crate::error::Error;
use crate::repository::panic_text;

/// Why an event was not handled.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The handler failed, or the event cannot be decoded.
    Handler(String),
    /// A part below could not be reached: nothing is wrong with the event.
    Infrastructure(Error),
}

/// Calls a handler and makes a panic in it a failure like any other.
pub(super) fn call<T>(
    handler: impl FnOnce() -> Result<T, HandlerError>,
    infrastructure: impl FnOnce(&HandlerError) -> Option<Error>,
) -> Result<T, Trouble> {
    match catch_unwind(AssertUnwindSafe(handler)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(match infrastructure(&error) {
            Some(error) => Trouble::Infrastructure(error),
            None => Trouble::Handler(error.chain()),
        }),
        Err(panic) => Err(Trouble::Handler(format!("the handler panicked: {}", panic_text(&*panic)))),
    }
}

/// Newton's own error inside a handler's, where trying again later may help.
pub(super) fn newtons(error: &HandlerError) -> Option<Error> {
    error.downcast_ref::<Error>().filter(|_| error.is_infrastructure()).map(Error::duplicate)
}

/// Counts failures that no success interrupts: with so many, something else is wrong than the events.
#[derive(Debug, Default)]
pub(super) struct Flood(std::sync::atomic::AtomicUsize);

impl Flood {
    /// So many keys in a row are parked; the next one pauses the projection.
    const MOST: usize = 100;

    pub(super) fn succeeded(&self) {
        self.0.store(0, std::sync::atomic::Ordering::Relaxed);
    }

    /// Notes that a handler failed.
    ///
    /// # Errors
    /// Where too many have.
    pub(super) fn failed(&self, cause: &str) -> crate::error::Result<()> {
        if self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < Self::MOST {
            return Ok(());
        }
        let message = format!(
            "the handler failed for more than {} events in a row, so none is parked any more; mend it and start again",
            Self::MOST
        );
        Err(Error::new(crate::error::ErrorKind::Internal, "apply events", message).with("last", cause))
    }
}
