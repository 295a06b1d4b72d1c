//! A private event in a public aggregate.

use newton::prelude::*;

#[derive(Event, Clone)]
enum AccountEvent {
    Opened,
}

#[derive(Command, Clone)]
pub enum AccountCommand {
    Open,
}

#[derive(Rejection, Debug)]
pub enum AccountError {
    AlreadyOpen,
}

#[derive(Aggregate, Clone, Default)]
#[aggregate(context = "bank")]
pub struct Account {
    open: bool,
}

impl Account {
    fn decide(&self, _: AccountCommand) -> Result<AccountEvent, AccountError> {
        Ok(AccountEvent::Opened)
    }

    fn evolve(&mut self, _: &AccountEvent) {
        self.open = true;
    }
}

fn main() {}
