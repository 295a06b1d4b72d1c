//! Two variants with one name.

use newton::prelude::*;

#[derive(Event, Clone)]
enum AccountEvent {
    Opened,
    #[event(name = "AccountOpened")]
    Reopened,
}

fn main() {}
