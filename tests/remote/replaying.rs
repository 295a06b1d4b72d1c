//! Replays, as other programs ask for them.

use newton::muon::protocol::event::{Part, Replayed, replay};
use newton::muon::protocol::reactive_stream::{Request, Subscription};
use newton::server::Tokens;

use super::Served;
use super::emitting::born;

impl Served {
    async fn replay(&self, stream: &str, part: Part, from: u64) -> Subscription {
        self.events.subscribe(&replay(stream, part, from), 10).await.unwrap()
    }

    /// Emits users with the numbers of a range as names.
    async fn bear(&self, names: std::ops::Range<u32>) {
        for name in names {
            let channel = self.events.channel("event").await.unwrap();
            let limit = std::time::Duration::from_secs(30);
            newton::muon::protocol::event::emit(channel, &born(&name.to_string()), limit).await.unwrap();
        }
    }
}

async fn next(subscription: &mut Subscription) -> Option<Replayed> {
    let item = subscription.next().await.unwrap()?;
    Some(serde_json::from_slice(&item).unwrap())
}

async fn take(subscription: &mut Subscription, count: usize) -> Vec<u64> {
    let mut order_ids = Vec::new();
    while order_ids.len() < count {
        order_ids.push(next(subscription).await.unwrap().order_id);
    }
    order_ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cold_gives_what_is_stored_and_ends() {
    let given = Served::new().await;
    given.bear(0..30).await;
    for (from, first) in [(0, 1), (1, 1), (12, 12)] {
        let mut cold = given.replay("users", Part::Cold, from).await;
        assert_eq!(take(&mut cold, 31 - first).await, (first as u64..=30).collect::<Vec<_>>());
        assert!(next(&mut cold).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_stream_ends_at_once_when_cold_and_waits_when_hot() {
    let given = Served::new().await;
    assert!(next(&mut given.replay("nobody", Part::Cold, 0).await).await.is_none());
    let mut hot = given.replay("users", Part::HotCold, 0).await;
    given.bear(0..1).await;
    assert_eq!(next(&mut hot).await.unwrap().event_type, "Born");
}

/// A stream of exactly as many events as were granted ends without another grant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_needs_no_credit() {
    let given = Served::new().await;
    given.bear(0..3).await;
    let channel = given.events.channel("reactive-stream").await.unwrap();
    let mut cold = channel;
    let send =
        |step: &'static str, payload: String| newton::muon::Message::new("reactive-stream", step, payload);
    let request = serde_json::to_string(&replay("users", Part::Cold, 0)).unwrap();
    cold.send(send("SubscriptionRequested", request)).await.unwrap();
    cold.send(send("DataRequested", r#"{"request":3}"#.to_owned())).await.unwrap();
    let mut steps = Vec::new();
    while let Some(message) = cold.recv().await.unwrap() {
        steps.push(message.step.to_string());
    }
    assert_eq!(steps, ["SubAck", "Data", "Data", "Data", "Completed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hot_cold_goes_on_without_a_seam() {
    let given = Served::new().await;
    given.bear(0..20).await;
    let mut both = given.replay("users", Part::HotCold, 5).await;
    let mut all = given.replay("__all__", Part::HotCold, 0).await;
    let mut hot = given.replay("users", Part::Hot, 0).await;
    given.bear(20..60).await;
    assert_eq!(take(&mut both, 56).await, (5..=60).collect::<Vec<_>>());
    assert_eq!(take(&mut all, 60).await, (1..=60).collect::<Vec<_>>());
    assert_eq!(take(&mut hot, 40).await, (21..=60).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_replayed_is_refused_with_the_reason() {
    let given = Served::by(|service| service.tokens(Tokens::parse("right").unwrap())).await;
    let ask =
        |name: &str, value: &str| replay("users", Part::Cold, 0).with("token", "right").with(name, value);
    for (request, reason) in [
        (Request::new("/stream").with("token", "right"), "stream-name"),
        (ask("stream-type", "warm"), "warm"),
        (ask("from", "yesterday"), "yesterday"),
        (ask("token", "wrong"), "token"),
        (replay("users", Part::Cold, 0), "token"),
        (Request::new("/streams"), "/streams"),
    ] {
        let error = given.events.subscribe(&request, 10).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert!(given.events.subscribe(&ask("sub-name", "mine"), 10).await.is_ok());
}
