//! A short tour: two accounts, some money, one refusal, and the log that remembers it all.

use std::io::Write;

use crate::bank::Bank;
use crate::trouble::Trouble;

/// How much of a history the tour shows.
const RECENT: usize = 6;

pub async fn run<W: Write>(bank: &mut Bank<W>, store: &str) -> Result<(), Trouble> {
    bank.say(format_args!("Accounts in {store}:"))?;
    bank.balances().await?;

    bank.say(format_args!("\nThe day's business:"))?;
    for (account, owner) in [("ada", "Ada Lovelace"), ("charles", "Charles Babbage")] {
        match bank.open(account, owner).await {
            Err(Trouble::Refused(why)) => bank.say(format_args!("{why}, so it goes on where it was"))?,
            other => other?,
        }
    }
    bank.deposit("ada", 100).await?;
    bank.withdraw("ada", 30).await?;
    bank.deposit("charles", 20).await?;
    match bank.withdraw("charles", 1_000_000).await {
        Err(refused @ Trouble::Refused(_)) => bank.say(format_args!("{refused}"))?,
        other => other?,
    }

    bank.say(format_args!("\nBalances:"))?;
    bank.balances().await?;
    bank.say(format_args!("\nWhat happened to `ada`, from the log:"))?;
    bank.history("ada", RECENT).await?;
    bank.say(format_args!(
        "\nRun it again and it continues from here. `bank --help` shows what else it can do."
    ))
}
