//! cqrs-es, on `SQLite` through sqlite-es and on its own memory store.

use bench_harness::bank::{self, AccountCommand, AccountError, AccountEvent};
use bench_harness::{Contestant, Outcome, Place, Result, Roster, serve};
use cqrs_es::event_sink::EventSink;
use cqrs_es::mem_store::MemStore;
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{Aggregate, AggregateContext, AggregateError, CqrsFramework, DomainEvent, EventStore};
use serde::{Deserialize, Serialize};
use sqlite_es::SqliteEventRepository;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

fn main() -> Result<()> {
    serve(&Roster::default().with::<OnSqlite>("cqrs-es", "").with::<InMemory>("cqrs-es, memory", ""))
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Account(bank::Account);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Event(AccountEvent);

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        self.0.name().into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}

impl Aggregate for Account {
    type Command = AccountCommand;
    type Event = Event;
    type Error = AccountError;
    type Services = ();

    const TYPE: &'static str = "Account";

    async fn handle(
        &mut self,
        command: AccountCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), AccountError> {
        for event in self.0.decide(command)? {
            sink.write(Event(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        self.0.evolve(&event.0);
    }
}

type SqliteStore = PersistedEventStore<SqliteEventRepository, Account>;

/// As its documentation shows, but with every commit written through, which its own pool does not do.
struct OnSqlite {
    pool: SqlitePool,
    cqrs: CqrsFramework<Account, SqliteStore>,
    store: SqliteStore,
}

/// The two tables of its own migration, without the sample data.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS events (
        aggregate_type text NOT NULL, aggregate_id text NOT NULL,
        sequence integer CHECK (sequence >= 0) NOT NULL,
        event_type text NOT NULL, event_version text NOT NULL, payload text NOT NULL, metadata text NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS snapshots (
        aggregate_type text NOT NULL, aggregate_id text NOT NULL,
        last_sequence integer CHECK (last_sequence >= 0) NOT NULL,
        current_snapshot integer CHECK (current_snapshot >= 0) NOT NULL, payload text NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, last_sequence)
    ) STRICT;";

impl Contestant for OnSqlite {
    async fn open(place: &Place, _: &str) -> Result<Self> {
        let Place::Dir(dir) = place else { return Err("this one needs a directory".into()) };
        let options = SqliteConnectOptions::new()
            .filename(dir.join("cqrs-es.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        let pool = SqlitePoolOptions::new().max_connections(10).connect_with(options).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        let store = || SqliteStore::new_event_store(SqliteEventRepository::new(pool.clone()));
        Ok(Self { cqrs: CqrsFramework::new(store(), vec![], ()), store: store(), pool })
    }

    async fn settings(&self) -> Result<String> {
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&self.pool).await?;
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&self.pool).await?;
        Ok(format!("journal_mode={journal} synchronous={synchronous}"))
    }

    async fn execute(&self, id: &str, command: AccountCommand) -> Result<Outcome> {
        outcome(self.cqrs.execute(id, command).await)
    }

    async fn balance(&self, id: &str) -> Result<u64> {
        balance(&self.store, id).await
    }

    async fn close(self) -> Result<()> {
        self.pool.close().await;
        Ok(())
    }
}

struct InMemory {
    cqrs: CqrsFramework<Account, MemStore<Account>>,
    store: MemStore<Account>,
}

impl Contestant for InMemory {
    async fn open(_: &Place, _: &str) -> Result<Self> {
        let store = MemStore::default();
        Ok(Self { cqrs: CqrsFramework::new(store.clone(), vec![], ()), store })
    }

    async fn settings(&self) -> Result<String> {
        Ok("memory".into())
    }

    async fn execute(&self, id: &str, command: AccountCommand) -> Result<Outcome> {
        outcome(self.cqrs.execute(id, command).await)
    }

    async fn balance(&self, id: &str) -> Result<u64> {
        balance(&self.store, id).await
    }
}

async fn balance(store: &impl EventStore<Account>, id: &str) -> Result<u64> {
    Ok(store.load_aggregate(id).await?.aggregate().0.balance)
}

fn outcome(result: Result<(), AggregateError<AccountError>>) -> Result<Outcome> {
    match result {
        Ok(()) => Ok(Outcome::Done),
        Err(AggregateError::AggregateConflict) => Ok(Outcome::Conflict),
        Err(error) => Err(error.into()),
    }
}
