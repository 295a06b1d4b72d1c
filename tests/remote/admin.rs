//! The administration of a published store.

use newton::muon::protocol::rpc::Request;
use newton::server::Tokens;
use newton::{Error, ErrorKind};
use serde_json::{Value, json};

use super::Served;

impl Served {
    async fn ask(&self, path: &str, body: Value) -> Result<Value, Error> {
        let request = Request::new("events", path).with_json(&body).with_auth("right");
        self.events.rpc(&request).await?.parse()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_listed_and_counted() {
    let given = Served::new().await;
    for stream in ["users", "bank/Account/1", "bank/Account/1"] {
        given.append_to(stream).await;
    }
    let names = given.ask("/stream-names", json!({})).await.unwrap();
    assert_eq!(
        names,
        json!({ "streams": [{ "stream-name": "bank/Account/1" }, { "stream-name": "users" }] })
    );
    let stats = given.ask("/stats", json!({})).await.unwrap();
    assert_eq!(stats, json!({ "streams": 2, "deleted-streams": 0, "events": 3, "order-id": 3 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_deleted_only_where_that_is_allowed() {
    let closed = Served::new().await;
    closed.append_to("users").await;
    let refused = closed.ask("/stream/delete", json!({ "name": "users" })).await.unwrap_err();
    assert!(refused.to_string().contains("--allow-delete"), "{refused}");

    let open = Served::by(newton::server::StoreService::allow_delete).await;
    open.append_to("users").await;
    open.ask("/stream/delete", json!({ "name": "users" })).await.unwrap();
    assert_eq!(open.ask("/stream-names", json!({})).await.unwrap(), json!({ "streams": [] }));
    let gone = open.try_append_to("users").await.unwrap_err();
    assert_eq!(*gone.kind(), ErrorKind::Deleted);
    let unknown = open.ask("/stream/delete", json!({ "name": "nobody" })).await.unwrap_err();
    assert_eq!(*unknown.kind(), ErrorKind::NotFound);
    assert!(open.ask("/stream/delete", json!({ "name": "$saga/x" })).await.is_err());
    assert!(open.ask("/stream/delete", json!([])).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_knows_the_token_may_ask() {
    let given = Served::by(|service| service.tokens(Tokens::parse("right").unwrap())).await;
    assert!(given.ask("/stats", json!({})).await.is_ok());
    for auth in [json!("wrong"), json!({ "token": "wrong" }), json!(null)] {
        let request = Request::new("events", "/stats").with_auth(auth);
        assert!(given.events.rpc(&request).await.is_err());
    }
    let wrapped = Request::new("events", "/stats").with_auth(json!({ "token": "right" }));
    assert!(given.events.rpc(&wrapped).await.is_ok());
}

impl Served {
    async fn append_to(&self, stream: &str) {
        self.try_append_to(stream).await.unwrap();
    }

    async fn try_append_to(&self, stream: &str) -> newton::Result<newton::store::Appended> {
        use newton::domain::{Clock, NewEvent, SystemClock};
        use newton::store::{Append, EventStore};

        let stream = newton::StreamName::parse(stream)?;
        let event = NewEvent::new("Born", newton::Payload::json("{}")?);
        let time = SystemClock.now();
        self.remote.append(Append::to(stream, newton::ExpectedVersion::Any, vec![event], time)).await
    }
}
