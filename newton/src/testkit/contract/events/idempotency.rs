//! An event id takes effect once, for ever, and is checked before everything else.

use super::super::parallel::in_parallel;
use super::given::*;
use crate::domain::{NewEvent, Query, Version};
use crate::error::ErrorKind;
use crate::store::{Append, Appended, Condition, EventStore};

/// The same append again gives the first outcome and writes nothing, whatever came between.
pub async fn the_same_append_again_gives_the_first_outcome(store: &dyn EventStore) {
    let append = to(ADA, Any, some(3));
    let first = accepted(store, append.clone()).await;
    is_duplicate(store, append.clone(), &first).await;
    put(store, BOB, some(2)).await;
    put(store, ADA, some(4)).await;
    is_duplicate(store, append, &first).await;
}

/// The same append to several streams gives the first outcome for each.
pub async fn the_same_append_to_several_streams_gives_the_first_outcome(store: &dyn EventStore) {
    put(store, BOB, some(5)).await;
    let append = together(vec![part(BOB, Any, some(1)), part(ADA, Any, some(2))]);
    if !store.capability().multi_stream {
        return is_unsupported(store, append).await;
    }
    let first = accepted(store, append.clone()).await;
    assert_eq!(first.versions, [Version(6), Version(2)]);
    put(store, ADA, some(1)).await;
    is_duplicate(store, append, &first).await;
}

/// An append that holds known ids beside new ones is refused, and the known id is named.
pub async fn partly_known_ids_are_refused(store: &dyn EventStore) {
    let known = some(2);
    put(store, ADA, known.clone()).await;
    for events in [
        vec![known[1].clone(), event("Noted")],
        vec![event("Noted"), known[1].clone()],
        vec![event("Noted"), known[1].clone(), event("Noted")],
    ] {
        is_reused(store, to(ADA, Any, events), &known[1]).await;
    }
}

/// An id that is known in another stream is refused, alone or among others.
pub async fn ids_known_in_another_stream_are_refused(store: &dyn EventStore) {
    let known = event("Noted");
    put(store, ADA, vec![known.clone()]).await;
    is_reused(store, to(BOB, Any, vec![known.clone()]), &known).await;
    is_reused(store, to(BOB, Any, vec![event("Noted"), known.clone()]), &known).await;
    is_reused(store, to("$system/Log/1", Any, vec![known.clone()]), &known).await;
    let append = together(vec![part(BOB, Any, vec![known.clone()]), part(ADA, Any, some(1))]);
    if !store.capability().multi_stream {
        return is_unsupported(store, append).await;
    }
    is_reused(store, append, &known).await;
}

/// An id cannot stand for two events of one append.
pub async fn an_id_twice_in_one_append_is_refused(store: &dyn EventStore) {
    let twice = event("Noted");
    is_reused(store, to(ADA, Any, vec![twice.clone(), twice.clone()]), &twice).await;
    is_reused(store, to(ADA, Any, vec![twice.clone(), event("Noted"), twice.clone()]), &twice).await;
    if store.capability().multi_stream {
        let append = together(vec![part(ADA, Any, vec![twice.clone()]), part(BOB, Any, vec![twice.clone()])]);
        is_reused(store, append, &twice).await;
    }
    put(store, ADA, vec![twice]).await;
}

/// A refused append leaves its ids free.
pub async fn ids_of_a_refused_append_stay_free(store: &dyn EventStore) {
    let known = event("Noted");
    put(store, ADA, vec![known.clone()]).await;
    let fresh = event("Noted");
    is_reused(store, to(ADA, Any, vec![fresh.clone(), known.clone()]), &known).await;
    if store.capability().expected_versions {
        refused(store, to(BOB, Exact(Version(9)), vec![fresh.clone()])).await;
    }
    put(store, BOB, vec![fresh]).await;
}

/// A known append is a duplicate, and a reused id is named, even where the expected version no longer holds.
pub async fn ids_are_checked_before_the_expected_version(store: &dyn EventStore) {
    let events = some(2);
    let append = to(ADA, NoStream, events.clone());
    if !store.capability().expected_versions {
        return is_unsupported(store, append).await;
    }
    let first = accepted(store, append.clone()).await;
    is_duplicate(store, append, &first).await;
    is_duplicate(store, to(ADA, Exact(Version(77)), events.clone()), &first).await;
    is_reused(store, to(ADA, NoStream, vec![event("Noted"), events[0].clone()]), &events[0]).await;
    is_reused(store, to(BOB, Exists, vec![events[0].clone()]), &events[0]).await;
}

/// A known append to a stream that was deleted since is still a duplicate; so is the deletion itself.
pub async fn ids_are_checked_before_the_tombstone(store: &dyn EventStore) {
    let append = to(ADA, Any, some(2));
    let first = accepted(store, append.clone()).await;
    let deletion = to(ADA, Any, vec![tombstone()]);
    let deleted = accepted(store, deletion.clone()).await;
    is_duplicate(store, append.clone(), &first).await;
    is_duplicate(store, deletion, &deleted).await;
    let known = &append.streams[0].events[0];
    is_reused(store, to(ADA, Any, vec![known.clone(), event("Noted")]), known).await;
}

/// A known append is a duplicate even where its condition no longer holds: it may be its own match.
pub async fn ids_are_checked_before_the_condition(store: &dyn EventStore) {
    let condition = Some(Condition { query: Query::types(["Noted"]), after: crate::OrderId::START });
    let append = Append { condition, ..to(ADA, Any, some(1)) };
    if !store.capability().conditions {
        return is_unsupported(store, append).await;
    }
    let first = accepted(store, append.clone()).await;
    is_duplicate(store, append, &first).await;
}

/// A deleted stream is reported before a wrong expected version, and that before a failed condition.
pub async fn tombstone_version_and_condition_are_checked_in_this_order(store: &dyn EventStore) {
    put(store, ADA, some(2)).await;
    let condition = store
        .capability()
        .conditions
        .then(|| Condition { query: Query::all(), after: crate::OrderId::START });
    if !store.capability().expected_versions {
        return is_unsupported(store, to(ADA, NoStream, some(1))).await;
    }
    let kind = refused(store, Append { condition: condition.clone(), ..to(ADA, NoStream, some(1)) }).await;
    assert!(matches!(kind, ErrorKind::Conflict { .. }), "{kind:?}");
    delete(store, ADA).await;
    let kind = refused(store, Append { condition: condition.clone(), ..to(ADA, NoStream, some(1)) }).await;
    assert_eq!(kind, ErrorKind::Deleted);
    if store.capability().multi_stream {
        let parts = vec![part(BOB, Exists, some(1)), part(ADA, Any, some(1))];
        assert_eq!(refused(store, Append { condition, ..together(parts) }).await, ErrorKind::Deleted);
    }
}

/// Of many deliveries of one append at once, one is written; the others have its outcome.
pub async fn concurrent_duplicates_are_written_once(store: &dyn EventStore) {
    for round in 1..=10 {
        let append = to(ADA, Any, some(2));
        let outcomes = in_parallel(8, |_| store.append(append.clone()));
        let outcomes: Vec<Appended> =
            outcomes.into_iter().map(|outcome| outcome.expect("a duplicate")).collect();
        assert_eq!(outcomes.iter().filter(|outcome| !outcome.duplicate).count(), 1, "{outcomes:?}");
        for outcome in outcomes {
            assert_eq!(outcome.versions, [Version(round * 2)]);
        }
    }
    assert_eq!(versions(&events_of(store, ADA).await), (1..=20).collect::<Vec<u64>>());
}

/// Ids are any text: what differs by a letter's case, a space or a hyphen are different ids.
pub async fn ids_of_any_text_are_kept_apart(store: &dyn EventStore) {
    let texts = [
        "550e8400-e29b-41d4-a716-446655440000",
        "550E8400-E29B-41D4-A716-446655440000",
        "550e8400e29b41d4a716446655440000",
        "{550e8400-e29b-41d4-a716-446655440000}",
        "urn:uuid:550e8400-e29b-41d4-a716-446655440000",
        "order-7",
        "order-7 ",
        "Order-7",
        "order/7'; drop table events; --",
        "grün \u{1F98A} \\ \" % _ \t \n",
        "",
    ];
    for text in texts {
        put(store, ADA, vec![with_id(text)]).await;
    }
    let kept: Vec<String> = events_of(store, ADA).await.iter().map(|event| event.id.to_string()).collect();
    assert_eq!(kept, texts);
    for text in texts {
        is_reused(store, to(BOB, Any, vec![with_id(text)]), &with_id(text)).await;
    }
}

async fn is_duplicate(store: &dyn EventStore, append: Append, first: &Appended) {
    let before = everything(store).await;
    let outcome = store.append(append).await.unwrap_or_else(|error| panic!("a duplicate failed: {error:?}"));
    assert_eq!(outcome, Appended { duplicate: true, ..first.clone() }, "a duplicate gives the first outcome");
    assert_eq!(everything(store).await, before, "a duplicate writes nothing");
}

async fn is_reused(store: &dyn EventStore, append: Append, event: &NewEvent) {
    assert_eq!(refused(store, append).await, ErrorKind::IdReused { id: event.id.clone() });
}
