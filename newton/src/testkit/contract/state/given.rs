//! The words the promises are written in: short ways to write and to read records.

use bytes::Bytes;

use crate::error::ErrorKind;
use crate::store::{Expect, Revision, StateKey, StateRecord, StateStore, StateWrite};

pub(super) const SPACE: &str = "checkpoint";

/// Keys that a store might take for something else.
pub(super) const ODD_KEYS: [&str; 10] = [
    "a",
    "A",
    " a ",
    "a/b:c",
    "%",
    "_",
    "quotes ' \" \\",
    "gr\u{fc}n \u{1F98A}",
    "line\nbreak",
    "null\u{0}byte",
];

pub(super) fn key(key: &str) -> StateKey {
    StateKey::new(SPACE, key)
}

pub(super) fn set(name: &str, expect: Expect, value: &str) -> StateWrite {
    StateWrite { key: key(name), expect, value: Some(Bytes::copy_from_slice(value.as_bytes())) }
}

pub(super) fn remove(name: &str, expect: Expect) -> StateWrite {
    StateWrite { key: key(name), expect, value: None }
}

/// Writes one record and insists on it.
pub(super) async fn put(store: &dyn StateStore, write: StateWrite) -> Revision {
    written(store, vec![write]).await[0]
}

/// Writes a batch and insists on it.
pub(super) async fn written(store: &dyn StateStore, batch: Vec<StateWrite>) -> Vec<Revision> {
    let (what, count) = (format!("{batch:?}"), batch.len());
    let revisions = store.write(batch).await.unwrap_or_else(|error| panic!("{what:.400}: {error:?}"));
    assert_eq!(revisions.len(), count, "one revision for each write: {what:.400}");
    revisions
}

/// Writes a batch and insists that it is refused.
pub(super) async fn refused(store: &dyn StateStore, batch: Vec<StateWrite>) -> ErrorKind {
    let what = format!("{batch:?}");
    match store.write(batch).await {
        Ok(revisions) => panic!("this batch must be refused, but gave {revisions:?}: {what:.400}"),
        Err(error) => error.kind().clone(),
    }
}

pub(super) async fn record(store: &dyn StateStore, name: &str) -> Option<StateRecord> {
    store.get(&key(name)).await.unwrap_or_else(|error| panic!("`{name:?}` must be read: {error:?}"))
}

/// The content under a key, as text.
pub(super) async fn value(store: &dyn StateStore, name: &str) -> Option<String> {
    let record = record(store, name).await?;
    assert_eq!(record.key, *name, "a record knows its key");
    Some(String::from_utf8_lossy(&record.value).into_owned())
}
