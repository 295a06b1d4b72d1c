//! A file that was made from another log than the one at hand is refused, and nothing is applied to it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use newton::store::{Expect, StateKey, StateStore, StateWrite};
use newton::subscription::Phase;
use newton::{App, Newton};
use newton_tests::bank::{Account, deposit, open};
use newton_tests::recorder::eventually;
use rusqlite::Connection;
use tempfile::TempDir;

use super::views::{InSets, Table};
use super::{Rows, fill, folded, rows};

fn log(folder: &TempDir) -> PathBuf {
    folder.path().join("bank.db")
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("bank.db.projections").join("Table.1.db")
}

async fn start(folder: &TempDir) -> App {
    let store = format!("sqlite://{}", log(folder).display());
    Newton::builder().store(store).only::<(Account, Table)>().start().await.unwrap()
}

async fn stop(app: App) {
    assert!(app.shutdown(Duration::from_mins(1)).await.is_complete());
}

fn remove(file: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
    }
}

/// A projection that is caught up with a log of so many accounts, which is then removed.
async fn orphan(accounts: u32) -> TempDir {
    let folder = TempDir::new().unwrap();
    let app = start(&folder).await;
    let last = fill(&app, accounts).await;
    app.caught_up::<Table>(&last).await.unwrap();
    stop(app).await;
    remove(&log(&folder));
    folder
}

/// Makes another log, in which so many accounts are.
async fn write(folder: &TempDir, accounts: u32) {
    let store = format!("sqlite://{}", log(folder).display());
    let app = Newton::builder().store(store).only::<Account>().start().await.unwrap();
    fill(&app, accounts).await;
    stop(app).await;
}

/// Waits until the projection says what is wrong.
async fn refused(app: &App, why: &str, folder: &TempDir) {
    eventually("refused", async || app.status::<Table>().await.unwrap().phase == Phase::Paused).await;
    let error = app.status::<Table>().await.unwrap().last_error.unwrap();
    for part in [why, "another log", "`app.rebuild`", &file(folder).display().to_string()] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    // Each further attempt begins as if nothing had been.
    eventually("told", async || !app.health().await.is_green()).await;
}

fn raw(folder: &TempDir) -> Rows {
    let connection = Connection::open(file(folder)).unwrap();
    let mut rows =
        connection.prepare("SELECT stream, balance, events FROM balances ORDER BY stream").unwrap();
    let rows = rows.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_with_other_events_is_refused() {
    let folder = orphan(5).await;
    let before = raw(&folder);
    write(&folder, 9).await;
    let app = start(&folder).await;
    refused(&app, "has another event in its place", &folder).await;
    app.execute("acc-0", deposit(5)).await.unwrap();
    stop(app).await;
    assert_eq!(raw(&folder), before, "nothing was applied");

    remove(&file(&folder));
    let app = start(&folder).await;
    app.caught_up_all().await.unwrap();
    assert_eq!(rows::<Table>(&app).await, folded(&**app.events()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_ends_before_the_data_is_refused() {
    let folder = orphan(5).await;
    let before = raw(&folder);
    let app = start(&folder).await;
    app.execute("acc-0", open("Ada")).await.unwrap();
    refused(&app, "the log ends before it", &folder).await;
    stop(app).await;
    assert_eq!(raw(&folder), before, "nothing was applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_before_is_accepted_and_knows_its_log_from_then_on() {
    let folder = TempDir::new().unwrap();
    let app = start(&folder).await;
    let last = fill(&app, 5).await;
    app.caught_up::<Table>(&last).await.unwrap();
    stop(app).await;
    Connection::open(file(&folder)).unwrap().execute_batch("DROP TABLE newton_projections_last").unwrap();
    let app = start(&folder).await;
    app.caught_up_all().await.unwrap();
    assert_eq!(rows::<Table>(&app).await, folded(&**app.events()).await);
    stop(app).await;
    let connection = Connection::open(file(&folder)).unwrap();
    let known = connection.query_row("SELECT order_id FROM newton_projections_last", (), |row| row.get(0));
    assert_eq!(
        known.map(i64::cast_unsigned).unwrap(),
        last.order_id.0,
        "kept at the start, before any event"
    );
    drop(connection);

    remove(&log(&folder));
    write(&folder, 9).await;
    let app = start(&folder).await;
    refused(&app, "has another event in its place", &folder).await;
    stop(app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_replaces_a_refused_file() {
    let folder = orphan(5).await;
    write(&folder, 9).await;
    let app = start(&folder).await;
    refused(&app, "has another event in its place", &folder).await;
    let rebuild = app.rebuild::<Table>().await.unwrap();
    rebuild.done().await.unwrap();
    app.caught_up_all().await.unwrap();
    let expected = folded(&**app.events()).await;
    assert_eq!(rows::<Table>(&app).await, expected);
    assert!(app.health().await.is_green());
    let receipt = app.execute("acc-0", deposit(5)).await.unwrap();
    app.caught_up::<Table>(&receipt).await.unwrap();
    stop(app).await;

    let app = start(&folder).await;
    app.caught_up_all().await.unwrap();
    assert_eq!(rows::<Table>(&app).await, folded(&**app.events()).await);
    assert!(!file(&folder).exists(), "the old file is given up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_half_built_from_another_log_is_dropped() {
    let folder = orphan(5).await;
    for ending in ["", "-wal", "-shm"] {
        let [old, half_built] = [1, 2].map(|generation| {
            folder.path().join(format!("bank.db.projections/Table.{generation}.db{ending}"))
        });
        let _ = std::fs::rename(old, half_built);
    }
    write(&folder, 9).await;
    let key = || StateKey::new("projection", "Table");
    {
        let stores = newton::store::open(&format!("sqlite://{}", log(&folder).display())).await.unwrap();
        let value = Some(r#"{"live":1,"next":2}"#.into());
        stores.state.write(vec![StateWrite { key: key(), expect: Expect::Any, value }]).await.unwrap();
    }
    let app = start(&folder).await;
    eventually("rebuilt", async || {
        let record = app.state().get(&key()).await.unwrap().unwrap();
        record.value == r#"{"live":3,"next":null}"#
    })
    .await;
    app.caught_up_all().await.unwrap();
    assert_eq!(rows::<Table>(&app).await, folded(&**app.events()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_to_remove_the_file_of_the_events() {
    let folder = TempDir::new().unwrap();
    let start = || {
        let store = format!("sqlite://{}", log(&folder).display());
        Newton::builder().store(store).only::<(Account, InSets)>().start()
    };
    let app = start().await.unwrap();
    let last = fill(&app, 5).await;
    app.caught_up::<InSets>(&last).await.unwrap();
    stop(app).await;
    let tamper = "UPDATE newton_projections_last SET event_id = 'another' WHERE name = 'InSets'";
    Connection::open(log(&folder)).unwrap().execute_batch(tamper).unwrap();

    let app = start().await.unwrap();
    eventually("refused", async || app.status::<InSets>().await.unwrap().phase == Phase::Paused).await;
    let told = app.status::<InSets>().await.unwrap().last_error.unwrap();
    assert!(told.contains("must not be removed") && !told.contains("rebuild"), "{told}");
    let refused = app.rebuild::<InSets>().await;
    let refused = match refused {
        Ok(rebuild) => rebuild.done().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(refused.to_string().contains("take `shared` out"), "{refused}");
    stop(app).await;

    // As it says.
    let remedy = "DROP TABLE balances; DELETE FROM newton_projections; DELETE FROM newton_projections_last;
                  DELETE FROM newton_projections_parked; DELETE FROM newton_projections_dropped";
    Connection::open(log(&folder)).unwrap().execute_batch(remedy).unwrap();
    let app = start().await.unwrap();
    app.caught_up_all().await.unwrap();
    let balances =
        |rows: Rows| rows.into_iter().map(|(stream, balance, _)| (stream, balance)).collect::<Vec<_>>();
    let expected = balances(folded(&**app.events()).await);
    assert_eq!(balances(rows::<InSets>(&app).await), expected);
}
