//! An upcast that takes two arguments.

use newton::prelude::*;

#[derive(Event, Clone)]
#[event(version = 2, upcast(1 => from_v1))]
struct Opened {
    owner: String,
}

fn from_v1(_: u64, _: u64) -> u64 {
    0
}

fn main() {}
