//! A correlation is read whole, wherever its events are and whatever its id looks like.

use std::sync::Arc;

use uuid::Uuid;

use super::given::*;
use crate::domain::id::EventIds;
use crate::domain::{CommandId, CorrelationId, Metadata, NewEvent, OrderId, Query, RecordedEvent};
use crate::store::{Direction, EventStore, Position, Read, Selection};

const SAGA: &str = "$saga/shop.Fulfilment/1";

fn correlated(id: &CorrelationId, events: Vec<NewEvent>) -> Vec<NewEvent> {
    let metadata = Arc::new(Metadata { correlation_id: Some(id.clone()), ..Metadata::default() });
    events.into_iter().map(|event| NewEvent { metadata: metadata.clone(), ..event }).collect()
}

/// So many events as a repository makes them: of a command that begins a correlation of its own name.
fn of_command(command: &CommandId, name: &str, count: usize) -> Vec<NewEvent> {
    let ids = EventIds::of(command, &stream(name));
    let events = some(count).into_iter().enumerate();
    correlated(
        &command.clone().into(),
        events.map(|(index, event)| NewEvent { id: ids.at(index), ..event }).collect(),
    )
}

fn of(id: &CorrelationId) -> Read {
    Read::of(Selection::Correlation(id.clone()))
}

/// What a read of the correlation must give: its events among all.
async fn expected(store: &dyn EventStore, id: &CorrelationId) -> Vec<RecordedEvent> {
    let mut events = everything(store).await;
    events.retain(|event| event.metadata.correlation_id.as_ref() == Some(id));
    events
}

/// The events of a correlation are read in order-id order in whatever stream they are, those of the system too.
pub async fn a_correlation_is_read_wherever_it_is(store: &dyn EventStore) {
    let command = CommandId::generate();
    let id = CorrelationId::from(command.clone());
    put(store, ADA, of_command(&command, ADA, 2)).await;
    put(store, BOB, some(2)).await;
    put(store, SAGA, correlated(&id, some(1))).await;
    put(store, BOB, correlated(&"another".into(), some(2))).await;
    put(store, BOB, correlated(&id, some(1))).await;
    put(store, "alone", correlated(&id, some(1))).await;
    let found = read(store, of(&id)).await;
    let names: Vec<_> = found.iter().map(|event| event.stream.as_str()).collect();
    assert_eq!(names, [ADA, ADA, SAGA, BOB, "alone"]);
    assert_eq!(found, expected(store, &id).await);
    assert_eq!(read(store, of(&id).with_system()).await, found);
    let mut backward = read(store, of(&id).backward()).await;
    backward.reverse();
    assert_eq!(backward, found);
    let unknown = store.read(of(&CorrelationId::generate())).await.expect("nothing is read without an error");
    assert!(unknown.events.is_empty() && unknown.next.is_none(), "{unknown:?}");
}

/// Correlations of any id are kept apart: of UUIDs of every version and of any text, made at the same time or not.
pub async fn correlations_of_any_id_are_kept_apart(store: &dyn EventStore) {
    let commands: Vec<_> = (0..20).map(|_| CommandId::generate()).collect();
    for (index, command) in commands.iter().enumerate() {
        put(store, [ADA, BOB][index % 2], of_command(command, [ADA, BOB][index % 2], 1 + index % 3)).await;
    }
    let texts =
        ["request-7", "Request-7", "7", "", "01890a5d-ac96-774b-bcce-b302099a8057", "x'00'", "ö\u{0}'\"%_"];
    let upper_case = commands[0].to_string().to_uppercase();
    let uuids = [0, 1, u128::MAX].map(Uuid::from_u128).into_iter().chain([Uuid::new_v4()]);
    let ids: Vec<CorrelationId> = commands
        .into_iter()
        .map(CorrelationId::from)
        .chain(texts.into_iter().chain([&*upper_case]).map(CorrelationId::from))
        .chain(uuids.map(CorrelationId::from))
        .collect();
    for (round, name) in [ADA, SAGA, BOB].into_iter().enumerate() {
        for id in &ids {
            put(store, name, correlated(id, some(1 + round))).await;
        }
    }
    for id in &ids {
        let found = read(store, of(id)).await;
        assert!(found.len() >= 6, "{id:?}: {found:?}");
        assert_eq!(found, expected(store, id).await, "{id:?}");
    }
}

/// Pages of a correlation cover it once, from any place, filtered or not.
pub async fn pages_cover_a_correlation_once(store: &dyn EventStore) {
    let command = CommandId::generate();
    let id = CorrelationId::from(command.clone());
    put(store, ADA, of_command(&command, ADA, 5)).await;
    put(store, BOB, some(3)).await;
    for _ in 0..3 {
        put(store, SAGA, correlated(&id, vec![event("Sent"), tagged("Noted", &[("k", "v")])])).await;
        put(store, BOB, some(1)).await;
    }
    for query in [Query::all(), Query::types(["Sent"]), Query::tags([tag("k", "v")]), Query::types(["Never"])]
    {
        let mut whole = expected(store, &id).await;
        whole.retain(|event| query.matches(&event.event_type, &event.tags));
        for limit in [1, 2, 3, 100, usize::MAX] {
            let request = of(&id).matching(query.clone()).limit(limit);
            assert_eq!(read(store, request.clone()).await, whole, "{request:?}");
            for from in (0..=20).chain([u64::MAX]).map(OrderId) {
                let request = request.clone().from(Position::OrderId(from));
                let forward: Vec<_> = whole.iter().filter(|event| event.order_id >= from).cloned().collect();
                assert_eq!(read(store, request.clone()).await, forward, "{request:?}");
                let backward: Vec<_> =
                    whole.iter().rev().filter(|event| event.order_id <= from).cloned().collect();
                assert_eq!(read(store, request.clone().backward()).await, backward, "backward: {request:?}");
            }
        }
    }
}

/// A correlation that is longer than a page of any store is read whole.
pub async fn a_long_correlation_is_read_whole(store: &dyn EventStore) {
    let command = CommandId::generate();
    let id = CorrelationId::from(command.clone());
    put(store, ADA, of_command(&command, ADA, 10_000)).await;
    put(store, BOB, correlated(&id, some(10_000))).await;
    for request in [of(&id), of(&id).backward()].map(|request| request.limit(usize::MAX)) {
        let mut found = read(store, request.clone()).await;
        if request.direction == Direction::Backward {
            found.reverse();
        }
        assert!(found.is_sorted_by(|a, b| a.order_id < b.order_id), "{request:?}");
        assert_eq!(found.len(), 20_000, "{request:?}");
    }
}
