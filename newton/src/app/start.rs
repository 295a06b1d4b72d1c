//! Starting: the log is checked against the program, and the parts are joined.

#[cfg(feature = "muon")]
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::app::gate::Gate;
use crate::app::reactions::Reactions;
use crate::app::{App, Core};
use crate::bus::{Bus, Middleware};
#[cfg(feature = "muon")]
use crate::domain::Name;
use crate::domain::envelope::TOMBSTONE;
use crate::domain::{Clock, StreamName};
use crate::error::{Error, ErrorKind, Result};
use crate::registry::{AggregateEntry, Registry};
use crate::repository::{Caller, Dispatch, Environment, RetryPolicy, Settings, unique};
use crate::store::{EventStore, Stores};
use crate::subscription::{Assembly, HandlerPolicies, Node, Provided, Runtime, Subscriptions};

/// What an app is put together from besides its types and stores.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: Settings,
    pub(super) middleware: Vec<Arc<dyn Middleware>>,
    pub(super) provided: Provided,
    pub(super) handler_policies: HandlerPolicies,
    pub(super) projections: Option<PathBuf>,
    pub(super) lease_term: Duration,
    pub(super) rebuild_changed: bool,
    pub(super) command_retry: RetryPolicy,
    /// The ways to other services.
    #[cfg(feature = "muon")]
    pub(super) services: Option<super::dispatch::Services>,
    /// Which service has the aggregate of a command, by the command's name, where it is not this one.
    #[cfg(feature = "muon")]
    pub(super) elsewhere: BTreeMap<&'static str, Name>,
    /// Who executes the commands of sagas; `None` is the bus.
    pub(super) dispatch: Option<Arc<dyn Dispatch>>,
}

pub(super) async fn run(registry: Registry, stores: Stores, parts: Parts) -> Result<App> {
    let Parts { clock, settings, middleware, provided, handler_policies, .. } = parts;
    let events_file = stores.file.clone();
    let projections = parts.projections.or_else(|| events_file.as_deref().map(beside));
    check_store(&registry, &*stores.events).await?;
    for aggregate in registry.aggregates() {
        check_log(aggregate, &*stores.events).await?;
        unique::check(aggregate.domain, &aggregate.unique_fields(), &stores).await?;
    }
    let runtime = Arc::new(Runtime {
        events: stores.events.clone(),
        state: stores.state.clone(),
        clock: clock.clone(),
        subscriptions: Subscriptions::new(stores.events.clone()),
        node: Node::with_term(stores.state.clone(), parts.lease_term),
        service: settings.service.clone(),
    });
    let environment = Arc::new(Environment::new(stores.events, stores.state, clock, settings));
    let handlers = registry.aggregates().iter().map(|aggregate| aggregate.handler(environment.clone()));
    let bus = Arc::new(Bus::new(handlers, middleware));
    let dispatch: Arc<dyn Dispatch> = match parts.dispatch {
        Some(dispatch) => dispatch,
        #[cfg(feature = "muon")]
        None if let Some(services) = parts.services => {
            Arc::new(super::dispatch::Crossing { bus: bus.clone(), services, elsewhere: parts.elsewhere })
        }
        #[cfg(feature = "muon")]
        None if let Some(service) = parts.elsewhere.values().next() => return Err(no_way_to(service)),
        None => bus.clone(),
    };
    let assembly = Assembly {
        runtime: runtime.clone(),
        provided,
        handler_policies,
        dispatch,
        command_retry: parts.command_retry,
        projections,
        events_file,
        rebuild_changed: parts.rebuild_changed,
    };
    let reactions = Reactions::start(&registry, &assembly).await?;
    let core = Core { environment, registry, bus, runtime, reactions, gate: Gate::default() };
    Ok(App { core: Arc::new(core), caller: Arc::new(Caller::new()) })
}

#[cfg(feature = "muon")]
fn no_way_to(service: &str) -> Error {
    let message = format!(
        "aggregates are left to the service `{service}`, and this app has no way to others; give its builder an instance of Muon by \
         `.muon(..)`"
    );
    Error::new(ErrorKind::Configuration, "start", message)
}

/// The folder for the files of projections, beside the file of the events.
fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".projections");
    name.into()
}

/// Refuses a store on which two commands could be decided on the same state, or on which reactions would wait for ever.
async fn check_store(registry: &Registry, events: &dyn EventStore) -> Result<()> {
    let aggregates: Vec<_> = registry.aggregates().iter().map(|aggregate| aggregate.rust_name).collect();
    if !aggregates.is_empty() && !events.capability().expected_versions {
        let lacking = "cannot check expected versions, on which the aggregates of an app rely";
        return Err(insufficient(lacking, &aggregates));
    }
    let reactions: Vec<_> = registry.reactions().iter().map(|reaction| reaction.rust_name).collect();
    if !reactions.is_empty()
        && let Err(error) = events.head().await
        && *error.kind() == ErrorKind::Unsupported
    {
        let lacking = "does not say where its head is, so that nothing can follow it";
        return Err(insufficient(lacking, &reactions));
    }
    Ok(())
}

fn insufficient(lacking: &str, parts: &[&str]) -> Error {
    let message = format!(
        "this store {lacking}: {}. Use SQLite, or a store that Newton publishes; `Builder::without` leaves a part out",
        parts.join(", ")
    );
    Error::new(ErrorKind::Unsupported, "start", message)
}

/// Refuses a program that does not know an event type in the log of one of its aggregates.
async fn check_log(aggregate: &AggregateEntry, events: &dyn EventStore) -> Result<()> {
    let stored = events.event_types(&StreamName::parse(aggregate.domain)?).await?;
    let known: Vec<&str> = aggregate.event_types.iter().map(|event| event.name).collect();
    let unknown: Vec<String> = stored
        .iter()
        .filter(|name| **name != TOMBSTONE && !known.contains(&&***name))
        .map(|name| format!("`{name}`"))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the log of `{}` has event types that `{}` does not know: {}; it knows {}. Add variants for them, or give a \
         renamed one its old name with `#[event(name = \"..\")]`",
        aggregate.domain,
        aggregate.rust_name,
        unknown.join(", "),
        known.join(", ")
    );
    Err(Error::new(ErrorKind::UnknownType, "start", message))
}
