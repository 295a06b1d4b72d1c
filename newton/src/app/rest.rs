//! Whether anything is under way in an app, for tests that move time only when nothing is.

use crate::app::App;
use crate::domain::OrderId;
use crate::subscription::{Phase, Reaction, ReactionKind};

/// What keeps an app from being at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unrest {
    /// Nothing: all has been done that can be done now.
    None,
    /// Something is under way.
    Work,
    /// What is left waits to be run again after a failure: [`App::resume_all`] does it.
    Pause,
    /// What is left waits for the clock: for the next attempt after a failure.
    Time,
}

impl App {
    /// What keeps this app from being at rest, with the head of the log.
    pub(crate) fn unrest(&self, head: OrderId) -> Unrest {
        let late = |reaction: &&std::sync::Arc<dyn Reaction>| {
            let monitor = reaction.monitor();
            monitor.is_busy()
                || monitor.is_waiting()
                || monitor.position() < head
                || monitor.phase() == Phase::Paused
        };
        let mut unrest = Unrest::None;
        for reaction in self.core.reactions.all().filter(late) {
            let monitor = reaction.monitor();
            // A domain service is behind while an event of it waits for its next attempt.
            let may_wait = monitor.is_waiting()
                || monitor.phase() == Phase::Paused
                || monitor.kind() == ReactionKind::EventHandler;
            if monitor.is_busy() || !may_wait {
                return Unrest::Work;
            }
            let is_paused = !monitor.is_waiting() && monitor.kind() != ReactionKind::EventHandler;
            if unrest != Unrest::Time {
                unrest = if is_paused { Unrest::Pause } else { Unrest::Time };
            }
        }
        unrest
    }

    /// Runs all reactions again now that wait after a failure.
    pub(crate) fn resume_all(&self) {
        self.core.reactions.resume_all();
    }
}
