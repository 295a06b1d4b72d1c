//! The server's side of reactive-stream.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt};

use super::super::{Operation, Outline, Peer, ServerStack, step};
use super::{ACK, Failed, Item, Items, NACK, PROTOCOL, Request, SUBSCRIBE, publish};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::channel::ChannelEnd;
use crate::muon::message::{Message, Status};

type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Result<Items>> + Send + Sync>;

/// The streams that a service offers.
///
/// ```
/// use futures_util::stream;
/// use newton::muon::protocol::reactive_stream::{Request, StreamServer};
/// use newton::muon::{Muon, transport::MemoryNetwork, discovery::MemoryDiscovery};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> newton::Result<()> {
/// let (network, discovery) = (MemoryNetwork::new(), MemoryDiscovery::new());
/// let squares = StreamServer::new().stream("/squares", "square numbers", async |_: Request| {
///     Ok(stream::iter((1..=100_u32).map(|n| Ok((n * n).to_string().into()))))
/// });
/// let numbers = Muon::builder("numbers")
///     .transport(network.transport()).discovery(discovery.clone()).serve(squares).start().await?;
/// let reader = Muon::builder("reader").transport(network.transport()).discovery(discovery).start().await?;
///
/// let mut subscription = reader.service("numbers").await?.subscribe(&Request::new("/squares"), 10).await?;
/// assert_eq!(subscription.next().await?.unwrap(), "1");
/// assert_eq!(subscription.next().await?.unwrap(), "4");
/// subscription.cancel();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct StreamServer {
    streams: BTreeMap<String, (String, Handler)>,
}

impl StreamServer {
    /// A server that offers no stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers a stream at a path, which starts with `/`. `doc` says what it is. An error of the handler refuses the subscription.
    #[must_use]
    pub fn stream<F, S>(
        mut self,
        path: &str,
        doc: &str,
        handler: impl Fn(Request) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<S>> + Send + 'static,
        S: Stream<Item = Result<Item>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| {
            let items = handler(request);
            Box::pin(async move { Ok(items.await?.boxed()) })
        });
        self.streams.insert(path.to_owned(), (doc.to_owned(), handler));
        self
    }

    async fn open(&self, message: &Message) -> Result<Items> {
        if message.step != SUBSCRIBE {
            return Err(step::unexpected(message));
        }
        let request: Request = step::parse(message)?;
        let Some((_, handler)) = self.streams.get(&request.stream_name) else {
            let text = "the service has no such stream; its introspection lists what it has";
            return Err(
                Error::new(ErrorKind::NotFound, "subscribe", text).with("stream", request.stream_name)
            );
        };
        handler(request).await
    }
}

#[async_trait]
impl ServerStack for StreamServer {
    fn protocol(&self) -> &'static str {
        PROTOCOL
    }

    fn outline(&self) -> Outline {
        let mut outline =
            Outline::new(PROTOCOL, "Streams", "Streams of items, as many as the subscriber asks for");
        let operation = |(path, (doc, _)): (&String, &(String, Handler))| Operation {
            resource: path.clone(),
            doc: doc.clone(),
        };
        outline.operations = self.streams.iter().map(operation).collect();
        outline
    }

    async fn serve(&self, channel: ChannelEnd, _: Peer) -> Result<()> {
        let (sender, mut receiver) = channel.split();
        let Some(message) = receiver.recv().await? else { return Ok(()) };
        match self.open(&message).await {
            Ok(items) => {
                sender.send(message.answer(ACK, &b"{}"[..]).with_status(Status::Success)).await?;
                publish(&sender, &mut receiver, items).await
            }
            Err(error) => {
                tracing::debug!(origin = %message.origin_service, %error, "a subscription was refused");
                let refused = step::json(&Failed { error: error.to_string().into() });
                sender.send(message.answer(NACK, refused).with_status(Status::Failure).closing()).await
            }
        }
    }
}

impl fmt::Debug for StreamServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamServer").field("streams", &self.streams.keys()).finish()
    }
}
