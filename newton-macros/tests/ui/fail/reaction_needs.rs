//! What the derives need of the struct itself: `Default`, `Clone`, fields that can be provided.

use newton::prelude::*;

#[derive(Event, Clone)]
enum OrderEvent {
    Placed,
    Paid,
}

#[derive(Projection)]
#[projection(handles(OrderEvent))]
struct Orders;

impl On<OrderEvent> for Orders {
    fn on(&mut self, _: &OrderEvent, _: &mut View) -> Result<()> {
        Ok(())
    }
}

#[derive(Saga, Default)]
#[saga(context = "shop", key = "order", starts_on(OrderEvent::Placed), handles(OrderEvent))]
struct Fulfilment;

impl On<OrderEvent> for Fulfilment {
    fn on(&mut self, _: &OrderEvent, _: &mut Flow) -> Result<()> {
        Ok(())
    }
}

struct Smtp;

#[derive(EventHandler)]
#[event_handler(handles(OrderEvent))]
struct Mail {
    smtp: Smtp,
}

impl React<OrderEvent> for Mail {
    async fn react(&self, _: &OrderEvent, _: &Delivery) -> Result<()> {
        Ok(())
    }
}

fn main() {}
