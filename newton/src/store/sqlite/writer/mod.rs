//! The one thread that writes, and the handle to it.
//!
//! - [`batch`]: group commit, one transaction and one sync for all jobs that wait
//! - [`append`], [`state`]: what one job reads, checks and writes; [`insert`]: the rows of an event
//! - [`ids`], [`streams`], [`dictionary`]: what the writer remembers, so that it need not ask
//! - [`log`]: keeps the write-ahead log short

mod append;
mod batch;
mod dictionary;
mod ids;
mod insert;
mod log;
mod state;
mod streams;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::queue::{Queue, Served};
use super::thread::{self, closed};
use super::{SqliteOptions, connection};
use crate::error::Result;
use crate::store::{Append, Appended, HeadSender, Revision, StateWrite};

type Reply<T> = oneshot::Sender<Result<T>>;

/// What the writer is asked to do.
enum Job {
    Append(Append, Reply<Appended>),
    State(Vec<StateWrite>, Reply<Vec<Revision>>),
    Backup(PathBuf, Reply<()>),
}

/// The handle to the thread that writes; dropping it ends the thread after the jobs that wait.
pub(super) struct Writer {
    queue: Arc<Queue<Job>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Writer {
    /// Opens the file for writing, making it where it is missing, and starts the thread.
    pub(super) fn open(file: &Arc<Path>, options: &SqliteOptions, head: Arc<HeadSender>) -> Result<Self> {
        let queue = Arc::new(Queue::new());
        let served = Served(Arc::clone(&queue));
        let (file, options) = (Arc::clone(file), options.clone());
        let thread = thread::start("newton-sqlite-writer", move |ready| {
            connection::writer(&file, &options)
                .and_then(|connection| {
                    batch::serve(connection, &served.0, &head, &file, options.busy_timeout, ready)
                })
                .map_err(|failure| failure.into_error("open store", &file))
        })?;
        Ok(Self { queue, thread: Some(thread) })
    }

    pub(super) async fn append(&self, append: Append) -> Result<Appended> {
        self.ask(|reply| Job::Append(append, reply)).await
    }

    pub(super) async fn write_state(&self, batch: Vec<StateWrite>) -> Result<Vec<Revision>> {
        self.ask(|reply| Job::State(batch, reply)).await
    }

    pub(super) async fn backup(&self, to: PathBuf) -> Result<()> {
        self.ask(|reply| Job::Backup(to, reply)).await
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T> {
        let (reply, outcome) = oneshot::channel();
        self.queue.push(job(reply));
        outcome.await.unwrap_or_else(|_| Err(closed()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}
