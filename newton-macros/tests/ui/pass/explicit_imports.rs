//! The bank account with explicit imports, and without a dependency on serde.

use newton::{Aggregate, Command, Event, Rejection};

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
    fn decide(&self, _: AccountCommand) -> Result<AccountEvent, AccountError> {
        Ok(AccountEvent::Opened)
    }

    fn evolve(&mut self, _: &AccountEvent) {
        self.open = true;
    }
}

fn main() {
    assert_eq!(<Account as Aggregate>::DOMAIN, "bank/Account");
}
