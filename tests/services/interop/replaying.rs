//! The published client replays from a store that Newton publishes.

use newton::domain::{Clock, NewEvent, SystemClock};
use newton::server::Tokens;
use newton::store::Append;
use newton::{ExpectedVersion, Payload, StreamName};
use serde_json::{Value, json};

use super::driver::values;
use super::{Driver, ODD, Visible};
use crate::amqp::guarded;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

/// What the client says of a subscription that was refused, whatever the reason.
const REFUSED: &str = "Stream does not exist";

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq, Service::MuonClient], "interop::replaying": [
        what_is_stored,
        what_is_added,
        never_more_than_granted,
        only_who_knows_the_token_may_replay,
    ])
}

impl Visible<'_> {
    /// A store that has so many events of the stream `many`, with order ids from 1.
    async fn with(places: &Places, events: usize) -> Visible<'_> {
        let store = Visible::new(places, |service| service).await;
        for _ in 0..events {
            store.add("many").await;
        }
        store
    }

    async fn add(&self, stream: &str) -> u64 {
        let mut event = NewEvent::new("Happened", Payload::from_encoded(ODD.to_owned()));
        event.schema = newton::domain::Schema::Text("v1 (draft)".into());
        let stream = StreamName::parse(stream).expect("a name");
        let append = Append::to(stream, ExpectedVersion::Any, vec![event], SystemClock.now());
        self.stores.events.append(append).await.expect("it is stored").order_id.0
    }

    fn replay(&self, stream: &str, arguments: &[&str]) -> Driver {
        Driver::start(self.places, "replay", &[&["--stream", stream], arguments].concat())
    }
}

fn order_ids(lines: &[Value]) -> Vec<u64> {
    values(lines, "data").iter().map(|event| event["order-id"].as_u64().expect("an order id")).collect()
}

fn range(from: u64, to: u64) -> Vec<u64> {
    (from..=to).collect()
}

async fn what_is_stored(places: Places) {
    let store = Visible::with(&places, 25).await;
    let (all, from, everything, unknown) = tokio::join!(
        store.replay("many", &["--stream-type", "cold"]).rest(),
        store.replay("many", &["--stream-type", "cold", "--from", "11"]).rest(),
        store.replay("__all__", &["--stream-type", "cold", "--from", "\"20\"", "--sub-name", "mine"]).rest(),
        store.replay("unknown", &["--stream-type", "cold"]).rest(),
    );
    for (lines, first) in [(&all, 1), (&from, 11), (&everything, 20)] {
        assert_eq!(order_ids(lines), range(first, 25));
        assert_eq!(lines.last(), Some(&json!({ "completed": 26 - first })));
    }
    assert_eq!(unknown, [json!({ "completed": 0 })]);
    let event = &values(&all, "data")[0];
    let stored = &store.events().await[0];
    assert_eq!(event["payload"], serde_json::from_str::<Value>(ODD).expect("JSON"));
    assert_eq!((&event["schema"], &event["id"]), (&json!("v1 (draft)"), &json!(stored.id.to_string())));
    assert_eq!((&event["event-type"], &event["stream-name"]), (&json!("Happened"), &json!("many")));
    assert_eq!(event["event-time"], stored.time.timestamp_millis());
    store.end().await;
}

async fn what_is_added(places: Places) {
    let store = Visible::with(&places, 25).await;
    let mut both = store.replay("many", &["--stream-type", "hot-cold", "--count", "40"]);
    let mut from = store.replay("many", &["--from", "21", "--cancel-after", "20"]);
    let mut hot = store.replay("many", &["--stream-type", "hot", "--count", "15"]);
    let mut stored = [Vec::new(), Vec::new()];
    for (lines, driver, count) in [(0, &mut both, 25), (1, &mut from, 5)] {
        while stored[lines].len() < count {
            stored[lines].push(driver.line().await);
        }
    }
    // Nobody can see from outside when a hot subscription has begun, so events are added until it has its own.
    let hot = guarded(async {
        let first = loop {
            let added = store.add("many").await;
            tokio::select! {
                line = hot.line() => break line,
                () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
            }
            assert!(added < 10_000, "a hot subscription that begins");
        };
        let rest = hot.rest();
        tokio::pin!(rest);
        loop {
            tokio::select! {
                rest = &mut rest => break [vec![first], rest].concat(),
                () = tokio::time::sleep(std::time::Duration::from_millis(20)) => { store.add("many").await; }
            }
        }
    })
    .await;
    let hot_ids = order_ids(&hot);
    assert!(hot_ids[0] > 25, "{hot_ids:?}");
    assert_eq!(hot_ids, range(hot_ids[0], hot_ids[0] + 14));
    assert_eq!(values(&hot, "counted"), [json!(15)]);
    let both = [stored[0].clone(), both.rest().await].concat();
    assert_eq!(order_ids(&both), range(1, 40));
    assert_eq!(values(&both, "counted"), [json!(40)]);
    let from = [stored[1].clone(), from.rest().await].concat();
    assert_eq!(order_ids(&from), range(21, 40));
    assert_eq!(values(&from, "cancelled"), [json!(20)]);
    store.end().await;
}

async fn never_more_than_granted(places: Places) {
    let store = Visible::with(&places, 40).await;
    let (ten, parts, exactly) = tokio::join!(
        store.replay("many", &["--grants", "10"]).rest(),
        store.replay("many", &["--grants", "3,4,1"]).rest(),
        store.replay("many", &["--stream-type", "cold", "--grants", "40"]).rest(),
    );
    for (lines, end) in [
        (ten, json!({ "cancelled": 10 })),
        (parts, json!({ "cancelled": 8 })),
        (exactly, json!({ "completed": 40 })),
    ] {
        assert_eq!(lines.last(), Some(&end));
        let count = end.as_object().and_then(|end| end.values().next()?.as_u64()).expect("a number");
        assert_eq!(order_ids(&lines), range(1, count));
    }
    // Cancelled, and completed: nothing is held for those who are gone.
    guarded(async {
        while store.server.served_channels() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    store.end().await;
}

async fn only_who_knows_the_token_may_replay(places: Places) {
    let store =
        Visible::new(&places, |service| service.tokens(Tokens::parse("right").expect("a token"))).await;
    store.add("many").await;
    let (right, wrong, none) = tokio::join!(
        store.replay("many", &["--stream-type", "cold", "--token", "right"]).rest(),
        store.replay("many", &["--stream-type", "cold", "--token", "wrong"]).rest(),
        store.replay("many", &["--stream-type", "cold"]).rest(),
    );
    assert_eq!(order_ids(&right), [1]);
    for refused in [wrong, none] {
        assert_eq!(refused, [json!({ "error": REFUSED })]);
    }
    store.end().await;
}
