//! A store in a folder of its own, and short ways to use it.

use std::ops::Deref;
use std::path::PathBuf;

use newton::domain::{Clock, NewEvent, SystemClock};
use newton::store::sqlite::{SqliteOptions, SqliteStore};
use newton::store::{Append, Appended, EventStore};
use newton::{ExpectedVersion, Payload, Result, StreamName};
use tempfile::TempDir;

/// A store whose folder goes away with it.
#[derive(Debug)]
pub(super) struct Temporary {
    store: SqliteStore,
    folder: TempDir,
}

impl Temporary {
    pub(super) fn open() -> Self {
        Self::with(SqliteOptions::default())
    }

    pub(super) fn with(options: SqliteOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("events.db"), options).unwrap();
        Self { store, folder }
    }

    /// A path in the store's folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Closes the store; the folder stays as long as what is given back.
    pub(super) fn close(self) -> (TempDir, PathBuf) {
        let file = self.store.file().to_owned();
        drop(self.store);
        (self.folder, file)
    }
}

impl Deref for Temporary {
    type Target = SqliteStore;

    fn deref(&self) -> &SqliteStore {
        &self.store
    }
}

pub(super) fn stream(name: &str) -> StreamName {
    StreamName::parse(name).unwrap()
}

/// An event whose payload has about so many bytes.
pub(super) fn event(bytes: usize) -> NewEvent {
    NewEvent::new("Noted", Payload::of(&"x".repeat(bytes)).unwrap())
}

/// Appends events to a stream, wherever it is.
pub(super) async fn append(store: &SqliteStore, name: &str, events: Vec<NewEvent>) -> Result<Appended> {
    let append = Append::to(stream(name), ExpectedVersion::Any, events, SystemClock.now());
    store.append(append).await
}
