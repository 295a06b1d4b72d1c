//! The head is the order id of the last event, and wakes whoever waits for the next.

use std::time::Duration;

use futures_util::future::join;

use super::given::*;
use crate::domain::OrderId;
use crate::store::EventStore;

/// Long enough that only a head which never wakes runs into it.
const NEVER: Duration = Duration::from_secs(30);

/// The head of an empty store is the start; after each append it is at the append's order id.
pub async fn the_head_is_the_last_order_id(store: &dyn EventStore) {
    let early = store.head().await.expect("a head");
    assert_eq!(early.current(), OrderId::START);
    for name in [ADA, "$system/Log/1", BOB] {
        let order_id = put(store, name, some(2)).await.order_id;
        assert_eq!(early.current(), order_id, "a head that was taken before knows the append");
        assert_eq!(store.head().await.expect("a head").current(), order_id);
    }
}

/// Whoever waits is woken by the next append, and what the head names can be read.
pub async fn a_head_wakes_whoever_waits(store: &dyn EventStore) {
    let mut head = store.head().await.expect("a head");
    for _ in 0..20 {
        let before = head.current();
        let waiting = tokio::time::timeout(NEVER, head.beyond(before));
        let (woken, appended) = join(waiting, put(store, ADA, some(1))).await;
        let woken = woken.expect("the head must wake").expect("the store is open");
        assert_eq!(woken, appended.order_id);
        assert_eq!(everything(store).await.last().map(|event| event.order_id), Some(woken));
    }
}

/// Waiting for what happened already does not wait.
pub async fn waiting_for_the_past_returns_at_once(store: &dyn EventStore) {
    let order_id = put(store, ADA, some(3)).await.order_id;
    let mut head = store.head().await.expect("a head");
    for _ in 0..2 {
        let beyond = tokio::time::timeout(NEVER, head.beyond(OrderId::START)).await;
        assert_eq!(beyond.expect("no waiting").expect("the store is open"), order_id);
    }
}

/// Duplicates and refused appends leave the head where it is.
pub async fn what_writes_nothing_moves_no_head(store: &dyn EventStore) {
    let append = to(ADA, Any, some(2));
    let order_id = accepted(store, append.clone()).await.order_id;
    store.append(append).await.expect("a duplicate");
    refused(store, to(ADA, Any, Vec::new())).await;
    assert_eq!(store.head().await.expect("a head").current(), order_id);
}
