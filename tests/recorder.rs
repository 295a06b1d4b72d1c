//! An event handler that records its deliveries and does what a test tells it.
#![expect(clippy::panic, reason = "it panics to show what comes of that")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use newton::domain::HandlerError;
use newton::prelude::*;
use newton::testkit::VirtualClock;
use newton::{Error, ErrorKind, RecordedEvent};
use tokio::sync::watch;
use uuid::Uuid;

use crate::bank::AccountEvent;

/// A guard against tests that would wait for ever.
const LIMIT: Duration = Duration::from_mins(1);

/// One delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivered {
    /// Its id.
    pub id: Uuid,
    /// Which attempt.
    pub attempt: u32,
    /// The event.
    pub event: RecordedEvent,
    /// The name of the probe of the app that it came to.
    pub app: &'static str,
}

/// What the handler is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Handle it.
    Handle,
    /// Fail.
    Fail,
    /// Panic.
    Panic,
    /// Never end.
    Hang,
    /// Fail as if a part below could not be reached.
    Outage,
}

type Script = Arc<dyn Fn(&Delivered) -> Act + Send + Sync>;

/// What the handlers of one test share: clones are one.
#[derive(Clone)]
pub struct Probe {
    app: &'static str,
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<Script>,
    /// What was handled, and what was begun.
    handled: Mutex<Vec<Delivered>>,
    begun: Mutex<Vec<Delivered>>,
    changes: watch::Sender<()>,
}

impl Probe {
    /// A probe that handles everything.
    pub fn new() -> Self {
        let shared = Shared {
            script: Mutex::new(Arc::new(|_: &Delivered| Act::Handle)),
            handled: Mutex::default(),
            begun: Mutex::default(),
            changes: watch::Sender::new(()),
        };
        Self { app: "app", shared: Arc::new(shared) }
    }

    /// The same for another app.
    #[must_use]
    pub fn of(&self, app: &'static str) -> Self {
        Self { app, shared: self.shared.clone() }
    }

    /// What to do from now on.
    pub fn act(&self, script: impl Fn(&Delivered) -> Act + Send + Sync + 'static) {
        *self.shared.script.lock().expect("no panic holds it") = Arc::new(script);
    }

    /// What was handled, in the order in which it was.
    pub fn handled(&self) -> Vec<Delivered> {
        self.shared.handled.lock().expect("no panic holds it").clone()
    }

    /// What was begun, in the order in which it was.
    pub fn begun(&self) -> Vec<Delivered> {
        self.shared.begun.lock().expect("no panic holds it").clone()
    }

    /// The streams and versions that were handled.
    pub fn versions(&self) -> Vec<(String, u64)> {
        self.handled().iter().map(|one| (one.event.stream.id().to_owned(), one.event.version.0)).collect()
    }

    /// The versions of one stream that were handled.
    pub fn versions_of(&self, id: &str) -> Vec<u64> {
        self.versions().into_iter().filter(|(stream, _)| stream == id).map(|(_, version)| version).collect()
    }

    /// Waits until something is so.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let mut changes = self.shared.changes.subscribe();
        let wait = async {
            while !is_so(self) {
                changes.changed().await.expect("the probe lives");
            }
        };
        tokio::time::timeout(LIMIT, wait)
            .await
            .unwrap_or_else(|_| panic!("never {what}; handled: {:?}", self.versions()));
    }

    /// Waits until so many deliveries were handled.
    pub async fn until_handled(&self, count: usize) {
        self.until("enough handled", |probe| probe.handled().len() >= count).await;
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let event = delivery.meta().clone();
        let delivered = Delivered { id: delivery.id(), attempt: delivery.attempt(), event, app: self.app };
        let script = self.shared.script.lock().expect("no panic holds it").clone();
        self.shared.begun.lock().expect("no panic holds it").push(delivered.clone());
        self.shared.changes.send_replace(());
        tokio::task::yield_now().await;
        match script(&delivered) {
            Act::Handle => {}
            Act::Fail => return Err(HandlerError::new("told to fail")),
            Act::Panic => panic!("told to panic"),
            Act::Hang => std::future::pending().await,
            Act::Outage => return Err(Error::new(ErrorKind::Unavailable, "send mail", "told to").into()),
        }
        self.shared.handled.lock().expect("no panic holds it").push(delivered);
        self.shared.changes.send_replace(());
        Ok(())
    }
}

impl Default for Probe {
    fn default() -> Self {
        Self::new()
    }
}

/// Moves time on until something is so.
pub async fn pass_time<F: Future<Output = bool>>(clock: &VirtualClock, what: &str, is_so: impl Fn() -> F) {
    let wait = async {
        while !is_so().await {
            clock.advance(Duration::from_secs(10));
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("never {what}"));
}

/// Waits until something is so that nobody tells.
pub async fn eventually<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("never {what}"));
}

/// Makes event handlers that give what comes to their probe.
macro_rules! recorders {
    ($($(#[doc = $doc:literal])* $name:ident($($options:tt)*);)*) => {$(
        $(#[doc = $doc])*
        #[derive(EventHandler)]
        #[event_handler(handles(AccountEvent), $($options)*)]
        pub struct $name {
            probe: Probe,
        }

        impl React<AccountEvent> for $name {
            async fn react(&self, _: &AccountEvent, delivery: &Delivery) -> Result<(), HandlerError> {
                self.probe.deliver(delivery).await
            }
        }
    )*};
}

recorders! {
    /// Records everything from the first event on.
    Recorder(start = "origin", replay_safe);

    /// Records what happens from its first registration on.
    Newcomer();

    /// Records everything, and keeps the accounts of one owner in order.
    OwnerRecorder(start = "origin", segments = 3, by = "owner");
}
