//! One append inside the open transaction: every check is a read and comes before the first write.
//!
//! The order of the checks is the contract's: ids, tombstones, expected versions, condition. Ids are believed to be new
//! until another check fails or the unique index refuses one.

use rusqlite::{Connection, OptionalExtension, Statement};

use super::dictionary::Dictionary;
use super::ids::{Ids, Place};
use super::insert::Insert;
use super::streams::{KnownStreams, Stream};
use crate::domain::envelope::TOMBSTONE;
use crate::domain::{OrderId, Version};
use crate::error::Error;
use crate::store::sqlite::codec;
use crate::store::sqlite::failure::{Failure, Outcome};
use crate::store::sqlite::search;
use crate::store::{Append, Appended, StreamAppend};

const APPEND: &str = "append";

pub(super) struct Appends<'c> {
    connection: &'c Connection,
    last: Statement<'c>,
    dictionary: Dictionary<'c>,
    ids: Ids<'c>,
    streams: KnownStreams<'c>,
    insert: Insert<'c>,
    last_order_id: i64,
    last_time: i64,
}

impl<'c> Appends<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            last: connection.prepare("SELECT order_id, time FROM events ORDER BY order_id DESC LIMIT 1")?,
            dictionary: Dictionary::prepare(connection)?,
            ids: Ids::prepare(connection)?,
            streams: KnownStreams::prepare(connection)?,
            insert: Insert::prepare(connection)?,
            last_order_id: 0,
            last_time: i64::MIN,
        })
    }

    /// Forgets what was remembered, and asks for the end of the log.
    pub(super) fn reload(&mut self) -> rusqlite::Result<()> {
        self.dictionary.forget();
        self.streams.forget();
        self.insert.forget();
        let last = self.last.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        (self.last_order_id, self.last_time) = last.unwrap_or((0, i64::MIN));
        Ok(())
    }

    pub(super) fn last_order_id(&self) -> OrderId {
        OrderId(self.last_order_id.unsigned_abs())
    }

    /// Applies an append whose ids are believed to be new. Where one is not, a check finds it out, or else the unique index
    /// does, with an error that ends the transaction: then `suspicious` asks for the ids first.
    pub(super) fn apply(&mut self, append: &Append, suspicious: bool) -> Outcome<Appended> {
        if suspicious && self.ids.any_taken(append)? {
            return self.first_outcome(append);
        }
        match self.check(append) {
            Ok(streams) => self.write(append, streams),
            Err(Failure::Refused(_)) if !suspicious && self.ids.any_taken(append)? => {
                self.first_outcome(append)
            }
            Err(failure) => Err(failure),
        }
    }

    /// The outcome of the same append when it came first; an error where it is not the same.
    fn first_outcome(&mut self, append: &Append) -> Outcome<Appended> {
        let mut outcome =
            Appended { order_id: OrderId::START, versions: Vec::new(), time: append.time, duplicate: true };
        let (mut seen, mut taken, mut unknown) = (std::collections::HashSet::new(), None, None);
        for StreamAppend { stream, events, .. } in &append.streams {
            let stream_id = self.streams.find(stream)?.map(|stream| stream.id);
            let mut last = Version::EMPTY;
            for event in events {
                let place = self.ids.find(&event.id)?;
                if !seen.insert(&event.id) || place.is_some_and(|place| Some(place.stream_id) != stream_id) {
                    return Err(Error::id_reused(APPEND, event.id.clone()).into());
                }
                match place {
                    Some(Place { order_id, version, time, .. }) => {
                        taken = taken.or(Some(&event.id));
                        outcome.order_id = outcome.order_id.max(OrderId(order_id.unsigned_abs()));
                        outcome.time = codec::time(time)?;
                        last = Version(version.unsigned_abs());
                    }
                    None => unknown = Some(&event.id),
                }
            }
            outcome.versions.push(last);
        }
        match (taken, unknown) {
            (_, None) => Ok(outcome),
            (taken, Some(unknown)) => Err(Error::id_reused(APPEND, taken.unwrap_or(unknown).clone()).into()),
        }
    }

    /// Checks all but the ids; gives where the streams are.
    fn check(&mut self, append: &Append) -> Outcome<Vec<Option<Stream>>> {
        let mut streams = Vec::with_capacity(append.streams.len());
        for StreamAppend { stream: name, .. } in &append.streams {
            let stream = self.streams.find(name)?;
            if stream.is_some_and(|stream| stream.deleted) {
                return Err(Error::deleted(APPEND, name).into());
            }
            streams.push(stream);
        }
        for (StreamAppend { stream: name, expected, .. }, stream) in append.streams.iter().zip(&streams) {
            let actual = Version(stream.map_or(0, |stream| stream.version.unsigned_abs()));
            if !expected.accepts(actual) {
                return Err(Error::conflict(APPEND, name.clone(), *expected, actual).into());
            }
        }
        if let Some(condition) = &append.condition
            && let Some(found) = search::first_match(self.connection, &condition.query, condition.after)?
        {
            return Err(Error::condition_failed(APPEND, condition.after, found).into());
        }
        Ok(streams)
    }

    fn write(&mut self, append: &Append, streams: Vec<Option<Stream>>) -> Outcome<Appended> {
        self.last_time = self.last_time.max(append.time.timestamp_micros());
        let mut versions = Vec::with_capacity(streams.len());
        for (StreamAppend { stream: name, events, .. }, known) in append.streams.iter().zip(streams) {
            let mut stream = match known {
                Some(stream) => stream,
                None => self.streams.add(name, self.dictionary.domain(name)?)?,
            };
            for event in events {
                stream.version += 1;
                self.last_order_id =
                    self.insert.event(event, &stream, self.last_time, &mut self.dictionary)?;
            }
            stream.deleted = events.last().is_some_and(|event| event.event_type == TOMBSTONE);
            self.streams.advance(name, stream)?;
            versions.push(Version(stream.version.unsigned_abs()));
        }
        let time = codec::time(self.last_time)?;
        Ok(Appended { order_id: self.last_order_id(), versions, time, duplicate: false })
    }
}
