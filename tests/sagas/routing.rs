//! Which events reach which instance, and what becomes of those that reach none.

use newton::saga::SagaStatus;
use newton::saga::record::{Record, TriggerKind};
use newton::store::{EventStoreExt, Read, Selection};
use newton_tests::{Given, over_every_store};

use super::script::{
    LIMIT, Script, Teller, TellerCommand, Till, announce, app, begin, ended, history, instance, log, noted,
    routed, start, tell, until,
};
use super::shop::{Fulfilment, Order, OrderCommand, Payment, Shipment};

over_every_store!(
    an_event_starts_an_instance_and_others_reach_it,
    a_second_starting_event_is_one_more_trigger,
    keys_of_any_text_have_instances_of_their_own,
    an_instance_hears_what_it_listens_to,
    what_is_listened_to_may_follow_at_once,
    what_came_before_listening_is_not_heard,
    events_before_the_start_are_unmatched,
    events_after_the_end_are_late,
    what_its_own_last_commands_bring_about_is_not_late,
    an_event_without_the_key_tag_is_unmatched,
    what_changes_nothing_is_not_recorded,
    events_before_the_first_registration_start_nothing,
    causes_and_correlation_are_carried_on,
    instances_are_listed_by_where_they_are,
);

async fn an_event_starts_an_instance_and_others_reach_it(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "one").await;
    begin(&app, "b", "two").await;
    tell(&app, "a", "three").await;
    assert_eq!(noted(&app, "a", 2).await, ["one", "three"]);
    assert_eq!(noted(&app, "b", 1).await, ["two"]);
    assert_eq!(instance(&app, "a").status().await.unwrap(), Some(SagaStatus::Running));
    assert_eq!(instance(&app, "c").status().await.unwrap(), None);
    assert_eq!(instance(&app, "c").state().await.unwrap(), None);
}

async fn a_second_starting_event_is_one_more_trigger(given: Given) {
    let (app, _) = app(&given).await;
    let starts = (0..10).map(|index| {
        let app = app.clone();
        async move { begin(&app, "a", &format!("start {index}")).await }
    });
    futures_util::future::join_all(starts).await;
    assert_eq!(noted(&app, "a", 10).await.len(), 10);
    let starts = history(&app, "a").await.into_iter().filter(|record| match &record.record {
        Record::Advanced(advanced) => advanced.start,
        _ => false,
    });
    assert_eq!(starts.count(), 1);
}

async fn keys_of_any_text_have_instances_of_their_own(given: Given) {
    let (app, _) = app(&given).await;
    let long = "x".repeat(3_000);
    let keys = ["", "a/b", "a%2Fb", "new\nline", "%", "$a", "Größe", &long, &format!("{long}y")];
    for key in keys {
        begin(&app, key, &format!("I am {}", key.len())).await;
    }
    for key in keys {
        assert_eq!(noted(&app, key, 1).await, [format!("I am {}", key.len())]);
    }
    let listed = app.sagas::<Script>().running(None, 100).await.unwrap();
    let mut listed: Vec<_> = listed.into_iter().map(|listed| listed.key).collect();
    let mut keys = keys.map(str::to_owned);
    listed.sort();
    keys.sort();
    assert_eq!(listed, keys);
}

async fn an_instance_hears_what_it_listens_to(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "listen news").await;
    begin(&app, "b", "listen news; listen sport").await;
    begin(&app, "c", "began").await;
    noted(&app, "c", 1).await;
    announce(&app, "news", "heard").await;
    announce(&app, "sport", "goal").await;
    assert_eq!(noted(&app, "b", 2).await, ["heard", "goal"]);
    assert_eq!(noted(&app, "a", 1).await, ["heard"]);
    routed(&app).await;
    assert_eq!(log(&app, "c").await, ["began"]);
    // It listens no more once it has ended.
    tell(&app, "b", "end").await;
    ended(&app, "b").await;
    announce(&app, "sport", "another").await;
    routed(&app).await;
    let refused = app.sagas::<Script>().refused().await.unwrap();
    assert_eq!((refused.unmatched, refused.late), (1, 0), "nobody is there for the last");
}

async fn what_is_listened_to_may_follow_at_once(given: Given) {
    // While no app runs the saga, everything is in one page; then one event a page.
    let setup = given.app().only::<(Teller, Till)>().start().await.unwrap();
    drop(start(&given, &newton::testkit::VirtualClock::new()).await);
    for round in 0..30 {
        let key = format!("k{round}");
        begin(&setup, &key, &format!("one; listen t{round}")).await;
        announce(&setup, &format!("t{round}"), "two").await;
        tell(&setup, &key, &format!("three; listen u{round}")).await;
        announce(&setup, &format!("u{round}"), "four").await;
    }
    let (app, _) = app(&given).await;
    for round in 30..60 {
        let key = format!("k{round}");
        begin(&app, &key, &format!("one; listen t{round}")).await;
        announce(&app, &format!("t{round}"), "two").await;
        tell(&app, &key, &format!("three; listen u{round}")).await;
        announce(&app, &format!("u{round}"), "four").await;
    }
    for round in 0..60 {
        assert_eq!(noted(&app, &format!("k{round}"), 4).await, ["one", "two", "three", "four"]);
    }
}

async fn what_came_before_listening_is_not_heard(given: Given) {
    let (app, clock) = app(&given).await;
    begin(&app, "a", "begun").await;
    announce(&app, "news", "old").await;
    tell(&app, "a", "listen news").await;
    announce(&app, "news", "new").await;
    assert_eq!(noted(&app, "a", 2).await, ["begun", "new"]);
    // Nor after a restart, which may route the events again.
    drop(app);
    let app = start(&given, &clock).await;
    announce(&app, "news", "newer").await;
    assert_eq!(noted(&app, "a", 3).await, ["begun", "new", "newer"]);
}

async fn events_before_the_start_are_unmatched(given: Given) {
    let (app, clock) = app(&given).await;
    tell(&app, "a", "too early").await;
    begin(&app, "a", "begun").await;
    assert_eq!(noted(&app, "a", 1).await, ["begun"]);
    let unmatched = app.sagas::<Script>().unmatched().await.unwrap();
    assert_eq!(unmatched.len(), 1);
    assert_eq!(unmatched[0].event_type, "ToldGo");
    assert!(unmatched[0].reason.contains("no instance was started"), "{}", unmatched[0].reason);
    drop(app);
    let app = start(&given, &clock).await;
    tell(&app, "b", "too early").await;
    routed(&app).await;
    assert_eq!(app.sagas::<Script>().refused().await.unwrap().unmatched, 2, "counted once each");
}

async fn events_after_the_end_are_late(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "begun; end").await;
    assert_eq!(ended(&app, "a").await, SagaStatus::Ended);
    tell(&app, "a", "too late").await;
    begin(&app, "a", "again").await;
    routed(&app).await;
    assert_eq!(log(&app, "a").await, ["begun"]);
    let refused = app.sagas::<Script>().refused().await.unwrap();
    assert_eq!((refused.unmatched, refused.late), (0, 2));
    assert_eq!(app.sagas::<Script>().late().await.unwrap().len(), 2);
}

async fn what_its_own_last_commands_bring_about_is_not_late(given: Given) {
    let app = given.app().only::<(Order, Payment, Shipment, Fulfilment)>().start().await.unwrap();
    let place = |order: &str| {
        let (order, address) = (order.to_owned(), "home".to_owned());
        OrderCommand::Place { order, amount: 5, address }
    };
    app.execute("good", place("good")).await.unwrap();
    app.saga::<Fulfilment>("good").ended(LIMIT).await.unwrap();
    // The saga has closed the order, which has the key, after it ended.
    let routed = async || {
        let head = app.events().head().await.unwrap().current();
        until(async || app.status::<Fulfilment>().await.unwrap().position >= head).await;
    };
    routed().await;
    let sagas = app.sagas::<Fulfilment>();
    assert_eq!(sagas.refused().await.unwrap().late, 0);
    // Anybody else's event is late, even in the same stream.
    app.execute("other", place("good")).await.unwrap();
    routed().await;
    assert_eq!(sagas.refused().await.unwrap().late, 1);
    assert_eq!(sagas.late().await.unwrap()[0].event_type, "OrderPlaced");
}

async fn an_event_without_the_key_tag_is_unmatched(given: Given) {
    let (app, _) = app(&given).await;
    let nobody = TellerCommand::Begin { script: None, what: "lost".to_owned() };
    app.execute("teller", nobody).await.unwrap();
    announce(&app, "news", "lost").await;
    routed(&app).await;
    let unmatched = app.sagas::<Script>().unmatched().await.unwrap();
    assert_eq!(unmatched.len(), 2);
    assert!(unmatched.iter().all(|event| event.reason.contains("no key tag")), "{unmatched:?}");
}

async fn what_changes_nothing_is_not_recorded(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "begun").await;
    for _ in 0..5 {
        tell(&app, "a", "ignore").await;
    }
    tell(&app, "a", "done").await;
    noted(&app, "a", 2).await;
    assert_eq!(history(&app, "a").await.len(), 2);
}

async fn events_before_the_first_registration_start_nothing(given: Given) {
    let before = given.app().only::<(Teller, Till)>().start().await.unwrap();
    begin(&before, "a", "before").await;
    let (app, clock) = app(&given).await;
    begin(&app, "b", "after").await;
    noted(&app, "b", 1).await;
    drop(app);
    // What comes while it is not running is not before its registration.
    begin(&before, "c", "meanwhile").await;
    let app = start(&given, &clock).await;
    assert_eq!(noted(&app, "c", 1).await, ["meanwhile"]);
    assert_eq!(instance(&app, "a").status().await.unwrap(), None);
}

async fn causes_and_correlation_are_carried_on(given: Given) {
    let (app, clock) = app(&given).await;
    begin(&app, "a", "add till 1; after 60 soon; on-deadline end").await;
    until(async || history(&app, "a").await.len() == 2).await;
    clock.advance(std::time::Duration::from_mins(1));
    ended(&app, "a").await;
    let all = app.events().read_all(Read::of(Selection::All).with_system()).await.unwrap();
    let event = |name: &str| all.iter().find(|event| event.event_type == *name).unwrap();
    let advanced: Vec<_> = all.iter().filter(|event| event.event_type == "$SagaAdvanced").collect();
    assert!(all.iter().all(|event| {
        event.metadata.correlation_id.as_ref().map(ToString::to_string) == Some("story of a".to_owned())
    }));
    let cause = |event: &newton::RecordedEvent| {
        let cause = event.metadata.cause.clone().unwrap();
        (cause.id, cause.relation.unwrap().to_string())
    };
    assert_eq!(cause(advanced[0]), (event("ToldBegin").id.clone(), "trigger".to_owned()));
    assert_eq!(cause(event("TillAdded")), (advanced[0].id.clone(), "saga".to_owned()));
    assert_eq!(cause(event("$SagaOutcome")), (advanced[0].id.clone(), "outcome".to_owned()));
    assert_eq!(cause(advanced[1]), (advanced[0].id.clone(), "timer".to_owned()));
    let Record::Advanced(second) = &history(&app, "a").await[2].record else { panic!("it advanced") };
    assert_eq!(second.trigger.kind, TriggerKind::Deadline);
}

async fn instances_are_listed_by_where_they_are(given: Given) {
    let (app, clock) = app(&given).await;
    for index in 0..5 {
        begin(&app, &format!("run-{index}"), "running").await;
        begin(&app, &format!("end-{index}"), "end").await;
        begin(&app, &format!("undo-{index}"), "undo till 1; refuse till 2").await;
        begin(&app, &format!("park-{index}"), "parking").await;
        tell(&app, &format!("park-{index}"), "fail").await;
    }
    for index in 0..5 {
        assert_eq!(ended(&app, &format!("end-{index}")).await, SagaStatus::Ended);
        assert_eq!(ended(&app, &format!("undo-{index}")).await, SagaStatus::Compensated);
    }
    routed(&app).await;
    let check = async |app: &newton::App| {
        let sagas = app.sagas::<Script>();
        let keys = |listed: Vec<newton::saga::ListedSaga>| {
            listed.into_iter().map(|listed| listed.key).collect::<Vec<_>>()
        };
        let five = |what: &str| (0..5).map(|index| format!("{what}-{index}")).collect::<Vec<_>>();
        let first = sagas.running(Some("park-4"), 3).await.unwrap();
        let last = first.last().unwrap().key.clone();
        let mut running = keys(first);
        running.extend(keys(sagas.running(Some(&last), 3).await.unwrap()));
        assert_eq!(running, five("run"));
        assert_eq!(keys(sagas.ended(None, 10).await.unwrap()), five("end"));
        assert_eq!(keys(sagas.compensated(None, 10).await.unwrap()), five("undo"));
        let parked: Vec<_> = sagas.parked().await.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(parked, five("park"));
    };
    check(&app).await;
    drop(app);
    check(&start(&given, &clock).await).await;
}
