//! One stage: a bounded queue, workers, and a next stage.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc};

use super::meter::{Meter, Rates};
use crate::error::{Error, ErrorKind, Result};

/// A bounded queue with workers. Clones are the same stage; its workers end once all are dropped and the queue is empty.
///
/// ```
/// use newton::muon::protocol::seda::Stage;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let (printed, mut prints) = tokio::sync::mpsc::unbounded_channel();
/// let print = Stage::builder("print").capacity(8).start(move |line: String| {
///     let printed = printed.clone();
///     async move { Ok(drop(printed.send(line))) }
/// });
/// let format = Stage::builder("format").capacity(8).workers(2)
///     .start_before(print, async |number: u32| Ok(format!("no. {number}")));
///
/// format.submit(7).await?;
/// assert_eq!(prints.recv().await.unwrap(), "no. 7");
/// # Ok(())
/// # }
/// ```
pub struct Stage<T> {
    queue: mpsc::Sender<T>,
    name: Arc<str>,
    meter: Arc<Meter>,
}

/// The size of a stage.
#[derive(Debug)]
#[must_use = "call `start` to run it"]
pub struct StageBuilder {
    name: Arc<str>,
    capacity: usize,
    workers: usize,
}

impl Stage<()> {
    /// Makes a stage. It holds up to 64 items and has one worker, unless told otherwise.
    pub fn builder(name: &str) -> StageBuilder {
        StageBuilder { name: name.into(), capacity: 64, workers: 1 }
    }
}

impl<T: Send + 'static> Stage<T> {
    /// Puts an item into the queue, as soon as there is room. It is cancel-safe: what was given up was not put in.
    ///
    /// # Errors
    /// `Closed` once the workers are gone.
    pub async fn submit(&self, item: T) -> Result<()> {
        self.queue.send(item).await.map_err(|_| self.ended())?;
        self.meter.submitted();
        Ok(())
    }

    /// Puts an item into the queue, or gives it back where there is no room.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub fn try_submit(&self, item: T) -> Result<Option<T>> {
        match self.queue.try_send(item) {
            Ok(()) => {
                self.meter.submitted();
                Ok(None)
            }
            Err(TrySendError::Full(item)) => Ok(Some(item)),
            Err(TrySendError::Closed(_)) => Err(self.ended()),
        }
    }

    /// How many items wait.
    pub fn depth(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// How many items can wait.
    pub fn capacity(&self) -> usize {
        self.queue.max_capacity()
    }

    /// How much went through, and how fast.
    pub fn rates(&self) -> Rates {
        self.meter.read()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn ended(&self) -> Error {
        let message = "the workers of the stage are gone; the runtime they ran on has ended";
        Error::new(ErrorKind::Closed, "submit", message).with("stage", &self.name)
    }
}

impl<T> Clone for Stage<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), name: self.name.clone(), meter: self.meter.clone() }
    }
}

impl<T> fmt::Debug for Stage<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("name", &self.name)
            .field("rates", &self.meter.read())
            .finish_non_exhaustive()
    }
}

impl StageBuilder {
    /// How many items can wait, at least 1.
    pub fn capacity(self, items: usize) -> Self {
        Self { capacity: items.max(1), ..self }
    }

    /// How many items are worked on at the same time, at least 1. With more than one they can overtake each other.
    pub fn workers(self, workers: usize) -> Self {
        Self { workers: workers.max(1), ..self }
    }

    /// Runs a stage with nothing behind it. An item on which `work` fails is logged and counted. Has to be called inside of a tokio
    /// runtime.
    pub fn start<T, F>(self, work: impl Fn(T) -> F + Send + Sync + 'static) -> Stage<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let work: Work<T> = Arc::new(move |item| Box::pin(work(item)));
        self.run(&work)
    }

    /// Runs a stage whose results go to the next one. Where that is full, the workers wait. Has to be called inside of a tokio
    /// runtime.
    pub fn start_before<T, U, F>(
        self,
        next: Stage<U>,
        work: impl Fn(T) -> F + Send + Sync + 'static,
    ) -> Stage<T>
    where
        T: Send + 'static,
        U: Send + 'static,
        F: Future<Output = Result<U>> + Send + 'static,
    {
        let work: Work<T> = Arc::new(move |item| {
            let (work, next) = (work(item), next.clone());
            Box::pin(async move { next.submit(work.await?).await })
        });
        self.run(&work)
    }

    fn run<T: Send + 'static>(self, work: &Work<T>) -> Stage<T> {
        let (queue, items) = mpsc::channel(self.capacity);
        let (items, meter) = (Arc::new(Mutex::new(items)), Arc::new(Meter::new()));
        for _ in 0..self.workers {
            tokio::spawn(run_worker(items.clone(), work.clone(), meter.clone(), self.name.clone()));
        }
        Stage { queue, name: self.name, meter }
    }
}

type Work<T> = Arc<dyn Fn(T) -> BoxFuture<'static, Result<()>> + Send + Sync>;

async fn run_worker<T: Send + 'static>(
    items: Arc<Mutex<mpsc::Receiver<T>>>,
    work: Work<T>,
    meter: Arc<Meter>,
    name: Arc<str>,
) {
    loop {
        let Some(item) = items.lock().await.recv().await else { return };
        // A panic of the work must not take the worker with it.
        let done = match tokio::spawn(work(item)).await {
            Ok(done) => done,
            Err(error) => {
                Err(Error::new(ErrorKind::Internal, "work", "the work on an item panicked").caused_by(error))
            }
        };
        if let Err(error) = &done {
            tracing::warn!(stage = %name, %error, "the work on an item failed");
        }
        meter.done(done.is_ok());
    }
}
