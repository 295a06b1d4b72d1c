//! Appends are atomic, number what they write, and keep the time from falling.

use chrono::{SubsecRound, TimeDelta};

use super::given::*;
use crate::domain::Version;
use crate::error::ErrorKind;
use crate::store::{Append, EventStore};

/// Versions count 1, 2, 3 in each stream, whatever happens in others.
pub async fn versions_count_from_one_in_each_stream(store: &dyn EventStore) {
    assert_eq!(put(store, ADA, some(2)).await.versions, [Version(2)]);
    assert_eq!(put(store, BOB, some(1)).await.versions, [Version(1)]);
    assert_eq!(put(store, ADA, some(3)).await.versions, [Version(5)]);
    assert_eq!(versions(&events_of(store, ADA).await), [1, 2, 3, 4, 5]);
    assert_eq!(versions(&events_of(store, BOB).await), [1]);
}

/// Order ids rise over the whole store in the order of the appends, and the outcome names the last.
pub async fn order_ids_rise_in_commit_order(store: &dyn EventStore) {
    let mut expected = Vec::new();
    for round in 0..6 {
        let events = some(1 + round % 3);
        expected.extend(new_ids(&events));
        let outcome = put(store, [ADA, BOB][round % 2], events).await;
        let last = everything(store).await.pop().expect("something was appended");
        assert_eq!(outcome.order_id, last.order_id, "the outcome names the order id of its last event");
    }
    let events = everything(store).await;
    assert_eq!(ids(&events), expected);
    assert!(events.is_sorted_by(|a, b| a.order_id < b.order_id), "order ids must rise: {events:?}");
    assert!(events[0].order_id.0 > 0, "0 stands for the place before the first event");
}

/// Once acknowledged, an event is in every view that it belongs to.
pub async fn an_acknowledged_append_is_read_at_once(store: &dyn EventStore) {
    for count in 1..=20 {
        put(store, ADA, some(1)).await;
        assert_eq!(version_of(store, ADA).await, Version(count));
        assert_eq!(everything(store).await.len() as u64, count);
    }
}

/// An append without events, or without streams, is a caller's mistake.
pub async fn an_append_of_nothing_is_refused(store: &dyn EventStore) {
    assert_eq!(refused(store, to(ADA, Any, Vec::new())).await, ErrorKind::InvalidInput);
    assert_eq!(refused(store, together(Vec::new())).await, ErrorKind::InvalidInput);
}

/// One append to several streams writes all of them, in the order of the append.
pub async fn several_streams_are_written_together(store: &dyn EventStore) {
    put(store, BOB, some(1)).await;
    let (first, second) = (some(2), some(3));
    let ids_in_order = [new_ids(&first), new_ids(&second)].concat();
    let append = together(vec![part(ADA, Any, first), part(BOB, Any, second)]);
    if !store.capability().multi_stream {
        return is_unsupported(store, append).await;
    }
    let outcome = accepted(store, append).await;
    assert_eq!(outcome.versions, [Version(2), Version(4)]);
    let events = everything(store).await;
    assert_eq!(ids(&events[1..]), ids_in_order);
    assert_eq!(events.last().map(|event| event.order_id), Some(outcome.order_id));
}

/// Where one stream of an append cannot be written, none is.
pub async fn several_streams_fail_together(store: &dyn EventStore) {
    put(store, BOB, some(2)).await;
    let append = |expected| together(vec![part(ADA, Any, some(1)), part(BOB, expected, some(1))]);
    if !store.capability().multi_stream {
        return is_unsupported(store, append(Any)).await;
    }
    if store.capability().expected_versions {
        let kind = refused(store, append(Exact(Version(1)))).await;
        let (stream, expected, actual) = (stream(BOB), Exact(Version(1)), Version(2));
        assert_eq!(kind, ErrorKind::Conflict { stream, expected, actual });
    }
    delete(store, BOB).await;
    assert_eq!(refused(store, append(Any)).await, ErrorKind::Deleted);
    assert_eq!(version_of(store, ADA).await, Version::EMPTY);
}

/// Two parts of one append cannot go to the same stream.
pub async fn a_stream_stands_once_in_an_append(store: &dyn EventStore) {
    let append = together(vec![part(ADA, Any, some(1)), part(ADA, Any, some(1))]);
    let kind = refused(store, append).await;
    let lacking = !store.capability().multi_stream && kind == ErrorKind::Unsupported;
    assert!(lacking || kind == ErrorKind::InvalidInput, "{kind:?}");
}

/// When the caller's clock goes backwards, the last recorded time is recorded again.
pub async fn recorded_times_never_fall(store: &dyn EventStore) {
    for (name, second) in [(ADA, 10), (BOB, 5), (ADA, 10), (BOB, 12), (ADA, -1_000_000)] {
        accepted(store, Append { time: at(second), ..to(name, Any, some(1)) }).await;
    }
    let times: Vec<_> = everything(store).await.iter().map(|event| event.time).collect();
    assert_eq!(times, [10, 10, 10, 12, 12].map(at));
}

/// Times are recorded to the microsecond.
pub async fn recorded_times_have_microseconds(store: &dyn EventStore) {
    let time = at(0) + TimeDelta::nanoseconds(123_456_789);
    accepted(store, Append { time, ..to(ADA, Any, some(1)) }).await;
    assert_eq!(events_of(store, ADA).await[0].time, time.trunc_subsecs(6));
}
