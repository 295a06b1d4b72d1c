//! Views in memory and in tables follow the log.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use newton::ErrorKind;
use newton::domain::NewEvent;
use newton::store::{Append, EventStore};
use newton_tests::bank::{Account, AccountCommand, deposit, open};
use newton_tests::{Given, over_every_store};

use super::views::{Balances, Gate, Gated, InSets, Table};
use super::{fill, folded, rows};

over_every_store!(
    a_caller_reads_its_own_write,
    a_view_is_there_again_after_a_restart,
    a_command_without_events_has_nothing_to_wait_for,
    unregistered_projections_are_told,
    a_slow_projection_holds_up_no_append,
);

async fn a_caller_reads_its_own_write(given: Given) {
    let app = given.app().only::<(Account, Balances, Table)>().start().await.unwrap();
    for amount in 1..=12 {
        let account = format!("acc-{amount}");
        app.execute(&account, open("Ada")).await.unwrap();
        let receipt = app.execute(&account, deposit(amount)).await.unwrap();
        app.caught_up::<Balances>(&receipt).await.unwrap();
        app.caught_up::<Table>(&receipt).await.unwrap();
        let (stream, amount) = (format!("bank/Account/{account}"), i64::try_from(amount).unwrap());
        assert_eq!(app.view::<Balances>().unwrap().read().by_stream[&stream], amount);
        let sql = "SELECT balance FROM balances WHERE stream = ?";
        let table = app.view::<Table>().unwrap();
        let found = table.query_row(sql, (stream,), |row| row.get::<_, i64>(0)).await.unwrap();
        assert_eq!(found, Some(amount));
    }
    let status = app.status::<Table>().await.unwrap();
    assert_eq!((status.lag_events, status.last_error, status.changed), (0, None, false));
}

async fn a_view_is_there_again_after_a_restart(given: Given) {
    let app = given.app().only::<(Account, Balances, Table)>().start().await.unwrap();
    fill(&app, 300).await;
    app.caught_up_all().await.unwrap();
    drop(app);
    let given = given.reopened().await;
    let app = given.app().only::<(Account, Balances, Table)>().start().await.unwrap();
    app.caught_up_all().await.unwrap();
    let log = folded(&*given.stores.events).await;
    assert_eq!(rows::<Table>(&app).await, log);
    let view = app.view::<Balances>().unwrap();
    assert_eq!(view.with(|balances| balances.events), 1_200);
    let sums: Vec<_> = log.into_iter().map(|(stream, balance, _)| (stream, balance)).collect();
    assert_eq!(view.read().by_stream.clone().into_iter().collect::<Vec<_>>(), sums);
}

async fn a_command_without_events_has_nothing_to_wait_for(given: Given) {
    let (_keep, gate) = gate();
    let app = given.app().only::<(Account, Gated)>().provide(gate).start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    let nothing = app.execute("acc-1", AccountCommand::Empty).await.unwrap();
    assert_eq!(nothing.events, 0);
    app.caught_up::<Gated>(&nothing).await.unwrap();
}

async fn unregistered_projections_are_told(given: Given) {
    let app = given.app().start().await.unwrap();
    let receipt = app.execute("acc-1", open("Ada")).await.unwrap();
    let errors = [
        app.view::<Balances>().map(drop).unwrap_err(),
        app.caught_up::<Table>(&receipt).await.unwrap_err(),
        app.rebuild::<Table>().await.map(drop).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(*error.kind(), ErrorKind::Configuration, "{error}");
    }
}

fn gate() -> (mpsc::Sender<()>, Gate) {
    let (open, gate) = mpsc::channel();
    (open, Gate(Arc::new(Mutex::new(gate))))
}

/// The handler waits, in its transaction, for something that is done only after a hundred appends.
async fn a_slow_projection_holds_up_no_append(given: Given) {
    let (let_go, gate) = gate();
    let app = given.app().only::<(Account, Gated)>().provide(gate).start().await.unwrap();
    let first = app.execute("acc-1", open("Ada")).await.unwrap();
    let too_early = app.caught_up::<Gated>(&first).within(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(*too_early.kind(), ErrorKind::Unavailable, "{too_early}");
    let mut last = first;
    for _ in 0..100 {
        last = app.execute("acc-1", deposit(1)).await.unwrap();
    }
    for _ in 0..=100 {
        let_go.send(()).unwrap();
    }
    app.caught_up::<Gated>(&last).await.unwrap();
    assert_eq!(rows::<Gated>(&app).await, folded(&*given.stores.events).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_can_be_in_the_file_of_the_events_and_written_in_sets() {
    let given = Given::sqlite().await;
    let app = given.app().only::<(Account, InSets)>().start().await.unwrap();
    fill(&app, 100).await;
    app.caught_up_all().await.unwrap();
    let balances = |rows: super::Rows| rows.into_iter().map(|row| (row.0, row.1)).collect::<Vec<_>>();
    assert_eq!(balances(rows::<InSets>(&app).await), balances(folded(&*given.stores.events).await));
    let file = given.stores.file.clone().unwrap();
    let here = rusqlite::Connection::open(file).unwrap();
    let sql = "SELECT count(*) FROM balances";
    assert_eq!(here.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap(), 100);
}

#[tokio::test]
async fn shared_tables_need_a_file_of_events() {
    let error = Given::memory().await.app().only::<(Account, InSets)>().start().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Configuration, "{error}");
}

/// Events that no handler knows only move the position.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_events_are_passed_by() {
    let given = Given::sqlite().await;
    let app = given.app().only::<(Account, Table)>().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    let foreign = NewEvent::new("Foreign", newton::Payload::of(&1).unwrap());
    let stream = newton::StreamName::parse("other/Thing/1").unwrap();
    let now = newton::domain::Clock::now(&newton::domain::SystemClock);
    let append = Append::to(stream, newton::ExpectedVersion::Any, vec![foreign], now);
    let appended = given.stores.events.append(append).await.unwrap();
    app.caught_up_all().await.unwrap();
    assert_eq!(app.status::<Table>().await.unwrap().position, appended.order_id);
}
