//! What is over a limit is refused whole, with an error that names it.

use super::given::*;
use crate::domain::{NewEvent, Payload, Version};
use crate::error::ErrorKind;
use crate::store::EventStore;

/// A payload at the limit is written, and one above it refused.
pub async fn a_payload_above_the_limit_is_refused(store: &dyn EventStore) {
    let limit = store.capability().limits.event_bytes;
    let sized = |size: usize| {
        let payload = Payload::from_encoded(format!("\"{}\"", "x".repeat(size - 2)));
        NewEvent { payload, ..event("Noted") }
    };
    assert_eq!(
        refused(store, to(ADA, Any, vec![event("Noted"), sized(limit + 1)])).await,
        ErrorKind::TooLarge
    );
    put(store, ADA, vec![sized(limit)]).await;
    assert_eq!(load(store, ADA, 0, 1).await.events[0].payload.len(), limit);
}

/// An append of as many events as allowed is written, and one of more refused.
pub async fn an_append_above_the_limit_is_refused(store: &dyn EventStore) {
    let limit = store.capability().limits.events;
    assert_eq!(refused(store, to(ADA, Any, some(limit + 1))).await, ErrorKind::TooLarge);
    let outcome = put(store, ADA, some(limit)).await;
    assert_eq!(outcome.versions, [Version(limit as u64)]);
}

/// An event type needs a printable name.
pub async fn an_event_type_without_a_printable_name_is_refused(store: &dyn EventStore) {
    for name in ["", "a\nb", "\u{0}", &"x".repeat(513)] {
        assert_eq!(
            refused(store, to(ADA, Any, vec![event(name)])).await,
            ErrorKind::InvalidInput,
            "{name:?}"
        );
    }
}

/// The longest stream name is a name like any other.
pub async fn the_longest_stream_name_works(store: &dyn EventStore) {
    let names =
        [format!("bank/Account/{}", "x".repeat(1_011)), format!("bank/Account/{}y", "x".repeat(1_010))];
    for (count, name) in names.iter().enumerate() {
        put(store, name, some(count + 1)).await;
    }
    for (count, name) in names.iter().enumerate() {
        assert_eq!(version_of(store, name).await, Version(count as u64 + 1));
    }
}
