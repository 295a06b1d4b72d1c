//! A row of the events table as a recorded event.

use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::BytesMut;
use lru::LruCache;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, Statement};

use super::types::TypeNames;
use crate::domain::{
    Cause, CommandId, CorrelationId, EventId, Metadata, Name, OrderId, RecordedEvent, StreamName, Timestamp,
    Version,
};
use crate::store::sqlite::codec::{self, read_id, read_name, unsigned};
use crate::store::sqlite::failure::{Failure, Outcome, corrupt};

/// The columns of an event, in the order in which [`Names::event`] reads them.
pub(super) const COLUMNS: &str = "order_id, stream_id, version, type_id, schema, time, event_id, payload,
 correlation_id, command_id, cause_id, cause_relation, service, tenant, actor, tags, extra, encoding, key_id";

/// Names of streams that are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(8_192).unwrap();

/// The names behind the numbers in the events table. A number never changes its name.
pub(super) struct Names<'c> {
    connection: &'c Connection,
    find_stream: Statement<'c>,
    types: TypeNames,
    streams: LruCache<i64, StreamName>,
    last: Last,
}

/// What the last event had: the events of one append share all of it, and most others some.
#[derive(Default)]
struct Last {
    stream: Option<(i64, StreamName)>,
    time: (i64, Timestamp),
    metadata: Arc<Metadata>,
    /// That of events that nothing is known of.
    no_metadata: Arc<Metadata>,
}

impl<'c> Names<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            find_stream: connection.prepare("SELECT name FROM streams WHERE stream_id = ?1")?,
            types: TypeNames::default(),
            streams: LruCache::new(REMEMBERED),
            last: Last::default(),
        })
    }

    pub(super) fn event_type(&mut self, type_id: i64) -> Outcome<Name> {
        Ok(self.types.of(self.connection, type_id)?.name.clone())
    }

    pub(super) fn domain_of_type(&mut self, type_id: i64) -> Outcome<i64> {
        Ok(self.types.of(self.connection, type_id)?.domain)
    }

    fn stream(&mut self, stream_id: i64) -> Outcome<StreamName> {
        if let Some((last, name)) = &self.last.stream
            && *last == stream_id
        {
            return Ok(name.clone());
        }
        let name = match self.streams.get(&stream_id) {
            Some(name) => name.clone(),
            None => self.find_stream(stream_id)?,
        };
        self.last.stream = Some((stream_id, name.clone()));
        Ok(name)
    }

    fn find_stream(&mut self, stream_id: i64) -> Outcome<StreamName> {
        let name =
            self.find_stream.query_row([stream_id], |row| Ok(codec::read_stream_name(row.get_ref(0)?)));
        let name = name.optional()?.ok_or_else(|| unknown_stream(stream_id))??;
        self.streams.put(stream_id, name.clone());
        Ok(name)
    }

    /// The event of a row of [`COLUMNS`], whose payload is cut off the page's one buffer.
    pub(super) fn event(&mut self, row: &Row<'_>, buffer: &mut BytesMut) -> Outcome<RecordedEvent> {
        let value = |index| row.get_ref(index);
        Ok(RecordedEvent {
            order_id: OrderId(unsigned(value(0)?)?),
            stream: self.stream(codec::integer(value(1)?)?)?,
            version: Version(unsigned(value(2)?)?),
            event_type: self.event_type(codec::integer(value(3)?)?)?,
            schema: codec::read_schema(value(4)?)?,
            time: self.last.time(value(5)?)?,
            id: EventId(read_id(value(6)?)?.ok_or_else(|| corrupt("an event has no id"))?),
            payload: codec::cut_payload(value(7)?, || Ok((value(17)?, value(18)?)), buffer)?,
            tags: codec::read_tags(value(15)?)?,
            metadata: self.last.metadata(row)?,
        })
    }
}

impl Last {
    fn time(&mut self, value: ValueRef<'_>) -> Outcome<Timestamp> {
        let micros = codec::integer(value)?;
        if micros != self.time.0 {
            self.time = (micros, codec::read_time(value)?);
        }
        Ok(self.time.1)
    }

    fn metadata(&mut self, row: &Row<'_>) -> Outcome<Arc<Metadata>> {
        if is_empty(row)? {
            return Ok(Arc::clone(&self.no_metadata));
        }
        let metadata = metadata(row, &self.metadata)?;
        if metadata != *self.metadata {
            self.metadata = Arc::new(metadata);
        }
        Ok(Arc::clone(&self.metadata))
    }
}

/// The columns of the metadata.
const METADATA: [usize; 8] = [8, 9, 10, 11, 12, 13, 14, 16];

fn is_empty(row: &Row<'_>) -> rusqlite::Result<bool> {
    for index in METADATA {
        if row.get_ref(index)? != ValueRef::Null {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The metadata of a row; its names are those of `last` where they are the same.
fn metadata(row: &Row<'_>, last: &Metadata) -> Outcome<Metadata> {
    let value = |index| row.get_ref(index);
    let name = |index, last: Option<&Name>| match value(index)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(text) if last.is_some_and(|last| last.as_bytes() == text) => Ok(last.cloned()),
        other => read_name(other),
    };
    let cause = match read_id(value(10)?)? {
        None => None,
        Some(id) => {
            let last = last.cause.as_ref().and_then(|cause| cause.relation.as_ref());
            Some(Cause { id: EventId(id), relation: name(11, last)? })
        }
    };
    Ok(Metadata {
        correlation_id: read_id(value(8)?)?.map(CorrelationId),
        command_id: read_id(value(9)?)?.map(CommandId),
        cause,
        service: name(12, last.service.as_ref())?,
        tenant: name(13, last.tenant.as_ref())?,
        actor: name(14, last.actor.as_ref())?,
        extra: codec::read_extra(value(16)?)?,
    })
}

fn unknown_stream(number: i64) -> Failure {
    corrupt(format!("an event names the stream {number}, which does not exist"))
}
