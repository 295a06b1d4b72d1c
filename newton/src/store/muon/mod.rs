//! The store in another service, reached over Muon: every promise of the store that the service holds.
//!
//! - [`RemoteStore`]: an event store and a state store
//! - [`PlainStore`]: another program's event store, which takes and replays events and can do nothing else
//! - `url`: both by a URL
//! - `request`: the protocol that both sides speak, `newton-event`; `parts`: long messages of it
//! - `connection`: the channel to the service, opened anew where it breaks

mod connection;
pub(crate) mod parts;
mod plain;
pub(crate) mod request;
mod url;

use std::fmt;
use std::time::Duration;

pub use plain::PlainStore;
pub(super) use url::open;

use async_trait::async_trait;
use futures_util::FutureExt;
use serde::de::DeserializeOwned;

use self::connection::{Connection, Peer};
use self::request::{Request, outcome};
use crate::domain::{Name, StreamName};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::secret::hidden;
use crate::muon::{ChannelEnd, Muon};
use crate::store::{
    Append, Appended, Capability, EventStore, Head, Load, Page, Read, Revision, Scan, Slice, StateKey,
    StateRecord, StateStore, StateWrite, StreamInfo, Streams, state,
};

/// An event store and a state store that another service holds. Cloning is cheap.
///
/// While the service cannot be reached, calls wait for it to come back, up to a limit, and are then made again: event ids
/// make sure that an append takes effect once. A write to the state whose answer was lost is not made again, and says so.
#[derive(Clone)]
pub struct RemoteStore {
    connection: Connection,
    capability: Capability,
}

/// How a remote store is opened.
#[derive(Clone)]
pub struct RemoteOptions {
    /// What the service asks for, if it does.
    pub token: Option<String>,
    /// How long a call waits for its answer, an outage of the service included; 30 s unless set.
    pub patience: Duration,
}

impl RemoteStore {
    /// Opens the stores that a service publishes, once it is found.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where the service does not run; [`ErrorKind::Unsupported`] where it publishes no stores, or is another
    /// program's event store, which can neither check versions nor keep a state; [`ErrorKind::Forbidden`] where the token is
    /// refused.
    pub async fn open(muon: &Muon, service: &str, options: RemoteOptions) -> Result<Self> {
        let remote = muon.service(service).await?;
        if !remote.instances().iter().any(|instance| instance.offers(request::SCHEME)) {
            return Err(only_plain(service));
        }
        let dial = move || {
            let remote = remote.clone();
            async move { remote.channel(request::SCHEME).await }
        };
        Self::over(service, options, dial).await
    }

    /// Opens the stores of a service, over whatever channels `dial` gives.
    ///
    /// # Errors
    /// Those of `dial`; [`ErrorKind::Forbidden`] where the token is refused.
    pub async fn over<D, F>(service: &str, options: RemoteOptions, dial: D) -> Result<Self>
    where
        D: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<ChannelEnd>> + Send + 'static,
    {
        let dial = Box::new(move || dial().boxed());
        let peer = Peer { service: service.into(), token: options.token, dial };
        let (connection, capability) = Connection::open(peer, options.patience).await?;
        Ok(Self { connection, capability })
    }

    async fn call<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        let operation = request.operation();
        outcome(operation, &self.connection.ask(request).await?)
    }
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self { token: None, patience: Duration::from_secs(30) }
    }
}

impl fmt::Debug for RemoteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RemoteOptions");
        shown.field("token", &hidden(self.token.as_ref())).field("patience", &self.patience).finish()
    }
}

impl fmt::Debug for RemoteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteStore").field("service", &self.connection.service()).finish_non_exhaustive()
    }
}

#[async_trait]
impl EventStore for RemoteStore {
    fn capability(&self) -> Capability {
        self.capability
    }

    async fn append(&self, append: Append) -> Result<Appended> {
        self.capability.admit(&append)?;
        let appended: Appended = self.call(Request::Append(append)).await?;
        self.connection.saw(appended.order_id);
        Ok(appended)
    }

    async fn read(&self, read: Read) -> Result<Page> {
        read.admit()?;
        self.call(Request::Read(read)).await
    }

    async fn load(&self, load: Load) -> Result<Slice> {
        load.admit()?;
        self.call(Request::Load(load)).await
    }

    async fn streams(&self, streams: Streams) -> Result<Vec<StreamInfo>> {
        streams.admit()?;
        self.call(Request::Streams(streams)).await
    }

    async fn event_types(&self, domain: &StreamName) -> Result<Vec<Name>> {
        self.call(Request::EventTypes(domain.clone())).await
    }

    async fn head(&self) -> Result<Head> {
        let order_id = self.call(Request::Head).await?;
        Ok(self.connection.head_at(order_id))
    }
}

#[async_trait]
impl StateStore for RemoteStore {
    async fn get(&self, key: &StateKey) -> Result<Option<StateRecord>> {
        self.call(Request::StateGet(key.clone())).await
    }

    async fn write(&self, batch: Vec<StateWrite>) -> Result<Vec<Revision>> {
        state::admit(&batch)?;
        self.call(Request::StateWrite(batch)).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<StateRecord>> {
        scan.admit()?;
        self.call(Request::StateScan(scan)).await
    }
}

fn only_plain(service: &str) -> Error {
    let message = format!(
        "`{service}` does not speak `{}`: it can neither check expected versions nor keep a state, which an app needs. Publish a \
         store by `newton serve`; to a plain event store events can be emitted, and replayed from it",
        request::SCHEME
    );
    Error::new(ErrorKind::Unsupported, "open store", message)
}
