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
    armed: HashMap<Key, BTreeSet<Id>, DefaultHasher>,
}

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
pub(super) struct Wake {
    /// Nothing below was published that matches.
    pub(super) first: OrderId,
    /// What keeps the hub from reading on.
    pub(super) failure: Option<Error>,
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

    /// What kept the hub from reading on while this follower waited; told once.
    pub(super) fn failure(&mut self, id: Id) -> Option<Error> {
        match &mut self.by_id.get_mut(&id)?.slot {
            Slot::Woken(wake) => wake.failure.take(),
            Slot::Busy | Slot::Armed { .. } => None,
        }
    }

    /// Lets a follower be busy; gives what it was woken for, if it was.
    pub(super) fn disarm(&mut self, id: Id) -> Option<Wake> {
        let follower = self.by_id.get_mut(&id)?;
        match std::mem::take(&mut follower.slot) {
            Slot::Busy => None,
            Slot::Woken(wake) => Some(wake),
            Slot::Armed { interest, .. } => {
                for key in follower.keys_for(interest) {
                    if let Some(ids) = self.armed.get_mut(key) {
                        ids.remove(&id);
                        if ids.is_empty() {
                            self.armed.remove(key);
                        }
                    }
                }
                None
            }
        }
    }

    /// Lets a follower that has seen everything up to `since` wait.
    pub(super) fn arm(&mut self, id: Id, waker: &Waker, since: OrderId, interest: Interest) {
        self.disarm(id);
        let Some(follower) = self.by_id.get_mut(&id) else { return };
        follower.slot = Slot::Armed { waker: waker.clone(), since, interest };
        for key in follower.keys_for(interest) {
            self.armed.entry(key.clone()).or_default().insert(id);
        }
    }

    /// Exchanges the waker of a follower that waits already for the same; false where it does not.
    pub(super) fn is_waiting(&mut self, id: Id, waker: &Waker, interest: Interest) -> bool {
        match self.by_id.get_mut(&id).map(|follower| &mut follower.slot) {
            Some(Slot::Armed { waker: armed, interest: same, .. }) if *same == interest => {
                armed.clone_from(waker);
                true
            }
            _ => false,
        }
    }

    /// Disarms whom these events concern, and gives their wakers.
    pub(super) fn wake(&mut self, events: &[Arc<RecordedEvent>], through: OrderId) -> Vec<Waker> {
        let mut wakers = Vec::new();
        if !self.armed.is_empty() {
            for event in events {
                self.wake_for(event, &mut wakers);
            }
        }
        let ids: Vec<Id> = self.armed.get(&Key::Progress).into_iter().flatten().copied().collect();
        for id in ids {
            if let Some(since) = self.armed_since(id).filter(|since| *since < through) {
                wakers.extend(self.signal(id, Wake { first: since.next(), failure: None }));
            }
        }
        wakers
    }

    /// Disarms everybody: nothing more is published, up to `position` everything was.
    pub(super) fn wake_all(&mut self, position: OrderId, failure: Option<&Error>) -> Vec<Waker> {
        let ids: BTreeSet<Id> = self.armed.values().flatten().copied().collect();
        ids.into_iter()
            .filter_map(|id| {
                let first = self.armed_since(id)?.max(position).next();
                self.signal(id, Wake { first, failure: failure.map(Error::duplicate) })
            })
            .collect()
    }

    fn wake_for(&mut self, event: &RecordedEvent, wakers: &mut Vec<Waker>) {
        for key in keys_of_event(event) {
            let Some(armed) = self.armed.get(&key) else { continue };
            let concerned: Vec<Id> = armed.iter().copied().filter(|id| self.waits_for(*id, event)).collect();
            for id in concerned {
                wakers.extend(self.signal(id, Wake { first: event.order_id, failure: None }));
            }
        }
    }

    fn waits_for(&self, id: Id, event: &RecordedEvent) -> bool {
        self.by_id.get(&id).is_some_and(|follower| match &follower.slot {
            Slot::Armed { since, .. } => *since < event.order_id && follower.subscribe.admits(event),
            Slot::Busy | Slot::Woken(_) => false,
        })
    }

    fn armed_since(&self, id: Id) -> Option<OrderId> {
        match self.by_id.get(&id)?.slot {
            Slot::Armed { since, .. } => Some(since),
            Slot::Busy | Slot::Woken(_) => None,
        }
    }

    fn signal(&mut self, id: Id, wake: Wake) -> Option<Waker> {
        let slot = &mut self.by_id.get_mut(&id)?.slot;
        let Slot::Armed { waker, .. } = slot else { return None };
        let waker = waker.clone();
        self.disarm(id);
        self.by_id.get_mut(&id)?.slot = Slot::Woken(wake);
        Some(waker)
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
