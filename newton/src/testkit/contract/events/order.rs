//! Whoever has read order id N never meets a new event at or below N.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::parallel::in_parallel;
use super::given::*;
use crate::domain::{EventId, OrderId, RecordedEvent};
use crate::store::{EventStore, Page, Position, Read, Selection};

const WRITERS: usize = 4;
const READERS: usize = 3;
const APPENDS: usize = 60;

/// Follows a selection from its start while others write, and stops once the writers have and nothing is left.
async fn follow(store: &dyn EventStore, selection: Selection, writing: &AtomicUsize) -> Vec<RecordedEvent> {
    let mut seen: Vec<RecordedEvent> = Vec::new();
    loop {
        let finished = writing.load(Ordering::SeqCst) == 0;
        let after = seen.last().map_or(OrderId::START, |event| event.order_id);
        let request = Read::of(selection.clone()).from(Position::OrderId(after.next())).limit(7);
        let Page { events, next } = store.read(request).await.expect("a read while others write");
        let idle = events.is_empty() && next.is_none();
        seen.extend(events);
        if finished && idle {
            return seen;
        }
    }
}

/// Waits on the head for what is new, as a subscription does.
async fn follow_the_head(store: &dyn EventStore, writing: &AtomicUsize) -> Vec<RecordedEvent> {
    let mut head = store.head().await.expect("a head");
    let mut seen: Vec<RecordedEvent> = Vec::new();
    loop {
        let finished = writing.load(Ordering::SeqCst) == 0;
        let after = seen.last().map_or(OrderId::START, |event| event.order_id);
        let new = read(store, Read::of(Selection::All).from(Position::OrderId(after.next()))).await;
        if finished && new.is_empty() {
            return seen;
        }
        if new.is_empty() && !finished {
            let last_append = async {
                while writing.load(Ordering::SeqCst) > 0 {
                    tokio::task::yield_now().await;
                }
            };
            let _ = futures_util::future::select(Box::pin(head.beyond(after)), Box::pin(last_append)).await;
        }
        seen.extend(new);
    }
}

async fn write(store: &dyn EventStore, writer: usize, writing: &AtomicUsize) -> Vec<RecordedEvent> {
    for append in 0..APPENDS {
        let name = format!("bank/Account/{}", (writer + append) % 3);
        put(store, &name, some(1 + append % 3)).await;
    }
    writing.fetch_sub(1, Ordering::SeqCst);
    Vec::new()
}

/// Readers that follow the log while others write see every event once, in order, by pages and by the head.
pub async fn concurrent_readers_miss_nothing(store: &dyn EventStore) {
    let writing = AtomicUsize::new(WRITERS);
    let seen = in_parallel(WRITERS + READERS, async |number| match number {
        0 => follow(store, Selection::All, &writing).await,
        1 => follow(store, Selection::Domain(stream("bank/Account")), &writing).await,
        2 => follow_the_head(store, &writing).await,
        writer => write(store, writer, &writing).await,
    });
    let all = everything(store).await;
    assert_eq!(all.len(), WRITERS * APPENDS * 2);
    for (reader, seen) in seen[..READERS].iter().enumerate() {
        assert!(seen.is_sorted_by(|a, b| a.order_id < b.order_id), "reader {reader} saw order ids fall");
        let (seen, all) = (ids(seen), ids(&all));
        assert_eq!(missing(&all, &seen), [] as [EventId; 0], "reader {reader} passed over events");
        assert_eq!(seen, all, "reader {reader}");
    }
}

/// Readers never see a part of an append.
pub async fn concurrent_readers_see_whole_appends(store: &dyn EventStore) {
    let writing = AtomicUsize::new(2);
    in_parallel(4, async |number| {
        if number < 2 {
            for _ in 0..APPENDS {
                put(store, ADA, some(3)).await;
            }
            writing.fetch_sub(1, Ordering::SeqCst);
        }
        while number >= 2 && writing.load(Ordering::SeqCst) > 0 {
            let version = version_of(store, ADA).await.0;
            assert_eq!(version % 3, 0, "a reader saw a part of an append of three, up to version {version}");
            let last = read(store, Read::of(Selection::All).backward().limit(1_000)).await;
            assert_eq!(last.len() % 3, 0, "a reader saw a part of an append of three");
        }
    });
    assert_eq!(version_of(store, ADA).await.0, 2 * 3 * APPENDS as u64);
}

fn missing(all: &[EventId], seen: &[EventId]) -> Vec<EventId> {
    let seen: HashSet<_> = seen.iter().collect();
    all.iter().filter(|id| !seen.contains(id)).cloned().collect()
}
