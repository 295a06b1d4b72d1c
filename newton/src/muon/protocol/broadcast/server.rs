//! The listener's side of broadcast.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::super::{Outline, Peer, ServerStack, step};
use super::{NOTICE, Notice, PROTOCOL};
use crate::error::Result;
use crate::muon::channel::ChannelEnd;

type Handler = Arc<dyn Fn(Notice) -> BoxFuture<'static, ()> + Send + Sync>;

/// Listens to the notices that others tell everybody.
///
/// ```
/// use newton::muon::protocol::broadcast::{Audience, BroadcastServer, Notice};
/// use newton::muon::{Muon, transport::MemoryNetwork, discovery::MemoryDiscovery};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let (network, discovery) = (MemoryNetwork::new(), MemoryDiscovery::new());
/// let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
/// let listens = BroadcastServer::new().on("prices", move |notice: Notice| {
///     let heard = heard.clone();
///     async move { drop(heard.send(notice)) }
/// });
/// let shop = Muon::builder("shop").tag("sells")
///     .transport(network.transport()).discovery(discovery.clone()).serve(listens).start().await?;
/// let office = Muon::builder("office").transport(network.transport()).discovery(discovery).start().await?;
///
/// let told = office.broadcast(&Audience::Tag("sells".to_owned()), &Notice::new("prices", 7)).await;
/// assert_eq!(told, 1);
/// assert_eq!(hears.recv().await.unwrap().parse::<u32>()?, 7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct BroadcastServer {
    subjects: BTreeMap<String, Handler>,
}

impl BroadcastServer {
    /// A server that listens to nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens to the notices about a subject.
    #[must_use]
    pub fn on<F>(mut self, subject: &str, handler: impl Fn(Notice) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.subjects.insert(subject.to_owned(), Arc::new(move |notice| Box::pin(handler(notice))));
        self
    }
}

#[async_trait]
impl ServerStack for BroadcastServer {
    fn protocol(&self) -> &'static str {
        PROTOCOL
    }

    fn outline(&self) -> Outline {
        let outline = Outline::new(PROTOCOL, "Broadcast", "Listens to what is told to everybody");
        self.subjects.keys().fold(outline, |outline, subject| outline.with(subject, ""))
    }

    async fn serve(&self, mut channel: ChannelEnd, _: Peer) -> Result<()> {
        while let Some(message) = channel.recv().await? {
            if message.step != NOTICE {
                return Err(step::unexpected(&message));
            }
            let notice: Notice = step::parse(&message)?;
            match self.subjects.get(&notice.subject) {
                Some(handler) => handler(notice).await,
                None => tracing::debug!(subject = notice.subject, "nobody here listens to a notice"),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for BroadcastServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BroadcastServer").field("subjects", &self.subjects.keys()).finish()
    }
}
