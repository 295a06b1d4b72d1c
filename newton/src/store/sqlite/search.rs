//! The order ids of the events that a query selects, or a correlation, from the indexes.
//!
//! Each filter becomes one or more sorted cursors, and the answer is their union. A cursor reads the index a piece at
//! a time, so that nothing is held open between two pieces.

use std::collections::VecDeque;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::codec::{id_value, signed, text};
use super::correlation;
use super::failure::Outcome;
use crate::domain::{CorrelationId, Filter, OrderId, Query, Tag};
use crate::store::Direction;

/// Event types that a read is limited to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Types {
    Any,
    /// All but the types of system streams.
    NotSystem,
    /// These, sorted.
    Only(Vec<i64>),
}

/// What a query selects within a scope.
#[derive(Debug)]
pub(super) enum Plan {
    /// Every event of these types.
    Types(Types),
    /// The union of these.
    Arms(Vec<Arm>),
}

/// Events that carry all of these tags and have one of these types; one of both is limited.
#[derive(Debug)]
pub(super) struct Arm {
    tags: Vec<i64>,
    types: Types,
}

impl Plan {
    /// Looks up the names of a query. Names that no event has select nothing.
    pub(super) fn of(connection: &Connection, query: &Query, scope: &Types) -> rusqlite::Result<Self> {
        if query.is_all() {
            return Ok(Self::Types(scope.clone()));
        }
        if query.any.iter().all(|filter| filter.tags.is_empty()) {
            let names = query.any.iter().flat_map(|filter| &filter.types);
            return Ok(Self::Types(Types::Only(type_ids(connection, names.map(|name| &**name), scope)?)));
        }
        let mut arms = Vec::new();
        for filter in &query.any {
            arms.extend(Arm::of(connection, filter, scope)?);
        }
        Ok(Self::Arms(arms))
    }

    /// The order ids from `from` on, inclusive, in a direction, read in pieces of `piece`.
    pub(super) fn search(&self, from: i64, direction: Direction, piece: usize) -> Search {
        let cursors = match self {
            Self::Types(types) => types_cursors(types),
            Self::Arms(arms) => arms.iter().flat_map(Arm::cursors).collect(),
        };
        Search::new(cursors, from, direction, piece)
    }
}

/// The first event above `after` that a query selects, system streams included.
pub(super) fn first_match(
    connection: &Connection,
    query: &Query,
    after: OrderId,
) -> rusqlite::Result<Option<OrderId>> {
    let plan = Plan::of(connection, query, &Types::Any)?;
    let found = plan.search(signed(after.next().0), Direction::Forward, 1).next(connection)?;
    Ok(found.map(|order_id| OrderId(order_id.unsigned_abs())))
}

/// The order ids of a correlation's events from `from` on, inclusive, in a direction, read in pieces of `piece`.
pub(super) fn of_correlation(id: &CorrelationId, from: i64, direction: Direction, piece: usize) -> Search {
    let listed = "SELECT e.order_id FROM event_correlations e WHERE e.correlation_id = ?1 AND e.order_id";
    let mut cursors = vec![(listed.to_owned(), vec![id_value(&id.0)])];
    if let Some([first, last]) = correlation::ids(id) {
        let by_id = "SELECT e.order_id FROM events e INDEXED BY events_by_id
         WHERE e.event_id BETWEEN ?2 AND ?3 AND e.correlation_id = ?1 AND e.order_id";
        cursors.push((by_id.to_owned(), vec![id_value(&id.0), first, last]));
    }
    Search::new(cursors, from, direction, piece)
}

/// The numbers of all event types with one of these names inside the scope, sorted.
fn type_ids<'n>(
    connection: &Connection,
    names: impl Iterator<Item = &'n str>,
    scope: &Types,
) -> rusqlite::Result<Vec<i64>> {
    let mut find = connection.prepare_cached("SELECT type_id, domain_id FROM event_types WHERE name = ?1")?;
    let mut found = Vec::new();
    for name in names {
        let mut rows = find.query([text(name)])?;
        while let Some(row) = rows.next()? {
            let (type_id, domain): (i64, i64) = (row.get(0)?, row.get(1)?);
            if scope.holds(type_id, domain) {
                found.push(type_id);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The numbers of all event types of a domain, sorted.
pub(super) fn domain_types(connection: &Connection, domain: &str) -> Outcome<Types> {
    let mut find = connection.prepare_cached(
        "SELECT type_id FROM event_types JOIN domains d USING (domain_id) WHERE d.name = ?1 ORDER BY type_id",
    )?;
    let types = find.query_map([text(domain)], |row| row.get(0))?;
    Ok(Types::Only(types.collect::<rusqlite::Result<_>>()?))
}

impl Types {
    pub(super) fn holds(&self, type_id: i64, domain: i64) -> bool {
        match self {
            Self::Any => true,
            Self::NotSystem => domain >= 0,
            Self::Only(types) => types.binary_search(&type_id).is_ok(),
        }
    }

    /// An SQL condition on `e.type_id`; `None` where nothing is ruled out.
    fn condition(&self) -> Option<String> {
        match self {
            Self::Any => None,
            Self::NotSystem => {
                Some("e.type_id NOT IN (SELECT type_id FROM event_types WHERE domain_id < 0)".into())
            }
            Self::Only(types) => {
                let numbers: Vec<String> = types.iter().map(i64::to_string).collect();
                Some(format!("e.type_id IN ({})", numbers.join(", ")))
            }
        }
    }
}

impl Arm {
    /// `None` where a name is unknown, so that no event can match.
    fn of(connection: &Connection, filter: &Filter, scope: &Types) -> rusqlite::Result<Option<Self>> {
        let types = if filter.types.is_empty() {
            scope.clone()
        } else {
            Types::Only(type_ids(connection, filter.types.iter().map(|name| &**name), scope)?)
        };
        let mut tags = Vec::with_capacity(filter.tags.len());
        for tag in &filter.tags {
            match tag_id(connection, tag)? {
                Some(id) => tags.push((frequency(connection, id)?, id)),
                None => return Ok(None),
            }
        }
        // The rarest tag leads, the others are looked up for each of its events.
        tags.sort_unstable();
        let tags = tags.into_iter().map(|(_, id)| id).collect();
        Ok((types != Types::Only(Vec::new())).then_some(Self { tags, types }))
    }

    /// The `SELECT` up to its condition on the order id, and its parameters.
    fn cursors(&self) -> Vec<(String, Vec<Value>)> {
        if self.tags.is_empty() {
            return types_cursors(&self.types);
        }
        let mut sql = String::from("SELECT t1.order_id FROM event_tags t1");
        for index in 2..=self.tags.len() {
            let on = format!("t{index}.tag_id = ?{index} AND t{index}.order_id = t1.order_id");
            sql += &[" CROSS JOIN event_tags t", &index.to_string(), " ON ", &on].concat();
        }
        if let Some(condition) = self.types.condition() {
            sql += &[" CROSS JOIN events e ON e.order_id = t1.order_id AND ", &condition].concat();
        }
        sql += " WHERE t1.tag_id = ?1 AND t1.order_id";
        vec![(sql, self.tags.iter().map(|tag| Value::Integer(*tag)).collect())]
    }
}

fn types_cursors(types: &Types) -> Vec<(String, Vec<Value>)> {
    let Types::Only(types) = types else {
        let condition = types.condition().map(|condition| condition + " AND ").unwrap_or_default();
        return vec![(format!("SELECT e.order_id FROM events e WHERE {condition}e.order_id"), Vec::new())];
    };
    let sql = "SELECT e.order_id FROM events e INDEXED BY events_by_type WHERE e.type_id = ?1 AND e.order_id";
    types.iter().map(|type_id| (sql.to_owned(), vec![Value::Integer(*type_id)])).collect()
}

fn tag_id(connection: &Connection, tag: &Tag) -> rusqlite::Result<Option<i64>> {
    let mut find = connection.prepare_cached("SELECT tag_id FROM tags WHERE key = ?1 AND value = ?2")?;
    find.query_row((text(&tag.key), text(&tag.value)), |row| row.get(0)).optional()
}

/// How many events have a tag, as far as it is worth counting.
fn frequency(connection: &Connection, tag_id: i64) -> rusqlite::Result<i64> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM event_tags WHERE tag_id = ?1 LIMIT 1000)";
    connection.prepare_cached(sql)?.query_row([tag_id], |row| row.get(0))
}

/// The union of sorted cursors, each order id once.
#[derive(Debug)]
pub(super) struct Search {
    cursors: Vec<Cursor>,
    direction: Direction,
}

impl Search {
    /// The union of cursors: each a `SELECT` up to its condition on the order id, and its parameters.
    fn new(cursors: Vec<(String, Vec<Value>)>, from: i64, direction: Direction, piece: usize) -> Self {
        let cursors = cursors
            .into_iter()
            .map(|(sql, parameters)| Cursor::new(&sql, parameters, from, direction, piece))
            .collect();
        Self { cursors, direction }
    }

    pub(super) fn next(&mut self, connection: &Connection) -> rusqlite::Result<Option<i64>> {
        let mut next: Option<i64> = None;
        for cursor in &mut self.cursors {
            if let Some(order_id) = cursor.peek(connection)? {
                next = Some(match (next, self.direction) {
                    (None, _) => order_id,
                    (Some(other), Direction::Forward) => other.min(order_id),
                    (Some(other), Direction::Backward) => other.max(order_id),
                });
            }
        }
        for cursor in &mut self.cursors {
            if cursor.piece.front() == next.as_ref() {
                cursor.piece.pop_front();
            }
        }
        Ok(next)
    }
}

#[derive(Debug)]
struct Cursor {
    sql: String,
    /// The parameters; the last two are where the next piece begins and how long it is.
    parameters: Vec<Value>,
    piece: VecDeque<i64>,
    direction: Direction,
    ended: bool,
}

impl Cursor {
    fn new(sql: &str, mut parameters: Vec<Value>, from: i64, direction: Direction, piece: usize) -> Self {
        let column = if sql.contains("event_tags") { "t1.order_id" } else { "e.order_id" };
        let (from_index, limit_index) = (parameters.len() + 1, parameters.len() + 2);
        let (compare, order) = match direction {
            Direction::Forward => (">=", "ASC"),
            Direction::Backward => ("<=", "DESC"),
        };
        let sql = format!("{sql} {compare} ?{from_index} ORDER BY {column} {order} LIMIT ?{limit_index}");
        parameters.extend([Value::Integer(from), Value::Integer(signed(piece as u64))]);
        Self { sql, parameters, piece: VecDeque::new(), direction, ended: false }
    }

    fn peek(&mut self, connection: &Connection) -> rusqlite::Result<Option<i64>> {
        if self.piece.is_empty() && !self.ended {
            self.read_piece(connection)?;
        }
        Ok(self.piece.front().copied())
    }

    fn read_piece(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(&self.sql)?;
        let order_ids = statement.query_map(params_from_iter(&self.parameters), |row| row.get(0))?;
        self.piece = order_ids.collect::<rusqlite::Result<_>>()?;
        let from = self.parameters.len() - 2;
        match (self.piece.back(), self.direction) {
            (None, _) => self.ended = true,
            (Some(last), Direction::Forward) => {
                self.parameters[from] = Value::Integer(last.saturating_add(1));
            }
            (Some(last), Direction::Backward) => {
                self.parameters[from] = Value::Integer(last.saturating_sub(1));
            }
        }
        Ok(())
    }
}
