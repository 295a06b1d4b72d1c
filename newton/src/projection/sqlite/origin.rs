//! Whether a file was made from the log at hand: a log that was replaced or restored is another one.

use std::path::PathBuf;
use std::sync::Arc;

use super::pool::Pool;
use super::tables::Tables;
use crate::domain::{EventId, OrderId};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{EventStore, Position, Read, Selection};

/// An event that a file took in, by which it knows its log.
pub(super) type Origin = (OrderId, EventId);

/// Refuses a file that was made from another log. Where it keeps no event yet, as files of before have none, that is no
/// difference, and this gives the event to keep.
///
/// # Errors
/// [`ErrorKind::Incompatible`] where the log ends before the file does, or has another event in a place that the file
/// knows.
pub(super) async fn check(
    name: &'static str,
    is_shared: bool,
    file: PathBuf,
    log: &dyn EventStore,
) -> Result<Option<Origin>> {
    if !file.exists() {
        return Ok(None);
    }
    let Some((checkpoint, last)) = known(name, file.clone()).await? else { return Ok(None) };
    let another = |how: &str| another(name, is_shared, how).with("file", file.display());
    let head = log.head().await?.current();
    if head < checkpoint {
        return Err(another("the log ends before it").with("checkpoint", checkpoint).with("head", head));
    }
    let Some((at, expected)) = last else { return at_or_before(checkpoint, log).await };
    let read = Read::of(Selection::All).from(Position::OrderId(at)).limit(1);
    match log.read(read).await?.events.first() {
        Some(found) if found.order_id == at && found.id != expected => {
            let error = another("the log has another event in its place").with("order id", at);
            Err(error.with("expected", expected).with("found", &found.id))
        }
        _ => Ok(None),
    }
}

/// The last event that a file with this checkpoint can have taken in.
async fn at_or_before(checkpoint: OrderId, log: &dyn EventStore) -> Result<Option<Origin>> {
    let read = Read::of(Selection::All).from(Position::OrderId(checkpoint)).backward().limit(1);
    let last = log.read(read).await?.events.into_iter().next();
    Ok(last.filter(|last| last.order_id <= checkpoint).map(|last| (last.order_id, last.id)))
}

/// How far a file is, and the event that it keeps.
async fn known(name: &'static str, file: PathBuf) -> Result<Option<(OrderId, Option<Origin>)>> {
    let pool = Arc::new(Pool::new(file));
    let reading = pool.connect().await?;
    let known = reading.read(move |file| {
        let tables = Tables(name);
        if !tables.is_there(file)? {
            return Ok(None);
        }
        Ok(tables.row(file)?.map(|row| row.checkpoint).zip(Some(tables.last(file)?)))
    });
    known.await
}

fn another(name: &'static str, is_shared: bool, how: &str) -> Error {
    let remedy = if is_shared {
        "Its tables are in the file of the events, which must not be removed. Where the log was replaced or restored on \
         purpose, stop the app, drop the projection's tables and delete its rows in the tables `newton_projections`, \
         `.._last`, `.._parked` and `.._dropped`, and start again, which builds them anew"
    } else {
        "Open the log it belongs to; or, where the log was replaced or restored on purpose, call `app.rebuild` for it, \
         which builds the data anew in another file and then gives up this one"
    };
    let message = format!("its data was made from another log: {how}. Nothing is applied. {remedy}");
    Error::new(ErrorKind::Incompatible, "open projection", message).with("projection", name)
}
