//! The check of a whole store.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::correlation::IS_FOUND_BY_ID;
use super::failure::{Failure, Outcome, of_sqlite};
use super::{SqliteOptions, connection, schema};
use crate::domain::OrderId;
use crate::error::{ErrorKind, Result};

/// What the check of a whole store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// The number of events.
    pub events: u64,
    /// The number of streams.
    pub streams: u64,
    /// The order id of the last event.
    pub head: OrderId,
    /// What is wrong, each with the stream, event or page it is about; the first [`MAX_PROBLEMS`](Self::MAX_PROBLEMS)
    /// of each check.
    pub problems: Vec<String>,
}

impl Verification {
    /// The most problems that one check lists.
    pub const MAX_PROBLEMS: usize = 100;

    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Each gives one text for each problem.
const CHECKS: [&str; 9] = [
    "SELECT 'stream ' || s.name || ': ' || count(*) || ' events with versions ' || min(version) || ' to ' || max(version)
     FROM events e JOIN streams s USING (stream_id) GROUP BY e.stream_id
     HAVING min(version) <> 1 OR max(version) <> count(*)",
    "SELECT 'stream ' || name || ': no events' FROM streams s
     WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.stream_id = s.stream_id)",
    "SELECT 'stream ' || s.name || ': version ' || e.version || ' has a lower order id than the one before'
     FROM events e JOIN events f ON f.stream_id = e.stream_id AND f.version = e.version - 1
       JOIN streams s ON s.stream_id = e.stream_id
     WHERE e.order_id <= f.order_id",
    "SELECT 'stream ' || s.name || ': ' || iif(s.deleted, 'deleted without', 'not deleted in spite of') || ' a tombstone'
     FROM streams s JOIN events e ON e.stream_id = s.stream_id AND e.version =
       (SELECT max(version) FROM events l WHERE l.stream_id = s.stream_id)
       JOIN event_types t USING (type_id)
     WHERE s.deleted <> (t.name = '$deleted')",
    "SELECT 'event ' || order_id || ': recorded earlier than the one before'
     FROM (SELECT order_id, time, lag(time) OVER (ORDER BY order_id) AS before FROM events) WHERE time < before",
    "SELECT 'event ' || order_id || ': the payload is not JSON' FROM events
     WHERE encoding IS NULL AND key_id IS NULL AND (typeof(payload) <> 'text' OR NOT json_valid(payload))",
    "SELECT 'event ' || order_id || ': its tags or metadata are not JSON' FROM events
     WHERE NOT json_valid(coalesce(tags, '[]')) OR NOT json_valid(coalesce(extra, '{}'))",
    "SELECT 'event ' || e.order_id || ': its ' || iif(s.stream_id IS NULL, 'stream', 'type') || ' has no name'
     FROM events e LEFT JOIN streams s USING (stream_id)
       LEFT JOIN event_types t ON t.type_id = e.type_id AND t.domain_id = s.domain_id
     WHERE t.type_id IS NULL",
    "SELECT 'event ' || order_id || ': its tags are not all in the index' FROM events e
     WHERE json_valid(tags) AND EXISTS (
       SELECT 1 FROM json_each(e.tags) j WHERE NOT EXISTS (
         SELECT 1 FROM tags t JOIN event_tags i ON i.tag_id = t.tag_id AND i.order_id = e.order_id
         WHERE t.key = j.value ->> 0 AND t.value = j.value ->> 1))
     UNION ALL
     SELECT 'tag ' || tag_id || ': points to the event ' || order_id || ', which is not there or does not have it'
     FROM event_tags i WHERE NOT EXISTS (
       SELECT 1 FROM events e WHERE e.order_id = i.order_id AND e.tags IS NOT NULL)",
];

/// Checks a file as of one moment. A damaged file gives problems; an error says that it could not be looked at.
pub(super) fn verify(file: &Path, options: &SqliteOptions) -> Result<Verification> {
    let look = || -> Outcome<Verification> {
        if !file.is_file() {
            let message = "there is no such file; give the path of a store";
            return Err(crate::Error::new(ErrorKind::NotFound, VERIFY, message)
                .with("file", file.display())
                .into());
        }
        let connection = if is_in_use(file) {
            connection::reader(file, options, options.cache_bytes / 4)?
        } else {
            open_at_rest(file)?
        };
        schema::require(&connection, file)?;
        check_all(&connection)
    };
    match look() {
        Err(Failure::Database(error)) => {
            let error = of_sqlite(&error, VERIFY, file);
            match error.kind() {
                ErrorKind::Corrupt => {
                    Ok(Verification { problems: vec![error.to_string()], ..Verification::default() })
                }
                _ => Err(error),
            }
        }
        other => other.map_err(|failure| failure.into_error(VERIFY, file)),
    }
}

const VERIFY: &str = "verify store";

/// Whether a write-ahead log stands beside the file, so that the file alone may be behind.
fn is_in_use(file: &Path) -> bool {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    Path::new(&log).exists()
}

/// Opens a file that nobody writes, such as a backup, also where its folder may not be written.
pub(super) fn open_at_rest(file: &Path) -> rusqlite::Result<Connection> {
    let path: String = file.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)
}

fn check_all(connection: &Connection) -> Outcome<Verification> {
    connection.execute_batch("BEGIN")?;
    let count = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
    let mut problems = integrity(connection)?;
    for check in CHECKS {
        problems.extend(list(connection, check)?);
    }
    problems.extend(list(connection, &check_correlations())?);
    let verification = Verification {
        events: count("SELECT count(*) FROM events")?,
        streams: count("SELECT count(*) FROM streams")?,
        head: OrderId(count("SELECT coalesce(max(order_id), 0) FROM events")?),
        problems,
    };
    connection.execute_batch("COMMIT")?;
    Ok(verification)
}

/// Gives one text for each event that its correlation does not lead to, and for each row that leads to a wrong one.
fn check_correlations() -> String {
    format!(
        "SELECT 'event ' || e.order_id || ': its correlation does not lead to it' FROM events e
         WHERE e.correlation_id IS NOT NULL AND NOT {IS_FOUND_BY_ID} AND NOT EXISTS (
           SELECT 1 FROM event_correlations c
           WHERE c.correlation_id = e.correlation_id AND c.order_id = e.order_id)
         UNION ALL
         SELECT 'correlation: points to the event ' || order_id || ', which is not there or does not have it'
         FROM event_correlations c WHERE NOT EXISTS (
           SELECT 1 FROM events e WHERE e.order_id = c.order_id AND e.correlation_id = c.correlation_id)"
    )
}

fn integrity(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let found = list(connection, "SELECT integrity_check FROM pragma_integrity_check")?;
    Ok(found.into_iter().filter(|line| line != "ok").map(|line| format!("file: {line}")).collect())
}

fn list(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let lines = statement.query_map([], |row| row.get(0))?;
    lines.take(Verification::MAX_PROBLEMS).collect()
}
