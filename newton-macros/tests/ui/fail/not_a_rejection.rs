//! A rejection that is no error.

use newton::prelude::*;

#[derive(Event, Clone)]
enum AccountEvent {
    Opened,
}

#[derive(Command, Clone)]
enum AccountCommand {
    Open,
}

#[derive(Debug)]
enum AccountError {
    AlreadyOpen,
}

#[derive(Aggregate, Clone, Default)]
#[aggregate(context = "bank")]
struct Account {
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
