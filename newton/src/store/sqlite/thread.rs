//! Threads of the store: each opens its own connection, and its opener waits until that has worked.

use std::sync::mpsc;
use std::thread::JoinHandle;

use crate::error::{Error, ErrorKind, Result};

/// Tells the opener that the thread serves.
pub(super) struct Ready(mpsc::Sender<()>);

impl Ready {
    pub(super) fn tell(self) {
        // The opener waits for it.
        let _ = self.0.send(());
    }
}

/// Starts a thread and waits until it is ready or gives up with an error.
pub(super) fn start(
    name: &str,
    run: impl FnOnce(Ready) -> Result<()> + Send + 'static,
) -> Result<JoinHandle<Result<()>>> {
    let (sender, ready) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || run(Ready(sender)))
        .map_err(|error| {
            let message = "the system gives no thread; raise its limit";
            Error::new(ErrorKind::Unavailable, "open store", message).caused_by(error)
        })?;
    if ready.recv().is_ok() {
        return Ok(thread);
    }
    match thread.join() {
        Ok(Err(error)) => Err(error),
        _ => Err(Error::new(ErrorKind::Internal, "open store", "a thread of the store ended at its start")),
    }
}

/// The answer of a thread that is gone.
pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "use store", "the store was closed; open it again")
}
