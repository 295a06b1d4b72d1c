//! A small bank on an event store: open, deposit, withdraw, balance and history from the command line.

#![allow(unreachable_pub, reason = "the domain reads as it would in a library of its own")]

mod account;
#[cfg(test)]
mod account_tests;
mod bank;
mod cli;
mod demo;
mod trouble;

use std::io;
use std::process::ExitCode;

use clap::Parser;

use crate::bank::Bank;
use crate::cli::{Cli, Command};
use crate::trouble::Trouble;

#[tokio::main]
async fn main() -> ExitCode {
    let trouble = match run(Cli::parse()).await {
        Ok(()) => return ExitCode::SUCCESS,
        Err(trouble) => trouble,
    };
    let code = trouble.exit_code();
    if code != ExitCode::SUCCESS {
        eprintln!("{trouble}");
    }
    code
}

async fn run(Cli { store, command }: Cli) -> Result<(), Trouble> {
    let mut bank = Bank::start(&store, io::stdout()).await?;
    match command {
        None => demo::run(&mut bank, &store).await,
        Some(Command::Open { account, owner }) => bank.open(&account, &owner).await,
        Some(Command::Deposit { account, amount }) => bank.deposit(&account, amount).await,
        Some(Command::Withdraw { account, amount }) => bank.withdraw(&account, amount).await,
        Some(Command::Balance { account: Some(account) }) => bank.balance(&account).await,
        Some(Command::Balance { account: None }) => bank.balances().await,
        Some(Command::History { account }) => bank.history(&account, usize::MAX).await,
    }
}
