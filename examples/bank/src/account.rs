//! The bank account: what it is asked, what happens to it, and how it says no.

use newton::prelude::*;

#[derive(Event, Clone, Debug, PartialEq)]
pub enum AccountEvent {
    Opened { owner: String },
    Deposited { amount: u64 },
    Withdrawn { amount: u64 },
}

#[derive(Command, Clone, Debug)]
pub enum AccountCommand {
    Open { owner: String },
    Deposit { amount: u64 },
    Withdraw { amount: u64 },
}

#[derive(Rejection, Debug, PartialEq)]
pub enum AccountError {
    AlreadyOpen,
    NotOpen,
    Overdrawn { balance: u64 },
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "bank")]
pub struct Account {
    pub open: bool,
    pub balance: u64,
}

impl Account {
    fn decide(&self, command: AccountCommand) -> Result<AccountEvent, AccountError> {
        use AccountCommand::{Deposit, Open, Withdraw};
        match command {
            Open { .. } if self.open => Err(AccountError::AlreadyOpen),
            Open { owner } => Ok(AccountEvent::Opened { owner }),
            _ if !self.open => Err(AccountError::NotOpen),
            Withdraw { amount } if amount > self.balance => {
                Err(AccountError::Overdrawn { balance: self.balance })
            }
            Withdraw { amount } => Ok(AccountEvent::Withdrawn { amount }),
            Deposit { amount } => Ok(AccountEvent::Deposited { amount }),
        }
    }

    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { .. } => self.open = true,
            AccountEvent::Deposited { amount } => self.balance += amount,
            AccountEvent::Withdrawn { amount } => self.balance -= amount,
        }
    }
}
