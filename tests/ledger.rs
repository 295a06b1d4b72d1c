//! A projection in a file of its own, for processes that are killed: whatever is applied twice or not at all shows.

use newton::prelude::*;
use newton::subscription::Phase;
use newton::{App, Newton};

use crate::bank::{Account, AccountEvent, deposit, open};
use crate::random::Random;
use crate::recorder::eventually;

/// Sums and counts the events of every account.
#[derive(Projection, Debug)]
#[projection(sqlite, handles(AccountEvent), name = "tests-Ledger")]
pub struct Ledger;

impl Ledger {
    fn setup(tx: &mut SqliteTables) -> Result<()> {
        let table = "CREATE TABLE ledger (stream TEXT PRIMARY KEY, balance INTEGER NOT NULL, events INTEGER NOT NULL)";
        tx.execute(table, ())?;
        Ok(())
    }
}

impl On<AccountEvent> for Ledger {
    fn on(&mut self, event: &AccountEvent, tx: &mut SqliteTx<'_>) -> Result<()> {
        let stream = tx.meta().stream.to_string();
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

/// Moves money until it fails or is killed, rebuilds the ledger again and again meanwhile, and says so after each step.
///
/// # Errors
/// Those of the store.
pub async fn run(url: &str, mut random: Random, told: impl Fn(&str)) -> newton::Result<()> {
    let app = Newton::builder().store(url).only::<(Account, Ledger)>().service("ledger").start().await?;
    let phase = async || app.status::<Ledger>().await.map(|status| status.phase);
    // Whoever waits for the start may want to stand by behind it.
    eventually("leading", async || matches!(phase().await, Ok(Phase::CatchingUp | Phase::Live))).await;
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
