//! Executing: a command becomes durable events or an answer, under any number of writers.

use std::sync::Arc;
use std::time::Duration;

use newton::store::{EventStoreExt, Read, Selection};
use newton::{App, Error, ErrorKind, ExecuteError, ExpectedVersion, StreamName, Version};
use newton_tests::bank::{Account, AccountCommand, AccountError, deposit, open, withdraw};
use newton_tests::{Given, over_every_store};

over_every_store!(
    a_command_becomes_an_event,
    a_rejection_is_the_users_own_error,
    an_empty_decision_succeeds_and_writes_nothing,
    many_tasks_on_one_aggregate_queue_instead_of_fighting,
    two_apps_on_one_store_lose_no_update,
    a_no_is_never_said_on_a_stale_state,
    an_expected_version_is_checked_and_never_tried_again,
    a_dropped_caller_takes_nothing_from_the_others,
    a_panic_is_an_error_and_writes_nothing,
    without_a_cache_all_is_the_same,
    ids_that_are_none_are_refused,
);

async fn balance(app: &App, id: &str) -> u64 {
    app.load::<Account>(id).await.unwrap().unwrap().state.balance
}

async fn a_command_becomes_an_event(given: Given) {
    let app = given.app().start().await.unwrap();
    let receipt = app.execute("acc-1", open("Ada")).await.unwrap();
    assert_eq!((receipt.version, receipt.events, receipt.duplicate), (Version(1), 1, false));
    let later = app.execute("acc-1", AccountCommand::DepositAll { amounts: vec![1, 2, 3] }).await.unwrap();
    assert_eq!((later.version, later.events), (Version(4), 3));
    assert!(later.order_id > receipt.order_id);

    let loaded = app.load::<Account>("acc-1").await.unwrap().unwrap();
    assert_eq!((loaded.state, loaded.version), (Account { open: true, balance: 6 }, Version(4)));
    drop(app);
    let given = given.reopened().await;
    let app = given.app().start().await.unwrap();
    assert_eq!(balance(&app, "acc-1").await, 6);
}

async fn a_rejection_is_the_users_own_error(given: Given) {
    let app = given.app().start().await.unwrap();
    let refused = app.execute("acc-1", deposit(1)).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&AccountError::NotOpen));
    assert!(app.load::<Account>("acc-1").await.unwrap().is_none());
}

async fn an_empty_decision_succeeds_and_writes_nothing(given: Given) {
    let app = given.app().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    let receipt = app.execute("acc-1", AccountCommand::Empty).await.unwrap();
    assert_eq!((receipt.events, receipt.version), (0, Version(1)));
    assert_eq!(app.events().read_all(Read::of(Selection::All)).await.unwrap().len(), 1);
}

async fn many_tasks_on_one_aggregate_queue_instead_of_fighting(given: Given) {
    let app = given.app().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    let tasks = (0..64).map(|_| {
        let app = app.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                app.execute("acc-1", deposit(1)).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(balance(&app, "acc-1").await, 320);
}

async fn two_apps_on_one_store_lose_no_update(given: Given) {
    let apps = [given.app().start().await.unwrap(), given.app().start().await.unwrap()];
    apps[0].execute("acc-1", open("Ada")).await.unwrap();
    let tasks = (0..8).map(|task| {
        let app = apps[task % 2].clone();
        tokio::spawn(async move {
            let mut done = 0;
            while done < 10 {
                match app.execute("acc-1", deposit(1)).await {
                    Ok(_) => done += 1,
                    Err(ExecuteError::Failed(error)) => {
                        assert!(matches!(error.kind(), ErrorKind::Conflict { .. }), "{error}");
                    }
                    Err(ExecuteError::Rejected(rejection)) => panic!("rejected: {rejection}"),
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!((balance(&apps[0], "acc-1").await, balance(&apps[1], "acc-1").await), (80, 80));
}

async fn a_no_is_never_said_on_a_stale_state(given: Given) {
    let (here, there) = (given.app().start().await.unwrap(), given.app().start().await.unwrap());
    here.execute("acc-1", open("Ada")).await.unwrap();
    there.execute("acc-1", deposit(100)).await.unwrap();
    here.execute("acc-1", withdraw(100)).await.unwrap();
    there.execute("acc-1", AccountCommand::Empty).await.unwrap();
    here.execute("acc-1", deposit(5)).await.unwrap();
    let emptied = there.execute("acc-1", AccountCommand::Empty).await.unwrap();
    assert_eq!(emptied.events, 1, "nothing to do was said on a stale state");
}

async fn an_expected_version_is_checked_and_never_tried_again(given: Given) {
    let (here, there) = (given.app().start().await.unwrap(), given.app().start().await.unwrap());
    here.execute("acc-1", open("Ada")).await.unwrap();
    there.execute("acc-1", deposit(10)).await.unwrap();
    let error = here.execute("acc-1", withdraw(1)).expected(Version(1)).await.unwrap_err();
    let stream = StreamName::parse("bank/Account/acc-1").unwrap();
    let conflict =
        ErrorKind::Conflict { stream, expected: ExpectedVersion::Exact(Version(1)), actual: Version(2) };
    assert_eq!(error.failure().map(Error::kind), Some(&conflict));
    here.execute("acc-1", withdraw(1)).expected(Version(2)).await.unwrap();
    let impossible = here.execute("acc-1", withdraw(1)).expected(Version(1 << 63)).await.unwrap_err();
    assert!(matches!(impossible.failure().map(Error::kind), Some(ErrorKind::Conflict { .. })));
}

async fn a_dropped_caller_takes_nothing_from_the_others(given: Given) {
    let app = given.app().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    let stay = (0..32).map(|_| tokio::spawn(app.execute("acc-1", deposit(1)).into_future()));
    let stay: Vec<_> = stay.collect();
    for _ in 0..32 {
        // Polled once or a few times, and dropped wherever it is then.
        let leave = tokio::time::timeout(Duration::ZERO, app.execute("acc-1", deposit(1)).into_future());
        let _ = leave.await;
    }
    for task in stay {
        task.await.unwrap().unwrap();
    }
    let loaded = app.load::<Account>("acc-1").await.unwrap().unwrap();
    assert!((32..=64).contains(&loaded.state.balance), "{}", loaded.state.balance);
    assert_eq!(loaded.version.0, loaded.state.balance + 1, "each deposit is one event");
}

async fn a_panic_is_an_error_and_writes_nothing(given: Given) {
    let app = given.app().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    for (command, names) in [
        (AccountCommand::PanicInDecide, ["`decide` of `bank/Account`", "decided to panic"]),
        (AccountCommand::PanicInEvolve, ["`evolve` of `bank/Account`", "cannot fold a curse"]),
    ] {
        let error = app.execute("acc-1", command).await.unwrap_err().to_string();
        assert!(names.iter().all(|name| error.contains(name)), "{error}");
    }
    let version = app.execute("acc-1", deposit(1)).await.unwrap().version;
    assert_eq!(version, Version(2), "neither panic left an event");
    assert_eq!(balance(&app, "acc-1").await, 1);
}

async fn without_a_cache_all_is_the_same(given: Given) {
    let app = given.app().cached_aggregates(0).start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    for _ in 0..3 {
        app.execute("acc-1", deposit(1)).await.unwrap();
    }
    assert_eq!(balance(&app, "acc-1").await, 3);
    let cold = app.repository::<Account>().unwrap().cache_stats();
    assert_eq!(cold.hits, 0);

    let cached = given.app().start().await.unwrap();
    for _ in 0..3 {
        cached.execute("acc-1", deposit(1)).await.unwrap();
    }
    let warm = cached.repository::<Account>().unwrap().cache_stats();
    assert_eq!((warm.misses, warm.hits), (1, 2));
}

async fn ids_that_are_none_are_refused(given: Given) {
    let app = Arc::new(given.app().start().await.unwrap());
    for (id, says) in [
        ("", "empty"),
        ("a/b", "cannot contain `/`"),
        ("tab\there", "control character"),
        (&*"x".repeat(10_240), "at most 512 are allowed"),
    ] {
        let error = app.execute(id, open("Ada")).await.unwrap_err();
        let error = error.failure().unwrap();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(says), "{error}");
    }
    app.execute("ünïcode 👍 :-_.~", open("Ada")).await.unwrap();
}
