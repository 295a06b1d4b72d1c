//! An app that was taken over and whose last record arrives all the same: the app that runs the saga now goes on with it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use newton::domain::{Clock, Name, NewEvent, SystemClock};
use newton::saga::record::{Advanced, Record};
use newton::store::{
    Append, Appended, Capability, EventStore, Head, Load, Page, Read, Slice, Stores, StreamInfo, Streams,
};
use newton::testkit::VirtualClock;
use newton::{App, ExpectedVersion, Payload, Result, StreamName};
use newton_tests::{Given, over_every_store};

use super::script::{Script, Teller, Till, added, announce, app, begin, history, noted, routed, tell, until};

over_every_store!(
    what_a_late_app_recorded_is_gone_on_with,
    what_a_late_app_records_in_between_comes_first,
    a_late_timer_fires_however_often_the_instance_was_in_memory,
);

const STREAM: &str = "$saga/script.Script/a";

fn stream() -> StreamName {
    StreamName::parse(STREAM).unwrap()
}

/// The second record of the instance `a`, as another app would have written it that took in the same trigger: what a twin
/// does when it is told so.
async fn late(app: &App, what: &str) -> Append {
    begin(app, "twin", "one").await;
    tell(app, "twin", what).await;
    until(async || history(app, "twin").await.len() >= 2).await;
    let Record::Advanced(first) = &history(app, "a").await[0].record else { panic!("a first step") };
    let Record::Advanced(mut record) = history(app, "twin").await[1].record.clone() else { panic!("a step") };
    record.trigger.order_id = first.trigger.order_id;
    for command in &mut record.commands {
        command.id = format!("late-{}", command.id);
        "late".clone_into(&mut command.target);
    }
    append(&record)
}

fn append(record: &Advanced) -> Append {
    let event = NewEvent::new(Name::from_static("$SagaAdvanced"), Payload::of(record).unwrap());
    Append::to(stream(), ExpectedVersion::Exact(newton::Version(1)), vec![event], SystemClock.now())
}

async fn what_a_late_app_recorded_is_gone_on_with(given: Given) {
    let (app, clock) = app(&given).await;
    begin(&app, "a", "one").await;
    noted(&app, "a", 1).await;
    announce(&app, "news", "heard").await;
    let late = late(&app, "add till 7; after 60 tea; listen news").await;
    routed(&app).await;
    given.stores.events.append(late).await.unwrap();
    until(async || added(&app, "late").await == [7]).await;
    assert_eq!(noted(&app, "a", 2).await, ["one", "heard"]);
    clock.advance(Duration::from_mins(1));
    assert_eq!(noted(&app, "a", 3).await, ["one", "heard", "tea ran out"]);
    tell(&app, "a", "two").await;
    assert_eq!(noted(&app, "a", 4).await[3], "two");
    routed(&app).await;
    assert_eq!(added(&app, "late").await, [7]);
}

async fn a_late_timer_fires_however_often_the_instance_was_in_memory(given: Given) {
    let (app, clock) = app(&given).await;
    begin(&app, "a", "one").await;
    noted(&app, "a", 1).await;
    let mut late = late(&app, "after 60 tea; listen news").await;
    routed(&app).await;
    for version in 1..10 {
        // Records without a command wake nobody: what is in memory falls further behind.
        late.streams[0].expected = ExpectedVersion::Exact(newton::Version(version));
        late.streams[0].events[0].id = newton::EventId::generate();
        given.stores.events.append(late.clone()).await.unwrap();
    }
    routed(&app).await;
    clock.advance(Duration::from_mins(1));
    assert_eq!(noted(&app, "a", 2).await, ["one", "tea ran out"]);
    announce(&app, "news", "heard").await;
    assert_eq!(noted(&app, "a", 3).await[2], "heard");
    assert_eq!(history(&app, "a").await.len(), 12);
}

/// A store in which a given append comes right before the next one to the instance's stream.
#[derive(Debug)]
struct Overtaken {
    store: Arc<dyn EventStore>,
    first: Mutex<Option<Append>>,
}

#[async_trait]
impl EventStore for Overtaken {
    fn capability(&self) -> Capability {
        self.store.capability()
    }

    async fn append(&self, append: Append) -> Result<Appended> {
        let is_to_instance = append.streams.iter().any(|append| append.stream == stream());
        let first = if is_to_instance { self.first.lock().unwrap().take() } else { None };
        if let Some(first) = first {
            self.store.append(first).await?;
        }
        self.store.append(append).await
    }

    async fn read(&self, read: Read) -> Result<Page> {
        self.store.read(read).await
    }

    async fn load(&self, load: Load) -> Result<Slice> {
        self.store.load(load).await
    }

    async fn streams(&self, streams: Streams) -> Result<Vec<StreamInfo>> {
        self.store.streams(streams).await
    }

    async fn event_types(&self, domain: &StreamName) -> Result<Vec<Name>> {
        self.store.event_types(domain).await
    }

    async fn head(&self) -> Result<Head> {
        self.store.head().await
    }
}

async fn what_a_late_app_records_in_between_comes_first(given: Given) {
    let overtaken = Arc::new(Overtaken { store: given.stores.events.clone(), first: Mutex::default() });
    let clock = VirtualClock::new();
    let stores = Stores { events: overtaken.clone(), ..given.stores.clone() };
    let app = given.app().stores(stores).only::<(Teller, Till, Script)>().clock(clock.clone());
    let app = app.start().await.unwrap();
    begin(&app, "a", "one").await;
    noted(&app, "a", 1).await;
    announce(&app, "news", "heard").await;
    let late = late(&app, "add till 7; after 60 tea; listen news").await;
    routed(&app).await;
    *overtaken.first.lock().unwrap() = Some(late);
    tell(&app, "a", "two").await;
    announce(&app, "news", "three").await;
    assert_eq!(noted(&app, "a", 4).await, ["one", "heard", "two", "three"]);
    until(async || added(&app, "late").await == [7]).await;
    clock.advance(Duration::from_mins(1));
    assert_eq!(noted(&app, "a", 5).await[4], "tea ran out");
}
