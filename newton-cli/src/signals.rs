//! The signals that end a command: SIGINT, which Ctrl-C sends, and SIGTERM.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Trouble;

/// The signals, from the moment this was made: from then on they no longer kill the process.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes the signals.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate })
    }

    /// Waits for one of them. It is cancel-safe.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Does the work, unless a signal comes first.
    ///
    /// # Errors
    /// Those of the work; that it was interrupted.
    pub async fn unless<T>(&mut self, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        tokio::select! {
            outcome = work => outcome,
            () = self.received() => Err(Trouble::interrupted()),
        }
    }
}
