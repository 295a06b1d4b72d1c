//! Channels over a RabbitMQ broker, as the published Muon libraries open them.
#![doc = include_str!("../../../../docs/amqp.md")]
//! # Map
//!
//! - [`AmqpTransport`]: the transport; [`AmqpOptions`]: how it behaves
//! - `broker`: the connection, made anew where it breaks; `connect`: how it comes about
//! - `listen`: the queue of a service; `handshake`: how a channel begins; `half_open`: those on which the peer says nothing
//! - `trust`: whose certificates are believed
//! - `line`: one channel: what is sent and what arrives; `body`: the messages that one of the broker's holds

mod body;
mod broker;
mod connect;
mod half_open;
mod handshake;
mod line;
mod listen;
mod options;
mod trust;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use tokio::task::JoinHandle;

pub(in crate::muon) use self::broker::Broker;
pub use self::options::AmqpOptions;
use super::opened::Opened;
use super::{Address, Incoming, Listener, Transport};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::ChannelEnd;
use crate::muon::codec::Codecs;
use crate::muon::descriptor::{Descriptor, url_scheme, url_without_secrets};
use crate::sync::lock;

/// The most brokers of other services that are connected to.
const MOST_BROKERS: usize = 64;
const SCHEMES: &[&str] = &["amqp", "amqps"];

/// Channels over a broker. Services at the same broker reach each other.
///
/// ```no_run
/// use newton::muon::{Muon, discovery::AmqpDiscovery, transport::{AmqpOptions, AmqpTransport}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let (url, options) = ("amqp://user:password@127.0.0.1", AmqpOptions::default());
/// let muon = Muon::builder("shop")
///     .transport(AmqpTransport::new(url, options.clone())?)
///     .discovery(AmqpDiscovery::new(url, options)?)
///     .start()
///     .await?;
/// # Ok(())
/// # }
/// ```
pub struct AmqpTransport(Arc<Inner>);

struct Inner {
    broker: Broker,
    options: AmqpOptions,
    own: Mutex<Own>,
}

/// What is given back when the transport closes.
#[derive(Default)]
struct Own {
    listening: Vec<Listening>,
    opened: Opened,
    /// Brokers of services that are reached elsewhere, by their URLs.
    others: HashMap<String, Broker>,
    is_closed: bool,
}

struct Listening {
    service: String,
    instance: Option<String>,
    incoming: Incoming,
    /// None until it listens.
    task: Option<JoinHandle<()>>,
}

impl AmqpTransport {
    /// A transport over the broker at a URL: `amqp://user:password@host[:port][/vhost]`, or `amqps://..`. It connects once it
    /// is used.
    ///
    /// # Errors
    /// `Configuration` where the URL cannot be read, or names another machine without encryption and
    /// [`AmqpOptions::insecure`] is not set.
    pub fn new(url: &str, options: AmqpOptions) -> Result<Self> {
        let broker = Broker::new(url, &options)?;
        Ok(Self(Arc::new(Inner { broker, options, own: Mutex::default() })))
    }

    /// The broker that a URL of a descriptor means: this one, or that of another's.
    fn broker_of(&self, url: &str) -> Result<Broker> {
        if self.0.broker.is_at(url) {
            return Ok(self.0.broker.clone());
        }
        let mut own = self.0.own();
        if let Some(broker) = own.others.get(url) {
            return Ok(broker.clone());
        }
        if own.others.len() >= MOST_BROKERS {
            let message = "services at too many other brokers are named; this one may be a forgery";
            return Err(Error::new(ErrorKind::InvalidInput, "open a channel", message)
                .with("url", url_without_secrets(url)));
        }
        let broker = Broker::new(url, &self.0.options)?;
        own.others.insert(url.to_owned(), broker.clone());
        Ok(broker)
    }
}

impl Inner {
    fn own(&self) -> MutexGuard<'_, Own> {
        lock(&self.own)
    }

    /// Takes note of a channel, unless the transport is closed.
    fn note(&self, channel: &ChannelEnd) -> Result<()> {
        let mut own = self.own();
        if own.is_closed {
            return Err(closed());
        }
        own.opened.add(channel.sender());
        Ok(())
    }
}

#[async_trait]
impl Transport for AmqpTransport {
    fn schemes(&self) -> &'static [&'static str] {
        SCHEMES
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn urls(&self) -> Vec<String> {
        vec![self.0.broker.shown().to_owned()]
    }

    async fn listen(&self, service: &Descriptor, codecs: &Codecs) -> Result<Listener> {
        let (incoming, listener) = Listener::new();
        let is_same = |other: &Listening| {
            (&other.service, &other.instance) == (&service.identifier, &service.instance_id)
        };
        {
            let mut own = self.0.own();
            if own.is_closed {
                return Err(closed());
            }
            own.listening.retain(|other| !other.incoming.is_closed());
            if own.listening.iter().any(is_same) {
                let message =
                    "this instance listens at this broker already; stop it, or take another instance id";
                return Err(Error::new(ErrorKind::Configuration, "listen", message)
                    .with("service", &service.identifier));
            }
            own.listening.push(Listening {
                service: service.identifier.clone(),
                instance: service.instance_id.clone(),
                incoming: incoming.clone(),
                task: None,
            });
        }
        let task = listen::Listening::new(&self.0, service, &incoming, codecs).start().await?;
        let mut own = self.0.own();
        match own.listening.iter_mut().find(|listening| is_same(listening)) {
            Some(listening) => listening.task = Some(task),
            // The transport was closed meanwhile.
            None => {
                task.abort();
                return Err(closed());
            }
        }
        Ok(listener)
    }

    async fn open(&self, address: &Address) -> Result<ChannelEnd> {
        if !SCHEMES.contains(&url_scheme(&address.url)) {
            let message = "this transport opens URLs that start with `amqp:` or `amqps:`";
            return Err(Error::new(ErrorKind::InvalidInput, "open a channel", message)
                .with("url", address.shown_url()));
        }
        if self.0.own().is_closed {
            return Err(closed());
        }
        let broker = self.broker_of(&address.url)?;
        let channel = handshake::open(&broker, &self.0.options, address).await?;
        self.0.note(&channel)?;
        Ok(channel)
    }

    async fn close(&self) {
        let own = {
            let mut own = self.0.own();
            let is_closed = std::mem::replace(&mut own.is_closed, true);
            if is_closed {
                return;
            }
            std::mem::take(&mut *own)
        };
        self.0.own().is_closed = true;
        own.opened.end_all();
        for task in own.listening.iter().filter_map(|listening| listening.task.as_ref()) {
            task.abort();
        }
        self.0.broker.close().await;
        for broker in own.others.values() {
            broker.close().await;
        }
    }
}

impl fmt::Debug for AmqpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmqpTransport").field("broker", &self.0.broker).finish_non_exhaustive()
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "use the AMQP transport", "the transport is closed; make another one")
}
