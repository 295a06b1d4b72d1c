//! Replays: what a client asks for, as a subscription.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use futures_util::StreamExt;
use tokio::time::sleep;

use super::Published;
use super::form::Replayed;
use crate::domain::{OrderId, RecordedEvent};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::muon::protocol::event::Part;
use crate::muon::protocol::reactive_stream::{Item, Items, Request, TOKEN};
use crate::store::{Position, Read, Selection};
use crate::subscription::Subscribe;

/// How long a replay waits before it asks a store again that was not there.
const PAUSE: Duration = Duration::from_millis(500);

/// Bytes of JSON that are made room for at once.
const BUFFER: usize = 16 * 1024;

const REPLAY: &str = "replay";

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
struct Replay {
    stream: String,
    part: Part,
    /// Inclusive; 0 is the start.
    from: OrderId,
}

/// The events that a subscription of a client asks for, as their JSON.
pub(super) async fn replay(published: Arc<Published>, request: Request) -> Result<Items> {
    published.tokens.admit(REPLAY, request.arg(TOKEN).as_deref())?;
    let subscribe = Replay::parse(&request)?.subscribe(&published).await?;
    let events = published.subscriptions.open(subscribe).await?;
    let mut buffer = BytesMut::with_capacity(BUFFER);
    let items = events.filter_map(move |event| {
        let item = item(event, &mut buffer);
        async {
            if item.is_none() {
                sleep(PAUSE).await;
            }
            item
        }
    });
    Ok(items.boxed())
}

/// The item of an event. A store that is not there for a while does not end a replay: then there is none.
fn item(event: Result<Arc<RecordedEvent>>, buffer: &mut BytesMut) -> Option<Result<Item>> {
    match event {
        Ok(event) => Some(encode(&event, buffer)),
        Err(error) if error.retry() == Retry::Later => {
            tracing::warn!(%error, "a replay waits for the store");
            None
        }
        Err(error) => Some(Err(error)),
    }
}

/// The JSON of an event, cut off a buffer that many share.
fn encode(event: &RecordedEvent, buffer: &mut BytesMut) -> Result<Item> {
    let encoded = serde_json::to_writer(buffer.writer(), &Replayed::from(event));
    let item = buffer.split().freeze();
    encoded.map(|()| item).map_err(|error| {
        Error::new(ErrorKind::Internal, REPLAY, "an event has no JSON form")
            .with("event", &event.id)
            .caused_by(error)
    })
}

impl Replay {
    /// A replay from the arguments of a subscription; numbers may be texts.
    fn parse(request: &Request) -> Result<Self> {
        let arg = |name| request.arg(name).filter(|text| !text.is_empty());
        let Some(stream) = arg("stream-name") else {
            return Err(invalid("`stream-name` is missing; name a stream, a domain stream or `__all__`"));
        };
        let part = match arg("stream-type") {
            None => Part::default(),
            Some(word) => Part::parse(&word).ok_or_else(|| {
                invalid(format!("`stream-type` is `{word}`; use `cold`, `hot` or `hot-cold`"))
            })?,
        };
        let from = match arg("from") {
            None => OrderId::START,
            Some(from) => {
                let order_id =
                    from.parse().map_err(|_| invalid(format!("`from` is `{from}`; give an order id")));
                OrderId(order_id?)
            }
        };
        Ok(Self { stream, part, from })
    }

    /// The subscription that gives it.
    async fn subscribe(&self, published: &Published) -> Result<Subscribe> {
        let selection = self.selection(published).await?;
        let subscribe = match self.part {
            Part::Cold => Subscribe::cold(selection),
            Part::Hot => return Ok(Subscribe::hot(selection)),
            Part::HotCold => Subscribe::hot_cold(selection),
        };
        Ok(match self.from {
            OrderId::START => subscribe,
            from => subscribe.from(Position::OrderId(from)),
        })
    }

    /// A name of three parts or more is a stream. Other programs give streams shorter names too, such as `users`: one with events
    /// is meant itself; of those that have none, a name of one part is a stream, and one of two parts a domain stream.
    async fn selection(&self, published: &Published) -> Result<Selection> {
        let domain = match Selection::parse(&self.stream)? {
            Selection::Domain(name) => name,
            other => return Ok(other),
        };
        let events = &published.stores.events;
        let stream = Selection::Stream(domain.clone());
        let page = events.read(Read::of(stream.clone()).limit(1)).await?;
        let is_stream = !page.events.is_empty()
            || (!domain.as_str().contains('/') && events.event_types(&domain).await?.is_empty());
        Ok(if is_stream { stream } else { Selection::Domain(domain) })
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, REPLAY, message)
}
