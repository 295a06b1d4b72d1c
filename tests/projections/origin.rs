//! A file that was made from another log than the one at hand is refused, and nothing is applied to it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use newton::subscription::Phase;
use newton::{App, Newton};
use newton_tests::bank::{Account, deposit, open};
use newton_tests::recorder::eventually;
use rusqlite::Connection;
use tempfile::TempDir;

use super::views::Table;
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

/// Waits until the projection says what is wrong.
async fn refused(app: &App, why: &str, folder: &TempDir) {
    eventually("refused", async || app.status::<Table>().await.unwrap().phase == Phase::Paused).await;
    let error = app.status::<Table>().await.unwrap().last_error.unwrap();
    for part in [why, "another log", "remove the file", &file(folder).display().to_string()] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert!(!app.health().await.is_green());
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
    let writing = {
        let store = format!("sqlite://{}", log(&folder).display());
        Newton::builder().store(store).only::<Account>().start().await.unwrap()
    };
    fill(&writing, 9).await;
    let app = start(&folder).await;
    refused(&app, "has another event in its place", &folder).await;
    writing.execute("acc-0", deposit(5)).await.unwrap();
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
    let next = app.execute("acc-0", deposit(1)).await.unwrap();
    app.caught_up::<Table>(&next).await.unwrap();
    assert_eq!(rows::<Table>(&app).await, folded(&**app.events()).await);
    stop(app).await;
    let connection = Connection::open(file(&folder)).unwrap();
    let known = connection.query_row("SELECT order_id FROM newton_projections_last", (), |row| row.get(0));
    assert_eq!(known.map(i64::cast_unsigned).unwrap(), next.order_id.0);
}
