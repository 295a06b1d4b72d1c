//! Starting: the log is checked against the program, and the parts are joined.

use std::sync::Arc;

use crate::app::{App, Core};
use crate::bus::{Bus, Middleware};
use crate::domain::envelope::TOMBSTONE;
use crate::domain::{Clock, StreamName};
use crate::error::{Error, ErrorKind, Result};
use crate::registry::{AggregateEntry, Registry};
use crate::repository::{Caller, Environment, Settings};
use crate::store::{EventStore, Stores};

pub(super) async fn run(
    registry: Registry,
    stores: Stores,
    clock: Arc<dyn Clock>,
    settings: Settings,
    middleware: Vec<Arc<dyn Middleware>>,
) -> Result<App> {
    for aggregate in registry.aggregates() {
        check_log(aggregate, &*stores.events).await?;
    }
    let environment = Arc::new(Environment::new(stores.events, stores.state, clock, settings));
    let handlers = registry.aggregates().iter().map(|aggregate| aggregate.handler(environment.clone()));
    let bus = Bus::new(handlers, middleware);
    Ok(App { core: Arc::new(Core { environment, registry, bus }), caller: Arc::new(Caller::new()) })
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
