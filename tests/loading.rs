//! Loading: the present, the past, the history, each new state, and what a tombstone hides.

use futures_util::{StreamExt, TryStreamExt};
use newton::store::{EventStoreExt, Read, Selection};
use newton::{App, ErrorKind, StreamName, Version};
use newton_tests::bank::{Account, AccountCommand, AccountEvent, deposit, open, withdraw};
use newton_tests::{Given, over_every_store};

over_every_store!(
    what_has_no_events_is_not_there,
    any_version_can_be_loaded,
    a_deleted_aggregate_says_so_and_keeps_its_history,
    the_history_is_the_log,
    updates_begin_with_the_present_and_miss_nothing,
    updates_end_with_the_aggregate,
    a_load_sees_what_another_app_wrote,
);

async fn with_history(given: &Given) -> App {
    let app = given.app().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    app.execute("acc-1", AccountCommand::DepositAll { amounts: vec![10, 20, 30] }).await.unwrap();
    app.execute("acc-1", withdraw(15)).await.unwrap();
    app
}

async fn what_has_no_events_is_not_there(given: Given) {
    let app = given.app().start().await.unwrap();
    assert!(app.load::<Account>("acc-1").await.unwrap().is_none());
    assert!(!app.exists::<Account>("acc-1").await.unwrap());
    assert_eq!(*app.delete::<Account>("acc-1").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(app.history::<Account>("acc-1").unwrap().count().await, 0);
    app.execute("acc-1", open("Ada")).await.unwrap();
    assert!(app.exists::<Account>("acc-1").await.unwrap());
}

async fn any_version_can_be_loaded(given: Given) {
    let app = with_history(&given).await;
    for (version, balance) in [(0, 0), (1, 0), (2, 10), (3, 30), (4, 60), (5, 45)] {
        let past = app.load_at::<Account>("acc-1", Version(version)).await.unwrap();
        assert_eq!((past.state.balance, past.version), (balance, Version(version)));
    }
    let error = app.load_at::<Account>("acc-1", Version(6)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("the last one is 5"), "{error}");
}

async fn a_deleted_aggregate_says_so_and_keeps_its_history(given: Given) {
    let app = with_history(&given).await;
    app.delete::<Account>("acc-1").await.unwrap();
    for app in [app, given.app().start().await.unwrap()] {
        assert_eq!(*app.load::<Account>("acc-1").await.unwrap_err().kind(), ErrorKind::Deleted);
        assert_eq!(*app.delete::<Account>("acc-1").await.unwrap_err().kind(), ErrorKind::Deleted);
        let refused = app.execute("acc-1", deposit(1)).await.unwrap_err();
        assert_eq!(*refused.failure().unwrap().kind(), ErrorKind::Deleted);
        assert!(!app.exists::<Account>("acc-1").await.unwrap());
        assert_eq!(app.history::<Account>("acc-1").unwrap().count().await, 5);
        assert_eq!(app.load_at::<Account>("acc-1", Version(5)).await.unwrap().state.balance, 45);
        let stream = StreamName::parse("bank/Account/acc-1").unwrap();
        let log = app.events().read_all(Read::of(Selection::Stream(stream))).await.unwrap();
        assert_eq!(log.last().map(|event| &*event.event_type), Some("$deleted"));
    }
}

async fn the_history_is_the_log(given: Given) {
    let app = with_history(&given).await;
    let history: Vec<_> = app.history::<Account>("acc-1").unwrap().try_collect().await.unwrap();
    let events: Vec<_> = history.iter().map(|recorded| recorded.event.clone()).collect();
    assert_eq!(
        events,
        [
            AccountEvent::Opened { owner: "Ada".into() },
            AccountEvent::Deposited { amount: 10 },
            AccountEvent::Deposited { amount: 20 },
            AccountEvent::Deposited { amount: 30 },
            AccountEvent::Withdrawn { amount: 15 },
        ]
    );
    let versions: Vec<_> = history.iter().map(|recorded| recorded.recorded.version.0).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
}

async fn updates_begin_with_the_present_and_miss_nothing(given: Given) {
    let app = with_history(&given).await;
    let mut updates = app.subscribe_updates::<Account>("acc-1").unwrap();
    // The present is what it is at the first poll: before the writer can be done.
    let mut seen = vec![updates.try_next().await.unwrap().unwrap()];
    let writer = {
        let app = app.clone();
        tokio::spawn(async move {
            for _ in 0..50 {
                app.execute("acc-1", deposit(1)).await.unwrap();
                app.execute("acc-2", open("Bob")).await.ok();
            }
        })
    };
    seen.extend(updates.take(20).try_collect::<Vec<_>>().await.unwrap());
    writer.await.unwrap();
    assert_eq!(seen[0].version, Version(5));
    for pair in seen.windows(2) {
        assert_eq!(pair[1].version, pair[0].version.next(), "each state once, in order");
        assert_eq!(pair[1].state.balance, pair[0].state.balance + 1);
    }
}

async fn updates_end_with_the_aggregate(given: Given) {
    let app = given.app().start().await.unwrap();
    let updates = app.subscribe_updates::<Account>("acc-1").unwrap();
    let watcher = tokio::spawn(updates.try_collect::<Vec<_>>());
    app.execute("acc-1", open("Ada")).await.unwrap();
    app.execute("acc-1", deposit(7)).await.unwrap();
    app.delete::<Account>("acc-1").await.unwrap();
    let seen = watcher.await.unwrap().unwrap();
    // Polled only after the deletion, the watcher has seen nothing; else it has seen a run of states.
    assert!(seen.len() <= 2, "{seen:?}");
    assert_eq!(app.subscribe_updates::<Account>("acc-1").unwrap().count().await, 0);
}

async fn a_load_sees_what_another_app_wrote(given: Given) {
    let (here, there) = (with_history(&given).await, given.app().start().await.unwrap());
    assert_eq!(there.load::<Account>("acc-1").await.unwrap().unwrap().state.balance, 45);
    here.execute("acc-1", deposit(5)).await.unwrap();
    assert_eq!(there.load::<Account>("acc-1").await.unwrap().unwrap().state.balance, 50);
}
