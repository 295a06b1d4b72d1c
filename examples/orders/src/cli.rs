//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// A small shop: place orders, pay them, and watch how they are fulfilled.
///
/// Without a command it runs a short demonstration; run it again and it continues where it was.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Where everything is kept: `sqlite://<file>`, `memory:` to forget it at the end, or a store that a service publishes,
    /// `muon+amqp://user:password@host/service`
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "ORDERS_STORE",
        hide_env_values = true,
        default_value = "sqlite://orders.db"
    )]
    pub store: String,

    /// The broker at which the parts `shop` and `fulfilment` reach each other, `amqp://user:password@host`
    #[arg(long, global = true, value_name = "URL", env = "NEWTON_AMQP_URL", hide_env_values = true)]
    pub amqp: Option<String>,

    /// The name by which the part `fulfilment` finds the part `shop`
    #[arg(long, global = true, value_name = "NAME", default_value = "shop")]
    pub shop: String,

    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str = "\
Examples:
  orders place o-1 ada \"12 Analytical Lane\" 120
  orders pay o-1
  orders list
  orders why o-1

The shop as two processes, and the store as a third; each in a terminal of its own, and the first two lines in all of them:
  export NEWTON_AMQP_URL=amqp://guest:guest@localhost
  export ORDERS_STORE=muon+amqp://guest:guest@localhost/events
  newton serve --store sqlite://orders.db
  orders shop
  orders fulfilment
Then, in a fourth one:
  newton rpc shop /commands/OrderPlace '{\"id\": \"o-1\", \"payload\":
    {\"customer\": \"ada\", \"address\": \"12 Analytical Lane\", \"total\": 120, \"seconds_to_pay\": 3600}}'
  newton rpc shop /commands/PaymentPay '{\"id\": \"o-1\", \"payload\": {}}'
Meanwhile `orders list` and its like wait: one process at a time runs the saga and the read models, and that is `orders fulfilment`.

Exit codes: 0 done, 1 refused by the shop, 2 wrong usage, 3 the store or the broker failed";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// To the whole shop as one app.
    #[command(flatten)]
    Desk(DeskCommand),
    /// To run a part of it.
    #[command(flatten)]
    Part(PartCommand),
}

#[derive(Debug, Subcommand)]
pub enum PartCommand {
    /// Run the aggregates as a service, until Ctrl-C or SIGTERM
    Shop {
        /// Meanwhile place and pay orders; its random numbers begin here
        #[arg(long, hide = true, value_name = "SEED")]
        work: Option<u64>,
    },
    /// Run the saga, the read models and the mails as a service, until Ctrl-C or SIGTERM; the commands of the saga go to the part `shop`
    Fulfilment {
        /// The folder for the tables of the read model
        #[arg(long, value_name = "FOLDER", default_value = "orders.projections")]
        tables: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum DeskCommand {
    /// Place an order
    Place {
        /// A number for the order, such as `o-1`
        order: String,
        /// Who orders
        customer: String,
        /// Where it is to be sent; `nowhere` is a place that nothing can be sent to
        address: String,
        /// What it costs, in whole coins
        #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
        total: u64,
        /// How long the customer has to pay, in seconds
        #[arg(long, default_value_t = 86_400)]
        seconds_to_pay: u64,
    },
    /// Pay for an order
    Pay {
        /// The order
        order: String,
    },
    /// Show every order
    List,
    /// Show what the shop has earned
    Revenue,
    /// Show how far the fulfilment of an order is, and what it did
    Saga {
        /// The order
        order: String,
    },
    /// Draw what came of an order, as a Mermaid diagram
    Why {
        /// The order
        order: String,
    },
    /// Place and pay orders until it is killed, a line for each that is acknowledged
    #[command(hide = true)]
    Work {
        /// Where its random numbers begin
        seed: u64,
    },
    /// Wait until every fulfilment has ended and every read model has seen it
    #[command(hide = true)]
    Settle,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
