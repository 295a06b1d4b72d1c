//! Putting an instance together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::links::Links;
use super::serving::{Served, accept_all};
use super::tasks::Tasks;
use super::{Inner, Muon};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::codec::{Codec, Codecs, Limits};
use crate::muon::descriptor::Descriptor;
use crate::muon::discovery::{Discovery, Several};
use crate::muon::protocol::ServerStack;
use crate::muon::protocol::introspect::IntrospectServer;
use crate::muon::timings::Timings;
use crate::muon::transport::Transport;

/// Puts an instance together; see [`Muon::builder`].
#[derive(Debug)]
#[must_use = "call `start` to run it"]
pub struct Builder {
    descriptor: Descriptor,
    transports: Vec<Arc<dyn Transport>>,
    discoveries: Vec<Arc<dyn Discovery>>,
    stacks: Vec<Arc<dyn ServerStack>>,
    timings: Timings,
    limits: Limits,
    codecs: Codecs,
}

/// The protocols that every peer knows, so that no descriptor has to name them.
const COMMON: [&str; 4] = ["rpc", "introspect", "reactive-stream", "event"];

impl Builder {
    pub(super) fn new(service: String) -> Self {
        Self {
            descriptor: Descriptor::new(service),
            transports: Vec::new(),
            discoveries: Vec::new(),
            stacks: Vec::new(),
            timings: Timings::default(),
            limits: Limits::default(),
            codecs: Codecs::default(),
        }
    }

    /// Tags the service, so that others find it by what it does.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.descriptor.tags.push(tag.into());
        self
    }

    /// Listens on a transport, and calls others over it. The first one is preferred by others.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transports.push(Arc::new(transport));
        self
    }

    /// Announces the service by a discovery, and finds others by it.
    pub fn discovery(mut self, discovery: impl Discovery) -> Self {
        self.discoveries.push(Arc::new(discovery));
        self
    }

    /// Serves a protocol.
    pub fn serve(mut self, stack: impl ServerStack) -> Self {
        self.stacks.push(Arc::new(stack));
        self
    }

    /// Speaks this codec with every service whose descriptor lists it, rather than those that were given before, of which
    /// [`Binary`](crate::muon::codec::Binary) is the first. Others are spoken to in JSON.
    pub fn codec(self, codec: impl Codec) -> Self {
        Self { codecs: self.codecs.preferring(codec), ..self }
    }

    /// Speaks JSON alone, until [`codec`](Self::codec) adds another one.
    pub fn only_json(self) -> Self {
        Self { codecs: Codecs::json(), ..self }
    }

    /// Waits no longer than this.
    pub fn timings(self, timings: Timings) -> Self {
        Self { timings, ..self }
    }

    /// Takes no more than this from others.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Listens on all transports, announces the service, and returns once discovery is ready.
    ///
    /// # Errors
    /// `Configuration` for a name that no message can carry, or a protocol served twice; how a transport or discovery failed.
    pub async fn start(self) -> Result<Muon> {
        let service: Arc<str> = named(&self.descriptor.identifier)?.into();
        let stacks = by_protocol(self.stacks)?;
        let mut descriptor = self.descriptor;
        let own = stacks.keys().filter(|protocol| !COMMON.contains(protocol));
        descriptor.capabilities = own.map(|protocol| (*protocol).to_owned()).collect();
        descriptor.connection_urls = self.transports.iter().flat_map(|transport| transport.urls()).collect();
        descriptor.codecs = self.codecs.content_types();
        let descriptor = descriptor.without_credentials();

        let tasks = Tasks::new(self.limits.served_channels);
        let (limits, codecs) = (self.limits.clone(), self.codecs.clone());
        let served = Served { service: service.clone(), stacks, limits, codecs, tasks: tasks.handle() };
        let served = Arc::new(served);
        for transport in &self.transports {
            let listener = transport.listen(&descriptor, &self.codecs).await?;
            tasks.spawn(accept_all(listener, served.clone()));
        }
        let discovery = Several::new(self.discoveries);
        let links = Links::new(service, self.transports, self.limits, self.codecs);
        let muon = Muon(Arc::new(Inner { descriptor, discovery, links, tasks, timings: self.timings }));
        muon.0.discovery.announce(&muon.0.descriptor).await?;
        muon.0.discovery.ready().await?;
        Ok(muon)
    }
}

fn named(service: &str) -> Result<&str> {
    let is_sound = service.chars().count() >= 3 && service.chars().all(|c| !c.is_control() && c != '/');
    if is_sound {
        return Ok(service);
    }
    let message = "the name of a service has 3 or more characters, none of them a control character or `/`";
    Err(Error::new(ErrorKind::Configuration, "start", message).with("service", service))
}

fn by_protocol(stacks: Vec<Arc<dyn ServerStack>>) -> Result<BTreeMap<&'static str, Arc<dyn ServerStack>>> {
    let introspection = IntrospectServer::new(stacks.iter().map(|stack| stack.outline()));
    let mut all: BTreeMap<&'static str, Arc<dyn ServerStack>> = BTreeMap::new();
    for stack in stacks.into_iter().chain([Arc::new(introspection) as Arc<dyn ServerStack>]) {
        let protocol = stack.protocol();
        if all.insert(protocol, stack).is_some() {
            let message = "two stacks serve the same protocol; join them, introspection is served by itself";
            return Err(Error::new(ErrorKind::Configuration, "start", message).with("protocol", protocol));
        }
    }
    Ok(all)
}
