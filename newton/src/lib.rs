//! Newton is a framework for domain-driven design and event sourcing: users derive their domain types and write two pure
//! functions; Newton loads, decides, appends, retries and snapshots, on a store that is chosen in one line. Read models,
//! sagas and side effects follow the events.
//!
//! ```standalone_crate
//! use newton::prelude::*;
//! use newton::Newton;
//!
//! #[derive(Event, Clone, Debug, PartialEq)]
//! enum AccountEvent {
//!     Opened { owner: String },
//!     Deposited { amount: u64 },
//!     Withdrawn { amount: u64 },
//! }
//!
//! #[derive(Command, Clone, Debug)]
//! enum AccountCommand {
//!     Open { owner: String },
//!     Deposit { amount: u64 },
//!     Withdraw { amount: u64 },
//! }
//!
//! #[derive(Rejection, Debug, PartialEq)]
//! enum AccountError { AlreadyOpen, NotOpen, Overdrawn { balance: u64 } }
//!
//! #[derive(Aggregate, Clone, Debug, Default, PartialEq)]
//! #[aggregate(context = "bank")]
//! struct Account { open: bool, balance: u64 }
//!
//! impl Account {
//!     fn decide(&self, command: AccountCommand) -> Result<AccountEvent, AccountError> {
//!         match command {
//!             AccountCommand::Open { .. } if self.open => Err(AccountError::AlreadyOpen),
//!             AccountCommand::Open { owner } => Ok(AccountEvent::Opened { owner }),
//!             _ if !self.open => Err(AccountError::NotOpen),
//!             AccountCommand::Deposit { amount } => Ok(AccountEvent::Deposited { amount }),
//!             AccountCommand::Withdraw { amount } if amount > self.balance => {
//!                 Err(AccountError::Overdrawn { balance: self.balance })
//!             }
//!             AccountCommand::Withdraw { amount } => Ok(AccountEvent::Withdrawn { amount }),
//!         }
//!     }
//!
//!     fn evolve(&mut self, event: &AccountEvent) {
//!         match event {
//!             AccountEvent::Opened { .. } => self.open = true,
//!             AccountEvent::Deposited { amount } => self.balance += amount,
//!             AccountEvent::Withdrawn { amount } => self.balance -= amount,
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app = Newton::builder().store("memory:").start().await?; // or "sqlite://bank.db"
//! app.execute("acc-1", AccountCommand::Open { owner: "Ada".into() }).await?;
//! let receipt = app.execute("acc-1", AccountCommand::Deposit { amount: 10 }).await?;
//! assert_eq!(receipt.version.0, 2);
//!
//! let refused = app.execute("acc-1", AccountCommand::Withdraw { amount: 20 }).await.unwrap_err();
//! assert_eq!(refused.rejection(), Some(&AccountError::Overdrawn { balance: 10 }));
//!
//! // A form that was filled in at version 2 is refused once somebody else was faster.
//! app.execute("acc-1", AccountCommand::Deposit { amount: 5 }).expected(receipt.version).await?;
//! assert!(app.execute("acc-1", AccountCommand::Deposit { amount: 5 }).expected(receipt.version).await.is_err());
//!
//! // The same command delivered twice takes effect once.
//! let first = app.execute("acc-1", AccountCommand::Deposit { amount: 1 }).command_id("form-7").await?;
//! let again = app.execute("acc-1", AccountCommand::Deposit { amount: 1 }).command_id("form-7").await?;
//! assert_eq!((again.version, again.duplicate), (first.version, true));
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! Imports run one way:
//!
//! ```text
//! domain <- store <- repository <- {subscription <- projection, saga, service, server} <- causality <- bus <- registry <- app
//! ```
//!
//! - [`domain`]: what is pure: aggregates, events, commands, names, versions
//! - [`store`]: [`EventStore`](store::EventStore) and [`StateStore`](store::StateStore), in memory and on SQLite
//! - [`repository`]: load, decide, append; cache, retry, snapshots, history, [unique values](repository::unique)
//! - [`subscription`]: the log as a stream, stored and live; places, leases and parked work of whatever reacts
//! - [`projection`]: read models, in memory and in SQLite tables
//! - [`saga`]: processes over several aggregates: they send commands, wait, and undo
//! - [`service`]: side effects outside of the log
//! - `server` (feature `muon`): publishes a store to other services
//! - [`causality`]: who caused what, as a graph
//! - [`bus`]: commands by type or by name, through middleware
//! - [`registry`]: every derived type, found by itself or added by hand
//! - [`app`]: [`Newton::builder`] and the running [`App`]
//! - `muon` (feature `muon`): message-based APIs between services, whatever the transport
//! - `testkit` (feature `testkit`): scenarios for aggregates, sagas, projections and apps; contract suites for stores;
//!   a virtual clock; faults
//!
//! # Pages
//!
//! Each concept has a page with examples, at the top of its module: [subscriptions](subscription),
//! [read models](projection), [sagas](saga), [domain services](service), [causes and effects](causality),
//! [uniqueness](repository::unique), and [running an app](app): health, failures, parked work, several apps on one store,
//! shutdown. The derives have theirs: [`Event`](macro@Event), [`Command`](macro@Command), [`Rejection`](macro@Rejection),
//! [`Aggregate`](macro@Aggregate), [`Projection`](macro@Projection), [`Saga`](macro@Saga) and
//! [`EventHandler`](macro@EventHandler).
//!
//! # What an aggregate costs and promises
//!
//! A command to an aggregate in memory costs one append; commands that arrive together share one commit. Appends are
//! atomic and durable once acknowledged, versions have no gaps, and order ids rise in commit order over the whole
//! store. A rejection is the user's own type; everything else that can go wrong is an [`Error`], which says what failed,
//! where, and whether to try again.
//!
//! What reacts to events does so in the background, at its own pace: an append waits for none of it, and
//! [`App::caught_up`] waits where a caller wants to read its own write.
//!
//! Transports over a network are planned and not here yet.

// The derives expand to paths that start with `::newton`, in this crate's own tests and examples too.
extern crate self as newton;

#[doc(hidden)]
pub mod __private;
pub mod app;
pub mod bus;
pub mod causality;
pub mod domain;
mod error;
#[cfg(feature = "muon")]
pub mod muon;
pub mod prelude;
pub mod projection;
pub mod registry;
pub mod repository;
pub mod saga;
#[cfg(feature = "muon")]
pub mod server;
pub mod service;
pub mod store;
pub mod subscription;
mod sync;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use app::{App, Newton};
pub use domain::{
    Aggregate, AggregateId, Clock, Command, CommandId, Context, CorrelationId, Decision, Event, EventId,
    ExpectedVersion, Handler, HandlerError, Metadata, Name, On, OrderId, Payload, RecordedEvent, Rejection,
    StreamName, TagValue, Timestamp, Version,
};
pub use error::{Error, ErrorKind, Result, Retry};
pub use newton_macros::{Aggregate, Command, Event, EventHandler, Projection, Rejection, Saga};
pub use projection::Projection;
pub use repository::{Caller, ExecuteError, Loaded, Receipt, Recorded, Repository};
pub use saga::Saga;
pub use service::{EventHandler, React};
