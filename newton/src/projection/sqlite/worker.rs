//! A thread that something lives on: slow work on it holds up neither the runtime nor appends.

use std::sync::mpsc;

use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};

type Job<W> = Box<dyn FnOnce(&mut W) + Send>;

/// A thread with a value; jobs run on it one after the other. It ends once this is dropped and its last job is done.
#[derive(Debug)]
pub(super) struct Worker<W>(mpsc::Sender<Job<W>>);

impl<W: 'static> Worker<W> {
    /// Starts the thread and makes its value there; gives what else `open` gives.
    pub(super) async fn start<T: Send + 'static>(
        name: &str,
        open: impl FnOnce() -> Result<(W, T)> + Send + 'static,
    ) -> Result<(Self, T)> {
        let (jobs, queue) = mpsc::channel::<Job<W>>();
        let (opened, waiting) = oneshot::channel();
        let run = move || match open() {
            Ok((mut value, told)) => {
                // Whoever waited may be gone; then the queue ends at once.
                let _ = opened.send(Ok(told));
                while let Ok(job) = queue.recv() {
                    job(&mut value);
                }
            }
            Err(error) => {
                let _ = opened.send(Err(error));
            }
        };
        let thread = std::thread::Builder::new().name(format!("newton-{name}")).spawn(run);
        thread.map_err(|error| {
            let message = "the system gives no thread; raise its limit";
            Error::new(ErrorKind::Unavailable, "start projection", message).caused_by(error)
        })?;
        let told = waiting.await.map_err(|_| ended())??;
        Ok((Self(jobs), told))
    }

    /// Runs a job on the thread. It is run to its end even where nobody waits any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut W) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (done, waiting) = oneshot::channel();
        let job: Job<W> = Box::new(move |value| {
            let _ = done.send(job(value));
        });
        self.0.send(job).map_err(|_| ended())?;
        waiting.await.map_err(|_| ended())?
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::Internal, "run projection", "the projection's thread ended by itself")
}
