//! One fold done in several ways at once, which must never differ.
//!
//! Beside the live state stand its shadows: a twin folded from the same events, a state folded from the stored bytes,
//! and one state restored from a snapshot after each event. Each event moves all of them on, so that a difference
//! shows at the first event that makes one.

use std::fmt::Debug;

use super::check::{Check, Checks, Violation};
use super::report::command_text;
use crate::domain::{self, Aggregate, Context, Decision, Event, FoldEvent, Name, Payload, Schema, Version};
use crate::error::{Error, ErrorKind, Result};

/// The live state of a scenario and its shadows.
#[derive(Clone, Debug)]
pub(super) struct CheckedFold<A> {
    pub(super) live: A,
    pub(super) version: Version,
    twin: A,
    stored: A,
    snapshots: Vec<(Version, A)>,
}

impl<A> CheckedFold<A>
where
    A: Aggregate<Event: Debug + PartialEq> + Debug + PartialEq,
{
    pub(super) fn new() -> Self {
        let empty = A::default();
        Self {
            twin: empty.clone(),
            stored: empty.clone(),
            live: empty,
            version: Version::EMPTY,
            snapshots: Vec::new(),
        }
    }

    /// Decides on a command, twice where the check is on.
    pub(super) fn decide(
        &self,
        command: A::Command,
        context: &Context<'_>,
        checks: &Checks,
    ) -> Result<Decided<A>, Violation> {
        let again = checks.is_on(Check::PureDecide).then(|| command.clone());
        let decided = self.live.handle(command, context).map(events);
        let Some(command) = again else { return Ok(decided) };
        let place = format!("after event {}, on {}", self.version, command_text(&command));
        let second = self.live.handle(command, context).map(events);
        let equal = match (&decided, &second) {
            (Ok(first), Ok(second)) => first == second,
            // A rejection need not be `PartialEq`; its `Debug` text stands for it.
            (Err(first), Err(second)) => format!("{first:?}") == format!("{second:?}"),
            _ => false,
        };
        if equal {
            return Ok(decided);
        }
        let sides = [("first time", format!("{decided:#?}")), ("second time", format!("{second:#?}"))];
        Err(Violation { check: Check::PureDecide, place, sides })
    }

    /// Folds an event into the live state and its shadows.
    pub(super) fn apply(&mut self, event: &A::Event, checks: &Checks) -> Result<(), Violation> {
        self.version = self.version.next();
        let place = format!("at event {}, {event:?}", self.version);
        let found = |check, sides| Violation { check, place: place.clone(), sides };
        self.live.apply(event);
        self.twin.apply(event);
        if checks.is_on(Check::PureEvolve) {
            let sides = [("first fold", &self.live), ("second fold", &self.twin)];
            same(sides).map_err(|sides| found(Check::PureEvolve, sides))?;
        }
        let decoded = match round_trip(event) {
            Ok(decoded) => decoded,
            Err(error) => return no_stored_form(checks, |check| found(check, undecodable(event, &error))),
        };
        if checks.is_on(Check::Encoding) {
            same([("live", event), ("decoded", &decoded)]).map_err(|sides| found(Check::Encoding, sides))?;
        }
        self.stored.apply(&decoded);
        if checks.is_on(Check::StoredFold) {
            let sides = [("live", &self.live), ("folded from stored bytes", &self.stored)];
            same(sides).map_err(|sides| found(Check::StoredFold, sides))?;
        }
        if checks.is_on(Check::Snapshots) && A::SNAPSHOT_EVERY != Some(0) {
            self.apply_to_snapshots(&decoded, &place)?;
        }
        Ok(())
    }

    /// Moves every state that came from a snapshot on by one event, and takes a snapshot of the live state.
    fn apply_to_snapshots(&mut self, event: &A::Event, place: &str) -> Result<(), Violation> {
        for (_, state) in &mut self.snapshots {
            state.apply(event);
        }
        let found = |taken: Version, sides| Violation {
            check: Check::Snapshots,
            place: format!("{place}, with the snapshot taken after event {taken}"),
            sides,
        };
        let restored = restore(&self.live).map_err(|error| {
            found(self.version, [("live", format!("{:#?}", self.live)), ("restored", error.to_string())])
        })?;
        self.snapshots.push((self.version, restored));
        for (taken, state) in &self.snapshots {
            same([("live", &self.live), ("from the snapshot", state)])
                .map_err(|sides| found(*taken, sides))?;
        }
        Ok(())
    }
}

/// The events of a command, or its rejection.
type Decided<A> = Result<Vec<<A as Aggregate>::Event>, <A as Aggregate>::Rejection>;

fn events<E>(decision: Decision<E>) -> Vec<E> {
    match decision {
        Decision::None => Vec::new(),
        Decision::One(event) => vec![event],
        Decision::Many(events) => events,
    }
}

type Sides = [(&'static str, String); 2];

/// The two sides as text, unless they are equal.
fn same<T: Debug + PartialEq>(sides: [(&'static str, &T); 2]) -> Result<(), Sides> {
    let [(_, left), (_, right)] = sides;
    if left == right { Ok(()) } else { Err(sides.map(|(name, value)| (name, format!("{value:#?}")))) }
}

/// An event without a stored form breaks every law that needs one; the first that is on reports it.
fn no_stored_form(checks: &Checks, found: impl Fn(Check) -> Violation) -> Result<(), Violation> {
    let needing = [Check::Encoding, Check::StoredFold, Check::Snapshots];
    needing.into_iter().find(|check| checks.is_on(*check)).map_or(Ok(()), |check| Err(found(check)))
}

fn undecodable<E: Debug>(event: &E, error: &Error) -> Sides {
    [("live", format!("{event:#?}")), ("decoded", format!("{error:?}"))]
}

fn round_trip<E: Event>(event: &E) -> Result<E> {
    domain::decode(&store(event)?)
}

fn store<E: Event>(event: &E) -> Result<FoldEvent> {
    let mut json = Vec::new();
    event.encode(&mut json).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "encode event", "the event has no JSON form").caused_by(error)
    })?;
    let event_type = event.event_type();
    Ok(FoldEvent {
        version: Version::EMPTY,
        event_type: Name::from_static(event_type.name),
        schema: Schema::Number(event_type.schema),
        payload: Payload::from_encoded(json),
    })
}

fn restore<A: Aggregate>(state: &A) -> serde_json::Result<A> {
    A::decode_state(&A::encode_state(state)?)
}
