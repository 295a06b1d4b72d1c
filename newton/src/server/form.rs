//! Events between Muon's forms and the store's.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use crate::domain::{
    Cause, CorrelationId, EventId, Name, NewEvent, OrderId, Payload, RecordedEvent, Schema, StreamName,
};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::protocol::event::Emit;

/// What an emitted event names as its cause.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CausedBy {
    /// An event's id; if it is all digits and no event has it, an order id.
    Id(String),
    /// An order id.
    OrderId(OrderId),
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

/// The stream an event is for. Streams of the system belong to whoever holds the store.
pub(super) fn stream(emit: &Emit) -> Result<StreamName> {
    let stream = StreamName::parse(emit.stream_name.as_str())?;
    if stream.is_system() {
        let message = "names that start with `$` belong to the system; choose another";
        return Err(Error::new(ErrorKind::InvalidInput, EMIT, message).with("stream", stream));
    }
    Ok(stream)
}

/// What an event names as its cause. An empty text is none.
pub(super) fn caused_by(emit: &Emit) -> Result<Option<CausedBy>> {
    match &emit.caused_by {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) if id.is_empty() => Ok(None),
        Some(Value::String(id)) => Ok(Some(CausedBy::Id(id.clone()))),
        Some(Value::Number(number)) => match whole(number) {
            Some(order_id) => Ok(Some(CausedBy::OrderId(OrderId(order_id)))),
            None => Err(invalid(format!("`caused-by` is {number}, which is no order id"))),
        },
        Some(_) => Err(invalid("`caused-by` must be an event's id or an order id")),
    }
}

/// A whole number. Some peers write each of theirs with a fraction, as `7.0`.
fn whole(number: &Number) -> Option<u64> {
    /// 2^53: from there on a fraction does not tell neighbours apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let fraction = || number.as_f64().filter(|value| value.fract() == 0.0 && (0.0..EXACT).contains(value));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole, and in range")]
    number.as_u64().or_else(|| fraction().map(|value| value as u64))
}

/// The event to be recorded, written by `service` unless it says otherwise.
pub(super) fn new_event(emit: Emit, service: &str, cause: Option<Correlated>) -> Result<NewEvent> {
    if emit.event_type.starts_with('$') {
        let message =
            "event types that start with `$` belong to the system; a stream is deleted by `/stream/delete`";
        return Err(invalid(message));
    }
    let mut event = NewEvent::new(emit.event_type, Payload::from_encoded(text_of(emit.payload)));
    if let Some(id) = emit.id.filter(|id| !id.is_empty()) {
        event.id = id.into();
    }
    if let Some(schema) = emit.schema {
        event.schema = schema_of(&schema)?;
    }
    let metadata = Arc::make_mut(&mut event.metadata);
    metadata.service = Some(emit.service_id.unwrap_or_else(|| service.to_owned()).into());
    if let Some(Correlated { id, correlation }) = cause {
        metadata.cause = Some(Cause { id, relation: emit.caused_by_relation.map(Into::into) });
        metadata.correlation_id = correlation;
    }
    Ok(event)
}

/// A cause, and what it is part of as far as it is known.
#[derive(Debug)]
pub(super) struct Correlated {
    pub(super) id: EventId,
    pub(super) correlation: Option<CorrelationId>,
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
    use crate::domain::{Timestamp, Version};

    fn emitted(json: &str) -> Emit {
        serde_json::from_str(json).unwrap()
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
        assert_eq!(caused_by(&emitted).unwrap(), Some(CausedBy::Id("cause".into())));
        let cause = Correlated { id: "cause".into(), correlation: None };
        let event = recorded(new_event(emitted, "peer", Some(cause)).unwrap());
        let replayed = serde_json::to_string(&Replayed::from(&event)).unwrap();
        assert_eq!(
            replayed,
            r#"{"id":"any id","event-type":"Born","stream-name":"users","schema":"v1.0","caused-by-id":"cause","caused-by-relation":"CAUSED","service-id":"mother","order-id":9,"event-time":1,"payload":{ "name" : "\u00fc" }}"#
        );
    }

    #[test]
    fn a_numeric_cause_is_an_order_id() {
        let with = |caused_by: &str| {
            let json = format!(r#"{{"event-type":"T","stream-name":"s","caused-by":{caused_by}}}"#);
            super::caused_by(&emitted(&json))
        };
        assert_eq!(with("42").unwrap(), Some(CausedBy::OrderId(OrderId(42))));
        assert_eq!(with("\"42\"").unwrap(), Some(CausedBy::Id("42".into())));
        assert_eq!(with("null").unwrap(), None);
        assert_eq!(with("\"\"").unwrap(), None);
        assert_eq!(with("42.0").unwrap(), Some(CausedBy::OrderId(OrderId(42))));
        for no_order_id in ["1.5", "-1", "-1.0", "1e300", "[1]"] {
            assert!(with(no_order_id).is_err(), "{no_order_id}");
        }
    }

    #[test]
    fn what_is_left_out_has_a_meaning() {
        let event = new_event(emitted(r#"{"event-type":"T","stream-name":"s"}"#), "peer", None).unwrap();
        assert_eq!(event.payload.as_bytes(), b"null");
        assert_eq!(event.metadata.service.as_deref(), Some("peer"));
        assert_eq!(event.schema, Schema::Number(1));
    }

    #[test]
    fn bad_events_are_refused() {
        for name in ["$saga/x", "__all__", ""] {
            let json = format!(r#"{{"event-type":"T","stream-name":"{name}"}}"#);
            assert!(stream(&emitted(&json)).is_err(), "{name}");
        }
        for json in [
            r#"{"event-type":"$deleted","stream-name":"s"}"#,
            r#"{"event-type":"T","stream-name":"s","schema":{}}"#,
        ] {
            assert!(new_event(emitted(json), "peer", None).is_err(), "{json}");
        }
    }
}
