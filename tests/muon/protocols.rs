//! rpc, introspect and broadcast, over channels of their own and over shared ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use newton::muon::Message;
use newton::muon::protocol::broadcast::{Audience, BroadcastServer, Notice};
use newton::muon::protocol::rpc::{Request, Response, RpcServer};
use newton::{Error, ErrorKind};
use serde_json::{Value, json};

use super::{Town, guarded, short, until};

fn calculator() -> RpcServer {
    RpcServer::new()
        .path("/sum", "adds numbers", async |request: Request| {
            Ok(Response::json(&request.json::<Vec<i64>>()?.iter().sum::<i64>()))
        })
        .path("/who", "tells the token", async |request: Request| Ok(Response::json(&request.auth)))
        .path("/busy", "never answers", async |_| std::future::pending().await)
        .path("/broken", "fails", async |_| {
            Err(Error::new(ErrorKind::Unavailable, "calculate", "no electricity").with("city", "Ulm"))
        })
        .path("/panics", "panics", async |_| panic!("on purpose"))
}

#[tokio::test]
async fn rpc_asks_and_gets_an_answer() {
    for town in Town::both() {
        let _server = town.builder("calculator").serve(calculator()).start().await.unwrap();
        let client = town.start("shop").await;
        let service = client.service("calculator").await.unwrap();
        for path in ["/sum", "sum", "/sum?trace=1"] {
            let answer = service.rpc(&Request::new("calculator", path).with_json(&[1, 2, 3])).await.unwrap();
            assert_eq!((answer.status, answer.parse::<i64>().unwrap()), (200, 6));
        }
        let who = Request::new("calculator", "/who").with_auth(json!({"token": "s3cret"}));
        assert_eq!(service.rpc(&who).await.unwrap().parse::<Value>().unwrap()["token"], "s3cret");
    }
}

#[tokio::test]
async fn rpc_tells_what_went_wrong() {
    for town in Town::both() {
        let _server = town.builder("calculator").serve(calculator()).start().await.unwrap();
        let client = town.builder("shop").timings(short()).start().await.unwrap();
        let service = client.service("calculator").await.unwrap();
        let cases = [
            ("/product", json!([1]), ErrorKind::NotFound, "404"),
            ("/sum", json!("seven"), ErrorKind::InvalidInput, "400"),
            ("/broken", json!({}), ErrorKind::Unavailable, "city: Ulm"),
            ("/busy", json!({}), ErrorKind::Unavailable, "in time"),
            ("/panics", json!({}), ErrorKind::Unavailable, "dropped"),
        ];
        for (path, body, kind, text) in cases {
            let request = Request::new("calculator", path).with_json(&body);
            let error = guarded(service.rpc(&request)).await.expect_err(path);
            assert_eq!(*error.kind(), kind, "{path}: {error}");
            assert!(error.to_string().contains(text), "{path}: {error}");
        }
    }
}

#[tokio::test]
async fn many_ask_at_once_and_nothing_stays() {
    for town in Town::both() {
        let server = town.builder("calculator").serve(calculator()).start().await.unwrap();
        let client = town.start("shop").await;
        let mut tasks = Vec::new();
        for task in 0..20_i64 {
            let service = client.service("calculator").await.unwrap();
            tasks.push(tokio::spawn(async move {
                for n in 0..20 {
                    let request = Request::new("calculator", "/sum").with_json(&[task, n]);
                    assert_eq!(service.rpc(&request).await.unwrap().parse::<i64>().unwrap(), task + n);
                }
            }));
        }
        for task in tasks {
            guarded(task).await.unwrap();
        }
        until(|| server.served_channels() == 0).await;
    }
}

#[tokio::test]
async fn introspection_lists_what_is_served() {
    for town in Town::both() {
        let listener = BroadcastServer::new().on("prices", async |_| {});
        let server = town.builder("calculator").serve(calculator()).serve(listener).start().await.unwrap();
        let client = town.start("shop").await;
        let told = client.service("calculator").await.unwrap().introspect().await.unwrap();
        assert_eq!(told.service_name, "calculator");
        assert!(
            told.offers("rpc")
                && told.offers("introspect")
                && told.offers("broadcast")
                && !told.offers("event")
        );
        let rpc = told.protocols.iter().find(|outline| outline.protocol_scheme == "rpc").unwrap();
        assert!(
            rpc.operations
                .iter()
                .any(|operation| operation.resource == "/sum" && operation.doc == "adds numbers")
        );
        assert_eq!(server.descriptor().capabilities, ["broadcast"], "what every peer knows is not listed");
    }
}

#[tokio::test]
async fn a_broadcast_reaches_every_instance_and_nobody_else() {
    for town in Town::both() {
        let heard = Arc::new(AtomicUsize::new(0));
        let listens = || {
            let heard = heard.clone();
            BroadcastServer::new().on("prices", move |notice: Notice| {
                let heard = heard.clone();
                async move {
                    assert_eq!(notice.parse::<u32>().unwrap(), 7);
                    heard.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let mut kept = Vec::new();
        for (name, tag) in [("shop", "sells"), ("shop", "sells"), ("stall", "sells"), ("bank", "lends")] {
            kept.push(town.builder(name).tag(tag).serve(listens()).start().await.unwrap());
        }
        let deaf = town.builder("deaf").tag("sells").start().await.unwrap();
        let prices = Notice::new("prices", 7);
        assert_eq!(deaf.broadcast(&Audience::Service("shop".to_owned()), &prices).await, 2);
        until(|| heard.load(Ordering::Relaxed) == 2).await;
        assert_eq!(deaf.broadcast(&Audience::Tag("sells".to_owned()), &prices).await, 3);
        until(|| heard.load(Ordering::Relaxed) == 5).await;
        assert_eq!(deaf.broadcast(&Audience::Tag("unknown".to_owned()), &prices).await, 0);
        deaf.broadcast(&Audience::Tag("sells".to_owned()), &Notice::new("weather", "rain")).await;
        for muon in &kept {
            until(|| muon.served_channels() == 0).await;
        }
        assert_eq!(heard.load(Ordering::Relaxed), 5);
    }
}

/// As the published client sends it: the body as signed bytes, the status as text.
#[tokio::test]
async fn foreign_forms_of_rpc_are_read() {
    let town = Town::default();
    let _server = town.builder("calculator").serve(calculator()).start().await.unwrap();
    let client = town.start("shop").await;
    let mut channel = client.channel_to("calculator", "rpc").await.unwrap();
    let payload = r#"{"url":"rpc://calculator/sum","auth":null,"body":[91, 49, 44, 50, 93],"content_type":"application/json"}"#;
    let asked = Message::new("rpc", "request.made", payload);
    channel.send(asked.clone()).await.unwrap();
    let answer = guarded(channel.recv()).await.unwrap().unwrap();
    assert_eq!((&*answer.step, answer.provenance_id), ("request.response", Some(asked.id)));
    let payload: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!((&payload["status"], &payload["body"]), (&json!(200), &json!([51])));

    let mut channel = client.channel_to("calculator", "rpc").await.unwrap();
    channel.send(Message::new("rpc", "request.made", r#"{"url":"rpc://calculator/x"}"#)).await.unwrap();
    let answer = guarded(channel.recv()).await.unwrap().unwrap();
    let payload: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!((&*answer.step, &payload["status"]), ("request.invalid", &json!("404")));
}
