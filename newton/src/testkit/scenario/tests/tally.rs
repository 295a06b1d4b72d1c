//! An aggregate that adds up, and breaks one law on purpose if asked to.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::domain::{Aggregate, Command, CommandType, Context, Decision, Event, EventType, Fingerprint, Tag};

/// Breaks no law.
pub(super) const SOUND: u8 = 0;
/// A field of the event is not encoded.
pub(super) const LOSSY_EVENT: u8 = 1;
/// An event cannot be decoded at all.
pub(super) const UNREADABLE_EVENT: u8 = 2;
/// `evolve` depends on something that changes.
pub(super) const RESTLESS_EVOLVE: u8 = 3;
/// `decide` depends on something that changes.
pub(super) const RESTLESS_DECIDE: u8 = 4;
/// `evolve` uses a field that is not encoded and that `PartialEq` ignores.
pub(super) const HIDDEN_FIELD: u8 = 5;
/// A field of the state is not encoded.
pub(super) const LOSSY_STATE: u8 = 6;
/// The state cannot be decoded at all.
pub(super) const UNREADABLE_STATE: u8 = 7;
/// The state cannot be decoded, and the aggregate is never snapshotted.
pub(super) const NEVER_SNAPSHOTTED: u8 = 8;

/// Stands for a clock or a random number: never the same twice.
fn something_that_changes() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(1_000);
    CALLS.fetch_add(1, Ordering::Relaxed)
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tally<const FLAW: u8> {
    pub(super) total: u64,
    pub(super) last: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Added<const FLAW: u8> {
    pub(super) amount: u64,
    pub(super) bonus: u64,
}

#[derive(Clone)]
pub(super) struct Add(pub(super) u64);

/// [`Add`] to the tally with this flaw.
#[derive(Clone)]
pub(super) struct AddTo<const FLAW: u8>(Add);

#[derive(Debug, PartialEq)]
pub(super) enum No {
    Zero,
    Asked(String),
}

/// The amount whose rejection shows the context.
pub(super) const ASK: u64 = 13;
/// The amount that changes nothing.
pub(super) const IDLE: u64 = 7;
/// The amount that is added in two steps.
pub(super) const HUNDRED: u64 = 100;

pub(super) fn added<const FLAW: u8>(amount: u64) -> Added<FLAW> {
    Added { amount, bonus: 1 }
}

impl<const FLAW: u8> From<Add> for AddTo<FLAW> {
    fn from(add: Add) -> Self {
        Self(add)
    }
}

impl<const FLAW: u8> PartialEq for Added<FLAW> {
    fn eq(&self, other: &Self) -> bool {
        self.amount == other.amount && (FLAW == HIDDEN_FIELD || self.bonus == other.bonus)
    }
}

impl fmt::Display for No {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for No {}

impl<const FLAW: u8> Aggregate for Tally<FLAW> {
    type Event = Added<FLAW>;
    type Command = AddTo<FLAW>;
    type Rejection = No;

    const CONTEXT: &'static str = "sums";
    const NAME: &'static str = "Tally";
    const DOMAIN: &'static str = "sums/Tally";
    const FINGERPRINT: Fingerprint = Fingerprint::Known(1);
    const SNAPSHOT_EVERY: Option<u64> = if FLAW == NEVER_SNAPSHOTTED { Some(0) } else { None };

    fn handle(&self, command: AddTo<FLAW>, context: &Context<'_>) -> Result<Decision<Added<FLAW>>, No> {
        match command.0 {
            Add(amount) if FLAW == RESTLESS_DECIDE => {
                Ok(Added { amount, bonus: something_that_changes() }.into())
            }
            Add(0) => Err(No::Zero),
            Add(ASK) => Err(No::Asked(format!("{context:?}"))),
            Add(IDLE) => Ok(Decision::None),
            Add(HUNDRED) => Ok([added(50), added(50)].into()),
            Add(amount) => Ok(added(amount).into()),
        }
    }

    fn apply(&mut self, event: &Added<FLAW>) {
        self.total += event.amount + event.bonus;
        self.last = if FLAW == RESTLESS_EVOLVE { something_that_changes() } else { event.amount };
    }

    fn encode_state(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&json!({ "total": self.total, "last": self.last }))
    }

    fn decode_state(json: &[u8]) -> serde_json::Result<Self> {
        let state: Value = match FLAW {
            UNREADABLE_STATE | NEVER_SNAPSHOTTED => serde_json::from_slice(b"{")?,
            _ => serde_json::from_slice(json)?,
        };
        let last = if FLAW == LOSSY_STATE { 0 } else { state["last"].as_u64().unwrap() };
        Ok(Self { total: state["total"].as_u64().unwrap(), last })
    }
}

impl<const FLAW: u8> Event for Added<FLAW> {
    const TYPES: &'static [EventType] =
        &[EventType { name: "Added", schema: 1, upcasts: &[], rust_name: "Added" }];

    fn type_index(&self) -> usize {
        0
    }

    fn index_of(name: &str) -> Option<usize> {
        (name == "Added").then_some(0)
    }

    fn encode(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(out, &json!({ "amount": self.amount, "bonus": self.bonus }))
    }

    fn decode(_: usize, payload: &[u8]) -> serde_json::Result<Self> {
        let payload = if FLAW == UNREADABLE_EVENT { b"{" } else { payload };
        let event: Value = serde_json::from_slice(payload)?;
        let lossy = matches!(FLAW, LOSSY_EVENT | HIDDEN_FIELD);
        let bonus = if lossy { 0 } else { event["bonus"].as_u64().unwrap() };
        Ok(Self { amount: event["amount"].as_u64().unwrap(), bonus })
    }

    fn tags(&self) -> Vec<Tag> {
        Vec::new()
    }
}

impl<const FLAW: u8> Command for AddTo<FLAW> {
    type Aggregate = Tally<FLAW>;

    const TYPES: &'static [CommandType] = &[CommandType { name: "Add", rust_name: "Add" }];

    fn type_index(&self) -> usize {
        0
    }

    fn index_of(name: &str) -> Option<usize> {
        (name == "Add").then_some(0)
    }

    fn encode(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(out, &json!({ "amount": self.0.0 }))
    }

    fn decode(_: usize, payload: &[u8]) -> serde_json::Result<Self> {
        let command: Value = serde_json::from_slice(payload)?;
        Ok(Self(Add(command["amount"].as_u64().unwrap())))
    }
}
