//! Newton as a user has it: through the app.

use std::path::PathBuf;

use bench_harness::bank::{Account, AccountCommand};
use bench_harness::{Contestant, Outcome, Place, Result};
use newton::repository::SnapshotPolicy;
use newton::{App, ErrorKind, ExecuteError, Newton};
use rusqlite::Connection;

/// The variant that keeps no folded accounts and takes no snapshots.
pub(crate) const UNCACHED: &str = "no cache";
/// The variant that keeps no folded accounts but takes snapshots.
pub(crate) const SNAPSHOTS: &str = "snapshots";

/// An app with the bank.
pub(crate) struct OnNewton {
    app: App,
    /// `None` in memory.
    file: Option<PathBuf>,
}

impl Contestant for OnNewton {
    async fn open(place: &Place, variant: &str) -> Result<Self> {
        let (url, file) = match place {
            Place::Dir(dir) => {
                let file = dir.join("newton.db");
                (format!("sqlite://{}", file.display()), Some(file))
            }
            Place::Memory => ("memory:".to_owned(), None),
        };
        let builder = Newton::builder().store(url).service("bank").only::<Account>();
        let builder = match variant {
            UNCACHED => builder.cached_aggregates(0).snapshots(SnapshotPolicy::Never),
            SNAPSHOTS => builder.cached_aggregates(0).snapshots(SnapshotPolicy::Every(100)),
            _ => builder,
        };
        Ok(Self { app: builder.start().await?, file })
    }

    async fn settings(&self) -> Result<String> {
        let Some(file) = &self.file else { return Ok("memory".to_owned()) };
        // The journal mode is the file's; how its connection synchronises, only Newton knows, and the counted syncs show.
        let journal: String =
            Connection::open(file)?.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        Ok(format!("journal_mode={journal} synchronous=its default (FULL)"))
    }

    async fn execute(&self, id: &str, command: AccountCommand) -> Result<Outcome> {
        match self.app.execute(id, command).await {
            Ok(_) => Ok(Outcome::Done),
            Err(ExecuteError::Failed(error)) if matches!(error.kind(), ErrorKind::Conflict { .. }) => {
                Ok(Outcome::Exhausted)
            }
            Err(ExecuteError::Failed(error)) => Err(error.into()),
            Err(ExecuteError::Rejected(rejection)) => Err(rejection.into()),
        }
    }

    async fn balance(&self, id: &str) -> Result<u64> {
        Ok(self.app.load::<Account>(id).await?.map_or(0, |account| account.state.balance))
    }

    async fn flush(&self) -> Result<()> {
        self.app.flush().await;
        Ok(())
    }

    async fn close(self) -> Result<()> {
        self.app.flush().await;
        Ok(())
    }
}
