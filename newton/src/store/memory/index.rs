//! Which events belong to a stream, a domain, a type or a tag: lists of order ids, each sorted.

use std::collections::{BTreeSet, HashMap as StdHashMap};

use lru::DefaultHasher;

use crate::domain::{EventId, Name, OrderId, RecordedEvent, StreamName, Tag, Version, envelope::TOMBSTONE};

/// Hashed faster than by default, and still with a secret of this process.
type HashMap<K, V> = StdHashMap<K, V, DefaultHasher>;

/// The order ids of some events, rising.
pub(super) type Places = Vec<OrderId>;

/// Every list of order ids that a read can start from.
#[derive(Default)]
pub(super) struct Index {
    ids: HashMap<EventId, OrderId>,
    streams: HashMap<StreamName, Stream>,
    names: BTreeSet<StreamName>,
    domains: HashMap<String, Domain>,
    types: HashMap<Name, Places>,
    tags: HashMap<Tag, Places>,
}

/// A stream: its events in version order.
#[derive(Default)]
pub(super) struct Stream {
    pub(super) places: Places,
    pub(super) deleted: bool,
}

/// A domain stream: its events in order, and their types.
#[derive(Default)]
struct Domain {
    places: Places,
    types: BTreeSet<Name>,
}

impl Stream {
    pub(super) fn version(&self) -> Version {
        Version(self.places.len() as u64)
    }
}

impl Domain {
    fn add(&mut self, event: &RecordedEvent) {
        self.places.push(event.order_id);
        if !self.types.contains(&event.event_type) {
            self.types.insert(event.event_type.clone());
        }
    }
}

impl Index {
    /// Adds an event behind all others.
    pub(super) fn add(&mut self, event: &RecordedEvent) {
        let place = event.order_id;
        self.ids.insert(event.id.clone(), place);
        self.add_to_stream(event);
        if let Some(domain) = event.stream.domain() {
            self.add_to_domain(domain, event);
        }
        self.types.entry(event.event_type.clone()).or_default().push(place);
        for tag in &event.tags {
            let places = self.tags.entry(tag.clone()).or_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }

    pub(super) fn id(&self, id: &EventId) -> Option<OrderId> {
        self.ids.get(id).copied()
    }

    pub(super) fn stream(&self, name: &StreamName) -> Option<&Stream> {
        self.streams.get(name)
    }

    pub(super) fn version(&self, name: &StreamName) -> Version {
        self.stream(name).map_or(Version::EMPTY, Stream::version)
    }

    /// The names of all streams, sorted.
    pub(super) fn names(&self) -> &BTreeSet<StreamName> {
        &self.names
    }

    pub(super) fn domain(&self, domain: &StreamName) -> &[OrderId] {
        self.domains.get(domain.as_str()).map_or(&[], |domain| &domain.places)
    }

    pub(super) fn domain_types(&self, domain: &StreamName) -> Vec<Name> {
        self.domains
            .get(domain.as_str())
            .map_or_else(Vec::new, |domain| domain.types.iter().cloned().collect())
    }

    pub(super) fn event_type(&self, name: &Name) -> &[OrderId] {
        self.types.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn tag(&self, tag: &Tag) -> &[OrderId] {
        self.tags.get(tag).map_or(&[], Vec::as_slice)
    }

    fn add_to_stream(&mut self, event: &RecordedEvent) {
        let stream = self.streams.entry(event.stream.clone()).or_default();
        if stream.places.is_empty() {
            self.names.insert(event.stream.clone());
        }
        stream.places.push(event.order_id);
        stream.deleted = event.event_type == TOMBSTONE;
    }

    fn add_to_domain(&mut self, name: &str, event: &RecordedEvent) {
        if let Some(domain) = self.domains.get_mut(name) {
            return domain.add(event);
        }
        self.domains.entry(name.to_owned()).or_default().add(event);
    }
}
