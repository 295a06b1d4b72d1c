//! What peers do that speak AMQP alone: it harms nobody else, and leaves nothing at the broker.

use futures_util::StreamExt;
use lapin::options::QueueDeclareOptions;
use lapin::types::{FieldTable, ShortString};
use newton::muon::codec::json;
use newton::muon::discovery::StaticList;
use newton::muon::protocol::rpc::{Request, Response, RpcServer};
use newton::muon::transport::{AmqpOptions, AmqpTransport};
use newton::muon::{Descriptor, Limits, Message, Muon, Timings};
use newton::{ErrorKind, Result};
use uuid::Uuid;

use super::impatient;
use crate::amqp::{GUARD, guarded};
use crate::hand::{Hand, ask, assert_gone, consume, exists, header, publish, queues};
use crate::rabbitmq::connect;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "faults": [
        what_was_closed_leaves_no_queue,
        peers_that_vanish_leave_no_queue,
        a_server_that_never_answers_leaves_no_queue,
        a_flood_of_half_open_handshakes_leaves_others_served,
        peers_that_say_nothing_make_room_for_others,
        bodies_that_are_no_messages_fail_their_channel_alone,
    ])
}

/// A service of Newton, and a client of it.
struct Town {
    bank: Muon,
    client: Muon,
    name: String,
}

impl Town {
    async fn new(places: &Places) -> Self {
        Self::at(places, impatient(places.of_service(Service::RabbitMq))).await
    }

    /// With a service at this transport.
    async fn at(places: &Places, transport: AmqpTransport) -> Self {
        let url = places.of_service(Service::RabbitMq);
        let name = format!("bank-{}", Uuid::new_v4());
        let paths = RpcServer::new()
            .path("/balance", "a number", async |_: Request| -> Result<Response> { Ok(Response::json(&7)) });
        let bank = Muon::builder(&name).transport(transport).serve(paths).start().await.expect("it starts");
        let known = StaticList::new([bank.descriptor().clone()]);
        let client = Muon::builder("client").transport(impatient(url)).discovery(known).start().await;
        Self { bank, client: client.expect("it starts"), name }
    }

    /// A call of a client that has no channel yet.
    async fn call_anew(&self, places: &Places) -> Result<u32> {
        let known = StaticList::new([self.bank.descriptor().clone()]);
        let transport = impatient(places.of_service(Service::RabbitMq));
        let client = Muon::builder("another").transport(transport).discovery(known).start().await?;
        let service = client.service(&self.name).await?;
        let answer = guarded(service.rpc(&Request::new(&self.name, "/balance"))).await?.parse();
        client.shutdown().await;
        answer
    }

    async fn call(&self) -> Result<u32> {
        let service = self.client.service(&self.name).await?;
        guarded(service.rpc(&Request::new(&self.name, "/balance"))).await?.parse()
    }

    /// Until nothing is served any more.
    async fn rests(&self) {
        guarded(async {
            while self.bank.served_channels() > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    async fn end(self) {
        self.client.shutdown().await;
        self.bank.shutdown().await;
    }
}

async fn what_was_closed_leaves_no_queue(places: Places) {
    let town = Town::new(&places).await;
    let connection = connect(&places).await;
    let mut hand = Hand::open(&connection, &town.name, "rpc").await;
    let queues = hand.queues();
    assert!(exists(&connection, &queues[0]).await && exists(&connection, &queues[1]).await);
    let request = format!(r#"{{"url":"rpc://{}/balance","body":[123,125]}}"#, town.name);
    let request = Message::new("rpc", "request.made", request).from_service("hand");
    hand.send(&json::encode(&request)).await;
    assert!(hand.last().await.is_closing());
    hand.channel.close(200, "done".into()).await.expect("closed");
    assert_gone(&connection, &queues).await;

    let own = [format!("service.{}", town.name), format!("service.{}.{}", town.name, instance(&town.bank))];
    let own = own.map(ShortString::from);
    assert!(exists(&connection, &own[0]).await && exists(&connection, &own[1]).await);
    town.end().await;
    assert_gone(&connection, &own).await;
}

fn instance(muon: &Muon) -> &str {
    muon.descriptor().instance_id.as_deref().expect("an instance")
}

async fn peers_that_vanish_leave_no_queue(places: Places) {
    let town = Town::new(&places).await;
    let connection = connect(&places).await;
    let lost = connect(&places).await;
    let hand = Hand::open(&lost, &town.name, "rpc").await;
    let mut queues = hand.queues().to_vec();
    lost.close(200, "gone".into()).await.expect("closed");
    // Another one makes its queue and never reads it.
    let channel = connection.create_channel().await.expect("a channel");
    let (listen_queue, reply_queue) = crate::hand::queues();
    let options = QueueDeclareOptions { auto_delete: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(reply_queue.clone(), options, FieldTable::default()).await.expect("a queue");
    ask(&channel, &town.name, "rpc", &listen_queue, &reply_queue).await;
    queues.extend([listen_queue, reply_queue]);
    assert_gone(&connection, &queues).await;
    town.rests().await;
    assert_eq!(town.call().await.expect("it is served"), 7);
    town.end().await;
}

async fn a_server_that_never_answers_leaves_no_queue(places: Places) {
    let connection = connect(&places).await;
    let channel = connection.create_channel().await.expect("a channel");
    let name = format!("deaf-{}", Uuid::new_v4());
    let mut handshakes = consume(&channel, &format!("service.{name}").into()).await;
    let url = places.of_service(Service::RabbitMq);
    let known =
        Descriptor { connection_urls: vec![url.to_owned()], instance_id: None, ..Descriptor::new(&name) };
    let client = Muon::builder("client").transport(impatient(url)).discovery(StaticList::new([known]));
    let client = client.start().await.expect("it starts");
    let error = guarded(client.channel_to(&name, "rpc")).await.map(drop).expect_err("nobody answers");
    assert_eq!(*error.kind(), ErrorKind::Unavailable, "{error:?}");
    let asked = guarded(handshakes.next()).await.expect("a consumer").expect("a handshake");
    let queues = ["server_reply_q", "server_listen_q"].map(|name| ShortString::from(header(&asked, name)));
    assert_gone(&connection, &queues).await;
    client.shutdown().await;
}

/// More than a connection to the broker has channels.
async fn a_flood_of_half_open_handshakes_leaves_others_served(places: Places) {
    let town = Town::new(&places).await;
    let connection = connect(&places).await;
    let channel = connection.create_channel().await.expect("a channel");
    let mut asked = Vec::new();
    for number in 0..5_000 {
        let (listen_queue, reply_queue) = queues();
        if number % 10 == 0 {
            // No handshake at all.
            let service = format!("service.{}", town.name).into();
            publish(&channel, &service, b"{}", &[("handshake", "initiated")]).await;
        } else {
            ask(&channel, &town.name, "shared-channel", &listen_queue, &reply_queue).await;
            asked.push(listen_queue);
        }
        if number % 1_000 == 0 {
            assert_eq!(town.call().await.expect("it is served"), 7);
            assert_eq!(town.call_anew(&places).await.expect("it is served"), 7);
        }
    }
    assert_eq!(town.call().await.expect("it is served"), 7);
    assert_eq!(town.call_anew(&places).await.expect("it is served"), 7);
    town.rests().await;
    asked.truncate(20);
    assert_gone(&connection, &asked).await;
    assert_eq!(town.call().await.expect("it is served"), 7);
    town.end().await;
}

/// They listen, and are not taken for gone before the trial is over.
async fn peers_that_say_nothing_make_room_for_others(places: Places) {
    let timings = Timings { silence: 2 * GUARD, ..Timings::default() };
    let options = AmqpOptions { half_open: 3, timings, ..AmqpOptions::default() };
    let transport = AmqpTransport::new(places.of_service(Service::RabbitMq), options);
    let town = Town::at(&places, transport.expect("a sound URL")).await;
    let connection = connect(&places).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(Hand::open(&connection, &town.name, "rpc").await);
    }
    for hand in &mut silent[..5] {
        assert_eq!(hand.last().await.step, "ChannelFailure");
    }
    assert_eq!(town.call_anew(&places).await.expect("it is served"), 7);
    town.end().await;
}

async fn bodies_that_are_no_messages_fail_their_channel_alone(places: Places) {
    let town = Town::new(&places).await;
    let connection = connect(&places).await;
    let good = Message::new("shared-channel", "message", "no frame").from_service("hand");
    let good = String::from_utf8(json::encode(&good)).expect("text");
    let (start, _) = good.split_once("\"payload\"").expect("a payload");
    let bodies = [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        "\u{0}\u{1}".to_owned(),
        good.replace("\"step\":\"message\"", "\"step\":7"),
        format!("{start}\"payload\":[256]}}"),
        format!("{start}\"payload\":\"text\"}}"),
        good.replace("application/json", "application/json+DEFLATE"),
    ];
    // One that is well stays open all the while.
    let mut other = Hand::open(&connection, &town.name, "rpc").await;
    for body in bodies {
        let mut hand = Hand::open(&connection, &town.name, "shared-channel").await;
        hand.send(body.as_bytes()).await;
        assert_eq!(hand.last().await.step, "ChannelFailure", "{body}");
        assert_eq!(town.call().await.expect("it is served"), 7);
    }
    let request = format!(r#"{{"url":"rpc://{}/balance","body":[123,125]}}"#, town.name);
    let request = Message::new("rpc", "request.made", request).from_service("hand");
    other.send(&json::encode(&request)).await;
    let answer = loop {
        let message = json::decode(&other.next().await.data, &Limits::default()).expect("a message");
        if message.protocol == "rpc" {
            break message;
        }
    };
    assert_eq!(answer.step, "request.response");
    town.end().await;
}
