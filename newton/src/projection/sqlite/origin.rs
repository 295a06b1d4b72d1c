//! Whether a file was made from the log at hand: a log that was replaced or restored is another one.

use std::path::PathBuf;
use std::sync::Arc;

use super::pool::Pool;
use super::tables::Tables;
use crate::domain::{EventId, OrderId};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{EventStore, Position, Read, Selection};

/// How far a file is, and an event that it took in.
type Known = (OrderId, Option<(OrderId, EventId)>);

/// Refuses a file that was made from another log. Where it keeps no event yet, that is no difference.
///
/// # Errors
/// [`ErrorKind::Incompatible`] where the log ends before the file does, or has another event in a place that the file
/// knows.
pub(super) async fn check(name: &'static str, file: PathBuf, log: &dyn EventStore) -> Result<()> {
    if !file.exists() {
        return Ok(());
    }
    let Some((checkpoint, last)) = known(name, file.clone()).await? else { return Ok(()) };
    let refuse = |error: Error| Err(error.with("projection", name).with("file", file.display()));
    let head = log.head().await?.current();
    if head < checkpoint {
        return refuse(another("the log ends before it").with("checkpoint", checkpoint).with("head", head));
    }
    let Some((at, expected)) = last else { return Ok(()) };
    let read = Read::of(Selection::All).from(Position::OrderId(at)).limit(1);
    match log.read(read).await?.events.first() {
        Some(found) if found.order_id == at && found.id != expected => {
            let error = another("the log has another event in its place").with("order id", at);
            refuse(error.with("expected", expected).with("found", &found.id))
        }
        _ => Ok(()),
    }
}

async fn known(name: &'static str, file: PathBuf) -> Result<Option<Known>> {
    let pool = Arc::new(Pool::new(file));
    pool.read(move |file| {
        let tables = Tables(name);
        if !tables.is_there(file)? {
            return Ok(None);
        }
        Ok(tables.row(file)?.map(|row| row.checkpoint).zip(Some(tables.last(file)?)))
    })
    .await
}

fn another(how: &str) -> Error {
    let message = format!(
        "its data was made from another log: {how}. Nothing is applied. Open the log it belongs to; or, where the log was \
         replaced or restored on purpose, stop the app, remove the file with its `-wal` and `-shm`, and start again, which \
         builds the data anew"
    );
    Error::new(ErrorKind::Incompatible, "open projection", message)
}
