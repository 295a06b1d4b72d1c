//! One holder at a time, over every store, whatever becomes of the nodes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::Node;
use super::heartbeat::sweep;
use super::record::{LEASES, LeaseRecord, NODES, lease_key, parse};
use crate::domain::Name;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Expect, MemoryStore, Revision, Scan, StateKey, StateRecord, StateStore, StateWrite};

static NAME: Name = Name::from_static("mailer");

/// A term that no test waits for: what happens all the same happens for another reason.
const NEVER: Duration = Duration::from_hours(1);

const SHORT: Duration = Duration::from_millis(600);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_mins(1), future).await.expect("it happens")
}

fn set(key: &str, expect: Expect) -> StateWrite {
    StateWrite { key: StateKey::new("test", key), expect, value: Some(Bytes::from_static(b"1")) }
}

async fn has(state: &dyn StateStore, key: &str) -> bool {
    state.get(&StateKey::new("test", key)).await.unwrap().is_some()
}

async fn holder(state: &dyn StateStore) -> Option<String> {
    let record = state.get(&lease_key(&NAME)).await.unwrap()?;
    parse::<LeaseRecord>(&LEASES, &record).unwrap().holder
}

fn is_lost(error: &Error) -> bool {
    *error.kind() == ErrorKind::StateConflict { key: lease_key(&NAME) }
}

/// A runtime that stands still unless it is asked: its node's heart does not beat.
fn standing_still() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Makes a test of each function for every store.
macro_rules! over_every_store {
    ($($promise:ident),* $(,)?) => {
        mod over_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise(std::sync::Arc::new(super::MemoryStore::new())).await;
            })*
        }

        #[cfg(feature = "sqlite")]
        mod over_sqlite {
            use crate::store::sqlite::{SqliteOptions, SqliteStore};

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let folder = super::Folder::new(stringify!($promise));
                let store = SqliteStore::open(folder.0.join("test.db"), SqliteOptions::default()).unwrap();
                super::$promise(std::sync::Arc::new(store)).await;
            })*
        }
    };
}

over_every_store![
    of_many_that_race_one_holds_it,
    a_node_that_stands_still_loses_it_and_cannot_write,
    what_is_dropped_or_released_is_free_at_once,
    a_node_that_leaves_cleans_up,
    a_conflict_of_the_lease_is_told_apart_from_others,
    an_answer_that_is_lost_is_no_loss_of_the_lease,
    during_an_outage_it_is_lost_and_later_it_is_taken_again,
    an_acquisition_that_is_given_up_holds_nobody_up,
];

/// A folder for one test.
#[cfg(feature = "sqlite")]
struct Folder(std::path::PathBuf);

#[cfg(feature = "sqlite")]
impl Folder {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("newton-lease-{test}-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

#[cfg(feature = "sqlite")]
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn of_many_that_race_one_holds_it(state: Arc<dyn StateStore>) {
    let (holders, highest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let node = Node::with_term(state.clone(), NEVER);
        for task in 0..3 {
            let (node, holders, highest) = (node.clone(), holders.clone(), highest.clone());
            tasks.spawn(async move {
                for round in 0..5 {
                    let lease = node.acquire(&NAME).await.unwrap();
                    assert_eq!(holders.fetch_add(1, SeqCst), 0, "nobody else holds it");
                    assert!(highest.swap(lease.epoch(), SeqCst) < lease.epoch(), "the epoch rises");
                    lease.write(vec![set("a", Expect::Any)]).await.unwrap();
                    tokio::task::yield_now().await;
                    holders.fetch_sub(1, SeqCst);
                    if (task + round) % 2 == 0 { lease.release().await.unwrap() } else { drop(lease) }
                }
            });
        }
    }
    soon(tasks.join_all()).await;
    assert!(highest.load(SeqCst) >= 60);
}

async fn a_node_that_stands_still_loses_it_and_cannot_write(state: Arc<dyn StateStore>) {
    let slow = Node::with_term(state.clone(), SHORT);
    let (runtime, lease) = tokio::task::spawn_blocking(move || {
        let runtime = standing_still();
        let lease = runtime.block_on(slow.acquire(&NAME)).unwrap();
        (runtime, lease)
    })
    .await
    .unwrap();
    let (other, since) = (Node::with_term(state.clone(), SHORT), Instant::now());
    let taken = soon(other.acquire(&NAME)).await.unwrap();
    assert_eq!((lease.epoch(), taken.epoch()), (1, 2));
    assert!(since.elapsed() >= SHORT, "a holder is left its term");
    assert!(!lease.is_lost(), "it does not know");
    assert!(is_lost(&lease.write(vec![set("late", Expect::Any)]).await.unwrap_err()));
    assert!(lease.is_lost() && lease.lost().now_or_never().is_some());
    assert!(!has(&*state, "late").await);
    taken.write(vec![set("new", Expect::Any)]).await.unwrap();
    assert!(has(&*state, "new").await);
    lease.release().await.unwrap();
    assert_eq!(holder(&*state).await.as_ref(), Some(&other.shared.id), "a late release frees nothing");
    runtime.shutdown_background();
}

async fn what_is_dropped_or_released_is_free_at_once(state: Arc<dyn StateStore>) {
    let (one, other) = (Node::with_term(state.clone(), NEVER), Node::with_term(state.clone(), NEVER));
    let lease = one.acquire(&NAME).await.unwrap();
    lease.release().await.unwrap();
    let lease = soon(other.acquire(&NAME)).await.unwrap();
    drop(lease);
    let lease = soon(one.acquire(&NAME)).await.unwrap();
    assert_eq!(lease.epoch(), 3);
    let waiting = tokio::spawn(async move { other.acquire(&NAME).await.unwrap().epoch() });
    drop((one, lease));
    assert_eq!(soon(waiting).await.unwrap(), 4);
}

async fn a_node_that_leaves_cleans_up(state: Arc<dyn StateStore>) {
    let node = Node::with_term(state.clone(), NEVER);
    let lease = node.acquire(&NAME).await.unwrap();
    assert_eq!(node.heartbeat().leases, 1);
    soon(node.close()).await;
    assert!(lease.is_lost());
    assert_eq!(*node.acquire(&NAME).await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!((node.heartbeat().leases, holder(&*state).await), (0, None));
    assert!(state.scan(Scan::of(NODES, "")).await.unwrap().is_empty());
}

async fn a_conflict_of_the_lease_is_told_apart_from_others(state: Arc<dyn StateStore>) {
    let node = Node::with_term(state.clone(), NEVER);
    let lease = node.acquire(&NAME).await.unwrap();
    lease.write(vec![set("a", Expect::Absent)]).await.unwrap();
    let error = lease.write(vec![set("a", Expect::Absent)]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::StateConflict { key: StateKey::new("test", "a") });
    assert!(!is_lost(&error) && !lease.is_lost());
    lease.write(vec![set("a", Expect::Any)]).await.unwrap();
    let stolen = StateWrite { key: lease.key(), expect: Expect::Any, value: None };
    state.write(vec![stolen]).await.unwrap();
    assert!(is_lost(&lease.write(vec![set("a", Expect::Absent)]).await.unwrap_err()));
}

async fn an_answer_that_is_lost_is_no_loss_of_the_lease(state: Arc<dyn StateStore>) {
    let state = Arc::new(Fragile::over(state));
    let node = Node::with_term(state.clone(), NEVER);
    let lease = node.acquire(&NAME).await.unwrap();
    state.loses_answers.store(true, SeqCst);
    assert_eq!(*lease.write(vec![set("a", Expect::Any)]).await.unwrap_err().kind(), ErrorKind::Unavailable);
    state.loses_answers.store(false, SeqCst);
    assert!(has(&*state, "a").await);
    lease.write(vec![set("b", Expect::Absent)]).await.unwrap();
    assert!(has(&*state, "b").await && !lease.is_lost());
}

async fn during_an_outage_it_is_lost_and_later_it_is_taken_again(state: Arc<dyn StateStore>) {
    let state = Arc::new(Fragile::over(state));
    let node = Node::with_term(state.clone(), SHORT);
    let lease = node.acquire(&NAME).await.unwrap();
    state.is_down.store(true, SeqCst);
    soon(lease.lost()).await;
    assert!(node.heartbeat().last_error.is_some());
    assert!(is_lost(&lease.write(vec![set("a", Expect::Any)]).await.unwrap_err()));
    assert_eq!(*node.acquire(&Name::from("b")).await.unwrap_err().kind(), ErrorKind::Unavailable);
    drop(lease);
    state.is_down.store(false, SeqCst);
    let lease = soon(node.acquire(&NAME)).await.unwrap();
    assert!(lease.epoch() >= 2);
    lease.write(vec![set("a", Expect::Any)]).await.unwrap();
}

async fn an_acquisition_that_is_given_up_holds_nobody_up(state: Arc<dyn StateStore>) {
    let node = Node::with_term(state.clone(), NEVER);
    let kept = node.acquire(&Name::from("kept")).await.unwrap();
    for polls in 0..20 {
        let mut acquiring = Box::pin(node.acquire(&NAME));
        for _ in 0..polls {
            if (&mut acquiring).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    let other = Node::with_term(state.clone(), NEVER);
    soon(other.acquire(&NAME)).await.unwrap();
    assert!(!kept.is_lost());
}

/// A store that can fail.
#[derive(Debug)]
struct Fragile {
    inner: Arc<dyn StateStore>,
    is_down: AtomicBool,
    loses_answers: AtomicBool,
}

impl Fragile {
    fn over(inner: Arc<dyn StateStore>) -> Self {
        Self { inner, is_down: AtomicBool::new(false), loses_answers: AtomicBool::new(false) }
    }

    fn check(fails: &AtomicBool) -> Result<()> {
        if fails.load(SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "use state", "the test has it so"));
        }
        Ok(())
    }
}

#[async_trait]
impl StateStore for Fragile {
    async fn get(&self, key: &StateKey) -> Result<Option<StateRecord>> {
        Self::check(&self.is_down)?;
        self.inner.get(key).await
    }

    async fn write(&self, batch: Vec<StateWrite>) -> Result<Vec<Revision>> {
        Self::check(&self.is_down)?;
        let revisions = self.inner.write(batch).await?;
        Self::check(&self.loses_answers)?;
        Ok(revisions)
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<StateRecord>> {
        Self::check(&self.is_down)?;
        self.inner.scan(scan).await
    }
}

/// The records of dead nodes that nobody takes over from do not pile up.
#[tokio::test]
async fn the_records_of_dead_nodes_are_removed() {
    let state: Arc<dyn StateStore> = Arc::new(MemoryStore::new());
    let (dead, node) = (Node::new(state.clone()), Node::new(state.clone()));
    for node in [&dead, &node] {
        state.write(vec![node.shared.sign_of_life().unwrap()]).await.unwrap();
    }
    let (mut seen, start) = (HashMap::new(), Instant::now());
    for (terms, left) in [(0, 2), (10, 2), (11, 1), (12, 1)] {
        sweep(&node.shared, &mut seen, start + Node::TERM * terms).await.unwrap();
        assert_eq!(state.scan(Scan::of(NODES, "")).await.unwrap().len(), left, "after {terms} terms");
    }
}
