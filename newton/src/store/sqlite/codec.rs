//! Newton's values as SQLite's, and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::BytesMut;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use uuid::Uuid;

use super::failure::{Outcome, corrupt};
use crate::domain::id::Id;
use crate::domain::{Encoding, Name, Payload, Schema, StreamName, Tag, Timestamp};

/// A value to bind as it is, without a copy.
pub(super) struct Bind<'a>(pub(super) ValueRef<'a>);

impl ToSql for Bind<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

pub(super) fn text(text: &str) -> Bind<'_> {
    Bind(ValueRef::Text(text.as_bytes()))
}

pub(super) fn optional_text(text: Option<&Name>) -> Bind<'_> {
    Bind(text.map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes())))
}

pub(super) fn id(id: &Id) -> Bind<'_> {
    Bind(match id {
        Id::Uuid(uuid) => ValueRef::Blob(uuid.as_bytes()),
        Id::Text(text) => ValueRef::Text(text.as_bytes()),
    })
}

/// An id as a value that is kept.
pub(super) fn id_value(id: &Id) -> Value {
    match id {
        Id::Uuid(uuid) => Value::Blob(uuid.as_bytes().into()),
        Id::Text(text) => Value::Text(text.as_ref().to_owned()),
    }
}

pub(super) fn optional_id(optional: Option<&Id>) -> Bind<'_> {
    optional.map_or(Bind(ValueRef::Null), id)
}

pub(super) fn schema(schema: &Schema) -> Bind<'_> {
    Bind(match schema {
        Schema::Number(number) => ValueRef::Integer(i64::from(*number)),
        Schema::Text(text) => ValueRef::Text(text.as_bytes()),
    })
}

/// JSON as text, so that people can read it; everything else as bytes.
pub(super) fn payload(payload: &Payload) -> Bind<'_> {
    let json = *payload.encoding() == Encoding::Json && payload.key_id().is_none();
    Bind(if json { ValueRef::Text(payload.as_bytes()) } else { ValueRef::Blob(payload.as_bytes()) })
}

pub(super) fn encoding(payload: &Payload) -> Bind<'_> {
    Bind(match payload.encoding() {
        Encoding::Json => ValueRef::Null,
        Encoding::Other(name) => ValueRef::Text(name.as_bytes()),
    })
}

/// UTF-8 as text, so that people can read it; everything else as bytes.
pub(super) fn bytes_or_text(bytes: &[u8]) -> Bind<'_> {
    let is_text = std::str::from_utf8(bytes).is_ok();
    Bind(if is_text { ValueRef::Text(bytes) } else { ValueRef::Blob(bytes) })
}

/// A number above what SQLite can hold is above every stored one.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn tags_json(tags: &[Tag]) -> Option<String> {
    let pairs: Vec<(&str, &str)> = tags.iter().map(|tag| (&*tag.key, &*tag.value)).collect();
    (!pairs.is_empty()).then(|| serde_json::json!(pairs).to_string())
}

pub(super) fn integer(value: ValueRef<'_>) -> Outcome<i64> {
    match value {
        ValueRef::Integer(number) => Ok(number),
        other => Err(impossible("a number", other)),
    }
}

pub(super) fn unsigned(value: ValueRef<'_>) -> Outcome<u64> {
    let number = integer(value)?;
    u64::try_from(number).map_err(|_| corrupt(format!("the number {number} is negative")))
}

pub(super) fn read_text(value: ValueRef<'_>) -> Outcome<&str> {
    match value {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_err(|_| corrupt("a text is not UTF-8")),
        other => Err(impossible("a text", other)),
    }
}

/// The bytes of a text or of bytes.
pub(super) fn read_bytes(value: ValueRef<'_>) -> Outcome<&[u8]> {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(bytes),
        other => Err(impossible("text or bytes", other)),
    }
}

pub(super) fn read_name(value: ValueRef<'_>) -> Outcome<Option<Name>> {
    match value {
        ValueRef::Null => Ok(None),
        value => Ok(Some(read_text(value)?.into())),
    }
}

pub(super) fn read_id(value: ValueRef<'_>) -> Outcome<Option<Id>> {
    match value {
        ValueRef::Null => Ok(None),
        ValueRef::Blob(bytes) => match Uuid::from_slice(bytes) {
            Ok(uuid) => Ok(Some(Id::Uuid(uuid))),
            Err(_) => Err(corrupt(format!("an id has {} bytes instead of 16", bytes.len()))),
        },
        value => Ok(Some(Id::Text(read_text(value)?.into()))),
    }
}

pub(super) fn read_schema(value: ValueRef<'_>) -> Outcome<Schema> {
    match value {
        ValueRef::Integer(number) => match u32::try_from(number) {
            Ok(number) => Ok(Schema::Number(number)),
            Err(_) => Err(corrupt(format!("the schema {number} is out of range"))),
        },
        value => Ok(Schema::Text(read_text(value)?.into())),
    }
}

/// A payload, whose bytes are cut off the one buffer of a page. `format` gives the columns of its encoding and of its key,
/// which are asked only where it is no text: plain JSON is.
pub(super) fn cut_payload<'a>(
    payload: ValueRef<'_>,
    format: impl FnOnce() -> rusqlite::Result<(ValueRef<'a>, ValueRef<'a>)>,
    buffer: &mut BytesMut,
) -> Outcome<Payload> {
    buffer.extend_from_slice(read_bytes(payload)?);
    let bytes = buffer.split().freeze();
    if let ValueRef::Text(_) = payload {
        return Ok(Payload::from_encoded(bytes));
    }
    let (encoding, key_id) = format()?;
    let encoding = read_name(encoding)?.map_or(Encoding::Json, Encoding::Other);
    Ok(Payload::in_format(bytes, encoding, read_name(key_id)?))
}

pub(super) fn read_extra(value: ValueRef<'_>) -> Outcome<BTreeMap<String, String>> {
    if value == ValueRef::Null {
        return Ok(BTreeMap::new());
    }
    serde_json::from_str(read_text(value)?).map_err(|_| corrupt("the metadata of an event is not JSON"))
}

pub(super) fn read_time(value: ValueRef<'_>) -> Outcome<Timestamp> {
    time(integer(value)?)
}

/// A time in microseconds.
pub(super) fn time(micros: i64) -> Outcome<Timestamp> {
    Timestamp::from_timestamp_micros(micros)
        .ok_or_else(|| corrupt(format!("the time {micros} is out of range")))
}

pub(super) fn read_stream_name(value: ValueRef<'_>) -> Outcome<StreamName> {
    let name: Arc<str> = read_text(value)?.into();
    StreamName::parse(name).map_err(|error| corrupt(format!("a stream's name is impossible: {error}")))
}

pub(super) fn read_tags(value: ValueRef<'_>) -> Outcome<Vec<Tag>> {
    if value == ValueRef::Null {
        return Ok(Vec::new());
    }
    let pairs: Vec<(String, String)> =
        serde_json::from_str(read_text(value)?).map_err(|_| corrupt("the tags of an event are not JSON"))?;
    Ok(pairs.into_iter().map(|(key, value)| Tag::new(key, value)).collect())
}

fn impossible(what: &str, found: ValueRef<'_>) -> super::failure::Failure {
    corrupt(format!("{what} was expected where {} is stored", found.data_type()))
}
