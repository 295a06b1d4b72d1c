//! How often and how soon a conflicting command is decided again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use crate::error::{ErrorKind, Result};

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
    /// Calls again what ends in a conflict, as often as the policy has it.
    pub(crate) async fn on_conflict<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut failed = 0;
        loop {
            match attempt().await {
                Err(error)
                    if matches!(error.kind(), ErrorKind::Conflict { .. }) && failed + 1 < self.attempts =>
                {
                    failed += 1;
                    tokio::time::sleep(self.delay(failed)).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// A random wait before the attempt behind `failed` failed ones.
    pub(crate) fn delay(&self, failed: u32) -> Duration {
        let ceiling =
            self.base.saturating_mul(1_u32.checked_shl(failed.min(16)).unwrap_or(u32::MAX)).min(self.longest);
        // Every `RandomState` has fresh keys: enough randomness for a jitter, without a dependency.
        let random = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(u32::MAX);
        ceiling.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}
