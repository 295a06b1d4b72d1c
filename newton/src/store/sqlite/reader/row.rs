//! A row of the events table as a recorded event.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, Statement};

use super::types::TypeNames;
use crate::domain::{
    Cause, CommandId, CorrelationId, EventId, Metadata, Name, OrderId, RecordedEvent, StreamName, Version,
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
}

impl<'c> Names<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            find_stream: connection.prepare("SELECT name FROM streams WHERE stream_id = ?1")?,
            types: TypeNames::default(),
            streams: LruCache::new(REMEMBERED),
        })
    }

    pub(super) fn event_type(&mut self, type_id: i64) -> Outcome<Name> {
        Ok(self.types.of(self.connection, type_id)?.name.clone())
    }

    pub(super) fn domain_of_type(&mut self, type_id: i64) -> Outcome<i64> {
        Ok(self.types.of(self.connection, type_id)?.domain)
    }

    fn stream(&mut self, stream_id: i64) -> Outcome<StreamName> {
        if let Some(name) = self.streams.get(&stream_id) {
            return Ok(name.clone());
        }
        let name =
            self.find_stream.query_row([stream_id], |row| Ok(codec::read_stream_name(row.get_ref(0)?)));
        let name = name.optional()?.ok_or_else(|| unknown_stream(stream_id))??;
        self.streams.put(stream_id, name.clone());
        Ok(name)
    }

    /// The event of a row of [`COLUMNS`].
    pub(super) fn event(&mut self, row: &Row<'_>) -> Outcome<RecordedEvent> {
        let value = |index| row.get_ref(index);
        let format = codec::read_format(value(17)?, value(18)?)?;
        Ok(RecordedEvent {
            order_id: OrderId(unsigned(value(0)?)?),
            stream: self.stream(row.get(1)?)?,
            version: Version(unsigned(value(2)?)?),
            event_type: self.event_type(row.get(3)?)?,
            schema: codec::read_schema(value(4)?)?,
            time: codec::read_time(value(5)?)?,
            id: EventId(read_id(value(6)?)?.ok_or_else(|| corrupt("an event has no id"))?),
            payload: codec::read_payload(value(7)?, format)?,
            tags: codec::read_tags(value(15)?)?,
            metadata: Arc::new(metadata(row)?),
        })
    }
}

fn metadata(row: &Row<'_>) -> Outcome<Metadata> {
    let value = |index| row.get_ref(index);
    let cause = match value(10)? {
        ValueRef::Null => None,
        id => read_id(id)?.map(EventId),
    };
    let relation = read_name(value(11)?)?;
    Ok(Metadata {
        correlation_id: read_id(value(8)?)?.map(CorrelationId),
        command_id: read_id(value(9)?)?.map(CommandId),
        cause: cause.map(|id| Cause { id, relation }),
        service: read_name(value(12)?)?,
        tenant: read_name(value(13)?)?,
        actor: read_name(value(14)?)?,
        extra: codec::read_extra(value(16)?)?,
    })
}

fn unknown_stream(number: i64) -> Failure {
    corrupt(format!("an event names the stream {number}, which does not exist"))
}
