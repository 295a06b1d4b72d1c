//! Commands to which an aggregate said no, recorded for whoever asks later who caused what.
//!
//! The record is an event in the system stream `$rejections/{context}/{Aggregate}/{id}`, with the metadata of the command.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::id::EventIds;
use crate::domain::{ExpectedVersion, Name, NewEvent, Payload, RecordedEvent, StreamName};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::{Environment, Order};
use crate::store::{Append, EventStore};

const REJECTED: Name = Name::from_static("$rejected");

/// How the names of all these streams begin.
const PREFIX: &str = "$rejections/";

/// What is recorded of a command that was rejected.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Rejected {
    /// The command's stable name.
    pub(crate) command: Cow<'static, str>,
    /// The stream of the aggregate that rejected it.
    pub(crate) target: String,
    /// The rejection as text.
    pub(crate) reason: String,
}

impl Rejected {
    /// What an event of these streams says; `None` for any other event, and for what a later version wrote.
    pub(crate) fn of(event: &RecordedEvent) -> Option<Self> {
        let is_one = event.stream.as_str().starts_with(PREFIX) && event.event_type == REJECTED;
        is_one.then(|| serde_json::from_slice(event.payload.as_bytes()).ok()).flatten()
    }
}

/// Records a rejection, where that is asked for and no saga records it. The rejection is the answer, recorded or not: where it
/// cannot be recorded there is a warning.
pub(crate) async fn record(
    environment: &Environment,
    stream: &StreamName,
    command: &'static str,
    order: &Order,
    rejection: &(impl Display + Sync),
) {
    if !environment.settings.record_rejections || order.is_sagas {
        return;
    }
    let rejected =
        Rejected { command: command.into(), target: stream.to_string(), reason: rejection.to_string() };
    if let Err(error) = append(environment, rejected, order).await {
        tracing::warn!(%stream, command, %error, "a rejection could not be recorded");
    }
}

async fn append(environment: &Environment, rejected: Rejected, order: &Order) -> Result<()> {
    let stream = StreamName::parse(format!("{PREFIX}{}", rejected.target))?;
    let payload = serde_json::to_vec(&rejected).map_err(|error| {
        Error::new(ErrorKind::Internal, "record rejection", "it has no JSON form").caused_by(error)
    })?;
    let event = NewEvent {
        // The same command, rejected again, is the same event.
        id: EventIds::of(&order.command_id, &stream).at(0),
        metadata: Arc::new(order.metadata(&environment.settings.service)),
        ..NewEvent::new(REJECTED, Payload::from_encoded(payload))
    };
    let time = environment.clock.now();
    let append = Append::to(stream, ExpectedVersion::Any, vec![event], time);
    environment.events.append(append).await.map(drop)
}
