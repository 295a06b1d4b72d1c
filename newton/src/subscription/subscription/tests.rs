//! Batches, as runners take them: their position moves on past what does not match.

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};

use super::{Batch, Subscription, Subscriptions};
use crate::domain::{Clock, ExpectedVersion, NewEvent, OrderId, Payload, Query, StreamName, SystemClock};
use crate::store::{Append, EventStore, MemoryStore, Selection};
use crate::subscription::{Recent, Subscribe};

async fn append(store: &MemoryStore, types: &[&'static str]) {
    let stream = StreamName::parse("log/Log/a").unwrap();
    let events = types.iter().map(|name| NewEvent::new(*name, Payload::json("1").unwrap())).collect();
    store.append(Append::to(stream, ExpectedVersion::Any, events, SystemClock.now())).await.unwrap();
}

async fn open(store: &Arc<MemoryStore>, recent: usize, subscribe: Subscribe) -> Subscription {
    let recent = Recent { events: recent, bytes: 1 << 20 };
    Subscriptions::with_recent(store.clone(), recent).open(subscribe).await.unwrap()
}

async fn batch(subscription: &mut Subscription, most: usize) -> Option<(Vec<u64>, u64)> {
    let Batch { events, through } = subscription.next_batch(most).await.unwrap()?;
    assert_eq!(subscription.position(), through);
    Some((events.iter().map(|event| event.order_id.0).collect(), through.0))
}

/// Takes batches until the position is there.
async fn until(subscription: &mut Subscription, position: u64) -> Vec<u64> {
    let mut taken = Vec::new();
    while subscription.position() < OrderId(position) {
        taken.extend(batch(subscription, 3).await.unwrap().0);
    }
    taken
}

fn noted(subscribe: Subscribe) -> Subscribe {
    subscribe.matching(Query::types(["Noted"]))
}

#[tokio::test]
async fn a_live_position_moves_on_without_a_match() {
    let store = Arc::new(MemoryStore::new());
    let mut subscription = open(&store, 100, noted(Subscribe::hot(Selection::All))).await;
    for place in 1..=5 {
        append(&store, &["Other"]).await;
        assert_eq!(batch(&mut subscription, 10).await, Some((vec![], place)));
        assert!(subscription.next_batch(10).now_or_never().is_none());
    }
    append(&store, &["Noted", "Other"]).await;
    assert_eq!(until(&mut subscription, 7).await, [6]);
}

#[tokio::test]
async fn a_cold_one_ends_behind_what_does_not_match() {
    let store = Arc::new(MemoryStore::new());
    append(&store, &["Noted", "Other", "Noted", "Noted", "Other"]).await;
    let mut subscription = open(&store, 100, noted(Subscribe::cold(Selection::All))).await;
    append(&store, &["Noted"]).await;
    assert_eq!(batch(&mut subscription, 2).await, Some((vec![1, 3], 3)));
    assert_eq!(batch(&mut subscription, 2).await, Some((vec![4], 5)));
    assert_eq!(batch(&mut subscription, 2).await, None);
    assert_eq!(batch(&mut subscription, 2).await, None);
}

#[tokio::test]
async fn no_batch_is_larger_than_asked_for() {
    let store = Arc::new(MemoryStore::new());
    append(&store, &["Noted"; 20]).await;
    let mut subscription = open(&store, 100, Subscribe::hot_cold(Selection::All)).await;
    assert_eq!(batch(&mut subscription, 5).await, Some(((1..=5).collect(), 5)));
    assert_eq!(batch(&mut subscription, 2).await, Some(((6..=7).collect(), 7)), "of what was read ahead");
    assert_eq!(batch(&mut subscription, 0).await, Some((vec![8], 8)), "of nothing it is one");
    assert_eq!(until(&mut subscription, 20).await, (9..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_read() {
    let store = Arc::new(MemoryStore::new());
    let mut subscription = open(&store, 4, noted(Subscribe::hot(Selection::All))).await;
    let (mut taken, mut expected) = (Vec::new(), Vec::new());
    for round in 0..40_u64 {
        let head = 5 * round;
        append(&store, &["Other", "Noted", "Other", "Other", "Noted"]).await;
        expected.extend([head + 2, head + 5]);
        if round % 3 == 0 {
            taken.extend(until(&mut subscription, head + 5).await);
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(taken.len(), expected.len());
    assert_eq!(taken, expected);
}

#[tokio::test]
async fn batches_and_single_events_can_take_turns() {
    let store = Arc::new(MemoryStore::new());
    let mut subscription = open(&store, 4, noted(Subscribe::hot(Selection::All))).await;
    for round in 0..30_u64 {
        let head = 6 * round;
        // It waits in one way and is then asked in the other.
        assert!(subscription.next().now_or_never().is_none());
        append(&store, &["Other", "Other", "Noted"]).await;
        assert_eq!(until(&mut subscription, head + 3).await, [head + 3]);
        assert!(subscription.next_batch(9).now_or_never().is_none());
        append(&store, &["Other", "Other", "Noted"]).await;
        assert_eq!(subscription.next().await.unwrap().unwrap().order_id, OrderId(head + 6));
    }
}
