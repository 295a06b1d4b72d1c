//! Laws of the values that stores are asked with: queries, ids and stream names.

use newton::domain::{Filter, Query, Tag};
use newton::{AggregateId, CommandId, CorrelationId, EventId, StreamName};
use proptest::collection::vec;
use proptest::prelude::*;

fn tags() -> impl Strategy<Value = Vec<Tag>> {
    vec(("[ab]", "[12]").prop_map(|(key, value)| Tag::new(key, value)), 0..4)
}

fn filters() -> impl Strategy<Value = Filter> {
    (vec("[XYZ]", 0..3), tags())
        .prop_map(|(types, tags)| Filter { types: types.into_iter().map(Into::into).collect(), tags })
}

fn queries() -> impl Strategy<Value = Query> {
    vec(filters(), 0..4).prop_map(|any| Query { any })
}

/// Any text, UUIDs in any of their forms, and what is almost one.
fn texts() -> impl Strategy<Value = String> {
    let hex = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    prop_oneof![
        any::<String>(),
        hex,
        hex.prop_map(|text| text.to_uppercase()),
        hex.prop_map(|text| text.replace('-', "")),
        hex.prop_map(|text| format!("{{{text}}}")),
        hex.prop_map(|text| format!("urn:uuid:{text}")),
        "[0-9a-fA-F-]{30,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_query_matches_where_one_of_its_filters_does(query in queries(), event_type in "[XYZ]", tags in tags()) {
        let by_hand = query.any.is_empty() || query.any.iter().any(|filter| {
            let type_fits = filter.types.is_empty() || filter.types.iter().any(|name| *name == *event_type);
            type_fits && filter.tags.iter().all(|tag| tags.contains(tag))
        });
        prop_assert_eq!(query.matches(&event_type, &tags), by_hand);
    }

    #[test]
    fn another_filter_never_narrows_a_query(
        query in queries(),
        filter in filters(),
        event_type in "[XYZ]",
        tags in tags(),
    ) {
        let wider = query.clone().or(filter.clone());
        let either = filter.matches(&event_type, &tags) || (!query.any.is_empty() && query.matches(&event_type, &tags));
        prop_assert_eq!(wider.matches(&event_type, &tags), either);
    }

    #[test]
    fn more_tags_on_an_event_never_lose_a_match(
        query in queries(),
        event_type in "[XYZ]",
        tags in tags(),
        more in tags(),
    ) {
        if query.matches(&event_type, &tags) {
            prop_assert!(query.matches(&event_type, &[tags, more].concat()));
        }
    }

    #[test]
    fn the_order_of_filters_and_tags_is_no_matter(query in queries(), event_type in "[XYZ]", tags in tags()) {
        let mut reversed = query.clone();
        reversed.any.reverse();
        for filter in &mut reversed.any {
            filter.tags.reverse();
            filter.types.reverse();
        }
        let mut tags_reversed = tags.clone();
        tags_reversed.reverse();
        prop_assert_eq!(query.matches(&event_type, &tags), reversed.matches(&event_type, &tags_reversed));
    }

    #[test]
    fn a_query_for_all_matches_everything(query in queries(), event_type in any::<String>(), tags in tags()) {
        if query.is_all() {
            prop_assert!(query.matches(&event_type, &tags));
        }
        prop_assert!(Query::all().matches(&event_type, &tags));
    }

    #[test]
    fn an_id_keeps_any_text(text in texts()) {
        prop_assert_eq!(EventId::from(text.as_str()).to_string(), text.clone());
        prop_assert_eq!(CommandId::from(text.as_str()).to_string(), text.clone());
        prop_assert_eq!(CorrelationId::from(text.clone()).to_string(), text);
    }

    #[test]
    fn ids_are_equal_where_their_texts_are(left in texts(), right in texts()) {
        prop_assert_eq!(EventId::from(left.as_str()) == EventId::from(right.as_str()), left == right);
        prop_assert_eq!(EventId::from(left.as_str()), EventId::from(left));
    }

    #[test]
    fn an_id_is_the_same_from_a_uuid_and_from_its_text(bytes in any::<u128>()) {
        let uuid = uuid::Uuid::from_u128(bytes);
        prop_assert_eq!(EventId::from(uuid), EventId::from(uuid.to_string()));
        prop_assert_eq!(EventId::from(uuid.to_string()).as_uuid(), Some(uuid));
    }

    #[test]
    fn a_stream_name_is_kept_or_refused(text in any::<String>()) {
        let fits = !text.is_empty() && text.len() <= StreamName::MAX_LEN && !text.chars().any(char::is_control);
        let name = StreamName::parse(text.as_str());
        prop_assert_eq!(name.is_ok(), fits && text != StreamName::ALL);
        if let Ok(name) = name {
            prop_assert_eq!(name.as_str(), text.as_str());
            prop_assert_eq!(name.is_system(), text.starts_with('$'));
            let whole = name.domain().map_or(name.id().to_owned(), |domain| format!("{domain}/{}", name.id()));
            prop_assert_eq!(whole, text);
        }
    }

    #[test]
    fn an_aggregates_stream_gives_its_parts_back(domain in "[a-z]{1,9}(/[A-Z][a-z]{1,9})?", id in "[^/\\p{Cc}]{1,60}") {
        let id = AggregateId::parse(id).unwrap();
        let stream = StreamName::of_aggregate(&domain, &id);
        prop_assert_eq!(stream.domain(), Some(domain.as_str()));
        prop_assert_eq!(stream.id(), id.as_str());
        prop_assert_eq!(StreamName::parse(stream.as_str()).unwrap(), stream);
    }
}
