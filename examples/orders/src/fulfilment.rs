//! Fulfilment: asks for the money, ships what is paid, and undoes what was done where that is not possible.
//!
//! Placed -> payment requested -> paid -> shipment -> completed. Not paid in time: cancelled. Not to be shipped: refunded
//! and cancelled.

use std::time::Duration;

use newton::prelude::*;

use crate::order::{OrderCommand, OrderEvent};
use crate::payment::{PaymentCommand, PaymentEvent};
use crate::shipment::{ShipmentCommand, ShipmentEvent};

const OVERDUE: &str = "payment overdue";

#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(
    context = "shop",
    key = "order",
    starts_on(OrderEvent::Placed),
    handles(OrderEvent, PaymentEvent, ShipmentEvent, Deadline)
)]
pub struct Fulfilment {
    pub address: String,
    pub paid: bool,
}

impl On<OrderEvent> for Fulfilment {
    fn on(&mut self, event: &OrderEvent, flow: &mut Flow) -> Result<()> {
        match event {
            OrderEvent::Placed { address, total, seconds_to_pay, .. } => {
                self.address.clone_from(address);
                flow.compensate(flow.key(), OrderCommand::Cancel { reason: "it cannot be shipped".into() });
                flow.send(flow.key(), PaymentCommand::Request { amount: *total });
                flow.after(Duration::from_secs(*seconds_to_pay), OVERDUE);
            }
            OrderEvent::Cancelled { .. } if !self.paid => {
                flow.send(flow.key(), PaymentCommand::Withdraw);
                flow.end();
            }
            OrderEvent::Completed { .. } | OrderEvent::Cancelled { .. } => {}
        }
        Ok(())
    }
}

impl On<PaymentEvent> for Fulfilment {
    fn on(&mut self, event: &PaymentEvent, flow: &mut Flow) -> Result<()> {
        if let PaymentEvent::Received { .. } = event {
            self.paid = true;
            flow.cancel(OVERDUE);
            flow.compensate(flow.key(), PaymentCommand::Refund);
            flow.send(flow.key(), ShipmentCommand::Ship { address: self.address.clone() });
        }
        Ok(())
    }
}

impl On<ShipmentEvent> for Fulfilment {
    fn on(&mut self, _: &ShipmentEvent, flow: &mut Flow) -> Result<()> {
        flow.send(flow.key(), OrderCommand::Complete);
        flow.end();
        Ok(())
    }
}

impl On<Deadline> for Fulfilment {
    fn on(&mut self, _: &Deadline, flow: &mut Flow) -> Result<()> {
        flow.send(flow.key(), PaymentCommand::Withdraw);
        flow.send(flow.key(), OrderCommand::Cancel { reason: "it was not paid in time".into() });
        flow.end();
        Ok(())
    }
}
