//! An append under a condition happens only where no event since then matches: the dynamic consistency boundary.

use super::super::parallel::in_parallel;
use super::given::*;
use crate::domain::{Filter, OrderId, Query};
use crate::error::{ErrorKind, Retry};
use crate::store::{Append, Condition, EventStore};

fn under(query: Query, after: OrderId) -> Append {
    Append { condition: Some(Condition { query, after }), ..to(BOB, Any, vec![event("Checked")]) }
}

fn of_types_and_tag(types: &[&str], key: &str, value: &str) -> Filter {
    Filter {
        types: types.iter().map(|name| (*name).to_owned().into()).collect(),
        tags: vec![tag(key, value)],
    }
}

/// Each kind of query rules out what it matches and lets the rest pass.
pub async fn each_kind_of_query_is_checked(store: &dyn EventStore) {
    if !store.capability().conditions {
        return is_unsupported(store, under(Query::all(), OrderId::START)).await;
    }
    accepted(store, under(Query::all(), OrderId::START)).await;
    put(store, ADA, vec![tagged("Enrolled", &[("course", "c1"), ("student", "s1")])]).await;
    let fails = [
        Query::types(["Enrolled"]),
        Query::types(["Nothing", "Enrolled"]),
        Query::tags([tag("course", "c1")]),
        Query::tags([tag("student", "s1"), tag("course", "c1")]),
        of_types_and_tag(&["Enrolled"], "course", "c1").into(),
        Query::types(["Nothing"]).or(of_types_and_tag(&[], "student", "s1")),
        Query::all(),
        Query::types(["Nothing"]).or(Filter::default()),
    ];
    for query in fails {
        let kind = refused(store, under(query.clone(), OrderId::START)).await;
        assert!(
            matches!(kind, ErrorKind::ConditionFailed { .. }),
            "{query:?} must rule it out, but gave {kind:?}"
        );
    }
    let passes = [
        Query::types(["Nothing"]),
        Query::types(["enrolled"]),
        Query::tags([tag("course", "c2")]),
        Query::tags([tag("course", "s1")]),
        Query::tags([tag("course", "c1"), tag("student", "s2")]),
        of_types_and_tag(&["Checked"], "course", "c1").into(),
        Query::types(["Nothing"]).or(of_types_and_tag(&["Enrolled"], "course", "c2")),
    ];
    for query in passes {
        accepted(store, under(query, OrderId::START)).await;
    }
}

/// Only events above `after` count.
pub async fn only_events_since_then_count(store: &dyn EventStore) {
    if !store.capability().conditions {
        return is_unsupported(store, under(Query::all(), OrderId::START)).await;
    }
    let first = put(store, ADA, vec![event("Enrolled")]).await.order_id;
    accepted(store, under(Query::types(["Enrolled"]), first)).await;
    let second = put(store, ADA, vec![event("Enrolled")]).await.order_id;
    refused(store, under(Query::types(["Enrolled"]), first)).await;
    accepted(store, under(Query::types(["Enrolled"]), second)).await;
    accepted(store, under(Query::all(), OrderId(u64::MAX))).await;
}

/// A failed condition names its bound and the first match, and asks the caller to decide again.
pub async fn a_failed_condition_names_the_first_match(store: &dyn EventStore) {
    if !store.capability().conditions {
        return is_unsupported(store, under(Query::all(), OrderId::START)).await;
    }
    let after = put(store, ADA, vec![event("Enrolled")]).await.order_id;
    put(store, BOB, some(3)).await;
    let found = put(store, ADA, vec![event("Enrolled")]).await.order_id;
    put(store, ADA, vec![event("Enrolled")]).await;
    let error = store.append(under(Query::types(["Enrolled"]), after)).await.expect_err("a match");
    assert_eq!(*error.kind(), ErrorKind::ConditionFailed { after, found });
    assert_eq!(error.retry(), Retry::AfterReload);
}

/// An append's own events do not count against its condition.
pub async fn an_append_does_not_rule_itself_out(store: &dyn EventStore) {
    let append = under(Query::types(["Checked"]), OrderId::START);
    if !store.capability().conditions {
        return is_unsupported(store, append).await;
    }
    accepted(store, append).await;
    refused(store, under(Query::types(["Checked"]), OrderId::START)).await;
}

/// A condition over an append to several streams holds for all of them.
pub async fn a_failed_condition_stops_every_stream(store: &dyn EventStore) {
    let head = put(store, ADA, some(1)).await.order_id;
    let append = |after| Append {
        condition: Some(Condition { query: Query::types(["Noted"]), after }),
        ..together(vec![part(ADA, Any, some(1)), part(BOB, Any, some(1))])
    };
    if !store.capability().conditions || !store.capability().multi_stream {
        return is_unsupported(store, append(head)).await;
    }
    refused(store, append(OrderId::START)).await;
    accepted(store, append(head)).await;
}

/// Of many appends under one condition at once, to different streams, exactly one is written.
pub async fn of_concurrent_appends_under_one_condition_one_wins(store: &dyn EventStore) {
    if !store.capability().conditions {
        return is_unsupported(store, under(Query::all(), OrderId::START)).await;
    }
    for seat in 0..10 {
        let seat = seat.to_string();
        let outcomes = in_parallel(8, |student| {
            let condition = Condition { query: Query::tags([tag("seat", &seat)]), after: OrderId::START };
            let taken = tagged("Taken", &[("seat", &seat)]);
            let append = to(&format!("school/Student/{student}"), Any, vec![taken]);
            store.append(Append { condition: Some(condition), ..append })
        });
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "exactly one of 8 may take seat {seat}: {outcomes:?}");
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(error.kind(), ErrorKind::ConditionFailed { .. }), "{error:?}");
        }
    }
}
