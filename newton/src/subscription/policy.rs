//! What is done about handlers that fail.

use std::any::TypeId;
use std::collections::HashMap;
use std::time::Duration;

use crate::repository::RetryPolicy;

/// How often a failing handler is tried, how long it may take, and when its failures are no longer believed to be the
/// events' fault.
///
/// ```
/// use std::time::Duration;
/// use newton::subscription::HandlerPolicy;
///
/// let patient = HandlerPolicy { timeout: Duration::from_secs(300), ..HandlerPolicy::default() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandlerPolicy {
    /// How often an event is tried before its key is parked, and how long the waits between are.
    pub retry: RetryPolicy,
    /// How long one attempt may take before it is cancelled, which is a failure.
    pub timeout: Duration,
    /// How many events of different keys are handled side by side, at least 1.
    pub concurrency: usize,
    /// So many keys parked in a row, without one success between them, are a sign that something else is wrong: the next
    /// failure pauses the reaction instead. At least 1.
    pub flood: u32,
}

/// The policies of an app's handlers.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandlerPolicies {
    /// Of those that have none of their own.
    pub(crate) default: HandlerPolicy,
    pub(crate) own: HashMap<TypeId, HandlerPolicy>,
}

impl HandlerPolicies {
    /// The policy of a handler.
    pub(crate) fn of<H: 'static>(&self) -> HandlerPolicy {
        self.own.get(&TypeId::of::<H>()).copied().unwrap_or(self.default)
    }
}

impl Default for HandlerPolicy {
    fn default() -> Self {
        Self {
            retry: RetryPolicy {
                attempts: 5,
                base: Duration::from_millis(100),
                longest: Duration::from_secs(10),
            },
            timeout: Duration::from_secs(30),
            concurrency: 64,
            flood: 10,
        }
    }
}

impl HandlerPolicy {
    /// How long a reaction pauses behind an outage: longer and longer, for as long as it takes.
    pub(crate) const PAUSE: RetryPolicy = RetryPolicy {
        attempts: u32::MAX,
        base: Duration::from_millis(250),
        longest: Duration::from_secs(30),
    };
}
