//! The derive `Event`: names, payloads, schemas and tags of events.

use std::collections::BTreeMap;

use newton::domain::{self, FoldEvent, Name, Payload, Schema, Tag};
use newton::prelude::*;
use newton::{ErrorKind, Version};
use serde_json::{Value, json};

#[derive(Event, Clone, Debug, PartialEq)]
enum LedgerEvent {
    Opened {
        owner: String,
    },
    #[event(name = "MoneyTaken")]
    Withdrawn {
        amount: u64,
    },
    Tallied(BTreeMap<String, u64>),
    Closed,
}

#[derive(Event, Clone, Debug, PartialEq)]
struct Booked {
    amount: u64,
}

#[derive(Event, Clone, Debug, PartialEq)]
struct Midnight;

fn encoded(event: &impl Event) -> String {
    let mut out = Vec::new();
    event.encode(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn stored(name: &str, schema: u32, payload: &str) -> FoldEvent {
    FoldEvent {
        version: Version(1),
        event_type: name.into(),
        schema: Schema::Number(schema),
        payload: Payload::json(payload).unwrap(),
    }
}

#[test]
fn event_types_are_named_by_convention_or_by_attribute() {
    let names: Vec<&str> = LedgerEvent::TYPES.iter().map(|event| event.name).collect();
    assert_eq!(names, ["LedgerOpened", "MoneyTaken", "LedgerTallied", "LedgerClosed"]);
    assert_eq!(Booked::TYPES[0].name, "Booked");
    assert!(LedgerEvent::TYPES[1].rust_name.ends_with("derives::LedgerEvent::Withdrawn"));
    assert_eq!(LedgerEvent::Closed.event_type().name, "LedgerClosed");
    for (index, name) in names.into_iter().enumerate() {
        assert_eq!(LedgerEvent::index_of(name), Some(index));
    }
    assert_eq!(LedgerEvent::index_of("Opened"), None);
}

#[test]
fn a_payload_is_the_fields_of_the_variant_alone() {
    for (event, payload) in [
        (LedgerEvent::Opened { owner: "Ada".into() }, r#"{"owner":"Ada"}"#),
        (LedgerEvent::Withdrawn { amount: 10 }, r#"{"amount":10}"#),
        (LedgerEvent::Tallied([("a".into(), 1)].into()), r#"{"a":1}"#),
        (LedgerEvent::Closed, "{}"),
    ] {
        assert_eq!(encoded(&event), payload);
        assert_eq!(LedgerEvent::decode(event.type_index(), payload.as_bytes()).unwrap(), event);
    }
    assert_eq!(encoded(&Booked { amount: 3 }), r#"{"amount":3}"#);
    assert_eq!(Booked::decode(0, br#"{"amount":3}"#).unwrap(), Booked { amount: 3 });
    assert_eq!(encoded(&Midnight), "{}");
    assert_eq!(Midnight::decode(0, b"{}").unwrap(), Midnight);
}

#[test]
fn encoding_appends() {
    let mut out = b"[".to_vec();
    LedgerEvent::Closed.encode(&mut out).unwrap();
    assert_eq!(out, b"[{}");
}

#[test]
fn a_payload_that_does_not_fit_is_an_error() {
    assert!(LedgerEvent::decode(1, b"{}").is_err());
    assert!(LedgerEvent::decode(9, b"{}").is_err());
    assert!(Booked::decode(1, br#"{"amount":3}"#).is_err());
    assert!(Booked::decode(0, br#"{"amount":3} trailing"#).is_err());
    let error = domain::decode::<LedgerEvent>(&stored("MoneyTaken", 1, r#"{"amount":"ten"}"#)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Decode);
    let error = domain::decode::<LedgerEvent>(&stored("MoneyFound", 1, "{}")).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::UnknownType);
}

#[derive(Event, Clone, Debug, PartialEq)]
#[serde(rename_all_fields = "camelCase")]
enum ShapedEvent {
    Renamed {
        #[serde(rename = "who")]
        owner: String,
        last_seen: u64,
    },
    #[serde(rename_all = "UPPERCASE")]
    Shouted { words: u64 },
    Optional {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        #[serde(skip)]
        scratch: u64,
        #[serde(default = "seven")]
        lucky: u64,
    },
    Nested {
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    },
    Converted {
        #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
        amount: u64,
    },
}

fn seven() -> u64 {
    7
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn as_text<S: newton::__private::serde::Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(number)
}

fn from_text<'de, D: newton::__private::serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text: String = newton::__private::serde::Deserialize::deserialize(from)?;
    text.parse().map_err(newton::__private::serde::de::Error::custom)
}

#[test]
fn serde_attributes_work() {
    for (event, payload) in [
        (ShapedEvent::Renamed { owner: "Ada".into(), last_seen: 3 }, r#"{"who":"Ada","lastSeen":3}"#),
        (ShapedEvent::Shouted { words: 2 }, r#"{"WORDS":2}"#),
        (ShapedEvent::Optional { note: None, scratch: 0, lucky: 7 }, r#"{"lucky":7}"#),
        (ShapedEvent::Nested { rest: [("a".into(), json!([1]))].into() }, r#"{"a":[1]}"#),
        (ShapedEvent::Converted { amount: 12 }, r#"{"amount":"12"}"#),
    ] {
        assert_eq!(encoded(&event), payload);
        assert_eq!(ShapedEvent::decode(event.type_index(), payload.as_bytes()).unwrap(), event);
    }
    let defaults = ShapedEvent::Optional { note: None, scratch: 0, lucky: 7 };
    assert_eq!(ShapedEvent::decode(2, b"{}").unwrap(), defaults);
}

#[derive(Event, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
enum StrictEvent {
    Opened { owner: String },
}

#[test]
fn unknown_fields_are_ignored_unless_denied() {
    assert!(Booked::decode(0, br#"{"amount":3,"more":1}"#).is_ok());
    assert!(StrictEvent::decode(0, br#"{"owner":"Ada","more":1}"#).is_err());
}

#[derive(Event, Clone, Debug, PartialEq)]
enum PriceEvent {
    #[event(version = 3, upcast(1 => cents, 2 => with_currency))]
    Set { cents: u64, currency: String },
}

fn cents(mut old: Value) -> Value {
    old["cents"] = json!(old["euros"].as_u64().unwrap_or_default() * 100);
    old
}

/// The second schema, with the code that the derive makes for it.
#[derive(Event, Clone, Debug)]
struct PriceV2 {
    cents: u64,
}

#[expect(clippy::needless_pass_by_value, reason = "a step takes the old payload")]
fn with_currency(old: BTreeMap<String, u64>) -> Value {
    json!({ "cents": old["cents"], "currency": "EUR" })
}

#[test]
fn older_schemas_are_read_through_every_step() {
    let expected = PriceEvent::Set { cents: 500, currency: "EUR".into() };
    assert_eq!(PriceEvent::TYPES[0].schema, 3);
    for (schema, payload) in [
        (1, r#"{"euros":5}"#.to_owned()),
        (2, encoded(&PriceV2 { cents: 500 })),
        (3, r#"{"cents":500,"currency":"EUR"}"#.to_owned()),
    ] {
        let event: PriceEvent = domain::decode(&stored("PriceSet", schema, &payload)).unwrap();
        assert_eq!(event, expected);
    }
    let error = domain::decode::<PriceEvent>(&stored("PriceSet", 4, "{}")).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Incompatible);
}

#[derive(Event, Clone, Debug)]
enum TaggedEvent {
    Placed {
        #[tag]
        order: u64,
        #[tag("customer")]
        buyer: Option<String>,
        #[tag(name = "shop")]
        at: Box<str>,
    },
    Counted(#[tag("count")] u32),
    Plain,
}

#[test]
fn tags_come_from_fields() {
    let tag = |key: &'static str, value: &str| Tag::new(Name::from_static(key), value);
    let placed = TaggedEvent::Placed { order: 7, buyer: Some("Ada".into()), at: "Rome".into() };
    assert_eq!(placed.tags(), [tag("order", "7"), tag("customer", "Ada"), tag("shop", "Rome")]);
    let anonymous = TaggedEvent::Placed { order: 7, buyer: None, at: "Rome".into() };
    assert_eq!(anonymous.tags(), [tag("order", "7"), tag("shop", "Rome")]);
    assert_eq!(TaggedEvent::Counted(3).tags(), [tag("count", "3")]);
    assert_eq!(TaggedEvent::Plain.tags(), []);
}
