//! The bank account of the promise tests.
#![expect(clippy::panic, reason = "it panics to show what comes of that")]

use newton::prelude::*;

/// What happens to an account.
#[derive(Event, Clone, Debug, PartialEq)]
pub enum AccountEvent {
    /// It was opened.
    Opened {
        /// For whom.
        #[tag]
        owner: String,
    },
    /// Money came.
    Deposited {
        /// How much.
        amount: u64,
    },
    /// Money went.
    Withdrawn {
        /// How much.
        amount: u64,
    },
    /// Poison: the account cannot fold it.
    Cursed,
}

/// What an account is asked.
#[derive(Command, Clone, Debug, PartialEq)]
pub enum AccountCommand {
    /// To be opened.
    Open {
        /// For whom.
        owner: String,
    },
    /// To take money, in one event a part.
    Deposit {
        /// How much.
        amount: u64,
    },
    /// To take several amounts at once.
    DepositAll {
        /// How much each.
        amounts: Vec<u64>,
    },
    /// To pay out.
    Withdraw {
        /// How much.
        amount: u64,
    },
    /// To pay out all there is; nothing happens where there is nothing.
    Empty,
    /// To panic while it decides.
    PanicInDecide,
    /// To panic while it evolves.
    PanicInEvolve,
}

/// How an account says no.
#[derive(Rejection, Debug, PartialEq)]
pub enum AccountError {
    /// It is open already.
    AlreadyOpen,
    /// It is not open.
    NotOpen,
    /// There is not enough.
    Overdrawn {
        /// What there is.
        balance: u64,
    },
}

/// An account.
#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "bank")]
pub struct Account {
    /// Whether it is open.
    pub open: bool,
    /// What there is.
    pub balance: u64,
}

impl Account {
    fn decide(&self, command: AccountCommand) -> Result<Vec<AccountEvent>, AccountError> {
        match command {
            AccountCommand::Open { .. } if self.open => Err(AccountError::AlreadyOpen),
            AccountCommand::Open { owner } => Ok(vec![AccountEvent::Opened { owner }]),
            AccountCommand::PanicInDecide => panic!("decided to panic"),
            AccountCommand::PanicInEvolve => Ok(vec![AccountEvent::Cursed]),
            _ if !self.open => Err(AccountError::NotOpen),
            AccountCommand::Deposit { amount } => Ok(vec![AccountEvent::Deposited { amount }]),
            AccountCommand::DepositAll { amounts } => {
                Ok(amounts.into_iter().map(|amount| AccountEvent::Deposited { amount }).collect())
            }
            AccountCommand::Withdraw { amount } if amount > self.balance => {
                Err(AccountError::Overdrawn { balance: self.balance })
            }
            AccountCommand::Withdraw { amount } => Ok(vec![AccountEvent::Withdrawn { amount }]),
            AccountCommand::Empty if self.balance == 0 => Ok(vec![]),
            AccountCommand::Empty => Ok(vec![AccountEvent::Withdrawn { amount: self.balance }]),
        }
    }

    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { .. } => self.open = true,
            AccountEvent::Deposited { amount } => self.balance += amount,
            AccountEvent::Withdrawn { amount } => self.balance -= amount,
            AccountEvent::Cursed => panic!("cannot fold a curse"),
        }
    }
}

/// `Open` for an owner.
pub fn open(owner: &str) -> AccountCommand {
    AccountCommand::Open { owner: owner.to_owned() }
}

/// `Deposit`.
pub fn deposit(amount: u64) -> AccountCommand {
    AccountCommand::Deposit { amount }
}

/// `Withdraw`.
pub fn withdraw(amount: u64) -> AccountCommand {
    AccountCommand::Withdraw { amount }
}
