//! What a store and framework must offer to take part.

use std::future::Future;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::bank::AccountCommand;

/// Where a contestant keeps its data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Place {
    /// In files of this directory, durable.
    Dir(PathBuf),
    /// In the memory of its process.
    Memory,
}

/// How a command ended that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took effect.
    Done,
    /// Another writer was faster; the caller has to try again.
    Conflict,
    /// Another writer was faster each time, and the contestant gave up.
    Exhausted,
}

/// A store and framework with a bank on it, used as its documentation shows.
pub trait Contestant: Sized + Send + Sync + 'static {
    /// Whether many clients' commands are handed over together, in one [`group`](Self::group), because there is no
    /// framework that would collect them.
    const GROUPED: bool = false;

    /// Opens the store, which is created if it is not there.
    fn open(place: &Place, variant: &str) -> impl Future<Output = Result<Self>> + Send;

    /// The settings that decide on durability, asked of the connection where that is possible.
    fn settings(&self) -> impl Future<Output = Result<String>> + Send;

    /// Loads the account, decides, appends; the command is durable when this returns.
    fn execute(&self, id: &str, command: AccountCommand) -> impl Future<Output = Result<Outcome>> + Send;

    /// The account's balance, freshly loaded.
    fn balance(&self, id: &str) -> impl Future<Output = Result<u64>> + Send;

    /// Executes the commands in one transaction.
    fn group(&self, commands: Vec<(String, AccountCommand)>) -> impl Future<Output = Result<()>> + Send {
        async move {
            for (id, command) in commands {
                self.execute(&id, command).await?;
            }
            Ok(())
        }
    }

    /// Waits for what was begun in the background, such as snapshots.
    fn flush(&self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Ends everything that runs, so that the files can be opened by another.
    fn close(self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }
}
