//! The tables, the way to them from older ones, and the check that a file holds them and not something else.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::correlation::IS_FOUND_BY_ID;
use super::failure::Outcome;
use crate::error::{Error, ErrorKind};

/// Marks a file as Newton's: the text `Nwtn` in SQLite's header.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"Nwtn");

/// The version of the tables below.
const VERSION: i32 = 2;

const TABLES: &str = include_str!("schema.sql");

const OPEN: &str = "open store";

/// What a file holds.
enum Content {
    Nothing,
    Tables,
    /// The tables of an older version.
    Older(i32),
}

/// Makes the tables where the file is empty, and brings older ones up to date, in one transaction; refuses what is not
/// Newton's or too new.
pub(super) fn prepare(connection: &mut Connection, file: &Path) -> Outcome<()> {
    match check(connection, file)? {
        Content::Tables => return Ok(()),
        Content::Older(_) => close_to_others(connection, file)?,
        Content::Nothing => {}
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match check(&transaction, file)? {
        Content::Nothing => {
            transaction.execute_batch(TABLES)?;
            transaction.execute_batch(&views())?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        Content::Older(version) => {
            if version < 2 {
                transaction.execute_batch(&list_correlations())?;
            }
        }
        Content::Tables => return Ok(()),
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// Makes sure that no program with older statements goes on writing: SQLite leaves the write-ahead log only where no
/// other connection is open. Whoever opens the file goes back to it.
fn close_to_others(connection: &Connection, file: &Path) -> Outcome<()> {
    match connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
            let message = "the file has an older schema and is in use, so that it cannot be brought up to date; \
                           close the other programs that have it open";
            Err(Error::new(ErrorKind::Unavailable, OPEN, message).with("file", file.display()).into())
        }
        result => Ok(result?),
    }
}

/// From version 1 to 2: the events of a correlation are listed.
fn list_correlations() -> String {
    format!(
        "CREATE TABLE event_correlations (
  correlation_id NOT NULL,
  order_id INTEGER NOT NULL,
  PRIMARY KEY (correlation_id, order_id)
) WITHOUT ROWID;
INSERT INTO event_correlations SELECT e.correlation_id, e.order_id FROM events e
WHERE e.correlation_id IS NOT NULL AND NOT {IS_FOUND_BY_ID} ORDER BY e.correlation_id, e.order_id;"
    )
}

/// Refuses a file that does not hold Newton's tables.
pub(super) fn require(connection: &Connection, file: &Path) -> Outcome<()> {
    match check(connection, file)? {
        Content::Tables => Ok(()),
        Content::Nothing => {
            Err(incompatible("the file has no events; give the path of a store", file).into())
        }
        Content::Older(version) => {
            let message = format!(
                "the file has the older schema {version}; open a copy of it as a store, which brings it up to date"
            );
            Err(incompatible(&message, file).into())
        }
    }
}

fn check(connection: &Connection, file: &Path) -> Outcome<Content> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION_ID, VERSION) => Ok(Content::Tables),
        (APPLICATION_ID, version @ 1..VERSION) => Ok(Content::Older(version)),
        (APPLICATION_ID, version) => {
            let message =
                format!("the file has schema {version}, this program knows {VERSION}; use a newer Newton");
            Err(incompatible(&message, file).into())
        }
        (0, 0) if tables == 0 => Ok(Content::Nothing),
        _ => {
            let message = "the file belongs to another program; give the path of a new file";
            Err(incompatible(message, file).into())
        }
    }
}

fn incompatible(message: &str, file: &Path) -> Error {
    Error::new(ErrorKind::Incompatible, OPEN, message).with("file", file.display())
}

/// The views: dictionaries joined, ids and times as text.
fn views() -> String {
    format!(
        "CREATE VIEW event_log AS
SELECT e.order_id, {time} AS time, s.name AS stream, e.version, d.name AS domain, t.name AS type, e.schema,
  e.payload, {event_id} AS event_id, {correlation_id} AS correlation_id, {command_id} AS command_id,
  {cause_id} AS cause_id, e.cause_relation, e.service, e.tenant, e.actor, e.tags, e.extra, e.encoding, e.key_id
FROM events e JOIN streams s USING (stream_id) JOIN event_types t USING (type_id)
  JOIN domains d ON d.domain_id = t.domain_id;

CREATE VIEW stream_list AS
SELECT s.name AS stream, d.name AS domain,
  (SELECT max(version) FROM events e WHERE e.stream_id = s.stream_id) AS version, s.deleted
FROM streams s JOIN domains d USING (domain_id);

CREATE VIEW state_records AS
SELECT space, key, revision, value, length(CAST(value AS BLOB)) AS bytes FROM state;",
        time = iso_time("e.time"),
        event_id = id_text("e.event_id"),
        correlation_id = id_text("e.correlation_id"),
        command_id = id_text("e.command_id"),
        cause_id = id_text("e.cause_id"),
    )
}

/// An id as text: hyphenated where it is stored as the 16 bytes of a UUID.
fn id_text(column: &str) -> String {
    let part = |start, length| format!("substr(lower(hex({column})), {start}, {length})");
    let uuid = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)].join(" || '-' || ");
    format!("CASE typeof({column}) WHEN 'blob' THEN {uuid} ELSE {column} END")
}

/// Microseconds since 1970 as text, such as `2026-01-31T08:30:00.000000Z`.
fn iso_time(column: &str) -> String {
    let micros = format!("({column} % 1000000 + 1000000) % 1000000");
    format!(
        "strftime('%Y-%m-%dT%H:%M:%S', ({column} - {micros}) / 1000000, 'unixepoch') || printf('.%06dZ', {micros})"
    )
}
