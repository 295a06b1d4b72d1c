//! The end of the log, to wait on.

use tokio::sync::watch;

use crate::domain::OrderId;
use crate::error::{Error, ErrorKind, Result};

/// The order id of the last event of a store, as far as it is known here, to read and to wait on.
#[derive(Clone, Debug)]
pub struct Head(watch::Receiver<OrderId>);

impl Head {
    /// The order id of the last event.
    pub fn current(&self) -> OrderId {
        *self.0.borrow()
    }

    /// Waits until there is an event above `order_id`, and gives the last order id then.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] once the store is gone.
    pub async fn beyond(&mut self, order_id: OrderId) -> Result<OrderId> {
        match self.0.wait_for(|head| *head > order_id).await {
            Ok(head) => Ok(*head),
            Err(_) => Err(Error::new(ErrorKind::Closed, "wait for events", "the store was closed")),
        }
    }
}

/// The store's end of [`Head`].
#[derive(Debug)]
pub struct HeadSender(watch::Sender<OrderId>);

impl HeadSender {
    /// A head at `order_id`.
    pub fn new(order_id: OrderId) -> Self {
        Self(watch::Sender::new(order_id))
    }

    /// A head to hand out.
    pub fn subscribe(&self) -> Head {
        Head(self.0.subscribe())
    }

    /// Moves the head up to `order_id`; it never falls.
    pub fn advance(&self, order_id: OrderId) {
        self.0.send_if_modified(|head| {
            let higher = order_id > *head;
            *head = (*head).max(order_id);
            higher
        });
    }

    /// Whether anybody holds a head.
    pub fn is_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }
}
