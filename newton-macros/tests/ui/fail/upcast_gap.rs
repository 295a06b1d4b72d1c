//! Upcasts with gaps, without a version, and beyond it.

use newton::prelude::*;

#[derive(Event, Clone)]
enum AccountEvent {
    #[event(version = 3, upcast(1 => same))]
    Opened,
    #[event(version = 4, upcast(1 => same, 3 => same))]
    Deposited,
    #[event(version = 2)]
    Withdrawn,
    #[event(upcast(1 => same))]
    Closed,
    #[event(version = 2, upcast(1 => same, 2 => same))]
    Frozen,
    #[event(version = 3, upcast(1 => same, 1 => same))]
    Thawed,
    #[event(version = 2, upcast = same)]
    Renamed,
}

fn same(old: u64) -> u64 {
    old
}

fn main() {}
