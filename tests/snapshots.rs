//! Snapshots only save time: they are written off the hot path, die with a changed fold, and are audited.

use newton::app::Builder;
use newton::repository::SnapshotPolicy;
use newton::store::{Expect, Scan, StateKey, StateStoreExt, StateWrite, Stores};
use newton::{App, Version};
use newton_tests::bank::{Account, AccountCommand, deposit, open};
use newton_tests::{Given, over_every_store};
use serde_json::Value;

over_every_store!(
    one_is_written_every_n_events,
    a_load_begins_from_it,
    a_policy_of_ones_own_decides,
    one_of_another_fold_is_not_used,
    one_that_cannot_be_read_is_not_used,
    losing_all_costs_only_time,
    one_ahead_of_its_stream_is_not_used,
    deleting_an_aggregate_deletes_it,
    the_audit_finds_a_wrong_one_and_discards_them_all,
);

fn key(id: &str) -> StateKey {
    StateKey::new("snapshot", format!("bank/Account/{id}"))
}

/// The snapshot as JSON.
async fn stored(stores: &Stores, id: &str) -> Option<Value> {
    let record = stores.state.get(&key(id)).await.unwrap();
    record.map(|record| serde_json::from_slice(&record.value).unwrap())
}

async fn store(stores: &Stores, id: &str, value: impl Into<Vec<u8>>) {
    let write = StateWrite { key: key(id), expect: Expect::Any, value: Some(value.into().into()) };
    stores.state.write(vec![write]).await.unwrap();
}

/// An account of 1 + `deposits` events, its snapshot written.
async fn with_snapshot(given: &Given, deposits: usize) -> App {
    let app = every(given, 10).start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    for _ in 0..deposits {
        app.execute("acc-1", deposit(1)).await.unwrap();
    }
    app.flush().await;
    app
}

fn every(given: &Given, events: u64) -> Builder {
    given.app().snapshots(SnapshotPolicy::Every(events)).audit_snapshots_every(0)
}

async fn balance(app: &App) -> u64 {
    app.load::<Account>("acc-1").await.unwrap().unwrap().state.balance
}

/// The same state with another balance, which a full fold would not give.
async fn tamper(given: &Given, balance: u64) {
    let mut snapshot = stored(&given.stores, "acc-1").await.unwrap();
    snapshot["state"]["balance"] = balance.into();
    store(&given.stores, "acc-1", snapshot.to_string()).await;
}

async fn one_is_written_every_n_events(given: Given) {
    let app = with_snapshot(&given, 8).await;
    assert_eq!(stored(&given.stores, "acc-1").await, None, "9 events are too few");
    app.execute("acc-1", deposit(1)).await.unwrap();
    app.flush().await;
    let snapshot = stored(&given.stores, "acc-1").await.unwrap();
    assert_eq!(snapshot["version"], 10);
    assert_eq!(snapshot["state"], serde_json::json!({ "open": true, "balance": 9 }));
}

async fn a_load_begins_from_it(given: Given) {
    with_snapshot(&given, 12).await;
    tamper(&given, 1_000).await;
    let app = every(&given, 10).start().await.unwrap();
    assert_eq!(balance(&app).await, 1_003, "the snapshot at 10, and the three events behind it");
}

async fn a_policy_of_ones_own_decides(given: Given) {
    let policy = SnapshotPolicy::When(std::sync::Arc::new(|due| due.version.0.is_multiple_of(4)));
    let app = given.app().snapshots(policy).start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    app.execute("acc-1", AccountCommand::DepositAll { amounts: vec![1, 1] }).await.unwrap();
    app.flush().await;
    assert_eq!(stored(&given.stores, "acc-1").await, None);
    app.execute("acc-1", deposit(1)).await.unwrap();
    app.flush().await;
    assert_eq!(stored(&given.stores, "acc-1").await.unwrap()["version"], 4);

    let never = given.app().snapshots(SnapshotPolicy::Never).start().await.unwrap();
    tamper(&given, 1_000).await;
    assert_eq!(balance(&never).await, 3);
}

async fn one_of_another_fold_is_not_used(given: Given) {
    with_snapshot(&given, 12).await;
    tamper(&given, 1_000).await;
    let mut snapshot = stored(&given.stores, "acc-1").await.unwrap();
    snapshot["fingerprint"] = 7.into();
    store(&given.stores, "acc-1", snapshot.to_string()).await;
    let app = every(&given, 10).start().await.unwrap();
    assert_eq!(balance(&app).await, 12);
}

async fn one_that_cannot_be_read_is_not_used(given: Given) {
    with_snapshot(&given, 12).await;
    for broken in ["", "{", "[]", "{\"version\":10}", "\u{fffd}"] {
        store(&given.stores, "acc-1", broken).await;
        let app = every(&given, 10).start().await.unwrap();
        assert_eq!(balance(&app).await, 12);
    }
}

async fn losing_all_costs_only_time(given: Given) {
    with_snapshot(&given, 12).await;
    let delete = StateWrite { key: key("acc-1"), expect: Expect::Any, value: None };
    given.stores.state.write(vec![delete]).await.unwrap();
    let app = every(&given, 10).start().await.unwrap();
    assert_eq!(balance(&app).await, 12);
    app.execute("acc-1", deposit(1)).await.unwrap();
    app.flush().await;
    assert_eq!(
        stored(&given.stores, "acc-1").await.unwrap()["version"],
        14,
        "the next command wrote a new one"
    );
}

async fn one_ahead_of_its_stream_is_not_used(given: Given) {
    with_snapshot(&given, 12).await;
    tamper(&given, 1_000).await;
    let mut snapshot = stored(&given.stores, "acc-1").await.unwrap();
    snapshot["version"] = 50.into();
    store(&given.stores, "acc-1", snapshot.to_string()).await;
    let app = every(&given, 10).start().await.unwrap();
    assert_eq!(balance(&app).await, 12, "as after a restore of the events alone");
    assert_eq!(app.execute("acc-1", deposit(1)).await.unwrap().version, Version(14));
}

async fn deleting_an_aggregate_deletes_it(given: Given) {
    let app = with_snapshot(&given, 12).await;
    app.delete::<Account>("acc-1").await.unwrap();
    assert_eq!(stored(&given.stores, "acc-1").await, None);
}

async fn the_audit_finds_a_wrong_one_and_discards_them_all(given: Given) {
    let app = with_snapshot(&given, 12).await;
    app.execute("acc-2", open("Bob")).await.unwrap();
    app.execute("acc-2", AccountCommand::DepositAll { amounts: vec![1; 20] }).await.unwrap();
    app.flush().await;
    tamper(&given, 1_000).await;

    let app = every(&given, 10).audit_snapshots_every(1).start().await.unwrap();
    app.load::<Account>("acc-1").await.unwrap();
    let repository = app.repository::<Account>().unwrap();
    while repository.audit_stats().checked == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(repository.audit_stats().failed, 1);
    let left = given.stores.state.records(Scan::of("snapshot", ""));
    assert_eq!(futures_util::StreamExt::count(left).await, 0, "those of other aggregates are suspect too");
    assert_eq!(balance(&app).await, 12, "and the state in memory with them");

    app.execute("acc-1", deposit(1)).await.unwrap();
    app.flush().await;
    let app = every(&given, 10).audit_snapshots_every(1).start().await.unwrap();
    assert_eq!(balance(&app).await, 13);
    let repository = app.repository::<Account>().unwrap();
    while repository.audit_stats().checked == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(repository.audit_stats().failed, 0, "a right one passes");
}
