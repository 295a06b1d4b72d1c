//! The bank account that every contestant runs: events of 110 bytes of JSON, three errors, no overdraft.

use serde::{Deserialize, Serialize};

use crate::Result;

/// Fills a movement up to 110 bytes of JSON.
pub const REFERENCE: &str =
    "standing order, rent for the flat in Harbour Street 14, third floor left, thanks a";

/// The state of an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Whether it was opened.
    pub open: bool,
    /// What it holds, in cents.
    pub balance: u64,
}

/// What happens to an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AccountEvent {
    /// It was opened.
    Opened(Opened),
    /// Money came in.
    Deposited(Movement),
    /// Money went out.
    Withdrawn(Movement),
}

/// Who opened an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The owner's name.
    pub owner: String,
}

/// Money that moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Movement {
    /// How much, in cents.
    pub amount: u64,
    /// What for.
    pub reference: String,
}

/// What an account is asked.
#[derive(Clone, Debug)]
pub enum AccountCommand {
    /// Open it.
    Open,
    /// Pay in.
    Deposit(u64),
    /// Pay out.
    Withdraw(u64),
    /// Open it and take over a history: so many events in one decision.
    Import(u64),
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
    pub fn decide(&self, command: &AccountCommand) -> Result<Vec<AccountEvent>, AccountError> {
        let balance = self.balance;
        match *command {
            AccountCommand::Open | AccountCommand::Import(_) if self.open => Err(AccountError::AlreadyOpen),
            AccountCommand::Deposit(_) | AccountCommand::Withdraw(_) if !self.open => {
                Err(AccountError::NotOpen)
            }
            AccountCommand::Open => Ok(vec![opened()]),
            AccountCommand::Deposit(amount) => Ok(vec![AccountEvent::Deposited(movement(amount))]),
            AccountCommand::Withdraw(amount) if amount > balance => Err(AccountError::Overdrawn { balance }),
            AccountCommand::Withdraw(amount) => Ok(vec![AccountEvent::Withdrawn(movement(amount))]),
            AccountCommand::Import(events) => Ok(history(events).collect()),
        }
    }

    /// Folds an event.
    pub fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened(_) => self.open = true,
            AccountEvent::Deposited(movement) => self.balance += movement.amount,
            AccountEvent::Withdrawn(movement) => self.balance -= movement.amount,
        }
    }
}

impl AccountEvent {
    /// The names of the event types, in the order of the variants.
    pub const NAMES: [&str; 3] = ["AccountOpened", "AccountDeposited", "AccountWithdrawn"];

    /// The name of its type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opened(_) => Self::NAMES[0],
            Self::Deposited(_) => Self::NAMES[1],
            Self::Withdrawn(_) => Self::NAMES[2],
        }
    }

    /// The JSON of its fields alone.
    pub fn encode(&self) -> serde_json::Result<String> {
        match self {
            Self::Opened(opened) => serde_json::to_string(opened),
            Self::Deposited(movement) | Self::Withdrawn(movement) => serde_json::to_string(movement),
        }
    }

    /// The event of a type from the JSON of its fields.
    pub fn decode(name: &str, payload: &[u8]) -> Result<Self> {
        Ok(match name {
            "AccountOpened" => Self::Opened(serde_json::from_slice(payload)?),
            "AccountDeposited" => Self::Deposited(serde_json::from_slice(payload)?),
            "AccountWithdrawn" => Self::Withdrawn(serde_json::from_slice(payload)?),
            _ => return Err(format!("no event type `{name}`").into()),
        })
    }
}

/// The history of an imported account: it is opened, and then deposits of 10.
pub fn history(events: u64) -> impl Iterator<Item = AccountEvent> {
    std::iter::once(opened()).chain((1..events).map(|_| AccountEvent::Deposited(movement(10))))
}

/// What an imported account of so many events holds.
pub fn imported_balance(events: u64) -> u64 {
    10 * (events - 1)
}

fn opened() -> AccountEvent {
    AccountEvent::Opened(Opened { owner: "Ada Lovelace".into() })
}

fn movement(amount: u64) -> Movement {
    Movement { amount, reference: REFERENCE.into() }
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
        account.decide(&AccountCommand::Import(100)).unwrap().iter().for_each(|event| account.evolve(event));
        assert_eq!(account, Account { open: true, balance: imported_balance(100) });
    }
}
