//! A repository whose type is forgotten.

use std::any::{Any, TypeId};
use std::fmt::Debug;

use futures_util::future::BoxFuture;

use crate::bus::Bus;
use crate::domain::{Aggregate, AggregateId, Command};
use crate::error::{Error, ErrorKind};
use crate::repository::{AnyOutcome, Order, Repository};

/// Decodes and executes the commands of one aggregate type.
pub(crate) trait CommandHandler: Debug + Send + Sync {
    /// The `Repository<A>`.
    fn repository(&self) -> &(dyn Any + Send + Sync);

    /// The aggregate's Rust type.
    fn aggregate(&self) -> TypeId;

    /// Whether the aggregate decides on commands of that name.
    fn knows(&self, command: &str) -> bool;

    /// Executes a command of a known name, through the bus's middleware.
    fn dispatch<'a>(
        &'a self,
        bus: &'a Bus,
        name: &'a str,
        id: AggregateId,
        payload: &'a [u8],
        order: Order,
    ) -> BoxFuture<'a, AnyOutcome>;
}

impl<A: Aggregate> CommandHandler for Repository<A> {
    fn repository(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    fn aggregate(&self) -> TypeId {
        TypeId::of::<A>()
    }

    fn knows(&self, command: &str) -> bool {
        A::Command::index_of(command).is_some()
    }

    fn dispatch<'a>(
        &'a self,
        bus: &'a Bus,
        name: &'a str,
        id: AggregateId,
        payload: &'a [u8],
        order: Order,
    ) -> BoxFuture<'a, AnyOutcome> {
        Box::pin(async move {
            let command = decode::<A::Command>(name, payload)?;
            bus.execute(id, command, order).await.map_err(crate::ExecuteError::erase)
        })
    }
}

fn decode<C: Command>(name: &str, payload: &[u8]) -> Result<C, Error> {
    let Some(index) = C::index_of(name) else {
        return Err(Error::new(
            ErrorKind::UnknownType,
            "dispatch",
            format!("no command `{name}` is registered"),
        ));
    };
    C::decode(index, payload).map_err(|error| {
        let message =
            format!("the payload does not fit `{}`; send the fields it has", C::TYPES[index].rust_name);
        Error::new(ErrorKind::Decode, "dispatch", message).with("command", name).caused_by(error)
    })
}
