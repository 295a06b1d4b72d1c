//! Attributes of a projection that are unknown, or have unfit values.

use newton::prelude::*;

#[derive(Event, Clone)]
enum OrderEvent {
    Placed,
    Paid,
}

#[derive(Projection, Default)]
#[projection(handles(OrderEvent, OrderEvent, &'static str), shared, fold = 99999999999999999999, name = "a/b")]
struct Orders {
    #[projection(name = "count")]
    count: u64,
}

impl On<OrderEvent> for Orders {
    fn on(&mut self, _: &OrderEvent, _: &mut View) -> Result<()> {
        Ok(())
    }
}

#[derive(Projection, Default)]
#[projection(handle(OrderEvent), version = 1)]
struct Misspelt;

#[derive(Projection, Default)]
#[projection]
struct Bare;

#[derive(Projection, Default)]
struct Alone;

#[derive(Projection, Default)]
#[projection(handles())]
struct Deaf;

#[derive(Projection, Default)]
#[projection(handles = OrderEvent)]
struct Assigned;

#[derive(Projection, Default)]
#[projection(handles(OrderEvent), name = "hasty", timeout_ms = 100)]
struct Hasty;

#[derive(Projection)]
#[projection(sqlite, handles(OrderEvent), timeout_ms = 0)]
struct Instant;

fn main() {}
