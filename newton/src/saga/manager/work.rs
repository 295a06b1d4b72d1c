//! Taking triggers to one instance, in order.

use std::collections::VecDeque;
use std::sync::Arc;

use super::session::{Cell, Session, Slot, Written};
use crate::domain::{OrderId, RecordedEvent, Tag};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::saga::Saga;
use crate::saga::names::Names;
use crate::saga::record::{Interest, Record};
use crate::saga::step::{Fault, Input, Place, Step, step};

/// Where events are found that an instance begins to listen to while it is worked on.
#[derive(Clone, Copy)]
pub(super) struct Behind<'a> {
    /// The events that are being routed.
    pub(super) page: &'a [Arc<RecordedEvent>],
    /// The events up to here were taken to the instance, are in the page, or do not concern it.
    pub(super) passed: OrderId,
    /// Whoever listens since a record up to here was given the events up to `passed`.
    pub(super) records: OrderId,
    /// Whether the triggers are given up.
    pub(super) dropped: bool,
}

impl Behind<'_> {
    /// What a parked trigger is taken in behind. Later events of the instance may be parked too: it must not seem to have
    /// passed them.
    pub(super) fn parked(dropped: bool) -> Self {
        Self { page: &[], passed: OrderId::START, records: OrderId::START, dropped }
    }
}

/// What came of the triggers of one instance.
#[derive(Default)]
pub(super) struct Worked {
    /// The tags it listens to from now on.
    pub(super) listens: Vec<(Interest, OrderId)>,
    /// The events it took in, or had taken in.
    pub(super) taken: Vec<OrderId>,
    /// The events it did not take in, and why; `None` where it has ended.
    pub(super) refused: Vec<(Arc<RecordedEvent>, Option<&'static str>)>,
    /// Whether a handler did its work.
    pub(super) has_moved: bool,
    /// Why the first of `rest` could not be taken in.
    pub(super) fault: Option<String>,
    /// The triggers that were not taken in.
    pub(super) rest: VecDeque<Input>,
}

/// Whether a trigger was taken to its instance.
enum Taken {
    Done,
    /// Not yet: events that were routed before the instance was known to listen to them come first.
    After,
}

/// So often a trigger is decided again because the stream moved on.
const RACES: u32 = 100;

impl<S: Saga> Session<S> {
    /// Takes triggers to an instance up to the first that fails, and has its commands sent.
    pub(super) async fn work(
        self: &Arc<Self>,
        cell: &Arc<Cell>,
        mut inputs: VecDeque<Input>,
        behind: Behind<'_>,
    ) -> Result<Worked> {
        let mut slot = cell.slot.lock().await;
        let mut worked = Worked::default();
        while let Some(input) = inputs.pop_front() {
            let known = worked.listens.len();
            match self.take(cell, &mut slot, &input, behind, &mut worked).await {
                Ok(Taken::Done) => {}
                Ok(Taken::After) => {
                    inputs.push_front(input);
                    for (interest, since) in &worked.listens[known..] {
                        let missed = self.tagged(interest, *since, behind.passed).await?;
                        merge(&mut inputs, &missed, interest, *since);
                    }
                }
                Err(Fault::Infrastructure(error)) => return Err(error),
                Err(Fault::Handler(cause)) => {
                    worked.fault = Some(cause);
                    inputs.push_front(input);
                    break;
                }
            }
            for (interest, since) in &worked.listens[known..] {
                merge(&mut inputs, behind.page, interest, *since);
            }
        }
        worked.rest = inputs;
        self.wake(cell, &mut slot);
        Ok(worked)
    }

    async fn take(
        &self,
        cell: &Cell,
        slot: &mut Slot,
        input: &Input,
        behind: Behind<'_>,
        worked: &mut Worked,
    ) -> Result<Taken, Fault> {
        for _ in 0..RACES {
            let (instance, last) = self.load(cell, slot).await.map_err(fault)?;
            if let Some(last) = last {
                // Another node may have written what this one does not know yet.
                worked.listens.extend(instance.interests.iter().map(|(tag, since)| (tag.clone(), *since)));
                if last > behind.records && !instance.interests.is_empty() {
                    return Ok(Taken::After);
                }
            }
            let key = own_key::<S>(cell, input);
            let (passed, now) = (behind.passed, self.runtime.clock.now());
            let place = Place { stream: &cell.stream, key, passed, now, dropped: behind.dropped };
            match (step::<S>(instance, input, place)?, input) {
                (Step::Advance(advance), _) => {
                    let listens = advance.record.listens.clone();
                    let since = OrderId(advance.record.trigger.order_id);
                    let ids = [advance.ids.at(0), advance.ids.at(1)];
                    let record = Record::Advanced(advance.record);
                    let written = self.append(cell, slot, record, ids, advance.metadata).await;
                    if let Written::Done = written.map_err(Fault::Infrastructure)? {
                        worked.listens.extend(listens.into_iter().map(|interest| (interest, since)));
                        worked.has_moved = true;
                        worked.took(input);
                        return Ok(Taken::Done);
                    }
                }
                (step, Input::Event(event)) => {
                    worked.has_moved |= matches!(step, Step::Unchanged);
                    match step {
                        Step::Unmatched(reason) => worked.refused.push((event.clone(), Some(reason))),
                        Step::Late => worked.refused.push((event.clone(), None)),
                        _ => {
                            Self::pass(slot, event.order_id);
                            worked.took(input);
                        }
                    }
                    return Ok(Taken::Done);
                }
                _ => return Ok(Taken::Done),
            }
        }
        let message =
            "others change the saga's stream all the time; look for a second program that writes to it";
        Err(Fault::Infrastructure(
            Error::new(ErrorKind::Unavailable, "advance saga", message).with("stream", &cell.stream),
        ))
    }
}

impl Worked {
    fn took(&mut self, input: &Input) {
        if let Input::Event(event) = input {
            self.taken.push(event.order_id);
        }
    }
}

/// The value of the saga's key tag, where it names this instance.
fn own_key<'a, S: Saga>(cell: &Cell, input: &'a Input) -> Option<&'a str> {
    let Input::Event(event) = input else { return None };
    key_of::<S>(event).filter(|key| Names::id(key) == cell.id)
}

/// The value of the saga's key tag.
pub(super) fn key_of<S: Saga>(event: &RecordedEvent) -> Option<&str> {
    event.tags.iter().find(|tag| tag.key == S::KEY).map(|tag| &*tag.value)
}

/// Adds the events of a page that an instance has begun to listen to, each in its place.
fn merge(inputs: &mut VecDeque<Input>, page: &[Arc<RecordedEvent>], interest: &Interest, since: OrderId) {
    let tag = Tag::new(interest.key.as_str(), interest.value.as_str());
    let from = page.partition_point(|event| event.order_id <= since);
    for event in page[from..].iter().filter(|event| event.tags.contains(&tag)) {
        // Deadlines and failures come behind all events.
        let place = inputs.iter().position(|input| match input {
            Input::Event(other) => other.order_id >= event.order_id,
            _ => true,
        });
        let place = place.unwrap_or(inputs.len());
        let is_there =
            matches!(inputs.get(place), Some(Input::Event(other)) if other.order_id == event.order_id);
        if !is_there {
            inputs.insert(place, Input::Event(event.clone()));
        }
    }
}

/// A stream that cannot be read concerns its own instance; a store that cannot be reached concerns all.
fn fault(error: Error) -> Fault {
    match error.kind() {
        ErrorKind::Decode | ErrorKind::Incompatible => error.into(),
        _ => Fault::Infrastructure(error),
    }
}

/// Whether only this instance is concerned.
pub(super) fn is_unreadable(error: &Error) -> bool {
    error.retry() == Retry::Never && matches!(error.kind(), ErrorKind::Decode | ErrorKind::Incompatible)
}
