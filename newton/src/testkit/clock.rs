//! A clock that stands still until a test moves it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{SubsecRound, TimeDelta};
use tokio::sync::watch;

use crate::domain::clock::Wait;
use crate::domain::{Clock, Timestamp};
use crate::sync::lock;

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
pub struct VirtualClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    time: watch::Sender<Timestamp>,
    /// What is waited for; the number tells waits for one time apart.
    waits: Mutex<BTreeSet<(Timestamp, u64)>>,
    numbers: AtomicU64,
}

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
        let time = watch::Sender::new(time.trunc_subsecs(6));
        Self(Arc::new(Inner { time, waits: Mutex::default(), numbers: AtomicU64::default() }))
    }

    /// Moves the time forward, at most to the end of representable time.
    pub fn advance(&self, duration: Duration) {
        let delta = TimeDelta::from_std(duration).ok();
        self.0.time.send_modify(|time| {
            let later = delta.and_then(|delta| time.checked_add_signed(delta));
            *time = later.unwrap_or(Timestamp::MAX_UTC).trunc_subsecs(6);
        });
    }

    /// Sets the time, which may be an earlier one.
    pub fn set(&self, time: Timestamp) {
        self.0.time.send_replace(time.trunc_subsecs(6));
    }
}

impl VirtualClock {
    /// The earliest time that anybody waits for, if anybody waits.
    pub fn next_wait(&self) -> Option<Timestamp> {
        self.0.waits().first().map(|(time, _)| *time)
    }
}

impl Inner {
    /// A set is whole whenever its lock is free.
    fn waits(&self) -> MutexGuard<'_, BTreeSet<(Timestamp, u64)>> {
        lock(&self.waits)
    }
}

/// A wait, counted as one until it ends or is given up.
struct Waiting {
    clock: Arc<Inner>,
    wait: (Timestamp, u64),
}

impl Waiting {
    fn new(clock: Arc<Inner>, time: Timestamp) -> Self {
        // Up to the next microsecond, for no time of this clock lies between two.
        let cut = time.trunc_subsecs(6);
        let time = if cut < time { cut + TimeDelta::microseconds(1) } else { cut };
        let wait = (time, clock.numbers.fetch_add(1, Relaxed));
        clock.waits().insert(wait);
        Self { clock, wait }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.clock.waits().remove(&self.wait);
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.0.time.borrow()
    }

    fn wait_until(&self, time: Timestamp) -> Wait {
        let (mut present, waiting) = (self.0.time.subscribe(), Waiting::new(self.0.clone(), time));
        Box::pin(async move {
            // The wait holds the sender, so it cannot be gone.
            let _ = present.wait_for(|now| *now >= time).await;
            drop(waiting);
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

    #[tokio::test]
    async fn wakes_whoever_waits_and_knows_the_next() {
        let clock = VirtualClock::new();
        let at = |hours| VirtualClock::START + TimeDelta::hours(hours);
        let (first, second) = (clock.wait_until(at(1)), clock.wait_until(at(2)));
        assert_eq!(clock.next_wait(), Some(at(1)));
        drop(first);
        assert_eq!(clock.next_wait(), Some(at(2)));
        let woken = tokio::spawn(second);
        clock.advance(Duration::from_hours(2));
        woken.await.unwrap();
        assert_eq!(clock.next_wait(), None);
        let uneven = clock.wait_until(at(3) + TimeDelta::nanoseconds(1));
        clock.set(clock.next_wait().unwrap());
        uneven.await;
        clock.wait_until(at(-1)).await;
    }

    #[test]
    fn stops_at_the_end_of_time() {
        let clock = VirtualClock::new();
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX_UTC.trunc_subsecs(6));
    }
}
