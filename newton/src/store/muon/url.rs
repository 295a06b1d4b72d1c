//! The store of a service from a URL: `muon+{network}://{where}/{service}?{options}`.

#[cfg(feature = "amqp")]
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

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
    let options = Options::parse(network, options)?;
    let (place, service) = address
        .strip_prefix("//")
        .and_then(|address| address.rsplit_once('/'))
        .filter(|(place, service)| !place.is_empty() && !service.is_empty())
        .ok_or_else(|| invalid(format!("the URL names no service; write `muon+{network}://{EXAMPLE}`")))?;
    let service = &*decoded(service)?;
    let muon = join(network, place, &options)?.start().await?;
    let remote = muon.service(service).await?;
    if remote.instances().iter().any(|instance| instance.offers(request::SCHEME)) {
        return Ok(Stores::of(RemoteStore::open(&muon, service, options.remote).await?));
    }
    if !remote.introspect().await?.offers(event::PROTOCOL) {
        let message = format!("`{service}` publishes no event store; ask another service");
        return Err(Error::new(ErrorKind::Unsupported, OPERATION, message));
    }
    Ok(Stores::of(PlainStore::new(remote, options.remote)))
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
#[cfg_attr(not(feature = "amqp"), expect(unused_variables, reason = "the network in memory has no options"))]
fn join(network: &str, place: &str, options: &Options) -> Result<Builder> {
    let client = Muon::builder(CLIENT);
    match network {
        "memory" => {
            let name = decoded(place)?;
            let network = MemoryNetwork::named(&name);
            Ok(client.transport(network.transport()).discovery(MemoryDiscovery::named(&name)))
        }
        #[cfg(feature = "amqp")]
        "amqp" | "amqps" => {
            use crate::muon::discovery::AmqpDiscovery;
            use crate::muon::transport::{AmqpOptions, AmqpTransport};

            let url = format!("{network}://{place}");
            let (insecure, ca_file) = (options.insecure, options.ca_file.clone());
            let options = AmqpOptions { insecure, ca_file, ..AmqpOptions::default() };
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

/// What stands behind the `?`.
#[derive(Default)]
struct Options {
    remote: RemoteOptions,
    #[cfg(feature = "amqp")]
    insecure: bool,
    #[cfg(feature = "amqp")]
    ca_file: Option<PathBuf>,
}

impl Options {
    fn parse(network: &str, options: &str) -> Result<Self> {
        let mut parsed = Self::default();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = decoded(value)?;
            match (network, name) {
                (_, "token") if !value.is_empty() => parsed.remote.token = Some(value),
                #[cfg(feature = "amqp")]
                ("amqp", "insecure") if matches!(&*value, "true" | "false") => {
                    parsed.insecure = value == "true";
                }
                #[cfg(feature = "amqp")]
                ("amqps", "ca") if !value.is_empty() => parsed.ca_file = Some(value.into()),
                _ => return Err(refused(network, name)),
            }
        }
        Ok(parsed)
    }
}

fn refused(network: &str, name: &str) -> Error {
    let options = match network {
        "amqp" => "`token=<text>` and `insecure=true`",
        "amqps" => "`token=<text>` and `ca=<file>`",
        _ => "`token=<text>`",
    };
    // What is no name may be the rest of a password.
    let shown = if name.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_')) {
        name
    } else {
        "?"
    };
    invalid(format!(
        "a store of `muon+{network}:` has no option `{shown}` with such a value; there is {options}, and a `?` inside a password is \
         written `%3F`"
    ))
}

/// A part of a URL as it is meant.
fn decoded(part: &str) -> Result<String> {
    let text = percent_decode_str(part).decode_utf8();
    text.map(Into::into)
        .map_err(|_| invalid("a part of the URL is no UTF-8 behind its `%`; write the bytes of UTF-8"))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, OPERATION, message)
}
