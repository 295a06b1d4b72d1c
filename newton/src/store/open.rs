//! A pair of stores from a URL.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::store::{EventStore, StateStore};

/// What a URL opens: the two stores that an application stands on.
#[derive(Clone, Debug)]
pub struct Stores {
    /// The events.
    pub events: Arc<dyn EventStore>,
    /// Snapshots, checkpoints and other small records.
    pub state: Arc<dyn StateStore>,
    /// The SQLite file of the events, where that is where they are.
    pub file: Option<PathBuf>,
}

/// Opens the stores that a URL names.
///
/// - `memory:` is a new store in memory
/// - `sqlite://bank.db`, or `sqlite:///var/lib/bank.db` for an absolute path, is an SQLite file, made where it is
///   missing (feature `sqlite`). The path is taken as it stands, up to a `?`; options follow that, such as
///   `?synchronous=normal&readers=4`: the fields of `SqliteOptions`.
/// - `muon+memory://network/service` is what a service publishes in a network of this process (feature `muon`); see
///   `store::muon`. `?token=..` shows the service who asks. Names and values are percent-decoded.
/// - `muon+amqp://user:password@host[:port][/vhost]/service` is what a service publishes over RabbitMQ (feature `amqp`;
///   `muon+amqps` encrypts, feature `amqps`, and believes the authorities in the file of `?ca=..` too; `?insecure=true` allows
///   `muon+amqp` to other machines).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let stores = newton::store::open("memory:").await?;
/// assert_eq!(stores.events.head().await?.current(), newton::OrderId::START);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::Configuration`] for an unknown scheme or option, naming those that exist; else what the store says.
pub async fn open(url: &str) -> Result<Stores> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Stores::of(crate::store::MemoryStore::new())),
        #[cfg(feature = "sqlite")]
        Some(("sqlite", rest)) if rest.starts_with("//") => open_sqlite(&rest[2..], url).await,
        #[cfg(feature = "muon")]
        Some((scheme, rest)) if let Some(network) = scheme.strip_prefix("muon+") => {
            crate::store::muon::open(network, rest).await
        }
        // What stands behind the scheme may be a secret.
        scheme => {
            let shown = scheme.map_or(url, |(scheme, _)| scheme);
            let message = format!("`{shown}` names no store; use one of {}", SCHEMES.join(", "));
            Err(Error::new(ErrorKind::Configuration, "open store", message))
        }
    }
}

const SCHEMES: &[&str] = &[
    "memory:",
    #[cfg(feature = "sqlite")]
    "sqlite://path.db?options",
    #[cfg(feature = "muon")]
    "muon+memory://network/service",
    #[cfg(feature = "amqp")]
    "muon+amqp://user:password@host/vhost/service",
];

impl Stores {
    /// One store that holds both.
    pub fn of(store: impl EventStore + StateStore) -> Self {
        let file = file_of(&store);
        let store = Arc::new(store);
        Self { events: Arc::clone(&store) as Arc<dyn EventStore>, state: store, file }
    }
}

/// The file of a store that is one.
#[cfg_attr(not(feature = "sqlite"), expect(unused_variables, reason = "no other store is a file"))]
fn file_of(store: &dyn Any) -> Option<PathBuf> {
    #[cfg(feature = "sqlite")]
    if let Some(store) = store.downcast_ref::<crate::store::sqlite::SqliteStore>() {
        return Some(store.file().to_owned());
    }
    None
}

#[cfg(feature = "sqlite")]
async fn open_sqlite(rest: &str, url: &str) -> Result<Stores> {
    use crate::store::sqlite::{SqliteOptions, SqliteStore};

    let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
    if path.is_empty() {
        let message = format!("`{url}` names no file; write `sqlite://path.db`");
        return Err(Error::new(ErrorKind::Configuration, "open store", message));
    }
    let (path, options) = (path.to_owned(), SqliteOptions::parse(options)?);
    // Opening reads and may write the file: not on a thread that runs other tasks.
    match tokio::task::spawn_blocking(move || SqliteStore::open(path, options)).await {
        Ok(store) => Ok(Stores::of(store?)),
        Err(panic) => {
            Err(Error::new(ErrorKind::Internal, "open store", "opening the file panicked").caused_by(panic))
        }
    }
}
