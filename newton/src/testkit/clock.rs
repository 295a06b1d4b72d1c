//! A clock that stands still until a test moves it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound, TimeDelta};
use tokio::sync::watch;

use crate::domain::clock::Wait;
use crate::domain::{Clock, Timestamp};

/// A clock that stands still until a test moves it, forward or, on purpose, backward.
///
/// Clones share one time: give one to the app and keep one to move.
///
/// ```
/// use std::time::Duration;
/// use newton::Clock;
/// use newton::testkit::VirtualClock;
///
/// let clock = VirtualClock::new();
/// let shared = clock.clone();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(shared.now(), VirtualClock::START + Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct VirtualClock(Arc<watch::Sender<Timestamp>>);

impl VirtualClock {
    /// Where every virtual clock starts: the first second of 2026.
    pub const START: Timestamp = match Timestamp::from_timestamp(1_767_225_600, 0) {
        Some(start) => start,
        None => Timestamp::UNIX_EPOCH,
    };

    /// A clock at [`START`](Self::START).
    pub fn new() -> Self {
        Self::at(Self::START)
    }

    /// A clock at `time`, cut to the microsecond as every clock's time is.
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(watch::Sender::new(time.trunc_subsecs(6))))
    }

    /// Moves the time forward, at most to the end of representable time.
    pub fn advance(&self, duration: Duration) {
        let delta = TimeDelta::from_std(duration).ok();
        self.0.send_modify(|time| {
            let later = delta.and_then(|delta| time.checked_add_signed(delta));
            *time = later.unwrap_or(Timestamp::MAX_UTC).trunc_subsecs(6);
        });
    }

    /// Sets the time, which may be an earlier one.
    pub fn set(&self, time: Timestamp) {
        self.0.send_replace(time.trunc_subsecs(6));
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn wait_until(&self, time: Timestamp) -> Wait {
        let mut present = self.0.subscribe();
        Box::pin(async move {
            // The sender lives as long as any clone; once none is left nobody can move time any more.
            if present.wait_for(|now| *now >= time).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_the_first_second_of_2026() {
        assert_eq!(VirtualClock::START.to_string(), "2026-01-01 00:00:00 UTC");
    }

    #[test]
    fn stands_still_and_moves_both_ways() {
        let clock = VirtualClock::new();
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_nanos(1_500));
        assert_eq!(clock.now(), VirtualClock::START + TimeDelta::microseconds(1));
        clock.set(VirtualClock::START - TimeDelta::days(1));
        assert_eq!(clock.now(), VirtualClock::START - TimeDelta::days(1));
    }

    #[test]
    fn stops_at_the_end_of_time() {
        let clock = VirtualClock::new();
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX_UTC.trunc_subsecs(6));
    }
}
