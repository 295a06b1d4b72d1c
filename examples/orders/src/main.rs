//! A shop on an event store: orders, payments and shipments, and a saga that brings each order to its end.
//!
//! `cargo run -p orders` runs it as one app on an SQLite file. With the store in a third process, `orders shop` and `orders
//! fulfilment` run its two [`parts`] as services; `orders --help` shows how.

#![allow(unreachable_pub, reason = "the domain reads as it would in a library of its own")]

mod cli;
mod demo;
mod fulfilment;
mod mail;
mod order;
mod order_table;
mod parts;
mod payment;
mod revenue;
mod serve;
mod shipment;
mod shop;
mod trouble;
mod work;

#[cfg(test)]
mod domain_tests;
#[cfg(test)]
mod parts_tests;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, DeskCommand};
use crate::shop::Shop;
use crate::trouble::Trouble;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("{trouble}");
            trouble.exit_code()
        }
    }
}

async fn run(cli: Cli) -> Result<(), Trouble> {
    match &cli.command {
        None => at_the_desk(&cli.store, None).await,
        Some(Command::Desk(command)) => at_the_desk(&cli.store, Some(command)).await,
        Some(Command::Part(part)) => serve::run(&cli, part).await,
    }
}

/// The whole shop as one app.
async fn at_the_desk(store: &str, command: Option<&DeskCommand>) -> Result<(), Trouble> {
    let shop = Shop::open(store).await?;
    let done = match command {
        None => demo::run(&shop, store).await,
        Some(DeskCommand::Place { order, customer, address, total, seconds_to_pay }) => {
            shop.place(order, customer, address, *total, *seconds_to_pay).await
        }
        Some(DeskCommand::Pay { order }) => shop.pay(order).await,
        Some(DeskCommand::List) => shop.list().await,
        Some(DeskCommand::Revenue) => shop.revenue().await,
        Some(DeskCommand::Saga { order }) => shop.saga(order).await,
        Some(DeskCommand::Why { order }) => shop.why(order).await,
        Some(DeskCommand::Work { seed }) => work::run(&shop.app, *seed).await,
        Some(DeskCommand::Settle) => work::settle(&shop).await,
    };
    shop.close().await;
    done
}
