//! The store of a service from a URL: `muon+{network}://{where}/{service}?{options}`.

use super::{PlainStore, RemoteOptions, RemoteStore, request};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::discovery::MemoryDiscovery;
use crate::muon::protocol::event;
use crate::muon::transport::MemoryNetwork;
use crate::muon::{Builder, Muon};
use crate::store::Stores;

/// The name of an instance that only asks for a store.
const CLIENT: &str = "newton-store-client";

/// Opens the stores of a service of a network; `rest` is what follows the scheme and its colon. The instance of Muon that this takes
/// ends with the stores.
///
/// # Errors
/// `Configuration` for a URL that names no service, an unknown network or option; those of [`RemoteStore::open`].
pub(in crate::store) async fn open(network: &str, rest: &str) -> Result<Stores> {
    let (address, options) = rest.split_once('?').unwrap_or((rest, ""));
    let options = parse_options(options)?;
    let (place, service) = address
        .strip_prefix("//")
        .and_then(|address| address.rsplit_once('/'))
        .filter(|(place, service)| !place.is_empty() && !service.is_empty())
        .ok_or_else(|| invalid(format!("the URL names no service; write `muon+{network}://{EXAMPLE}`")))?;
    let muon = join(network, place)?.start().await?;
    let remote = muon.service(service).await?;
    if remote.instances().iter().any(|instance| instance.offers(request::SCHEME)) {
        return Ok(Stores::of(RemoteStore::open(&muon, service, options).await?));
    }
    if !remote.introspect().await?.offers(event::PROTOCOL) {
        let message = format!("`{service}` publishes no event store; ask another service");
        return Err(Error::new(ErrorKind::Unsupported, OPERATION, message));
    }
    Ok(Stores::of(PlainStore::new(remote, options)))
}

const OPERATION: &str = "open store";
const EXAMPLE: &str = "network/service";

const NETWORKS: &[&str] = &[
    "muon+memory",
    #[cfg(feature = "amqp")]
    "muon+amqp",
    #[cfg(feature = "amqps")]
    "muon+amqps",
];

/// An instance that is about to join a network.
fn join(network: &str, place: &str) -> Result<Builder> {
    let client = Muon::builder(CLIENT);
    match network {
        "memory" => Ok(client
            .transport(MemoryNetwork::named(place).transport())
            .discovery(MemoryDiscovery::named(place))),
        #[cfg(feature = "amqp")]
        "amqp" | "amqps" => {
            use crate::muon::discovery::AmqpDiscovery;
            use crate::muon::transport::{AmqpOptions, AmqpTransport};

            let (url, options) = (format!("{network}://{place}"), AmqpOptions::default());
            let transport = AmqpTransport::new(&url, options.clone())?;
            Ok(client.transport(transport).discovery(AmqpDiscovery::new(&url, options)?))
        }
        _ => {
            let message =
                format!("Muon has no network `{network}` in this program; use {}", NETWORKS.join(", "));
            Err(invalid(message))
        }
    }
}

fn parse_options(options: &str) -> Result<RemoteOptions> {
    let mut parsed = RemoteOptions::default();
    for option in options.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("token", token)) => parsed.token = Some(token.to_owned()),
            other => {
                let name = other.map_or(option, |(name, _)| name);
                return Err(invalid(format!(
                    "a store of a service has no option `{name}`; there is `token`"
                )));
            }
        }
    }
    Ok(parsed)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, OPERATION, message)
}
