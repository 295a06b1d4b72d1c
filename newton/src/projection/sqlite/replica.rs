//! A file that follows the log: how much it takes at once, and what happens to a handler that takes too long.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::InterruptHandle;

use super::pulse::Pulse;
use super::worker::Worker;
use super::writer::{Opened, Opening, Writer};
use crate::domain::{OrderId, RecordedEvent};
use crate::error::Result;
use crate::projection::SqliteProjection;
use crate::projection::keep::Replica;
use crate::subscription::{Monitor, Phase};

/// A transaction that takes less is followed by a larger one.
const SHORT: Duration = Duration::from_millis(20);

/// A transaction that takes more is followed by a smaller one.
const LONG: Duration = Duration::from_millis(60);

/// The most events of a transaction.
const MOST: usize = 8_192;

/// Where the search for the right size begins.
const FIRST: usize = 256;

/// A file that follows the log.
pub(in crate::projection) struct SqliteReplica<P> {
    pub(super) worker: Arc<Worker<Writer<P>>>,
    pub(super) generation: u64,
    pub(super) is_changed: bool,
    pulse: Arc<Pulse>,
    interrupt: InterruptHandle,
    monitor: Arc<Monitor>,
    position: OrderId,
    parked_keys: usize,
    size: usize,
}

impl<P: SqliteProjection> SqliteReplica<P> {
    pub(super) async fn open(opening: Opening, generation: u64, monitor: Arc<Monitor>) -> Result<Self> {
        let pulse = opening.pulse.clone();
        let (worker, opened) = Worker::start(P::NAME, move || Writer::<P>::open(opening)).await?;
        let Opened { position, parked_keys, is_changed, interrupt } = opened;
        let (worker, size) = (Arc::new(worker), FIRST);
        Ok(Self { worker, generation, is_changed, pulse, interrupt, monitor, position, parked_keys, size })
    }

    /// Looks after a handler until it is done: over its time-out its SQL is interrupted, and again; where it does not end by
    /// that, it is reported.
    async fn watch<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::time::sleep(P::TIMEOUT / 2) => {}
            }
            let Some((event, busy)) = self.pulse.busy() else { continue };
            if busy > P::TIMEOUT * 2 {
                self.monitor.enter(Phase::Stuck);
                self.monitor.failed(format!(
                    "the handler has been at event {event} for {busy:?} and cannot be interrupted"
                ));
            }
            if busy > P::TIMEOUT {
                self.pulse.interrupt(event);
                self.interrupt.interrupt();
            }
        }
    }

    fn adapt(&mut self, events: usize, took: Duration) {
        if took > LONG {
            self.size = (self.size / 2).max(1);
        } else if took < SHORT && events >= self.size {
            self.size = (self.size * 2).min(MOST);
        }
    }
}

#[async_trait]
impl<P: SqliteProjection> Replica for SqliteReplica<P> {
    fn position(&self) -> OrderId {
        self.position
    }

    fn appetite(&self) -> usize {
        self.size
    }

    async fn apply(&mut self, events: Vec<Arc<RecordedEvent>>, through: OrderId) -> Result<()> {
        let (count, began) = (events.len(), Instant::now());
        let work = self.worker.run(move |writer| {
            writer.apply(&events, through)?;
            Ok(writer.parked_keys())
        });
        self.parked_keys = self.watch(work).await?;
        self.position = through;
        self.adapt(count, began.elapsed());
        Ok(())
    }

    fn parked_keys(&self) -> usize {
        self.parked_keys
    }
}
