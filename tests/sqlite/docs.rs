//! `docs/sqlite.md`: every query of the store's file runs and finds something.

use std::sync::Arc;

use newton::domain::{Clock, Metadata, NewEvent, Payload, SystemClock, Tag};
use newton::store::{Append, EventStore, Expect, StateKey, StateStore, StateWrite};
use newton::{CommandId, ExpectedVersion};
use rusqlite::Connection;

use super::support::{Temporary, stream};

const PAGE: &str = include_str!("../../docs/sqlite.md");

#[tokio::test]
async fn every_query_of_the_docs_finds_something() {
    let store = Temporary::open();
    fill(&store).await;
    let (_folder, file) = store.close();
    let connection = Connection::open(file).unwrap();
    let queries = PAGE.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    // Those of a read model's own file have a test there.
    let queries: Vec<&str> = queries.filter(|query| !query.contains("newton_projections")).collect();
    assert!(queries.len() >= 9);
    for query in queries {
        let mut statement = connection.prepare(query).unwrap_or_else(|error| panic!("{error} in {query}"));
        assert!(statement.exists([]).unwrap(), "nothing was found by {query}");
    }
}

#[tokio::test]
async fn the_log_view_prints_ids_and_times_as_text() {
    let store = Temporary::open();
    fill(&store).await;
    let (_folder, file) = store.close();
    let connection = Connection::open(file).unwrap();
    let sql = "SELECT event_id, time, domain, payload ->> 'amount' FROM event_log WHERE version = 2";
    let (id, time, domain, amount): (String, String, String, i64) = connection
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap();
    assert!(newton::EventId::from(id).as_uuid().is_some());
    assert!(time.parse::<newton::Timestamp>().is_ok(), "{time}");
    assert_eq!((&*domain, amount), ("bank/Account", 10));
}

async fn fill(store: &Temporary) {
    let command = CommandId::generate();
    let metadata = Arc::new(Metadata {
        correlation_id: Some(command.clone().into()),
        command_id: Some(command),
        ..Metadata::default()
    });
    let mut opened = NewEvent::new("AccountOpened", Payload::json(r#"{"owner":"Ada"}"#).unwrap());
    opened.tags = vec![Tag::new("owner", "Ada")];
    let deposited = NewEvent::new("AccountDeposited", Payload::json(r#"{"amount":10}"#).unwrap());
    let mut events = vec![opened, deposited];
    for event in &mut events {
        event.metadata = Arc::clone(&metadata);
    }
    let append =
        Append::to(stream("bank/Account/acc-1"), ExpectedVersion::NoStream, events, SystemClock.now());
    store.append(append).await.unwrap();
    let records = [("snapshot", "bank/Account/acc-1"), ("checkpoint", "000bWelcomeMail0000")];
    let writes = records.map(|(space, key)| {
        let value = Some(b"{}".as_slice().into());
        StateWrite { key: StateKey::new(space, key), expect: Expect::Any, value }
    });
    store.write(writes.into()).await.unwrap();
}
