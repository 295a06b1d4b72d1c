//! An event that is listed in `handles`, but not handled.

use newton::prelude::*;

#[derive(Event, Clone)]
enum OrderEvent {
    Placed,
    Paid,
}

#[derive(Projection, Default)]
#[projection(handles(OrderEvent))]
struct Orders;

#[derive(Saga, Clone, Default)]
#[saga(context = "shop", key = "order", starts_on(OrderEvent::Placed), handles(OrderEvent, Deadline))]
struct Fulfilment;

impl On<OrderEvent> for Fulfilment {
    fn on(&mut self, _: &OrderEvent, _: &mut Flow) -> Result<()> {
        Ok(())
    }
}

#[derive(EventHandler)]
#[event_handler(handles(OrderEvent))]
struct Mail;

fn main() {}
