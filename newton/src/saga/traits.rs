//! What `#[derive(Saga)]` makes.

use crate::domain::{EventType, Handler, HandlerError, RecordedEvent, Upcast};
use crate::error::Result;
use crate::saga::{Flow, Trigger};
use crate::subscription::Start;

/// A process manager. Derive it; see the `Saga` derive.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a saga",
    label = "add `#[derive(Saga, Clone, Default)]` and `#[saga(..)]` to `{Self}`"
)]
pub trait Saga: Clone + Default + for<'a> Handler<Context<'a> = Flow<'a>> {
    /// The bounded context it belongs to.
    const CONTEXT: &'static str;
    /// Its name inside the context.
    const NAME: &'static str;
    /// The tag by which an event finds its instance.
    const KEY: &'static str;
    /// The schema of its state, from 1 up.
    const VERSION: u32;
    /// One step for each schema from 1 to the one before the present, in order.
    const UPCASTS: &'static [Upcast];
    /// Whether events from before its first registration start instances.
    const START: Start;

    /// The event types it listens to.
    fn event_types() -> Vec<&'static EventType>;

    /// Whether an event starts an instance.
    ///
    /// # Errors
    /// Where the event cannot be decoded.
    fn starts_on(event: &RecordedEvent) -> Result<bool>;

    /// Gives a trigger to its handler; says whether there is one.
    ///
    /// # Errors
    /// The handler's, and where an event cannot be decoded.
    fn handle(&mut self, trigger: &Trigger<'_>, flow: &mut Flow<'_>) -> Result<bool, HandlerError>;

    /// The state as JSON.
    fn encode_state(&self) -> serde_json::Result<Vec<u8>>;

    /// The state from JSON of the present schema.
    fn decode_state(json: &[u8]) -> serde_json::Result<Self>;
}
