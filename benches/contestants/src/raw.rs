//! The limit: decide in memory, encode, insert with prepared statements, one transaction for all commands at hand.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bench_harness::bank::{Account, AccountCommand, AccountEvent};
use bench_harness::{Contestant, Outcome, Place, Result};
use rusqlite::Connection;

/// The variant that folds each account from its events for each command, instead of keeping it in memory.
pub(crate) const LOADED: &str = "loaded";

/// The tables that a raw contestant writes to.
pub(crate) trait Tables: Send + Sized + 'static {
    /// What stands for a stream in the tables.
    type Stream: Send;

    /// Makes the tables where they are missing.
    fn create(file: &Path) -> impl Future<Output = Result<()>> + Send;

    /// What has to be known of the tables before they can be used.
    fn open(connection: &Connection) -> Result<Self>;

    /// Finds an account's stream and hands each of its events to `fold`.
    fn load(
        &mut self,
        connection: &Connection,
        id: &str,
        fold: impl FnMut(AccountEvent),
    ) -> Result<Option<Self::Stream>>;

    /// A stream for a new account.
    fn begin(&mut self, connection: &Connection, id: &str) -> Result<Self::Stream>;

    /// Writes events behind `version`.
    fn append(
        &mut self,
        connection: &Connection,
        stream: &Self::Stream,
        version: i64,
        events: &[AccountEvent],
    ) -> Result<()>;
}

/// A contestant without any framework.
pub(crate) struct Raw<T: Tables>(Mutex<Inner<T>>);

struct Inner<T: Tables> {
    connection: Connection,
    tables: T,
    /// Folded accounts; `None` where each command loads.
    cache: Option<HashMap<String, Known<T::Stream>>>,
}

/// An account as far as it is known.
struct Known<S> {
    account: Account,
    version: i64,
    stream: Option<S>,
}

impl<T: Tables> Inner<T> {
    fn load(&mut self, id: &str) -> Result<Known<T::Stream>> {
        let (mut account, mut version) = (Account::default(), 0);
        let stream = self.tables.load(&self.connection, id, |event| {
            account.evolve(&event);
            version += 1;
        })?;
        Ok(Known { account, version, stream })
    }

    fn execute(&mut self, id: String, command: AccountCommand) -> Result<()> {
        let cached = self.cache.as_mut().and_then(|cache| cache.remove(&id));
        let mut known = match cached {
            Some(known) => known,
            None => self.load(&id)?,
        };
        let events = known.account.decide(command)?;
        let stream = match known.stream.take() {
            Some(stream) => stream,
            None => self.tables.begin(&self.connection, &id)?,
        };
        self.tables.append(&self.connection, &stream, known.version, &events)?;
        if let Some(cache) = &mut self.cache {
            for event in &events {
                known.account.evolve(event);
            }
            known.version += i64::try_from(events.len())?;
            known.stream = Some(stream);
            cache.insert(id, known);
        }
        Ok(())
    }

    fn group(&mut self, commands: Vec<(String, AccountCommand)>) -> Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for (id, command) in commands {
            self.execute(id, command)?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}

impl<T: Tables> Raw<T> {
    fn with<R>(&self, use_it: impl FnOnce(&mut Inner<T>) -> R) -> R {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T: Tables> Contestant for Raw<T> {
    const GROUPED: bool = true;

    async fn open(place: &Place, variant: &str) -> Result<Self> {
        let Place::Dir(dir) = place else { return Err("this one needs a directory".into()) };
        let file = dir.join("newton.db");
        T::create(&file).await?;
        let connection = Connection::open(&file)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 4096; PRAGMA cache_size = -65536;",
        )?;
        let tables = T::open(&connection)?;
        let cache = (variant != LOADED).then(HashMap::new);
        Ok(Self(Mutex::new(Inner { connection, tables, cache })))
    }

    async fn settings(&self) -> Result<String> {
        self.with(|inner| {
            let ask = |pragma| inner.connection.pragma_query_value(None, pragma, |row| row.get(0));
            let journal: String = ask("journal_mode")?;
            let synchronous: i64 =
                inner.connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
            Ok(format!("journal_mode={journal} synchronous={synchronous}"))
        })
    }

    async fn execute(&self, id: &str, command: AccountCommand) -> Result<Outcome> {
        self.group(vec![(id.to_owned(), command)]).await.map(|()| Outcome::Done)
    }

    async fn balance(&self, id: &str) -> Result<u64> {
        self.with(|inner| Ok(inner.load(id)?.account.balance))
    }

    async fn group(&self, commands: Vec<(String, AccountCommand)>) -> Result<()> {
        self.with(|inner| inner.group(commands))
    }
}
