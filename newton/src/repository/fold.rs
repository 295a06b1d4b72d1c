//! A folded state and the guarded calls into the user's functions.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::domain::{Aggregate, FoldEvent, StreamName, Version, decode};
use crate::error::{Error, ErrorKind, Result};

/// The fold of a stream up to a version.
#[derive(Clone, Debug)]
pub(crate) struct Fold<A> {
    pub(crate) state: A,
    pub(crate) version: Version,
    /// The version of the last snapshot this process knows of.
    pub(crate) snapshot: Version,
    /// Whether the stream is known to have moved on.
    pub(crate) stale: bool,
    /// The epoch of the cache in which the snapshot below it was read.
    pub(crate) epoch: u64,
}

impl<A: Aggregate> Default for Fold<A> {
    fn default() -> Self {
        Self {
            state: A::default(),
            version: Version::EMPTY,
            snapshot: Version::EMPTY,
            stale: false,
            epoch: 0,
        }
    }
}

impl<A: Aggregate> Fold<A> {
    /// Folds stored events, which follow each other without a gap.
    pub(crate) fn extend(&mut self, stream: &StreamName, events: &[FoldEvent]) -> Result<()> {
        guarded::<A, _>("evolve", || {
            for event in events {
                let decoded = decode::<A::Event>(event)
                    .map_err(|error| error.with("stream", stream).with("version", event.version))?;
                self.state.apply(&decoded);
                self.version = event.version;
            }
            Ok(())
        })?
    }

    /// Folds events that were just decided.
    pub(crate) fn apply(&mut self, events: &[A::Event]) -> Result<()> {
        guarded::<A, _>("evolve", || events.iter().for_each(|event| self.state.apply(event)))?;
        self.version = self.version.plus(events.len() as u64);
        Ok(())
    }
}

/// Calls a user's function and makes a panic in it an error.
pub(crate) fn guarded<A: Aggregate, T>(function: &str, call: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let message = format!("`{function}` of `{}` panicked: {}", A::DOMAIN, panic_text(&*panic));
        Error::new(ErrorKind::Internal, "execute", message)
    })
}

/// What a panic says.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
