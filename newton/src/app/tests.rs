//! Reactions that fail, panic, hang and end, and what the app makes of them.

use std::any::{Any, TypeId};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::{App, Newton, Reactions};
use crate::domain::{EventId, Name, OrderId, SystemClock, clock::Clock};
use crate::error::{Error, ErrorKind, Result};
use crate::registry::Registry;
use crate::store::{MemoryStore, Scan, Stores};
use crate::subscription::{
    Dropped, Monitor, Parked, ParkedKey, Parking, Phase, Reaction, ReactionKind, Stop,
};

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_mins(1), future).await.expect("it happens")
}

async fn until(condition: impl AsyncFn() -> bool) {
    soon(async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// What a reaction does in its run of that number.
type Script = fn(usize) -> Step;

enum Step {
    Panic,
    Fail,
    /// Ends when it is asked to.
    Heed,
    /// Never ends.
    Hang,
}

#[derive(Debug)]
struct Scripted {
    monitor: Monitor,
    parking: FakeParking,
    script: Script,
    runs: AtomicUsize,
}

impl Scripted {
    fn new(name: &'static str, script: Script) -> Arc<Self> {
        let monitor = Monitor::new(Name::from_static(name), ReactionKind::Projection);
        Arc::new(Self { monitor, parking: FakeParking::default(), script, runs: AtomicUsize::new(0) })
    }

    fn runs(&self) -> usize {
        self.runs.load(SeqCst)
    }
}

#[async_trait]
impl Reaction for Scripted {
    fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    fn parking(&self) -> &dyn Parking {
        &self.parking
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    async fn run(&self, mut stop: Stop) -> Result<()> {
        match (self.script)(self.runs.fetch_add(1, SeqCst) + 1) {
            Step::Panic => panic!("the script says so"),
            Step::Fail => return Err(Error::new(ErrorKind::Unavailable, "react", "the script says so")),
            Step::Heed | Step::Hang => {
                self.monitor.enter(Phase::Live);
                self.monitor.succeeded();
            }
        }
        stop.requested().await;
        if matches!((self.script)(self.runs()), Step::Hang) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

/// Keys that can be handled the second time.
#[derive(Debug, Default)]
struct FakeParking(Mutex<Vec<(&'static str, usize)>>);

#[async_trait]
impl Parking for FakeParking {
    async fn list(&self) -> Result<Vec<ParkedKey>> {
        let parked = Parked {
            order_id: OrderId(1),
            event_id: EventId::from("e-1"),
            cause: None,
            attempts: 1,
            since: SystemClock.now(),
            event: None,
        };
        let key = |key: &str, events| ParkedKey { reaction: "fake".into(), key: key.into(), events };
        let keys = self.0.lock().unwrap();
        Ok(keys.iter().map(|(name, count)| key(name, vec![parked.clone(); *count])).collect())
    }

    async fn retry(&self, key: &str) -> Result<usize> {
        let mut keys = self.0.lock().unwrap();
        let Some(place) = keys.iter().position(|(name, _)| *name == key) else {
            return Err(Error::new(ErrorKind::NotFound, "retry", "it is not parked"));
        };
        Ok(keys.remove(place).1)
    }

    async fn drop_first(&self, key: &str, _: &str) -> Result<()> {
        self.retry(key).await.map(drop)
    }

    async fn dropped(&self) -> Result<Vec<Dropped>> {
        Ok(Vec::new())
    }
}

struct First;
struct Second;

/// An app with these reactions.
async fn app(stores: Stores, first: &Arc<Scripted>, second: &Arc<Scripted>) -> App {
    let mut app = Newton::builder().stores(stores).registry(Registry::empty()).start().await.unwrap();
    let clock = app.core.runtime.clock.clone();
    let reactions: Vec<(TypeId, Arc<dyn Reaction>)> =
        vec![(TypeId::of::<First>(), first.clone()), (TypeId::of::<Second>(), second.clone())];
    Arc::get_mut(&mut app.core).unwrap().reactions = Reactions::run(reactions, &clock);
    app
}

fn stores() -> Stores {
    Stores::of(MemoryStore::new())
}

#[tokio::test]
async fn a_reaction_that_dies_is_run_again() {
    let dies_twice = Scripted::new("dies", |run| match run {
        1 => Step::Panic,
        2 => Step::Fail,
        _ => Step::Heed,
    });
    let other = Scripted::new("other", |_| Step::Heed);
    let app = app(stores(), &dies_twice, &other).await;
    until(async || app.status::<First>().await.unwrap().phase == Phase::Live).await;
    assert_eq!((dies_twice.runs(), other.runs()), (3, 1), "the other one runs on");
    let health = app.health().await;
    assert!(health.is_green(), "{health:?}");
    assert_eq!(health.reactions.iter().map(|status| &*status.name).collect::<Vec<_>>(), ["dies", "other"]);
}

#[tokio::test]
async fn a_reaction_that_fails_turns_health_red_and_says_why() {
    for script in [|_| Step::Panic, |_| Step::Fail] as [Script; 2] {
        let (fails, other) = (Scripted::new("fails", script), Scripted::new("other", |_| Step::Heed));
        let app = app(stores(), &fails, &other).await;
        until(async || !app.health().await.is_green()).await;
        let status = app.status::<First>().await.unwrap();
        assert_eq!(status.phase, Phase::Paused);
        assert!(status.last_error.unwrap().contains("the script says so"));
        assert!(app.status::<Second>().await.unwrap().phase.is_healthy());
        // By itself it would run so often only after minutes.
        until(async || {
            app.resume::<First>().unwrap();
            fails.runs() > 40
        })
        .await;
    }
}

#[tokio::test]
async fn a_shutdown_lets_finish_and_says_what_did_not() {
    let (heeds, hangs) = (Scripted::new("heeds", |_| Step::Heed), Scripted::new("hangs", |_| Step::Hang));
    let stores = stores();
    let app = app(stores.clone(), &heeds, &hangs).await;
    let lease = app.lease("own").await.unwrap();
    until(async || heeds.runs() + hangs.runs() == 2).await;
    let shutdown = soon(app.shutdown(Duration::from_millis(100))).await;
    assert_eq!((shutdown.cut_off, shutdown.commands), (vec![Name::from("hangs")], 0));
    for status in app.reactions().await.unwrap() {
        assert_eq!(status.phase, Phase::Stopped);
    }
    assert!(lease.is_lost());
    assert_eq!(*app.lease("own").await.unwrap_err().kind(), ErrorKind::Closed);
    assert!(stores.state.scan(Scan::of("node", "")).await.unwrap().is_empty());
    let refused = app.dispatch("a", "AnyCommand", *b"{}").await.unwrap_err();
    assert_eq!(*refused.failure().unwrap().kind(), ErrorKind::Closed);
    assert!(soon(app.shutdown(Duration::ZERO)).await.is_complete(), "nothing is left the second time");
}

#[tokio::test]
async fn the_end_of_the_last_handle_ends_every_task() {
    let tasks = || Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks(), 0);
    let (hangs, fails) = (Scripted::new("hangs", |_| Step::Hang), Scripted::new("fails", |_| Step::Fail));
    let stores = stores();
    let (events, state) = (Arc::downgrade(&stores.events), Arc::downgrade(&stores.state));
    let app = app(stores, &hangs, &fails).await;
    let lease = app.lease("own").await.unwrap();
    until(async || hangs.runs() == 1 && fails.runs() > 0).await;
    let clone = app.clone();
    drop((app, lease));
    assert!(tasks() >= 3, "a clone keeps them");
    drop(clone);
    until(async || tasks() == 0).await;
    assert!(events.upgrade().is_none() && state.upgrade().is_none(), "nobody holds the store");
}

#[tokio::test]
async fn parked_work_is_listed_tried_again_and_dropped() {
    let (first, second) = (Scripted::new("first", |_| Step::Heed), Scripted::new("second", |_| Step::Heed));
    let app = app(stores(), &first, &second).await;
    *first.parking.0.lock().unwrap() = vec![("a", 2), ("b", 3)];
    *second.parking.0.lock().unwrap() = vec![("c", 1)];
    assert_eq!(app.parked().await.unwrap().len(), 3);
    assert_eq!(app.parked_of::<Second>().await.unwrap()[0].key, "c");
    app.drop_parked::<Second>("c", "it is a test").await.unwrap();
    assert_eq!(app.retry_all_parked::<First>().await.unwrap(), 5);
    assert!(app.parked().await.unwrap().is_empty());
    assert_eq!(*app.retry_parked::<First>("a").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(*app.parked_of::<App>().await.unwrap_err().kind(), ErrorKind::Configuration);
}
