//! A small shop: orders, payments and shipments, and the saga that sees an order through.

use std::time::Duration;

use newton::prelude::*;

#[derive(Event, Clone, Debug, PartialEq)]
pub(crate) enum OrderEvent {
    Placed {
        #[tag]
        order: String,
        amount: u64,
        address: String,
    },
    Closed {
        #[tag]
        order: String,
    },
    Cancelled {
        #[tag]
        order: String,
        why: String,
    },
}

#[derive(Command, Clone, Debug)]
pub(crate) enum OrderCommand {
    Place { order: String, amount: u64, address: String },
    Close { order: String },
    Cancel { order: String, why: String },
}

#[derive(Rejection, Debug, PartialEq)]
pub(crate) enum OrderError {
    AlreadyThere,
    NotOpen,
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "shop")]
pub(crate) struct Order {
    placed: bool,
    over: bool,
}

impl Order {
    fn decide(&self, command: OrderCommand) -> Result<OrderEvent, OrderError> {
        match command {
            OrderCommand::Place { .. } if self.placed => Err(OrderError::AlreadyThere),
            OrderCommand::Place { order, amount, address } => {
                Ok(OrderEvent::Placed { order, amount, address })
            }
            _ if self.over => Err(OrderError::NotOpen),
            OrderCommand::Close { order } => Ok(OrderEvent::Closed { order }),
            OrderCommand::Cancel { order, why } => Ok(OrderEvent::Cancelled { order, why }),
        }
    }

    fn evolve(&mut self, event: &OrderEvent) {
        self.placed = true;
        self.over = !matches!(event, OrderEvent::Placed { .. });
    }
}

/// A payment has an id of its own: the saga hears of it because it listens.
#[derive(Event, Clone, Debug, PartialEq)]
pub(crate) enum PaymentEvent {
    Charged {
        #[tag]
        payment: String,
        amount: u64,
    },
    Refunded {
        #[tag]
        payment: String,
    },
}

#[derive(Command, Clone, Debug)]
pub(crate) enum PaymentCommand {
    /// Who owes nothing is not charged.
    Charge {
        payment: String,
        amount: u64,
    },
    Refund {
        payment: String,
    },
}

#[derive(Rejection, Debug, PartialEq)]
pub(crate) enum PaymentError {
    AlreadyCharged,
    NotCharged,
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "shop")]
pub(crate) struct Payment {
    charged: bool,
}

impl Payment {
    fn decide(&self, command: PaymentCommand) -> Result<Option<PaymentEvent>, PaymentError> {
        match command {
            PaymentCommand::Charge { .. } if self.charged => Err(PaymentError::AlreadyCharged),
            PaymentCommand::Charge { amount: 0, .. } => Ok(None),
            PaymentCommand::Charge { payment, amount } => Ok(Some(PaymentEvent::Charged { payment, amount })),
            PaymentCommand::Refund { .. } if !self.charged => Err(PaymentError::NotCharged),
            PaymentCommand::Refund { payment } => Ok(Some(PaymentEvent::Refunded { payment })),
        }
    }

    fn evolve(&mut self, event: &PaymentEvent) {
        self.charged = matches!(event, PaymentEvent::Charged { .. });
    }
}

#[derive(Event, Clone, Debug, PartialEq)]
pub(crate) enum ShipmentEvent {
    Shipped {
        #[tag]
        order: String,
    },
}

#[derive(Command, Clone, Debug)]
pub(crate) enum ShipmentCommand {
    Ship { order: String, address: String },
}

#[derive(Rejection, Debug, PartialEq)]
pub(crate) enum ShipmentError {
    AlreadyShipped,
    NoSuchAddress,
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "shop")]
pub(crate) struct Shipment {
    shipped: bool,
}

impl Shipment {
    fn decide(&self, command: ShipmentCommand) -> Result<ShipmentEvent, ShipmentError> {
        match command {
            ShipmentCommand::Ship { .. } if self.shipped => Err(ShipmentError::AlreadyShipped),
            ShipmentCommand::Ship { address, .. } if address == "nowhere" => {
                Err(ShipmentError::NoSuchAddress)
            }
            ShipmentCommand::Ship { order, .. } => Ok(ShipmentEvent::Shipped { order }),
        }
    }

    fn evolve(&mut self, _: &ShipmentEvent) {
        self.shipped = true;
    }
}

#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(
    context = "shop",
    key = "order",
    starts_on(OrderEvent::Placed),
    handles(OrderEvent, PaymentEvent, ShipmentEvent, Deadline, CommandFailed)
)]
pub(crate) struct Fulfilment {
    address: String,
    failed: Option<String>,
}

impl On<OrderEvent> for Fulfilment {
    fn on(&mut self, event: &OrderEvent, flow: &mut Flow) -> Result<()> {
        if let OrderEvent::Placed { amount, address, .. } = event {
            self.address.clone_from(address);
            let payment = format!("pay-{}", flow.key());
            flow.listen("payment", &payment);
            flow.after(Duration::from_hours(1), "payment overdue");
            flow.send(payment.clone(), PaymentCommand::Charge { payment, amount: *amount });
        }
        Ok(())
    }
}

impl On<PaymentEvent> for Fulfilment {
    fn on(&mut self, event: &PaymentEvent, flow: &mut Flow) -> Result<()> {
        if let PaymentEvent::Charged { payment, .. } = event {
            let (order, address) = (flow.key().to_owned(), self.address.clone());
            flow.cancel("payment overdue");
            flow.compensate(
                flow.key(),
                OrderCommand::Cancel { order: order.clone(), why: "no delivery".into() },
            );
            flow.compensate(payment, PaymentCommand::Refund { payment: payment.clone() });
            flow.send(flow.key(), ShipmentCommand::Ship { order, address });
        }
        Ok(())
    }
}

impl On<ShipmentEvent> for Fulfilment {
    fn on(&mut self, _: &ShipmentEvent, flow: &mut Flow) -> Result<()> {
        flow.send(flow.key(), OrderCommand::Close { order: flow.key().to_owned() });
        flow.end();
        Ok(())
    }
}

impl On<Deadline> for Fulfilment {
    fn on(&mut self, deadline: &Deadline, flow: &mut Flow) -> Result<()> {
        let cancel = OrderCommand::Cancel { order: flow.key().to_owned(), why: deadline.name.clone() };
        flow.send(flow.key(), cancel);
        flow.end();
        Ok(())
    }
}

impl On<CommandFailed> for Fulfilment {
    fn on(&mut self, failed: &CommandFailed, _: &mut Flow) -> Result<()> {
        self.failed = Some(format!("{}: {}", failed.name, failed.reason));
        Ok(())
    }
}
