//! Shipments: one for each order that is paid.

use newton::prelude::*;

#[derive(Event, Clone, Debug, PartialEq)]
pub enum ShipmentEvent {
    Shipped {
        #[tag]
        order: String,
        address: String,
    },
}

#[derive(Command, Clone, Debug, PartialEq)]
pub enum ShipmentCommand {
    Ship { address: String },
}

#[derive(Rejection, Debug, PartialEq)]
pub enum ShipmentError {
    AlreadyShipped,
    NoSuchAddress { address: String },
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "shop")]
pub struct Shipment {
    pub shipped: bool,
}

impl Shipment {
    fn decide(&self, command: ShipmentCommand, context: &Context) -> Result<ShipmentEvent, ShipmentError> {
        let ShipmentCommand::Ship { address } = command;
        if self.shipped {
            return Err(ShipmentError::AlreadyShipped);
        }
        if address.trim().is_empty() || address == "nowhere" {
            return Err(ShipmentError::NoSuchAddress { address });
        }
        Ok(ShipmentEvent::Shipped { order: context.id.as_str().to_owned(), address })
    }

    fn evolve(&mut self, event: &ShipmentEvent) {
        let ShipmentEvent::Shipped { .. } = event;
        self.shipped = true;
    }
}
