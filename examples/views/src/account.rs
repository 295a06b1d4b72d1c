//! An account in a currency of its own.

use newton::prelude::*;

#[derive(Event, Clone, Debug, PartialEq)]
pub enum AccountEvent {
    Opened { account: String, owner: String, currency: String },
    Deposited { account: String, amount: u32 },
}

#[derive(Command, Clone, Debug)]
pub enum AccountCommand {
    Open { owner: String, currency: String },
    Deposit { amount: u32 },
}

#[derive(Rejection, Debug, PartialEq)]
pub enum AccountError {
    AlreadyOpen,
    NotOpen,
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "bank")]
pub struct Account {
    pub open: bool,
}

impl Account {
    fn decide(&self, command: AccountCommand, context: &Context) -> Result<AccountEvent, AccountError> {
        let account = context.id.to_string();
        match command {
            AccountCommand::Open { .. } if self.open => Err(AccountError::AlreadyOpen),
            AccountCommand::Open { owner, currency } => Ok(AccountEvent::Opened { account, owner, currency }),
            AccountCommand::Deposit { .. } if !self.open => Err(AccountError::NotOpen),
            AccountCommand::Deposit { amount } => Ok(AccountEvent::Deposited { account, amount }),
        }
    }

    fn evolve(&mut self, event: &AccountEvent) {
        self.open |= matches!(event, AccountEvent::Opened { .. });
    }
}
