//! What is asked of a published store besides events: its streams, its size, and the end of a stream.

use std::sync::Arc;

use futures_util::TryStreamExt;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Published;
use crate::domain::envelope::TOMBSTONE;
use crate::domain::{ExpectedVersion, NewEvent, Payload, StreamName};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::protocol::rpc::{Request, Response};
use crate::store::{Append, EventStoreExt, StreamInfo, Streams};

const DELETE: &str = "delete stream";

/// What can be asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Question {
    StreamNames,
    Stats,
    Delete,
}

#[derive(Deserialize)]
struct Delete {
    name: String,
}

/// Answers whoever may ask.
pub(super) async fn answer(
    published: Arc<Published>,
    question: Question,
    request: Request,
) -> Result<Response> {
    published.tokens.admit("rpc", token(&request))?;
    let answer = match question {
        Question::StreamNames => published.stream_names().await,
        Question::Stats => published.stats().await,
        Question::Delete => published.delete(&request.body).await,
    };
    Ok(Response::json(&answer?))
}

/// The token of a request: its `auth`, or the `token` in that.
fn token(request: &Request) -> Option<&str> {
    let auth = request.auth.as_ref()?;
    auth.as_str().or_else(|| auth.get("token")?.as_str())
}

impl Published {
    /// The names of all streams that are neither deleted nor the system's, sorted.
    async fn stream_names(&self) -> Result<Value> {
        let streams: Vec<StreamInfo> = self.stores.events.all_streams(Streams::all()).try_collect().await?;
        let live = streams.iter().filter(|stream| !stream.deleted);
        let names: Vec<_> = live.map(|stream| json!({ "stream-name": stream.name })).collect();
        Ok(json!({ "streams": names }))
    }

    /// How much there is: streams that are not the system's, their events, and the order id of the last event of all.
    async fn stats(&self) -> Result<Value> {
        let mut streams = std::pin::pin!(self.stores.events.all_streams(Streams::all()));
        let (mut live, mut deleted, mut events) = (0_u64, 0_u64, 0_u64);
        while let Some(stream) = streams.try_next().await? {
            if stream.deleted {
                deleted += 1;
            } else {
                live += 1;
            }
            events += stream.version.0;
        }
        let head = self.stores.events.head().await?.current();
        Ok(json!({ "streams": live, "deleted-streams": deleted, "events": events, "order-id": head }))
    }

    /// Ends a stream with a tombstone: its history stays, and nothing can be added to it.
    async fn delete(&self, body: &[u8]) -> Result<Value> {
        if !self.allows_delete {
            let message = "this store deletes no streams; start it with `--allow-delete`";
            return Err(Error::new(ErrorKind::Forbidden, DELETE, message));
        }
        let Delete { name } = serde_json::from_slice(body).map_err(|error| {
            let message = "send `{\"name\": \"..\"}` with the stream's name";
            Error::new(ErrorKind::Decode, DELETE, message).with("reason", error)
        })?;
        let stream = StreamName::parse(name)?;
        if stream.is_system() {
            let message = "a stream of the system cannot be deleted";
            return Err(Error::new(ErrorKind::Forbidden, DELETE, message).with("stream", stream));
        }
        let tombstone = NewEvent::new(TOMBSTONE, Payload::of(&json!({}))?);
        let append = Append::to(stream.clone(), ExpectedVersion::Exists, vec![tombstone], self.clock.now());
        match self.stores.events.append(append).await {
            Ok(appended) => Ok(json!({ "stream-name": stream, "order-id": appended.order_id })),
            Err(error) if matches!(error.kind(), ErrorKind::Conflict { .. }) => {
                let message = "there is no stream of this name";
                Err(Error::new(ErrorKind::NotFound, DELETE, message).with("stream", stream))
            }
            Err(error) => Err(error),
        }
    }
}
