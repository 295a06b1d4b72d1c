//! Attributes of a saga that are missing, unknown, or have unfit values.

use newton::prelude::*;

#[derive(Event, Clone)]
enum OrderEvent {
    Placed,
    Paid,
}

#[derive(Saga, Clone, Default)]
#[saga(handles(OrderEvent))]
struct Incomplete;

#[derive(Saga, Clone, Default)]
#[saga(
    context = "my/shop",
    key = "",
    starts_on(OrderEvent::Placed, OrderEvent::Placed, PaymentEvent::Received),
    handles(OrderEvent),
    version = 3,
    upcast(1 => from_v1),
    start = "later"
)]
#[serde(tag = "type")]
struct Unfit;

#[derive(Saga, Clone, Default)]
#[saga(context = "shop", key = "order", starts_on(), handles(OrderEvent), store = "x")]
struct Empty;

#[derive(Saga, Clone, Default)]
#[saga(context = "shop", key = "order", starts_on = OrderEvent::Placed, handles(OrderEvent))]
struct Assigned;

fn main() {}
