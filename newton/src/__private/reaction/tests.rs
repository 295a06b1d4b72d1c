//! What the derives expand to, with what only this crate can make: views, flows, deliveries, transactions.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;

use crate::domain::{EventId, OrderId, Payload, RecordedEvent, Schema, StreamName, Timestamp, Version};
use crate::prelude::*;
use crate::saga::Trigger;
use crate::service::Delivery;
use crate::subscription::Provided;

#[derive(Event, Clone, Debug)]
enum LightEvent {
    Lit,
    Out,
}

#[derive(Event, Clone, Debug)]
struct Dimmed {
    percent: u8,
}

fn recorded(name: &'static str, payload: &str) -> RecordedEvent {
    RecordedEvent {
        id: EventId::generate(),
        stream: StreamName::parse("home/Light/l-1").unwrap(),
        version: Version(1),
        order_id: OrderId(1),
        time: Timestamp::default(),
        event_type: name.into(),
        schema: Schema::Number(1),
        payload: Payload::json(payload).unwrap(),
        tags: Vec::new(),
        metadata: Arc::default(),
    }
}

#[derive(Projection, Default)]
#[projection(handles(LightEvent, Dimmed))]
struct Brightness(u8);

impl On<LightEvent> for Brightness {
    fn on(&mut self, event: &LightEvent, view: &mut View) -> Result<()> {
        assert!(view.meta().event_type.starts_with("Light"));
        self.0 = if matches!(event, LightEvent::Lit) { 100 } else { 0 };
        Ok(())
    }
}

impl On<Dimmed> for Brightness {
    fn on(&mut self, event: &Dimmed, _: &mut View) -> Result<()> {
        self.0 = self.0.checked_sub(event.percent).ok_or_else(|| crate::HandlerError::new("too dark"))?;
        Ok(())
    }
}

#[test]
fn a_projection_gives_each_event_to_its_handler() {
    let mut brightness = Brightness::default();
    let mut take = |event: &RecordedEvent| {
        let taken = brightness.handle(event, &mut View::new(event));
        (taken.map_err(|error| error.to_string()), brightness.0)
    };
    assert_eq!(take(&recorded("LightLit", "{}")), (Ok(true), 100));
    assert_eq!(take(&recorded("Dimmed", r#"{"percent":30}"#)), (Ok(true), 70));
    assert_eq!(take(&recorded("Burned", "{}")), (Ok(false), 70));
    assert_eq!(take(&recorded("Dimmed", r#"{"percent":80}"#)), (Err("too dark".into()), 70));
    let (unreadable, unchanged) = take(&recorded("Dimmed", "{}"));
    assert!(unreadable.unwrap_err().contains("does not fit"), "the event is no `Dimmed`");
    assert_eq!(unchanged, 70);
    assert_eq!(take(&recorded("LightOut", "{}")), (Ok(true), 0));
}

#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(context = "home", key = "light", starts_on(LightEvent::Lit), handles(LightEvent, Deadline))]
struct Watch {
    lit: bool,
    overdue: Vec<String>,
}

impl On<LightEvent> for Watch {
    fn on(&mut self, event: &LightEvent, _: &mut Flow) -> Result<()> {
        self.lit = matches!(event, LightEvent::Lit);
        Ok(())
    }
}

impl On<Deadline> for Watch {
    fn on(&mut self, deadline: &Deadline, flow: &mut Flow) -> Result<()> {
        self.overdue.push(format!("{} {}", flow.key(), deadline.name));
        Ok(())
    }
}

#[test]
fn a_saga_gives_each_trigger_to_its_handler() {
    let mut watch = Watch::default();
    let (lit, dimmed) = (recorded("LightLit", "{}"), recorded("Dimmed", "{}"));
    let deadline = Deadline { name: "check".into(), due: Timestamp::default() };
    let triggers = [Trigger::Event(&lit), Trigger::Event(&dimmed), Trigger::Deadline(&deadline)];
    let taken = triggers
        .map(|trigger| watch.handle(&trigger, &mut Flow::new("l-1", None, Timestamp::default())).unwrap());
    assert_eq!(taken, [true, false, true]);
    assert_eq!(watch, Watch { lit: true, overdue: vec!["l-1 check".into()] });
}

#[derive(EventHandler)]
#[event_handler(handles(LightEvent, Dimmed))]
struct Siren {
    heard: Arc<Mutex<Vec<u8>>>,
}

impl React<LightEvent> for Siren {
    async fn react(&self, _: &LightEvent, delivery: &Delivery) -> Result<()> {
        Err(crate::HandlerError::new(format!("broken at attempt {}", delivery.attempt())))
    }
}

impl React<Dimmed> for Siren {
    async fn react(&self, event: &Dimmed, _: &Delivery) -> Result<()> {
        self.heard.lock().unwrap().push(event.percent);
        Ok(())
    }
}

#[test]
fn an_event_handler_gives_each_event_to_its_reaction() {
    let mut provided = Provided::default();
    provided.insert(Arc::new(Mutex::new(Vec::<u8>::new())));
    let siren = Siren::build(&provided).unwrap();
    let take = |event: RecordedEvent| {
        let event = Arc::new(event);
        let delivery = Delivery::new(Siren::NAME, Arc::clone(&event), 2);
        let handled = siren.handle(&event, &delivery).now_or_never().unwrap();
        handled.map_err(|error| error.to_string())
    };
    assert_eq!(take(recorded("Dimmed", r#"{"percent":30}"#)), Ok(true));
    assert_eq!(take(recorded("LightOut", "{}")), Err("broken at attempt 2".into()));
    assert_eq!(take(recorded("Burned", "{}")), Ok(false));
    assert!(take(recorded("Dimmed", "[]")).unwrap_err().contains("does not fit"));
    assert_eq!(*siren.heard.lock().unwrap(), [30]);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::*;
    use crate::projection::SqliteProjection;

    #[derive(Projection)]
    #[projection(sqlite, handles(Dimmed))]
    struct DimTable;

    impl DimTable {
        fn setup(tx: &mut SqliteTables) -> rusqlite::Result<()> {
            tx.execute("CREATE TABLE dims (percent INTEGER)", [])?;
            Ok(())
        }
    }

    impl On<Dimmed> for DimTable {
        fn on(&mut self, event: &Dimmed, tx: &mut SqliteTx) -> Result<()> {
            tx.execute("INSERT INTO dims VALUES (?1)", [event.percent])?;
            Ok(())
        }
    }

    #[derive(Projection)]
    #[projection(sqlite, handles(Dimmed))]
    struct Nothing;

    impl On<Dimmed> for Nothing {
        fn on(&mut self, _: &Dimmed, _: &mut SqliteTx) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn tables_are_made_by_setup_where_there_is_one() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        let transaction = connection.transaction().unwrap();
        let dimmed = recorded("Dimmed", r#"{"percent":30}"#);
        Nothing::make_tables(&mut SqliteTables::new(&transaction)).unwrap();
        let mut table = DimTable::build(&Provided::default()).unwrap();
        assert!(table.handle(&dimmed, &mut SqliteTx::new(&transaction, &dimmed)).is_err(), "no table yet");
        DimTable::make_tables(&mut SqliteTables::new(&transaction)).unwrap();
        assert!(table.handle(&dimmed, &mut SqliteTx::new(&transaction, &dimmed)).unwrap());
        let percent: u8 = transaction.query_row("SELECT percent FROM dims", [], |row| row.get(0)).unwrap();
        assert_eq!(percent, 30);
    }
}
