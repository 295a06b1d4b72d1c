//! A tag of a type that cannot be one.

use newton::prelude::*;

#[derive(Event, Clone)]
enum OrderEvent {
    Placed {
        #[tag]
        total: f64,
    },
}

fn main() {}
