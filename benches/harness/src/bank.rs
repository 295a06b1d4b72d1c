//! The bank account that every contestant runs: events of 110 bytes of JSON, three errors, no overdraft.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Result;

/// Fills a movement up to 110 bytes of JSON.
pub const REFERENCE: &str =
    "standing order, rent for the flat in Harbour Street 14, third floor left, thanks a";

/// The state of an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "newton", derive(newton::Aggregate))]
#[cfg_attr(feature = "newton", aggregate(context = "bank"))]
pub struct Account {
    /// Whether it was opened.
    pub open: bool,
    /// What it holds, in cents.
    pub balance: u64,
}

/// What happens to an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "newton", derive(newton::Event))]
pub enum AccountEvent {
    /// It was opened.
    Opened {
        /// Whose it is.
        owner: String,
    },
    /// Money came in.
    Deposited {
        /// How much, in cents.
        amount: u64,
        /// What for.
        reference: String,
    },
    /// Money went out.
    Withdrawn {
        /// How much, in cents.
        amount: u64,
        /// What for.
        reference: String,
    },
}

/// What an account is asked.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "newton", derive(newton::Command))]
pub enum AccountCommand {
    /// Open it.
    Open,
    /// Pay in.
    Deposit {
        /// How much, in cents.
        amount: u64,
    },
    /// Pay out.
    Withdraw {
        /// How much, in cents.
        amount: u64,
    },
    /// Open it and take over a history.
    Import {
        /// So many events in one decision.
        events: u64,
    },
}

/// Why an account refuses.
#[derive(Debug, PartialEq)]
pub enum AccountError {
    /// It is open already.
    AlreadyOpen,
    /// It is not open.
    NotOpen,
    /// It holds too little.
    Overdrawn {
        /// What it holds.
        balance: u64,
    },
}

impl Account {
    /// The events that follow from a command.
    pub fn decide(&self, command: AccountCommand) -> Result<Vec<AccountEvent>, AccountError> {
        let balance = self.balance;
        match command {
            AccountCommand::Open | AccountCommand::Import { .. } if self.open => {
                Err(AccountError::AlreadyOpen)
            }
            AccountCommand::Deposit { .. } | AccountCommand::Withdraw { .. } if !self.open => {
                Err(AccountError::NotOpen)
            }
            AccountCommand::Open => Ok(vec![opened()]),
            AccountCommand::Deposit { amount } => Ok(vec![deposited(amount)]),
            AccountCommand::Withdraw { amount } if amount > balance => {
                Err(AccountError::Overdrawn { balance })
            }
            AccountCommand::Withdraw { amount } => {
                Ok(vec![AccountEvent::Withdrawn { amount, reference: REFERENCE.into() }])
            }
            AccountCommand::Import { events } => Ok(history(events).collect()),
        }
    }

    /// Folds an event.
    pub fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { .. } => self.open = true,
            AccountEvent::Deposited { amount, .. } => self.balance += amount,
            AccountEvent::Withdrawn { amount, .. } => self.balance -= amount,
        }
    }
}

/// The JSON of an opening.
#[derive(Serialize, Deserialize)]
struct Opening<'a> {
    owner: Cow<'a, str>,
}

/// The JSON of money that moved.
#[derive(Serialize, Deserialize)]
struct Movement<'a> {
    amount: u64,
    reference: Cow<'a, str>,
}

impl AccountEvent {
    /// The names of the event types, in the order of the variants.
    pub const NAMES: [&str; 3] = ["AccountOpened", "AccountDeposited", "AccountWithdrawn"];

    /// The name of its type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => Self::NAMES[0],
            Self::Deposited { .. } => Self::NAMES[1],
            Self::Withdrawn { .. } => Self::NAMES[2],
        }
    }

    /// The JSON of its fields alone.
    pub fn encode(&self) -> serde_json::Result<String> {
        match self {
            Self::Opened { owner } => serde_json::to_string(&Opening { owner: owner.into() }),
            Self::Deposited { amount, reference } | Self::Withdrawn { amount, reference } => {
                serde_json::to_string(&Movement { amount: *amount, reference: reference.into() })
            }
        }
    }

    /// The event of a type from the JSON of its fields.
    pub fn decode(name: &str, payload: &[u8]) -> Result<Self> {
        if name == Self::NAMES[0] {
            let Opening { owner } = serde_json::from_slice(payload)?;
            return Ok(Self::Opened { owner: owner.into() });
        }
        let Movement { amount, reference } = serde_json::from_slice(payload)?;
        let reference = reference.into();
        match name {
            "AccountDeposited" => Ok(Self::Deposited { amount, reference }),
            "AccountWithdrawn" => Ok(Self::Withdrawn { amount, reference }),
            _ => Err(format!("no event type `{name}`").into()),
        }
    }
}

/// The history of an imported account: it is opened, and then deposits of 10.
pub fn history(events: u64) -> impl Iterator<Item = AccountEvent> {
    std::iter::once(opened()).chain((1..events).map(|_| deposited(10)))
}

/// What an imported account of so many events holds.
pub fn imported_balance(events: u64) -> u64 {
    10 * (events - 1)
}

fn opened() -> AccountEvent {
    AccountEvent::Opened { owner: "Ada Lovelace".into() }
}

fn deposited(amount: u64) -> AccountEvent {
    AccountEvent::Deposited { amount, reference: REFERENCE.into() }
}

impl std::fmt::Display for AccountError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AlreadyOpen => f.write_str("the account is open already"),
            Self::NotOpen => f.write_str("the account is not open"),
            Self::Overdrawn { balance } => write!(f, "the account holds only {balance}"),
        }
    }
}

impl std::error::Error for AccountError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_movement_has_110_bytes_of_json_and_survives_them() {
        let event = history(2).last().unwrap();
        let payload = event.encode().unwrap();
        assert_eq!(payload.len(), 110, "{payload}");
        assert_eq!(AccountEvent::decode(event.name(), payload.as_bytes()).unwrap(), event);
    }

    #[test]
    fn an_imported_account_holds_what_it_should() {
        let mut account = Account::default();
        let events = account.decide(AccountCommand::Import { events: 100 }).unwrap();
        for event in &events {
            account.evolve(event);
        }
        assert_eq!(account, Account { open: true, balance: imported_balance(100) });
    }
}
