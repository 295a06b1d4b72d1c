//! The numbers that stand for domains, event types and tags; new ones are made as they come.

use std::num::NonZeroUsize;

use lru::LruCache;
use rusqlite::{Connection, OptionalExtension, Statement};

use crate::domain::{Name, StreamName, Tag};
use crate::store::sqlite::codec::text;

/// Domains, types and tags that are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// The domain of streams whose name has no `/`.
const NO_DOMAIN: i64 = 0;

/// The domain of system streams whose name has no `/`.
const NO_SYSTEM_DOMAIN: i64 = -1;

pub(super) struct Dictionary<'c> {
    find_domain: Statement<'c>,
    add_domain: Statement<'c>,
    find_type: Statement<'c>,
    add_type: Statement<'c>,
    find_tag: Statement<'c>,
    add_tag: Statement<'c>,
    domains: LruCache<Box<str>, i64>,
    types: LruCache<(i64, Name), i64>,
    tags: LruCache<Tag, i64>,
}

impl<'c> Dictionary<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find_domain: connection.prepare("SELECT domain_id FROM domains WHERE name = ?1")?,
            add_domain: connection.prepare(
                "INSERT INTO domains (domain_id, name)
                 SELECT iif(?2, min(domain_id) - 1, max(domain_id) + 1), ?1 FROM domains RETURNING domain_id",
            )?,
            find_type: connection
                .prepare("SELECT type_id FROM event_types WHERE domain_id = ?1 AND name = ?2")?,
            add_type: connection
                .prepare("INSERT INTO event_types (domain_id, name) VALUES (?1, ?2) RETURNING type_id")?,
            find_tag: connection.prepare("SELECT tag_id FROM tags WHERE key = ?1 AND value = ?2")?,
            add_tag: connection.prepare("INSERT INTO tags (key, value) VALUES (?1, ?2) RETURNING tag_id")?,
            domains: LruCache::new(REMEMBERED),
            types: LruCache::new(REMEMBERED),
            tags: LruCache::new(REMEMBERED),
        })
    }

    pub(super) fn forget(&mut self) {
        self.domains.clear();
        self.types.clear();
        self.tags.clear();
    }

    /// The number of a stream's domain: below 0 for system streams.
    pub(super) fn domain(&mut self, stream: &StreamName) -> rusqlite::Result<i64> {
        let Some(name) = stream.domain() else {
            return Ok(if stream.is_system() { NO_SYSTEM_DOMAIN } else { NO_DOMAIN });
        };
        if let Some(domain) = self.domains.get(name) {
            return Ok(*domain);
        }
        let found = self.find_domain.query_row([text(name)], |row| row.get(0)).optional()?;
        let domain = match found {
            Some(domain) => domain,
            None => self.add_domain.query_row((text(name), stream.is_system()), |row| row.get(0))?,
        };
        self.domains.put(name.into(), domain);
        Ok(domain)
    }

    pub(super) fn event_type(&mut self, domain: i64, name: &Name) -> rusqlite::Result<i64> {
        let key = (domain, name.clone());
        if let Some(event_type) = self.types.get(&key) {
            return Ok(*event_type);
        }
        let found = self.find_type.query_row((domain, text(name)), |row| row.get(0)).optional()?;
        let event_type = match found {
            Some(event_type) => event_type,
            None => self.add_type.query_row((domain, text(name)), |row| row.get(0))?,
        };
        self.types.put(key, event_type);
        Ok(event_type)
    }

    pub(super) fn tag(&mut self, tag: &Tag) -> rusqlite::Result<i64> {
        if let Some(number) = self.tags.get(tag) {
            return Ok(*number);
        }
        let found =
            self.find_tag.query_row((text(&tag.key), text(&tag.value)), |row| row.get(0)).optional()?;
        let number = match found {
            Some(number) => number,
            None => self.add_tag.query_row((text(&tag.key), text(&tag.value)), |row| row.get(0))?,
        };
        self.tags.put(tag.clone(), number);
        Ok(number)
    }
}
