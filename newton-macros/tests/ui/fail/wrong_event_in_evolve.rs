//! An `evolve` that takes events of another aggregate.

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

#[derive(Event, Clone)]
enum OrderEvent {
    Placed,
}

impl Account {
    fn decide(&self, _: AccountCommand) -> Result<AccountEvent, AccountError> {
        Ok(AccountEvent::Opened)
    }

    fn evolve(&mut self, _: &OrderEvent) {
        self.open = true;
    }
}

fn main() {}
