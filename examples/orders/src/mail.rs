//! The mail to a customer whose order is on its way: a side effect, at least once.

use std::fmt;
use std::sync::Arc;

use newton::prelude::*;

use crate::shipment::ShipmentEvent;

/// Where mails go. The shop is given one that prints, tests one that collects.
pub trait Mailer: Send + Sync {
    /// Sends a mail; the same id always means the same mail.
    fn send(&self, id: &str, text: &str) -> std::io::Result<()>;
}

/// Any mailer, as a value that handlers can be built from.
#[derive(Clone)]
pub struct AnyMailer(pub Arc<dyn Mailer>);

impl fmt::Debug for AnyMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyMailer")
    }
}

#[derive(EventHandler, Debug)]
#[event_handler(handles(ShipmentEvent), start = "now")]
pub struct ShippingMail {
    mailer: AnyMailer,
}

impl React<ShipmentEvent> for ShippingMail {
    async fn react(&self, event: &ShipmentEvent, delivery: &Delivery) -> Result<()> {
        let ShipmentEvent::Shipped { order, address } = event;
        self.mailer
            .0
            .send(&delivery.id().to_string(), &format!("order `{order}` is on its way to {address}"))?;
        Ok(())
    }
}
