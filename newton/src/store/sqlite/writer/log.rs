//! Keeps the write-ahead log short: moves it into the file once it has grown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::{Connection, Statement};

/// Pages in the log at which it is moved into the file, as far as readers let it: 16 MiB.
const MOVE_AT: u32 = 4_096;

/// Pages in the log at which the writer waits a moment for readers, so that the log can start anew: 32 MiB.
const RESTART_AT: u32 = 8_192;

/// Pages by which the log grows before the next try, where it could not start anew.
const STEP: u32 = 1_024;

/// How long the writer waits for readers; Newton's own need less for a page.
const READERS_WAIT: Duration = Duration::from_millis(20);

/// The write-ahead log, as the writer sees it.
pub(super) struct Log<'c> {
    connection: &'c Connection,
    passive: Statement<'c>,
    restart: Statement<'c>,
    pages: Arc<AtomicU32>,
    last_pages: u32,
    next: u32,
}

impl<'c> Log<'c> {
    /// Counts the pages in the log after each commit.
    pub(super) fn watch(connection: &mut Connection) -> rusqlite::Result<Arc<AtomicU32>> {
        let pages = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count| {
            counter.store(u32::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(pages)
    }

    pub(super) fn prepare(connection: &'c Connection, pages: Arc<AtomicU32>) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            passive: connection.prepare("PRAGMA wal_checkpoint(PASSIVE)")?,
            restart: connection.prepare("PRAGMA wal_checkpoint(RESTART)")?,
            pages,
            last_pages: 0,
            next: MOVE_AT,
        })
    }

    /// Moves the log into the file where it has grown. What fails now is tried again after the next commits.
    pub(super) fn trim(&mut self) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.last_pages {
            self.next = MOVE_AT;
        }
        self.last_pages = pages;
        if pages < self.next {
            return;
        }
        self.next = pages + STEP;
        let result = if pages < RESTART_AT { run(&mut self.passive) } else { self.wait_and_restart() };
        if let Err(error) = result {
            tracing::warn!(%error, pages, "the write-ahead log could not be moved into the file; it is tried again");
        }
    }

    /// Another program's long read must not delay appends, so that this waits a short time only. Elsewhere the
    /// connection does not wait at all: see `begin` of the batches.
    fn wait_and_restart(&mut self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(READERS_WAIT)?;
        let result = run(&mut self.restart);
        self.connection.busy_timeout(Duration::ZERO)?;
        result
    }
}

fn run(checkpoint: &mut Statement<'_>) -> rusqlite::Result<()> {
    checkpoint.query_row([], |_| Ok(()))
}
