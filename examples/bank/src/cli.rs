//! The command line.

use clap::{Parser, Subcommand};

/// A small bank that keeps every account as the list of what happened to it.
///
/// Without a command it runs a short demonstration; run it again and it continues where it was.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Where the accounts are kept: `sqlite://<file>`, or `memory:` to forget them at the end
    #[arg(long, global = true, value_name = "URL", env = "BANK_STORE", default_value = "sqlite://bank.db")]
    pub store: String,

    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str = "\
Examples:
  bank open ada \"Ada Lovelace\"
  bank deposit ada 100
  bank history ada

Exit codes: 0 done, 1 refused by the bank, 2 wrong usage, 3 the store failed";

/// The highest amount of one transfer. A balance of 64 bits cannot overflow before 18 million of these.
const MAX_AMOUNT: u64 = 1_000_000_000_000;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open an account
    Open {
        /// A name for the account, such as `ada`
        account: String,
        /// Whose it is
        owner: String,
    },
    /// Put money into an account
    Deposit {
        /// The account
        account: String,
        /// How much, in whole coins
        #[arg(value_parser = clap::value_parser!(u64).range(1..=MAX_AMOUNT))]
        amount: u64,
    },
    /// Take money out of an account
    Withdraw {
        /// The account
        account: String,
        /// How much, in whole coins
        #[arg(value_parser = clap::value_parser!(u64).range(1..=MAX_AMOUNT))]
        amount: u64,
    },
    /// Show the balance of one account, or of all
    Balance {
        /// The account; all where left out
        account: Option<String>,
    },
    /// Show everything that happened to an account
    History {
        /// The account
        account: String,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn amounts_are_at_least_one_and_bounded() {
        for amount in ["0", "-1", "1.5", "1000000000001", "much"] {
            assert!(Cli::try_parse_from(["bank", "deposit", "ada", amount]).is_err(), "{amount}");
        }
        assert!(Cli::try_parse_from(["bank", "deposit", "ada", "1000000000000"]).is_ok());
    }
}
