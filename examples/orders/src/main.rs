//! A shop on an event store: orders, payments and shipments, and a saga that brings each order to its end.

#![allow(unreachable_pub, reason = "the domain reads as it would in a library of its own")]

mod cli;
mod demo;
mod fulfilment;
mod mail;
mod order;
mod order_table;
mod payment;
mod revenue;
mod shipment;
mod shop;
mod trouble;
mod work;

#[cfg(test)]
mod domain_tests;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
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

async fn run(Cli { store, command }: Cli) -> Result<(), Trouble> {
    let shop = Shop::open(&store).await?;
    let done = match command {
        None => demo::run(&shop, &store).await,
        Some(Command::Place { order, customer, address, total, seconds_to_pay }) => {
            shop.place(&order, &customer, &address, total, seconds_to_pay).await
        }
        Some(Command::Pay { order }) => shop.pay(&order).await,
        Some(Command::List) => shop.list().await,
        Some(Command::Revenue) => shop.revenue().await,
        Some(Command::Saga { order }) => shop.saga(&order).await,
        Some(Command::Why { order }) => shop.why(&order).await,
        Some(Command::Work { seed }) => work::run(&shop, seed).await,
        Some(Command::Settle) => work::settle(&shop).await,
    };
    shop.close().await;
    done
}
