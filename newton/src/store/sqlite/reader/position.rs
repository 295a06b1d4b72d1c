//! Where a read begins: positions as order ids and versions.

use rusqlite::{Connection, OptionalExtension};

use super::last_order_id;
use crate::domain::{OrderId, Timestamp};
use crate::store::sqlite::codec::signed;
use crate::store::sqlite::failure::Outcome;
use crate::store::{Direction, Position};

/// The order id at which a read begins, inclusive. Not for versions.
pub(super) fn order_id(
    connection: &Connection,
    from: Option<Position>,
    direction: Direction,
) -> Outcome<i64> {
    match (from, direction) {
        (None | Some(Position::Version(_)), Direction::Forward) => Ok(0),
        (None | Some(Position::Version(_)), Direction::Backward) => Ok(i64::MAX),
        (Some(Position::OrderId(OrderId(order_id))), _) => Ok(signed(order_id)),
        // Times never fall along the order id: the first one that is too late splits the log.
        (Some(Position::Time(time)), Direction::Forward) => first_at(connection, time.timestamp_micros()),
        (Some(Position::Time(time)), Direction::Backward) => {
            Ok(first_at(connection, micros_after(time))?.saturating_sub(1))
        }
    }
}

fn micros_after(time: Timestamp) -> i64 {
    time.timestamp_micros().saturating_add(1)
}

/// The first order id whose event was recorded at `micros` or later; the one behind the last if there is none.
fn first_at(connection: &Connection, micros: i64) -> Outcome<i64> {
    let mut time_at = connection.prepare_cached("SELECT time FROM events WHERE order_id >= ?1 LIMIT 1")?;
    let behind = signed(last_order_id(connection)?.next().0);
    partition_point(1, behind, |order_id| {
        let time: Option<i64> = time_at.query_row([order_id], |row| row.get(0)).optional()?;
        Ok(time.is_some_and(|time| time < micros))
    })
}

/// The first version of a stream whose order id is `order_id` or higher; the one behind the last if there is none.
pub(super) fn version(connection: &Connection, stream_id: i64, last: i64, order_id: i64) -> Outcome<i64> {
    let sql = "SELECT order_id FROM events WHERE stream_id = ?1 AND version >= ?2 ORDER BY version LIMIT 1";
    let mut order_at = connection.prepare_cached(sql)?;
    partition_point(1, last.saturating_add(1), |version| {
        let found: Option<i64> = order_at.query_row([stream_id, version], |row| row.get(0)).optional()?;
        Ok(found.is_some_and(|found| found < order_id))
    })
}

/// The first number from `low` up to `high` of which `is_before` does not hold; it holds of all before that one.
fn partition_point(
    mut low: i64,
    mut high: i64,
    mut is_before: impl FnMut(i64) -> Outcome<bool>,
) -> Outcome<i64> {
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
