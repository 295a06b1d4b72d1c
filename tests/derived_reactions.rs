//! The derives `Projection`, `Saga` and `EventHandler`: names, events, fingerprints, starts, and what they are built from.

use std::collections::BTreeMap;

use newton::domain::{EventType, Fingerprint, Payload, Schema};
use newton::prelude::*;
use newton::projection::SqliteProjection;
use newton::registry::Registry;
use newton::subscription::{Provided, ReactionKind, Start};
use newton::{ErrorKind, EventId, OrderId, RecordedEvent, StreamName, Timestamp, Version};
use serde_json::json;

#[derive(Event, Clone, Debug)]
enum ParcelEvent {
    Packed {
        #[tag]
        parcel: String,
    },
    Sent(#[tag("parcel")] String),
    Lost,
}

#[derive(Event, Clone, Debug)]
struct Weighed {
    #[tag]
    parcel: String,
}

/// The events of a module that is not imported.
mod weather {
    use newton::prelude::*;

    #[derive(Event, Clone, Debug)]
    pub(super) enum WeatherEvent {
        Rained,
    }
}

#[derive(Projection, Default)]
#[projection(handles(ParcelEvent, Weighed, weather::WeatherEvent), name = "parcels")]
struct Parcels {
    count: usize,
}

impl On<ParcelEvent> for Parcels {
    fn on(&mut self, _: &ParcelEvent, _: &mut View) -> Result<()> {
        self.count += 1;
        Ok(())
    }
}

impl On<Weighed> for Parcels {
    fn on(&mut self, _: &Weighed, _: &mut View) -> Result<()> {
        Ok(())
    }
}

impl On<weather::WeatherEvent> for Parcels {
    fn on(&mut self, _: &weather::WeatherEvent, _: &mut View) -> Result<()> {
        self.count = 0;
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Region(&'static str);

#[derive(Projection)]
#[projection(sqlite, shared, handles(ParcelEvent))]
struct ParcelTable {
    region: Region,
    limits: BTreeMap<String, u64>,
}

impl ParcelTable {
    fn setup(tx: &mut SqliteTables) -> Result<()> {
        tx.execute("CREATE TABLE parcels (id TEXT)", [])?;
        Ok(())
    }
}

impl On<ParcelEvent> for ParcelTable {
    fn on(&mut self, _: &ParcelEvent, tx: &mut SqliteTx) -> Result<()> {
        tx.execute("INSERT INTO parcels VALUES (?1)", [self.region.0])?;
        Ok(())
    }
}

#[derive(Projection)]
#[projection(sqlite, handles(Weighed))]
struct Weights;

impl On<Weighed> for Weights {
    fn on(&mut self, _: &Weighed, _: &mut SqliteTx) -> Result<()> {
        Ok(())
    }
}

#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(
    context = "post",
    key = "parcel",
    starts_on(ParcelEvent::Packed, ParcelEvent::Sent, Weighed),
    handles(ParcelEvent, Weighed, Deadline, CommandFailed),
    version = 2,
    upcast(1 => from_v1),
    start = "origin"
)]
struct Posting {
    #[serde(rename = "sent")]
    is_sent: bool,
}

fn from_v1(old: BTreeMap<String, u64>) -> BTreeMap<String, bool> {
    old.into_iter().map(|(key, value)| (key, value > 0)).collect()
}

impl On<ParcelEvent> for Posting {
    fn on(&mut self, _: &ParcelEvent, _: &mut Flow) -> Result<()> {
        self.is_sent = true;
        Ok(())
    }
}

impl On<Weighed> for Posting {
    fn on(&mut self, _: &Weighed, _: &mut Flow) -> Result<()> {
        Ok(())
    }
}

impl On<Deadline> for Posting {
    fn on(&mut self, _: &Deadline, _: &mut Flow) -> Result<()> {
        Ok(())
    }
}

impl On<CommandFailed> for Posting {
    fn on(&mut self, _: &CommandFailed, _: &mut Flow) -> Result<()> {
        Ok(())
    }
}

#[derive(EventHandler)]
#[event_handler(handles(ParcelEvent, Weighed), start = "origin", replay_safe)]
struct Notices(Region, u8);

impl React<ParcelEvent> for Notices {
    async fn react(&self, _: &ParcelEvent, _: &Delivery) -> Result<()> {
        Ok(())
    }
}

impl React<Weighed> for Notices {
    async fn react(&self, _: &Weighed, _: &Delivery) -> Result<()> {
        Ok(())
    }
}

fn names(types: Vec<&'static EventType>) -> Vec<&'static str> {
    types.into_iter().map(|event| event.name).collect()
}

fn recorded(event: &impl Event) -> RecordedEvent {
    let mut payload = Vec::new();
    event.encode(&mut payload).unwrap();
    let event_type = event.event_type();
    RecordedEvent {
        id: EventId::generate(),
        stream: StreamName::parse("post/Parcel/p-1").unwrap(),
        version: Version(1),
        order_id: OrderId(1),
        time: Timestamp::default(),
        event_type: event_type.name.into(),
        schema: Schema::Number(event_type.schema),
        payload: Payload::json(String::from_utf8(payload).unwrap()).unwrap(),
        tags: event.tags(),
        metadata: std::sync::Arc::default(),
    }
}

#[test]
fn names_and_events_come_from_the_attributes() {
    assert_eq!(Parcels::NAME, "parcels");
    let parcels = ["ParcelPacked", "ParcelSent", "ParcelLost", "Weighed"];
    assert_eq!(names(Parcels::event_types()), [&parcels[..], &["WeatherRained"]].concat());
    assert_eq!((ParcelTable::NAME, Posting::NAME, Notices::NAME), ("ParcelTable", "Posting", "Notices"));
    assert_eq!(names(Weights::event_types()), ["Weighed"]);
    assert_eq!(names(Posting::event_types()), parcels);
    assert_eq!(names(Notices::event_types()), parcels);
    assert_eq!((Posting::CONTEXT, Posting::KEY, Posting::VERSION), ("post", "parcel", 2));
    assert_eq!((Posting::START, Notices::START), (Start::Origin, Start::Origin));
    assert_eq!((ParcelTable::SHARED, Weights::SHARED), (true, false));
}

#[test]
fn a_reaction_brings_the_events_it_listens_to() {
    let registry = Registry::empty().add::<(Parcels, Weights, Posting, Notices)>().add::<Parcels>();
    registry.validate().unwrap();
    let kinds: Vec<_> = registry.reactions().iter().map(|entry| (entry.kind, entry.name)).collect();
    assert_eq!(
        kinds,
        [
            (ReactionKind::Projection, "parcels"),
            (ReactionKind::Projection, "Weights"),
            (ReactionKind::Saga, "Posting"),
            (ReactionKind::EventHandler, "Notices"),
        ]
    );
    assert_eq!(registry.event_families().len(), 3);
    let discovered = Registry::discovered();
    assert!(discovered.reactions().iter().any(|entry| entry.rust_name.ends_with("::ParcelTable")));
}

#[test]
fn removing_a_reaction_leaves_the_events_of_the_others() {
    let registry = Registry::empty().add::<(Parcels, Notices)>().remove::<Parcels>();
    assert!(registry.event_type("ParcelLost").is_some());
    assert!(registry.event_type("WeatherRained").is_none());
    assert!(registry.remove::<Notices>().event_families().is_empty());
}

#[test]
fn reactions_inside_functions_register_too() {
    #[derive(Projection, Default)]
    #[projection(handles(Weighed))]
    struct Inner;

    impl On<Weighed> for Inner {
        fn on(&mut self, _: &Weighed, _: &mut View) -> Result<()> {
            Ok(())
        }
    }

    assert!(Registry::discovered().reactions().iter().any(|entry| entry.name == "Inner"));
    assert!(matches!(Inner::FINGERPRINT, Fingerprint::Known(_)));
}

#[test]
fn sixteen_types_are_registered_at_once() {
    type W = Weighed;
    let registry = Registry::empty().add::<(W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, Parcels)>();
    assert_eq!(registry.reactions().len(), 1);
}

/// Declares a durable projection in a module of its own.
macro_rules! counted {
    ($module:ident, $step:expr, $($attribute:tt)*) => {
        mod $module {
            use super::ParcelEvent;
            use newton::prelude::*;

            #[derive(Projection)]
            #[projection(sqlite, handles(ParcelEvent), $($attribute)*)]
            pub(super) struct Counted;

            impl On<ParcelEvent> for Counted {
                fn on(&mut self, _: &ParcelEvent, tx: &mut SqliteTx) -> Result<()> {
                    tx.execute("UPDATE counted SET count = count + ?1", [$step])?;
                    Ok(())
                }
            }
        }
    };
}

counted!(first, 1, fold = 1, name = "first");
counted!(second, 1, fold = 2, name = "second");
counted!(third, 1, fold = 2, name = "third");
counted!(unseen, 1, name = "unseen");

#[test]
fn a_fingerprint_covers_handlers_or_a_number() {
    assert!(matches!(Parcels::FINGERPRINT, Fingerprint::Known(_)));
    assert!(matches!(ParcelTable::FINGERPRINT, Fingerprint::Known(_)));
    assert_ne!(Parcels::FINGERPRINT, ParcelTable::FINGERPRINT);
    assert_ne!(first::Counted::FINGERPRINT, second::Counted::FINGERPRINT);
    assert_eq!(second::Counted::FINGERPRINT, third::Counted::FINGERPRINT);
    assert_eq!(
        unseen::Counted::FINGERPRINT,
        Fingerprint::Unknown,
        "a part of its handler is an argument of a macro"
    );
}

#[test]
fn the_same_handlers_have_the_same_fingerprint_wherever_they_stand() {
    mod one {
        use newton::prelude::*;

        #[derive(Projection, Default)]
        #[projection(handles(super::Weighed))]
        pub(super) struct Same1 {
            total: u64,
        }

        impl On<super::Weighed> for Same1 {
            /// Counts.
            fn on(&mut self, _: &super::Weighed, _: &mut View) -> Result<()> {
                self.total += 1;
                Ok(())
            }
        }
    }

    mod two {
        use newton::prelude::*;

        #[derive(Projection, Default)]
        #[projection(handles(super::Weighed), name = "another")]
        pub(super) struct Same2 {
            total: u64,
        }

        #[rustfmt::skip]
        impl newton::On<super::Weighed> for Same2 {
            fn on(&mut self, _: &super::Weighed, _: &mut View) -> Result<()> { self.total += 1; Ok(()) }
        }
    }

    assert_eq!(one::Same1::FINGERPRINT, two::Same2::FINGERPRINT);
}

#[test]
fn a_saga_starts_on_what_it_says() {
    let parcel = || "p-1".to_owned();
    assert!(Posting::starts_on(&recorded(&ParcelEvent::Packed { parcel: parcel() })).unwrap());
    assert!(Posting::starts_on(&recorded(&ParcelEvent::Sent(parcel()))).unwrap());
    assert!(Posting::starts_on(&recorded(&Weighed { parcel: parcel() })).unwrap());
    assert!(!Posting::starts_on(&recorded(&ParcelEvent::Lost)).unwrap());
    assert!(!Posting::starts_on(&recorded(&weather::WeatherEvent::Rained)).unwrap());
    let mut unreadable = recorded(&Weighed { parcel: parcel() });
    unreadable.payload = Payload::json("{}").unwrap();
    assert_eq!(*Posting::starts_on(&unreadable).unwrap_err().kind(), ErrorKind::Decode);
}

#[test]
fn the_state_of_a_saga_has_serde_s_form_and_reads_older_ones() {
    let state = Posting { is_sent: true }.encode_state().unwrap();
    assert_eq!(state, br#"{"sent":true}"#);
    assert_eq!(Posting::decode_state(&state).unwrap(), Posting { is_sent: true });
    assert!(Posting::decode_state(br#"{"sent":1}"#).is_err());
    let [step] = Posting::UPCASTS else { panic!("one step") };
    assert_eq!((step.from, (step.step)(br#"{"sent":1}"#).unwrap()), (1, state));
}

#[test]
fn fields_are_built_from_what_was_provided() {
    let mut provided = Provided::default();
    provided.insert(Region("north"));
    let error = ParcelTable::build(&provided).err().unwrap();
    assert_eq!(*error.kind(), ErrorKind::Configuration);
    let text = error.to_string();
    assert!(text.contains("`ParcelTable` needs a") && text.contains("field `limits`"), "{text}");
    let error = Notices::build(&provided).err().unwrap().to_string();
    assert!(error.contains("`Notices` needs a `u8` for its field `1`"), "{error}");

    provided.insert(BTreeMap::from([("weight".to_owned(), 3_u64)]));
    provided.insert(7_u8);
    let table = ParcelTable::build(&provided).unwrap();
    assert_eq!((table.region, json!(table.limits)), (Region("north"), json!({ "weight": 3 })));
    let Notices(region, number) = Notices::build(&provided).unwrap();
    assert_eq!((region, number), (Region("north"), 7));
    let Weights = Weights::build(&Provided::default()).unwrap();
}

#[test]
fn what_may_be_replayed_says_so() {
    fn is_replay_safe<H: newton::service::ReplaySafe>() {}
    is_replay_safe::<Notices>();
}
