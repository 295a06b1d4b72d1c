//! The store in another service, reached over Muon: every promise of the store that the service holds.
//!
//! - [`RemoteStore`]: an event store and a state store
//! - `request`: the protocol that both sides speak, `newton-event`
//! - `connection`: the channel to the service, opened anew where it breaks

mod connection;
pub(crate) mod request;

use std::fmt;

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use self::connection::Connection;
use self::request::{Request, outcome};
use crate::domain::{Name, StreamName};
use crate::error::Result;
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

impl RemoteStore {
    async fn call<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        let operation = request.operation();
        outcome(operation, &self.connection.ask(request).await?)
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
