//! mire, on its embedded `SQLite` store.

use bench_harness::bank::{self, AccountCommand, AccountError, AccountEvent};
use bench_harness::{Contestant, Outcome, Place, Result, Roster, serve};
use mire::{Aggregate, Command, CommandError, EventData, EventStore, EventStoreError};
use serde::{Deserialize, Serialize};

fn main() -> Result<()> {
    serve(&Roster::default().with::<Mire>("mire", ""))
}

#[derive(Default)]
struct Account(bank::Account);

#[derive(Serialize, Deserialize)]
struct Event(AccountEvent);

impl EventData for Event {
    fn event_type(&self) -> &'static str {
        self.0.name()
    }
}

impl Aggregate for Account {
    type Event = Event;

    fn stream_category() -> &'static str {
        "account"
    }

    fn apply(&mut self, event: &Event) {
        self.0.evolve(&event.0);
    }
}

struct Ask(AccountCommand);

impl Command for Ask {
    type Aggregate = Account;
    type Error = AccountError;
    type Events = Vec<Event>;

    fn handle(self, account: &Account) -> Result<Vec<Event>, AccountError> {
        Ok(account.0.decide(self.0)?.into_iter().map(Event).collect())
    }
}

struct Mire(EventStore);

impl Contestant for Mire {
    async fn open(place: &Place, _: &str) -> Result<Self> {
        let Place::Dir(dir) = place else { return Err("this one needs a directory".into()) };
        let store = EventStore::open(dir.join("mire.db")).await?;
        store.migrate().await?;
        Ok(Self(store))
    }

    async fn settings(&self) -> Result<String> {
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(self.0.pool()).await?;
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(self.0.pool()).await?;
        Ok(format!("journal_mode={journal} synchronous={synchronous}"))
    }

    async fn execute(&self, id: &str, command: AccountCommand) -> Result<Outcome> {
        match self.0.repository::<Account>().send(id, Ask(command)).await {
            Ok(_) => Ok(Outcome::Done),
            Err(CommandError::Store(EventStoreError::ConcurrencyConflict { .. })) => Ok(Outcome::Conflict),
            Err(CommandError::Store(error)) if error.is_retryable() => Ok(Outcome::Conflict),
            Err(error) => Err(error.to_string().into()),
        }
    }

    async fn balance(&self, id: &str) -> Result<u64> {
        Ok(self.0.load_or_default::<Account>(id).await?.state.0.balance)
    }

    async fn close(self) -> Result<()> {
        self.0.pool().close().await;
        Ok(())
    }
}
