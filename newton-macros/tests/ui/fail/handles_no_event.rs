//! Types in `handles` that are no events.

use newton::prelude::*;

#[derive(Clone)]
enum OrderEvent {
    Placed,
}

#[derive(Projection, Default)]
#[projection(handles(OrderEvent))]
struct Orders;

impl On<OrderEvent> for Orders {
    fn on(&mut self, _: &OrderEvent, _: &mut View) -> Result<()> {
        Ok(())
    }
}

#[derive(Saga, Clone, Default)]
#[saga(context = "shop", key = "order", starts_on(OrderEvent::Placed), handles(OrderEvent))]
struct Fulfilment;

impl On<OrderEvent> for Fulfilment {
    fn on(&mut self, _: &OrderEvent, _: &mut Flow) -> Result<()> {
        Ok(())
    }
}

#[derive(EventHandler)]
#[event_handler(handles(OrderEvent, Deadline))]
struct Mail;

impl React<OrderEvent> for Mail {
    async fn react(&self, _: &OrderEvent, _: &Delivery) -> Result<()> {
        Ok(())
    }
}

impl React<Deadline> for Mail {
    async fn react(&self, _: &Deadline, _: &Delivery) -> Result<()> {
        Ok(())
    }
}

fn main() {}
