//! The command line.

use clap::{Parser, Subcommand};

/// A small shop: place orders, pay them, and watch how they are fulfilled.
///
/// Without a command it runs a short demonstration; run it again and it continues where it was.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Where everything is kept: `sqlite://<file>`, or `memory:` to forget it at the end
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "ORDERS_STORE",
        default_value = "sqlite://orders.db"
    )]
    pub store: String,

    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str = "\
Examples:
  orders place o-1 ada \"12 Analytical Lane\" 120
  orders pay o-1
  orders list
  orders why o-1

Exit codes: 0 done, 1 refused by the shop, 2 wrong usage, 3 the store failed";

#[derive(Debug, Subcommand)]
pub enum Command {
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
