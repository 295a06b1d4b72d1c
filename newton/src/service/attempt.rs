//! One call of a handler: whatever it does, there is an outcome.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::{Either, select};

use crate::domain::{HandlerError, Name};
use crate::error::{Error, ErrorKind};
use crate::repository::panic_text;
use crate::service::lanes::Job;
use crate::service::service::Handling;
use crate::service::{Delivery, EventHandler};
use crate::subscription::{Called, Segment};

/// What came of an attempt.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The event is handled.
    Handled,
    /// The handler failed; another attempt may help.
    Failed(String),
    /// The event cannot be decoded, and no attempt will help.
    Undecodable(String),
    /// Something below could not be reached: the event is not to blame.
    Outage(String),
}

/// The attempt at an event of a key.
#[derive(Debug)]
pub(super) struct Attempted {
    pub(super) key: Name,
    pub(super) job: Job,
    pub(super) outcome: Outcome,
}

/// Calls the handler once. One that is over its time is dropped where it waits; where it does not wait, it is seen to be
/// stuck.
pub(super) async fn attempt<H: EventHandler>(
    handling: &Handling<H>,
    job: &Job,
    segment: Option<Segment>,
) -> Outcome {
    let _busy = handling.progress.monitor().busy();
    let delivery = Delivery::new(H::NAME, job.event.clone(), job.attempts);
    let timeout = handling.policy.timeout;
    // A panic in the call itself, before there is a future, is one too.
    let handled = AssertUnwindSafe(async { handling.handler.handle(&job.event, &delivery).await });
    let called = Called { event: job.event.order_id, segment, limit: timeout };
    let calls = handling.progress.monitor().calls();
    let handled = std::pin::pin!(calls.watch(called, handled.catch_unwind()));
    let handled = match select(handled, handling.runtime.clock.wait_for(timeout)).await {
        Either::Left((handled, _)) => handled,
        Either::Right(((), _)) => {
            return Outcome::Failed(format!("it took longer than {timeout:?} and was cancelled"));
        }
    };
    match handled {
        Ok(Ok(_)) => Outcome::Handled,
        Ok(Err(error)) => failed(&error),
        Err(panic) => Outcome::Failed(format!("it panicked: {}", panic_text(&*panic))),
    }
}

fn failed(error: &HandlerError) -> Outcome {
    if error.is_infrastructure() {
        return Outcome::Outage(error.chain());
    }
    match error.downcast_ref::<Error>().map(Error::kind) {
        Some(ErrorKind::Decode | ErrorKind::UnknownType | ErrorKind::Incompatible) => {
            Outcome::Undecodable(error.chain())
        }
        _ => Outcome::Failed(error.chain()),
    }
}
