//! Commands with unknown attributes, without an aggregate, or with an unfit one.

use newton::prelude::*;

#[derive(Event, Clone)]
enum AccountEvent {
    Opened,
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
    fn decide(&self, _: AccountCommand) -> Result<AccountEvent, AccountError> {
        Ok(AccountEvent::Opened)
    }

    fn evolve(&mut self, _: &AccountEvent) {
        self.open = true;
    }
}

#[derive(Command, Clone)]
enum AccountCommand {
    Open,
}

#[derive(Command, Clone)]
struct Close;

#[derive(Command, Clone)]
#[command(name = "Order")]
enum OrderCommand {
    #[command(version = 2)]
    Place,
    #[command(aggregate = Account)]
    Cancel(u64, u64),
}

#[derive(Command, Clone)]
#[command(aggregate = Account)]
enum OtherCommand {
    Open,
}

#[derive(Aggregate, Clone, Default)]
#[aggregate(context = "shop", event = AccountEvent, rejection = AccountError)]
struct Order;

fn main() {}
