//! Attributes of an event that are unknown, misplaced or without value.

use newton::prelude::*;

#[derive(Event, Clone)]
#[event(name = "Account")]
#[tag]
enum AccountEvent {
    #[event(nmae = "Opened", version = 1)]
    Opened,
    #[event]
    Deposited { amount: u64 },
    #[event(name = Withdrawal)]
    Withdrawn {
        #[event(name = "sum")]
        amount: u64,
    },
    #[event(name = "")]
    Closed,
    #[event(name = "$closed")]
    Reopened,
    #[event(version = 0)]
    Frozen,
}

fn main() {}
