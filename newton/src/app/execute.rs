//! One command on its way, with its options.

use std::future::IntoFuture;

use futures_util::future::BoxFuture;

use crate::app::{App, parse};
use crate::domain::{Aggregate, Command, CommandId, Version};
use crate::repository::{AnyOutcome, Dispatch, ExecuteError, Order, Receipt};

/// A command on its way to its aggregate. Nothing happens until it is awaited.
#[must_use = "nothing happens until it is awaited"]
#[derive(Debug)]
pub struct Execute<C> {
    app: App,
    id: String,
    command: C,
    order: Order,
}

/// A command that is known by its name and payload only.
#[derive(Debug)]
pub struct Named {
    pub(super) name: String,
    pub(super) payload: Vec<u8>,
}

impl<C> Execute<C> {
    pub(super) fn new(app: App, id: String, command: C) -> Self {
        let order = Order::new(app.caller.clone());
        Self { app, id, command, order }
    }

    /// Gives the command an id of the caller's: executed twice, it takes effect once, for ever, and both calls get the
    /// receipt of the first.
    pub fn command_id(mut self, id: impl Into<CommandId>) -> Self {
        self.order = self.order.known_as(id.into());
        self
    }

    /// Refuses to decide unless the aggregate is still at `version`, the one the caller saw. Such a conflict is not
    /// tried again.
    pub fn expected(mut self, version: Version) -> Self {
        self.order.expected = Some(version);
        self
    }
}

impl<C: Command> IntoFuture for Execute<C> {
    type Output = Result<Receipt, ExecuteError<<C::Aggregate as Aggregate>::Rejection>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let _inside = self.app.core.gate.enter()?;
            self.app.core.bus.execute(parse(self.id)?, self.command, self.order).await
        })
    }
}

impl IntoFuture for Execute<Named> {
    type Output = AnyOutcome;
    type IntoFuture = BoxFuture<'static, AnyOutcome>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let _inside = self.app.core.gate.enter()?;
            let Named { name, payload } = &self.command;
            self.app.core.bus.dispatch(None, name, parse(self.id)?, payload, self.order).await
        })
    }
}
