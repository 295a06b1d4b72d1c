//! `newton stream`: the items of a stream of a service.

use newton::ErrorKind;
use newton::muon::RemoteService;
use newton::muon::protocol::reactive_stream::{Item, PROTOCOL, Request, Subscription, TOKEN};

use super::reconnect::{Ended, Patience};
use crate::cli::Stream;
use crate::exit::{Exit, Outcome, Trouble};
use crate::progress::Progress;
use crate::session::Session;

/// How many items may be on their way.
const WINDOW: u64 = 256;

/// Writes each item as a line of JSON.
///
/// # Errors
/// Where the service or the stream is not found, or the service refuses or fails.
pub async fn run(stream: Stream, session: &mut Session<'_, '_>) -> Outcome {
    let service = session.muon.service(&stream.service).await?;
    let mut request = Request::new(&stream.path);
    request.args.extend(stream.args.into_iter().map(|argument| (argument.name, argument.value)));
    if let Some(token) = &session.token {
        request.auth = Some(serde_json::json!({ "token": token }));
        request.args.entry(TOKEN).or_insert_with(|| token.as_str().into());
    }
    let mut patience = Patience::new(stream.reconnect);
    let mut items = Items::open(&service, &request, stream.limit.unwrap_or(u64::MAX)).await?;
    while let Err(ended) = write_all(&mut items, &mut patience, session).await {
        let note = |text: &str| Progress::hidden().note(text);
        items = items.again(&service, &request, session, (ended, &mut patience), note).await?;
        note("subscribed again; items may be missing or come twice");
    }
    Ok(())
}

async fn write_all(
    items: &mut Items,
    patience: &mut Patience,
    session: &mut Session<'_, '_>,
) -> Result<(), Ended> {
    while let Some(batch) = items.next().await? {
        for item in batch {
            session.output.json_text(text(item)?)?;
        }
        session.output.flush()?;
        patience.renew();
    }
    Ok(())
}

/// The text of an item.
///
/// # Errors
/// Where it is not UTF-8.
pub(super) fn text(item: &[u8]) -> Result<&str, Trouble> {
    std::str::from_utf8(item).map_err(|error| Trouble::failed(format!("the service sent no UTF-8: {error}")))
}

/// The items of a subscription, up to a limit. There are never more in memory than the service was granted.
pub(super) struct Items {
    subscription: Subscription,
    batch: Vec<Item>,
    left: u64,
}

impl Items {
    /// Subscribes, for at most so many items.
    ///
    /// # Errors
    /// Not found where the service has no such stream, refused where it has one and lets this caller not in.
    pub(super) async fn open(service: &RemoteService, request: &Request, left: u64) -> Result<Self, Trouble> {
        Self::subscribe(service, request, left).await.map_err(|error| match error {
            Ended::Broken(trouble) | Ended::ForGood(trouble) => trouble,
        })
    }

    async fn subscribe(service: &RemoteService, request: &Request, left: u64) -> Result<Self, Ended> {
        match service.subscribe(request, left.min(WINDOW)).await {
            Ok(subscription) => Ok(Self { subscription, batch: Vec::new(), left }),
            Err(error) if *error.kind() == ErrorKind::NotFound && offers(service, request).await => {
                Err(Trouble::refused(error.to_string()).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Subscribes again, for what is left, once the service is there again.
    ///
    /// # Errors
    /// As [`open`](Self::open); how it ended, where there is no patience left.
    pub(super) async fn again(
        self,
        service: &RemoteService,
        request: &Request,
        session: &Session<'_, '_>,
        (mut ended, patience): (Ended, &mut Patience),
        note: impl Fn(&str),
    ) -> Result<Self, Trouble> {
        loop {
            patience.wait(ended, &note).await?;
            let opened = async {
                let service = session.muon.service(service.name()).await?;
                Self::subscribe(&service, request, self.left).await
            };
            ended = match opened.await {
                Ok(items) => return Ok(items),
                // It was there: not to find it says no more than that it is not there again yet.
                Err(Ended::ForGood(trouble)) if trouble.exit == Exit::NotFound => {
                    Ended::Broken(Trouble::failed(trouble.message))
                }
                Err(ended) => ended,
            };
        }
    }

    /// Those that have come, at least one; none at the end.
    ///
    /// # Errors
    /// What the service says; how the connection failed.
    pub(super) async fn next(&mut self) -> Result<Option<&[Item]>, Ended> {
        self.batch.clear();
        let limit = usize::try_from(self.left.min(WINDOW)).unwrap_or(usize::MAX);
        let count = self.subscription.next_many(&mut self.batch, limit).await?;
        self.left -= count as u64;
        Ok((count > 0).then_some(&self.batch))
    }
}

/// Whether a service says that it has the stream. A refusal does not tell why it is one.
async fn offers(service: &RemoteService, request: &Request) -> bool {
    let Ok(found) = service.introspect().await else { return false };
    let mut streams = found.protocols.iter().filter(|outline| outline.protocol_scheme == PROTOCOL);
    streams.any(|outline| outline.operations.iter().any(|one| one.resource == request.stream_name))
}
