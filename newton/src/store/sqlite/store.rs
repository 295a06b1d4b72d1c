//! The store itself: its threads, and the two traits over them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::in_place::InPlace;
use super::reader::Readers;
use super::watcher::Watcher;
use super::writer::Writer;
use super::{SqliteOptions, Verification, backup, thread, verify};
use crate::domain::{Name, OrderId, StreamName};
use crate::error::Result;
use crate::store::{
    Append, Appended, Capability, EventStore, Head, HeadSender, Limits, Load, Page, Read, Revision, Scan,
    Slice, StateKey, StateRecord, StateStore, StateWrite, StreamInfo, Streams, state,
};

/// An event store and a state store in one SQLite file.
///
/// Appends and state writes that wait at the same time share one commit. An append whose future is dropped may still
/// be written. Several processes may open one file. Dropping the store ends its threads and, in the last process,
/// folds the write-ahead log into the file.
///
/// ```
/// use newton::domain::{Clock, NewEvent, SystemClock};
/// use newton::store::{Append, EventStore, Load, sqlite::{SqliteOptions, SqliteStore}};
/// use newton::{ExpectedVersion, Payload, StreamName, Version};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("newton-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let file = folder.join("bank.db");
/// let store = SqliteStore::open(&file, SqliteOptions::default())?;
/// let stream = StreamName::parse("bank/Account/acc-1")?;
/// let opened = NewEvent::new("AccountOpened", Payload::json(r#"{"owner":"Ada"}"#)?);
/// let now = SystemClock.now();
/// store.append(Append::to(stream.clone(), ExpectedVersion::NoStream, vec![opened], now)).await?;
///
/// let slice = store.load(Load { stream, after: Version::EMPTY, limit: 100 }).await?;
/// assert_eq!(slice.version, Version(1));
///
/// let copy = folder.join("backup.db");
/// store.backup(&copy).await?;
/// assert!(SqliteStore::verify_file(&copy)?.is_sound());
/// SqliteStore::restore(&copy, folder.join("restored.db"))?;
/// # drop(store);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok(())
/// # }
/// ```
pub struct SqliteStore {
    // Dropped in this order: the writer's connection is the last, and folds the log into the file.
    watcher: Watcher,
    readers: Readers,
    in_place: InPlace,
    writer: Writer,
    head: Arc<HeadSender>,
    capability: Capability,
    file: Arc<Path>,
    options: SqliteOptions,
}

impl SqliteStore {
    /// Opens a file; makes it where it is missing.
    ///
    /// # Errors
    /// [`Incompatible`](crate::ErrorKind::Incompatible) for a file of another program or of a newer Newton,
    /// [`ReadOnly`](crate::ErrorKind::ReadOnly), [`Corrupt`](crate::ErrorKind::Corrupt),
    /// [`NotFound`](crate::ErrorKind::NotFound) where its folder is missing; each names the file.
    pub fn open(file: impl AsRef<Path>, options: SqliteOptions) -> Result<Self> {
        let file: Arc<Path> = file.as_ref().into();
        let head = Arc::new(HeadSender::new(OrderId::START));
        let writer = Writer::open(&file, &options, Arc::clone(&head))?;
        let readers = Readers::open(&file, &options)?;
        let in_place = InPlace::open(&file, &options)?;
        let watcher = Watcher::open(&file, &options, Arc::clone(&head))?;
        let limits = Limits { event_bytes: options.max_event_bytes, ..Limits::default() };
        let capability = Capability {
            durable: true,
            expected_versions: true,
            multi_stream: true,
            conditions: true,
            limits,
        };
        Ok(Self { watcher, readers, in_place, writer, head, capability, file, options })
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Copies the store to a new file while appends go on: complete and consistent as of the end of the copy.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) where `to` exists; where the copy fails, `to` does not exist.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        self.writer.backup(to.as_ref().to_owned()).await
    }

    /// Checks the whole store: see [`Verification`]. Reads as of one moment, which keeps the write-ahead log from being
    /// emptied meanwhile; on a large and busy store verify a backup instead.
    pub async fn verify(&self) -> Result<Verification> {
        let (file, options) = (Arc::clone(&self.file), self.options.clone());
        match tokio::task::spawn_blocking(move || verify::verify(&file, &options)).await {
            Ok(verification) => verification,
            Err(_) => Err(thread::closed()),
        }
    }

    /// Checks a file that nobody writes, such as a backup: see [`Verification`].
    pub fn verify_file(file: impl AsRef<Path>) -> Result<Verification> {
        verify::verify(file.as_ref(), &SqliteOptions::default())
    }

    /// Verifies a backup and copies it to a new file, whole or not at all.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) where the backup is not sound,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) where `to` exists: move it away first.
    pub fn restore(backup: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
        backup::restore(backup.as_ref(), to.as_ref())
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("file", &self.file)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl EventStore for SqliteStore {
    fn capability(&self) -> Capability {
        self.capability
    }

    async fn append(&self, append: Append) -> Result<Appended> {
        self.capability.admit(&append)?;
        self.writer.append(append).await
    }

    async fn read(&self, read: Read) -> Result<Page> {
        read.admit()?;
        self.readers.ask("read", move |reader| reader.read(&read)).await
    }

    async fn load(&self, load: Load) -> Result<Slice> {
        load.admit()?;
        self.in_place.load(&load)
    }

    async fn streams(&self, streams: Streams) -> Result<Vec<StreamInfo>> {
        streams.admit()?;
        self.readers.ask("list streams", move |reader| reader.streams(&streams)).await
    }

    async fn event_types(&self, domain: &StreamName) -> Result<Vec<Name>> {
        let domain = domain.clone();
        self.readers.ask("list event types", move |reader| reader.event_types(&domain)).await
    }

    async fn head(&self) -> Result<Head> {
        let head = self.head.subscribe();
        self.watcher.wake();
        let last = self.readers.ask("read head", |reader| reader.last_order_id()).await?;
        self.head.advance(last);
        Ok(head)
    }
}

#[async_trait]
impl StateStore for SqliteStore {
    async fn get(&self, key: &StateKey) -> Result<Option<StateRecord>> {
        self.in_place.state(key)
    }

    async fn write(&self, batch: Vec<StateWrite>) -> Result<Vec<Revision>> {
        state::admit(&batch)?;
        self.writer.write_state(batch).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<StateRecord>> {
        scan.admit()?;
        self.readers.ask("scan state", move |reader| reader.scan(&scan)).await
    }
}
