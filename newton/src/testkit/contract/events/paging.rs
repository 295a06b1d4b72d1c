//! Pages cover everything once, of any size, in any direction, while others append.

use super::given::*;
use crate::domain::{Query, RecordedEvent, Version};
use crate::store::{Direction, EventStore, Page, Read, Selection};

fn selections() -> [Selection; 3] {
    [Selection::Stream(stream(ADA)), Selection::Domain(stream("bank/Account")), Selection::All]
}

fn in_direction(selection: &Selection, direction: Direction) -> Read {
    Read { direction, ..Read::of(selection.clone()) }
}

async fn mixed(store: &dyn EventStore) {
    for round in 0..5 {
        for name in [ADA, "$system/Log/1", BOB, "shop/Order/1"] {
            put(store, name, some(1 + round % 2)).await;
        }
    }
}

async fn page(store: &dyn EventStore, read: &Read) -> Page {
    let page = store.read(read.clone()).await.unwrap_or_else(|error| panic!("{read:?}: {error:?}"));
    assert!(page.events.len() <= read.limit, "a page holds no more than asked for: {read:?}");
    page
}

/// Pages of every size cover every selection once, in both directions.
pub async fn pages_cover_everything_once(store: &dyn EventStore) {
    mixed(store).await;
    for selection in selections() {
        for direction in [Direction::Forward, Direction::Backward] {
            let request = in_direction(&selection, direction);
            let whole = read(store, request.clone()).await;
            for limit in [1, 2, 3, 7, whole.len() - 1, whole.len(), whole.len() + 1, usize::MAX] {
                assert_eq!(
                    read(store, request.clone().limit(limit)).await,
                    whole,
                    "{limit} a page: {request:?}"
                );
            }
        }
    }
}

/// Pages cover once what was there at first, even while others append between them; forward, what is new comes last.
pub async fn pages_cover_everything_once_while_others_append(store: &dyn EventStore) {
    mixed(store).await;
    for selection in selections() {
        for direction in [Direction::Forward, Direction::Backward] {
            let mut request = in_direction(&selection, direction).limit(2);
            let at_first = read(store, request.clone()).await;
            let mut found: Vec<RecordedEvent> = Vec::new();
            let mut appends = 0;
            loop {
                let Page { events, next } = page(store, &request).await;
                found.extend(events);
                let Some(next) = next else { break };
                request = request.from(next);
                if appends < 4 {
                    put(store, ADA, some(1)).await;
                    appends += 1;
                }
            }
            assert_eq!(found[..at_first.len()], at_first, "{selection:?} {direction:?}");
            let new = if direction == Direction::Forward { appends } else { 0 };
            assert_eq!(found.len(), at_first.len() + new, "{selection:?} {direction:?}");
        }
    }
}

/// The end of a selection is told by a missing next page, and reading on from behind the last event finds what is new.
pub async fn reading_on_from_the_end_finds_what_is_new(store: &dyn EventStore) {
    mixed(store).await;
    for selection in selections() {
        let last = read(store, Read::of(selection.clone())).await.pop().expect("events");
        let on = Read::of(selection.clone()).from(crate::store::Position::OrderId(last.order_id.next()));
        assert_eq!(page(store, &on).await, Page { events: Vec::new(), next: None });
        let new = some(2);
        put(store, ADA, new.clone()).await;
        assert_eq!(ids(&read(store, on).await), new_ids(&new));
    }
}

/// A rare type in a long log is found by pages that end.
pub async fn a_rare_match_in_a_long_log_is_found(store: &dyn EventStore) {
    for round in 0..20 {
        put(store, ADA, some(500)).await;
        if round % 10 == 5 {
            put(store, ADA, vec![tagged("Rare", &[("k", "v")])]).await;
        }
    }
    for query in [Query::types(["Rare"]), Query::tags([tag("k", "v")])] {
        for selection in selections() {
            let request = Read::of(selection).matching(query.clone());
            assert_eq!(versions(&read(store, request.clone()).await), [3_001, 8_002], "{request:?}");
            assert_eq!(versions(&read(store, request.clone().backward().limit(1)).await), [8_002, 3_001]);
        }
    }
}

/// A stream is loaded by slices, each of which says where the stream ends.
pub async fn slices_cover_a_stream_once(store: &dyn EventStore) {
    put(store, ADA, some(11)).await;
    put(store, BOB, some(5)).await;
    for limit in [1, 2, 5, 10, 11, 12, usize::MAX] {
        let mut found = Vec::new();
        loop {
            let slice = load(store, ADA, found.len() as u64, limit).await;
            assert!(slice.events.len() <= limit && slice.version == Version(11), "{slice:?}");
            assert!(!slice.events.is_empty(), "a slice before the end cannot be empty: {slice:?}");
            found.extend(slice.events.iter().map(|event| event.version.0));
            if found.last() == Some(&slice.version.0) {
                break;
            }
        }
        assert_eq!(found, (1..=11).collect::<Vec<u64>>());
    }
}
