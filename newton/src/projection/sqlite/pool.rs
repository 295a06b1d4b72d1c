//! A few connections that read one file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::tables::failed;
use crate::error::{Error, ErrorKind, Result};
use crate::store::sqlite::open_beside;
use crate::sync::lock;

/// The connections that are kept open while nobody reads.
const KEPT: usize = 4;

/// Connections that read one file.
#[derive(Debug)]
pub(super) struct Pool {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    is_retired: AtomicBool,
}

impl Pool {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, idle: Mutex::default(), is_retired: AtomicBool::new(false) }
    }

    /// Has the file removed once its last reader is done.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Release);
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// A connection to read with; opened on a thread that may wait where none is at hand.
    pub(super) async fn connect(self: Arc<Self>) -> Result<Reading> {
        let idle = lock(&self.idle).pop();
        if let Some(connection) = idle {
            return Ok(Reading { pool: self, connection });
        }
        blocking(move || {
            let connection = open_beside(&self.file, true).map_err(|error| failed(&error, &self.file))?;
            Ok(Reading { pool: self, connection })
        })
        .await
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = lock(&self.idle);
        if idle.len() < KEPT && connection.is_autocommit() {
            idle.push(connection);
        }
    }
}

/// A connection of a pool.
pub(super) struct Reading {
    pool: Arc<Pool>,
    connection: Connection,
}

impl Reading {
    /// Reads on a thread that may wait.
    pub(super) async fn read<T: Send + 'static>(
        self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        blocking(move || {
            let outcome = read(&self.connection);
            self.pool.give_back(self.connection);
            outcome.map_err(|error| failed(&error, &self.pool.file))
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| {
        let message = "the query panicked, or the runtime was shut down";
        Err(Error::new(ErrorKind::Internal, "query projection", message).caused_by(panic))
    })
}

impl Drop for Pool {
    fn drop(&mut self) {
        if !*self.is_retired.get_mut() {
            return;
        }
        self.idle.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        for ending in ["", "-wal", "-shm"] {
            let mut file = self.file.clone().into_os_string();
            file.push(ending);
            // What cannot be removed now is removed at the next start.
            let _ = std::fs::remove_file(file);
        }
    }
}
