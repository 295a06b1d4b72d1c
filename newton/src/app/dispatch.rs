//! Where the commands of sagas go: to this app's own aggregates, or to another service.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::app::remote::{RemoteApp, away};
use crate::bus::Bus;
use crate::domain::{AggregateId, Name};
use crate::muon::Muon;
use crate::repository::{AnyOutcome, Dispatch, Order};

/// The ways to other services, and what this app shows there.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) muon: Muon,
    pub(super) auth: Option<Value>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("muon", &self.muon).finish_non_exhaustive()
    }
}

/// The bus for what stays here, Muon for the rest.
#[derive(Debug)]
pub(super) struct Crossing {
    pub(super) bus: Arc<Bus>,
    pub(super) services: Services,
    /// Which service has the aggregate of a command, by the command's name, where the saga does not say so itself.
    pub(super) elsewhere: BTreeMap<&'static str, Name>,
}

#[async_trait]
impl Dispatch for Crossing {
    async fn dispatch(
        &self,
        service: Option<&str>,
        name: &str,
        target: AggregateId,
        payload: &[u8],
        order: Order,
    ) -> AnyOutcome {
        let Some(service) = service.or_else(|| self.elsewhere.get(name).map(|service| &**service)) else {
            return self.bus.dispatch(None, name, target, payload, order).await;
        };
        let Services { muon, auth } = &self.services;
        let remote = muon.service(service).await.map_err(|error| away(service, error))?;
        let remote = RemoteApp::new(remote);
        let remote = match auth {
            Some(auth) => remote.auth(auth.clone()),
            None => remote,
        };
        remote.dispatch(name, &target, payload, order).await
    }
}
