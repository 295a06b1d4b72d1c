//! A projection in a file of its own, for processes that are killed: whatever is applied twice or not at all shows.

use newton::domain::{EventType, Fingerprint, decode_recorded};
use newton::prelude::*;
use newton::projection::SqliteProjection;
use newton::registry::{ReactionEntry, Register, Registry};
use newton::subscription::Provided;
use newton::{App, Handler, HandlerError, Newton, RecordedEvent};

use crate::bank::{Account, AccountEvent, deposit, open};
use crate::random::Random;

/// Sums and counts the events of every account.
#[derive(Debug)]
pub struct Ledger;

impl Handler for Ledger {
    type Context<'a> = SqliteTx<'a>;
}

impl Projection for Ledger {
    const NAME: &'static str = "tests/Ledger";
    const FINGERPRINT: Fingerprint = Fingerprint::Known(1);

    fn event_types() -> Vec<&'static EventType> {
        <AccountEvent as newton::Event>::TYPES.iter().collect()
    }

    fn handle(&mut self, event: &RecordedEvent, tx: &mut SqliteTx<'_>) -> Result<bool, HandlerError> {
        self.on(&decode_recorded::<AccountEvent>(event)?, tx)?;
        Ok(true)
    }
}

impl On<AccountEvent> for Ledger {
    fn on(&mut self, event: &AccountEvent, tx: &mut SqliteTx<'_>) -> Result<()> {
        let stream = tx.meta().map(|event| event.stream.to_string());
        let amount = match event {
            AccountEvent::Deposited { amount } => i64::try_from(*amount)?,
            AccountEvent::Withdrawn { amount } => -i64::try_from(*amount)?,
            AccountEvent::Opened { .. } | AccountEvent::Cursed => 0,
        };
        // Two statements: a half applied event would show too.
        tx.execute("INSERT OR IGNORE INTO ledger (stream, balance, events) VALUES (?, 0, 0)", (&stream,))?;
        let add = "UPDATE ledger SET balance = balance + ?, events = events + 1 WHERE stream = ?";
        tx.execute(add, (amount, &stream))?;
        Ok(())
    }
}

impl SqliteProjection for Ledger {
    const SHARED: bool = false;

    fn build(_: &Provided) -> newton::Result<Self> {
        Ok(Self)
    }

    fn make_tables(tx: &mut SqliteTx<'_>) -> Result<(), HandlerError> {
        let table = "CREATE TABLE ledger (stream TEXT PRIMARY KEY, balance INTEGER NOT NULL, events INTEGER NOT NULL)";
        tx.execute(table, ())?;
        Ok(())
    }
}

impl Register for Ledger {
    type Kind = newton::registry::kind::Projection;

    fn register(registry: &mut Registry) {
        registry.add_reaction(ReactionEntry::sqlite_projection::<Self>());
    }
}

/// Moves money until it fails or is killed, rebuilds the ledger again and again meanwhile, and says so after each step.
///
/// # Errors
/// Those of the store.
pub async fn run(url: &str, mut random: Random, told: impl Fn(&str)) -> newton::Result<()> {
    let app = Newton::builder().store(url).only::<(Account, Ledger)>().service("ledger").start().await?;
    told("started");
    let rebuilds = tokio::spawn(rebuild(app.clone()));
    while !rebuilds.is_finished() {
        let account = format!("acc-{}", random.below(20));
        // Rejected where it is open already, or is not open.
        let _ = app.execute(&account, open("Ada")).await;
        for amount in 0..random.below(10) {
            let _ = app.execute(&account, deposit(amount)).await;
        }
        told("moved");
    }
    rebuilds.await.unwrap_or(Ok(()))
}

async fn rebuild(app: App) -> newton::Result<()> {
    loop {
        app.rebuild::<Ledger>().await?.done().await?;
    }
}
