//! Whether anything is under way in an app, for tests that move time only when nothing is.

use crate::app::App;
use crate::domain::OrderId;
use crate::subscription::{Monitor, Phase, Status};

/// What keeps an app from being at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unrest {
    /// Nothing: all has been done that can be done now.
    None,
    /// What is left waits to be tried again after a failure: [`App::resume_all`] does it.
    Wait,
    /// Something is under way.
    Work,
}

impl App {
    /// What keeps this app from being at rest, with the head of the log. It says nothing of tasks that are about to run
    /// and of operations of the stores: see to them first.
    pub(crate) fn unrest(&self, head: OrderId) -> Unrest {
        if self.core.gate.count() > 0 {
            return Unrest::Work;
        }
        let mut unrest = Unrest::None;
        for reaction in self.core.reactions.all() {
            match unrest_of(reaction.monitor(), head) {
                Unrest::Work => return Unrest::Work,
                Unrest::Wait => unrest = Unrest::Wait,
                Unrest::None => {}
            }
        }
        unrest
    }

    /// How its reactions are doing.
    pub(crate) fn statuses(&self, head: OrderId) -> Vec<Status> {
        self.core.statuses(Some(head))
    }

    /// Has everything try again now that waits after a failure.
    pub(crate) fn resume_all(&self) {
        self.core.reactions.resume_all();
    }
}

fn unrest_of(monitor: &Monitor, head: OrderId) -> Unrest {
    let phase = monitor.phase();
    if monitor.is_busy() {
        Unrest::Work
    } else if monitor.is_waiting() || phase == Phase::Paused {
        Unrest::Wait
    } else if monitor.position() < head || matches!(phase, Phase::Starting | Phase::StandingBy) {
        Unrest::Work
    } else {
        Unrest::None
    }
}
