//! A rebuild is built beside the live data and switched to at once.

use futures_util::StreamExt;
use newton::ErrorKind;
use newton::projection::RebuildPhase;
use newton_tests::bank::{Account, deposit, open};
use newton_tests::{Given, over_every_store};

use super::views::{Balances, Changed, InSets, Table};
use super::{fill, folded, rows};

over_every_store!(a_rebuild_ends_in_the_same_data, a_rebuild_tells_how_far_it_is, appends_go_on_meanwhile,);

async fn a_rebuild_ends_in_the_same_data(given: Given) {
    let app = given.app().only::<(Account, Balances, Table)>().start().await.unwrap();
    fill(&app, 50).await;
    app.caught_up_all().await.unwrap();
    for _ in 0..3 {
        app.rebuild::<Table>().await.unwrap().done().await.unwrap();
        app.rebuild::<Balances>().await.unwrap().done().await.unwrap();
        assert_eq!(rows::<Table>(&app).await, folded(&*given.stores.events).await);
        assert_eq!(app.view::<Balances>().unwrap().read().events, 200);
    }
}

async fn a_rebuild_tells_how_far_it_is(given: Given) {
    let app = given.app().only::<(Account, Table)>().start().await.unwrap();
    let last = fill(&app, 50).await;
    app.caught_up::<Table>(&last).await.unwrap();
    let told: Vec<_> = app.rebuild::<Table>().await.unwrap().changes().collect().await;
    assert!(
        told.iter().all(|progress| progress.target == last.order_id),
        "the way is known from the beginning: {told:?}"
    );
    let end = told.last().unwrap();
    assert_eq!((&end.phase, end.events), (&RebuildPhase::Done, 200));
    assert_eq!((end.position, end.target), (last.order_id, last.order_id));
    assert!(end.rate > 0.0);
}

/// No reader ever sees less than the live data had before.
async fn appends_go_on_meanwhile(given: Given) {
    let app = given.app().only::<(Account, Table)>().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    for number in 1..=5_i64 {
        let rebuild = app.rebuild::<Table>().await.unwrap();
        let mut done = Box::pin(async move { rebuild.done().await });
        loop {
            let receipt = app.execute("acc-1", deposit(1)).await.unwrap();
            app.caught_up::<Table>(&receipt).await.unwrap();
            let found = rows::<Table>(&app).await;
            assert!(found[0].2 >= i64::try_from(receipt.version.0).unwrap(), "{number}: {found:?}");
            if let Some(ended) = futures_util::FutureExt::now_or_never(&mut done) {
                ended.unwrap();
                break;
            }
        }
    }
    app.caught_up_all().await.unwrap();
    assert_eq!(rows::<Table>(&app).await, folded(&*given.stores.events).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_code_is_told_and_rebuilt_where_asked() {
    let given = Given::sqlite().await;
    let app = given.app().only::<(Account, Table)>().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    let receipt = app.execute("acc-1", deposit(2)).await.unwrap();
    app.caught_up::<Table>(&receipt).await.unwrap();
    assert_eq!(app.changed_projections(), Vec::<String>::new());
    drop(app);

    let given = given.reopened().await;
    let app = given.app().only::<(Account, Changed)>().start().await.unwrap();
    let receipt = app.execute("acc-1", deposit(3)).await.unwrap();
    app.caught_up::<Changed>(&receipt).await.unwrap();
    assert_eq!(app.changed_projections(), ["Table"]);
    assert!(app.status::<Changed>().await.unwrap().changed);
    assert_eq!(rows::<Changed>(&app).await[0].1, 302, "the new code goes on with the old data");
    app.rebuild::<Changed>().await.unwrap().done().await.unwrap();
    assert_eq!(rows::<Changed>(&app).await[0].1, 500);
    assert_eq!(app.changed_projections(), Vec::<String>::new());
    drop(app);

    let given = given.reopened().await;
    let app = given.app().only::<(Account, Table)>().rebuild_changed(true).start().await.unwrap();
    let receipt = app.execute("acc-1", deposit(4)).await.unwrap();
    app.caught_up::<Table>(&receipt).await.unwrap();
    // Joins the one that the start began, unless that is done already.
    app.rebuild::<Table>().await.unwrap().done().await.unwrap();
    assert_eq!(rows::<Table>(&app).await[0].1, 9);
    assert_eq!(app.changed_projections(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shared_tables_cannot_be_built_a_second_time() {
    let given = Given::sqlite().await;
    let app = given.app().only::<(Account, InSets)>().start().await.unwrap();
    let receipt = app.execute("acc-1", open("Ada")).await.unwrap();
    app.caught_up::<InSets>(&receipt).await.unwrap();
    let error = app.rebuild::<InSets>().await.unwrap().done().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Internal, "{error}");
    assert!(error.to_string().contains("shared"), "{error}");
    let receipt = app.execute("acc-1", deposit(1)).await.unwrap();
    app.caught_up::<InSets>(&receipt).await.unwrap();
}
