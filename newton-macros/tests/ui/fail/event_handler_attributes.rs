//! Attributes of an event handler that are missing, unknown, or have unfit values.

use newton::prelude::*;

#[derive(Event, Clone)]
enum OrderEvent {
    Placed,
    Paid,
}

#[derive(EventHandler)]
struct Alone;

#[derive(EventHandler)]
#[event_handler(handles(OrderEvent), start = now, replay_unsafe)]
struct Unknown;

#[derive(EventHandler)]
#[event_handler(handles(OrderEvent), start = "Now", name = "$mail")]
struct Unfit;

fn main() {}
