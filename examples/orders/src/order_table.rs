//! Every order with its payment and shipment: a read model in a table of its own SQLite file.

use newton::prelude::*;

use crate::order::OrderEvent;
use crate::payment::PaymentEvent;
use crate::shipment::ShipmentEvent;

/// One row for each order.
#[derive(Projection, Debug)]
#[projection(sqlite, handles(OrderEvent, PaymentEvent, ShipmentEvent))]
pub struct OrderTable;

impl OrderTable {
    fn setup(tx: &mut SqliteTables) -> Result<()> {
        tx.execute(
            "CREATE TABLE orders (
               id TEXT PRIMARY KEY,
               customer TEXT NOT NULL,
               total INTEGER NOT NULL,
               stage TEXT NOT NULL,
               payments INTEGER NOT NULL DEFAULT 0,
               refunds INTEGER NOT NULL DEFAULT 0,
               shipments INTEGER NOT NULL DEFAULT 0
             )",
            [],
        )?;
        Ok(())
    }
}

impl On<OrderEvent> for OrderTable {
    fn on(&mut self, event: &OrderEvent, tx: &mut SqliteTx) -> Result<()> {
        match event {
            OrderEvent::Placed { order, customer, total, .. } => tx.execute(
                "INSERT INTO orders (id, customer, total, stage) VALUES (?1, ?2, ?3, 'open')",
                (order, customer, i64::try_from(*total)?),
            )?,
            OrderEvent::Completed { order } => set_stage(tx, order, "completed")?,
            OrderEvent::Cancelled { order, .. } => set_stage(tx, order, "cancelled")?,
        };
        Ok(())
    }
}

impl On<PaymentEvent> for OrderTable {
    fn on(&mut self, event: &PaymentEvent, tx: &mut SqliteTx) -> Result<()> {
        match event {
            PaymentEvent::Received { order, .. } => {
                tx.execute("UPDATE orders SET payments = payments + 1 WHERE id = ?1", [order])?;
            }
            PaymentEvent::Refunded { order, .. } => {
                tx.execute("UPDATE orders SET refunds = refunds + 1 WHERE id = ?1", [order])?;
            }
            PaymentEvent::Requested { .. } | PaymentEvent::Withdrawn { .. } => {}
        }
        Ok(())
    }
}

impl On<ShipmentEvent> for OrderTable {
    fn on(&mut self, event: &ShipmentEvent, tx: &mut SqliteTx) -> Result<()> {
        let ShipmentEvent::Shipped { order, .. } = event;
        tx.execute("UPDATE orders SET shipments = shipments + 1 WHERE id = ?1", [order])?;
        Ok(())
    }
}

fn set_stage(tx: &SqliteTx, order: &str, stage: &str) -> Result<usize> {
    Ok(tx.execute("UPDATE orders SET stage = ?2 WHERE id = ?1", (order, stage))?)
}
