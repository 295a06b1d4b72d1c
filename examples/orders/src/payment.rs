//! Payments: one for each order, requested, received, and given back where the order cannot be shipped.

use futures_util::TryStreamExt;
use newton::App;
use newton::prelude::*;

#[derive(Event, Clone, Debug, PartialEq)]
pub enum PaymentEvent {
    Requested {
        #[tag]
        order: String,
        amount: u64,
    },
    Received {
        #[tag]
        order: String,
        amount: u64,
    },
    Refunded {
        #[tag]
        order: String,
        amount: u64,
    },
    Withdrawn {
        #[tag]
        order: String,
    },
}

#[derive(Command, Clone, Debug, PartialEq)]
pub enum PaymentCommand {
    Request {
        amount: u64,
    },
    Pay,
    Refund,
    /// Nobody needs to pay any more.
    Withdraw,
}

#[derive(Rejection, Debug, PartialEq)]
pub enum PaymentError {
    NotRequested,
    AlreadyPaid,
    NotPaid,
    /// The order it was for is cancelled.
    Withdrawn,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Stage {
    #[default]
    New,
    Requested,
    Paid,
    Refunded,
    Withdrawn,
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "shop")]
pub struct Payment {
    pub stage: Stage,
    pub amount: u64,
}

impl Payment {
    fn decide(
        &self,
        command: PaymentCommand,
        context: &Context,
    ) -> Result<Option<PaymentEvent>, PaymentError> {
        let (order, amount) = (context.id.as_str().to_owned(), self.amount);
        match (command, self.stage) {
            (PaymentCommand::Request { amount }, Stage::New) => {
                Ok(Some(PaymentEvent::Requested { order, amount }))
            }
            (PaymentCommand::Pay, Stage::Requested) => Ok(Some(PaymentEvent::Received { order, amount })),
            (PaymentCommand::Pay, Stage::New) => Err(PaymentError::NotRequested),
            (PaymentCommand::Pay, Stage::Withdrawn) => Err(PaymentError::Withdrawn),
            (PaymentCommand::Pay, Stage::Paid | Stage::Refunded)
            | (PaymentCommand::Withdraw, Stage::Paid) => Err(PaymentError::AlreadyPaid),
            (PaymentCommand::Refund, Stage::Paid) => Ok(Some(PaymentEvent::Refunded { order, amount })),
            (PaymentCommand::Refund, Stage::New | Stage::Requested | Stage::Withdrawn) => {
                Err(PaymentError::NotPaid)
            }
            (PaymentCommand::Withdraw, Stage::New | Stage::Requested) => {
                Ok(Some(PaymentEvent::Withdrawn { order }))
            }
            // Asked for once more: nothing is left to do.
            (PaymentCommand::Request { .. } | PaymentCommand::Refund | PaymentCommand::Withdraw, _) => {
                Ok(None)
            }
        }
    }

    fn evolve(&mut self, event: &PaymentEvent) {
        self.stage = match event {
            PaymentEvent::Requested { amount, .. } => {
                self.amount = *amount;
                Stage::Requested
            }
            PaymentEvent::Received { .. } => Stage::Paid,
            PaymentEvent::Refunded { .. } => Stage::Refunded,
            PaymentEvent::Withdrawn { .. } => Stage::Withdrawn,
        };
    }
}

/// Waits until an order's payment was asked for.
pub async fn asked_for(app: &App, order: &str) -> newton::Result<()> {
    let mut payment = app.subscribe_updates::<Payment>(order)?;
    let requested = payment.try_next().await?;
    debug_assert!(requested.is_some(), "a payment is never deleted");
    Ok(())
}
