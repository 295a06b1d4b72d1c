//! Instances: how they start, reach each other, and end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use newton::muon::codec::Codecs;
use newton::muon::protocol::Outline;
use newton::muon::protocol::rpc::{Request, Response, RpcServer};
use newton::muon::transport::MemoryNetwork;
use newton::muon::{ChannelEnd, Descriptor, Discovery, Limits, Message, Muon, Peer, ServerStack, Transport};
use newton::{ErrorKind, Result};
use tokio::sync::Semaphore;

use super::{Town, guarded, short, until};

/// Sends back what arrives.
#[derive(Debug)]
struct Echo;

#[async_trait]
impl ServerStack for Echo {
    fn protocol(&self) -> &'static str {
        "echo"
    }
    fn outline(&self) -> Outline {
        Outline::new("echo", "Echo", "Sends back what arrives")
    }
    async fn serve(&self, mut channel: ChannelEnd, peer: Peer) -> Result<()> {
        assert_eq!(peer.origin.as_deref(), Some("shop"));
        while let Some(message) = channel.recv().await? {
            channel.send(message).await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_stack_of_ones_own_is_served() {
    for town in Town::both() {
        let server = town.builder("echoes").serve(Echo).start().await.unwrap();
        let client = town.start("shop").await;
        assert_eq!(server.descriptor().capabilities, ["echo"]);
        let mut channel = client.channel_to("echoes", "echo").await.unwrap();
        for text in ["one", "two"] {
            channel.send(Message::new("echo", "say", text)).await.unwrap();
            assert_eq!(guarded(channel.recv()).await.unwrap().unwrap().payload, text);
        }
        channel.close();
        until(|| server.served_channels() == 0).await;
    }
}

#[tokio::test]
async fn instances_share_the_work() {
    let town = Town::default();
    let who = |name: &'static str| {
        RpcServer::new().path("/who", "", move |_| async move { Ok(Response::json(&name)) })
    };
    let _one = town.builder("twins").serve(who("one")).start().await.unwrap();
    let two = town.builder("twins").serve(who("two")).start().await.unwrap();
    let client = town.start("shop").await;
    let service = client.service("twins").await.unwrap();
    assert_eq!(service.instances().len(), 2);
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(service.rpc(&Request::new("twins", "/who")).await.unwrap().parse::<String>().unwrap());
    }
    answers.sort();
    assert_eq!(answers, ["one", "one", "two", "two"]);
    two.shutdown().await;
    for _ in 0..3 {
        let answer = service.rpc(&Request::new("twins", "/who")).await.unwrap();
        assert_eq!(answer.parse::<String>().unwrap(), "one");
    }
}

#[tokio::test]
async fn the_urls_of_a_service_decide_the_transport() {
    let (town, other) = (Town::default(), MemoryNetwork::new());
    let _server = town.builder("echoes").transport(other.transport()).serve(Echo).start().await.unwrap();
    let client = Muon::builder("shop")
        .transport(other.transport())
        .discovery(town.discovery.clone())
        .start()
        .await
        .unwrap();
    client.channel_to("echoes", "echo").await.unwrap();

    let mut far = Descriptor::new("far-away");
    far.connection_urls.push("pigeon://roof".to_owned());
    town.discovery.announce(&far).await.unwrap();
    let error = client.channel_to("far-away", "echo").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    assert_eq!(*client.channel_to("nobody", "echo").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_waited_for_a_while() {
    let town = Town::default();
    let client = town.builder("shop").timings(short()).start().await.unwrap();
    assert_eq!(*guarded(client.service("nobody")).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(*guarded(client.service_with_tags(&["none"])).await.unwrap_err().kind(), ErrorKind::NotFound);
    let patient = town.start("patient").await;
    let waiting =
        tokio::spawn(async move { patient.service("late").await.map(|service| service.name().to_owned()) });
    let _late = town.start("late").await;
    assert_eq!(guarded(waiting).await.unwrap().unwrap(), "late");
}

#[tokio::test]
async fn a_bad_start_says_what_to_do() {
    for name in ["", "ab", "a/b/c", "a\nb"] {
        assert_eq!(*Muon::builder(name).start().await.unwrap_err().kind(), ErrorKind::Configuration);
    }
    let twice = Muon::builder("twice").serve(Echo).serve(Echo).start().await.unwrap_err();
    assert_eq!(*twice.kind(), ErrorKind::Configuration);
    assert!(twice.to_string().contains("echo"), "{twice}");
}

#[tokio::test]
async fn a_shutdown_lets_what_runs_end() {
    for town in Town::both() {
        let (gate, entered) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let slow = {
            let (gate, entered) = (gate.clone(), entered.clone());
            RpcServer::new().path("/slow", "", move |_| {
                let (gate, entered) = (gate.clone(), entered.clone());
                async move {
                    entered.add_permits(1);
                    gate.acquire().await.unwrap().forget();
                    Ok(Response::json(&"done"))
                }
            })
        };
        let server = town.builder("slow").serve(slow).start().await.unwrap();
        let client = town.start("shop").await;
        let service = client.service("slow").await.unwrap();
        let asking = tokio::spawn({
            let service = service.clone();
            async move { service.rpc(&Request::new("slow", "/slow")).await }
        });
        guarded(entered.acquire()).await.unwrap().forget();
        let ending = tokio::spawn({
            let server = server.clone();
            async move { server.shutdown().await }
        });
        until(|| service.instances().is_empty()).await;
        gate.add_permits(1);
        assert_eq!(guarded(asking).await.unwrap().unwrap().parse::<String>().unwrap(), "done");
        guarded(ending).await.unwrap();
        guarded(server.shutdown()).await;
        assert_eq!(*client.channel_to("slow", "rpc").await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn what_does_not_end_is_cut_at_the_end() {
    for town in Town::both() {
        let server = town.builder("echoes").timings(short()).serve(Echo).start().await.unwrap();
        let client = town.start("shop").await;
        let mut channel = client.channel_to("echoes", "echo").await.unwrap();
        channel.send(Message::new("echo", "say", "hello")).await.unwrap();
        guarded(channel.recv()).await.unwrap().unwrap();
        guarded(server.shutdown()).await;
        guarded(channel.recv()).await.expect_err("cut, not closed");
        until(|| server.served_channels() == 0).await;
    }
}

#[tokio::test]
async fn a_dropped_instance_is_gone() {
    for town in Town::both() {
        let server = town.builder("echoes").serve(Echo).start().await.unwrap();
        let client = town.start("shop").await;
        let mut channel = client.channel_to("echoes", "echo").await.unwrap();
        channel.send(Message::new("echo", "say", "hello")).await.unwrap();
        guarded(channel.recv()).await.unwrap().unwrap();
        drop(server);
        guarded(channel.recv()).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_shared_channel_that_broke_is_opened_again() {
    let town = Town { is_shared: true, ..Town::default() };
    let server = town.builder("echoes").timings(short()).serve(Echo).start().await.unwrap();
    let client = town.start("shop").await;
    let mut old = client.channel_to("echoes", "echo").await.unwrap();
    guarded(server.shutdown()).await;
    let _again = town.builder("echoes").serve(Echo).start().await.unwrap();
    until(|| old.sender().try_send(Message::new("echo", "say", "old")).is_err()).await;
    let _ = guarded(old.recv()).await;
    let mut channel = client.channel_to("echoes", "echo").await.unwrap();
    channel.send(Message::new("echo", "say", "new")).await.unwrap();
    assert_eq!(guarded(channel.recv()).await.unwrap().unwrap().payload, "new");
}

#[tokio::test]
async fn too_many_channels_are_refused() {
    for town in Town::both() {
        let limits = Limits { served_channels: 2, ..Limits::default() };
        let server = town.builder("echoes").limits(limits).serve(Echo).start().await.unwrap();
        let client = town.start("shop").await;
        let mut open = Vec::new();
        for _ in 0..2 {
            let mut channel = client.channel_to("echoes", "echo").await.unwrap();
            channel.send(Message::new("echo", "say", "hello")).await.unwrap();
            guarded(channel.recv()).await.unwrap().unwrap();
            open.push(channel);
        }
        let mut third = client.channel_to("echoes", "echo").await.unwrap();
        let _ = third.send(Message::new("echo", "say", "hello")).await;
        let error = guarded(third.recv()).await.unwrap_err();
        assert!(error.to_string().contains("too many"), "{error}");
        open.pop();
        until(|| server.served_channels() == 1).await;
        tokio::time::timeout(Duration::from_mins(1), client.channel_to("echoes", "echo"))
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn a_service_is_spoken_to_in_what_all_its_instances_list() {
    let town = Town { is_shared: true, ..Town::default() };
    let client = town.start("client").await;
    let json_only = town.builder("json").only_json().start().await.unwrap();
    assert_eq!(json_only.descriptor().codecs, ["application/json"]);
    let transport = town.network.transport();
    for (service, codecs, wanted) in [
        ("new", vec![client.descriptor().codecs.clone()], "application/x-newton"),
        ("old", vec![json_only.descriptor().codecs.clone()], "application/json+DEFLATE"),
        ("mixed", vec![client.descriptor().codecs.clone(), vec![]], "application/json+DEFLATE"),
    ] {
        for codecs in codecs {
            let connection_urls = transport.urls();
            let instance = Descriptor { codecs, connection_urls, ..Descriptor::new(service) };
            town.discovery.announce(&instance).await.unwrap();
        }
        let mut listener = transport.listen(&Descriptor::new(service), &Codecs::json()).await.unwrap();
        let channel = client.channel_to(service, "test").await.unwrap();
        channel.send(Message::new("test", "step", "{}")).await.unwrap();
        let mut accepted = guarded(listener.accept()).await.unwrap().channel;
        let outer = guarded(accepted.recv()).await.unwrap().unwrap();
        assert_eq!(outer.content_type.as_str(), wanted, "{service}");
    }
}

#[tokio::test]
async fn services_of_different_codecs_understand_each_other() {
    for (server_is_old, client_is_old) in [(false, true), (true, false), (false, false)] {
        let town = Town { is_shared: true, ..Town::default() };
        let start = async |service: &str, is_old: bool| {
            let builder = town.builder(service).serve(Echo);
            let builder = if is_old { builder.only_json() } else { builder };
            builder.start().await.unwrap()
        };
        let (_server, client) = (start("echoes", server_is_old).await, start("shop", client_is_old).await);
        let mut channel = client.channel_to("echoes", "echo").await.unwrap();
        for payload in ["first", "second"] {
            channel.send(Message::new("echo", "say", payload)).await.unwrap();
            assert_eq!(guarded(channel.recv()).await.unwrap().unwrap().payload, payload);
        }
    }
}
