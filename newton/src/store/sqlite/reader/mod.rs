//! The threads that read, each with a connection of its own: one page is one short read transaction.
//!
//! - [`read`]: pages of recorded events, by [`row`], [`types`] and [`position`]
//! - [`list`]: streams, event types and state records

mod list;
mod position;
mod read;
mod row;
mod types;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Statement};
use tokio::sync::oneshot;

pub(super) use self::list::state_record;
use self::row::Names;
pub(super) use self::types::TypeNames;
use super::codec::text;
use super::failure::Outcome;
use super::queue::{Queue, Served};
use super::thread::{self, Ready, closed};
use super::{SqliteOptions, connection};
use crate::domain::{OrderId, StreamName};
use crate::error::Result;

/// The most payload bytes of a page, unless one event has more.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// The most events of a page.
const PAGE_EVENTS: usize = 4_096;

type Job = Box<dyn FnOnce(&mut Reader<'_>) + Send>;

/// The handle to the threads that read; dropping it ends them.
pub(super) struct Readers {
    queue: Arc<Queue<Job>>,
    threads: Vec<JoinHandle<Result<()>>>,
    file: Arc<Path>,
}

impl Readers {
    pub(super) fn open(file: &Arc<Path>, options: &SqliteOptions) -> Result<Self> {
        let mut readers = Self { queue: Arc::new(Queue::new()), threads: Vec::new(), file: Arc::clone(file) };
        for _ in 0..options.readers.max(1) {
            let served = Served(Arc::clone(&readers.queue));
            let (file, options) = (Arc::clone(file), options.clone());
            readers.threads.push(thread::start("newton-sqlite-reader", move |ready| {
                connection::reader(&file, &options, options.cache_bytes / 4)
                    .and_then(|connection| serve(&connection, &served.0, ready))
                    .map_err(|failure| failure.into_error("open store", &file))
            })?);
        }
        Ok(readers)
    }

    /// Runs a read inside a read transaction of its own.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&mut Reader<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, outcome) = oneshot::channel();
        self.queue.push(Box::new(move |reader| {
            // A caller that went away needs no answer.
            if !reply.is_closed() {
                let _ = reply.send(connection::in_transaction(reader, |reader| reader.connection, read));
            }
        }));
        match outcome.await {
            Ok(outcome) => outcome.map_err(|failure| failure.into_error(operation, &self.file)),
            Err(_) => Err(closed()),
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

fn serve(connection: &Connection, queue: &Queue<Job>, ready: Ready) -> Outcome<()> {
    let mut reader = Reader::prepare(connection)?;
    ready.tell();
    while let Some(job) = queue.pop(Duration::ZERO) {
        job(&mut reader);
    }
    Ok(())
}

/// What a reading thread holds.
pub(super) struct Reader<'c> {
    connection: &'c Connection,
    find_stream: Statement<'c>,
    last_version: Statement<'c>,
    names: Names<'c>,
    /// The events of the last page: the next one may well have as many.
    last_page: usize,
}

impl<'c> Reader<'c> {
    fn prepare(connection: &'c Connection) -> Outcome<Self> {
        Ok(Self {
            connection,
            find_stream: connection.prepare("SELECT stream_id FROM streams WHERE name = ?1")?,
            last_version: connection.prepare("SELECT max(version) FROM events WHERE stream_id = ?1")?,
            names: Names::prepare(connection)?,
            last_page: 0,
        })
    }

    pub(super) fn last_order_id(&self) -> Outcome<OrderId> {
        last_order_id(self.connection)
    }

    /// The number of a stream, if it has events.
    fn stream_id(&mut self, name: &StreamName) -> Outcome<Option<i64>> {
        Ok(self.find_stream.query_row([text(name.as_str())], |row| row.get(0)).optional()?)
    }
}

/// The order id of the last event; 0 where there is none.
pub(super) fn last_order_id(connection: &Connection) -> Outcome<OrderId> {
    let mut last = connection.prepare_cached("SELECT max(order_id) FROM events")?;
    let last: Option<i64> = last.query_row([], |row| row.get(0))?;
    Ok(OrderId(last.map_or(0, i64::unsigned_abs)))
}
