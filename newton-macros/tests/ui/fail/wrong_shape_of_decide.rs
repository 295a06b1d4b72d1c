//! A `decide` that takes no command.

use newton::prelude::*;

#[derive(Event, Clone)]
enum AccountEvent {
    Opened,
}

#[derive(Command, Clone)]
enum AccountCommand {
    Open,
}

#[derive(Rejection, Debug)]
enum AccountError {
    AlreadyOpen,
}

#[derive(Aggregate, Clone, Default)]
#[aggregate(context = "bank")]
struct Account {
    open: bool,
}

impl Account {
    fn decide(&self) -> Result<AccountEvent, AccountError> {
        Ok(AccountEvent::Opened)
    }

    fn evolve(&mut self, _: &AccountEvent) {
        self.open = true;
    }
}

fn main() {}
