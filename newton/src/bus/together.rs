//! Several commands, each through the middleware, and then all at once to their aggregates.

use futures_util::future::BoxFuture;

use crate::bus::{Bus, CommandMessage};
use crate::domain::Aggregate;
use crate::repository::{AnyOutcome, CommandPart, Environment, Order, Part, execute_together};

/// A part whose command can be shown to middleware.
pub(crate) trait GuardedPart: Part {
    fn message<'a>(&'a self, order: &'a Order) -> CommandMessage<'a>;
}

impl<A: Aggregate> GuardedPart for CommandPart<A> {
    fn message<'a>(&'a self, order: &'a Order) -> CommandMessage<'a> {
        CommandMessage::new(&self.command, &self.id, &order.command_id, &order.caller)
    }
}

impl Bus {
    /// Executes all parts in one append, once the middleware has let every one of them pass.
    pub(crate) async fn execute_together(
        &self,
        environment: &Environment,
        parts: &[Box<dyn GuardedPart>],
        mut order: Order,
    ) -> AnyOutcome {
        // A middleware may run what is behind it twice.
        order.maybe_known |= self.has_middleware();
        self.pass(environment, parts, 0, &order).await
    }

    /// The middleware around the part at `index`, around all that follow.
    fn pass<'a>(
        &'a self,
        environment: &'a Environment,
        parts: &'a [Box<dyn GuardedPart>],
        index: usize,
        order: &'a Order,
    ) -> BoxFuture<'a, AnyOutcome> {
        Box::pin(async move {
            let Some(part) = parts.get(index) else {
                let parts: Vec<&dyn Part> = parts.iter().map(|part| &**part as &dyn Part).collect();
                return execute_together(environment, &parts, order).await;
            };
            let message = part.message(order);
            let end = || self.pass(environment, parts, index + 1, order);
            self.guard(&message, &end).await
        })
    }
}
