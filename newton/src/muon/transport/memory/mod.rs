//! Channels inside of one process: messages are passed as they are, without being encoded.
//!
//! - [`MemoryNetwork`]: the services that can reach each other; `listeners`: who listens there
//! - [`MemoryTransport`]: one instance's way into it

mod listeners;

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use self::listeners::{Listeners, Listening};
use super::opened::Opened;
use super::{Accepted, Address, Listener, Transport};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::{ChannelEnd, pair};
use crate::muon::codec::{Codecs, Limits};
use crate::muon::descriptor::{Descriptor, url_scheme};
use crate::muon::named::Named;
use crate::sync::lock;

const SCHEME: &str = "memory";

static NETWORKS: Named<Mutex<Listeners>> = Named::new();

/// Services of one process that can reach each other. Clones are the same network.
///
/// ```
/// use newton::muon::transport::memory::MemoryNetwork;
/// use newton::muon::codec::Codecs;
/// use newton::muon::{Address, Descriptor, Message, Transport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let network = MemoryNetwork::new();
/// let (bank, shop) = (network.transport(), network.transport());
/// let mut listener = bank.listen(&Descriptor::new("bank"), &Codecs::default()).await?;
///
/// let address = Address::new(&bank.urls()[0], "bank", "rpc", "shop");
/// let client = shop.open(&address).await?;
/// client.send(Message::new("rpc", "request.made", "{}")).await?;
/// let mut server = listener.accept().await.unwrap();
/// assert_eq!(server.channel.recv().await?.unwrap().step, "request.made");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryNetwork {
    listeners: Arc<Mutex<Listeners>>,
    capacity: Option<usize>,
}

/// One instance's way into a [`MemoryNetwork`].
#[derive(Debug)]
pub struct MemoryTransport {
    network: MemoryNetwork,
    own: Arc<Mutex<Own>>,
    is_shared: bool,
}

/// What is given back when the transport closes.
#[derive(Debug, Default)]
struct Own {
    opened: Opened,
    is_closed: bool,
}

impl MemoryNetwork {
    /// A network without services.
    pub fn new() -> Self {
        Self::default()
    }

    /// The network of a name: the same one wherever this process asks for it, for as long as it is in use. See
    /// [`MemoryDiscovery::named`](crate::muon::discovery::MemoryDiscovery::named) for who is found there.
    pub fn named(name: &str) -> Self {
        Self { listeners: NETWORKS.of(name), capacity: None }
    }

    /// The same network, with channels that hold `messages` in each direction.
    #[must_use]
    pub fn with_capacity(self, messages: usize) -> Self {
        Self { capacity: Some(messages), ..self }
    }

    /// A transport into the network.
    pub fn transport(&self) -> MemoryTransport {
        MemoryTransport { network: self.clone(), own: Arc::default(), is_shared: false }
    }

    fn pair(&self) -> (ChannelEnd, ChannelEnd) {
        pair(self.capacity.unwrap_or(Limits::default().channel_capacity))
    }
}

impl MemoryTransport {
    /// The same transport, for which an instance shares one channel for each service as it does over a network.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        lock(&self.own)
    }
}

impl Own {
    fn admit(&self) -> Result<()> {
        if !self.is_closed {
            return Ok(());
        }
        let message = "the transport is closed; make another one";
        Err(Error::new(ErrorKind::Closed, "use the memory transport", message))
    }
}

#[async_trait]
impl Transport for MemoryTransport {
    fn schemes(&self) -> &'static [&'static str] {
        &[SCHEME]
    }

    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn urls(&self) -> Vec<String> {
        vec![format!("{SCHEME}://")]
    }

    async fn listen(&self, service: &Descriptor, _: &Codecs) -> Result<Listener> {
        let (incoming, listener) = Listener::new();
        self.own().admit()?;
        self.network.lock().add(service, Listening { incoming, owner: self.own.clone() })?;
        Ok(listener)
    }

    async fn open(&self, address: &Address) -> Result<ChannelEnd> {
        if url_scheme(&address.url) != SCHEME {
            let message = "the memory transport opens URLs that start with `memory:`";
            return Err(Error::new(ErrorKind::InvalidInput, "open a channel", message)
                .with("url", address.shown_url()));
        }
        let Listening { incoming, owner } = self.network.lock().find(address)?;
        let (client, server) = self.network.pair();
        {
            let mut own = self.own();
            own.admit()?;
            own.opened.add(client.sender());
        }
        if !Arc::ptr_eq(&owner, &self.own) {
            lock(&owner).opened.add(server.sender());
        }
        let (protocol, origin) = (address.protocol.clone(), Some(address.origin.clone()));
        incoming.offer(Accepted { protocol, origin, channel: server })?;
        Ok(client)
    }

    async fn close(&self) {
        let opened = {
            let mut own = self.own();
            own.is_closed = true;
            std::mem::take(&mut own.opened)
        };
        self.network.lock().remove(&self.own);
        opened.end_all();
    }
}

impl MemoryNetwork {
    fn lock(&self) -> MutexGuard<'_, Listeners> {
        lock(&self.listeners)
    }
}
