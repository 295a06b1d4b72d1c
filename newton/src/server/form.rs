//! Events as Muon's services write and read them: the forms of `EventEmitted`, `EventProcessed` and of what a replay gives.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::{
    Cause, CorrelationId, EventId, Name, NewEvent, OrderId, Payload, RecordedEvent, Schema, StreamName,
    Timestamp,
};
use crate::error::{Error, ErrorKind, Result};

/// An event that a client wants to be stored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Emitted {
    id: Option<String>,
    event_type: String,
    stream_name: String,
    schema: Option<Value>,
    caused_by: Option<Value>,
    caused_by_relation: Option<String>,
    service_id: Option<String>,
    payload: Option<Box<RawValue>>,
    /// Who the client is; never stored.
    pub(super) token: Option<String>,
}

/// What an emitted event names as its cause.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CausedBy {
    /// An event's id; if it is all digits and no event has it, an order id.
    Id(String),
    /// An order id.
    OrderId(OrderId),
}

/// What became of an emitted event.
#[derive(Debug, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Processed {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderId>,
    /// Milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

/// A recorded event as a replay gives it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Replayed<'a> {
    id: &'a EventId,
    event_type: &'a Name,
    stream_name: &'a StreamName,
    schema: &'a Schema,
    #[serde(skip_serializing_if = "Option::is_none")]
    caused_by_id: Option<&'a EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caused_by_relation: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_id: Option<&'a Name>,
    order_id: OrderId,
    /// Milliseconds since the Unix epoch.
    event_time: i64,
    payload: Content<'a>,
}

/// JSON as it is; anything else as base64 text.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Json(&'a RawValue),
    Base64(String),
}

impl Emitted {
    /// An emitted event from its JSON.
    pub(super) fn parse(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).map_err(|error| {
            let message = "this is no event; it needs at least `event-type` and `stream-name` as texts";
            Error::new(ErrorKind::Decode, EMIT, message).with("reason", error)
        })
    }

    /// The stream it is for. Streams of the system belong to whoever holds the store.
    pub(super) fn stream(&self) -> Result<StreamName> {
        let stream = StreamName::parse(self.stream_name.as_str())?;
        if stream.is_system() {
            let message = "names that start with `$` belong to the system; choose another";
            return Err(Error::new(ErrorKind::InvalidInput, EMIT, message).with("stream", stream));
        }
        Ok(stream)
    }

    /// What it names as its cause. An empty text is none.
    pub(super) fn caused_by(&self) -> Result<Option<CausedBy>> {
        match &self.caused_by {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(id)) if id.is_empty() => Ok(None),
            Some(Value::String(id)) => Ok(Some(CausedBy::Id(id.clone()))),
            Some(Value::Number(number)) => match number.as_u64() {
                Some(order_id) => Ok(Some(CausedBy::OrderId(OrderId(order_id)))),
                None => Err(invalid(format!("`caused-by` is {number}, which is no order id"))),
            },
            Some(_) => Err(invalid("`caused-by` must be an event's id or an order id")),
        }
    }

    /// The event, written by `service` unless it says otherwise.
    pub(super) fn into_event(self, service: &str, cause: Option<Correlated>) -> Result<NewEvent> {
        if self.event_type.starts_with('$') {
            let message = "event types that start with `$` belong to the system; a stream is deleted by `/stream/delete`";
            return Err(invalid(message));
        }
        let mut event = NewEvent::new(self.event_type, Payload::from_encoded(text_of(self.payload)));
        if let Some(id) = self.id.filter(|id| !id.is_empty()) {
            event.id = id.into();
        }
        if let Some(schema) = self.schema {
            event.schema = schema_of(&schema)?;
        }
        let metadata = Arc::make_mut(&mut event.metadata);
        metadata.service = Some(self.service_id.unwrap_or_else(|| service.to_owned()).into());
        if let Some(Correlated { id, correlation }) = cause {
            metadata.cause = Some(Cause { id, relation: self.caused_by_relation.map(Into::into) });
            metadata.correlation_id = correlation;
        }
        Ok(event)
    }
}

/// A cause, and what it is part of as far as it is known.
#[derive(Debug)]
pub(super) struct Correlated {
    pub(super) id: EventId,
    pub(super) correlation: Option<CorrelationId>,
}

impl Processed {
    /// The event is stored, at this place and time.
    pub(super) fn persisted(order_id: OrderId, time: Timestamp) -> Self {
        let event_time = Some(time.timestamp_millis());
        Self { status: "PERSISTED", order_id: Some(order_id), event_time, cause: None }
    }

    /// It is not, for this reason.
    pub(super) fn failed(error: &Error) -> Self {
        Self { status: "FAILED", order_id: None, event_time: None, cause: Some(error.to_string()) }
    }
}

impl<'a> From<&'a RecordedEvent> for Replayed<'a> {
    fn from(event: &'a RecordedEvent) -> Self {
        let cause = event.metadata.cause.as_ref();
        Self {
            id: &event.id,
            event_type: &event.event_type,
            stream_name: &event.stream,
            schema: &event.schema,
            caused_by_id: cause.map(|cause| &cause.id),
            caused_by_relation: cause.and_then(|cause| cause.relation.as_ref()),
            service_id: event.metadata.service.as_ref(),
            order_id: event.order_id,
            event_time: event.time.timestamp_millis(),
            payload: content(event.payload.as_bytes()),
        }
    }
}

fn content(bytes: &[u8]) -> Content<'_> {
    match serde_json::from_slice(bytes) {
        Ok(json) => Content::Json(json),
        Err(_) => Content::Base64(STANDARD.encode(bytes)),
    }
}

/// The text of a payload; none is `null`.
fn text_of(payload: Option<Box<RawValue>>) -> String {
    payload.map_or_else(|| "null".to_owned(), |json| Box::<str>::from(json).into())
}

/// A schema as it was written: a small whole number as such, anything else as text.
fn schema_of(value: &Value) -> Result<Schema> {
    match value {
        Value::String(text) => Ok(Schema::Text(text.as_str().into())),
        Value::Number(number) => {
            let whole = number.as_u64().and_then(|number| u32::try_from(number).ok());
            Ok(whole.map_or_else(|| Schema::Text(number.to_string().into()), Schema::Number))
        }
        _ => Err(invalid("`schema` must be a text or a number")),
    }
}

const EMIT: &str = "emit";

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, EMIT, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Version;

    fn emitted(json: &str) -> Emitted {
        Emitted::parse(json.as_bytes()).unwrap()
    }

    fn recorded(event: NewEvent) -> RecordedEvent {
        RecordedEvent {
            id: event.id,
            stream: StreamName::parse("users").unwrap(),
            version: Version(1),
            order_id: OrderId(9),
            time: Timestamp::from_timestamp_micros(1_500).unwrap(),
            event_type: event.event_type,
            schema: event.schema,
            payload: event.payload,
            tags: event.tags,
            metadata: event.metadata,
        }
    }

    #[test]
    fn foreign_values_come_back_as_they_were_written() {
        let json = r#"{"id":"any id","event-type":"Born","stream-name":"users","schema":"v1.0","caused-by":"cause",
            "caused-by-relation":"CAUSED","service-id":"mother","payload":{ "name" : "\u00fc" },"unknown":1,"token":"t"}"#;
        let emitted = emitted(json);
        assert_eq!(emitted.token.as_deref(), Some("t"));
        assert_eq!(emitted.caused_by().unwrap(), Some(CausedBy::Id("cause".into())));
        let cause = Correlated { id: "cause".into(), correlation: None };
        let event = recorded(emitted.into_event("peer", Some(cause)).unwrap());
        let replayed = serde_json::to_string(&Replayed::from(&event)).unwrap();
        assert_eq!(
            replayed,
            r#"{"id":"any id","event-type":"Born","stream-name":"users","schema":"v1.0","caused-by-id":"cause","caused-by-relation":"CAUSED","service-id":"mother","order-id":9,"event-time":1,"payload":{ "name" : "\u00fc" }}"#
        );
    }

    #[test]
    fn a_numeric_cause_is_an_order_id() {
        let with = |caused_by: &str| {
            emitted(&format!(r#"{{"event-type":"T","stream-name":"s","caused-by":{caused_by}}}"#)).caused_by()
        };
        assert_eq!(with("42").unwrap(), Some(CausedBy::OrderId(OrderId(42))));
        assert_eq!(with("\"42\"").unwrap(), Some(CausedBy::Id("42".into())));
        assert_eq!(with("null").unwrap(), None);
        assert_eq!(with("\"\"").unwrap(), None);
        assert!(with("1.5").is_err());
        assert!(with("[1]").is_err());
    }

    #[test]
    fn what_is_left_out_has_a_meaning() {
        let event = emitted(r#"{"event-type":"T","stream-name":"s"}"#).into_event("peer", None).unwrap();
        assert_eq!(event.payload.as_bytes(), b"null");
        assert_eq!(event.metadata.service.as_deref(), Some("peer"));
        assert_eq!(event.schema, Schema::Number(1));
    }

    #[test]
    fn bad_events_are_refused() {
        for json in ["", "{}", "[]", r#"{"event-type":1,"stream-name":"s"}"#] {
            assert!(Emitted::parse(json.as_bytes()).is_err(), "{json}");
        }
        assert!(emitted(r#"{"event-type":"T","stream-name":"$saga/x"}"#).stream().is_err());
        assert!(emitted(r#"{"event-type":"T","stream-name":"__all__"}"#).stream().is_err());
        assert!(emitted(r#"{"event-type":"$deleted","stream-name":"s"}"#).into_event("p", None).is_err());
        assert!(emitted(r#"{"event-type":"T","stream-name":"s","schema":{}}"#).into_event("p", None).is_err());
    }
}
