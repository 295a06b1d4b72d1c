//! A tour of read models over a bank's accounts: one in memory, one in SQLite tables.
//!
//! Everything is kept in a folder that is removed at the end.

#![allow(unreachable_pub, reason = "the domain reads as it would in a library of its own")]

mod account;
mod balances;
mod worth;

use std::error::Error;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use newton::{App, ExecuteError, Newton, Receipt};

use crate::account::{AccountCommand, AccountError};
use crate::balances::Balances;
use crate::worth::{Rates, Worth};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// How many accounts are opened, so that there is something to rebuild.
const SAVERS: u32 = 200;

#[tokio::main]
async fn main() -> Result {
    let folder = tempfile::tempdir()?;
    let store = format!("sqlite://{}", folder.path().join("bank.db").display());
    let rates = Rates::default();
    rates.set("EUR", 100);
    rates.set("USD", 90);

    let app = start(&store, &rates).await?;
    read_own_writes(&app).await?;
    fail_and_mend(&app, &rates).await?;
    app.shutdown(Duration::from_secs(10)).await;

    let app = start(&store, &rates).await?;
    start_again(&app).await?;
    rebuild(&app, &rates).await?;
    app.shutdown(Duration::from_secs(10)).await;
    Ok(())
}

async fn start(store: &str, rates: &Rates) -> newton::Result<App> {
    Newton::builder().store(store).provide(rates.clone()).start().await
}

async fn read_own_writes(app: &App) -> Result {
    println!("Read your own writes:");
    open(app, "ada", "Ada Lovelace", "EUR").await?;
    open(app, "grace", "Grace Hopper", "USD").await?;
    deposit(app, "ada", 70).await?;
    let receipt = deposit(app, "grace", 50).await?;
    // A command is done once its events are stored. Whoever reads a view next waits until it has taken them in.
    app.caught_up::<Balances>(&receipt).await?;
    for (account, balance) in &app.view::<Balances>()?.read().by_account {
        println!("  {account:<8}{balance:>6}");
    }
    app.caught_up::<Worth>(&receipt).await?;
    println!("  worth in all: {} cents", worth(app).await?);
    Ok(())
}

async fn fail_and_mend(app: &App, rates: &Rates) -> Result {
    println!("\nA handler fails:");
    open(app, "mei", "Mei", "CNY").await?;
    let parked = deposit(app, "mei", 500).await?;
    let stored = deposit(app, "ada", 30).await?;
    if let Err(error) = app.caught_up::<Worth>(&parked).await {
        println!("  {error}");
    }
    // Only the stream of the event that failed is set aside, with all that follows in it.
    app.caught_up::<Worth>(&stored).await?;
    println!("  the others go on, worth in all: {} cents", worth(app).await?);
    for key in app.parked_of::<Worth>().await? {
        let cause = key.events[0].cause.as_deref().unwrap_or_default();
        println!("  {} events of {} are parked: {cause}", key.events.len(), key.key);
        rates.set("CNY", 13);
        let handled = app.retry_parked::<Worth>(&key.key).await?;
        println!("  tried again with a rate: {handled} handled, worth in all: {} cents", worth(app).await?);
    }
    Ok(())
}

async fn start_again(app: &App) -> Result {
    println!("\nAnother start:");
    println!("  the table is there: {} cents", worth(app).await?);
    app.caught_up_all().await?;
    println!(
        "  the value in memory is built anew: {} accounts",
        app.view::<Balances>()?.read().by_account.len()
    );
    Ok(())
}

async fn rebuild(app: &App, rates: &Rates) -> Result {
    println!("\nA rebuild, since dollars were counted at the wrong rate:");
    try_join_all((0..SAVERS).map(|n| async move {
        let account = format!("saver-{n}");
        open(app, &account, "Saver", "EUR").await?;
        deposit(app, &account, 1).await
    }))
    .await?;
    rates.set("USD", 85);
    // Beside the live table, which is read as before until the new one has reached it.
    let rebuild = app.rebuild::<Worth>().await?;
    let mut changes = rebuild.changes();
    while let Some(progress) = changes.next().await {
        println!(
            "  {:?}: {} events, at {} of {}",
            progress.phase, progress.events, progress.position, progress.target
        );
    }
    rebuild.done().await?;
    println!("  worth in all: {} cents", worth(app).await?);
    Ok(())
}

async fn worth(app: &App) -> newton::Result<i64> {
    let sum = "SELECT coalesce(sum(cents), 0) FROM accounts";
    Ok(app.view::<Worth>()?.query_row(sum, (), |row| row.get(0)).await?.unwrap_or_default())
}

type Executed = std::result::Result<Receipt, ExecuteError<AccountError>>;

async fn open(app: &App, account: &str, owner: &str, currency: &str) -> Executed {
    let (owner, currency) = (owner.to_owned(), currency.to_owned());
    app.execute(account, AccountCommand::Open { owner, currency }).await
}

async fn deposit(app: &App, account: &str, amount: u32) -> Executed {
    app.execute(account, AccountCommand::Deposit { amount }).await
}
