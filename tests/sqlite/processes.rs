//! Two processes on one file, and programs that hold it open.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use newton::store::sqlite::{SqliteOptions, SqliteStore};
use newton::store::{EventStore, EventStoreExt, Read, Selection};
use newton::{ErrorKind, OrderId};
use rusqlite::Connection;

use super::support::{Temporary, append, event};

/// Tells a child process which file to write to.
const FILE: &str = "NEWTON_TEST_FILE";

/// Appends of each process.
const APPENDS: usize = 200;

fn child(test: &str, file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(FILE, file);
    command
}

async fn append_to_shared_streams(file: &Path) {
    let store = SqliteStore::open(file, SqliteOptions::default()).unwrap();
    for index in 0..APPENDS {
        append(&store, &format!("bank/Account/{}", index % 3), vec![event(20), event(20)]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_open_a_new_file_at_once_keep_every_promise() {
    if let Ok(file) = std::env::var(FILE) {
        append_to_shared_streams(Path::new(&file)).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.db");
    let this = "sqlite::processes::two_processes_that_open_a_new_file_at_once_keep_every_promise";
    let children: Vec<Child> = (0..2).map(|_| child(this, &file).spawn().unwrap()).collect();
    append_to_shared_streams(&file).await;
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = SqliteStore::open(&file, SqliteOptions::default()).unwrap();
    let verification = store.verify().await.unwrap();
    assert_eq!(verification.problems, Vec::<String>::new());
    assert_eq!(verification.events, 3 * 2 * APPENDS as u64);
}

#[tokio::test]
async fn the_appends_of_another_store_on_the_file_are_seen_within_50_ms() {
    let first = Temporary::open();
    let second = SqliteStore::open(first.file(), SqliteOptions::default()).unwrap();
    let mut head = second.head().await.unwrap();
    let mut latencies = Vec::new();
    for count in 0..20 {
        let start = Instant::now();
        append(&first, "bank/Account/a", vec![event(10)]).await.unwrap();
        let seen = tokio::time::timeout(Duration::from_secs(10), head.beyond(OrderId(count))).await;
        assert_eq!(seen.unwrap().unwrap(), OrderId(count + 1));
        latencies.push(start.elapsed());
    }
    latencies.sort();
    // Half of them, so that a machine that is busy with other things does not decide.
    assert!(latencies[10] < Duration::from_millis(50), "{latencies:?}");
}

#[tokio::test]
async fn versions_and_ids_of_another_store_on_the_file_are_known() {
    let first = Temporary::open();
    let second = SqliteStore::open(first.file(), SqliteOptions::default()).unwrap();
    let note = event(10);
    for round in 0..10 {
        let (one, two) = if round % 2 == 0 { (&*first, &second) } else { (&second, &*first) };
        let fresh = event(10);
        let name = "bank/Account/a";
        let appended = append(one, name, vec![fresh.clone()]).await.unwrap();
        let again = append(two, name, vec![fresh]).await.unwrap();
        assert!(again.duplicate && again.order_id == appended.order_id);
        let behind = append(two, name, vec![event(10)]).await.unwrap();
        assert_eq!(behind.versions[0], appended.versions[0].next());
    }
    append(&first, "bank/Account/b", vec![note.clone()]).await.unwrap();
    let error = append(&second, "bank/Account/c", vec![note]).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::IdReused { .. }), "{error}");
}

#[tokio::test]
async fn a_long_read_of_another_program_delays_no_append() {
    let store = Temporary::with(SqliteOptions::parse("synchronous=off").unwrap());
    append(&store, "bank/Account/a", vec![event(10)]).await.unwrap();
    let other = Connection::open(store.file()).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM events").unwrap();
    let before: i64 = other.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    for _ in 0..60 {
        append(&store, "bank/Account/a", vec![event(1_000_000)]).await.unwrap();
    }
    let after: i64 = other.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!((before, after), (1, 1));
}

#[tokio::test]
async fn a_write_lock_held_elsewhere_is_an_error_that_can_be_retried() {
    let store = Temporary::with(SqliteOptions::parse("busy_timeout=20").unwrap());
    let other = Connection::open(store.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = append(&store, "bank/Account/a", vec![event(10)]).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (&ErrorKind::Unavailable, newton::Retry::Later));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(append(&store, "bank/Account/a", vec![event(10)]).await.unwrap().order_id, OrderId(1));
}

#[tokio::test]
async fn the_log_stays_short_while_a_consumer_stalls() {
    let store = Temporary::with(SqliteOptions::parse("synchronous=off").unwrap());
    let log = PathBuf::from(format!("{}-wal", store.file().display()));
    append(&store, "bank/Account/a", vec![event(10), event(10)]).await.unwrap();
    let first = store.read(Read::of(Selection::All).limit(1)).await.unwrap();
    let mut longest = 0;
    for _ in 0..200 {
        append(&store, "bank/Account/a", vec![event(1_000_000)]).await.unwrap();
        longest = longest.max(std::fs::metadata(&log).unwrap().len());
    }
    assert!(longest < 64 * 1024 * 1024, "the log had {longest} bytes");
    let rest = Read::of(Selection::All).from(first.next.unwrap());
    assert_eq!(store.read_all(rest).await.unwrap().len(), 201);
}
