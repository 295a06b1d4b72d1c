//! The task that a reaction runs in: whatever it dies of, it is reported and run again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::domain::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::repository::{RetryPolicy, panic_text};
use crate::subscription::{Phase, Reaction, Stop, Stopper};

/// How long a reaction that failed waits before it runs again.
const BACKOFF: RetryPolicy =
    RetryPolicy { attempts: u32::MAX, base: Duration::from_millis(100), longest: Duration::from_secs(10) };

/// After so long a run was a good one: the next failure is a first one again.
const GOOD_RUN: Duration = Duration::from_mins(1);

/// What a reaction's task waits by and is ended by, and what tells of its end.
pub(super) struct Supervision {
    pub(super) clock: Arc<dyn Clock>,
    /// Ends it when it has finished what is under way.
    pub(super) stop: Stop,
    /// Ends it at its next await.
    pub(super) cut: Stop,
    /// Dropped at the end.
    pub(super) ended: Stopper,
}

/// Runs a reaction until it is asked to stop.
pub(super) async fn supervise(reaction: Arc<dyn Reaction>, supervision: Supervision) {
    let Supervision { clock, stop, mut cut, ended } = supervision;
    tokio::select! {
        biased;
        () = run(&*reaction, &*clock, stop) => {}
        () = cut.requested() => {}
    }
    reaction.monitor().enter(Phase::Stopped);
    // The reaction may hold the last handle of a store, which is to be free for whoever waits for the end.
    drop(reaction);
    drop(ended);
}

async fn run(reaction: &dyn Reaction, clock: &dyn Clock, mut stop: Stop) {
    let (monitor, mut failures) = (reaction.monitor(), 0);
    while !stop.is_requested() {
        let (start, position) = (Instant::now(), monitor.position());
        let outcome = caught(reaction, stop.clone()).await;
        if stop.is_requested() && outcome.is_ok() {
            return;
        }
        if monitor.position() > position || start.elapsed() > GOOD_RUN {
            failures = 0;
        }
        let (pause, resumed) = (BACKOFF.delay(failures), monitor.resumed());
        if let Err(error) = outcome {
            tracing::error!(reaction = %monitor.name(), %error, ?pause, "a reaction failed; it runs again");
            monitor.failed(error.to_string());
            monitor.enter(Phase::Paused);
            failures += 1;
        }
        tokio::select! {
            () = stop.requested() => {}
            () = resumed => {}
            () = clock.wait_for(pause) => {}
        }
    }
}

/// Runs a reaction once; a panic is a failure like any other.
async fn caught(reaction: &dyn Reaction, stop: Stop) -> Result<()> {
    // Whatever the panic left behind, the next run begins from what is stored.
    AssertUnwindSafe(reaction.run(stop)).catch_unwind().await.unwrap_or_else(|panic| {
        let message = format!("it panicked: {}", panic_text(&*panic));
        Err(Error::new(ErrorKind::Internal, "run reaction", message))
    })
}
