//! Commands to several aggregates that take effect together or not at all.

use std::fmt::{self, Display};
use std::future::IntoFuture;

use futures_util::future::BoxFuture;

use crate::app::{App, parse};
use crate::bus::GuardedPart;
use crate::domain::{Command, CommandId};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::{AnyOutcome, CommandPart, Order};

/// Commands to several aggregates, which take effect in one append or not at all. Nothing happens until it is awaited.
///
/// Each aggregate stands in it once. The store must be able to append to several streams at once. The receipt counts
/// the events of all; its version is that of the first aggregate that has any.
#[must_use = "nothing happens until it is awaited"]
pub struct Together {
    app: App,
    order: Order,
    parts: Result<Vec<Box<dyn GuardedPart>>>,
}

impl Together {
    pub(super) fn new(app: App) -> Self {
        let order = Order::new(app.caller.clone());
        Self { app, order, parts: Ok(Vec::new()) }
    }

    /// Adds a command.
    pub fn execute<C: Command>(mut self, id: impl Display, command: C) -> Self {
        self.parts = self.parts.and_then(|mut parts| {
            let repository = self.app.repository::<C::Aggregate>()?.clone();
            parts.push(Box::new(CommandPart { repository, id: parse(id)?, command }));
            Ok(parts)
        });
        self
    }

    /// Gives the whole set an id of the caller's: executed twice, it takes effect once.
    pub fn command_id(mut self, id: impl Into<CommandId>) -> Self {
        self.order = self.order.known_as(id.into());
        self
    }
}

impl IntoFuture for Together {
    type Output = AnyOutcome;
    type IntoFuture = BoxFuture<'static, AnyOutcome>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (parts, core) = (self.parts?, &self.app.core);
            if parts.is_empty() {
                let message = "there is no command; add at least one with `.execute(..)`";
                return Err(Error::new(ErrorKind::InvalidInput, "execute together", message).into());
            }
            let _inside = core.gate.enter()?;
            core.bus.execute_together(&core.environment, &parts, self.order).await
        })
    }
}

impl fmt::Debug for Together {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts.as_ref().map(Vec::len);
        f.debug_struct("Together").field("order", &self.order).field("commands", &parts).finish()
    }
}
