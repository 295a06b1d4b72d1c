//! Types that cannot be a projection, a saga or an event handler.

use newton::prelude::*;

#[derive(Event, Clone)]
enum OrderEvent {
    Placed,
    Paid,
}

#[derive(Projection)]
#[projection(handles(OrderEvent))]
enum Either {
    One,
}

#[derive(Projection, Default)]
#[projection(handles(OrderEvent))]
struct Listed<T: Send + Sync + 'static> {
    list: Vec<T>,
}

#[derive(Saga, Clone, Default)]
#[saga(context = "shop", key = "order", starts_on(OrderEvent::Placed), handles(OrderEvent))]
enum Step {
    #[default]
    First,
}

#[derive(EventHandler)]
#[event_handler(handles(OrderEvent))]
union Both {
    number: u8,
}

#[derive(EventHandler)]
#[event_handler(handles(OrderEvent))]
struct Borrowed<'a>(&'a str);

fn main() {}
