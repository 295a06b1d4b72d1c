//! How much goes through a stage.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::sync::lock;

/// How much went through a stage, and how fast.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Items that were taken in.
    pub submitted: u64,
    /// Items that were worked on with success.
    pub completed: u64,
    /// Items on which the work failed.
    pub failed: u64,
    /// Items worked on per second, with success or not, over the last full second or more.
    pub per_second: f64,
}

#[derive(Debug)]
pub(super) struct Meter {
    submitted: AtomicU64,
    completed: AtomicU64,
    failed: AtomicU64,
    window: Mutex<Window>,
}

/// The time over which the rate is taken.
#[derive(Debug)]
struct Window {
    start: Instant,
    done_at_start: u64,
    per_second: f64,
}

const SHORTEST: Duration = Duration::from_secs(1);

impl Meter {
    pub(super) fn new() -> Self {
        let window = Window { start: Instant::now(), done_at_start: 0, per_second: 0.0 };
        let zero = || AtomicU64::new(0);
        Self { submitted: zero(), completed: zero(), failed: zero(), window: Mutex::new(window) }
    }

    pub(super) fn submitted(&self) {
        self.submitted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn done(&self, is_success: bool) {
        let counter = if is_success { &self.completed } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The rate is that since the last reading which is at least a second ago.
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    pub(super) fn read(&self) -> Rates {
        let [submitted, completed, failed] =
            [&self.submitted, &self.completed, &self.failed].map(|counter| counter.load(Ordering::Relaxed));
        let done = completed + failed;
        let mut window = lock(&self.window);
        let passed = window.start.elapsed();
        if passed >= SHORTEST {
            let per_second = (done - window.done_at_start) as f64 / passed.as_secs_f64();
            *window = Window { start: Instant::now(), done_at_start: done, per_second };
        }
        Rates { submitted, completed, failed, per_second: window.per_second }
    }
}
