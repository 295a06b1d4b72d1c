//! Where a subscription is, and what it has to do next: a value, without a store or a runtime.
//!
//! ```text
//! CatchingUp -> Following -> CatchingUp -> .. -> Ended
//! ```
//!
//! - **`CatchingUp`** reads pages from the store. A live subscription goes on to `Following` with the page that reaches
//!   the end of what it selects, a cold one to `Ended`.
//! - **`Following`** takes what the hub has at hand. Once it is behind that, it is `CatchingUp` again.
//! - **`Ended`** is for good: a cold subscription that is through, or a store that was closed.

use crate::domain::OrderId;
use crate::store::{Page, Position};

/// Where a subscription is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Machine {
    state: State,
    /// Everything at or below was taken, or does not match.
    position: OrderId,
    /// Where a cold subscription ends.
    end: Option<OrderId>,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    /// The next page begins there; `None` is the first event.
    CatchingUp(Option<Position>),
    Following,
    Ended,
}

/// What a subscription has to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// Read a page that begins there.
    Read(Option<Position>),
    /// Take from the hub what is above this order id, or wait for it.
    Follow(OrderId),
    /// Nothing more.
    End,
}

impl Machine {
    /// What is stored up to `end`, which is the head.
    pub(super) fn cold(from: Option<Position>, end: OrderId) -> Self {
        let state = if end == OrderId::START { State::Ended } else { State::CatchingUp(from) };
        Self { state, position: OrderId::START, end: Some(end) }
    }

    /// What is stored, and then what is appended.
    pub(super) fn hot_cold(from: Option<Position>) -> Self {
        Self { state: State::CatchingUp(from), position: OrderId::START, end: None }
    }

    /// What is appended above `head`.
    pub(super) fn hot(head: OrderId) -> Self {
        Self { state: State::Following, position: head, end: None }
    }

    pub(super) fn position(&self) -> OrderId {
        self.position
    }

    pub(super) fn step(&self) -> Step {
        match self.state {
            State::CatchingUp(from) => Step::Read(from),
            State::Following => Step::Follow(self.position),
            State::Ended => Step::End,
        }
    }

    /// Whether an event at this place is still part of the subscription.
    pub(super) fn includes(&self, place: OrderId) -> bool {
        self.end.is_none_or(|end| place <= end)
    }

    /// A page was read that reaches so far.
    pub(super) fn read(&mut self, reach: Reach) {
        self.position = self.position.max(reach.through);
        let through = self.end.is_some_and(|end| self.position >= end);
        self.state = match (reach.next, self.end) {
            (_, Some(_)) if through => State::Ended,
            (Some(next), _) => State::CatchingUp(Some(next)),
            (None, Some(_)) => State::Ended,
            (None, None) => State::Following,
        };
        if let Some(end) = self.end {
            self.position = self.position.min(end);
        }
    }

    /// Everything up to `through` was taken from the hub, or does not match.
    pub(super) fn followed(&mut self, through: OrderId) {
        self.position = self.position.max(through);
    }

    /// The hub does not hold what comes next any more.
    pub(super) fn fell_behind(&mut self) {
        self.state = State::CatchingUp(Some(Position::OrderId(self.position.next())));
    }

    /// The store is gone.
    pub(super) fn end(&mut self) {
        self.state = State::Ended;
    }
}

/// How far a page reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reach {
    /// Everything selected at or below is in this page, or in one before.
    pub(super) through: OrderId,
    /// Where the next page begins; `None` where the selection ends for now.
    pub(super) next: Option<Position>,
}

impl Reach {
    /// Of a page whose read was begun when `seen` was the head.
    pub(super) fn of(page: &Page, seen: OrderId) -> Self {
        let last = page.events.last().map(|event| event.order_id).unwrap_or_default();
        let through = match page.next {
            Some(Position::OrderId(next)) => next.previous().max(last),
            Some(Position::Version(_) | Position::Time(_)) => last,
            None => last.max(seen),
        };
        Self { through, next: page.next }
    }
}

#[cfg(test)]
mod tests;
