//! The pause behind an outage: one event is tried again, later and later, until something succeeds.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, select};

use crate::domain::{Clock, Name};
use crate::subscription::{HandlerPolicy, Monitor};

/// Nothing is tried but one event, whose attempt tells whether the outage is over.
pub(super) struct Pause {
    probe: Name,
    /// The keys whose attempts failed meanwhile, to be tried again behind the pause.
    others: Vec<Name>,
    failures: u32,
    /// `None` while the probe is under way.
    wait: Option<BoxFuture<'static, ()>>,
}

impl Pause {
    /// A pause because of the event of a key.
    pub(super) fn because_of(probe: Name, clock: &dyn Clock, monitor: &Monitor) -> Self {
        Self { probe, others: Vec::new(), failures: 1, wait: Some(wait(1, clock, monitor)) }
    }

    /// The event of a key failed in the same way.
    pub(super) fn failed(&mut self, key: Name, clock: &dyn Clock, monitor: &Monitor) {
        if key != self.probe {
            self.others.push(key);
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.wait = Some(wait(self.failures, clock, monitor));
    }

    /// Waits until the probe is to be tried, and gives its key. Cancel-safe.
    pub(super) async fn over(&mut self) -> Name {
        match &mut self.wait {
            Some(wait) => wait.await,
            None => std::future::pending().await,
        }
        self.wait = None;
        self.probe.clone()
    }

    /// The keys to be tried again, once something succeeded elsewhere or with the probe.
    pub(super) fn end(self) -> Vec<Name> {
        let probe = self.wait.is_some().then_some(self.probe);
        self.others.into_iter().chain(probe).collect()
    }
}

/// Until the next attempt is due, or asked for.
fn wait(failures: u32, clock: &dyn Clock, monitor: &Monitor) -> BoxFuture<'static, ()> {
    let due = clock.wait_for(HandlerPolicy::PAUSE.delay(failures));
    select(due, monitor.resumed().boxed()).map(drop).boxed()
}
