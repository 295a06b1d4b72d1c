//! Messages that are too long, or grow too long: they end the channel they came over, and cost nobody else anything.

use newton::muon::codec::deflate::compress;
use newton::muon::codec::json;
use newton::muon::protocol::event::{Part, replay};
use newton::muon::{ContentType, Message};
use newton::store::EventStore;
use uuid::Uuid;

use super::given::{DOMAIN, append, client_of, described, remote_of, until};
use crate::amqp::{guarded, transport};
use crate::command_line::Server;
use crate::hand::Hand;
use crate::interop::alone;
use crate::rabbitmq::connect;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "faults": [what_is_too_long_ends_its_channel_alone])
}

/// Bytes that a bomb grows to, and a message that is just too long.
const GROWN: usize = 64 << 20;
const TOO_LONG: usize = 17 << 20;

async fn what_is_too_long_ends_its_channel_alone(places: Places) {
    let _alone = alone().await;
    let server = Server::start(&places, &[]);
    let client = client_of(transport(&places), described(&server, &places)).await;
    let (remote, service) = remote_of(&client, &server).await;
    let mut other = service.subscribe(&replay(DOMAIN, Part::HotCold, 0), 10).await.expect("it begins");
    let bomb = compress(&vec![b' '; GROWN]).expect("a stream");
    let compressed = |protocol, step, bomb| Message {
        content_type: ContentType::JsonDeflate,
        ..Message::new(protocol, step, bomb).from_service("hand")
    };
    let before = server.process.most_memory();

    let connection = connect(&places).await;
    let outer = json::encode(&compressed("shared-channel", "message", bomb.clone()));
    for body in [vec![b' '; TOO_LONG], outer] {
        let mut hand = Hand::open(&connection, &server.name, "shared-channel").await;
        hand.send(&body).await;
        assert_eq!(hand.last().await.step, "ChannelFailure");
    }
    // Inside of a shared channel it is one virtual channel that fails.
    let mut hand = Hand::open(&connection, &server.name, "shared-channel").await;
    let inner = String::from_utf8(json::encode(&compressed("event", "EventEmitted", bomb))).expect("text");
    hand.send(&framed(&inner)).await;
    assert!(hand.answer().await.contains("ChannelFailure"));
    let good = Message::new("introspect", "introspectionRequested", "{}").from_service("hand");
    hand.send(&framed(&String::from_utf8(json::encode(&good)).expect("text"))).await;
    assert!(hand.answer().await.contains("introspectResponse"));

    assert!(server.process.most_memory() < before + (GROWN as u64 >> 10) / 2, "it was inflated");
    remote.append(append(0, 0)).await.expect("it is stored");
    guarded(other.next()).await.expect("no error").expect("an event");
    for told in ["over the limit of a frame", "by what cannot be inflated", "a virtual channel failed"] {
        until(|| server.log().contains(told)).await;
    }
    drop((other, remote, service));
    client.shutdown().await;
}

/// A message of a virtual channel that is new, as it travels.
fn framed(inner: &str) -> Vec<u8> {
    let frame = format!(r#"{{"channelId":"{}","message":{inner}}}"#, Uuid::new_v4());
    json::encode(&Message::new("shared-channel", "message", frame).from_service("hand"))
}
