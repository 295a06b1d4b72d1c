//! A tombstone ends a stream for ever and leaves its history.

use super::given::*;
use crate::domain::{Version, envelope::TOMBSTONE};
use crate::error::{ErrorKind, Retry};
use crate::store::{EventStore, Read, Selection};

/// A load says that the stream was deleted, and gives the events before the tombstone.
pub async fn a_load_says_deleted(store: &dyn EventStore) {
    put(store, ADA, some(3)).await;
    assert_eq!(delete(store, ADA).await.versions, [Version(4)]);
    for (after, count) in [(0, 3), (2, 1), (3, 0), (4, 0), (9, 0)] {
        let slice = load(store, ADA, after, 10).await;
        assert_eq!(
            (slice.events.len(), slice.version, slice.deleted),
            (count, Version(3), true),
            "above {after}"
        );
    }
    assert_eq!(load(store, ADA, 0, 2).await.events.len(), 2);
}

/// No append reaches a deleted stream, whatever it expects; the refusal is final and names the stream.
pub async fn later_appends_are_refused(store: &dyn EventStore) {
    put(store, ADA, some(1)).await;
    delete(store, ADA).await;
    let mut expectations = vec![Any];
    if store.capability().expected_versions {
        expectations.extend([NoStream, Exists, Exact(Version(1)), Exact(Version(2)), Exact(Version(0))]);
    }
    for expected in expectations {
        assert_eq!(refused(store, to(ADA, expected, some(1))).await, ErrorKind::Deleted, "{expected:?}");
    }
    assert_eq!(refused(store, to(ADA, Any, vec![tombstone()])).await, ErrorKind::Deleted);
    let error = store.append(to(ADA, Any, some(1))).await.expect_err("deleted");
    assert!(error.to_string().contains(ADA), "{error}");
    assert_eq!(error.retry(), Retry::Never);
    put(store, BOB, some(1)).await;
}

/// Reads still show the history, the tombstone included.
pub async fn reads_still_show_the_history(store: &dyn EventStore) {
    let events = [some(2), vec![tombstone()]].concat();
    put(store, ADA, events[..2].to_vec()).await;
    put(store, BOB, some(1)).await;
    put(store, ADA, events[2..].to_vec()).await;
    let history = events_of(store, ADA).await;
    assert_eq!((ids(&history), versions(&history)), (new_ids(&events), vec![1, 2, 3]));
    assert_eq!(history[2].event_type, TOMBSTONE);
    for selection in [Selection::All, Selection::Domain(stream("bank/Account"))] {
        assert_eq!(read(store, Read::of(selection)).await.len(), 4);
    }
}

/// A tombstone comes last in its append, and ends a stream together with its last events.
pub async fn a_tombstone_is_the_last_event(store: &dyn EventStore) {
    let kind = refused(store, to(ADA, Any, vec![tombstone(), event("Noted")])).await;
    assert_eq!(kind, ErrorKind::InvalidInput);
    put(store, ADA, vec![event("Noted"), tombstone()]).await;
    let slice = load(store, ADA, 0, 10).await;
    assert_eq!((slice.events.len(), slice.version, slice.deleted), (1, Version(1), true));
}

/// A stream can be closed before it ever held an event.
pub async fn an_empty_stream_can_be_deleted(store: &dyn EventStore) {
    delete(store, ADA).await;
    let slice = load(store, ADA, 0, 10).await;
    assert_eq!((slice.events.len(), slice.version, slice.deleted), (0, Version::EMPTY, true));
    assert_eq!(refused(store, to(ADA, Any, some(1))).await, ErrorKind::Deleted);
}
