//! Newton as a user has it: through the app.

use bench_harness::bank::{Account, AccountCommand};
use bench_harness::{Contestant, Outcome, Place, Result};
use newton::repository::SnapshotPolicy;
use newton::{App, ErrorKind, ExecuteError, Newton};

/// The variant that keeps no folded accounts and takes no snapshots.
pub(crate) const UNCACHED: &str = "no cache";
/// The variant that keeps no folded accounts but takes snapshots.
pub(crate) const SNAPSHOTS: &str = "snapshots";

/// An app with the bank.
pub(crate) struct OnNewton {
    app: App,
    settings: String,
}

impl Contestant for OnNewton {
    async fn open(place: &Place, variant: &str) -> Result<Self> {
        let (url, settings) = match place {
            Place::Dir(dir) => {
                (format!("sqlite://{}", dir.join("newton.db").display()), "its defaults: WAL, FULL")
            }
            Place::Memory => ("memory:".to_owned(), "memory"),
        };
        let builder = Newton::builder().store(url).service("bank").only::<Account>();
        let builder = match variant {
            UNCACHED => builder.cached_aggregates(0).snapshots(SnapshotPolicy::Never),
            SNAPSHOTS => builder.cached_aggregates(0).snapshots(SnapshotPolicy::Every(100)),
            _ => builder,
        };
        Ok(Self { app: builder.start().await?, settings: settings.to_owned() })
    }

    async fn settings(&self) -> Result<String> {
        Ok(self.settings.clone())
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
