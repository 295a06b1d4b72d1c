//! Lists: streams, event types and state records.

use bytes::Bytes;
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::{PAGE_BYTES, PAGE_EVENTS, Reader};
use crate::domain::{Name, StreamName, Version};
use crate::store::sqlite::codec::{self, signed, text, unsigned};
use crate::store::sqlite::failure::{Outcome, corrupt};
use crate::store::{Revision, Scan, StateRecord, StreamInfo, Streams};

/// Streams by name. Those of a domain stand together, for they begin with its name and a `/`.
const STREAMS: &str =
    "SELECT name, (SELECT max(version) FROM events e WHERE e.stream_id = s.stream_id), deleted
 FROM streams s
 WHERE name > ?1 AND name >= ?2 AND (?3 IS NULL OR name < ?3 || '0')
   AND (?3 IS NULL OR domain_id = (SELECT domain_id FROM domains WHERE name = ?3))
   AND (?4 OR substr(name, 1, 1) <> '$')
 ORDER BY name LIMIT ?5";

impl Reader<'_> {
    pub(in crate::store::sqlite) fn streams(&mut self, streams: &Streams) -> Outcome<Vec<StreamInfo>> {
        let after = streams.after.as_ref().map_or("", StreamName::as_str);
        let domain = streams.domain.as_ref().map(|domain| Name::from(domain.as_str()));
        let first = domain.as_ref().map(|domain| format!("{domain}/")).unwrap_or_default();
        let limit = signed(streams.limit.min(PAGE_EVENTS) as u64);
        let mut list = self.connection.prepare_cached(STREAMS)?;
        let domain = codec::optional_text(domain.as_ref());
        let mut rows = list.query((text(after), text(&first), domain, streams.system, limit))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(stream_info(row)?);
        }
        Ok(found)
    }

    pub(in crate::store::sqlite) fn event_types(&mut self, domain: &StreamName) -> Outcome<Vec<Name>> {
        let sql = "SELECT t.name FROM event_types t JOIN domains d USING (domain_id)
             WHERE d.name = ?1 ORDER BY t.name";
        let mut list = self.connection.prepare_cached(sql)?;
        let names = list.query_map([text(domain.as_str())], |row| row.get::<_, String>(0))?;
        Ok(names.map(|name| name.map(Name::from)).collect::<rusqlite::Result<_>>()?)
    }

    pub(in crate::store::sqlite) fn scan(&mut self, scan: &Scan) -> Outcome<Vec<StateRecord>> {
        let sql = "SELECT key, revision, value FROM state
             WHERE space = ?1 AND key >= ?2 AND (?3 IS NULL OR key > ?3) ORDER BY key";
        let mut list = self.connection.prepare_cached(sql)?;
        let after = codec::optional_text(scan.after.as_ref());
        let mut rows = list.query((text(&scan.space), text(&scan.prefix), after))?;
        let (mut found, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let record = state_record(row)?;
            if !record.key.starts_with(&*scan.prefix) {
                break;
            }
            bytes += record.value.len();
            found.push(record);
            if found.len() == scan.limit.min(PAGE_EVENTS) || bytes >= PAGE_BYTES {
                break;
            }
        }
        Ok(found)
    }
}

fn stream_info(row: &Row<'_>) -> Outcome<StreamInfo> {
    let name = codec::read_stream_name(row.get_ref(0)?)?;
    let version = match row.get_ref(1)? {
        ValueRef::Null => return Err(corrupt(format!("the stream `{name}` has no events"))),
        version => Version(unsigned(version)?),
    };
    Ok(StreamInfo { name, version, deleted: row.get(2)? })
}

pub(in crate::store::sqlite) fn state_record(row: &Row<'_>) -> Outcome<StateRecord> {
    Ok(StateRecord {
        key: codec::read_text(row.get_ref(0)?)?.into(),
        revision: Revision(unsigned(row.get_ref(1)?)?),
        value: Bytes::copy_from_slice(codec::read_bytes(row.get_ref(2)?)?),
    })
}
