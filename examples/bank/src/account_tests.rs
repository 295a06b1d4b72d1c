//! The account's rules, as scenarios.

use newton::testkit::Scenario;

use super::account::AccountCommand::{Deposit, Open, Withdraw};
use super::account::AccountEvent::{Deposited, Opened, Withdrawn};
use super::account::{Account, AccountError};

fn ada() -> String {
    "Ada".into()
}

#[test]
fn money_comes_and_goes() {
    Scenario::<Account>::new()
        .when(Open { owner: ada() })
        .then(Opened { owner: ada() })
        .when(Deposit { amount: 30 })
        .then(Deposited { amount: 30 })
        .when(Withdraw { amount: 20 })
        .then(Withdrawn { amount: 20 })
        .then_state(Account { open: true, balance: 10 });
}

#[test]
fn an_account_opens_once() {
    Scenario::<Account>::given(Opened { owner: ada() })
        .when(Open { owner: "Bob".into() })
        .then_rejected(AccountError::AlreadyOpen);
}

#[test]
fn an_account_that_is_not_open_does_nothing() {
    Scenario::<Account>::new()
        .when(Deposit { amount: 1 })
        .then_rejected(AccountError::NotOpen)
        .when(Withdraw { amount: 1 })
        .then_rejected(AccountError::NotOpen);
}

#[test]
fn an_account_is_never_overdrawn() {
    Scenario::<Account>::given([Opened { owner: "Ada".into() }, Deposited { amount: 10 }])
        .when(Withdraw { amount: 20 })
        .then_rejected(AccountError::Overdrawn { balance: 10 });
}

#[test]
fn an_account_can_be_emptied() {
    Scenario::<Account>::given([Opened { owner: ada() }, Deposited { amount: 10 }])
        .when(Withdraw { amount: 10 })
        .then(Withdrawn { amount: 10 })
        .then_state(Account { open: true, balance: 0 });
}
