//! A small shop: orders that are paid and shipped, a saga that sees to it, and what is known of the sales.
#![allow(clippy::unused_self, reason = "the shapes of `decide` and `evolve` are given")]

use std::time::Duration;

use newton::prelude::*;

#[derive(Event, Clone, Debug, PartialEq)]
pub(super) enum OrderEvent {
    Placed {
        #[tag]
        order: String,
        price: u64,
    },
    Paid {
        #[tag]
        order: String,
    },
    Cancelled {
        #[tag]
        order: String,
    },
}

#[derive(Command, Clone, Debug, PartialEq)]
pub(super) enum OrderCommand {
    Place { order: String, price: u64 },
    Pay { order: String },
    Cancel { order: String },
}

#[derive(Rejection, Debug, PartialEq)]
pub(super) enum OrderError {
    AlreadyPlaced,
    NotOpen,
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "shop")]
pub(super) struct Order {
    open: bool,
    placed: bool,
}

impl Order {
    fn decide(&self, command: OrderCommand) -> Result<OrderEvent, OrderError> {
        match command {
            OrderCommand::Place { .. } if self.placed => Err(OrderError::AlreadyPlaced),
            OrderCommand::Place { order, price } => Ok(OrderEvent::Placed { order, price }),
            _ if !self.open => Err(OrderError::NotOpen),
            OrderCommand::Pay { order } => Ok(OrderEvent::Paid { order }),
            OrderCommand::Cancel { order } => Ok(OrderEvent::Cancelled { order }),
        }
    }

    fn evolve(&mut self, event: &OrderEvent) {
        self.open = matches!(event, OrderEvent::Placed { .. });
        self.placed = true;
    }
}

#[derive(Event, Clone, Debug, PartialEq)]
pub(super) enum PaymentEvent {
    Charged {
        #[tag]
        order: String,
        amount: u64,
    },
    Refunded {
        #[tag]
        order: String,
        amount: u64,
    },
}

#[derive(Command, Clone, Debug, PartialEq)]
pub(super) enum PaymentCommand {
    Charge { order: String, amount: u64 },
    Refund { order: String, amount: u64 },
}

#[derive(Rejection, Debug, PartialEq)]
pub(super) enum PaymentError {
    Declined,
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "shop")]
pub(super) struct Payment {
    charged: u64,
}

impl Payment {
    fn decide(&self, command: PaymentCommand) -> Result<PaymentEvent, PaymentError> {
        match command {
            PaymentCommand::Charge { amount, .. } if amount > 1_000 => Err(PaymentError::Declined),
            PaymentCommand::Charge { order, amount } => Ok(PaymentEvent::Charged { order, amount }),
            PaymentCommand::Refund { order, amount } => Ok(PaymentEvent::Refunded { order, amount }),
        }
    }

    fn evolve(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::Charged { amount, .. } => self.charged += amount,
            PaymentEvent::Refunded { amount, .. } => self.charged -= amount,
        }
    }
}

#[derive(Event, Clone, Debug, PartialEq)]
pub(super) enum ShipmentEvent {
    Shipped {
        #[tag]
        order: String,
    },
}

#[derive(Command, Clone, Debug, PartialEq)]
pub(super) enum ShipmentCommand {
    Ship { order: String },
}

#[derive(Rejection, Debug, PartialEq)]
pub(super) enum ShipmentError {
    OutOfStock,
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "shop")]
pub(super) struct Shipment {
    shipped: bool,
}

impl Shipment {
    fn decide(&self, command: ShipmentCommand) -> Result<ShipmentEvent, ShipmentError> {
        let ShipmentCommand::Ship { order } = command;
        if order.starts_with("rare") {
            Err(ShipmentError::OutOfStock)
        } else {
            Ok(ShipmentEvent::Shipped { order })
        }
    }

    fn evolve(&mut self, _: &ShipmentEvent) {
        self.shipped = true;
    }
}

/// Charges and ships what was paid for, refunds what cannot be shipped, and cancels what is not paid in time.
#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(
    context = "shop",
    key = "order",
    starts_on(OrderEvent::Placed),
    handles(OrderEvent, ShipmentEvent, Deadline, CommandFailed)
)]
pub(super) struct Fulfilment {
    pub price: u64,
    pub paid: bool,
    pub shipped: bool,
}

/// How long an order waits for its payment.
pub(super) const PAYMENT: Duration = Duration::from_hours(2);

impl On<OrderEvent> for Fulfilment {
    fn on(&mut self, event: &OrderEvent, flow: &mut Flow) -> Result<()> {
        match event {
            OrderEvent::Placed { price, .. } => {
                self.price = *price;
                flow.after(PAYMENT, "payment");
            }
            OrderEvent::Paid { order } => {
                self.paid = true;
                flow.cancel("payment");
                let amount = self.price;
                flow.send(order, PaymentCommand::Charge { order: order.clone(), amount });
                flow.compensate(order, PaymentCommand::Refund { order: order.clone(), amount });
                flow.send(order, ShipmentCommand::Ship { order: order.clone() });
            }
            OrderEvent::Cancelled { .. } => flow.end(),
        }
        Ok(())
    }
}

impl On<ShipmentEvent> for Fulfilment {
    fn on(&mut self, _: &ShipmentEvent, flow: &mut Flow) -> Result<()> {
        self.shipped = true;
        flow.end();
        Ok(())
    }
}

impl On<Deadline> for Fulfilment {
    fn on(&mut self, _: &Deadline, flow: &mut Flow) -> Result<()> {
        flow.send(flow.key(), OrderCommand::Cancel { order: flow.key().to_owned() });
        Ok(())
    }
}

impl On<CommandFailed> for Fulfilment {
    fn on(&mut self, _: &CommandFailed, _: &mut Flow) -> Result<()> {
        Ok(())
    }
}

/// What was charged and not refunded, in memory.
#[derive(Projection, Debug, Default, PartialEq)]
#[projection(handles(PaymentEvent))]
pub(super) struct Sales {
    pub money: u64,
}

impl On<PaymentEvent> for Sales {
    fn on(&mut self, event: &PaymentEvent, _: &mut View) -> Result<()> {
        match event {
            PaymentEvent::Charged { amount, .. } => self.money += amount,
            PaymentEvent::Refunded { amount, .. } => self.money -= amount,
        }
        Ok(())
    }
}

/// The orders that were placed and what became of them, in SQLite.
#[derive(Projection)]
#[projection(sqlite, handles(OrderEvent, ShipmentEvent))]
pub(super) struct Orders;

impl Orders {
    fn setup(tx: &mut SqliteTables) -> Result<()> {
        tx.execute(
            "CREATE TABLE orders (id TEXT PRIMARY KEY, status TEXT NOT NULL, events INTEGER NOT NULL)",
            [],
        )?;
        Ok(())
    }
}

fn note(tx: &mut SqliteTx, order: &str, status: &str) -> Result<()> {
    let sql = "INSERT INTO orders VALUES (?1, ?2, 1) ON CONFLICT (id) DO UPDATE SET status = ?2, events = events + 1";
    tx.execute(sql, [order, status])?;
    Ok(())
}

impl On<OrderEvent> for Orders {
    fn on(&mut self, event: &OrderEvent, tx: &mut SqliteTx) -> Result<()> {
        match event {
            OrderEvent::Placed { order, .. } => note(tx, order, "placed"),
            OrderEvent::Paid { order } => note(tx, order, "paid"),
            OrderEvent::Cancelled { order } => note(tx, order, "cancelled"),
        }
    }
}

impl On<ShipmentEvent> for Orders {
    fn on(&mut self, event: &ShipmentEvent, tx: &mut SqliteTx) -> Result<()> {
        let ShipmentEvent::Shipped { order } = event;
        note(tx, order, "shipped")
    }
}

pub(super) fn placed(order: &str, price: u64) -> OrderEvent {
    OrderEvent::Placed { order: order.to_owned(), price }
}

pub(super) fn paid(order: &str) -> OrderEvent {
    OrderEvent::Paid { order: order.to_owned() }
}

pub(super) fn shipped(order: &str) -> ShipmentEvent {
    ShipmentEvent::Shipped { order: order.to_owned() }
}

pub(super) fn charged(order: &str, amount: u64) -> PaymentEvent {
    PaymentEvent::Charged { order: order.to_owned(), amount }
}

pub(super) fn refunded(order: &str, amount: u64) -> PaymentEvent {
    PaymentEvent::Refunded { order: order.to_owned(), amount }
}

pub(super) fn place(order: &str, price: u64) -> OrderCommand {
    OrderCommand::Place { order: order.to_owned(), price }
}

pub(super) fn pay(order: &str) -> OrderCommand {
    OrderCommand::Pay { order: order.to_owned() }
}

pub(super) fn cancel(order: &str) -> OrderCommand {
    OrderCommand::Cancel { order: order.to_owned() }
}

pub(super) fn charge(order: &str, amount: u64) -> PaymentCommand {
    PaymentCommand::Charge { order: order.to_owned(), amount }
}

pub(super) fn refund(order: &str, amount: u64) -> PaymentCommand {
    PaymentCommand::Refund { order: order.to_owned(), amount }
}

pub(super) fn ship(order: &str) -> ShipmentCommand {
    ShipmentCommand::Ship { order: order.to_owned() }
}
