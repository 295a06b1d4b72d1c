//! What `#[derive(EventHandler)]` makes, and what a user writes.

use futures_util::future::BoxFuture;

use crate::domain::{EventType, HandlerError, RecordedEvent};
use crate::error::Result;
use crate::service::Delivery;
use crate::subscription::{Provided, Start};

/// Reacts to one kind of event with a side effect. The derive insists on one for each type that `handles(..)` lists.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not react to `{E}`",
    label = "add `impl React<{E}> for {Self}`, or take `{E}` out of `handles(..)`"
)]
pub trait React<E>: Send + Sync {
    /// Does what is to be done. It may be called again for the same event, with the same [`Delivery::id`].
    ///
    /// # Errors
    /// Whatever the handler gives: any error converts with `?`. The delivery is tried again, and in the end parked.
    fn react(&self, event: &E, delivery: &Delivery) -> impl Future<Output = Result<(), HandlerError>> + Send;
}

/// A domain service. Derive it; see the `EventHandler` derive.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event handler",
    label = "add `#[derive(EventHandler)]` and `#[event_handler(handles(..))]` to `{Self}`"
)]
pub trait EventHandler: Sized + Send + Sync + 'static {
    /// Its name, by which its place in the log is kept.
    const NAME: &'static str;
    /// Where it begins when it runs for the first time.
    const START: Start;

    /// Into how many segments its keys are cut when it runs for the first time, so that nodes share the work; later
    /// [`App::resplit`](crate::App::resplit) changes it.
    const SEGMENTS: u32 = 1;
    /// The key of the tag by whose value events keep their order; events without it, and all where this is `None`, keep it
    /// by stream.
    const KEY: Option<&'static str> = None;

    /// The event types it listens to.
    fn event_types() -> Vec<&'static EventType>;

    /// Builds it from what was provided.
    ///
    /// # Errors
    /// Where something is missing.
    fn build(provided: &Provided) -> Result<Self>;

    /// Decodes an event and gives it to the handler of its type; says whether there is one.
    fn handle<'a>(
        &'a self,
        event: &'a RecordedEvent,
        delivery: &'a Delivery,
    ) -> BoxFuture<'a, Result<bool, HandlerError>>;
}

/// A domain service whose side effects may be run again over the past: `#[event_handler(replay_safe)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not safe to replay",
    label = "its side effects would happen again; if that is right, add `replay_safe` to `#[event_handler(..)]`"
)]
pub trait ReplaySafe: EventHandler {}
