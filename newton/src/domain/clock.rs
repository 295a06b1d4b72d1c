//! The one source of time.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// A point in time, to the microsecond.
pub type Timestamp = DateTime<Utc>;

/// A wait for a point in time.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells the time. Everything in Newton that needs it asks the one clock it was given, so that tests can move time.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present, to the microsecond.
    fn now(&self) -> Timestamp;

    /// Waits until the present is at or after `time`.
    fn wait_until(&self, time: Timestamp) -> Wait;
}

impl dyn Clock {
    /// The time behind a duration from now, to the microsecond, at most the end of representable time.
    pub(crate) fn later(&self, duration: Duration) -> Timestamp {
        behind(self.now(), duration)
    }

    /// Waits for a duration.
    pub(crate) fn wait_for(&self, duration: Duration) -> Wait {
        self.wait_until(self.later(duration))
    }
}

/// The time behind a duration from another time, to the microsecond, at most the end of representable time.
pub(crate) fn behind(time: Timestamp, duration: Duration) -> Timestamp {
    let delta = TimeDelta::from_std(duration).ok();
    let later = delta.and_then(|delta| time.checked_add_signed(delta));
    later.unwrap_or(Timestamp::MAX_UTC).trunc_subsecs(6)
}

const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Utc::now().trunc_subsecs(6)
    }

    fn wait_until(&self, time: Timestamp) -> Wait {
        Box::pin(async move {
            // The machine's time may be set while this waits: it looks again at least this often.
            while let Ok(left) = (time - Utc::now()).to_std().map(|left| left.min(LOOK_AGAIN)) {
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left).await;
            }
        })
    }
}
