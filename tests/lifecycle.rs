//! An app ends in order or at once, leaves nothing behind, and lives beside others in one process.

use std::path::Path;
use std::time::Duration;

use newton::registry::Registry;
use newton::store::open as open_stores;
use newton::{ErrorKind, ExecuteError, Newton};
use newton_tests::bank::{Account, deposit, open};
use newton_tests::{Given, over_every_store};
use rusqlite::{Connection, OpenFlags};
use tokio::task::JoinSet;

const LIMIT: Duration = Duration::from_mins(1);

over_every_store![
    a_shutdown_lets_commands_finish_and_takes_no_more,
    a_shutdown_hands_its_leases_over,
    apps_in_one_process_have_registries_of_their_own,
];

async fn a_shutdown_lets_commands_finish_and_takes_no_more(given: Given) {
    let app = given.app().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    let (first, mut begun) = tokio::sync::mpsc::channel(8);
    let mut depositors = JoinSet::new();
    for _ in 0..8 {
        let (app, first) = (app.clone(), first.clone());
        depositors.spawn(async move {
            for acknowledged in 0.. {
                match app.execute("acc-1", deposit(1)).await {
                    Ok(_) => {}
                    Err(ExecuteError::Failed(error)) if *error.kind() == ErrorKind::Closed => {
                        return acknowledged;
                    }
                    Err(error) => panic!("{error}"),
                }
                let _ = first.try_send(());
            }
            unreachable!("it goes on until the app is closed")
        });
    }
    begun.recv().await.unwrap();
    let shutdown = app.shutdown(LIMIT).await;
    assert!(shutdown.is_complete(), "{shutdown:?}");
    let balance = app.load::<Account>("acc-1").await.unwrap().unwrap().state.balance;
    let acknowledged: u64 = depositors.join_all().await.into_iter().sum();
    assert_eq!(balance, acknowledged, "what is acknowledged was made, and nothing else");
    assert!(balance > 0);
    assert!(app.delete::<Account>("acc-1").await.is_err());
}

async fn a_shutdown_hands_its_leases_over(given: Given) {
    let start = || given.app().lease_term(Duration::from_hours(1)).start();
    let (one, two) = (start().await.unwrap(), start().await.unwrap());
    let lease = one.lease("report").await.unwrap();
    assert!(one.shutdown(LIMIT).await.is_complete());
    assert!(lease.is_lost());
    let taken = tokio::time::timeout(LIMIT, two.lease("report")).await.expect("it is free");
    assert_eq!(taken.unwrap().epoch(), 2);
}

async fn apps_in_one_process_have_registries_of_their_own(given: Given) {
    let bank = given.app().start().await.unwrap();
    let nothing =
        Newton::builder().stores(given.stores.clone()).registry(Registry::empty()).start().await.unwrap();
    bank.execute("acc-1", open("Ada")).await.unwrap();
    let refused = nothing.execute("acc-1", deposit(1)).await.unwrap_err();
    assert_eq!(*refused.failure().unwrap().kind(), ErrorKind::Configuration);
    bank.execute("acc-1", deposit(1)).await.unwrap();
}

/// Whether nobody has the file open: only then SQLite removes the log, and lets one connection have it all.
fn is_free(file: &Path) -> bool {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let exclusive = "PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK";
    let log = file.with_extension("db-wal");
    !log.exists() && connection.execute_batch(exclusive).is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_is_dropped_or_aborted_leaves_the_file_free() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bank.db");
    for round in 0..10 {
        let stores = open_stores(&format!("sqlite://{}", file.display())).await.unwrap();
        let app = Newton::builder().stores(stores).only::<Account>().start().await.unwrap();
        let running = tokio::spawn(async move {
            let _lease = app.lease("report").await.unwrap();
            for account in 0.. {
                app.execute(format!("acc-{round}-{account}"), open("Ada")).await.unwrap();
            }
        });
        // It holds its lease, and writes.
        while !has_stream(&file, &format!("acc-{round}-0")) {
            tokio::task::yield_now().await;
        }
        assert!(!is_free(&file));
        running.abort();
        let freed = async {
            while !is_free(&file) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(LIMIT, freed).await.expect("the file is free");
    }
}

fn has_stream(file: &Path, id: &str) -> bool {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let found =
        connection.query_row("SELECT 1 FROM streams WHERE name LIKE ?1", [format!("%{id}")], |_| Ok(()));
    found.is_ok()
}
