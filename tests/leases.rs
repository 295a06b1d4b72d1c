//! One process at a time holds a lease; when it ends or stands still another takes over, and it can write no more.

use std::process::Command;
use std::time::{Duration, Instant};

use newton::ErrorKind;
use newton::store::{Expect, StateKey, StateWrite, Stores};
use newton::subscription::Lease;
use newton_tests::{Given, over_every_store};

use crate::processes::Other;

const FOR_EVER: Duration = Duration::from_hours(1);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), future).await.expect("it happens")
}

fn signal(process: &Other, signal: &str) {
    let sent = Command::new("kill").args([signal, &process.id().to_string()]).status();
    assert!(sent.expect("`kill` is there").success());
}

async fn is_there(stores: &Stores, key: &str) -> bool {
    stores.state.get(&StateKey::new("test", key)).await.unwrap().is_some()
}

async fn write(lease: &Lease, key: &str) -> newton::Result<()> {
    let write = StateWrite { key: StateKey::new("test", key), expect: Expect::Any, value: Some("1".into()) };
    lease.write(vec![write]).await
}

/// Stops a process while it does not write, for the file's one write lock would stay with it.
async fn pause(process: &Other, stores: &Stores) {
    loop {
        signal(process, "-STOP");
        let probe = StateWrite { key: StateKey::new("test", "probe"), expect: Expect::Any, value: None };
        match stores.state.write(vec![probe]).await {
            Ok(_) => return,
            Err(error) => assert_eq!(*error.kind(), ErrorKind::Unavailable, "{error}"),
        }
        signal(process, "-CONT");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stands_still_is_replaced_and_writes_no_more() {
    let given = Given::sqlite().await;
    let mut other = Other::with_lease_term(&given, 3);
    assert_eq!(other.ask("lease report"), "epoch 1");
    assert_eq!(other.ask("fenced report before"), "written");
    let app = given.app().start().await.unwrap();
    pause(&other, &given.stores).await;
    let start = Instant::now();
    let lease = soon(app.lease("report")).await.unwrap();
    println!("taken over from a process that stands still after {:?}", start.elapsed());
    assert_eq!(lease.epoch(), 2);
    write(&lease, "ours").await.unwrap();
    signal(&other, "-CONT");
    assert_eq!(other.ask("fenced report late"), "lost");
    assert!(is_there(&given.stores, "before").await && is_there(&given.stores, "ours").await);
    assert!(!is_there(&given.stores, "late").await);
    lease.release().await.unwrap();
    assert_eq!(other.ask("fenced report later"), "lost", "what was lost stays so");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_killed_is_replaced_at_once() {
    let given = Given::sqlite().await;
    let app = given.app().lease_term(FOR_EVER).start().await.unwrap();
    for epoch in 1..=3 {
        let mut other = Other::with_lease_term(&given, 3_600);
        assert_eq!(other.ask("lease report"), format!("epoch {}", 2 * epoch - 1));
        signal(&other, "-KILL");
        let start = Instant::now();
        let lease = soon(app.lease("report")).await.unwrap();
        println!("taken over from a process that was killed after {:?}", start.elapsed());
        assert_eq!(lease.epoch(), 2 * epoch);
        lease.release().await.unwrap();
    }
}

over_every_store![apps_take_turns_and_one_that_is_dropped_holds_nobody_up];

async fn apps_take_turns_and_one_that_is_dropped_holds_nobody_up(given: Given) {
    let start = async || given.app().lease_term(FOR_EVER).start().await.unwrap();
    let first = start().await;
    let mut held = (first.lease("report").await.unwrap(), first);
    for epoch in 2..=10 {
        let app = start().await;
        let waiting = tokio::spawn({
            let app = app.clone();
            async move { app.lease("report").await }
        });
        drop(held);
        let lease = soon(waiting).await.unwrap().unwrap();
        assert_eq!(lease.epoch(), epoch);
        write(&lease, "a").await.unwrap();
        held = (lease, app);
    }
}
