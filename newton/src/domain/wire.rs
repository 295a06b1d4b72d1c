//! The JSON forms of Newton's values between services: texts as texts, times in microseconds, bytes as JSON where they are.

use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::{CommandId, CorrelationId, Encoding, EventId, Name, Payload, StreamName};

/// A type whose JSON is a text.
trait Text: Sized + fmt::Display {
    fn of(text: &str) -> Result<Self, String>;
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Text> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::of(text).map_err(E::custom)
    }
}

macro_rules! texts {
    ($($type:ty: $of:expr),* $(,)?) => {
        $(
            impl Text for $type {
                fn of(text: &str) -> Result<Self, String> {
                    $of(text)
                }
            }

            impl Serialize for $type {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_str(TextVisitor(PhantomData))
                }
            }
        )*
    };
}

texts! {
    Name: |text: &str| Ok(text.into()),
    EventId: |text: &str| Ok(text.into()),
    CommandId: |text: &str| Ok(text.into()),
    CorrelationId: |text: &str| Ok(text.into()),
    StreamName: |text: &str| StreamName::parse(text).map_err(|error| error.to_string()),
}

/// A time as microseconds since the Unix epoch.
pub(crate) mod micros {
    use chrono::DateTime;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::Timestamp;

    pub(crate) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(time.timestamp_micros())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let micros = i64::deserialize(deserializer)?;
        DateTime::from_timestamp_micros(micros)
            .ok_or_else(|| D::Error::custom(format!("{micros} microseconds are no time")))
    }
}

/// A shared value as the value itself.
pub(crate) mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Arc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        (**value).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

/// Bytes as JSON where they are exactly one JSON value, else as base64: `{"json": ..}` or `{"base64": ".."}`.
pub(crate) mod octets {
    use super::{Bytes, Deserialize, Deserializer, Received, Sent, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        Sent::of(bytes).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        Received::deserialize(deserializer)?.bytes()
    }

    /// The same where there may be none.
    pub(crate) mod optional {
        use super::{Bytes, Deserialize, Deserializer, Received, Sent, Serialize, Serializer};

        #[expect(clippy::ref_option, reason = "serde gives the field as it is")]
        pub(crate) fn serialize<S: Serializer>(
            bytes: &Option<Bytes>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            bytes.as_ref().map(|bytes| Sent::of(bytes)).serialize(serializer)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Bytes>, D::Error> {
            Option::<Received>::deserialize(deserializer)?.map(Received::bytes).transpose()
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Sent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a Name>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Received {
    /// A `null` is a value too.
    #[serde(default, deserialize_with = "present")]
    json: Option<Box<RawValue>>,
    base64: Option<String>,
    encoding: Option<Name>,
    key_id: Option<Name>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

impl<'a> Sent<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        // White space around a value would not come through.
        let json = serde_json::from_slice::<&RawValue>(bytes).ok();
        let json = json.filter(|json| json.get().len() == bytes.len());
        let base64 = json.is_none().then(|| STANDARD.encode(bytes));
        Self { json, base64, encoding: None, key_id: None }
    }
}

impl Received {
    fn bytes<E: de::Error>(self) -> Result<Bytes, E> {
        match (self.json, self.base64) {
            (Some(json), None) => Ok(String::from(Box::<str>::from(json)).into()),
            (None, Some(base64)) => STANDARD.decode(base64).map(Into::into).map_err(E::custom),
            _ => Err(E::custom("bytes need either `json` or `base64`")),
        }
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sent = Sent::of(self.as_bytes());
        sent.key_id = self.key_id();
        if let Encoding::Other(name) = self.encoding() {
            sent.encoding = Some(name);
        }
        sent.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut received = Received::deserialize(deserializer)?;
        let encoding = received.encoding.take().map_or(Encoding::Json, Encoding::Other);
        let key_id = received.key_id.take();
        Ok(Self::in_format(received.bytes::<D::Error>()?, encoding, key_id))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{
        Cause, ExpectedVersion, Metadata, NewEvent, OrderId, RecordedEvent, Schema, Tag, Timestamp, Version,
    };
    use crate::store::{StateKey, StateWrite};

    fn through_json<T: Serialize + for<'de> Deserialize<'de>>(value: &T) -> T {
        let json = serde_json::to_vec(value).unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    #[test]
    fn payloads_keep_every_byte() {
        let payloads = [r#"{ "a" : 1.0 }"#, " 1 ", "null", "", "{broken", "1e400", "\"\\u00fc\u{1f600}\""];
        for bytes in payloads {
            let payload = Payload::from_encoded(bytes);
            assert_eq!(through_json(&payload), payload, "{bytes}");
        }
        let payload = Payload::in_format(&[0_u8, 255][..], Encoding::Other("cbor".into()), Some("k".into()));
        assert_eq!(through_json(&payload), payload);
    }

    #[test]
    fn an_event_comes_through_whole() {
        let metadata = Metadata {
            correlation_id: Some("corr".into()),
            cause: Some(Cause { id: "foreign id".into(), relation: Some("caused".into()) }),
            command_id: Some(CommandId::generate()),
            service: Some("s".into()),
            tenant: None,
            actor: Some("ada".into()),
            extra: [("k".to_owned(), "v".to_owned())].into(),
        };
        let event = RecordedEvent {
            id: EventId::generate(),
            stream: StreamName::parse("a/B/\u{fc}").unwrap(),
            version: Version(3),
            order_id: OrderId(7),
            time: Timestamp::from_timestamp_micros(1_234_567).unwrap(),
            event_type: "T".into(),
            schema: Schema::Text("7".into()),
            payload: Payload::json("{}").unwrap(),
            tags: vec![Tag::new("order", "a:b")],
            metadata: Arc::new(metadata),
        };
        assert_eq!(through_json(&event), event);
        let plain = NewEvent::new("T", Payload::json("null").unwrap());
        assert_eq!(through_json(&plain), plain);
    }

    #[test]
    fn what_cannot_be_a_value_is_refused() {
        assert!(serde_json::from_str::<StreamName>("\"\"").is_err());
        assert!(serde_json::from_str::<Payload>("{}").is_err());
        assert!(serde_json::from_str::<Payload>(r#"{"base64": "%"}"#).is_err());
        assert!(serde_json::from_str::<ExpectedVersion>("\"sometimes\"").is_err());
    }

    #[test]
    fn a_delete_is_not_an_empty_value() {
        for value in [None, Some(Bytes::new()), Some(Bytes::from_static(b"null"))] {
            let key = StateKey::new("space", "key");
            let write = StateWrite { key, expect: crate::store::Expect::Any, value: value.clone() };
            assert_eq!(through_json(&write).value, value);
        }
    }
}
