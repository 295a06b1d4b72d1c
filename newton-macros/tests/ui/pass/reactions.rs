//! What reacts to events, with explicit imports, and without a dependency on serde.

use newton::saga::{CommandFailed, Deadline, Flow};
use newton::service::Delivery;
use newton::{Event, EventHandler, HandlerError, On, Projection, React, Saga};

mod orders {
    #[derive(newton::Event, Clone)]
    pub enum OrderEvent {
        Placed { amount: u64 },
        Paid(u64),
        Closed,
    }
}

#[derive(Event, Clone)]
struct Midnight;

#[derive(Projection, Default)]
#[projection(handles(orders::OrderEvent, Midnight), name = "orders", fold = 3)]
struct Orders(u64);

impl On<orders::OrderEvent> for Orders {
    fn on(
        &mut self,
        _: &orders::OrderEvent,
        _: &mut newton::projection::View<'_>,
    ) -> Result<(), HandlerError> {
        self.0 += 1;
        Ok(())
    }
}

impl On<Midnight> for Orders {
    fn on(&mut self, _: &Midnight, _: &mut newton::projection::View<'_>) -> Result<(), HandlerError> {
        self.0 = 0;
        Ok(())
    }
}

use orders::OrderEvent;

// The same type by a longer and a shorter path; variants of each shape.
#[derive(Saga, Clone, Default)]
#[saga(
    context = "shop",
    key = "order",
    starts_on(OrderEvent::Placed, orders::OrderEvent::Paid, orders::OrderEvent::Closed, Midnight),
    handles(orders::OrderEvent, Midnight, CommandFailed, Deadline,)
)]
struct Fulfilment;

impl On<OrderEvent> for Fulfilment {
    fn on(&mut self, _: &OrderEvent, _: &mut Flow<'_>) -> Result<(), HandlerError> {
        Ok(())
    }
}

impl On<Midnight> for Fulfilment {
    fn on(&mut self, _: &Midnight, _: &mut Flow<'_>) -> Result<(), HandlerError> {
        Ok(())
    }
}

impl On<CommandFailed> for Fulfilment {
    fn on(&mut self, _: &CommandFailed, _: &mut Flow<'_>) -> Result<(), HandlerError> {
        Ok(())
    }
}

impl On<Deadline> for Fulfilment {
    fn on(&mut self, _: &Deadline, _: &mut Flow<'_>) -> Result<(), HandlerError> {
        Ok(())
    }
}

#[derive(EventHandler)]
#[event_handler(handles(OrderEvent), start = "now")]
struct Mail;

impl React<OrderEvent> for Mail {
    async fn react(&self, _: &OrderEvent, _: &Delivery) -> Result<(), HandlerError> {
        Ok(())
    }
}

/// What a `macro_rules` makes, with fields whose types come from the macro and from its caller.
macro_rules! made {
    ($handler:ident, $projection:ident, $saga:ident, $field:ident: $ty:ty, $segments:literal) => {
        #[derive(EventHandler)]
        #[event_handler(handles(OrderEvent), segments = $segments, by = "order")]
        struct $handler {
            $field: $ty,
            own: u8,
        }

        impl React<OrderEvent> for $handler {
            async fn react(&self, _: &OrderEvent, _: &Delivery) -> Result<(), HandlerError> {
                let _ = (&self.$field, self.own);
                Ok(())
            }
        }

        #[derive(Projection, Default)]
        #[projection(handles(OrderEvent))]
        struct $projection {
            $field: $ty,
        }

        impl On<OrderEvent> for $projection {
            fn on(
                &mut self,
                _: &OrderEvent,
                _: &mut newton::projection::View<'_>,
            ) -> Result<(), HandlerError> {
                self.$field = Default::default();
                Ok(())
            }
        }

        #[derive(Saga, Clone, Default)]
        #[saga(context = "shop", key = "order", starts_on(OrderEvent::Placed), handles(OrderEvent))]
        struct $saga {
            $field: $ty,
        }

        impl On<OrderEvent> for $saga {
            fn on(&mut self, _: &OrderEvent, _: &mut Flow<'_>) -> Result<(), HandlerError> {
                self.$field = Default::default();
                Ok(())
            }
        }
    };
}

made!(MadeMail, MadeOrders, MadeFulfilment, text: String, 4);

fn main() {
    assert_eq!((MadeMail::SEGMENTS, MadeMail::KEY), (4, Some("order")));
    assert_eq!((Mail::SEGMENTS, Mail::KEY), (1, None));

    assert_eq!(<Orders as Projection>::NAME, "orders");
    assert_eq!(<Fulfilment as Saga>::event_types().len(), 4);
    assert_eq!(<Mail as EventHandler>::event_types().len(), 3);
}
