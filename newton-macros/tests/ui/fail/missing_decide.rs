//! An aggregate without `decide`.

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
    fn evolve(&mut self, _: &AccountEvent) {
        self.open = true;
    }
}

fn main() {}
