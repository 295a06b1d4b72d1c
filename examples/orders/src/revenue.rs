//! What the shop has earned: a read model in memory.

use std::collections::BTreeMap;

use newton::prelude::*;

use crate::payment::PaymentEvent;

/// The money received and not given back, in all and by day.
#[derive(Projection, Debug, Default)]
#[projection(handles(PaymentEvent))]
pub struct Revenue {
    pub total: u64,
    pub by_day: BTreeMap<String, u64>,
}

impl On<PaymentEvent> for Revenue {
    fn on(&mut self, event: &PaymentEvent, view: &mut View) -> Result<()> {
        let day = self.by_day.entry(view.meta().time.format("%Y-%m-%d").to_string()).or_default();
        match event {
            PaymentEvent::Received { amount, .. } => {
                self.total += amount;
                *day += amount;
            }
            PaymentEvent::Refunded { amount, .. } => {
                self.total -= amount;
                *day = day.saturating_sub(*amount);
            }
            PaymentEvent::Requested { .. } | PaymentEvent::Withdrawn { .. } => {}
        }
        Ok(())
    }
}
