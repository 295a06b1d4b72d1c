//! Fulfilment: asks for the money, ships what is paid, and undoes what was done where that is not possible.
//!
//! Placed -> payment requested -> paid -> shipment -> completed. Not paid in time: withdrawn and cancelled. Not to be
//! shipped: refunded and cancelled. A payment may cross a withdrawal: what the payment says decides, so an order is cancelled
//! only after nobody can pay it any more.

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
    handles(OrderEvent, PaymentEvent, ShipmentEvent, Deadline, CommandFailed)
)]
pub struct Fulfilment {
    pub address: String,
    pub cancelled: bool,
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
            OrderEvent::Cancelled { .. } => {
                self.cancelled = true;
                flow.cancel(OVERDUE);
                flow.send(flow.key(), PaymentCommand::Withdraw);
            }
            OrderEvent::Completed { .. } => {}
        }
        Ok(())
    }
}

impl On<PaymentEvent> for Fulfilment {
    fn on(&mut self, event: &PaymentEvent, flow: &mut Flow) -> Result<()> {
        match event {
            PaymentEvent::Received { .. } if self.cancelled => {
                flow.send(flow.key(), PaymentCommand::Refund);
                flow.end();
            }
            PaymentEvent::Received { .. } => {
                flow.cancel(OVERDUE);
                flow.compensate(flow.key(), PaymentCommand::Refund);
                flow.send(flow.key(), ShipmentCommand::Ship { address: self.address.clone() });
            }
            PaymentEvent::Withdrawn { .. } => {
                flow.send(flow.key(), OrderCommand::Cancel { reason: "it was not paid in time".into() });
                flow.end();
            }
            PaymentEvent::Requested { .. } | PaymentEvent::Refunded { .. } => {}
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
        Ok(())
    }
}

impl On<CommandFailed> for Fulfilment {
    fn on(&mut self, failed: &CommandFailed, flow: &mut Flow) -> Result<()> {
        // The money came first: `Received` tells how it goes on.
        if let Some(Ok(PaymentCommand::Withdraw)) = failed.command() {
            flow.recover();
        }
        Ok(())
    }
}
