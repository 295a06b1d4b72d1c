//! A `decide` that returns events of another aggregate.

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
    fn decide(&self, _: AccountCommand) -> Result<OrderEvent, AccountError> {
        Ok(OrderEvent::Placed)
    }

    fn evolve(&mut self, _: &AccountEvent) {
        self.open = true;
    }
}

fn main() {}
