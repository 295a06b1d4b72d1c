//! Types that are used as what they are not, or may not be replayed.

use newton::prelude::*;

#[derive(Event, Clone)]
enum OrderEvent {
    Placed,
    Paid,
}

struct Orders;

#[derive(EventHandler)]
#[event_handler(handles(OrderEvent))]
struct Mail;

impl React<OrderEvent> for Mail {
    async fn react(&self, _: &OrderEvent, _: &Delivery) -> Result<()> {
        Ok(())
    }
}

fn project<P: Projection>() {}
fn run<S: Saga>() {}
fn serve<H: EventHandler>() {}
fn replay<H: newton::service::ReplaySafe>() {}
fn register<T: newton::registry::Register>() {}

fn main() {
    project::<Orders>();
    run::<Orders>();
    serve::<Orders>();
    replay::<Mail>();
    register::<Orders>();
}
