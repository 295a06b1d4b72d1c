//! Sees what other processes append, while somebody waits for events.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::failure::Outcome;
use super::reader::last_order_id;
use super::thread::{self, Ready};
use super::{SqliteOptions, connection};
use crate::error::Result;
use crate::store::HeadSender;

/// How often the file is looked at while a head is watched.
const PERIOD: Duration = Duration::from_millis(10);

/// The thread that watches the file; dropping it ends the thread. It sleeps while no head is handed out.
pub(super) struct Watcher {
    closed: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Watcher {
    pub(super) fn open(file: &Arc<Path>, options: &SqliteOptions, head: Arc<HeadSender>) -> Result<Self> {
        let closed = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&closed);
        let (file, options) = (Arc::clone(file), options.clone());
        let thread = thread::start("newton-sqlite-watcher", move |ready| {
            connection::reader(&file, &options, options.cache_bytes / 64)
                .and_then(|connection| watch(&connection, &head, &ends, ready))
                .map_err(|failure| failure.into_error("watch store", &file))
        })?;
        Ok(Self { closed, thread: Some(thread) })
    }

    /// Wakes the thread: a head has been handed out.
    pub(super) fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

fn watch(connection: &Connection, head: &HeadSender, closed: &AtomicBool, ready: Ready) -> Outcome<()> {
    head.advance(last_order_id(connection)?);
    let mut data_version = connection.prepare("PRAGMA data_version")?;
    let mut seen: Option<i64> = None;
    ready.tell();
    while !closed.load(Ordering::Acquire) {
        if !head.is_watched() {
            std::thread::park();
            continue;
        }
        // What fails here is tried again, and reported by the next read.
        let version = data_version.query_row([], |row| row.get(0)).ok();
        if version.is_some()
            && version != seen
            && let Ok(last) = last_order_id(connection)
        {
            head.advance(last);
            seen = version;
        }
        std::thread::park_timeout(PERIOD);
    }
    Ok(())
}
