//! The records that sagas leave in their streams, as far as they say who caused what.

use serde::Deserialize;

use crate::domain::{Encoding, Payload, RecordedEvent, Schema};

/// What a saga recorded.
#[derive(Debug)]
pub(super) enum Record {
    Advanced(Advanced),
    Outcome(Outcomes),
    Ended(Ended),
}

/// The streams of sagas begin so.
const STREAMS: &str = "$saga/";

/// An instance took in a trigger.
#[derive(Debug, Deserialize)]
pub(super) struct Advanced {
    pub(super) trigger: Trigger,
    #[serde(default)]
    pub(super) commands: Vec<Sent>,
    #[serde(default)]
    pub(super) compensations: Vec<Sent>,
    #[serde(default)]
    pub(super) timers_set: Vec<TimerSet>,
    #[serde(default)]
    pub(super) timers_cancelled: Vec<String>,
    /// Every timer that stood before and does not any more, for whatever reason.
    #[serde(default)]
    pub(super) timers_gone: Vec<TimerSet>,
    /// Whether the failed command that was the trigger is made good, so that nothing has to be compensated.
    #[serde(default)]
    pub(super) recover: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Trigger {
    pub(super) kind: TriggerKind,
    /// The timer that ran out.
    #[serde(default)]
    pub(super) name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TriggerKind {
    Event,
    Deadline,
    CommandFailed,
}

/// A command that is to be sent.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Sent {
    pub(super) id: String,
    /// The domain of the aggregate it goes to.
    pub(super) aggregate: String,
    /// The id of that aggregate.
    pub(super) target: String,
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct TimerSet {
    pub(super) name: String,
    /// Microseconds since 1970.
    pub(super) due: i64,
}

/// What came of commands.
#[derive(Debug, Deserialize)]
pub(super) struct Outcomes {
    pub(super) outcomes: Vec<Outcome>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    pub(super) command: String,
    pub(super) result: OutcomeResult,
    #[serde(default)]
    pub(super) attempts: Option<u64>,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutcomeResult {
    Done,
    Rejected,
    Failed,
    Dropped,
}

/// An instance ended, or was set aside.
#[derive(Debug, Deserialize)]
pub(super) struct Ended {
    pub(super) status: String,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

impl Record {
    /// The record that an event is, if it is one that can be read.
    pub(super) fn of(event: &RecordedEvent) -> Option<Self> {
        if !event.stream.as_str().starts_with(STREAMS) || event.schema != Schema::Number(1) {
            return None;
        }
        match &*event.event_type {
            "$SagaAdvanced" => read(&event.payload).map(Self::Advanced),
            "$SagaOutcome" => read(&event.payload).map(Self::Outcome),
            "$SagaEnded" => read(&event.payload).map(Self::Ended),
            _ => None,
        }
    }
}

fn read<T: for<'de> Deserialize<'de>>(payload: &Payload) -> Option<T> {
    let plain = *payload.encoding() == Encoding::Json && payload.key_id().is_none();
    plain.then(|| serde_json::from_slice(payload.as_bytes()).ok()).flatten()
}
