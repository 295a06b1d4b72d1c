//! The service's side of `newton-event`: one request in, one encoded answer out, cut where a page of it would be long.

use serde::Serialize;

use crate::domain::{FoldEvent, RecordedEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::store::muon::request::Request;
use crate::store::{Load, Page, Position, Read, Scan, Selection, Slice, StateRecord, Stores, Streams};

/// How many bytes of payloads an answer carries before it is cut, unless its first item alone is longer.
const ANSWER_BYTES: usize = 1024 * 1024;
/// About what an event's envelope adds to its payload.
const ENVELOPE_BYTES: usize = 512;
/// The most items of one answer.
const ANSWER_ITEMS: usize = 1_000;

/// What an item of a page adds to an answer.
trait Weigh {
    fn weight(&self) -> usize;
}

/// Answers a request out of the stores.
pub(super) async fn answer(stores: &Stores, request: Request) -> Vec<u8> {
    let events = &stores.events;
    match request {
        Request::Open { .. } => encode(&Ok(events.capability())),
        Request::Append(append) => encode(&events.append(append).await),
        Request::Read(read) => encode(&page(stores, read).await),
        Request::Load(load) => encode(&slice(stores, load).await),
        Request::Streams(streams) => {
            let limit = streams.limit.min(ANSWER_ITEMS);
            encode(&events.streams(Streams { limit, ..streams }).await)
        }
        Request::EventTypes(domain) => encode(&events.event_types(&domain).await),
        Request::Head => encode(&events.head().await.map(|head| head.current())),
        Request::StateGet(key) => encode(&stores.state.get(&key).await),
        Request::StateWrite(batch) => encode(&stores.state.write(batch).await),
        Request::StateScan(scan) => encode(&records(stores, scan).await),
    }
}

/// The outcome as bytes.
pub(super) fn encode<T: Serialize>(outcome: &Result<T>) -> Vec<u8> {
    serde_json::to_vec(outcome).unwrap_or_else(|error| {
        let message = "the answer has no JSON form";
        let error = Error::new(ErrorKind::Internal, "answer", message).caused_by(error);
        serde_json::to_vec(&Err::<(), _>(error)).unwrap_or_default()
    })
}

async fn page(stores: &Stores, read: Read) -> Result<Page> {
    let limit = read.limit.min(ANSWER_ITEMS);
    let by_version = matches!(read.selection, Selection::Stream(_));
    let mut page = stores.events.read(Read { limit, ..read }).await?;
    if let Some(first_left) = cut(&mut page.events) {
        page.next = Some(place(&first_left, by_version));
    }
    Ok(page)
}

fn place(event: &RecordedEvent, by_version: bool) -> Position {
    if by_version { Position::Version(event.version) } else { Position::OrderId(event.order_id) }
}

async fn slice(stores: &Stores, load: Load) -> Result<Slice> {
    let limit = load.limit.min(ANSWER_ITEMS);
    let mut slice = stores.events.load(Load { limit, ..load }).await?;
    cut(&mut slice.events);
    Ok(slice)
}

async fn records(stores: &Stores, scan: Scan) -> Result<Vec<StateRecord>> {
    let limit = scan.limit.min(ANSWER_ITEMS);
    let mut records = stores.state.scan(Scan { limit, ..scan }).await?;
    cut(&mut records);
    Ok(records)
}

/// Cuts what would make the answer too long, and gives the first item that was cut.
fn cut<T: Weigh>(items: &mut Vec<T>) -> Option<T> {
    let mut bytes = 0;
    let too_long = items.iter().position(|item| {
        bytes += item.weight();
        bytes > ANSWER_BYTES
    });
    let end = too_long.map(|index| index.max(1)).filter(|end| *end < items.len())?;
    items.drain(end..).next()
}

impl Weigh for RecordedEvent {
    fn weight(&self) -> usize {
        ENVELOPE_BYTES + self.payload.len()
    }
}

impl Weigh for FoldEvent {
    fn weight(&self) -> usize {
        self.payload.len()
    }
}

impl Weigh for StateRecord {
    fn weight(&self) -> usize {
        self.key.len() + self.value.len()
    }
}
