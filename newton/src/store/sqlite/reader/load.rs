//! Loading a stream for folding: the hot path, which reads no more than a fold needs.

use bytes::Bytes;
use rusqlite::types::ValueRef;

use super::{PAGE_BYTES, PAGE_EVENTS, Reader, Stream};
use crate::domain::envelope::TOMBSTONE;
use crate::domain::{FoldEvent, Name, Payload, Schema, Version};
use crate::store::sqlite::codec::{self, signed, unsigned};
use crate::store::sqlite::failure::Outcome;
use crate::store::{Load, Slice};

pub(super) const SQL: &str = "SELECT version, type_id, schema, payload, encoding, key_id FROM events
 WHERE stream_id = ?1 AND version > ?2 ORDER BY version LIMIT ?3";

/// An event whose payload ends at `end` in the page's one buffer.
struct Loaded {
    version: Version,
    event_type: Name,
    schema: Schema,
    end: usize,
    format: Option<codec::Format>,
}

impl Reader<'_> {
    pub(in crate::store::sqlite) fn load(&mut self, load: &Load) -> Outcome<Slice> {
        let Some(stream) = self.stream(&load.stream)? else {
            return Ok(Slice { events: Vec::new(), version: Version::EMPTY, deleted: false });
        };
        let limit = load.limit.min(PAGE_EVENTS);
        let (events, ended) = self.load_events(&stream, load.after, limit)?;
        let version = match events.last() {
            Some(last) if ended => last.version,
            _ => self.live_version(&stream)?,
        };
        Ok(Slice { events, version, deleted: stream.deleted })
    }

    /// The events of a page, and whether the stream ends with them.
    fn load_events(
        &mut self,
        stream: &Stream,
        after: Version,
        limit: usize,
    ) -> Outcome<(Vec<FoldEvent>, bool)> {
        self.load.raw_bind_parameter(1, stream.id)?;
        self.load.raw_bind_parameter(2, signed(after.0))?;
        self.load.raw_bind_parameter(3, signed(limit as u64))?;
        let mut rows = self.load.raw_query();
        let mut loaded = Vec::with_capacity(self.last_page.0.min(limit));
        let mut buffer = Vec::with_capacity(self.last_page.1);
        let mut ended = true;
        while let Some(row) = rows.next()? {
            let event_type = self.names.event_type(codec::integer(row.get_ref(1)?)?)?;
            if stream.deleted && event_type == TOMBSTONE {
                continue;
            }
            let payload = row.get_ref(3)?;
            buffer.extend_from_slice(codec::read_bytes(payload)?);
            loaded.push(Loaded {
                version: Version(unsigned(row.get_ref(0)?)?),
                event_type,
                schema: codec::read_schema(row.get_ref(2)?)?,
                end: buffer.len(),
                format: match payload {
                    ValueRef::Text(_) => None,
                    _ => codec::read_format(row.get_ref(4)?, row.get_ref(5)?)?,
                },
            });
            if loaded.len() == limit || buffer.len() >= PAGE_BYTES {
                ended = false;
                break;
            }
        }
        self.last_page = (loaded.len(), buffer.len());
        Ok((share(loaded, buffer), ended))
    }

    /// The version of the last event that is not a tombstone.
    fn live_version(&mut self, stream: &Stream) -> Outcome<Version> {
        let last = self.last_version.query_row([stream.id], |row| Ok(unsigned(row.get_ref(0)?)))??;
        Ok(Version(last - u64::from(stream.deleted)))
    }
}

/// Gives each event its part of the one buffer.
fn share(loaded: Vec<Loaded>, buffer: Vec<u8>) -> Vec<FoldEvent> {
    let buffer = Bytes::from(buffer);
    let mut start = 0;
    let events = loaded.into_iter().map(|Loaded { version, event_type, schema, end, format }| {
        let bytes = buffer.slice(start..end);
        start = end;
        let payload = match format {
            None => Payload::from_encoded(bytes),
            Some((encoding, key_id)) => Payload::in_format(bytes, encoding, key_id),
        };
        FoldEvent { version, event_type, schema, payload }
    });
    events.collect()
}
