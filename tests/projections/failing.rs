//! What a handler cannot take in is set aside by its key, and the others go on.

use newton::ErrorKind;
use newton_tests::bank::{Account, deposit, open};
use newton_tests::{Given, over_every_store};

use super::views::{Balances, Endless, MENDED, Table};
use super::{folded, rows};

over_every_store!(
    a_failure_parks_its_key_and_others_go_on,
    a_panic_is_a_failure_like_any_other,
    what_cannot_be_mended_is_given_up,
    an_endless_query_is_interrupted,
);

/// A name that no other test uses.
fn unique() -> String {
    format!("acc-{}", newton::EventId::generate())
}

async fn a_failure_parks_its_key_and_others_go_on(given: Given) {
    let app = given.app().only::<(Account, Balances, Table)>().start().await.unwrap();
    let (bad, good) = (unique(), unique());
    let stream = format!("bank/Account/{bad}");
    for account in [&bad, &good] {
        app.execute(account, open("Ada")).await.unwrap();
    }
    let failed = app.execute(&bad, deposit(13)).await.unwrap();
    let waiting = app.execute(&bad, deposit(1)).await.unwrap();
    let fine = app.execute(&good, deposit(2)).await.unwrap();
    app.caught_up::<Table>(&fine).await.unwrap();
    app.caught_up::<Balances>(&fine).await.unwrap();
    for receipt in [&failed, &waiting] {
        let parked = [app.caught_up::<Table>(receipt).await, app.caught_up::<Balances>(receipt).await];
        for error in parked.map(Result::unwrap_err) {
            assert_eq!(*error.kind(), ErrorKind::Parked { key: stream.as_str().into() }, "{error}");
        }
    }
    for listed in [app.parked_of::<Table>().await.unwrap(), app.parked_of::<Balances>().await.unwrap()] {
        let [key] = &listed[..] else { panic!("{listed:?}") };
        let causes: Vec<_> = key.events.iter().map(|event| event.cause.as_deref()).collect();
        assert_eq!((&*key.key, causes), (&*stream, vec![Some("13 is unlucky"), None]));
        assert!(key.events.iter().all(|event| event.event.is_some()));
    }
    assert_eq!(app.retry_parked::<Table>(&stream).await.unwrap(), 0);
    assert_eq!(app.parked_of::<Table>().await.unwrap()[0].events[0].attempts, 2);

    MENDED.lock().unwrap().insert(stream.clone());
    assert_eq!(app.retry_parked::<Table>(&stream).await.unwrap(), 2);
    assert_eq!(app.retry_parked::<Balances>(&stream).await.unwrap(), 2);
    let later = app.execute(&bad, deposit(5)).await.unwrap();
    app.caught_up::<Table>(&later).await.unwrap();
    app.caught_up::<Balances>(&later).await.unwrap();
    assert_eq!(rows::<Table>(&app).await, folded(&*given.stores.events).await);
    assert_eq!(app.view::<Balances>().unwrap().read().by_stream[&stream], 19);
    assert_eq!(app.status::<Table>().await.unwrap().parked_keys, 0);
    let gone = app.retry_parked::<Table>(&stream).await.unwrap_err();
    assert_eq!(*gone.kind(), ErrorKind::NotFound);
}

async fn a_panic_is_a_failure_like_any_other(given: Given) {
    let app = given.app().only::<(Account, Balances, Table)>().start().await.unwrap();
    let bad = unique();
    app.execute(&bad, open("Ada")).await.unwrap();
    let failed = app.execute(&bad, deposit(666)).await.unwrap();
    for error in [app.caught_up::<Table>(&failed).await, app.caught_up::<Balances>(&failed).await] {
        assert!(matches!(error.unwrap_err().kind(), ErrorKind::Parked { .. }));
    }
    let cause = app.parked_of::<Table>().await.unwrap()[0].events[0].cause.clone().unwrap();
    assert!(cause.contains("the beast"), "{cause}");
}

async fn what_cannot_be_mended_is_given_up(given: Given) {
    let app = given.app().only::<(Account, Balances, Table)>().start().await.unwrap();
    let bad = unique();
    let stream = format!("bank/Account/{bad}");
    app.execute(&bad, open("Ada")).await.unwrap();
    app.execute(&bad, deposit(13)).await.unwrap();
    let last = app.execute(&bad, deposit(4)).await.unwrap();
    assert!(app.caught_up::<Table>(&last).await.is_err() && app.caught_up::<Balances>(&last).await.is_err());
    app.drop_parked::<Table>(&stream, "it is a test").await.unwrap();
    app.drop_parked::<Balances>(&stream, "it is a test").await.unwrap();
    app.caught_up::<Table>(&last).await.unwrap();
    app.caught_up::<Balances>(&last).await.unwrap();
    assert_eq!(rows::<Table>(&app).await, [(stream.clone(), 4, 2)]);
    assert_eq!(app.view::<Balances>().unwrap().read().by_stream[&stream], 4);
    for dropped in [app.dropped::<Table>().await.unwrap(), app.dropped::<Balances>().await.unwrap()] {
        let [one] = &dropped[..] else { panic!("{dropped:?}") };
        assert_eq!((&*one.key, &*one.reason, one.parked.attempts), (&*stream, "it is a test", 1));
        assert!(one.parked.cause.is_some() && one.time >= one.parked.since);
        assert_eq!(one.parked.event.as_ref().unwrap().id, one.parked.event_id);
    }
}

async fn an_endless_query_is_interrupted(given: Given) {
    let app = given.app().only::<(Account, Endless)>().start().await.unwrap();
    app.execute("good", open("Ada")).await.unwrap();
    let endless = app.execute("bad", open("endless")).await.unwrap();
    let after = app.execute("good", deposit(3)).await.unwrap();
    app.caught_up::<Endless>(&after).await.unwrap();
    assert!(matches!(app.caught_up::<Endless>(&endless).await.unwrap_err().kind(), ErrorKind::Parked { .. }));
    let cause = app.parked_of::<Endless>().await.unwrap()[0].events[0].cause.clone().unwrap();
    assert!(cause.contains("interrupted"), "{cause}");
    assert_eq!(rows::<Endless>(&app).await, [("bank/Account/good".to_owned(), 3, 2)]);
}
