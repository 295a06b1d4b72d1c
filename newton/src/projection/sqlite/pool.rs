//! A few connections that read one file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::tables::failed;
use crate::error::{Error, ErrorKind, Result};
use crate::store::sqlite::open_beside;

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

    /// Reads on a thread that may wait.
    pub(super) async fn read<T: Send + 'static>(
        self: std::sync::Arc<Self>,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let task = tokio::task::spawn_blocking(move || {
            let connection = self.take()?;
            let outcome = read(&connection);
            self.give_back(connection);
            outcome.map_err(|error| failed(&error, &self.file))
        });
        task.await.unwrap_or_else(|panic| {
            let message = "the query panicked, or the runtime was shut down";
            Err(Error::new(ErrorKind::Internal, "query projection", message).caused_by(panic))
        })
    }

    fn take(&self) -> Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| open_beside(&self.file, true).map_err(|error| failed(&error, &self.file)), Ok)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT && connection.is_autocommit() {
            idle.push(connection);
        }
    }
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
