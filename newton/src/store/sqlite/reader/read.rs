//! Pages of recorded events.
//!
//! A log is walked in order; where too few of its events are selected, and for a correlation, the indexes lead the way. A
//! stream is walked in version order. Each walk ends when the page is full, or after enough rows that were not selected.

use bytes::BytesMut;
use rusqlite::{OptionalExtension, Row};

use super::row::{COLUMNS, Names};
use super::{PAGE_BYTES, PAGE_EVENTS, Reader, position};
use crate::domain::{CorrelationId, EventId, OrderId, Query, StreamName, Version};
use crate::store::sqlite::codec::{self, signed};
use crate::store::sqlite::failure::Outcome;
use crate::store::sqlite::search::{self, Plan, Types};
use crate::store::{Direction, Page, Position, Read, Selection};

/// The most rows one page looks at, so that its transaction is short.
const MAX_LOOKED_AT: usize = 100_000;

/// A page being filled. The first event that does not fit says where the next page begins.
struct Filling {
    page: Page,
    limit: usize,
    bytes: usize,
    /// What the payloads are cut off. Once it is used up, the next one is as large.
    buffer: BytesMut,
}

/// The most bytes of a buffer that payloads share: what a single event that is kept for long may keep with it.
const BUFFER_BYTES: usize = 32 * 1024;

/// The bytes of a payload that a buffer is made for.
const PAYLOAD_BYTES: usize = 128;

impl Reader<'_> {
    pub(in crate::store::sqlite) fn read(&mut self, read: &Read) -> Outcome<Page> {
        let page = self.page(read)?;
        self.last_page = page.events.len();
        Ok(page)
    }

    fn page(&mut self, read: &Read) -> Outcome<Page> {
        let scope = match &read.selection {
            Selection::Stream(stream) => return self.read_stream(read, stream),
            Selection::Ids(ids) => return self.read_ids(read, ids),
            Selection::Correlation(id) => return self.read_correlation(read, id),
            Selection::Domain(domain) => search::domain_types(self.connection, domain.as_str())?,
            Selection::All if read.system => Types::Any,
            Selection::All => Types::NotSystem,
        };
        let from = position::order_id(self.connection, read.from, read.direction)?;
        match Plan::of(self.connection, &read.query, &scope)? {
            Plan::Types(Types::Only(types)) if types.is_empty() => Ok(self.filling(read).page),
            Plan::Types(types) => self.read_types(read, types, from),
            plan @ Plan::Arms(_) => self.read_plan(self.filling(read), &plan, from, read.direction),
        }
    }

    /// Walks the log; goes on through the index of types once most rows turn out to be of other types.
    fn read_types(&mut self, read: &Read, types: Types, from: i64) -> Outcome<Page> {
        let mut filling = self.filling(read);
        let (compare, order) = words(read.direction);
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE order_id {compare} ?1 ORDER BY order_id {order} LIMIT ?2"
        );
        let most = match types {
            Types::Only(_) => filling.limit.saturating_mul(4),
            Types::Any | Types::NotSystem => MAX_LOOKED_AT,
        };
        let mut walk = self.connection.prepare_cached(&sql)?;
        let mut rows = walk.query([from, signed(most as u64)])?;
        let (mut looked_at, mut last) = (0, from);
        while let Some(row) = rows.next()? {
            looked_at += 1;
            last = row.get(0)?;
            let type_id = row.get(3)?;
            if types.holds(type_id, self.names.domain_of_type(type_id)?)
                && !filling.take(&mut self.names, row, by_order_id)?
            {
                return Ok(filling.page);
            }
        }
        if looked_at < most {
            return Ok(filling.page);
        }
        let from = behind(last, read.direction);
        if let Types::Only(_) = types {
            return self.read_plan(filling, &Plan::Types(types), from, read.direction);
        }
        filling.page.next = Some(Position::OrderId(OrderId(from.unsigned_abs())));
        Ok(filling.page)
    }

    fn read_plan(
        &mut self,
        mut filling: Filling,
        plan: &Plan,
        from: i64,
        direction: Direction,
    ) -> Outcome<Page> {
        let mut search = plan.search(from, direction, (filling.limit + 1).min(256));
        while let Some(order_id) = search.next(self.connection)? {
            if !self.take_one(&mut filling, order_id, &Query::all())? {
                break;
            }
        }
        Ok(filling.page)
    }

    fn read_correlation(&mut self, read: &Read, id: &CorrelationId) -> Outcome<Page> {
        let from = position::order_id(self.connection, read.from, read.direction)?;
        let mut filling = self.filling(read);
        let mut search = search::of_correlation(id, from, read.direction, filling.limit + 1);
        let mut looked_at = 0;
        while let Some(order_id) = search.next(self.connection)? {
            looked_at += 1;
            if looked_at > MAX_LOOKED_AT {
                filling.page.next = Some(Position::OrderId(OrderId(order_id.unsigned_abs())));
                break;
            }
            if !self.take_one(&mut filling, order_id, &read.query)? {
                break;
            }
        }
        Ok(filling.page)
    }

    /// Adds the event with an order id that an index gave, if the query selects it; false where the page is full.
    fn take_one(&mut self, filling: &mut Filling, order_id: i64, query: &Query) -> Outcome<bool> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE order_id = ?1");
        let mut find = self.connection.prepare_cached(&sql)?;
        let mut rows = find.query([order_id])?;
        match rows.next()? {
            Some(row) => filling.take_matching(&mut self.names, row, query, by_order_id),
            None => Ok(true),
        }
    }

    fn read_ids(&mut self, read: &Read, ids: &[EventId]) -> Outcome<Page> {
        let from = position::order_id(self.connection, read.from, read.direction)?;
        let mut find = self.connection.prepare_cached("SELECT order_id FROM events WHERE event_id = ?1")?;
        let mut order_ids = Vec::with_capacity(ids.len());
        for id in ids {
            let found: Option<i64> = find.query_row([codec::id(&id.0)], |row| row.get(0)).optional()?;
            order_ids.extend(found.filter(|order_id| match read.direction {
                Direction::Forward => *order_id >= from,
                Direction::Backward => *order_id <= from,
            }));
        }
        order_ids.sort_unstable();
        order_ids.dedup();
        if read.direction == Direction::Backward {
            order_ids.reverse();
        }
        let mut filling = self.filling(read);
        for order_id in order_ids {
            if !self.take_one(&mut filling, order_id, &read.query)? {
                break;
            }
        }
        Ok(filling.page)
    }

    fn read_stream(&mut self, read: &Read, name: &StreamName) -> Outcome<Page> {
        let mut filling = self.filling(read);
        let Some(stream_id) = self.stream_id(name)? else { return Ok(filling.page) };
        let from = self.first_version(read, stream_id)?;
        let (compare, order) = words(read.direction);
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE stream_id = ?1 AND version {compare} ?2 ORDER BY version {order}"
        );
        let mut walk = self.connection.prepare_cached(&sql)?;
        let mut rows = walk.query([stream_id, from])?;
        let mut looked_at = 0;
        while let Some(row) = rows.next()? {
            looked_at += 1;
            if looked_at > MAX_LOOKED_AT {
                filling.page.next = Some(by_version(row)?);
                break;
            }
            if !filling.take_matching(&mut self.names, row, &read.query, by_version)? {
                break;
            }
        }
        Ok(filling.page)
    }

    fn filling(&self, read: &Read) -> Filling {
        let limit = read.limit.min(PAGE_EVENTS);
        let events = Vec::with_capacity(limit.min(self.last_page));
        let buffer = BytesMut::with_capacity(BUFFER_BYTES.min(limit * PAYLOAD_BYTES));
        Filling { page: Page { events, next: None }, limit, bytes: 0, buffer }
    }

    fn first_version(&mut self, read: &Read, stream_id: i64) -> Outcome<i64> {
        if let Some(Position::Version(Version(version))) = read.from {
            return Ok(signed(version));
        }
        let order_id = position::order_id(self.connection, read.from, read.direction)?;
        let last: i64 = self.last_version.query_row([stream_id], |row| row.get(0))?;
        match read.direction {
            Direction::Forward => position::version(self.connection, stream_id, last, order_id),
            Direction::Backward => {
                let above = position::version(self.connection, stream_id, last, order_id.saturating_add(1))?;
                Ok(above - 1)
            }
        }
    }
}

impl Filling {
    /// Adds the event of a row; false where the page is full, and then the next page begins with it.
    fn take(
        &mut self,
        names: &mut Names<'_>,
        row: &Row<'_>,
        place: fn(&Row<'_>) -> Outcome<Position>,
    ) -> Outcome<bool> {
        if self.page.events.len() == self.limit || self.bytes >= PAGE_BYTES {
            self.page.next = Some(place(row)?);
            return Ok(false);
        }
        let event = names.event(row, &mut self.buffer)?;
        self.bytes += event.payload.len();
        self.page.events.push(event);
        Ok(true)
    }

    /// Adds the event of a row, if the query selects it; false where the page is full.
    fn take_matching(
        &mut self,
        names: &mut Names<'_>,
        row: &Row<'_>,
        query: &Query,
        place: fn(&Row<'_>) -> Outcome<Position>,
    ) -> Outcome<bool> {
        if !query.is_all() {
            let event_type = names.event_type(row.get(3)?)?;
            if !query.matches(&event_type, &codec::read_tags(row.get_ref(15)?)?) {
                return Ok(true);
            }
        }
        self.take(names, row, place)
    }
}

fn by_order_id(row: &Row<'_>) -> Outcome<Position> {
    Ok(Position::OrderId(OrderId(codec::unsigned(row.get_ref(0)?)?)))
}

fn by_version(row: &Row<'_>) -> Outcome<Position> {
    Ok(Position::Version(Version(codec::unsigned(row.get_ref(2)?)?)))
}

fn words(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::Forward => (">=", "ASC"),
        Direction::Backward => ("<=", "DESC"),
    }
}

/// The order id behind one that was looked at.
fn behind(order_id: i64, direction: Direction) -> i64 {
    match direction {
        Direction::Forward => order_id.saturating_add(1),
        Direction::Backward => (order_id - 1).max(0),
    }
}
