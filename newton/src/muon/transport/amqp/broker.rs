//! The connection to a broker, made when it is needed and anew where it broke.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use lapin::tcp::OwnedTLSConfig;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Channel, Connection};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use super::connect::connect;
use super::{AmqpOptions, trust};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::descriptor::{url_scheme, url_without_credentials, url_without_secrets};
use crate::muon::timings::Timings;

/// Seconds after which a connection that says nothing is taken for broken.
const HEARTBEAT: u16 = 10;
/// The code with which AMQP ends in good order.
pub(super) const GOOD_ORDER: u16 = 200;

/// A broker. Clones share the connection.
#[derive(Clone)]
pub(in crate::muon) struct Broker(Arc<Inner>);

struct Inner {
    uri: AMQPUri,
    shown: String,
    /// Certificates in PEM that are believed besides those of the machine.
    authorities: Option<String>,
    timings: Timings,
    connection: Mutex<State>,
    /// Whoever must be done before the connection closes has a receiver.
    using: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    is_closed: bool,
}

impl Broker {
    /// The broker at a URL, which is not contacted yet.
    pub(in crate::muon) fn new(url: &str, options: &AmqpOptions) -> Result<Self> {
        let mut uri = parse(url)?;
        // Behind a `?` may be the rest of a password.
        let shown = url_without_secrets(url);
        let wrong = |message: String| {
            Error::new(ErrorKind::Configuration, "open broker", message).with("url", &shown)
        };
        if shown
            .split_once("://")
            .is_some_and(|(_, rest)| rest.starts_with('[') && !rest.starts_with("[::1]"))
        {
            // The driver would take such an address for this machine.
            return Err(wrong("an IPv6 address cannot be used here; give the broker a name".to_owned()));
        }
        let is_plain = matches!(uri.scheme, AMQPScheme::AMQP);
        if is_plain && !options.insecure && !is_loopback(&uri.authority.host) {
            let message = "the password would travel to another machine in the clear; use `amqps:`, or allow it: \
                `AmqpOptions::insecure`, `?insecure=true` in the URL of a store, `--insecure`";
            return Err(wrong(message.to_owned()));
        }
        // The driver would speak without encryption, and say nothing.
        if !is_plain && !cfg!(feature = "amqps") {
            return Err(wrong("this program was built without the feature `amqps`".to_owned()));
        }
        let authorities = options.ca_file.as_deref().map(trust::read).transpose()?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        let timings = options.timings.clone();
        Ok(Self(Arc::new(Inner {
            uri,
            shown,
            authorities,
            timings,
            connection: Mutex::default(),
            using: watch::Sender::default(),
        })))
    }

    /// Its URL without credentials.
    pub(in crate::muon) fn shown(&self) -> &str {
        &self.0.shown
    }

    /// Whether a URL of a descriptor means this broker: names it, with whatever credentials, or gives none. Without them no other
    /// broker lets anybody in, and the same broker has a name for each network and an address for encrypted connections.
    pub(super) fn is_at(&self, url: &str) -> bool {
        url.parse().is_ok_and(|other: AMQPUri| {
            if url_without_credentials(url) == url {
                return true;
            }
            let (own, theirs) = (&self.0.uri, &other);
            let is_same_host = own.authority.host == theirs.authority.host
                || (is_loopback(&own.authority.host) && is_loopback(&theirs.authority.host));
            is_same_host && own.authority.port == theirs.authority.port && own.vhost == theirs.vhost
        })
    }

    /// A channel of the connection; connects where there is none.
    pub(in crate::muon) async fn channel(&self) -> Result<Channel> {
        let mut state = self.0.connection.lock().await;
        if state.is_closed {
            return Err(Error::new(ErrorKind::Closed, "use broker", "the connection was closed on purpose"));
        }
        if let Some(connection) =
            state.connection.as_ref().filter(|connection| connection.status().connected())
        {
            match self.create_channel(connection).await {
                Err(_) if !connection.status().connected() => {}
                created => return created,
            }
        }
        let connection = timeout(self.0.timings.handshake, self.connect())
            .await
            .map_err(|_| self.unreachable("it does not answer"))?
            .map_err(|error| self.refused(error))?;
        let channel = self.create_channel(&connection).await;
        state.connection = Some(connection);
        channel
    }

    async fn connect(&self) -> lapin::Result<Connection> {
        let trusted = OwnedTLSConfig { cert_chain: self.0.authorities.clone(), ..OwnedTLSConfig::default() };
        connect(self.0.uri.clone(), &trusted).await
    }

    async fn create_channel(&self, connection: &Connection) -> Result<Channel> {
        let created = timeout(self.0.timings.handshake, connection.create_channel()).await;
        created.map_err(|_| self.unreachable("it does not answer"))?.map_err(|error| self.failed(error))
    }

    /// Keeps the connection from being closed on purpose, for as long as it is held.
    pub(super) fn in_use(&self) -> watch::Receiver<()> {
        self.0.using.subscribe()
    }

    /// Closes the connection for good, once what is on its way out is sent.
    pub(in crate::muon) async fn close(&self) {
        let connection = {
            let mut state = self.0.connection.lock().await;
            state.is_closed = true;
            state.connection.take()
        };
        if let Some(connection) = connection {
            let _ = timeout(self.0.timings.handshake, self.0.using.closed()).await;
            // One that is broken needs no goodbye.
            let goodbye = connection.close(GOOD_ORDER, "closed".into());
            let _ = timeout(self.0.timings.handshake, goodbye).await;
        }
    }

    /// An operation at the broker failed.
    pub(in crate::muon) fn failed(&self, error: lapin::Error) -> Error {
        Error::new(ErrorKind::Unavailable, "use broker", "the broker did not do what was asked; try again")
            .with("url", &self.0.shown)
            .caused_by(error)
    }

    fn refused(&self, error: lapin::Error) -> Error {
        let refused = match trust::refusal(&error) {
            Some(why) => {
                Error::new(ErrorKind::Configuration, "connect to broker", why).with("url", &self.0.shown)
            }
            None => self.unreachable("no connection came about"),
        };
        refused.caused_by(error)
    }

    fn unreachable(&self, why: &str) -> Error {
        let message = format!(
            "the broker cannot be reached: {why}; see that it runs, and that host, port, user, password and vhost are right"
        );
        Error::new(ErrorKind::Unavailable, "connect to broker", message).with("url", &self.0.shown)
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Broker").field(&self.0.shown).finish()
    }
}

/// What a URL says. One that cannot be read is not shown: where its password is, is not known.
fn parse(url: &str) -> Result<AMQPUri> {
    let parsed = if url.contains("://") { url.parse() } else { Err("`://` is missing".to_owned()) };
    parsed.map_err(|reason: String| {
        let message = format!(
            "the URL cannot be read ({reason}); write `amqp://user:password@host:port/vhost`, and in its parts `%2F` for `/`, `%40` \
             for `@` and `%3F` for `?`"
        );
        Error::new(ErrorKind::Configuration, "open broker", message).with("scheme", url_scheme(url))
    })
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(url: &str) -> Result<Broker> {
        Broker::new(url, &AmqpOptions::default())
    }

    #[test]
    fn passwords_go_to_other_machines_encrypted_only() {
        let mut urls = vec!["amqp://a:secret@127.0.0.1", "amqp://a:secret@localhost:1/x"];
        urls.extend(cfg!(feature = "amqps").then_some("amqps://a:secret@example.org"));
        for url in urls {
            let broker = broker(url).unwrap();
            assert!(!format!("{broker:?}{}", broker.shown()).contains("secret"));
        }
        let refused = broker("amqp://a:secret@example.org").unwrap_err();
        assert!(refused.to_string().contains("insecure") && !format!("{refused:?}").contains("secret"));
        let options = AmqpOptions { insecure: true, ..AmqpOptions::default() };
        assert!(Broker::new("amqp://a:secret@example.org", &options).is_ok());
        assert!(broker("nonsense").is_err());
        assert!(broker("amqps://a:b@[fe80::1]:5671").is_err());
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_shown() {
        for url in [
            "amqp:a:secret@host",
            "amqp://a:secret/x@host",
            "amqp://a:secret?x@host",
            "amqp://a:1?secret@host",
        ] {
            let error = broker(url).unwrap_err();
            assert!(!format!("{error:?}{error}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    #[cfg(not(feature = "amqps"))]
    fn nothing_that_is_to_be_encrypted_travels_in_the_clear() {
        assert!(broker("amqps://a:b@127.0.0.1").unwrap_err().to_string().contains("feature `amqps`"));
    }

    #[test]
    fn a_broker_is_known_by_host_port_and_virtual_host() {
        let own = broker("amqp://a:b@127.0.0.1:7000/x").unwrap();
        assert!(own.is_at("amqp://127.0.0.1:7000/x"));
        assert!(own.is_at("amqps://rabbit.internal/x"));
        assert!(own.is_at("amqp://c:d@localhost:7000/x"));
        assert!(!own.is_at("amqp://a:b@127.0.0.1:7001/x"));
        assert!(!own.is_at("amqp://a:b@127.0.0.1:7000/y"));
    }
}
