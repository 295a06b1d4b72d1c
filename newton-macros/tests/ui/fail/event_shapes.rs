//! Shapes that cannot be an event.

use newton::prelude::*;

#[derive(Event, Clone)]
enum Tuples {
    Moved(u64, u64),
    Nothing(),
}

#[derive(Event, Clone)]
enum Empty {}

#[derive(Event, Clone)]
enum Generic<T> {
    Happened { value: T },
}

#[derive(Event, Clone)]
struct Borrowed<'a> {
    name: &'a str,
}

#[derive(Event, Clone, Copy)]
union Either {
    number: u64,
    text: [u8; 8],
}

fn main() {}
