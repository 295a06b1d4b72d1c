//! The words the promises are written in: short ways to make events, to append and to read.

use chrono::TimeDelta;

use crate::domain::{
    EventId, ExpectedVersion, NewEvent, Payload, RecordedEvent, StreamName, Tag, Timestamp, Version,
};
use crate::error::ErrorKind;
use crate::store::{Append, Appended, EventStore, EventStoreExt, Load, Read, Selection, Slice, StreamAppend};

pub(super) use crate::domain::ExpectedVersion::{Any, Exact, Exists, NoStream};

/// A stream in a domain of its own.
pub(super) const ADA: &str = "bank/Account/ada";
/// Another stream of that domain.
pub(super) const BOB: &str = "bank/Account/bob";

pub(super) fn stream(name: &str) -> StreamName {
    StreamName::parse(name).expect("the test's stream name is valid")
}

/// A fixed time, and so many seconds.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

pub(super) fn event(event_type: &str) -> NewEvent {
    NewEvent::new(event_type.to_owned(), Payload::from_encoded("{}"))
}

pub(super) fn with_id(id: &str) -> NewEvent {
    NewEvent { id: EventId::from(id), ..event("Noted") }
}

pub(super) fn tagged(event_type: &str, tags: &[(&str, &str)]) -> NewEvent {
    let tags = tags.iter().map(|(key, value)| tag(key, value)).collect();
    NewEvent { tags, ..event(event_type) }
}

pub(super) fn tag(key: &str, value: &str) -> Tag {
    Tag::new(key.to_owned(), value)
}

/// So many new events.
pub(super) fn some(count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| event("Noted")).collect()
}

pub(super) fn part(name: &str, expected: ExpectedVersion, events: Vec<NewEvent>) -> StreamAppend {
    StreamAppend { stream: stream(name), expected, events }
}

pub(super) fn to(name: &str, expected: ExpectedVersion, events: Vec<NewEvent>) -> Append {
    Append::to(stream(name), expected, events, at(0))
}

pub(super) fn together(streams: Vec<StreamAppend>) -> Append {
    Append { streams, condition: None, time: at(0) }
}

/// Appends whatever the version is.
pub(super) async fn put(store: &dyn EventStore, name: &str, events: Vec<NewEvent>) -> Appended {
    accepted(store, to(name, Any, events)).await
}

/// Appends and insists that it is written now.
pub(super) async fn accepted(store: &dyn EventStore, append: Append) -> Appended {
    let what = format!("{append:?}");
    match store.append(append).await {
        Ok(appended) if !appended.duplicate => appended,
        other => panic!("this append must be written, but gave {other:?}: {what:.400}"),
    }
}

/// Appends and insists that it is refused and that nothing is written.
pub(super) async fn refused(store: &dyn EventStore, append: Append) -> ErrorKind {
    let before = everything(store).await;
    let what = format!("{append:?}");
    match store.append(append).await {
        Ok(appended) => panic!("this append must be refused, but gave {appended:?}: {what:.400}"),
        Err(error) => {
            assert_eq!(
                ids(&everything(store).await),
                ids(&before),
                "a refused append wrote something: {error}"
            );
            error.kind().clone()
        }
    }
}

/// Insists that a store which lacks a capability says so.
pub(super) async fn is_unsupported(store: &dyn EventStore, append: Append) {
    assert_eq!(
        refused(store, append).await,
        ErrorKind::Unsupported,
        "what the capability record denies must be refused as unsupported"
    );
}

pub(super) async fn read(store: &dyn EventStore, read: Read) -> Vec<RecordedEvent> {
    let what = format!("{read:?}");
    store.read_all(read).await.unwrap_or_else(|error| panic!("{what} must succeed, but gave {error:?}"))
}

/// Every event of the store, those of the system too.
pub(super) async fn everything(store: &dyn EventStore) -> Vec<RecordedEvent> {
    read(store, Read::of(Selection::All).with_system()).await
}

pub(super) async fn events_of(store: &dyn EventStore, name: &str) -> Vec<RecordedEvent> {
    read(store, Read::of(Selection::Stream(stream(name)))).await
}

/// One page of a stream for folding.
pub(super) async fn load(store: &dyn EventStore, name: &str, after: u64, limit: usize) -> Slice {
    let load = Load { stream: stream(name), after: Version(after), limit };
    store.load(load).await.unwrap_or_else(|error| panic!("`{name}` must load, but gave {error:?}"))
}

pub(super) async fn version_of(store: &dyn EventStore, name: &str) -> Version {
    load(store, name, 0, 1).await.version
}

pub(super) fn ids(events: &[RecordedEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id.clone()).collect()
}

pub(super) fn new_ids(events: &[NewEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id.clone()).collect()
}

pub(super) fn versions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version.0).collect()
}

/// Ends a stream.
pub(super) async fn delete(store: &dyn EventStore, name: &str) -> Appended {
    put(store, name, vec![tombstone()]).await
}

pub(super) fn tombstone() -> NewEvent {
    NewEvent::new(crate::domain::envelope::TOMBSTONE, Payload::from_encoded("{}"))
}
