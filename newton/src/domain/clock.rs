//! The one source of time.

use std::fmt::Debug;

use chrono::{DateTime, SubsecRound, Utc};

/// A point in time, to the microsecond.
pub type Timestamp = DateTime<Utc>;

/// Tells the time. Everything in Newton that needs it asks the one clock it was given, so that tests can move time.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present, to the microsecond.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Utc::now().trunc_subsecs(6)
    }
}
