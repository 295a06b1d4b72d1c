//! Metadata: every event says who caused it, for whom and why, without the user's help.

use newton::domain::{Cause, EventId};
use newton::store::{EventStoreExt, Read, Selection};
use newton::testkit::VirtualClock;
use newton::{App, Caller, Clock, RecordedEvent};
use newton_tests::bank::{deposit, open};
use newton_tests::{Given, over_every_store};

over_every_store!(
    a_command_begins_its_own_correlation,
    a_caller_is_known_by_every_event,
    times_come_from_the_clock_and_never_fall,
    tags_are_indexed,
);

async fn last(app: &App) -> RecordedEvent {
    app.events().read_all(Read::of(Selection::All)).await.unwrap().pop().unwrap()
}

async fn a_command_begins_its_own_correlation(given: Given) {
    let app = given.app().service("teller").start().await.unwrap();
    let receipt = app.execute("acc-1", open("Ada")).await.unwrap();
    let event = last(&app).await;
    assert_eq!(event.metadata.command_id, Some(receipt.command_id.clone()));
    assert_eq!(event.metadata.correlation_id, Some(receipt.command_id.into()));
    assert_eq!(event.metadata.correlation_id, Some(receipt.correlation_id));
    assert_eq!(event.metadata.service.as_deref(), Some("teller"));
    assert_eq!((&event.metadata.tenant, &event.metadata.actor, &event.metadata.cause), (&None, &None, &None));
    assert_eq!(event.order_id, receipt.order_id);
}

async fn a_caller_is_known_by_every_event(given: Given) {
    let app = given.app().start().await.unwrap();
    let cause = Cause { id: EventId::from("the-event-before"), relation: Some("answers".into()) };
    let caller = Caller::new()
        .correlation("request-7")
        .because_of(cause.clone())
        .tenant("acme")
        .actor("ada")
        .extra("ip", "127.0.0.1");
    let theirs = app.with(caller);
    theirs.execute("acc-1", open("Ada")).await.unwrap();
    let metadata = last(&app).await.metadata;
    assert_eq!(metadata.correlation_id.as_ref().map(ToString::to_string).as_deref(), Some("request-7"));
    assert_eq!(metadata.cause, Some(cause));
    assert_eq!((metadata.tenant.as_deref(), metadata.actor.as_deref()), (Some("acme"), Some("ada")));
    assert_eq!(metadata.extra["ip"], "127.0.0.1");
    app.execute("acc-1", deposit(1)).await.unwrap();
    assert_eq!(last(&app).await.metadata.tenant, None, "the app itself is unchanged");
}

async fn times_come_from_the_clock_and_never_fall(given: Given) {
    let clock = VirtualClock::new();
    let app = given.app().clock(clock.clone()).start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    let noon = clock.now();
    assert_eq!(last(&app).await.time, noon);
    clock.set(noon - chrono::TimeDelta::hours(1));
    app.execute("acc-1", deposit(1)).await.unwrap();
    assert_eq!(last(&app).await.time, noon, "a clock that goes backwards is held at the last recorded time");
    clock.set(noon + chrono::TimeDelta::hours(1));
    app.execute("acc-1", deposit(1)).await.unwrap();
    assert_eq!(last(&app).await.time, noon + chrono::TimeDelta::hours(1));
}

async fn tags_are_indexed(given: Given) {
    let app = given.app().start().await.unwrap();
    for (id, owner) in [("acc-1", "Ada"), ("acc-2", "Bob"), ("acc-3", "Ada")] {
        app.execute(id, open(owner)).await.unwrap();
    }
    let query = newton::domain::Query::tags([newton::domain::Tag::new("owner", "Ada")]);
    let found = app.events().read_all(Read::of(Selection::All).matching(query)).await.unwrap();
    let streams: Vec<_> = found.iter().map(|event| event.stream.id()).collect();
    assert_eq!(streams, ["acc-1", "acc-3"]);
}
