//! A process that is killed while it writes loses nothing that it had acknowledged, and leaves nothing half done.

mod check;
mod child;

use std::path::Path;
use std::time::Duration;

use newton::store::sqlite::{SqliteOptions, SqliteStore};
use newton_tests::Given;
use newton_tests::acknowledged::{Acknowledged, Part};
use newton_tests::bank::{AccountCommand, open};
use newton_tests::random::{Random, seed};
use newton_tests::workload::sized_id;
use rusqlite::Connection;

pub(crate) use check::{Findings, check, check_file};
use child::Writing;

/// How often one writing process is killed.
const KILLS: u32 = 50;

/// How often a process is killed whose log is so long that it moves it.
const KILLS_WITH_A_LONG_LOG: u32 = 4;

/// How often two processes that write to one file are killed.
const DOUBLE_KILLS: u32 = 10;

/// The longest time from the last awaited acknowledgement to the kill.
const SOON: Duration = Duration::from_millis(3);

/// The same where the process has just started, or moves its log.
const A_WHILE: Duration = Duration::from_millis(40);

fn url(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing() {
    let (folder, mut random) = (tempfile::tempdir().unwrap(), Random::new(seed()));
    let file = folder.path().join("crash.db");
    let (mut acknowledged, mut open, mut events) = (Vec::new(), None, 0);
    for kill in 0..KILLS {
        let mut child = Writing::start(&url(&file), "one", &mut random);
        let during_the_start = random.below(5) == 0;
        if !during_the_start {
            child.wait_for(1 + random.below(40));
        }
        let longest = if during_the_start { A_WHILE } else { SOON };
        acknowledged.extend(child.kill(longest, &mut random));
        // A third of the time the next process finds the file as it was left, another third this one keeps it open.
        open = match random.below(3) {
            0 => None,
            keep => {
                let store = open.take();
                let store =
                    store.unwrap_or_else(|| SqliteStore::open(&file, SqliteOptions::default()).unwrap());
                let findings = check(&store, &acknowledged).await;
                findings.insist(&format!("after kill {kill}"));
                events = findings.events;
                (keep == 1).then_some(store)
            }
        };
    }
    drop(open);
    check_file(&file, &acknowledged).await.insist("after the last kill");
    println!("{KILLS} kills, {} acknowledgements, {events} events", acknowledged.len());
    assert!(acknowledged.len() > 500, "only {} acknowledgements in all", acknowledged.len());
}

/// The size of the write-ahead log, in bytes, from which on a process moves it into the file.
const LONG_LOG: u64 = 16 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_moves_its_log_it_loses_nothing() {
    let mut random = Random::new(seed());
    for kill in 0..KILLS_WITH_A_LONG_LOG {
        let folder = tempfile::tempdir().unwrap();
        let (file, log) = (folder.path().join("crash.db"), folder.path().join("crash.db-wal"));
        let mut child = Writing::start(&url(&file), "one", &mut random);
        child.wait_for(1);
        while std::fs::metadata(&log).unwrap().len() < LONG_LOG {
            child.wait_for_more(1);
        }
        let acknowledged = child.kill(A_WHILE, &mut random);
        check_file(&file, &acknowledged).await.insist(&format!("after kill {kill}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_killed_processes_lose_nothing() {
    let (folder, mut random) = (tempfile::tempdir().unwrap(), Random::new(seed()));
    let file = folder.path().join("crash.db");
    let mut acknowledged = Vec::new();
    for kill in 0..DOUBLE_KILLS {
        let mut children = ["one", "two"].map(|name| Writing::start(&url(&file), name, &mut random));
        for child in &mut children {
            child.wait_for(1 + random.below(30));
        }
        if random.below(2) == 0 {
            children.reverse();
        }
        let [first, mut second] = children;
        acknowledged.extend(first.kill(SOON, &mut random));
        if random.below(2) == 0 {
            second.wait_for_more(10);
        }
        acknowledged.extend(second.kill(SOON, &mut random));
        check_file(&file, &acknowledged).await.insist(&format!("after double kill {kill}"));
    }
    println!("{DOUBLE_KILLS} double kills, {} acknowledgements", acknowledged.len());
}

/// The check itself is able to fail.
#[tokio::test]
async fn what_was_never_written_is_found_missing() {
    let folder = tempfile::tempdir().unwrap();
    let part = Part { stream: "log/x".to_owned(), version: Some(1), ids: vec!["e-1".to_owned()] };
    let acknowledged = [
        Acknowledged::Appended { order_id: 1, parts: vec![part] },
        Acknowledged::Written { keys: vec!["a".to_owned(), "b".to_owned()], value: 1 },
    ];
    let findings = check_file(&folder.path().join("empty.db"), &acknowledged).await;
    assert_eq!((findings.lost.len(), findings.broken.len()), (2, 0), "{findings:?}");
}

#[tokio::test]
async fn an_append_that_is_half_there_is_found() {
    let given = Given::sqlite().await;
    let app = given.app().start().await.unwrap();
    app.execute("acc-1", open("Ada")).command_id(sized_id(1)).await.unwrap();
    let three = AccountCommand::DepositAll { amounts: vec![1, 2, 3] };
    app.execute("acc-1", three).command_id(sized_id(3)).await.unwrap();
    let file = given.url().trim_start_matches("sqlite://");
    check_file(Path::new(file), &[]).await.insist("before");
    let half = "DELETE FROM events WHERE order_id = 4; DELETE FROM event_correlations WHERE order_id = 4;";
    Connection::open(file).unwrap().execute_batch(half).unwrap();
    let findings = check_file(Path::new(file), &[]).await;
    assert_eq!((findings.lost.len(), findings.broken.len()), (0, 1), "{findings:?}");
}
