//! Aggregates: state that decides on commands and evolves by events.

use crate::domain::{
    AggregateId, Command, CommandId, CorrelationId, Event, Name, Rejection, Timestamp, Unique, Version,
};

/// A consistency boundary that decides on commands and is the fold of its events. Derive it; see the `Aggregate`
/// derive. Users write the inherent functions `decide` and `evolve`, both pure.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an aggregate",
    label = "add `#[derive(Aggregate, Clone, Default)]` to `{Self}`"
)]
pub trait Aggregate: Clone + Default + Send + Sync + 'static {
    /// What happens to it.
    type Event: Event;
    /// What it is asked.
    type Command: Command<Aggregate = Self>;
    /// How it says no.
    type Rejection: Rejection;

    /// The bounded context it belongs to.
    const CONTEXT: &'static str;
    /// Its name inside the context.
    const NAME: &'static str;
    /// Its domain stream: `{context}/{Aggregate}`.
    const DOMAIN: &'static str;
    /// What its snapshots depend on; where unknown, it has none.
    const FINGERPRINT: Fingerprint;
    /// A snapshot is due after this many events; `None` leaves it to the app's policy, 0 is never.
    const SNAPSHOT_EVERY: Option<u64>;
    /// The fields whose values no other aggregate of this kind may have; none unless it says so.
    const UNIQUE: &'static [Unique<Self>] = &[];

    /// Decides on a command: the user's `decide`.
    fn handle(
        &self,
        command: Self::Command,
        context: &Context<'_>,
    ) -> Result<Decision<Self::Event>, Self::Rejection>;

    /// Folds an event: the user's `evolve`.
    fn apply(&mut self, event: &Self::Event);

    /// The state as JSON, for a snapshot.
    fn encode_state(&self) -> serde_json::Result<Vec<u8>>;

    /// The state from a snapshot.
    fn decode_state(json: &[u8]) -> serde_json::Result<Self>;
}

/// What `decide` may ask for as its third argument. It holds nothing that would differ when the command is decided
/// again on the same state at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The aggregate's id.
    pub id: &'a AggregateId,
    /// How many events the state is the fold of.
    pub version: Version,
    /// The present, by the app's clock.
    pub now: Timestamp,
    /// The command.
    pub command_id: &'a CommandId,
    /// What the command belongs to.
    pub correlation_id: &'a CorrelationId,
    /// Who asks.
    pub actor: Option<&'a Name>,
    /// On whose behalf.
    pub tenant: Option<&'a Name>,
}

/// The events of one decision, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<E> {
    /// Nothing is to happen; the command succeeds.
    None,
    /// One event, the usual case, without an allocation.
    One(E),
    /// Several events.
    Many(Vec<E>),
}

impl<E> Decision<E> {
    /// The events as a slice.
    pub fn as_slice(&self) -> &[E] {
        match self {
            Self::None => &[],
            Self::One(event) => std::slice::from_ref(event),
            Self::Many(events) => events,
        }
    }
}

impl<E> From<E> for Decision<E> {
    fn from(event: E) -> Self {
        Self::One(event)
    }
}

impl<E> From<Vec<E>> for Decision<E> {
    fn from(events: Vec<E>) -> Self {
        Self::Many(events)
    }
}

impl<E, const N: usize> From<[E; N]> for Decision<E> {
    fn from(events: [E; N]) -> Self {
        Self::Many(events.into())
    }
}

impl<E> From<Option<E>> for Decision<E> {
    fn from(event: Option<E>) -> Self {
        event.map_or(Self::None, Self::One)
    }
}

/// Stands for everything that a stored snapshot depends on: state fields, event schemas, the tokens of `evolve`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fingerprint {
    /// A snapshot with another fingerprint is not used.
    Known(u64),
    /// The derive could not find `evolve`: no snapshots, unless `#[aggregate(fold = n)]` is given.
    Unknown,
}
