//! Reads cover what they select, in order, from where they are told.

use super::given::*;
use crate::domain::{EventId, OrderId, RecordedEvent, Version};
use crate::error::ErrorKind;
use crate::store::{Append, EventStore, Load, Position, Read, Selection};

const SYSTEM: &str = "$saga/Transfer/1";

fn of_domain(name: &str) -> Read {
    Read::of(Selection::Domain(stream(name)))
}

fn of_stream(name: &str) -> Read {
    Read::of(Selection::Stream(stream(name)))
}

fn reversed(mut events: Vec<RecordedEvent>) -> Vec<RecordedEvent> {
    events.reverse();
    events
}

/// A read of a stream gives its events alone, by version, in either direction.
pub async fn a_stream_is_read_in_version_order(store: &dyn EventStore) {
    for name in [ADA, BOB, ADA, "bank/Account/ada2", "bank/Account/AdA", ADA] {
        put(store, name, some(2)).await;
    }
    let forward = read(store, of_stream(ADA)).await;
    assert_eq!(versions(&forward), [1, 2, 3, 4, 5, 6]);
    assert!(forward.iter().all(|event| event.stream.as_str() == ADA), "{forward:?}");
    assert_eq!(read(store, of_stream(ADA).backward()).await, reversed(forward));
}

/// A domain stream holds the streams whose name up to the last `/` is its own, in order-id order.
pub async fn a_domain_stream_holds_its_streams_alone(store: &dyn EventStore) {
    let inside = [ADA, BOB, ADA, "bank/Account/%", "bank/Account/"];
    let outside =
        ["bank/Account", "bank/Account/nested/1", "bank/Account2/ada", "bank/account/ada", "bank/A_count/x"];
    for index in 0..inside.len() {
        put(store, inside[index], some(2)).await;
        put(store, outside[index], some(1)).await;
    }
    let forward = read(store, of_domain("bank/Account")).await;
    let names: Vec<_> = forward.iter().map(|event| event.stream.as_str()).collect();
    assert_eq!(names, inside.map(|name| [name; 2]).concat());
    assert!(forward.is_sorted_by(|a, b| a.order_id < b.order_id), "{forward:?}");
    assert_eq!(read(store, of_domain("bank/Account").backward()).await, reversed(forward));
    assert_eq!(read(store, of_domain("bank/A_count")).await.len(), 1);
}

/// A read of all gives every stream's events in order-id order, each with the same data as in its stream.
pub async fn all_is_a_view_of_every_stream(store: &dyn EventStore) {
    for name in [ADA, BOB, "alone", ADA, "shop/Order/1"] {
        put(store, name, some(2)).await;
    }
    let forward = read(store, Read::of(Selection::All)).await;
    assert_eq!(forward.len(), 10);
    assert!(forward.is_sorted_by(|a, b| a.order_id < b.order_id), "{forward:?}");
    assert_eq!(read(store, Read::of(Selection::All).backward()).await, reversed(forward.clone()));
    for name in [ADA, BOB, "alone", "shop/Order/1"] {
        let of_all: Vec<_> = forward.iter().filter(|event| event.stream.as_str() == name).cloned().collect();
        assert_eq!(events_of(store, name).await, of_all);
    }
}

/// System streams are read by name, but are in the view of all only where they are asked for.
pub async fn system_streams_are_hidden_unless_asked_for(store: &dyn EventStore) {
    put(store, ADA, some(1)).await;
    put(store, SYSTEM, some(2)).await;
    put(store, BOB, some(1)).await;
    assert_eq!(events_of(store, SYSTEM).await.len(), 2);
    for read_all in [Read::of(Selection::All), Read::of(Selection::All).backward()] {
        let shown = read(store, read_all.clone()).await;
        assert!(shown.len() == 2 && shown.iter().all(|event| !event.stream.is_system()), "{shown:?}");
        assert_eq!(read(store, read_all.with_system()).await.len(), 4);
    }
}

/// A read by ids finds them wherever they are, each once, in order-id order; unknown ones are left out.
pub async fn ids_are_found_wherever_they_are(store: &dyn EventStore) {
    let (first, second, third) = (event("Noted"), event("Noted"), with_id("a foreign id"));
    put(store, ADA, vec![first.clone(), event("Noted")]).await;
    put(store, SYSTEM, vec![second.clone()]).await;
    put(store, BOB, vec![third.clone()]).await;
    let asked = vec![
        third.id.clone(),
        EventId::generate(),
        first.id.clone(),
        "unknown".into(),
        second.id.clone(),
        third.id.clone(),
    ];
    let by_ids = Read::of(Selection::Ids(asked));
    let found = new_ids(&[first, second, third]);
    assert_eq!(ids(&read(store, by_ids.clone()).await), found);
    assert_eq!(ids(&read(store, by_ids.clone().limit(1)).await), found);
    assert_eq!(ids(&reversed(read(store, by_ids.backward().limit(2)).await)), found);
    assert!(read(store, Read::of(Selection::Ids(Vec::new()))).await.is_empty());
}

/// What holds nothing is read as nothing.
pub async fn what_does_not_exist_is_empty(store: &dyn EventStore) {
    for round in 0..2 {
        for selection in [Selection::Stream(stream(ADA)), Selection::Domain(stream("bank/Account"))] {
            for request in [Read::of(selection.clone()), Read::of(selection).backward()] {
                let page = store.read(request).await.expect("nothing is read without an error");
                assert!(page.events.is_empty() && page.next.is_none(), "{page:?}");
            }
        }
        assert_eq!(read(store, Read::of(Selection::All)).await.len(), round);
        put(store, "elsewhere/Thing/1", some(1)).await;
    }
}

/// A read of a stream begins at a version, inclusive, in either direction.
pub async fn a_stream_is_read_from_a_version(store: &dyn EventStore) {
    put(store, BOB, some(3)).await;
    put(store, ADA, some(12)).await;
    for from in (0..=13).chain([u64::MAX]) {
        let request = of_stream(ADA).from(Position::Version(Version(from)));
        let forward: Vec<_> = (1..=12).filter(|version| *version >= from).collect();
        assert_eq!(versions(&read(store, request.clone()).await), forward, "from {from}");
        let backward: Vec<_> = (1..=12).rev().filter(|version| *version <= from).collect();
        assert_eq!(versions(&read(store, request.backward()).await), backward, "backward from {from}");
    }
}

/// Every read begins at an order id, inclusive, whether or not it selects the event there.
pub async fn every_selection_is_read_from_an_order_id(store: &dyn EventStore) {
    for name in [ADA, BOB, "shop/Order/1", ADA, SYSTEM, ADA] {
        put(store, name, some(2)).await;
    }
    let last = everything(store).await.pop().expect("events").order_id.0;
    for selection in
        [Selection::All, Selection::Domain(stream("bank/Account")), Selection::Stream(stream(ADA))]
    {
        let all = read(store, Read::of(selection.clone())).await;
        for from in (0..=last + 1).chain([1 << 63, u64::MAX]).map(OrderId) {
            let request = Read::of(selection.clone()).from(Position::OrderId(from));
            let forward: Vec<_> = all.iter().filter(|event| event.order_id >= from).cloned().collect();
            assert_eq!(ids(&read(store, request.clone()).await), ids(&forward), "{request:?}");
            let backward: Vec<_> = all.iter().rev().filter(|event| event.order_id <= from).cloned().collect();
            assert_eq!(ids(&read(store, request.backward()).await), ids(&backward), "backward from {from}");
        }
    }
}

/// Every read begins at a time, inclusive, whether or not something happened then.
pub async fn every_selection_is_read_from_a_time(store: &dyn EventStore) {
    for (name, second) in [(ADA, 10), (BOB, 10), ("shop/Order/1", 20), (ADA, 30), (ADA, 25), (BOB, 40)] {
        accepted(store, Append { time: at(second), ..to(name, Any, some(2)) }).await;
    }
    for selection in
        [Selection::All, Selection::Domain(stream("bank/Account")), Selection::Stream(stream(ADA))]
    {
        let all = read(store, Read::of(selection.clone())).await;
        for time in [-100, 9, 10, 11, 20, 25, 29, 30, 31, 40, 41, 1_000_000].map(at) {
            let request = Read::of(selection.clone()).from(Position::Time(time));
            let forward: Vec<_> = all.iter().filter(|event| event.time >= time).cloned().collect();
            assert_eq!(ids(&read(store, request.clone()).await), ids(&forward), "{request:?}");
            let backward: Vec<_> = all.iter().rev().filter(|event| event.time <= time).cloned().collect();
            assert_eq!(ids(&read(store, request.backward()).await), ids(&backward), "backward from {time}");
        }
    }
}

/// A version is a place in one stream only, and a page of nothing is refused.
pub async fn reads_that_make_no_sense_are_refused(store: &dyn EventStore) {
    put(store, ADA, some(1)).await;
    let version = Position::Version(Version(1));
    for request in [
        Read::of(Selection::All).from(version),
        of_domain("bank/Account").from(version),
        Read::of(Selection::Ids(Vec::new())).from(version),
        Read::of(Selection::Correlation("any".into())).from(version),
        Read::of(Selection::All).limit(0),
        of_stream(ADA).limit(0),
    ] {
        let what = format!("{request:?}");
        let error = store.read(request).await.expect_err(&what);
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{what}: {error}");
    }
    let load = Load { stream: stream(ADA), after: Version::EMPTY, limit: 0 };
    assert_eq!(*store.load(load).await.expect_err("a page of nothing").kind(), ErrorKind::InvalidInput);
}

/// A load gives the events above a version, and always where the stream stands.
pub async fn a_load_gives_the_tail_above_a_version(store: &dyn EventStore) {
    let slice = load(store, ADA, 0, 10).await;
    assert!(slice.events.is_empty() && slice.version == Version::EMPTY && !slice.deleted, "{slice:?}");
    put(store, BOB, some(2)).await;
    put(store, ADA, some(12)).await;
    for after in [0, 1, 9, 10, 11, 12, 13, 1 << 63, u64::MAX] {
        let slice = load(store, ADA, after, 100).await;
        let found: Vec<_> = slice.events.iter().map(|event| event.version.0).collect();
        assert_eq!(found, (1..=12).filter(|version| *version > after).collect::<Vec<u64>>(), "above {after}");
        assert_eq!((slice.version, slice.deleted), (Version(12), false));
    }
}
