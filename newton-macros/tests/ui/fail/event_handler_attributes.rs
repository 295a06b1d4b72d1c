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

#[derive(EventHandler)]
#[event_handler(handles(OrderEvent), segments = 0, by = "")]
struct TooFew;

#[derive(EventHandler)]
#[event_handler(handles(OrderEvent), segments = 1025, by = owner)]
struct TooMany;

#[derive(EventHandler)]
#[event_handler(handles(OrderEvent), segments = "4", by = "$owner")]
struct Texts;

fn main() {}
