//! Shapes that cannot be an aggregate.

use newton::prelude::*;

#[derive(Aggregate, Clone, Default)]
#[aggregate(context = "bank")]
struct Generic<T> {
    state: T,
}

#[derive(Aggregate, Clone, Default)]
#[aggregate(context = "bank")]
enum Machine {
    #[default]
    Off,
}

fn main() {}
