//! What a ledger keeps, and who may change it.

use std::sync::Arc;
use std::sync::Mutex;

use futures_util::FutureExt;

use super::*;
use crate::domain::{Clock, ExpectedVersion};
use crate::domain::{EventId, NewEvent, Payload, RecordedEvent, StreamName, SystemClock};
use crate::store::{Append, EventStore, EventStoreExt, MemoryStore, Read, Selection};
use crate::subscription::{Lease, Node, Subscriptions};

/// A ledger over a store in memory.
fn ledger(store: &Arc<MemoryStore>, name: &str) -> Ledger {
    let runtime = Runtime {
        events: store.clone(),
        state: store.clone(),
        clock: Arc::new(SystemClock),
        subscriptions: Subscriptions::new(store.clone()),
        node: Node::new(store.clone()),
        service: Name::from("tests"),
    };
    Ledger::new(Arc::new(runtime), Name::from(name))
}

async fn append(store: &MemoryStore, count: usize) -> Vec<RecordedEvent> {
    let new = || NewEvent::new("Tested", Payload::json("{}").unwrap());
    let events = std::iter::repeat_with(new).take(count).collect();
    let stream = StreamName::parse("tests/Ledger/1").unwrap();
    store.append(Append::to(stream, ExpectedVersion::Any, events, SystemClock.now())).await.unwrap();
    store.read_all(Read::of(Selection::All)).await.unwrap()
}

async fn opened(ledger: &Ledger) -> (Lease, Book) {
    let lease = ledger.runtime().node.acquire(&ledger.lease_name(Segment::WHOLE)).await.unwrap();
    (lease, ledger.open(Segment::WHOLE).await.unwrap())
}

fn park(key: &str, event: &RecordedEvent, failed: bool) -> Park {
    let failure = failed.then(|| Failure { cause: "no".to_owned(), attempts: 3 });
    Park { key: Name::from(key), order_id: event.order_id, event_id: event.id.clone(), failure }
}

async fn keys(ledger: &Ledger) -> Vec<(String, Vec<u64>)> {
    let parked = ledger.parked().await.unwrap();
    let ids =
        |key: &crate::subscription::ParkedKey| key.events.iter().map(|event| event.order_id.0).collect();
    parked.iter().map(|key| (key.key.to_string(), ids(key))).collect()
}

#[tokio::test]
async fn where_it_begins_is_stored_once() {
    let store = Arc::new(MemoryStore::new());
    append(&store, 3).await;
    let (now, origin) = (ledger(&store, "now"), ledger(&store, "origin"));
    now.register(Start::Now, 1).await.unwrap();
    origin.register(Start::Origin, 2).await.unwrap();
    append(&store, 3).await;
    now.register(Start::Now, 5).await.unwrap();
    assert_eq!(now.position(Segment::WHOLE).await.unwrap(), OrderId(3));
    assert_eq!((now.layout().await.unwrap().segments, origin.layout().await.unwrap().segments), (1, 2));
    for segment in Segment::all(2) {
        assert_eq!(origin.position(segment).await.unwrap(), OrderId::START);
    }
}

#[tokio::test]
async fn a_place_and_what_it_passes_are_one_write_under_the_lease() {
    let store = Arc::new(MemoryStore::new());
    let events = append(&store, 4).await;
    let ledger = ledger(&store, "r");
    ledger.register(Start::Origin, 1).await.unwrap();
    let (lease, mut book) = opened(&ledger).await;
    let parks = [park("a", &events[0], true), park("b", &events[1], true), park("a", &events[2], false)];
    assert_eq!(book.commit(&lease, OrderId(3), &parks).await.unwrap(), Committed::Done);
    assert!(book.is_parked("a") && book.is_parked("b") && !book.is_parked("c"));
    assert_eq!(keys(&ledger).await, [("a".to_owned(), vec![1, 3]), ("b".to_owned(), vec![2])]);

    let gone = StateWrite { key: lease.key(), expect: Expect::Any, value: None };
    ledger.runtime().state.write(vec![gone]).await.unwrap();
    let late = book.commit(&lease, OrderId(4), &[park("c", &events[3], true)]).await.unwrap_err();
    assert_eq!(*late.kind(), ErrorKind::StateConflict { key: lease.key() });
    assert_eq!(ledger.position(Segment::WHOLE).await.unwrap(), OrderId(3));
    assert_eq!(keys(&ledger).await.len(), 2);
}

#[tokio::test]
async fn keys_that_could_be_mistaken_for_each_other_stay_apart() {
    let store = Arc::new(MemoryStore::new());
    let events = append(&store, 8).await;
    let (one, two) = (ledger(&store, "r"), ledger(&store, "r0001"));
    for ledger in [&one, &two] {
        ledger.register(Start::Origin, 1).await.unwrap();
    }
    let (lease, mut book) = opened(&one).await;
    let names = ["a", "a/", "a/00000000000000000001", "", "%2F", "00", "A", "\u{0}"];
    let parks: Vec<_> = names.iter().zip(&events).map(|(name, event)| park(name, event, true)).collect();
    assert_eq!(book.commit(&lease, OrderId(8), &parks).await.unwrap(), Committed::Done);
    let mut expected: Vec<_> = (1..).zip(names).map(|(id, name)| (name.to_owned(), vec![id])).collect();
    expected.sort();
    assert_eq!(keys(&one).await, expected);
    assert!(keys(&two).await.is_empty());
    let lock = one.lock_parked().await.unwrap();
    one.drop_first(&lock, "a", "why not").await.unwrap();
    expected.retain(|(key, _)| key != "a");
    assert_eq!(keys(&one).await, expected);
    assert_eq!(one.dropped().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_event_does_not_wait_behind_a_key_that_was_freed() {
    let store = Arc::new(MemoryStore::new());
    let events = append(&store, 3).await;
    let ledger = ledger(&store, "r");
    ledger.register(Start::Origin, 1).await.unwrap();
    let (lease, mut book) = opened(&ledger).await;
    let _ = book.commit(&lease, OrderId(1), &[park("a", &events[0], true)]).await.unwrap();
    let lock = ledger.lock_parked().await.unwrap();
    let tried = Mutex::new(Vec::<EventId>::new());
    let handle = |event: RecordedEvent| {
        tried.lock().unwrap().push(event.id);
        async { Ok(()) }.boxed()
    };
    assert_eq!(ledger.retry(&lock, "a", &handle).await.unwrap(), 1);
    assert_eq!(*tried.lock().unwrap(), [events[0].id.clone()]);
    let behind = [park("a", &events[1], false)];
    let freed = book.commit(&lease, OrderId(2), &behind).await.unwrap();
    assert_eq!(freed, Committed::Freed(vec![Name::from("a")]));
    assert!(!book.is_parked("a"));
    assert_eq!((ledger.position(Segment::WHOLE).await.unwrap(), keys(&ledger).await.len()), (OrderId(1), 0));
    assert_eq!(*ledger.retry(&lock, "a", &handle).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_is_parked_while_a_key_is_tried_again_is_tried_too() {
    let store = Arc::new(MemoryStore::new());
    let events = append(&store, 2).await;
    let ledger = ledger(&store, "r");
    ledger.register(Start::Origin, 1).await.unwrap();
    let (lease, mut book) = opened(&ledger).await;
    let _ = book.commit(&lease, OrderId(1), &[park("a", &events[0], true)]).await.unwrap();
    let lock = ledger.lock_parked().await.unwrap();
    let running = tokio::sync::Mutex::new((book, lease));
    let handle = |event: RecordedEvent| {
        let (running, later) = (&running, park("a", &events[1], false));
        async move {
            let (book, lease) = &mut *running.lock().await;
            if event.order_id == OrderId(1) {
                assert_eq!(book.commit(lease, OrderId(2), &[later]).await.unwrap(), Committed::Done);
            }
            Ok(())
        }
        .boxed()
    };
    assert_eq!(ledger.retry(&lock, "a", &handle).await.unwrap(), 2);
    assert!(ledger.marks().await.unwrap().is_empty() && keys(&ledger).await.is_empty());
}
