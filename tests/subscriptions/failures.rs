//! A store that fails, panics or closes, and a runtime that ends: nothing is lost, and nobody waits for ever.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::StreamExt;
use futures_util::stream::FusedStream;
use newton::store::{MemoryStore, Selection};
use newton::subscription::{Recent, Subscribe, Subscription, Subscriptions};
use newton::{ErrorKind, OrderId};
use newton_tests::{Given, over_every_store};

use super::support::{Watched, append_many, append_one, in_time, next, stream, until};

over_every_store!(
    a_store_whose_reads_fail_now_and_then_loses_nothing,
    a_failed_read_is_told_to_whoever_waits,
    a_panic_of_the_store_is_an_error_and_not_the_end,
    a_closed_store_is_the_end,
);

/// Takes so many events, through any number of errors.
async fn take_through(subscription: &mut Subscription, count: usize) -> (Vec<OrderId>, usize) {
    let (mut taken, mut failures) = (Vec::new(), 0);
    while taken.len() < count {
        match in_time(subscription.next()).await.expect("it goes on") {
            Ok(event) => taken.push(event.order_id),
            Err(error) => {
                assert_eq!(*error.kind(), ErrorKind::Unavailable, "{error}");
                failures += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    (taken, failures)
}

async fn a_store_whose_reads_fail_now_and_then_loses_nothing(given: Given) {
    let watched = Watched::new(given.stores.events.clone());
    append_many(&watched, "log/Log/a", 2_000).await;
    let subscriptions = Subscriptions::with_recent(watched.clone(), Recent { events: 50, bytes: 1 << 20 });
    watched.fail_every.store(3, Ordering::Relaxed);
    let mut tasks = Vec::new();
    for number in 0..20 {
        let selection = match number % 2 {
            0 => Selection::All,
            _ => Selection::Stream(stream("log/Log/a")),
        };
        let mut subscription = subscriptions.open(Subscribe::hot_cold(selection)).await.unwrap();
        tasks.push(tokio::spawn(async move { take_through(&mut subscription, 2_600).await }));
    }
    for _ in 0..600 {
        append_one(&watched, "log/Log/a").await;
    }
    let mut all_failures = 0;
    for task in tasks {
        let (taken, failures) = task.await.unwrap();
        assert!(taken.into_iter().eq((1..=2_600).map(OrderId)));
        all_failures += failures;
    }
    assert!(all_failures >= 20, "only {all_failures} reads failed");
}

async fn a_failed_read_is_told_to_whoever_waits(given: Given) {
    let watched = Watched::new(given.stores.events.clone());
    let subscriptions = Subscriptions::new(watched.clone());
    let of_b = Subscribe::hot(Selection::Stream(stream("log/Log/b")));
    let mut others = Vec::new();
    for _ in 0..10 {
        let mut subscription = subscriptions.open(of_b.clone()).await.unwrap();
        others.push(tokio::spawn(async move {
            let error = in_time(subscription.next()).await.unwrap().unwrap_err();
            (error.to_string(), subscription)
        }));
    }
    watched.fail_every.store(1, Ordering::Relaxed);
    append_one(&watched, "log/Log/a").await;
    let mut told = Vec::new();
    for other in others {
        let (text, subscription) = other.await.unwrap();
        assert_eq!(text, "read: told to fail");
        told.push(subscription);
    }
    watched.fail_every.store(0, Ordering::Relaxed);
    let before = watched.reads();
    append_one(&watched, "log/Log/b").await;
    for mut subscription in told {
        assert_eq!(next(&mut subscription).await, OrderId(2));
    }
    assert!(watched.reads() - before <= 2, "whoever was told reads on together");
}

async fn a_panic_of_the_store_is_an_error_and_not_the_end(given: Given) {
    let watched = Watched::new(given.stores.events.clone());
    let subscriptions = Subscriptions::new(watched.clone());
    let mut subscription = subscriptions.open(Subscribe::hot(Selection::All)).await.unwrap();
    let waiting = tokio::spawn(async move {
        let error = in_time(subscription.next()).await.unwrap().unwrap_err();
        (error, subscription)
    });
    // Only who waits is told.
    until(|| subscriptions.shared().waiting == 1).await;
    watched.panic.store(true, Ordering::Relaxed);
    append_one(&watched, "log/Log/a").await;
    let (error, mut subscription) = waiting.await.unwrap();
    assert_eq!(*error.kind(), ErrorKind::Internal, "{error}");
    assert_eq!(next(&mut subscription).await, OrderId(1));
}

async fn a_closed_store_is_the_end(given: Given) {
    let watched = Watched::new(given.stores.events.clone());
    append_many(&watched, "log/Log/a", 10).await;
    let subscriptions = Subscriptions::new(watched.clone());
    let live = subscriptions.open(Subscribe::hot(Selection::All)).await.unwrap();
    let cold = subscriptions.open(Subscribe::cold(Selection::All)).await.unwrap();
    watched.closed.store(true, Ordering::Relaxed);
    append_one(&watched, "log/Log/a").await;
    for mut subscription in [cold, live] {
        let error = in_time(subscription.next()).await.unwrap().unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Closed, "{error}");
        assert!(in_time(subscription.next()).await.is_none());
        assert!(subscription.is_terminated());
    }
    assert_eq!(subscriptions.shared().followers, 0);
}

#[test]
fn the_reader_outlives_the_runtime_it_was_started_on() {
    let store = Arc::new(MemoryStore::new());
    let subscriptions = Subscriptions::new(store.clone());
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let open = || subscriptions.open(Subscribe::hot(Selection::All));
    let kept = first.block_on(open()).unwrap();
    let mut waits = second.block_on(open()).unwrap();
    let waiting = second.spawn(async move { next(&mut waits).await });
    second.block_on(super::support::settle());
    // The runtime ends with the task that reads for both.
    drop(first);
    second.block_on(append_one(&store, "log/Log/a"));
    assert_eq!(second.block_on(waiting).unwrap(), OrderId(1));
    drop(kept);
}

#[test]
fn without_a_runtime_the_error_says_so() {
    let subscriptions = Subscriptions::new(Arc::new(MemoryStore::new()));
    let opened = futures_util::FutureExt::now_or_never(subscriptions.open(Subscribe::hot(Selection::All)));
    let error = opened.unwrap().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Configuration, "{error}");
    assert_eq!(subscriptions.shared().followers, 0);
}
