//! What is written comes back as it was, to the byte.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::given::*;
use crate::domain::{
    Cause, CommandId, CorrelationId, Encoding, EventId, Metadata, Name, NewEvent, Payload, Schema,
};
use crate::store::EventStore;

const ODD_TEXTS: [&str; 9] = [
    "plain",
    "grün, weiß, übel",
    "\u{1F98A}\u{1F469}\u{200D}\u{1F680} \u{202E}x",
    " spaces around ",
    "quotes ' \" ` \\ and % _ *",
    "line\nbreak\ttab\u{1}",
    "null\u{0}byte",
    "{\"json\": [1]}",
    "e\u{301} is not \u{e9}",
];

/// A payload keeps its bytes: white space, key order, long numbers, escapes.
pub async fn json_is_kept_byte_for_byte(store: &dyn EventStore) {
    let texts = [
        "{}",
        "null",
        " { \"b\" : 1 ,\n\t\"a\" : 1.0 } ",
        r#"{"a":1,"a":2}"#,
        r#"{"n":12345678901234567890123456789.000,"e":1E400}"#,
        r#"{"escaped":"\u00fc\/\u0000","plain":"ü🦊"}"#,
        r#""just a text""#,
    ];
    for text in texts {
        let payload = Payload::json(text).expect("the test's JSON is well formed");
        comes_back(store, NewEvent { payload, ..event("Noted") }).await;
    }
}

/// Other encodings keep their bytes, their name and the id of their key; so does encrypted JSON.
pub async fn other_encodings_and_key_ids_are_kept(store: &dyn EventStore) {
    let bytes: Vec<u8> = (0..=255).collect();
    let avro = || Encoding::Other("application/avro".into());
    for (bytes, encoding, key_id) in [
        (bytes.clone(), avro(), None),
        (bytes.clone(), avro(), Some("key-1".into())),
        (bytes, Encoding::Json, Some("tenant/ü".into())),
        (Vec::new(), Encoding::Other(Name::from("")), None),
        (b"{}".to_vec(), Encoding::Other("json".into()), None),
    ] {
        let payload = Payload::in_format(bytes, encoding, key_id);
        comes_back(store, NewEvent { payload, ..event("Noted") }).await;
    }
}

/// A payload of some megabytes comes back whole.
pub async fn a_large_payload_is_kept(store: &dyn EventStore) {
    let size = store.capability().limits.event_bytes.min(4 * 1024 * 1024);
    let text = format!("\"{}\"", "ab".repeat(size / 2 - 1));
    comes_back(store, NewEvent { payload: Payload::from_encoded(text), ..event("Noted") }).await;
}

/// Ids of any text come back letter for letter.
pub async fn ids_of_any_text_are_kept(store: &dyn EventStore) {
    let uuids = ["550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000"];
    for text in ODD_TEXTS.into_iter().chain(uuids) {
        comes_back(store, NewEvent { id: EventId::from(text), ..event("Noted") }).await;
    }
    comes_back(store, NewEvent { id: EventId::from("long ".repeat(2_000)), ..event("Noted") }).await;
}

/// A schema is a number, or any text of another program; the text `1` is not the number 1.
pub async fn schemas_are_kept(store: &dyn EventStore) {
    let numbers = [0, 1, 2, u32::MAX].map(Schema::Number);
    let texts = ODD_TEXTS.into_iter().chain(["1", "", "2.0.1-beta"]).map(|text| Schema::Text(text.into()));
    for schema in numbers.into_iter().chain(texts) {
        comes_back(store, NewEvent { schema, ..event("Noted") }).await;
    }
}

/// Event type names and stream names come back letter for letter.
pub async fn type_and_stream_names_are_kept(store: &dyn EventStore) {
    let printable = ODD_TEXTS.into_iter().filter(|text| !text.chars().any(char::is_control));
    for text in printable.chain(["a/b/c", "/", "a//", "\u{10FFFF}"]) {
        let new = event(text);
        put(store, text, vec![new.clone()]).await;
        let recorded = events_of(store, text).await.pop().expect("it was just appended");
        assert_eq!((recorded.stream.as_str(), &*recorded.event_type), (text, text));
    }
}

/// Tags come back as they are, in their order, with any text.
pub async fn tags_are_kept(store: &dyn EventStore) {
    let odd: Vec<_> = ODD_TEXTS.iter().map(|text| (*text, *text)).collect();
    comes_back(store, tagged("Noted", &odd)).await;
    comes_back(store, tagged("Noted", &[("z", "1"), ("a", "2"), ("z", "0"), ("a", "")])).await;
}

/// Every field of the metadata comes back, alone and together, and nothing comes of nothing.
pub async fn metadata_are_kept(store: &dyn EventStore) {
    let none = Metadata::default;
    let cause =
        |relation: Option<&str>| Some(Cause { id: EventId::generate(), relation: relation.map(Name::from) });
    let extra: BTreeMap<_, _> =
        ODD_TEXTS.iter().map(|text| ((*text).to_owned(), (*text).to_owned())).collect();
    let all = Metadata {
        correlation_id: Some(CorrelationId::from("a foreign correlation")),
        cause: Some(Cause { id: EventId::from("a foreign cause"), relation: Some("caused by".into()) }),
        command_id: Some(CommandId::from("a foreign command")),
        service: Some("Bänk".into()),
        tenant: Some(" ".into()),
        actor: Some("".into()),
        extra: extra.clone(),
    };
    for metadata in [
        none(),
        Metadata { correlation_id: Some(CorrelationId::generate()), ..none() },
        Metadata { cause: cause(None), ..none() },
        Metadata { cause: cause(Some("compensates")), ..none() },
        Metadata { command_id: Some(CommandId::generate()), ..none() },
        Metadata { service: Some("bank".into()), ..none() },
        Metadata { tenant: Some("acme".into()), ..none() },
        Metadata { actor: Some("ada".into()), ..none() },
        Metadata { extra, ..none() },
        all,
    ] {
        comes_back(store, NewEvent { metadata: Arc::new(metadata), ..event("Noted") }).await;
    }
}

/// Appends one event and insists that a read and a load give it back as it was.
async fn comes_back(store: &dyn EventStore, new: NewEvent) {
    let outcome = put(store, ADA, vec![new.clone()]).await;
    let recorded = events_of(store, ADA).await.pop().expect("it was just appended");
    assert_eq!((recorded.order_id, recorded.version), (outcome.order_id, outcome.versions[0]));
    let slice = load(store, ADA, recorded.version.0 - 1, 1).await;
    let folded = slice.events.into_iter().next().expect("it was just appended");
    assert_eq!(
        (&folded.event_type, &folded.schema, &folded.payload),
        (&new.event_type, &new.schema, &new.payload),
        "a load gives back what was appended"
    );
    let crate::RecordedEvent { id, event_type, schema, payload, tags, metadata, .. } = recorded;
    assert_eq!(
        NewEvent { id, event_type, schema, payload, tags, metadata },
        new,
        "a read gives back what was appended"
    );
}
