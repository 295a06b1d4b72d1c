//! Reads keep to the event types and tags that they ask for.

use super::given::*;
use crate::domain::{Filter, Query};
use crate::store::{EventStore, Read, Selection};

async fn school(store: &dyn EventStore) {
    type Round = (&'static str, &'static str, &'static [(&'static str, &'static str)]);
    let rounds: [Round; 9] = [
        ("school/Student/s1", "Enrolled", &[("course", "c1"), ("student", "s1")]),
        ("school/Student/s2", "Enrolled", &[("course", "c1"), ("student", "s2")]),
        ("school/Course/c1", "Moved", &[("course", "c1")]),
        ("school/Student/s1", "Left", &[("student", "s1"), ("course", "c1")]),
        ("school/Student/s1", "Enrolled", &[("course", "c2"), ("student", "s1"), ("student", "s1")]),
        ("school/Student/s1", "Renamed", &[]),
        ("$school/Audit/1", "Enrolled", &[("course", "c1")]),
        ("school/Student/s3", "enrolled", &[("Course", "c1"), ("course", "C1")]),
        ("school/Student/s3", "Noted", &[("course", "c"), ("c", "1"), ("student:s", "1")]),
    ];
    for (name, event_type, tags) in rounds.into_iter().chain(rounds) {
        put(store, name, vec![tagged(event_type, tags)]).await;
    }
}

fn queries() -> Vec<Query> {
    let course = tag("course", "c1");
    let student = tag("student", "s1");
    let filter = |types: &[&str], tags: &[crate::domain::Tag]| Filter {
        types: types.iter().map(|name| (*name).to_owned().into()).collect(),
        tags: tags.to_vec(),
    };
    vec![
        Query::all(),
        Query::types(["Enrolled"]),
        Query::types(["Left", "Renamed", "Nothing"]),
        Query::types(["Nothing"]),
        Query::tags([course.clone()]),
        Query::tags([course.clone(), student.clone()]),
        Query::tags([course.clone(), course.clone()]),
        Query::tags([course.clone(), tag("student", "nobody")]),
        Query::tags([tag("student", "s:1")]),
        filter(&["Enrolled"], &[course.clone(), student.clone()]).into(),
        filter(&["Enrolled", "Left"], std::slice::from_ref(&student)).into(),
        Query::types(["Moved"]).or(filter(&["Enrolled"], std::slice::from_ref(&course))),
        Query::types(["Enrolled"]).or(filter(&["Enrolled"], &[student])).or(filter(&[], &[course])),
        Query::types(["Nothing"]).or(Filter::default()),
    ]
}

/// Every selection gives exactly the events that match, whole and in order, in either direction and by any page.
pub async fn exactly_the_matching_events_are_read(store: &dyn EventStore) {
    school(store).await;
    for selection in [
        Selection::All,
        Selection::Domain(stream("school/Student")),
        Selection::Stream(stream("school/Student/s1")),
        Selection::Ids(ids(&everything(store).await)),
    ] {
        let all = read(store, Read::of(selection.clone())).await;
        for query in queries() {
            let mut expected = all.clone();
            expected.retain(|event| query.matches(&event.event_type, &event.tags));
            let request = Read::of(selection.clone()).matching(query);
            assert_eq!(read(store, request.clone()).await, expected, "{request:?}");
            assert_eq!(read(store, request.clone().limit(2)).await, expected, "by pages: {request:?}");
            expected.reverse();
            assert_eq!(read(store, request.clone().backward()).await, expected, "backward: {request:?}");
            assert_eq!(
                read(store, request.clone().backward().limit(1)).await,
                expected,
                "backward by pages: {request:?}"
            );
        }
    }
}

/// Filters find system events too where these are asked for.
pub async fn filters_include_system_events_where_asked_for(store: &dyn EventStore) {
    school(store).await;
    let all = everything(store).await;
    for query in queries() {
        let mut expected = all.clone();
        expected.retain(|event| query.matches(&event.event_type, &event.tags));
        let found = read(store, Read::of(Selection::All).with_system().matching(query.clone())).await;
        assert_eq!(found, expected, "{query:?}");
    }
}

/// A domain stream knows its event types, sorted, each once.
pub async fn a_domain_stream_knows_its_event_types(store: &dyn EventStore) {
    school(store).await;
    let types = |domain: &'static str| async move {
        store
            .event_types(&stream(domain))
            .await
            .unwrap_or_else(|error| panic!("the types of {domain}: {error:?}"))
    };
    assert_eq!(types("school/Student").await, ["Enrolled", "Left", "Noted", "Renamed", "enrolled"]);
    assert_eq!(types("school/Course").await, ["Moved"]);
    assert!(types("school").await.is_empty());
    assert!(types("school/Student/s1").await.is_empty());
}
