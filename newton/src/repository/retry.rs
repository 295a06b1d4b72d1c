//! How often and how soon a conflicting command is decided again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Bounded retries with full jitter: before attempt `n` a command waits a random time up to `base * 2^n`, at most
/// `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The most attempts, at least 1.
    pub attempts: u32,
    /// The longest wait before the second attempt.
    pub base: Duration,
    /// The longest wait before any attempt.
    pub longest: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 10, base: Duration::from_millis(1), longest: Duration::from_millis(50) }
    }
}

impl RetryPolicy {
    /// A random wait before the attempt behind `failed` failed ones.
    pub(crate) fn delay(&self, failed: u32) -> Duration {
        let ceiling =
            self.base.saturating_mul(1_u32.checked_shl(failed.min(16)).unwrap_or(u32::MAX)).min(self.longest);
        // Every `RandomState` has fresh keys: enough randomness for a jitter, without a dependency.
        let random = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(u32::MAX);
        ceiling.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}
