//! What a program wants to do alone, besides what Newton runs for it.

use std::fmt::Display;

use crate::app::App;
use crate::domain::Name;
use crate::error::Result;
use crate::subscription::Lease;

impl App {
    /// Waits until this app may do something alone among all apps on the store, such as sending the daily report.
    ///
    /// The lease is renewed until it is released or dropped. While another app has it this waits; when that one dies,
    /// this one goes on within seconds. Names are the program's own: they do not meet those of its reactions.
    ///
    /// ```standalone_crate
    /// # use newton::Newton;
    /// # async fn send_report() {}
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> newton::Result<()> {
    /// let app = Newton::builder().store("memory:").start().await?;
    /// let lease = app.lease("daily-report").await?;
    /// tokio::select! {
    ///     () = send_report() => lease.release().await?,
    ///     () = lease.lost() => println!("another app does it"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the store, and [`Closed`](crate::ErrorKind::Closed) once the app was shut down.
    pub async fn lease(&self, name: impl Display) -> Result<Lease> {
        self.core.runtime.node.acquire(&Name::from(format!("app/{name}"))).await
    }
}
