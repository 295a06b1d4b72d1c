//! A `decide` that returns another error.

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
    fn decide(&self, _: AccountCommand) -> Result<AccountEvent, std::fmt::Error> {
        Err(std::fmt::Error)
    }

    fn evolve(&mut self, _: &AccountEvent) {
        self.open = true;
    }
}

fn main() {}
