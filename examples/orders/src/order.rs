//! Orders: placed by a customer, completed once paid and shipped, or cancelled.

use newton::prelude::*;

#[derive(Event, Clone, Debug, PartialEq)]
pub enum OrderEvent {
    Placed {
        #[tag]
        order: String,
        customer: String,
        address: String,
        total: u64,
        /// How long the customer has to pay.
        seconds_to_pay: u64,
    },
    Completed {
        #[tag]
        order: String,
    },
    Cancelled {
        #[tag]
        order: String,
        reason: String,
    },
}

#[derive(Command, Clone, Debug, PartialEq)]
pub enum OrderCommand {
    Place { customer: String, address: String, total: u64, seconds_to_pay: u64 },
    Complete,
    Cancel { reason: String },
}

#[derive(Rejection, Debug, PartialEq)]
pub enum OrderError {
    AlreadyPlaced,
    NotPlaced,
    NothingOrdered,
    /// It was cancelled before.
    Cancelled,
    /// It was completed before.
    Completed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Stage {
    #[default]
    New,
    Open,
    Completed,
    Cancelled,
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "shop")]
pub struct Order {
    pub stage: Stage,
}

impl Order {
    fn decide(&self, command: OrderCommand, context: &Context) -> Result<Option<OrderEvent>, OrderError> {
        let order = context.id.as_str().to_owned();
        match (command, self.stage) {
            (OrderCommand::Place { total: 0, .. }, Stage::New) => Err(OrderError::NothingOrdered),
            (OrderCommand::Place { customer, address, total, seconds_to_pay }, Stage::New) => {
                Ok(Some(OrderEvent::Placed { order, customer, address, total, seconds_to_pay }))
            }
            (OrderCommand::Place { .. }, _) => Err(OrderError::AlreadyPlaced),
            (_, Stage::New) => Err(OrderError::NotPlaced),
            (OrderCommand::Complete, Stage::Open) => Ok(Some(OrderEvent::Completed { order })),
            (OrderCommand::Cancel { reason }, Stage::Open) => {
                Ok(Some(OrderEvent::Cancelled { order, reason }))
            }
            // Asked for once more: nothing is left to do.
            (OrderCommand::Complete, Stage::Completed) | (OrderCommand::Cancel { .. }, Stage::Cancelled) => {
                Ok(None)
            }
            (OrderCommand::Complete, Stage::Cancelled) => Err(OrderError::Cancelled),
            (OrderCommand::Cancel { .. }, Stage::Completed) => Err(OrderError::Completed),
        }
    }

    fn evolve(&mut self, event: &OrderEvent) {
        self.stage = match event {
            OrderEvent::Placed { .. } => Stage::Open,
            OrderEvent::Completed { .. } => Stage::Completed,
            OrderEvent::Cancelled { .. } => Stage::Cancelled,
        };
    }
}
