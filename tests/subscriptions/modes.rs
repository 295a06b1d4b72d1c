//! Every mode, selection, beginning and filter, against the log read by hand.

use chrono::TimeDelta;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use newton::domain::{Clock, EventId, Filter, NewEvent, Query, RecordedEvent, SystemClock, Tag, envelope};
use newton::store::{Append, EventStoreExt, Position, Read, Selection};
use newton::subscription::{Mode, Subscribe, Subscription, Subscriptions};
use newton::{ErrorKind, ExpectedVersion, OrderId, Timestamp, Version};
use newton_tests::{Given, over_every_store};

use super::support::{append, append_one, event, in_time, next, settle, stream, take};

over_every_store!(
    each_mode_delivers_exactly_its_part,
    a_beginning_in_the_future_is_waited_for,
    a_cold_one_ends_at_the_head_as_of_opening,
    a_cold_one_of_an_unknown_stream_ends_at_once,
    a_tombstone_is_delivered_and_nothing_follows,
    what_cannot_be_is_refused_at_once,
    the_position_says_what_is_done,
);

const STREAMS: [&str; 4] = ["bank/Account/a", "bank/Account/b", "shop/Order/a", "$secret/Thing/a"];
const TYPES: [&str; 3] = ["Opened", "Noted", "Closed"];
/// Where the second half of the events begins.
const HALF: u64 = 30;

/// Thirty events over all streams, types and tags, with recorded times a second apart.
async fn write_half(given: &Given, begins: Timestamp) {
    for number in 0..HALF {
        let at = usize::try_from(number).unwrap();
        let tag = (at % 5 < 3).then_some(["x", "y", "z"][at % 3]);
        let event = event(TYPES[at / 2 % 3], tag);
        let time = begins + TimeDelta::seconds(i64::try_from(number).unwrap());
        let name = stream(STREAMS[at * 7 % 4]);
        given.stores.events.append(Append::to(name, ExpectedVersion::Any, vec![event], time)).await.unwrap();
    }
}

fn selections() -> Vec<Selection> {
    let names =
        ["__all__", "bank/Account", "bank/Account/a", "$secret/Thing/a", "none/None/none", "none/None"];
    names.into_iter().map(|name| Selection::parse(name).unwrap()).collect()
}

fn queries() -> Vec<Query> {
    let noted_x = Filter { types: vec!["Noted".into()], tags: vec![Tag::new("order", "x")] };
    vec![
        Query::all(),
        Query::types(["Opened", "Closed"]),
        Query::tags([Tag::new("order", "y")]),
        Query::types(["Closed"]).or(noted_x),
    ]
}

fn is_selected(subscribe: &Subscribe, event: &RecordedEvent) -> bool {
    let selected = match &subscribe.selection {
        Selection::Stream(stream) => event.stream == *stream,
        Selection::Domain(domain) => event.stream.as_str().starts_with(&format!("{domain}/")),
        Selection::All => subscribe.system || !event.stream.as_str().starts_with('$'),
        Selection::Ids(ids) => ids.contains(&event.id),
        Selection::Correlation(id) => event.metadata.correlation_id.as_ref() == Some(id),
    };
    let begun = match subscribe.from {
        None => true,
        Some(Position::OrderId(first)) => event.order_id >= first,
        Some(Position::Time(first)) => event.time >= first,
        Some(Position::Version(first)) => event.version >= first,
    };
    let part = match subscribe.mode {
        Mode::Cold => event.order_id.0 <= HALF,
        Mode::HotCold => true,
        Mode::Hot => event.order_id.0 > HALF,
    };
    selected && begun && part && subscribe.query.matches(&event.event_type, &event.tags)
}

fn all_of_them(begins: Timestamp, some_ids: &[EventId]) -> Vec<Subscribe> {
    let mut all = Vec::new();
    for selection in selections().into_iter().chain([Selection::Ids(some_ids.to_vec())]) {
        for query in queries() {
            let (cold, hot_cold, hot) = (
                Subscribe::cold(selection.clone()).matching(query.clone()),
                Subscribe::hot_cold(selection.clone()).matching(query.clone()),
                Subscribe::hot(selection.clone()).matching(query.clone()),
            );
            let mut places = vec![
                Position::OrderId(OrderId(17)),
                Position::OrderId(OrderId(HALF + 5)),
                Position::Time(begins + TimeDelta::milliseconds(10_500)),
                Position::Time(begins + TimeDelta::seconds(45)),
            ];
            if matches!(selection, Selection::Stream(_)) {
                places.extend([Position::Version(Version(3)), Position::Version(Version(12))]);
            }
            for place in places {
                all.extend([cold.clone().from(place), hot_cold.clone().from(place)]);
            }
            all.extend([cold, hot_cold, hot.clone().with_system(), hot]);
        }
    }
    all
}

fn expected_now(subscribe: &Subscribe, stored: &[RecordedEvent]) -> usize {
    stored.iter().filter(|event| is_selected(subscribe, event)).count()
}

/// Polls one that has nothing left until it waits for what is appended.
async fn wait(subscription: &mut Subscription) {
    in_time(async {
        while subscription.position() < OrderId(HALF) {
            assert!(subscription.next().now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        assert!(subscription.next().now_or_never().is_none());
    })
    .await;
}

async fn each_mode_delivers_exactly_its_part(given: Given) {
    let begins = SystemClock.now();
    write_half(&given, begins).await;
    let store = &given.stores.events;
    let stored = store.read_all(Read::of(Selection::All).with_system()).await.unwrap();
    let some_ids = [3, 11, 24].map(|index: usize| stored[index].id.clone());
    let subscriptions = Subscriptions::new(store.clone());
    let mut running = Vec::new();
    for (number, subscribe) in all_of_them(begins, &some_ids).into_iter().enumerate() {
        let mut subscription = subscriptions.open(subscribe.clone()).await.unwrap();
        // Every other one takes all there is, and waits when the rest is written.
        let mut taken = Vec::new();
        while number % 2 == 1
            && subscribe.mode != Mode::Cold
            && taken.len() < expected_now(&subscribe, &stored)
        {
            taken.push(in_time(subscription.next()).await.unwrap().unwrap());
        }
        if number % 2 == 1 && subscribe.mode != Mode::Cold {
            wait(&mut subscription).await;
        }
        running.push((subscribe, subscription, taken));
    }
    write_half(&given, begins + TimeDelta::seconds(30)).await;
    let log = store.read_all(Read::of(Selection::All).with_system()).await.unwrap();
    let mut waiting = Vec::new();
    for (subscribe, mut subscription, taken) in running {
        let selected: Vec<_> = log.iter().filter(|event| is_selected(&subscribe, event)).collect();
        assert!(taken.iter().map(|event| &**event).eq(selected[..taken.len()].iter().copied()));
        for expected in &selected[taken.len()..] {
            let next = in_time(subscription.next()).await;
            assert_eq!(*next.expect("more is to come").unwrap(), **expected, "{subscribe:?}");
        }
        if subscribe.mode == Mode::Cold {
            assert!(in_time(subscription.next()).await.is_none(), "{subscribe:?}");
        } else {
            waiting.push((subscribe, subscription));
        }
    }
    for _ in 0..3 {
        for (subscribe, subscription) in &mut waiting {
            let more = subscription.next().now_or_never();
            assert!(more.is_none(), "{subscribe:?} gave {more:?}");
        }
        settle().await;
    }
}

async fn a_beginning_in_the_future_is_waited_for(given: Given) {
    let store = &given.stores.events;
    let subscriptions = Subscriptions::new(store.clone());
    append_one(store, "log/Log/a").await;
    let of_stream = Selection::Stream(stream("log/Log/a"));
    let version_3 = Subscribe::hot_cold(of_stream).from(Position::Version(Version(3)));
    let place_6 = Subscribe::hot_cold(Selection::All).from(Position::OrderId(OrderId(6)));
    for (subscribe, first) in [(version_3, OrderId(3)), (place_6, OrderId(6))] {
        let mut subscription = subscriptions.open(subscribe).await.unwrap();
        assert!(subscription.next().now_or_never().is_none());
        while append_one(store, "log/Log/a").await < first {}
        assert_eq!(next(&mut subscription).await, first);
    }
}

async fn a_cold_one_ends_at_the_head_as_of_opening(given: Given) {
    let store = &given.stores.events;
    let subscriptions = Subscriptions::new(store.clone());
    for _ in 0..3 {
        append_one(store, "log/Log/a").await;
    }
    let mut subscription = subscriptions.open(Subscribe::cold(Selection::All)).await.unwrap();
    append_one(store, "log/Log/a").await;
    assert_eq!(take(&mut subscription, 3).await, [1, 2, 3].map(OrderId));
    assert!(in_time(subscription.next()).await.is_none());
    assert!(in_time(subscription.next()).await.is_none(), "an end is an end");
    assert_eq!(subscription.position(), OrderId(3));
    assert_eq!(subscriptions.shared().followers, 0);
}

async fn a_cold_one_of_an_unknown_stream_ends_at_once(given: Given) {
    let subscriptions = Subscriptions::new(given.stores.events.clone());
    for selection in selections() {
        let subscription = subscriptions.open(Subscribe::cold(selection)).await.unwrap();
        assert_eq!(in_time(subscription.count()).await, 0);
    }
    append_one(&given.stores.events, "log/Log/a").await;
    let unknown = Selection::Stream(stream("log/Log/b"));
    let subscription = subscriptions.open(Subscribe::cold(unknown)).await.unwrap();
    assert_eq!(in_time(subscription.count()).await, 0);
}

async fn a_tombstone_is_delivered_and_nothing_follows(given: Given) {
    let store = &given.stores.events;
    let subscriptions = Subscriptions::new(store.clone());
    let account = || Selection::Stream(stream("bank/Account/a"));
    let mut live = subscriptions.open(Subscribe::hot(account())).await.unwrap();
    append_one(store, "bank/Account/a").await;
    append(store, "bank/Account/a", vec![NewEvent::new(envelope::TOMBSTONE, event("x", None).payload)]).await;
    append_one(store, "bank/Account/b").await;
    assert_eq!(take(&mut live, 2).await, [1, 2].map(OrderId));
    settle().await;
    assert!(live.next().now_or_never().is_none(), "it waits on");
    let cold = subscriptions.open(Subscribe::cold(account())).await.unwrap();
    let events: Vec<_> = cold.try_collect().await.unwrap();
    assert_eq!(events.last().map(|event| event.event_type.clone()), Some(envelope::TOMBSTONE));
}

async fn what_cannot_be_is_refused_at_once(given: Given) {
    let subscriptions = Subscriptions::new(given.stores.events.clone());
    let version = Position::Version(Version(1));
    for subscribe in [
        Subscribe::cold(Selection::All).from(version),
        Subscribe::hot_cold(Selection::parse("bank/Account").unwrap()).from(version),
        Subscribe::hot(Selection::All).from(Position::OrderId(OrderId(1))),
    ] {
        let error = subscriptions.open(subscribe).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert!(Selection::parse("").is_err());
}

async fn the_position_says_what_is_done(given: Given) {
    let store = &given.stores.events;
    let subscriptions = Subscriptions::new(store.clone());
    for name in ["log/Log/a", "log/Log/b", "log/Log/a", "log/Log/b"] {
        append_one(store, name).await;
    }
    let b = Selection::Stream(stream("log/Log/b"));
    let mut subscription: Subscription = subscriptions.open(Subscribe::hot_cold(b)).await.unwrap();
    assert_eq!(subscription.position(), OrderId(0));
    assert_eq!(next(&mut subscription).await, OrderId(2));
    assert_eq!(subscription.position(), OrderId(3), "the event at 3 is of another stream");
    assert_eq!(next(&mut subscription).await, OrderId(4));
    assert_eq!(subscription.position(), OrderId(4));
}
