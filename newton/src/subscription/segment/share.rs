//! Which segments a node works on: its fair share, as nodes come and go and the cut changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::domain::OrderId;
use crate::error::{Error, ErrorKind, Result};
use crate::subscription::ledger::Layout;
use crate::subscription::segment::Segment;
use crate::subscription::{Book, HandlerPolicy, Lease, Ledger, Membership, Monitor, Stop, Stopper};

/// What is done with the segments that are this node's.
#[async_trait]
pub(crate) trait Work: Send + Sync + 'static {
    /// Works on a segment until it is asked to stop or the lease is lost.
    async fn work(self: Arc<Self>, lease: Arc<Lease>, book: Book, stop: Stop) -> Result<()>;

    /// How it is doing.
    fn monitor(&self) -> &Monitor;

    /// Whether it works on a segment now.
    fn works_on(&self, segment: Segment) -> bool;

    /// The segment cannot be worked on for now.
    fn paused(&self, segment: Segment, error: &Error);

    /// This node does not work on the segment; another one may, and this is how far it has come.
    fn elsewhere(&self, segment: Segment, position: OrderId);

    /// The reaction is cut differently from now on.
    fn recut(&self);
}

/// So often a node looks whether others have come or gone, or another cut is wanted.
const LOOK: Duration = Duration::from_millis(500);

/// Work on a segment that goes well for so long begins with short pauses again.
const GOES_WELL: Duration = Duration::from_mins(1);

/// Works on this node's share of a reaction until it is asked to stop. `changed` says that another cut is wanted.
pub(crate) async fn run<W: Work>(
    ledger: &Ledger,
    work: &Arc<W>,
    changed: &Notify,
    mut stop: Stop,
) -> Result<()> {
    while !stop.is_requested() {
        let layout = ledger.layout().await?;
        if layout.is_settled() {
            work.recut();
            Share::new(ledger, work, layout).run(changed, &mut stop).await?;
            continue;
        }
        tokio::select! {
            biased;
            () = stop.requested() => {}
            made = make_change(ledger) => made?,
        }
    }
    Ok(())
}

/// Waits until nobody works on the reaction, and makes the change that is wanted.
async fn make_change(ledger: &Ledger) -> Result<()> {
    let node = &ledger.runtime().node;
    let lease = node.acquire(&ledger.change_lease_name()).await?;
    let mut idle = Vec::new();
    tokio::select! {
        biased;
        // Another node has made it, or nobody wants it any more: the others work, and give nothing back.
        settled = settled(ledger) => settled?,
        held = hold_all(ledger, &mut idle) => {
            held?;
            ledger.change(&lease).await?;
        }
    }
    for segment in idle {
        segment.release().await?;
    }
    lease.release().await
}

/// Waits until no change is wanted.
async fn settled(ledger: &Ledger) -> Result<()> {
    while !ledger.layout().await?.is_settled() {
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Takes the leases of all segments, each as soon as its holder has given it back.
async fn hold_all(ledger: &Ledger, held: &mut Vec<Lease>) -> Result<()> {
    for segment in Segment::all(ledger.layout().await?.segments) {
        held.push(ledger.runtime().node.acquire(&ledger.lease_name(segment)).await?);
    }
    Ok(())
}

/// This node's share while a reaction is cut in one way.
struct Share<'a, W> {
    ledger: &'a Ledger,
    work: &'a Arc<W>,
    layout: Layout,
    /// The only segment needs no counting of nodes.
    membership: Option<Membership>,
    running: BTreeMap<Segment, Stopper>,
    tasks: JoinSet<Segment>,
}

impl<'a, W: Work> Share<'a, W> {
    fn new(ledger: &'a Ledger, work: &'a Arc<W>, layout: Layout) -> Self {
        let (running, tasks) = (BTreeMap::new(), JoinSet::new());
        Self { ledger, work, layout, membership: None, running, tasks }
    }

    async fn run(mut self, changed: &Notify, stop: &mut Stop) -> Result<()> {
        loop {
            let (monitor, resumed) = (self.work.monitor(), self.work.monitor().resumed());
            let waits = match self.look().await {
                Ok(true) => None,
                Ok(false) => break,
                // Whoever works on a segment says so where it matters.
                Err(error) => {
                    tracing::debug!(%error, "the share of segments could not be looked at");
                    Some(monitor.waits())
                }
            };
            tokio::select! {
                biased;
                () = stop.requested() => break,
                Some(ended) = self.tasks.join_next() => self.ended(ended)?,
                () = changed.notified() => {}
                () = resumed, if waits.is_some() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        self.finish().await
    }

    /// Stops and starts what is to be; says whether the cut is still the same.
    async fn look(&mut self) -> Result<bool> {
        if self.ledger.layout().await? != self.layout {
            return Ok(false);
        }
        let (place, of) = self.place().await?;
        for segment in Segment::all(self.layout.segments) {
            let is_wanted = segment.index() as usize % of == place;
            match self.running.get(&segment) {
                Some(stopper) if !is_wanted => stopper.stop(),
                None if is_wanted => self.start(segment),
                _ => {}
            }
            if !self.work.works_on(segment) {
                let position = self.ledger.position(segment).await?;
                // Its work may have begun meanwhile.
                if !self.work.works_on(segment) {
                    self.work.elsewhere(segment, position);
                }
            }
        }
        Ok(true)
    }

    async fn place(&mut self) -> Result<(usize, usize)> {
        if self.layout.segments == 1 {
            return Ok((0, 1));
        }
        let membership = match self.membership.take().filter(|membership| !membership.is_lost()) {
            Some(membership) => membership,
            None => Membership::join(&self.ledger.runtime().node, self.ledger.name()).await?,
        };
        self.membership.insert(membership).place().await
    }

    fn start(&mut self, segment: Segment) {
        let stopper = Stopper::new();
        let (ledger, work, layout) = (self.ledger.clone(), self.work.clone(), self.layout);
        let stop = stopper.signal();
        self.tasks.spawn(async move {
            hold(&ledger, &work, layout, segment, stop).await;
            segment
        });
        self.running.insert(segment, stopper);
    }

    fn ended(&mut self, ended: Result<Segment, tokio::task::JoinError>) -> Result<()> {
        let segment = ended.map_err(|error| {
            let message = "the work on a segment ended in a panic, which is a defect";
            Error::new(ErrorKind::Internal, "react", message)
                .with("reaction", self.ledger.name())
                .caused_by(error)
        })?;
        self.running.remove(&segment);
        Ok(())
    }

    async fn finish(mut self) -> Result<()> {
        self.running.values().for_each(Stopper::stop);
        while let Some(ended) = self.tasks.join_next().await {
            self.ended(ended)?;
        }
        match self.membership.take() {
            Some(membership) if !membership.is_lost() => membership.leave().await,
            _ => Ok(()),
        }
    }
}

/// Works on a segment whenever this node has its lease, until it is asked to stop or the cut changes.
async fn hold<W: Work>(ledger: &Ledger, work: &Arc<W>, layout: Layout, segment: Segment, mut stop: Stop) {
    let mut failures = 0;
    loop {
        let since = Instant::now();
        let name = ledger.lease_name(segment);
        let acquired = tokio::select! {
            biased;
            () = stop.requested() => return,
            acquired = ledger.runtime().node.acquire(&name) => acquired,
        };
        let worked = match acquired {
            Ok(lease) => with_lease(ledger, work, layout, segment, lease, stop.clone()).await,
            Err(error) => Err(error),
        };
        let Err(error) = worked else { return };
        if stop.is_requested() || *error.kind() == ErrorKind::Closed {
            return;
        }
        failures = if since.elapsed() > GOES_WELL { 0 } else { failures + 1 };
        let resumed = work.monitor().resumed();
        work.paused(segment, &error);
        let wait = ledger.runtime().clock.wait_for(HandlerPolicy::PAUSE.delay(failures));
        tokio::select! {
            () = stop.requested() => return,
            () = resumed => {}
            () = wait => {}
        }
    }
}

/// Works on a segment, and gives its lease back; an error says to try it again.
async fn with_lease<W: Work>(
    ledger: &Ledger,
    work: &Arc<W>,
    layout: Layout,
    segment: Segment,
    lease: Lease,
    stop: Stop,
) -> Result<()> {
    let lease = Arc::new(lease);
    loop {
        // Only now nobody else can change it.
        if ledger.layout().await? != layout {
            break;
        }
        let book = ledger.open(segment).await?;
        work.clone().work(lease.clone(), book, stop.clone()).await?;
        if stop.is_requested() || lease.is_lost() {
            break;
        }
    }
    let lost = lease.is_lost();
    match Arc::into_inner(lease) {
        Some(lease) if !lost => lease.release().await,
        _ => Ok(()),
    }
}
