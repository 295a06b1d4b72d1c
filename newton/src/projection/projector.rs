//! The one loop that runs a projection, wherever its data is kept.
//!
//! In order: wait for the lease, open the live copy, follow the log; where a rebuild is asked for or was cut off, build the
//! next copy beside it; once that has reached the live one, halt this, let the next one come up to it, and switch. Where the
//! live copy cannot be opened, because it was made from another log or is damaged, a rebuild that is asked for replaces it.

use std::any::Any;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;

use crate::domain::{Name, OrderId};
use crate::error::{Error, ErrorKind, Result};
use crate::projection::Projection;
use crate::projection::follower::Follower;
use crate::projection::keep::{Keep, Replica};
use crate::projection::rebuild::{Desk, Rebuild, Rebuildable, Report};
use crate::store::EventStore;
use crate::subscription::{Assembly, Lease, Monitor, Parking, Phase, Reaction, Runtime, Stop, Stopper};

/// A lease that takes longer to get is another node's.
const FREE_LEASE: Duration = Duration::from_millis(500);

/// A projection that runs.
pub(super) struct Projector<K> {
    monitor: Arc<Monitor>,
    runtime: Arc<Runtime>,
    types: Vec<Name>,
    desk: Desk,
    pub(super) keep: K,
}

/// Why the copies were halted.
enum Turn {
    /// The projection is to stop.
    Stop,
    /// Another node may have the lease.
    Lost,
    /// A rebuild was asked for.
    Rebuild,
    /// The next copy has reached the live one.
    Built,
    /// The next copy cannot be built on.
    Broken(Error),
}

/// The copy that is built beside the live one.
struct Next<R> {
    follower: Follower<R>,
    report: Report,
}

impl<K: Keep> Projector<K> {
    pub(super) fn new<P: Projection>(assembly: &Assembly, monitor: Arc<Monitor>, keep: K) -> Self {
        Self {
            monitor,
            runtime: assembly.runtime.clone(),
            types: P::event_types().iter().map(|event| Name::from_static(event.name)).collect(),
            desk: Desk::default(),
            keep,
        }
    }

    /// Runs under the lease, if it takes one.
    async fn run_alone(&self, stop: &Stop) -> Result<()> {
        self.monitor.enter(Phase::Starting);
        let lease = if K::LEASED { self.acquire(stop.clone()).await? } else { None };
        if K::LEASED && lease.is_none() {
            return Ok(());
        }
        self.monitor.enter(Phase::CatchingUp);
        let ended = self.lead(stop, lease.as_ref()).await;
        self.desk.clear();
        self.keep.close().await;
        match lease {
            Some(lease) if ended.is_ok() => lease.release().await,
            _ => ended,
        }
    }

    /// Waits for the lease; `None` where it is to stop first.
    async fn acquire(&self, mut stop: Stop) -> Result<Option<Lease>> {
        let name = Name::from(format!("projection/{}", self.monitor.name()));
        let mut acquire = pin!(self.runtime.node.acquire(&name));
        loop {
            tokio::select! {
                biased;
                () = stop.requested() => return Ok(None),
                lease = &mut acquire => return lease.map(Some),
                () = tokio::time::sleep(FREE_LEASE), if self.monitor.phase() == Phase::Starting => {
                    self.monitor.enter(Phase::StandingBy);
                }
            }
        }
    }

    async fn lead(&self, stop: &Stop, lease: Option<&Lease>) -> Result<()> {
        let Some(mut live) = self.open(stop, lease).await? else { return Ok(()) };
        self.monitor.reset(live.replica.position());
        self.monitor.changed(self.keep.is_changed());
        let mut next = if self.keep.wants_rebuild().await? { self.begin(lease).await } else { None };
        loop {
            match self.turn(&mut live, next.as_mut(), stop, lease).await? {
                Turn::Stop => return Ok(()),
                Turn::Lost => return Err(lost(self.monitor.name())),
                Turn::Rebuild => next = self.begin(lease).await,
                Turn::Broken(error) => {
                    self.broke_off(&error);
                    next = None;
                }
                Turn::Built => {
                    if let Some(built) = next.take() {
                        self.switch(&mut live, built, lease).await?;
                    }
                }
            }
        }
    }

    /// Opens the live copy, or what takes its place; `None` where it is to stop first.
    async fn open(&self, stop: &Stop, lease: Option<&Lease>) -> Result<Option<Follower<K::Replica>>> {
        let opened = match self.keep.open(lease).await {
            Ok(replica) => self.follow(replica).await.map(Some),
            Err(error) if is_unusable(&error) && self.desk.is_asked() => self.replace(stop, lease).await,
            Err(error) => Err(error),
        };
        opened.inspect_err(|error| self.desk.fail(error))
    }

    /// Builds the next copy up to the end of the log, and puts it in the place of a live one that cannot be used.
    async fn replace(&self, stop: &Stop, lease: Option<&Lease>) -> Result<Option<Follower<K::Replica>>> {
        let mut next = self.follow(self.keep.open_next(lease).await?).await?;
        let (mut stopping, target) = (stop.clone(), self.runtime.events.head().await?.current());
        let report = self.desk.begin(next.replica.position(), target);
        while next.replica.position() < target {
            tokio::select! {
                biased;
                () = stopping.requested() => return Ok(None),
                () = lost_or_never(lease) => return Err(lost(self.monitor.name())),
                ready = next.ready() => ready?,
            }
            let count = next.apply().await?;
            report.tell(count, next.replica.position(), target);
        }
        self.keep.switch(&mut next.replica, lease).await?;
        report.done(&self.desk);
        Ok(Some(next))
    }

    async fn follow(&self, replica: K::Replica) -> Result<Follower<K::Replica>> {
        Follower::open(replica, &self.runtime.subscriptions, &self.types).await
    }

    /// Opens the next copy. Where that fails the live one goes on.
    async fn begin(&self, lease: Option<&Lease>) -> Option<Next<K::Replica>> {
        let opened = async { self.follow(self.keep.open_next(lease).await?).await };
        match opened.await {
            Ok(follower) => {
                let report = self.desk.begin(follower.replica.position(), self.monitor.position());
                Some(Next { follower, report })
            }
            Err(error) => {
                self.broke_off(&error);
                None
            }
        }
    }

    fn broke_off(&self, error: &Error) {
        tracing::error!(projection = %self.monitor.name(), %error, "a rebuild broke off; the old data is served on");
        self.desk.fail(error);
    }

    /// Lets the copies follow until there is something else to do. None of them is in the middle of anything then.
    async fn turn(
        &self,
        live: &mut Follower<K::Replica>,
        next: Option<&mut Next<K::Replica>>,
        stop: &Stop,
        lease: Option<&Lease>,
    ) -> Result<Turn> {
        let stopper = Stopper::new();
        let (mut stopping, is_building) = (stop.clone(), next.is_some());
        let mut follow = pin!(live.follow(stopper.signal(), &self.monitor));
        let mut build = pin!(self.build(next, stopper.signal()).fuse());
        let turn = tokio::select! {
            biased;
            () = stopping.requested() => Turn::Stop,
            () = lost_or_never(lease) => Turn::Lost,
            ended = &mut follow => return ended.map(|()| Turn::Stop),
            turn = &mut build => turn,
            () = self.desk.asked(), if !is_building => Turn::Rebuild,
        };
        stopper.stop();
        follow.await?;
        if is_building && !matches!(turn, Turn::Built | Turn::Broken(_)) {
            build.await;
        }
        Ok(turn)
    }

    /// Builds the next copy up to where the live one is.
    async fn build(&self, next: Option<&mut Next<K::Replica>>, mut halt: Stop) -> Turn {
        let Some(Next { follower, report }) = next else { return std::future::pending().await };
        while follower.replica.position() < self.monitor.position() {
            let ready = tokio::select! {
                biased;
                () = halt.requested() => return Turn::Stop,
                ready = follower.ready() => ready,
            };
            let applied = match ready {
                Ok(()) => follower.apply().await,
                Err(error) => Err(error),
            };
            match applied {
                Ok(count) => report.tell(count, follower.replica.position(), self.monitor.position()),
                Err(error) => return Turn::Broken(error),
            }
        }
        Turn::Built
    }

    /// Puts the next copy in the place of the live one, which is halted.
    async fn switch(
        &self,
        live: &mut Follower<K::Replica>,
        mut next: Next<K::Replica>,
        lease: Option<&Lease>,
    ) -> Result<()> {
        while next.follower.replica.position() < live.replica.position() {
            next.follower.ready().await?;
            next.follower.apply().await?;
        }
        self.keep.switch(&mut next.follower.replica, lease).await?;
        *live = next.follower;
        self.monitor.changed(self.keep.is_changed());
        live.tell(&self.monitor);
        next.report.done(&self.desk);
        Ok(())
    }
}

async fn lost_or_never(lease: Option<&Lease>) {
    match lease {
        Some(lease) => lease.lost().await,
        None => std::future::pending().await,
    }
}

/// Whether a copy stays as it is however often it is opened.
fn is_unusable(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Incompatible | ErrorKind::Corrupt)
}

fn lost(name: &Name) -> Error {
    let message = "another node may have taken over; this one stands by";
    Error::new(ErrorKind::Unavailable, "follow the log", message).with("projection", name)
}

#[async_trait]
impl<K: Keep> Rebuildable for Projector<K> {
    async fn rebuild(&self) -> Result<Rebuild> {
        let refuse = |kind, message: &str| {
            Err(Error::new(kind, "rebuild projection", message).with("projection", self.monitor.name()))
        };
        match self.monitor.phase() {
            Phase::Stopped => refuse(ErrorKind::Closed, "the app was stopped; start it again"),
            Phase::StandingBy => refuse(
                ErrorKind::Unsupported,
                "another node runs it; rebuild it there, or stop that node first",
            ),
            phase => {
                let rebuild = self.desk.ask();
                if phase == Phase::Paused {
                    self.monitor.resume();
                }
                rebuild.begun().await
            }
        }
    }
}

#[async_trait]
impl<K: Keep> Reaction for Projector<K> {
    fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    fn parking(&self) -> &dyn Parking {
        &self.keep
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    async fn position(&self) -> Result<OrderId> {
        match self.monitor.phase() {
            Phase::StandingBy => Ok(self.keep.stored_position().await?.unwrap_or_default()),
            _ => Ok(self.monitor.position()),
        }
    }

    async fn run(&self, stop: Stop) -> Result<()> {
        let ended = self.monitor.noted(self.run_alone(&stop).await);
        let stopped = ended.is_ok() || stop.is_requested();
        self.monitor.enter(if stopped { Phase::Stopped } else { Phase::Paused });
        ended
    }
}
