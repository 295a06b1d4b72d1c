//! A variant in `starts_on` that does not exist, and what cannot start an instance.

use newton::prelude::*;

#[derive(Event, Clone)]
enum OrderEvent {
    Placed,
    Paid,
}

#[derive(Saga, Clone, Default)]
#[saga(context = "shop", key = "order", starts_on(OrderEvent::Plased), handles(OrderEvent))]
struct Fulfilment;

impl On<OrderEvent> for Fulfilment {
    fn on(&mut self, _: &OrderEvent, _: &mut Flow) -> Result<()> {
        Ok(())
    }
}

#[derive(Saga, Clone, Default)]
#[saga(context = "shop", key = "order", starts_on(Deadline), handles(Deadline))]
struct Reminder;

impl On<Deadline> for Reminder {
    fn on(&mut self, _: &Deadline, _: &mut Flow) -> Result<()> {
        Ok(())
    }
}

fn main() {}
