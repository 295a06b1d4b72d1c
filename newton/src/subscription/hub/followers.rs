//! Who follows, and who of them waits for which events.
//!
//! A follower stands in the index only while it is armed: it has seen everything that was published, and waits. One
//! that is busy costs nothing when events are published.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::task::Waker;

use lru::DefaultHasher;

use crate::domain::{Name, OrderId, RecordedEvent, StreamName, Tag};
use crate::error::Error;
use crate::store::Selection;
use crate::subscription::Subscribe;

/// Names a follower.
pub(super) type Id = u64;

/// What an armed follower waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::subscription) enum Interest {
    /// An event that matches.
    Matches,
    /// Whatever is published: it wants to know how far the log has come.
    Progress,
}

/// All followers of a hub.
#[derive(Debug, Default)]
pub(super) struct Followers {
    by_id: HashMap<Id, Follower, DefaultHasher>,
    last_id: Id,
    armed: Armed,
}

/// Who waits for what.
type Armed = HashMap<Key, BTreeSet<Id>, DefaultHasher>;

#[derive(Debug)]
struct Follower {
    subscribe: Arc<Subscribe>,
    /// Each event that matches has one of these among its own.
    keys: Box<[Key]>,
    slot: Slot,
}

#[derive(Debug, Default)]
enum Slot {
    /// It has something to do.
    #[default]
    Busy,
    /// Nothing up to `since` is left for it.
    Armed { waker: Waker, since: OrderId, interest: Interest },
    /// It was armed and is not any more.
    Woken(Wake),
}

/// Why a follower was woken.
#[derive(Debug)]
struct Wake {
    /// Nothing up to here was published that matches.
    after: OrderId,
    /// What keeps the hub from reading on; told once.
    failure: Option<Error>,
}

/// What a follower finds when it is polled.
pub(super) enum Arrival {
    /// Nothing has come.
    Waiting,
    /// The hub could not read on.
    Failed(Error),
    /// It can go on, at once behind this place.
    Busy(OrderId),
}

/// What leads from an event to the followers that it may concern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Any,
    Stream(StreamName),
    Domain(Box<str>),
    Type(Name),
    Tag(Tag),
    Progress,
}

impl Followers {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many are armed.
    pub(super) fn waiting(&self) -> usize {
        self.by_id.values().filter(|follower| matches!(follower.slot, Slot::Armed { .. })).count()
    }

    pub(super) fn add(&mut self, subscribe: Arc<Subscribe>) -> Id {
        self.last_id += 1;
        let keys = keys_of(&subscribe).into();
        self.by_id.insert(self.last_id, Follower { subscribe, keys, slot: Slot::Busy });
        self.last_id
    }

    pub(super) fn remove(&mut self, id: Id) {
        self.disarm(id);
        self.by_id.remove(&id);
    }

    /// A follower was polled. It is busy from now on, unless it waits already and nothing has come.
    pub(super) fn arrive(&mut self, id: Id, waker: &Waker, interest: Interest) -> Arrival {
        let Some(follower) = self.by_id.get_mut(&id) else { return Arrival::Busy(OrderId::START) };
        match &mut follower.slot {
            Slot::Busy => Arrival::Busy(OrderId::START),
            Slot::Woken(wake) => match wake.failure.take() {
                Some(failure) => Arrival::Failed(failure),
                None => {
                    let after = wake.after;
                    follower.slot = Slot::Busy;
                    Arrival::Busy(after)
                }
            },
            Slot::Armed { waker: armed, interest: same, .. } if *same == interest => {
                armed.clone_from(waker);
                Arrival::Waiting
            }
            Slot::Armed { .. } => {
                self.disarm(id);
                Arrival::Busy(OrderId::START)
            }
        }
    }

    fn disarm(&mut self, id: Id) {
        let Some(follower) = self.by_id.get_mut(&id) else { return };
        let Slot::Armed { interest, .. } = follower.slot else { return };
        follower.slot = Slot::Busy;
        for key in follower.keys_for(interest) {
            forget(&mut self.armed, key, id);
        }
    }

    /// Lets a busy follower that has seen everything up to `since` wait.
    pub(super) fn arm(&mut self, id: Id, waker: &Waker, since: OrderId, interest: Interest) {
        let Some(follower) = self.by_id.get_mut(&id) else { return };
        follower.slot = Slot::Armed { waker: waker.clone(), since, interest };
        for key in follower.keys_for(interest) {
            self.armed.entry(key.clone()).or_default().insert(id);
        }
    }

    /// Disarms whom these events concern, and gives their wakers.
    pub(super) fn wake(&mut self, events: &[Arc<RecordedEvent>], through: OrderId) -> Vec<Waker> {
        let mut wakers = Vec::new();
        if self.armed.is_empty() {
            return wakers;
        }
        for event in events {
            for key in keys_of_event(event) {
                let concerned = |follower: &Follower, since| {
                    (since < event.order_id && follower.subscribe.admits(event))
                        .then(|| Wake { after: event.order_id.previous(), failure: None })
                };
                self.wake_under(&key, concerned, &mut wakers);
            }
        }
        let progress =
            |_: &Follower, since| (since < through).then_some(Wake { after: since, failure: None });
        self.wake_under(&Key::Progress, progress, &mut wakers);
        wakers
    }

    /// Disarms everybody: nothing more is published, and up to `position` everything was.
    pub(super) fn wake_all(&mut self, position: OrderId, failure: Option<&Error>) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let everybody = |_: &Follower, since: OrderId| {
            Some(Wake { after: since.max(position), failure: failure.map(Error::duplicate) })
        };
        while let Some(key) = self.armed.keys().next().cloned() {
            self.wake_under(&key, everybody, &mut wakers);
        }
        wakers
    }

    /// Wakes those armed under a key for whom there is a reason.
    fn wake_under(
        &mut self,
        key: &Key,
        reason: impl Fn(&Follower, OrderId) -> Option<Wake>,
        wakers: &mut Vec<Waker>,
    ) {
        let Some(mut ids) = self.armed.remove(key) else { return };
        ids.retain(|id| {
            let Some(follower) = self.by_id.get_mut(id) else { return false };
            let Slot::Armed { since, interest, .. } = follower.slot else { return false };
            let Some(wake) = reason(follower, since) else { return true };
            if let Slot::Armed { waker, .. } = std::mem::replace(&mut follower.slot, Slot::Woken(wake)) {
                wakers.push(waker);
            }
            for other in follower.keys_for(interest).iter().filter(|other| *other != key) {
                forget(&mut self.armed, other, *id);
            }
            false
        });
        if !ids.is_empty() {
            self.armed.insert(key.clone(), ids);
        }
    }
}

fn forget(armed: &mut Armed, key: &Key, id: Id) {
    if let Some(ids) = armed.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            armed.remove(key);
        }
    }
}

impl Follower {
    /// Where it stands in the index while it is armed.
    fn keys_for(&self, interest: Interest) -> &[Key] {
        match interest {
            Interest::Matches => &self.keys,
            Interest::Progress => &[Key::Progress],
        }
    }
}

/// One key of every event that the subscription admits is among these.
fn keys_of(subscribe: &Subscribe) -> Vec<Key> {
    match &subscribe.selection {
        Selection::Stream(stream) => vec![Key::Stream(stream.clone())],
        Selection::Domain(_) | Selection::All | Selection::Ids(_) | Selection::Correlation(_)
            if !subscribe.query.is_all() =>
        {
            let mut keys: Vec<Key> = Vec::new();
            for filter in &subscribe.query.any {
                match filter.tags.first() {
                    Some(tag) => keys.push(Key::Tag(tag.clone())),
                    None => keys.extend(filter.types.iter().cloned().map(Key::Type)),
                }
            }
            keys
        }
        Selection::Domain(domain) => vec![Key::Domain(domain.as_str().into())],
        Selection::All | Selection::Ids(_) | Selection::Correlation(_) => vec![Key::Any],
    }
}

fn keys_of_event(event: &RecordedEvent) -> impl Iterator<Item = Key> {
    let domain = event.stream.domain().map(|domain| Key::Domain(domain.into()));
    let tags = event.tags.iter().cloned().map(Key::Tag);
    [Key::Stream(event.stream.clone()), Key::Type(event.event_type.clone()), Key::Any]
        .into_iter()
        .chain(domain)
        .chain(tags)
}
