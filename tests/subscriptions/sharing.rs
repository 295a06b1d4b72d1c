//! What is appended is read once for all who follow, and whoever is slow costs nobody anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake};

use futures_util::{FutureExt, StreamExt};
use newton::domain::{Filter, Query, Tag};
use newton::store::Selection;
use newton::subscription::{Recent, Shared, Subscribe, Subscriptions};
use newton::{OrderId, StreamName};
use newton_tests::{Given, over_every_store};
use tokio::task::JoinSet;

use super::support::{
    Watched, append, append_many, append_one, event, in_time, next, settle, stream, take, until,
};

over_every_store!(
    ten_thousand_on_streams_of_their_own_get_their_own_event,
    thousands_on_everything_share_what_is_read,
    one_append_wakes_whom_it_concerns,
    a_slow_one_costs_bounded_memory_and_gets_everything,
    the_store_is_read_only_while_somebody_follows,
);

const MANY: usize = 10_000;

fn account(number: usize) -> StreamName {
    stream(&format!("bank/Account/acc-{number}"))
}

async fn ten_thousand_on_streams_of_their_own_get_their_own_event(given: Given) {
    let watched = Watched::new(given.stores.events.clone());
    let subscriptions = Subscriptions::new(watched.clone());
    let mut readers = JoinSet::new();
    for number in 0..MANY {
        let subscribe = Subscribe::hot(Selection::Stream(account(number)));
        let mut subscription = subscriptions.open(subscribe).await.unwrap();
        readers.spawn(async move {
            let event = in_time(subscription.next()).await.unwrap().unwrap();
            assert_eq!(event.stream, account(number));
            assert!(subscription.next().now_or_never().is_none());
            subscription
        });
    }
    assert_eq!(subscriptions.shared().followers, MANY);
    // Several writers at once, or the durable store would take one sync after another.
    let mut writers = JoinSet::new();
    for writer in 0..100 {
        let store = given.stores.events.clone();
        writers.spawn(async move {
            for number in (writer..MANY).step_by(100) {
                append_one(&store, account(number).as_str()).await;
            }
        });
    }
    writers.join_all().await;
    let served = in_time(readers.join_all()).await;
    assert_eq!(served.len(), MANY);
    let reads = watched.reads();
    assert!(reads < MANY as u64 / 2, "{reads} reads for {MANY} followers");
    println!("{reads} reads for {MANY} followers of {MANY} events");
    drop(served);
    assert_eq!(subscriptions.shared(), nothing());
}

async fn thousands_on_everything_share_what_is_read(given: Given) {
    let watched = Watched::new(given.stores.events.clone());
    let subscriptions = Subscriptions::new(watched.clone());
    let mut readers = JoinSet::new();
    for _ in 0..2_000 {
        let mut subscription = subscriptions.open(Subscribe::hot(Selection::All)).await.unwrap();
        readers.spawn(async move { take(&mut subscription, 300).await });
    }
    append_many(&given.stores.events, "log/Log/a", 300).await;
    for seen in in_time(readers.join_all()).await {
        assert!(seen.into_iter().eq((1..=300).map(OrderId)));
    }
    assert!(watched.reads() <= 300, "{} reads", watched.reads());
}

/// A waker that counts, in the place of a task.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

async fn one_append_wakes_whom_it_concerns(given: Given) {
    let store = &given.stores.events;
    let subscriptions = Subscriptions::new(store.clone());
    let order = |value: &str| Query::tags([Tag::new("order", value)]);
    let tagged = |value: &str| Filter { types: vec![], tags: vec![Tag::new("order", value)] };
    let in_bank = || Selection::parse("bank/Account").unwrap();
    let subscribes = [
        Subscribe::hot(Selection::Stream(stream("bank/Account/a"))),
        Subscribe::hot(Selection::Stream(stream("bank/Account/b"))),
        Subscribe::hot(in_bank()),
        Subscribe::hot(Selection::parse("shop/Order").unwrap()),
        Subscribe::hot(in_bank()).matching(order("7")),
        Subscribe::hot(in_bank()).matching(order("8")),
        Subscribe::hot(Selection::All).matching(Query::types(["Noted", "Never"])),
        Subscribe::hot(Selection::All).matching(Query::types(["Never"])),
        Subscribe::hot(Selection::All).matching(Query::types(["Never"]).or(tagged("7"))),
        Subscribe::hot(Selection::parse("shop/Order").unwrap()).matching(order("7")),
        Subscribe::hot(Selection::All),
        Subscribe::hot(Selection::parse("$secret/Thing/a").unwrap()),
    ];
    let mut waiting = Vec::new();
    for subscribe in subscribes {
        let mut subscription = subscriptions.open(subscribe).await.unwrap();
        let wakes = Arc::new(Wakes::default());
        let task = wakes.clone().into();
        assert!(subscription.poll_next_unpin(&mut Context::from_waker(&task)).is_pending());
        waiting.push((subscription, wakes));
    }
    append(store, "bank/Account/a", vec![event("Noted", Some("7")), event("Noted", Some("7"))]).await;
    let expected = [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0];
    let counts = || waiting.iter().map(|(_, wakes)| wakes.count()).collect::<Vec<_>>();
    until(|| counts().iter().sum::<usize>() >= 6).await;
    settle().await;
    assert_eq!(counts(), expected);
    // Who was woken and does not come is left alone.
    append_one(store, "bank/Account/a").await;
    let mut witness = subscriptions.open(Subscribe::hot(Selection::All)).await.unwrap();
    append_one(store, "witness").await;
    next(&mut witness).await;
    assert_eq!(counts(), expected);
}

async fn a_slow_one_costs_bounded_memory_and_gets_everything(given: Given) {
    let store = &given.stores.events;
    let recent = Recent { events: 1_000, bytes: 100_000 };
    let subscriptions = Subscriptions::with_recent(store.clone(), recent);
    let mut slow = subscriptions.open(Subscribe::hot(Selection::All)).await.unwrap();
    let mut fast = subscriptions.open(Subscribe::hot(Selection::All)).await.unwrap();
    let fast = tokio::spawn(async move { take(&mut fast, 50_000).await });
    append_one(store, "log/Log/a").await;
    assert_eq!(next(&mut slow).await, OrderId(1));
    append_many(store, "log/Log/a", 49_999).await;
    assert!(fast.await.unwrap().into_iter().eq((1..=50_000).map(OrderId)));
    let Shared { followers, events, bytes, reading, .. } = subscriptions.shared();
    assert!(events <= recent.events && bytes <= recent.bytes, "{events} events with {bytes} bytes");
    assert_eq!((followers, reading), (1, true));
    assert!(take(&mut slow, 49_999).await.into_iter().eq((2..=50_000).map(OrderId)));
}

fn nothing() -> Shared {
    Shared { followers: 0, waiting: 0, events: 0, bytes: 0, reading: false }
}

async fn the_store_is_read_only_while_somebody_follows(given: Given) {
    let watched = Watched::new(given.stores.events.clone());
    let subscriptions = Subscriptions::new(watched.clone());
    let idle = Arc::strong_count(&watched);
    for round in 0..3 {
        let mut subscription = subscriptions.open(Subscribe::hot(Selection::All)).await.unwrap();
        append_one(&watched, "log/Log/a").await;
        assert_eq!(next(&mut subscription).await, OrderId(2 * round + 1));
        assert!(subscriptions.shared().reading);
        drop(subscription);
        assert_eq!(subscriptions.shared(), nothing());
        // A task that is on its way ends without another read.
        until(|| Arc::strong_count(&watched) <= idle).await;
        settle().await;
        let reads = watched.reads();
        append_one(&watched, "log/Log/a").await;
        settle().await;
        assert_eq!(watched.reads(), reads);
    }
    drop(subscriptions);
    until(|| Arc::strong_count(&watched) == 1).await;
}
