//! What bad input gets: an error or the end of its channel, and no effect on anyone else.

use newton::muon::codec::deflate::compress;
use newton::muon::protocol::broadcast::BroadcastServer;
use newton::muon::protocol::reactive_stream::StreamServer;
use newton::muon::protocol::rpc::{Request, Response, RpcServer};
use newton::muon::protocol::seda::SedaServer;
use newton::muon::transport::MemoryTransport;
use newton::muon::{Address, ChannelEnd, ContentType, Limits, Message, Muon, Transport};

use super::{Town, guarded, until};

async fn served(town: &Town) -> Muon {
    let ping = RpcServer::new().path("/ping", "", async |_| Ok(Response::json(&"pong")));
    let builder = town.builder("target").serve(ping).serve(StreamServer::new());
    builder.serve(BroadcastServer::new()).serve(SedaServer::new()).start().await.unwrap()
}

async fn works(client: &Muon) {
    let service = client.service("target").await.unwrap();
    let answer = guarded(service.rpc(&Request::new("target", "/ping"))).await.unwrap();
    assert_eq!(answer.parse::<String>().unwrap(), "pong");
}

/// Whatever a stack gets first, it answers or ends, and others go on.
#[tokio::test]
async fn every_stack_survives_every_payload() {
    for town in Town::both() {
        let server = served(&town).await;
        let client = town.start("client").await;
        let steps = [
            ("rpc", "request.made"),
            ("introspect", "introspectionRequested"),
            ("reactive-stream", "SubscriptionRequested"),
            ("broadcast", "broadcast.notice"),
            ("seda", "stage.submit"),
        ];
        let payloads: [&[u8]; 8] =
            [b"", b"null", b"{}", b"[", b"\xff\xfe", b"{\"url\":1}", b"{\"body\":[256]}", b"\"text\""];
        for (protocol, step) in steps {
            for payload in payloads {
                for step in [step, "Unknown.step"] {
                    let mut channel = client.channel_to("target", protocol).await.unwrap();
                    channel.send(Message::new(protocol, step, payload)).await.unwrap();
                    channel.send(Message::new("nonsense", step, payload).closing()).await.ok();
                    while let Ok(Some(_)) = guarded(channel.recv()).await {}
                }
            }
        }
        until(|| server.served_channels() == 0).await;
        works(&client).await;
    }
}

#[tokio::test]
async fn an_unknown_protocol_is_refused_by_name() {
    for town in Town::both() {
        let _server = served(&town).await;
        let client = town.start("client").await;
        let mut channel = client.channel_to("target", "telepathy").await.unwrap();
        let _ = channel.send(Message::new("telepathy", "think", "{}")).await;
        let error = guarded(channel.recv()).await.unwrap_err();
        assert!(error.to_string().contains("telepathy"), "{error}");
        works(&client).await;
    }
}

/// A shared channel to the target, without anything of ours at this end.
async fn raw(transport: &MemoryTransport) -> ChannelEnd {
    let address = Address::new("memory://", "target", "shared-channel", "raw");
    transport.open(&address).await.unwrap()
}

#[tokio::test]
async fn compressed_nonsense_ends_its_channel_alone() {
    let town = Town { is_shared: true, ..Town::default() };
    let _server = served(&town).await;
    let client = town.start("client").await;
    let transport = town.network.transport();
    let bomb = compress(&vec![b' '; Limits::default().inflated + 1]).unwrap();
    for payload in [b"no zlib".to_vec(), bomb, vec![]] {
        let mut channel = raw(&transport).await;
        let mut message = Message::new("shared-channel", "message", payload);
        message.content_type = ContentType::JsonDeflate;
        channel.send(message).await.unwrap();
        guarded(channel.recv()).await.unwrap_err();
        works(&client).await;
    }
}

#[tokio::test]
async fn a_shared_channel_inside_of_a_shared_channel_is_refused() {
    let town = Town { is_shared: true, ..Town::default() };
    let _server = served(&town).await;
    let client = town.start("client").await;
    let mut channel = client.channel_to("target", "shared-channel").await.unwrap();
    channel.send(Message::new("shared-channel", "message", "{}")).await.unwrap();
    guarded(channel.recv()).await.unwrap_err();
    works(&client).await;
}

#[tokio::test]
async fn channels_on_which_nothing_is_said_block_nobody() {
    for town in Town::both() {
        let server = served(&town).await;
        let client = town.start("client").await;
        let mut silent = Vec::new();
        for _ in 0..1000 {
            silent.push(client.channel_to("target", "rpc").await.unwrap());
        }
        works(&client).await;
        drop(silent);
        until(|| server.served_channels() == 0).await;
    }
}
