//! Online backup, verify and restore.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use newton::store::sqlite::{SqliteOptions, SqliteStore, Verification};
use newton::store::{EventStore, EventStoreExt, Read, Selection};
use newton::{ErrorKind, OrderId};
use rusqlite::Connection;

use super::support::{Temporary, append, event};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_complete_while_appends_go_on() {
    let store = Arc::new(Temporary::open());
    for _ in 0..40 {
        append(&store, "bank/Account/a", (0..50).map(|_| event(1_000)).collect()).await.unwrap();
    }
    let before = store.head().await.unwrap().current();
    let (done, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writing = tokio::spawn({
        let (store, done, written) = (Arc::clone(&store), Arc::clone(&done), Arc::clone(&written));
        async move {
            while !done.load(Ordering::Relaxed) {
                append(&store, "bank/Account/b", vec![event(1_000)]).await.unwrap();
                written.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    while written.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let copy = store.path("backup.db");
    store.backup(&copy).await.unwrap();
    done.store(true, Ordering::Relaxed);
    writing.await.unwrap();

    let verification = SqliteStore::verify_file(&copy).unwrap();
    assert_eq!(verification.problems, Vec::<String>::new());
    assert!(verification.head > before && verification.events == verification.head.0, "{verification:?}");
    assert_eq!(
        fs::read_dir(copy.parent().unwrap()).unwrap().count(),
        4,
        "only events.db, its log and the copy"
    );
}

#[tokio::test]
async fn a_restored_store_has_every_event_and_goes_on() {
    let store = Temporary::open();
    append(&store, "bank/Account/a", vec![event(10), event(10)]).await.unwrap();
    let (copy, restored) = (store.path("backup.db"), store.path("restored.db"));
    store.backup(&copy).await.unwrap();
    SqliteStore::restore(&copy, &restored).unwrap();

    let second = SqliteStore::open(&restored, SqliteOptions::default()).unwrap();
    let all = Read::of(Selection::All);
    assert_eq!(second.read_all(all.clone()).await.unwrap(), store.read_all(all).await.unwrap());
    let appended = append(&second, "bank/Account/a", vec![event(10)]).await.unwrap();
    assert_eq!(appended.order_id, OrderId(3));
}

#[tokio::test]
async fn neither_backup_nor_restore_overwrites_a_file() {
    let store = Temporary::open();
    let copy = store.path("backup.db");
    store.backup(&copy).await.unwrap();
    for error in
        [store.backup(&copy).await.unwrap_err(), SqliteStore::restore(&copy, store.file()).unwrap_err()]
    {
        assert_eq!(*error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("new file"), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored() {
    let store = Temporary::open();
    append(&store, "bank/Account/a", vec![event(10)]).await.unwrap();
    let (copy, target) = (store.path("backup.db"), store.path("restored.db"));
    store.backup(&copy).await.unwrap();
    let connection = Connection::open(&copy).unwrap();
    connection.execute("UPDATE events SET version = 5", []).unwrap();
    connection.close().unwrap();
    let error = SqliteStore::restore(&copy, &target).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("bank/Account/a"), "{error}");
    assert!(!target.exists());
}

/// What is done to a sound file, and what verify must say of it.
const DAMAGE: [(&str, &str); 10] = [
    ("UPDATE events SET payload = '{broken' WHERE order_id = 2", "event 2: the payload is not JSON"),
    ("UPDATE events SET version = 9 WHERE order_id = 2", "stream bank/Account/a"),
    ("UPDATE events SET time = 0 WHERE order_id = 2", "event 2: recorded earlier"),
    ("UPDATE events SET tags = '[' WHERE order_id = 2", "event 2: its tags"),
    ("UPDATE events SET type_id = 77 WHERE order_id = 2", "event 2: its type has no name"),
    ("UPDATE streams SET deleted = 1", "stream bank/Account/a: deleted without a tombstone"),
    ("INSERT INTO streams (domain_id, name) VALUES (1, 'lost')", "stream lost: no events"),
    ("UPDATE events SET tags = '[[\"k\",\"v\"]]' WHERE order_id = 2", "event 2: its tags are not all"),
    (
        "UPDATE events SET correlation_id = 'x' WHERE order_id = 2",
        "event 2: its correlation does not lead to it",
    ),
    ("INSERT INTO event_correlations VALUES ('x', 2)", "correlation: points to the event 2"),
];

#[tokio::test]
async fn verify_names_what_is_wrong() {
    for (damage, expected) in DAMAGE {
        let store = Temporary::open();
        append(&store, "bank/Account/a", vec![event(10), event(10)]).await.unwrap();
        assert!(store.verify().await.unwrap().is_sound());
        Connection::open(store.file()).unwrap().execute(damage, []).unwrap();
        let Verification { problems, .. } = store.verify().await.unwrap();
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{damage}: {problems:?}");
    }
}
