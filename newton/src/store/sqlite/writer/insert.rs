//! The rows of an event. A value is bound only where it differs from the event before.

use std::sync::Arc;

use rusqlite::{Connection, Statement};

use super::dictionary::Dictionary;
use super::streams::Stream;
use crate::domain::{Encoding, Metadata, Name, NewEvent, Schema};
use crate::store::sqlite::codec::{self, optional_id, optional_text};
use crate::store::sqlite::correlation::is_found_by_id;

pub(super) struct Insert<'c> {
    connection: &'c Connection,
    event: Statement<'c>,
    tag: Statement<'c>,
    correlation: Statement<'c>,
    bound: Bound,
}

/// What the statement still has bound from the event before.
#[derive(Default)]
struct Bound {
    event_type: Option<(i64, Name, Schema)>,
    metadata: Option<Arc<Metadata>>,
    tags: bool,
    format: bool,
}

impl<'c> Insert<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            event: connection.prepare(
                "INSERT INTO events (stream_id, version, type_id, schema, time, event_id, payload,
                   correlation_id, command_id, cause_id, cause_relation, service, tenant, actor, extra, tags,
                   encoding, key_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
            )?,
            tag: connection.prepare("INSERT OR IGNORE INTO event_tags (tag_id, order_id) VALUES (?1, ?2)")?,
            correlation: connection
                .prepare("INSERT INTO event_correlations (correlation_id, order_id) VALUES (?1, ?2)")?,
            bound: Bound::default(),
        })
    }

    /// Forgets the bound values, whose numbers a rollback may have undone.
    pub(super) fn forget(&mut self) {
        self.bound.event_type = None;
    }

    /// Writes an event behind the last of its stream and of the store, and gives its order id. SQLite gives the number behind
    /// the highest: faster than to be told the same number, which it would have to look up.
    pub(super) fn event(
        &mut self,
        event: &NewEvent,
        stream: &Stream,
        time: i64,
        dictionary: &mut Dictionary<'_>,
    ) -> rusqlite::Result<i64> {
        self.bind_type(event, stream.domain, dictionary)?;
        self.bind_metadata(&event.metadata)?;
        self.bind_format(event)?;
        self.bind_tags(event)?;
        let row = &mut self.event;
        row.raw_bind_parameter(1, stream.id)?;
        row.raw_bind_parameter(2, stream.version)?;
        row.raw_bind_parameter(5, time)?;
        row.raw_bind_parameter(6, codec::id(&event.id.0))?;
        row.raw_bind_parameter(7, codec::payload(&event.payload))?;
        row.raw_execute()?;
        let order_id = self.connection.last_insert_rowid();
        for tag in &event.tags {
            self.tag.execute((dictionary.tag(tag)?, order_id))?;
        }
        if let Some(correlation) = &event.metadata.correlation_id
            && !is_found_by_id(&event.id, correlation)
        {
            self.correlation.execute((codec::id(&correlation.0), order_id))?;
        }
        Ok(order_id)
    }

    fn bind_type(
        &mut self,
        event: &NewEvent,
        domain: i64,
        dictionary: &mut Dictionary<'_>,
    ) -> rusqlite::Result<()> {
        if let Some((bound_domain, name, schema)) = &self.bound.event_type
            && (*bound_domain, name, schema) == (domain, &event.event_type, &event.schema)
        {
            return Ok(());
        }
        self.event.raw_bind_parameter(3, dictionary.event_type(domain, &event.event_type)?)?;
        self.event.raw_bind_parameter(4, codec::schema(&event.schema))?;
        self.bound.event_type = Some((domain, event.event_type.clone(), event.schema.clone()));
        Ok(())
    }

    fn bind_metadata(&mut self, metadata: &Arc<Metadata>) -> rusqlite::Result<()> {
        if self.bound.metadata.as_ref().is_some_and(|bound| Arc::ptr_eq(bound, metadata)) {
            return Ok(());
        }
        let Metadata { correlation_id, cause, command_id, service, tenant, actor, extra } = &**metadata;
        let row = &mut self.event;
        row.raw_bind_parameter(8, optional_id(correlation_id.as_ref().map(|id| &id.0)))?;
        row.raw_bind_parameter(9, optional_id(command_id.as_ref().map(|id| &id.0)))?;
        row.raw_bind_parameter(10, optional_id(cause.as_ref().map(|cause| &cause.id.0)))?;
        let relation = cause.as_ref().and_then(|cause| cause.relation.as_ref());
        row.raw_bind_parameter(11, optional_text(relation))?;
        row.raw_bind_parameter(12, optional_text(service.as_ref()))?;
        row.raw_bind_parameter(13, optional_text(tenant.as_ref()))?;
        row.raw_bind_parameter(14, optional_text(actor.as_ref()))?;
        let extra = (!extra.is_empty()).then(|| serde_json::json!(extra).to_string());
        row.raw_bind_parameter(15, extra)?;
        self.bound.metadata = Some(Arc::clone(metadata));
        Ok(())
    }

    fn bind_format(&mut self, event: &NewEvent) -> rusqlite::Result<()> {
        let payload = &event.payload;
        let plain = *payload.encoding() == Encoding::Json && payload.key_id().is_none();
        if !plain || self.bound.format {
            self.event.raw_bind_parameter(17, codec::encoding(payload))?;
            self.event.raw_bind_parameter(18, optional_text(payload.key_id()))?;
            self.bound.format = !plain;
        }
        Ok(())
    }

    fn bind_tags(&mut self, event: &NewEvent) -> rusqlite::Result<()> {
        if !event.tags.is_empty() || self.bound.tags {
            self.event.raw_bind_parameter(16, codec::tags_json(&event.tags))?;
            self.bound.tags = !event.tags.is_empty();
        }
        Ok(())
    }
}
