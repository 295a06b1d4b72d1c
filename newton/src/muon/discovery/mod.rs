//! Discovery: which services run, and where they can be reached.
//!
//! - [`Discovery`]: what each one implements; [`DiscoveryExt`]: finding and waiting, on top of it
//! - [`Services`]: those that are known, now and as they change; [`Directory`]: what an implementation keeps them in
//! - [`memory`], [`static_list`], [`several`]: inside of one process, written down, and several at once

#[cfg(feature = "amqp")]
mod amqp;
mod directory;
mod ext;
pub mod memory;
pub mod several;
pub mod static_list;

use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::Result;
use crate::muon::descriptor::Descriptor;

#[cfg(feature = "amqp")]
pub use amqp::AmqpDiscovery;
pub use directory::{Directory, Services};
pub use ext::DiscoveryExt;
pub(crate) use ext::not_found;
pub use memory::MemoryDiscovery;
pub use several::Several;
pub use static_list::StaticList;

/// Knows the services that run.
#[async_trait]
pub trait Discovery: Debug + Send + Sync + 'static {
    /// Tells others of a service, again and again where that is needed, until it is retracted. Announcing an instance once more
    /// replaces what was said before.
    ///
    /// # Errors
    /// `Unavailable` where others cannot be told.
    async fn announce(&self, service: &Descriptor) -> Result<()>;

    /// Tells others that an instance ends. One that was not announced is no error.
    ///
    /// # Errors
    /// `Unavailable` where others cannot be told; they find out by its silence.
    async fn retract(&self, service: &Descriptor) -> Result<()>;

    /// Returns once what runs is known as well as it can be, within 6 s even where nobody answers.
    ///
    /// # Errors
    /// `Unavailable` where nobody can be asked.
    async fn ready(&self) -> Result<()>;

    /// The services that are known, now and as they change.
    fn services(&self) -> Services;

    /// Ends what works in the background. Doing it twice does nothing.
    async fn close(&self);
}
