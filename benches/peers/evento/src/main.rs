//! evento, on `SQLite`, with the write model of its documentation: a projection with snapshots in memory.

#![expect(clippy::unused_async, reason = "its handlers must be async")]

use bench_harness::bank::{self, AccountCommand, AccountEvent};
use bench_harness::{Contestant, Outcome, Place, Result, Roster, serve};
use evento::metadata::Event;
use evento::migrator::{Migrate, Plan};
use evento::projection::Projection;
use evento::{ProjectionAggregate, Sqlite, WriteError};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

mod live;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [work, folder] = arguments.as_slice()
        && work == "w6"
    {
        return live::measure(folder.as_ref());
    }
    serve(&Roster::default().with::<Evento>("evento", ""))
}

/// Its events have the fields of the others', in its own binary encoding.
#[evento::aggregate(name = "bank/Account")]
enum BankAccount {
    Opened { owner: String },
    Deposited { amount: u64, reference: String },
    Withdrawn { amount: u64, reference: String },
}

#[evento::projection(id = id)]
#[evento::snapshot(memory)]
struct Account {
    id: String,
    state: bank::Account,
}

#[evento::handler]
async fn on_opened(event: Event<Opened>, account: &mut Account) -> anyhow::Result<()> {
    account.id.clone_from(&event.aggregate_id);
    account.state.open = true;
    Ok(())
}

#[evento::handler]
async fn on_deposited(event: Event<Deposited>, account: &mut Account) -> anyhow::Result<()> {
    account.state.balance += event.data.amount;
    Ok(())
}

#[evento::handler]
async fn on_withdrawn(event: Event<Withdrawn>, account: &mut Account) -> anyhow::Result<()> {
    account.state.balance -= event.data.amount;
    Ok(())
}

struct Evento {
    pool: SqlitePool,
    executor: Sqlite,
}

impl Evento {
    async fn load(&self, id: &str) -> Result<Option<Account>> {
        let projection = Projection::<_, Account>::new::<BankAccount>()
            .handler(on_opened())
            .handler(on_deposited())
            .handler(on_withdrawn())
            .strict();
        Ok(projection.load(id).execute(&self.executor).await?)
    }
}

impl Contestant for Evento {
    async fn open(place: &Place, _: &str) -> Result<Self> {
        let Place::Dir(dir) = place else { return Err("this one needs a directory".into()) };
        forget();
        let options = SqliteConnectOptions::new()
            .filename(dir.join("evento.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new().max_connections(10).connect_with(options).await?;
        let mut connection = pool.acquire().await?;
        evento::sql_migrator::new::<sqlx::Sqlite>()?.run(&mut *connection, &Plan::apply_all()).await?;
        drop(connection);
        Ok(Self { executor: pool.clone().into(), pool })
    }

    async fn settings(&self) -> Result<String> {
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&self.pool).await?;
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&self.pool).await?;
        Ok(format!("journal_mode={journal} synchronous={synchronous}"))
    }

    async fn execute(&self, id: &str, command: AccountCommand) -> Result<Outcome> {
        let account = self.load(id).await?;
        let events =
            account.as_ref().map_or(&bank::Account::default(), |account| &account.state).decide(command)?;
        let mut write = match &account {
            Some(account) => account.write()?,
            None => evento::append(id),
        };
        for event in events {
            match event {
                AccountEvent::Opened { owner } => write.event(&Opened { owner }),
                AccountEvent::Deposited { amount, reference } => {
                    write.event(&Deposited { amount, reference })
                }
                AccountEvent::Withdrawn { amount, reference } => {
                    write.event(&Withdrawn { amount, reference })
                }
            };
        }
        match write.commit(&self.executor).await {
            Ok(_) => Ok(Outcome::Done),
            Err(WriteError::InvalidOriginalVersion) => Ok(Outcome::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    async fn balance(&self, id: &str) -> Result<u64> {
        forget();
        Ok(self.load(id).await?.map_or(0, |account| account.state.balance))
    }

    async fn close(self) -> Result<()> {
        self.pool.close().await;
        Ok(())
    }
}

/// Empties the snapshots in memory, which outlive a store.
fn forget() {
    if let Ok(mut rows) = Account::snapshot_rows().write() {
        rows.clear();
    }
}
