//! A rebuild: a copy that is built beside the live one and then takes its place.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::{Stream, stream};
use tokio::sync::{Notify, watch};

use crate::domain::OrderId;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::lock;

/// How far a rebuild is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What it is doing.
    pub phase: RebuildPhase,
    /// How many events it has applied since it began or went on.
    pub events: u64,
    /// Everything at or below is in the new copy.
    pub position: OrderId,
    /// Where the live copy is, which it has to reach.
    pub target: OrderId,
    /// Events a second, since it began or went on.
    pub rate: f64,
    /// How long it will take at the pace so far; `None` while nothing can be said.
    pub left: Option<Duration>,
}

/// What a rebuild is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RebuildPhase {
    /// It was asked for.
    Waiting,
    /// It works through the log.
    Building,
    /// The new copy is the live one.
    Done,
    /// It broke off for this reason. What was built is kept, and the next rebuild goes on with it.
    Failed(String),
}

/// A rebuild that is under way. Dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct Rebuild(watch::Receiver<Progress>);

impl Rebuild {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.0.borrow().clone()
    }

    /// How far it is, now and whenever that changed; ends with the rebuild. What was not looked at is left out.
    pub fn changes(&self) -> impl Stream<Item = Progress> + Send + Unpin + 'static {
        let mut receiver = self.0.clone();
        receiver.mark_changed();
        Box::pin(stream::unfold(Some(receiver), |receiver| async move {
            let mut receiver = receiver?;
            receiver.changed().await.ok()?;
            let progress = receiver.borrow_and_update().clone();
            let more = !progress.phase.is_over();
            Some((progress, more.then_some(receiver)))
        }))
    }

    /// Waits until the new copy is the live one.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] with the reason where it broke off, [`ErrorKind::Closed`] where the app was stopped first:
    /// a durable projection's goes on at the next start.
    pub async fn done(&self) -> Result<()> {
        let mut receiver = self.0.clone();
        let ended = receiver.wait_for(|progress| progress.phase.is_over()).await;
        match ended.as_ref().map(|progress| &progress.phase) {
            Ok(RebuildPhase::Failed(reason)) => {
                let message =
                    "the rebuild broke off; the old data is served on. Rebuild again to go on with it";
                Err(Error::new(ErrorKind::Internal, "rebuild projection", message).with("reason", reason))
            }
            Ok(_) => Ok(()),
            Err(_) => Err(closed()),
        }
    }

    /// Waits until it has begun, so that a crash cannot forget it.
    pub(super) async fn begun(self) -> Result<Self> {
        let mut receiver = self.0.clone();
        match receiver.wait_for(|progress| progress.phase != RebuildPhase::Waiting).await {
            Ok(_) => Ok(self),
            Err(_) => Err(closed()),
        }
    }
}

impl RebuildPhase {
    fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::Failed(_))
    }
}

fn closed() -> Error {
    let message = "the app was stopped before the rebuild was done; start it again, and see whether it goes on by itself";
    Error::new(ErrorKind::Closed, "rebuild projection", message)
}

/// A projection that can be rebuilt, its type forgotten.
#[async_trait]
pub(crate) trait Rebuildable: Send + Sync {
    async fn rebuild(&self) -> Result<Rebuild>;
}

/// Where rebuilds are asked for and reported.
#[derive(Debug, Default)]
pub(super) struct Desk {
    asked: Notify,
    current: std::sync::Mutex<Option<watch::Sender<Progress>>>,
}

/// What the rebuild at hand reports to.
#[derive(Debug)]
pub(super) struct Report {
    sender: watch::Sender<Progress>,
    began: Instant,
    from: OrderId,
}

impl Desk {
    /// Asks for a rebuild, or joins the one that is under way.
    pub(super) fn ask(&self) -> Rebuild {
        let rebuild = Rebuild(self.sender().subscribe());
        self.asked.notify_one();
        rebuild
    }

    /// Waits until somebody asks for a rebuild that has not begun. Cancel-safe.
    pub(super) async fn asked(&self) {
        // A notice may be left from whoever joined a rebuild that is done.
        while !self.is_asked() {
            self.asked.notified().await;
        }
    }

    /// Whether somebody asks for a rebuild that has not begun.
    pub(super) fn is_asked(&self) -> bool {
        self.lock().as_ref().is_some_and(|sender| sender.borrow().phase == RebuildPhase::Waiting)
    }

    /// Begins the rebuild that was asked for, or one that nobody asked for; `target` is where the live copy is.
    pub(super) fn begin(&self, from: OrderId, target: OrderId) -> Report {
        let sender = self.sender();
        sender.send_modify(|progress| {
            progress.phase = RebuildPhase::Building;
            (progress.position, progress.target) = (from, target);
        });
        Report { sender, began: Instant::now(), from }
    }

    /// Forgets the rebuild at hand: whoever waits for it is told that the projection was stopped.
    pub(super) fn clear(&self) {
        self.lock().take();
    }

    pub(super) fn fail(&self, error: &Error) {
        if let Some(sender) = self.lock().take() {
            sender.send_modify(|progress| progress.phase = RebuildPhase::Failed(error.to_string()));
        }
    }

    fn sender(&self) -> watch::Sender<Progress> {
        let new = || {
            watch::Sender::new(Progress {
                phase: RebuildPhase::Waiting,
                events: 0,
                position: OrderId::START,
                target: OrderId::START,
                rate: 0.0,
                left: None,
            })
        };
        self.lock().get_or_insert_with(new).clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<watch::Sender<Progress>>> {
        lock(&self.current)
    }
}

impl Report {
    /// Tells how far it is.
    #[expect(clippy::cast_precision_loss, reason = "a pace needs no precision")]
    pub(super) fn tell(&self, applied: usize, position: OrderId, target: OrderId) {
        let seconds = self.began.elapsed().as_secs_f64().max(1e-9);
        let (way, rest) = (position.0.saturating_sub(self.from.0), target.0.saturating_sub(position.0));
        let left = (way > 0).then(|| Duration::try_from_secs_f64(seconds * rest as f64 / way as f64).ok());
        self.sender.send_modify(|progress| {
            progress.events += applied as u64;
            progress.rate = progress.events as f64 / seconds;
            (progress.position, progress.target, progress.left) = (position, target, left.flatten());
        });
    }

    /// Tells that it is done.
    pub(super) fn done(self, desk: &Desk) {
        desk.clear();
        self.sender.send_modify(|progress| {
            progress.phase = RebuildPhase::Done;
            progress.left = Some(Duration::ZERO);
        });
    }
}
