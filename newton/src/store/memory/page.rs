//! How a read picks its events: by merging the shortest lists of the index that hold every candidate.

use super::index::Places;
use super::log::{Log, MAX_PAGE};
use crate::domain::{EventId, Filter, OrderId, Query, RecordedEvent, Version};
use crate::store::{Direction, Page, Position, Read, Selection};

/// Lists of order ids whose union holds every candidate.
enum Candidates<'a> {
    All,
    Lists(Vec<&'a [OrderId]>),
    Owned(Places),
}

impl Log {
    pub(super) fn read(&self, read: &Read) -> Page {
        let Some(candidates) = self.candidates(read) else {
            return Page { events: Vec::new(), next: Some(self.beginning(read)) };
        };
        let mut cursor = self.cursor(&candidates, read);
        let mut events = Vec::new();
        let limit = read.limit.min(MAX_PAGE);
        for _ in 0..MAX_PAGE {
            let Some(place) = cursor.next() else { break };
            let event = self.at(place);
            if is_wanted(event, read) {
                events.push(event.clone());
                if events.len() == limit {
                    break;
                }
            }
        }
        Page { events, next: cursor.next().map(Position::OrderId) }
    }

    /// The first event above `after` that matches.
    pub(super) fn first_match(&self, query: &Query, after: OrderId) -> Option<OrderId> {
        let candidates = self.query_candidates(query);
        Cursor::new(&candidates, Direction::Forward, after.next(), self.head())
            .find(|place| matches(self.at(*place), query))
    }

    /// Where the candidates are; `None` where that cannot be told yet.
    fn candidates(&self, read: &Read) -> Option<Candidates<'_>> {
        let selected = match &read.selection {
            Selection::All => return Some(self.query_candidates(&read.query)),
            Selection::Ids(ids) => return Some(Candidates::Owned(self.places_of(ids))),
            Selection::Correlation(id) => {
                return self.correlations.places(id, &self.events).map(Candidates::Owned);
            }
            Selection::Stream(stream) => self.index.stream(stream).map_or(&[][..], |stream| &stream.places),
            Selection::Domain(domain) => self.index.domain(domain),
        };
        Some(match self.query_candidates(&read.query) {
            Candidates::Lists(lists) if total(&lists) < selected.len() => Candidates::Lists(lists),
            _ => Candidates::Lists(vec![selected]),
        })
    }

    /// Where a read begins, whatever is appended meanwhile.
    fn beginning(&self, read: &Read) -> Position {
        read.from.unwrap_or(Position::OrderId(match read.direction {
            Direction::Forward => OrderId::START,
            Direction::Backward => self.head(),
        }))
    }

    fn query_candidates(&self, query: &Query) -> Candidates<'_> {
        if query.is_all() {
            return Candidates::All;
        }
        Candidates::Lists(query.any.iter().flat_map(|filter| self.filter_candidates(filter)).collect())
    }

    /// The shortest lists that hold every event the filter matches; the filter restricts something.
    fn filter_candidates(&self, filter: &Filter) -> Vec<&[OrderId]> {
        let by_tag = filter.tags.iter().map(|tag| vec![self.index.tag(tag)]);
        let by_type = (!filter.types.is_empty())
            .then(|| filter.types.iter().map(|name| self.index.event_type(name)).collect());
        by_tag.chain(by_type).min_by_key(|lists| total(lists)).unwrap_or_default()
    }

    fn places_of(&self, ids: &[EventId]) -> Places {
        let mut places: Places = ids.iter().filter_map(|id| self.index.id(id)).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    fn cursor<'a>(&'a self, candidates: &'a Candidates<'a>, read: &Read) -> Cursor<'a> {
        let (first, last) = match (read.direction, read.from) {
            (_, None) => (OrderId(1), self.head()),
            (Direction::Forward, Some(from)) => (self.first_at_or_after(from, read), self.head()),
            (Direction::Backward, Some(from)) => (OrderId(1), self.last_at_or_before(from, read)),
        };
        Cursor::new(candidates, read.direction, first.max(OrderId(1)), last.min(self.head()))
    }

    fn first_at_or_after(&self, from: Position, read: &Read) -> OrderId {
        match from {
            Position::OrderId(order_id) => order_id,
            Position::Time(time) => {
                count_as_place(self.events.partition_point(|event| event.time < time)).next()
            }
            Position::Version(version) => {
                self.place_of_version(read, version.0.max(1)).unwrap_or(OrderId(u64::MAX))
            }
        }
    }

    fn last_at_or_before(&self, from: Position, read: &Read) -> OrderId {
        match from {
            Position::OrderId(order_id) => order_id,
            Position::Time(time) => count_as_place(self.events.partition_point(|event| event.time <= time)),
            Position::Version(Version::EMPTY) => OrderId::START,
            Position::Version(version) => self.place_of_version(read, version.0).unwrap_or(self.head()),
        }
    }

    /// Where the event with this version is, from 1; `None` beyond the end of the stream.
    fn place_of_version(&self, read: &Read, version: u64) -> Option<OrderId> {
        let Selection::Stream(stream) = &read.selection else { return None };
        let slot = usize::try_from(version - 1).ok()?;
        self.index.stream(stream)?.places.get(slot).copied()
    }
}

fn count_as_place(count: usize) -> OrderId {
    OrderId(count as u64)
}

fn total(lists: &[&[OrderId]]) -> usize {
    lists.iter().map(|list| list.len()).sum()
}

fn is_wanted(event: &RecordedEvent, read: &Read) -> bool {
    // The candidates of `Ids` are these ids and no others.
    let selected = matches!(read.selection, Selection::Ids(_)) || read.selection.covers(event, read.system);
    selected && matches(event, &read.query)
}

fn matches(event: &RecordedEvent, query: &Query) -> bool {
    query.matches(&event.event_type, &event.tags)
}

/// Walks the union of sorted lists in one direction, each order id once.
struct Cursor<'a> {
    lists: Vec<&'a [OrderId]>,
    /// What is left of the whole log, where there are no lists.
    all: Option<(u64, u64)>,
    direction: Direction,
}

impl<'a> Cursor<'a> {
    /// A walk over the candidates from `first` to `last`, both inclusive.
    fn new(candidates: &'a Candidates<'a>, direction: Direction, first: OrderId, last: OrderId) -> Self {
        let between = |list: &'a [OrderId]| {
            let start = list.partition_point(|place| *place < first);
            let end = list.partition_point(|place| *place <= last);
            &list[start.min(end)..end]
        };
        match candidates {
            Candidates::All => Self { lists: Vec::new(), all: Some((first.0, last.0)), direction },
            Candidates::Lists(lists) => {
                Self { lists: lists.iter().map(|list| between(list)).collect(), all: None, direction }
            }
            Candidates::Owned(places) => Self { lists: vec![between(places)], all: None, direction },
        }
    }

    fn next_of_all(&mut self) -> Option<OrderId> {
        let (first, last) = self.all.as_mut().filter(|(first, last)| first <= last)?;
        match self.direction {
            Direction::Forward => {
                *first += 1;
                Some(OrderId(*first - 1))
            }
            Direction::Backward => {
                *last -= 1;
                Some(OrderId(*last + 1))
            }
        }
    }
}

impl Iterator for Cursor<'_> {
    type Item = OrderId;

    fn next(&mut self) -> Option<OrderId> {
        if self.all.is_some() {
            return self.next_of_all();
        }
        let next = match self.direction {
            Direction::Forward => self.lists.iter().filter_map(|list| list.first()).min().copied()?,
            Direction::Backward => self.lists.iter().filter_map(|list| list.last()).max().copied()?,
        };
        for list in &mut self.lists {
            *list = match self.direction {
                Direction::Forward => list.strip_prefix(&[next]).unwrap_or(list),
                Direction::Backward => list.strip_suffix(&[next]).unwrap_or(list),
            };
        }
        Some(next)
    }
}
