//! Who listens on a memory network.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::super::{Address, Incoming};
use super::Own;
use crate::error::{Error, ErrorKind, Result};
use crate::muon::descriptor::Descriptor;

#[derive(Debug, Default)]
pub(super) struct Listeners {
    services: HashMap<String, Service>,
}

#[derive(Debug, Default)]
struct Service {
    instances: Vec<(Option<String>, Listening)>,
    /// Which one is next.
    turn: usize,
}

/// One instance's listener, and what belongs to its transport.
#[derive(Clone, Debug)]
pub(super) struct Listening {
    pub(super) incoming: Incoming,
    pub(super) owner: Arc<Mutex<Own>>,
}

impl Listeners {
    pub(super) fn add(&mut self, service: &Descriptor, listening: Listening) -> Result<()> {
        let instances = &mut self.services.entry(service.identifier.clone()).or_default().instances;
        instances.retain(|(_, listening)| !listening.incoming.is_closed());
        if instances.iter().any(|(id, _)| *id == service.instance_id) {
            let message =
                "this instance listens on this network already; stop it, or take another instance id";
            return Err(
                Error::new(ErrorKind::Configuration, "listen", message).with("service", &service.identifier)
            );
        }
        instances.push((service.instance_id.clone(), listening));
        Ok(())
    }

    /// The instance that was asked for, or the next one of the service.
    pub(super) fn find(&mut self, address: &Address) -> Result<Listening> {
        let service = self.services.get_mut(&*address.service);
        let found = service.and_then(|service| {
            service.instances.retain(|(_, listening)| !listening.incoming.is_closed());
            service.turn = service.turn.wrapping_add(1);
            let wanted = |id: &Option<String>| {
                address.instance.is_none() || id.as_deref() == address.instance.as_deref()
            };
            let count = service.instances.iter().filter(|(id, _)| wanted(id)).count();
            let turn = service.turn.checked_rem(count)?;
            service.instances.iter().filter(|(id, _)| wanted(id)).nth(turn)
        });
        found.map(|(_, listening)| listening.clone()).ok_or_else(|| {
            let message = "nobody listens for this service on this network; start it";
            Error::new(ErrorKind::NotFound, "open a channel", message).with("service", &address.service)
        })
    }

    /// Takes out what belongs to a transport.
    pub(super) fn remove(&mut self, owner: &Arc<Mutex<Own>>) {
        for service in self.services.values_mut() {
            service.instances.retain(|(_, listening)| !Arc::ptr_eq(&listening.owner, owner));
        }
        self.services.retain(|_, service| !service.instances.is_empty());
    }
}
