//! What an instance's stream holds: triggers taken in, outcomes of commands, the end.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::{CommandId, EventId, Name, NewEvent, OrderId, Payload, RecordedEvent, Schema, Timestamp};
use crate::error::{Error, ErrorKind, Result};

const ADVANCED: Name = Name::from_static("$SagaAdvanced");
const OUTCOME: Name = Name::from_static("$SagaOutcome");
const ENDED: Name = Name::from_static("$SagaEnded");

/// One event of an instance's stream.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "most records are the large one, and none is kept for long")]
pub enum Record {
    /// It took in a trigger.
    Advanced(Advanced),
    /// Commands were done, refused or given up.
    Outcome(Outcomes),
    /// It came to its end, or to a standstill.
    Ended(Ended),
}

/// A trigger that was taken in: the state behind it, and all that its handler asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Advanced {
    /// The instance's key, in the record that starts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What made it move.
    pub trigger: TriggerRecord,
    /// The state as JSON.
    pub state: Json,
    /// The schema of the state.
    pub version: u32,
    /// The commands to send, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<PlannedCommand>,
    /// The timers it set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers_set: Vec<TimerRecord>,
    /// The timers it cancelled, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers_cancelled: Vec<String>,
    /// Every timer that stood before and does not any more: fired, set anew, cancelled, or ended with the instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers_gone: Vec<TimerRecord>,
    /// The tags it listens to from here on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listens: Vec<Interest>,
    /// What to do should a later step fail for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compensations: Vec<PlannedCommand>,
    /// Whether the failed command that was the trigger is made good.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recover: bool,
    /// Whether the instance takes in no more triggers.
    #[serde(default, skip_serializing_if = "is_false")]
    pub end: bool,
    /// Whether the instance begins here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub start: bool,
}

/// What made an instance move, as it is recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TriggerRecord {
    /// The trigger's own id, from which the ids of the record and of its commands are made.
    pub id: String,
    /// What kind of trigger it is.
    pub kind: TriggerKind,
    /// The events up to here were taken in before or with it.
    #[serde(default)]
    pub order_id: u64,
    /// The event that was the trigger, set the timer, or holds the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The event's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The timer's name, or the failed command's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The kinds of triggers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    /// An event of the log.
    #[default]
    Event,
    /// A timer that ran out.
    Deadline,
    /// A command that was rejected or failed for good.
    CommandFailed,
}

/// A command that is to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedCommand {
    /// Its id, the same whenever it is sent.
    pub id: String,
    /// The service that has the aggregate, where it is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The domain stream of the aggregate that decides on it, such as `shop/Shipment`.
    pub aggregate: String,
    /// The aggregate's id.
    pub target: String,
    /// Its stable name, such as `ShipmentShip`.
    pub name: String,
    /// Its payload.
    pub payload: Json,
}

/// A timer: its name and when it is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerRecord {
    /// The name it was set with.
    pub name: String,
    /// When it is due, in microseconds since 1970.
    pub due: i64,
}

/// A tag whose events an instance wants besides those of its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Interest {
    /// The tag's key.
    pub key: String,
    /// The tag's value.
    pub value: String,
}

/// What came of commands, in the order they were sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcomes {
    /// One for each command that was settled.
    pub outcomes: Vec<CommandOutcome>,
}

/// What came of one command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandOutcome {
    /// The command's id.
    pub command: String,
    /// What came of it.
    pub result: CommandResult,
    /// How often it was sent, as far as the process knows that settled it.
    pub attempts: u32,
    /// The rejection or the error, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The last event it caused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<u64>,
}

/// The ways a command can come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandResult {
    /// It took effect, now or when it was sent before.
    Done,
    /// The aggregate said no.
    Rejected,
    /// It could not be executed, and will not be tried again by itself.
    Failed,
    /// Somebody gave it up by hand.
    Dropped,
}

/// How an instance ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The instance's key.
    pub key: String,
    /// In which way.
    pub status: EndedAs,
    /// Why, where it was not by its own `end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The ways an instance ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedAs {
    /// It asked to, and all of its commands are done.
    Ended,
    /// A command failed for good, and what was done before was made up for.
    Compensated,
    /// A compensation failed: somebody has to look.
    Parked,
}

/// JSON text that is carried along and not looked into. Cloning is cheap.
#[derive(Clone)]
pub struct Json(Arc<RawValue>);

impl Json {
    /// JSON that was just encoded.
    ///
    /// # Errors
    /// Where it is none.
    pub(crate) fn parse(json: Vec<u8>) -> serde_json::Result<Self> {
        let text = String::from_utf8(json).map_err(serde::de::Error::custom)?;
        RawValue::from_string(text).map(|raw| Self(raw.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl Default for Json {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned().into())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| Self(raw.into()))
    }
}

impl Record {
    /// Reads a record from an instance's stream.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] where the payload does not fit, [`ErrorKind::Incompatible`] where a newer Newton wrote it.
    pub(crate) fn decode(event: &RecordedEvent) -> Result<Self> {
        let wrong = |error: Error| error.with("stream", &event.stream).with("version", event.version);
        if event.schema != Schema::Number(1) {
            let message = format!(
                "a newer Newton wrote this `{}`, with schema {}; run that one",
                event.event_type, event.schema
            );
            return Err(wrong(Error::new(ErrorKind::Incompatible, DECODE, message)));
        }
        let payload = event.payload.as_bytes();
        let decoded = match event.event_type.as_str() {
            "$SagaAdvanced" => serde_json::from_slice(payload).map(Self::Advanced),
            "$SagaOutcome" => serde_json::from_slice(payload).map(Self::Outcome),
            "$SagaEnded" => serde_json::from_slice(payload).map(Self::Ended),
            other => {
                let message = format!("`{other}` is no record of a saga; run the Newton that wrote it");
                return Err(wrong(Error::new(ErrorKind::Incompatible, DECODE, message)));
            }
        };
        decoded.map_err(|error| {
            let message = format!("the payload of `{}` is damaged", event.event_type);
            wrong(Error::new(ErrorKind::Decode, DECODE, message).caused_by(error))
        })
    }

    /// An event to append, under a given id.
    pub(crate) fn encode(&self, id: EventId) -> Result<NewEvent> {
        let (name, payload) = match self {
            Self::Advanced(record) => (ADVANCED, Payload::of(record)?),
            Self::Outcome(record) => (OUTCOME, Payload::of(record)?),
            Self::Ended(record) => (ENDED, Payload::of(record)?),
        };
        Ok(NewEvent { id, ..NewEvent::new(name, payload) })
    }
}

impl CommandResult {
    /// Whether the command did not take effect, and nobody has decided what is to become of that.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Rejected | Self::Failed)
    }
}

impl TimerRecord {
    /// When it is due.
    pub fn time(&self) -> Timestamp {
        Timestamp::from_timestamp_micros(self.due).unwrap_or(Timestamp::MAX_UTC)
    }
}

impl TriggerRecord {
    pub(super) fn order_id(&self) -> OrderId {
        OrderId(self.order_id)
    }
}

impl PlannedCommand {
    /// The aggregate: its stream, and in front of it the service, where it is another one.
    pub(crate) fn address(&self) -> String {
        let stream = format!("{}/{}", self.aggregate, self.target);
        match &self.service {
            Some(service) => format!("{service}: {stream}"),
            None => stream,
        }
    }

    pub(super) fn command_id(&self) -> CommandId {
        self.id.as_str().into()
    }
}

const DECODE: &str = "read saga";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
