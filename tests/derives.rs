//! The derives: names, payloads, schemas, tags and texts.

use newton::prelude::*;

#[derive(Event, Clone, Debug, PartialEq)]
enum AccountEvent {
    Opened { owner: String },
    Deposited { amount: u64 },
    Withdrawn { amount: u64 },
    Closed,
}

#[derive(Command, Clone, Debug, PartialEq)]
enum AccountCommand {
    Open { owner: String },
    Deposit { amount: u64 },
    Withdraw { amount: u64 },
}

#[derive(Rejection, Debug, PartialEq)]
enum AccountError {
    AlreadyOpen,
    NotOpen,
    Overdrawn { balance: u64 },
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "bank")]
struct Account {
    open: bool,
    balance: u64,
}

impl Account {
    fn decide(&self, command: AccountCommand) -> Result<AccountEvent, AccountError> {
        match command {
            AccountCommand::Open { .. } if self.open => Err(AccountError::AlreadyOpen),
            AccountCommand::Open { owner } => Ok(AccountEvent::Opened { owner }),
            _ if !self.open => Err(AccountError::NotOpen),
            AccountCommand::Deposit { amount } => Ok(AccountEvent::Deposited { amount }),
            AccountCommand::Withdraw { amount } if amount > self.balance => {
                Err(AccountError::Overdrawn { balance: self.balance })
            }
            AccountCommand::Withdraw { amount } => Ok(AccountEvent::Withdrawn { amount }),
        }
    }

    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { .. } => self.open = true,
            AccountEvent::Deposited { amount } => self.balance += amount,
            AccountEvent::Withdrawn { amount } => self.balance -= amount,
            AccountEvent::Closed => self.open = false,
        }
    }
}

fn json(event: &impl Event) -> String {
    let mut out = Vec::new();
    event.encode(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_payload_is_the_fields_of_the_variant_alone() {
    let opened = AccountEvent::Opened { owner: "Ada".into() };
    assert_eq!(json(&opened), r#"{"owner":"Ada"}"#);
    assert_eq!(json(&AccountEvent::Closed), "{}");
}
