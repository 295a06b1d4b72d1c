//! Between what is stored and what is appended nothing is lost and nothing comes twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{FutureExt, StreamExt};
use newton::OrderId;
use newton::store::{EventStore, Position, Selection};
use newton::subscription::{Recent, Subscribe, Subscription, Subscriptions};
use newton_tests::random::{Random, seed};
use newton_tests::{Given, over_every_store};
use tokio::task::JoinSet;

use super::support::{append, append_one, event, in_time, next, stream, take};

over_every_store!(
    thousands_that_start_while_a_writer_appends_see_everything_once,
    one_that_falls_behind_again_and_again_misses_nothing,
    a_dropped_wait_loses_nothing,
);

const STREAMS: u64 = 7;
const SUBSCRIPTIONS: u64 = 3_000;
const TO_FOLLOW: usize = 40;

/// Event `n` is in stream `n % 7`.
async fn write(store: Arc<dyn EventStore>, done: Arc<AtomicBool>) {
    let mut last = 0;
    while !done.load(Ordering::Relaxed) {
        let name = format!("log/Log/{}", (last + 1) % STREAMS);
        last = append(&store, &name, vec![event("Noted", None)]).await.0;
        if last % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
}

async fn thousands_that_start_while_a_writer_appends_see_everything_once(given: Given) {
    let store = given.stores.events.clone();
    let subscriptions = Subscriptions::with_recent(store.clone(), Recent { events: 64, bytes: 1 << 20 });
    let done = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write(store.clone(), done.clone()));
    let mut random = Random::new(seed());
    let mut readers = JoinSet::new();
    for number in 0..SUBSCRIPTIONS {
        if random.below(10) == 0 {
            tokio::task::yield_now().await;
        }
        let head = store.head().await.unwrap().current().0;
        readers.spawn(see_everything_once(subscriptions.clone(), number, random.below(head + 1)));
        // So that most of them start while others are at work, and not all at once.
        while readers.len() > 500 {
            in_time(readers.join_next()).await.unwrap().unwrap();
        }
    }
    while let Some(reader) = in_time(readers.join_next()).await {
        reader.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    assert_eq!(subscriptions.shared().followers, 0);
}

/// Takes events and asserts that they are all of its selection from its start on, in order.
async fn see_everything_once(subscriptions: Subscriptions, number: u64, from: u64) {
    let of_stream = number % STREAMS;
    let selection = match number % 3 {
        0 => Selection::All,
        1 => Selection::Domain(stream("log/Log")),
        _ => Selection::Stream(stream(&format!("log/Log/{of_stream}"))),
    };
    let step = if number % 3 == 2 { STREAMS } else { 1 };
    let mut subscription = if number.is_multiple_of(2) {
        // Near the head, or all of the tail would be read 3,000 times.
        let from = Position::OrderId(OrderId(from.max(1)));
        subscriptions.open(Subscribe::hot_cold(selection).from(from)).await.unwrap()
    } else {
        subscriptions.open(Subscribe::hot(selection)).await.unwrap()
    };
    let start = if number.is_multiple_of(2) { from.max(1) } else { subscription.position().0 + 1 };
    let first = if step == 1 { start } else { start + (of_stream + STREAMS - start % STREAMS) % STREAMS };
    let seen = take(&mut subscription, TO_FOLLOW).await;
    let expected: Vec<_> = (0..TO_FOLLOW as u64).map(|turn| OrderId(first + turn * step)).collect();
    assert_eq!(seen, expected, "subscription {number} from {start}");
}

async fn one_that_falls_behind_again_and_again_misses_nothing(given: Given) {
    let store = &given.stores.events;
    let subscriptions = Subscriptions::with_recent(store.clone(), Recent { events: 4, bytes: 1 << 20 });
    let mut all = subscriptions.open(Subscribe::hot(Selection::All)).await.unwrap();
    let a = Selection::Stream(stream("log/Log/a"));
    let mut of_a = subscriptions.open(Subscribe::hot(a)).await.unwrap();
    let mut random = Random::new(seed());
    let (mut expected, mut expected_of_a) = (Vec::new(), Vec::new());
    let (mut seen, mut seen_of_a) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        for _ in 0..random.below(9) {
            let name = if random.below(3) == 0 { "log/Log/a" } else { "log/Log/b" };
            let place = append_one(store, name).await;
            expected.push(place);
            expected_of_a.extend((name == "log/Log/a").then_some(place));
        }
        let some = random.below(12);
        for _ in 0..some {
            poll(&mut all, &mut seen);
            poll(&mut of_a, &mut seen_of_a);
            tokio::task::yield_now().await;
        }
    }
    let left = expected.len() - seen.len();
    seen.extend(take(&mut all, left).await);
    let left = expected_of_a.len() - seen_of_a.len();
    seen_of_a.extend(take(&mut of_a, left).await);
    assert_eq!((seen, seen_of_a), (expected, expected_of_a));
}

fn poll(subscription: &mut Subscription, seen: &mut Vec<OrderId>) {
    if let Some(Some(event)) = subscription.next().now_or_never() {
        seen.push(event.unwrap().order_id);
    }
}

async fn a_dropped_wait_loses_nothing(given: Given) {
    let store = &given.stores.events;
    for _ in 0..600 {
        append_one(store, "log/Log/a").await;
    }
    let subscriptions = Subscriptions::new(store.clone());
    let mut subscription = subscriptions.open(Subscribe::hot_cold(Selection::All)).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 600 {
        // Each wait is given up at once; what it had begun goes on.
        poll(&mut subscription, &mut seen);
        tokio::task::yield_now().await;
    }
    for place in 601..=700 {
        assert!(subscription.next().now_or_never().is_none());
        append_one(store, "log/Log/a").await;
        seen.push(next(&mut subscription).await);
        assert_eq!(seen.last(), Some(&OrderId(place)));
    }
    assert!(seen.into_iter().eq((1..=700).map(OrderId)));
}
