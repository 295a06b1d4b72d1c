//! Channels that break: nothing is lost, nothing is done twice, and nobody has to be started anew.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use newton::domain::{Clock, NewEvent, SystemClock};
use newton::muon::{Muon, Sender};
use newton::server::{StoreService, Tokens};
use newton::store::muon::{RemoteOptions, RemoteStore};
use newton::store::{
    Append, EventStore, EventStoreExt, Expect, MemoryStore, Read, Selection, StateKey, StateStore,
    StateWrite, Stores,
};
use newton::{Error, ErrorKind, ExpectedVersion, OrderId, Payload, StreamName};

use super::pair;

/// A remote store whose channels a test can break.
struct Breakable {
    stores: Stores,
    remote: RemoteStore,
    line: Arc<Line>,
    _server: Muon,
}

#[derive(Default)]
struct Line {
    open: Mutex<Vec<Sender>>,
    dialled: AtomicUsize,
    is_cut: std::sync::atomic::AtomicBool,
}

impl Line {
    fn cut(&self) {
        for sender in self.open.lock().unwrap().drain(..) {
            sender.fail(unreachable());
        }
    }
}

fn unreachable() -> Error {
    Error::new(ErrorKind::Unavailable, "send", "the line was cut")
}

impl Breakable {
    async fn new(patience: Duration) -> Self {
        let stores = Stores::of(MemoryStore::new());
        let (server, client) = pair(StoreService::new(stores.clone())).await;
        let line = Arc::new(Line::default());
        let dialled = line.clone();
        let options = RemoteOptions { patience, ..RemoteOptions::default() };
        let dial = move || {
            let (client, line) = (client.clone(), dialled.clone());
            async move {
                line.dialled.fetch_add(1, Ordering::SeqCst);
                if line.is_cut.load(Ordering::SeqCst) {
                    return Err(unreachable());
                }
                let channel = client.channel_to("events", "newton-event").await?;
                line.open.lock().unwrap().push(channel.sender().clone());
                Ok(channel)
            }
        };
        let remote = RemoteStore::over("events", options, dial).await.unwrap();
        Self { stores, remote, line, _server: server }
    }
}

fn append(number: usize) -> Append {
    let stream = StreamName::parse("shop/Order/1").unwrap();
    let event = NewEvent::new("Counted", Payload::of(&number).unwrap());
    Append::to(stream, ExpectedVersion::Any, vec![event], SystemClock.now())
}

const PATIENT: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_go_on_over_cut_lines_each_once() {
    let given = Breakable::new(PATIENT).await;
    let cutter = tokio::spawn({
        let line = given.line.clone();
        let mut head = given.stores.events.head().await.unwrap();
        async move {
            for beyond in (0..400).step_by(20) {
                head.beyond(OrderId(beyond)).await.unwrap();
                line.cut();
            }
        }
    });
    for number in 0..500 {
        let appended = given.remote.append(append(number)).await.unwrap();
        assert_eq!(appended.order_id, OrderId(number as u64 + 1));
    }
    cutter.await.unwrap();
    let events = given.remote.read_all(Read::of(Selection::All)).await.unwrap();
    let numbers: Vec<String> =
        events.iter().map(|event| String::from_utf8_lossy(event.payload.as_bytes()).into_owned()).collect();
    assert_eq!(numbers, (0..500).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(given.line.dialled.load(Ordering::SeqCst) > 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_head_moves_on_after_a_cut() {
    let given = Breakable::new(PATIENT).await;
    let mut head = given.remote.head().await.unwrap();
    given.line.cut();
    given.stores.events.append(append(0)).await.unwrap();
    assert_eq!(head.beyond(OrderId::START).await.unwrap(), OrderId(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_stays_away_is_an_error_that_says_so() {
    let given = Breakable::new(Duration::from_millis(200)).await;
    given.line.is_cut.store(true, Ordering::SeqCst);
    given.line.cut();
    let error = given.remote.append(append(0)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unavailable);
    assert!(format!("{error:?}").contains("the line was cut"), "{error:?}");
    // Back again, the same store goes on; what was asked in vain may have been done meanwhile.
    given.line.is_cut.store(false, Ordering::SeqCst);
    let again = Breakable { remote: given.remote.clone(), ..given };
    while again.remote.append(append(1)).await.is_err() {}
    assert!(again.stores.events.head().await.unwrap().current() >= OrderId(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_to_the_state_is_never_made_twice() {
    let given = Breakable::new(PATIENT).await;
    let key = StateKey::new("space", "key");
    let mut revision = None;
    for round in 0..50 {
        let expect = revision.map_or(Expect::Absent, Expect::Revision);
        let write = StateWrite { key: key.clone(), expect, value: Some(round.to_string().into()) };
        let cut = tokio::spawn({
            let line = given.line.clone();
            async move { line.cut() }
        });
        match given.remote.write(vec![write]).await {
            Ok(revisions) => revision = Some(revisions[0]),
            // The answer was lost: the record says whether it was done.
            Err(error) => {
                assert_eq!(*error.kind(), ErrorKind::Unavailable, "{error:?}");
                revision = given.stores.state.get(&key).await.unwrap().map(|record| record.revision);
            }
        }
        cut.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_knows_the_token_is_let_in() {
    let tokens = Tokens::parse("right").unwrap();
    let (_server, client) = pair(StoreService::new(Stores::of(MemoryStore::new())).tokens(tokens)).await;
    for (token, is_let_in) in [(Some("right"), true), (Some("wrong"), false), (None, false)] {
        let options = RemoteOptions { token: token.map(str::to_owned), ..RemoteOptions::default() };
        let opened = RemoteStore::open(&client, "events", options).await;
        assert_eq!(opened.as_ref().err().map(Error::kind), (!is_let_in).then_some(&ErrorKind::Forbidden));
    }
}
