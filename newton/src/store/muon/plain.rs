//! Another program's event store: appends emit, reads replay, and the rest is refused.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use serde_json::Value;
use serde_json::value::RawValue;

use super::RemoteOptions;
use crate::domain::{
    Cause, Encoding, Metadata, Name, NewEvent, OrderId, Payload, RecordedEvent, Schema, StreamName,
    Timestamp, Version,
};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::RemoteService;
use crate::muon::protocol::event::{self, Emit, Part, Processed, Replayed, emit, replay};
use crate::muon::protocol::reactive_stream;
use crate::store::{
    Append, Appended, Capability, Direction, EventStore, Head, Limits, Load, Page, Position, Read, Revision,
    Scan, Selection, Slice, StateKey, StateRecord, StateStore, StateWrite, StreamInfo, Streams,
};

/// The event store of a service that speaks Muon's protocol `event` alone.
///
/// It takes one event at a time, and keeps of its metadata the cause and the service. Its streams have no versions: every version is
/// 0, and none can be expected. Reads go forward, from an order id on. It keeps no state: put another
/// [`StateStore`] into the [`Stores`](crate::store::Stores) where one is needed.
#[derive(Clone)]
pub struct PlainStore {
    service: RemoteService,
    options: RemoteOptions,
}

const CAPABILITY: Capability = Capability {
    // It may be, but nobody says so.
    durable: false,
    expected_versions: false,
    multi_stream: false,
    conditions: false,
    limits: Limits { event_bytes: 8 * 1024 * 1024, events: 1 },
};

/// Events that may be on their way.
const WINDOW: u64 = 256;

impl PlainStore {
    /// The event store of a service.
    pub fn new(service: RemoteService, options: RemoteOptions) -> Self {
        Self { service, options }
    }

    fn refuse<T>(&self, operation: &'static str, what: &str) -> Result<T> {
        let message = format!("a plain event store cannot {what}; use a store that Newton publishes");
        Err(Error::new(ErrorKind::Unsupported, operation, message).with("service", self.service.name()))
    }

    /// What to ask for.
    fn replay(&self, read: &Read) -> Result<reactive_stream::Request> {
        let from = match read.from {
            None => 0,
            Some(Position::OrderId(order_id)) => order_id.0,
            Some(_) => return self.refuse("read", "begin at a version or a time"),
        };
        let stream = match &read.selection {
            Selection::Stream(name) | Selection::Domain(name) => name.as_str(),
            Selection::All => StreamName::ALL,
            _ => return self.refuse("read", "find events by id or correlation"),
        };
        if read.direction == Direction::Backward {
            return self.refuse("read", "be read backward");
        }
        if read.query.any.iter().any(|filter| !filter.tags.is_empty()) {
            return self.refuse("read", "find events by tag");
        }
        let request = replay(stream, Part::Cold, from);
        Ok(match &self.options.token {
            Some(token) => request.with(reactive_stream::TOKEN, token.as_str()),
            None => request,
        })
    }

    fn emitted(&self, stream: &StreamName, event: &NewEvent) -> Result<Emit> {
        if !event.tags.is_empty() {
            return self.refuse("append", "keep tags");
        }
        let json = std::str::from_utf8(event.payload.as_bytes()).ok();
        let json = json.filter(|_| *event.payload.encoding() == Encoding::Json);
        let Some(payload) = json.and_then(|json| RawValue::from_string(json.to_owned()).ok()) else {
            return self.refuse("append", "keep a payload that is not JSON");
        };
        let cause = event.metadata.cause.as_ref();
        Ok(Emit {
            id: Some(event.id.to_string()),
            event_type: event.event_type.to_string(),
            stream_name: stream.to_string(),
            schema: Some(match &event.schema {
                Schema::Number(number) => (*number).into(),
                Schema::Text(text) => (&**text).into(),
            }),
            caused_by: cause.map(|cause| cause.id.to_string().into()),
            caused_by_relation: cause.and_then(|cause| cause.relation.as_ref()).map(ToString::to_string),
            service_id: event.metadata.service.as_ref().map(ToString::to_string),
            payload: Some(payload),
            token: self.options.token.clone(),
        })
    }
}

#[async_trait]
impl EventStore for PlainStore {
    fn capability(&self) -> Capability {
        CAPABILITY
    }

    async fn append(&self, mut append: Append) -> Result<Appended> {
        CAPABILITY.admit(&append)?;
        let Some(mut to) = append.streams.pop() else { return self.refuse("append", "append nothing") };
        let Some(event) = to.events.pop() else { return self.refuse("append", "append nothing") };
        let event = self.emitted(&to.stream, &event)?;
        let channel = self.service.channel(event::PROTOCOL).await?;
        match emit(channel, &event, self.options.patience).await? {
            Processed::Persisted { order_id, event_time } => Ok(Appended {
                order_id: OrderId(order_id),
                versions: vec![Version(0)],
                time: Timestamp::from_timestamp_millis(event_time).unwrap_or(append.time),
                duplicate: false,
            }),
            Processed::Failed { cause } => {
                let message = format!("the store of `{}` refused the event: {cause}", self.service.name());
                Err(Error::new(ErrorKind::InvalidInput, "append", message).with("stream", to.stream))
            }
        }
    }

    async fn read(&self, read: Read) -> Result<Page> {
        read.admit()?;
        let window = WINDOW.min(read.limit as u64);
        let mut replay = self.service.subscribe(&self.replay(&read)?, window).await?;
        let (mut events, mut last) = (Vec::new(), OrderId::START);
        for _ in 0..read.limit {
            let Some(item) = replay.next().await? else { return Ok(Page { events, next: None }) };
            let event = recorded(&item)?;
            last = event.order_id;
            if read.selection.covers(&event, read.system) && read.query.matches(&event.event_type, &[]) {
                events.push(event);
            }
        }
        Ok(Page { events, next: Some(Position::OrderId(OrderId(last.0.saturating_add(1)))) })
    }

    async fn load(&self, _: Load) -> Result<Slice> {
        self.refuse("load", "load aggregates: its streams have no versions")
    }

    async fn streams(&self, _: Streams) -> Result<Vec<StreamInfo>> {
        self.refuse("list streams", "list its streams")
    }

    async fn event_types(&self, _: &StreamName) -> Result<Vec<Name>> {
        self.refuse("list event types", "list its event types")
    }

    async fn head(&self) -> Result<Head> {
        self.refuse("read the head", "say where its head is, so that nothing can follow it")
    }
}

#[async_trait]
impl StateStore for PlainStore {
    async fn get(&self, _: &StateKey) -> Result<Option<StateRecord>> {
        self.refuse("read state", "keep a state")
    }

    async fn write(&self, _: Vec<StateWrite>) -> Result<Vec<Revision>> {
        self.refuse("write state", "keep a state")
    }

    async fn scan(&self, _: Scan) -> Result<Vec<StateRecord>> {
        self.refuse("scan state", "keep a state")
    }
}

impl fmt::Debug for PlainStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainStore").field("service", &self.service.name()).finish_non_exhaustive()
    }
}

/// An event as it comes back.
fn recorded(item: &[u8]) -> Result<RecordedEvent> {
    let undecodable = |error: String| {
        let message = "the service replays an event that cannot be read";
        Error::new(ErrorKind::Decode, "read", message).caused_by(error)
    };
    let event: Replayed = serde_json::from_slice(item).map_err(|error| undecodable(error.to_string()))?;
    let time = DateTime::from_timestamp_millis(event.event_time)
        .ok_or_else(|| undecodable(format!("{} milliseconds are no time", event.event_time)))?;
    let cause = text_of(&event.caused_by_id);
    let cause = cause
        .map(|id| Cause { id: id.into(), relation: event.caused_by_relation.as_deref().map(Name::from) });
    let metadata = Metadata { cause, service: event.service_id.map(Into::into), ..Metadata::default() };
    Ok(RecordedEvent {
        id: text_of(&event.id).unwrap_or_default().into(),
        stream: StreamName::parse(event.stream_name)?,
        version: Version(0),
        order_id: OrderId(event.order_id),
        time,
        event_type: event.event_type.into(),
        schema: schema_of(&event.schema),
        payload: Payload::from_encoded(String::from(Box::<str>::from(event.payload))),
        tags: Vec::new(),
        metadata: Arc::new(metadata),
    })
}

/// A text, or the text of whatever else stands there.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn schema_of(value: &Value) -> Schema {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    match (number, text_of(value)) {
        (Some(number), _) => Schema::Number(number),
        (None, Some(text)) => Schema::Text(text.into()),
        (None, None) => Schema::Number(1),
    }
}
