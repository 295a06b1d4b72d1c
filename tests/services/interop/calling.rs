//! The published client finds a service of Newton, calls it, asks what it offers, and subscribes to its streams.

use std::sync::Arc;

use futures_util::stream;
use newton::muon::protocol::reactive_stream::{Item, Request, StreamServer};
use newton::muon::protocol::rpc::{self, Response, RpcServer};
use newton::muon::{DiscoveryExt, Muon};
use newton::{Error, ErrorKind};
use serde_json::{Value, json};
use uuid::Uuid;

use super::driver::values;
use super::{Driver, ODD, client, served};
use crate::amqp::guarded;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq, Service::MuonClient], "interop::calling": [
        it_calls_and_is_answered,
        it_subscribes_to_streams,
        it_finds_and_is_found,
    ])
}

/// A service of Newton; `held` is shared by each subscription that it serves.
async fn bank(places: &Places, held: &Arc<()>) -> Muon {
    let name = format!("bank-{}", Uuid::new_v4());
    let builder = served(places, &name).tag(format!("tag-{name}")).serve(paths()).serve(streams(held));
    builder.start().await.expect("the bank starts")
}

fn paths() -> RpcServer {
    RpcServer::new()
        .path("/echo", "what it was sent", async |request: rpc::Request| {
            let body: Value = request.json()?;
            Ok(Response::json(&body))
        })
        .path("/deep/auth", "who asks", async |request: rpc::Request| Ok(Response::json(&request.auth)))
        .path("/refused", "nothing", async |_: rpc::Request| {
            Err::<Response, _>(Error::new(ErrorKind::Forbidden, "ask", "nobody may"))
        })
}

fn item(number: u64) -> Item {
    json!({ "number": number }).to_string().into()
}

fn streams(held: &Arc<()>) -> StreamServer {
    let held = held.clone();
    StreamServer::new()
        .stream("/numbers", "so many numbers", async |request: Request| {
            let count = request.arg("count").and_then(|count| count.parse().ok()).unwrap_or(25);
            Ok(stream::iter((0..count).map(|number| Ok(item(number)))))
        })
        .stream("/endless", "all numbers", move |_: Request| {
            let held = held.clone();
            async move {
                let count = move |(next, held): (u64, Arc<()>)| async move {
                    Some((Ok(item(next)), (next + 1, held)))
                };
                Ok(stream::unfold((0, held), count))
            }
        })
        .stream("/broken", "one number and an error", async |_: Request| {
            let broken = Error::new(ErrorKind::Internal, "count", "broken after one");
            Ok(stream::iter([Ok(item(0)), Err(broken)]))
        })
}

async fn it_calls_and_is_answered(places: Places) {
    let bank = bank(&places, &Arc::default()).await;
    let to = &*bank.descriptor().identifier;
    let call = |path: &'static str, more: &'static [&'static str]| {
        Driver::start(&places, "rpc-client", &[&["--to", to, "--path", path], more].concat()).rest()
    };
    let (echo, auth, refused, nothing, report) = tokio::join!(
        call("/echo", &["--body", ODD]),
        call("/deep/auth", &["--auth", r#"{"token":"secret"}"#]),
        call("/refused", &[]),
        call("/nothing", &[]),
        Driver::start(&places, "introspect", &["--to", to]).rest(),
    );
    assert_eq!(echo[0]["response"]["status"], 200);
    assert_eq!(echo[0]["response"]["body"], serde_json::from_str::<Value>(ODD).expect("JSON"));
    assert_eq!(auth[0]["response"]["body"], json!({ "token": "secret" }));
    assert_eq!(nothing[0]["response"]["status"], "404", "{nothing:?}");
    assert_eq!(refused[0]["response"]["status"], "403", "{refused:?}");

    let report = &report[0]["report"];
    assert_eq!(report["serviceName"], to);
    let protocols = report["protocols"].as_array().expect("protocols");
    let paths = |scheme: &str| {
        let protocol = protocols.iter().find(|protocol| protocol["protocolScheme"] == scheme);
        values(protocol.expect("it is offered")["operations"].as_array().expect("operations"), "resource")
    };
    assert_eq!(paths("rpc"), ["/deep/auth", "/echo", "/refused"]);
    assert_eq!(paths("reactive-stream"), ["/broken", "/endless", "/numbers"]);
    bank.shutdown().await;
}

async fn it_subscribes_to_streams(places: Places) {
    let held = Arc::default();
    let bank = bank(&places, &held).await;
    let to = &*bank.descriptor().identifier;
    let subscribe = |path: &'static str, more: &'static [&'static str]| {
        Driver::start(&places, "subscribe", &[&["--to", to, "--path", path], more].concat()).rest()
    };
    let at_rest = Arc::strong_count(&held);
    let (numbers, granted, cancelled, broken, unknown) = tokio::join!(
        subscribe("/numbers", &["--args", r#"{"count":42}"#]),
        subscribe("/endless", &["--grants", "10"]),
        subscribe("/endless", &["--cancel-after", "15"]),
        subscribe("/broken", &[]),
        subscribe("/unknown", &[]),
    );
    let count = |lines: &[Value]| {
        let numbers = values(lines, "data");
        assert_eq!(numbers, (0..numbers.len()).map(|number| json!({ "number": number })).collect::<Vec<_>>());
        numbers.len()
    };
    assert_eq!((count(&numbers), numbers.last()), (42, Some(&json!({ "completed": 42 }))));
    assert_eq!((count(&granted), granted.last()), (10, Some(&json!({ "cancelled": 10 }))));
    assert_eq!((count(&cancelled), values(&cancelled, "cancelled")), (15, vec![json!(15)]));
    assert_eq!(count(&broken), 1);
    let error = broken.last().expect("an end")["error"]["error"].as_str().expect("a reason");
    assert!(error.contains("broken after one"), "{error}");
    assert_eq!(unknown, [json!({ "error": "Stream does not exist" })]);
    // What was cancelled is let go of.
    guarded(async {
        while Arc::strong_count(&held) > at_rest {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    bank.shutdown().await;
}

async fn it_finds_and_is_found(places: Places) {
    let bank = bank(&places, &Arc::default()).await;
    let name = &*bank.descriptor().identifier;
    let tag = &*bank.descriptor().tags[0];
    let own_tag = format!("tag-{}", Uuid::new_v4());
    let announce = Driver::serving(&places, "announce", &["--tags", &format!("other,{own_tag}")]).await;
    let newton = client(&places).await;
    let (by_name, by_tag, of_newton) = tokio::join!(
        Driver::start(&places, "discover", &["--name", name]).rest(),
        Driver::start(&places, "discover", &["--tags", tag]).rest(),
        async { guarded(newton.service_with_tags(&[&own_tag])).await.expect("it is found") },
    );
    for lines in [by_name, by_tag] {
        assert_eq!(lines[0]["found"]["identifier"], name);
        let urls = lines[0]["found"]["connectionUrls"].as_array().expect("URLs");
        assert!(urls.iter().all(|url| !url.as_str().expect("a text").contains('@')), "{urls:?}");
    }
    assert_eq!(of_newton.name(), announce.service);
    // Each forgets who is gone.
    let announced = announce.service.clone();
    announce.rest().await;
    let mut services = newton.discovery().services();
    guarded(async {
        while !newton.discovery().named(&announced).is_empty() {
            services.changed().await;
        }
    })
    .await;
    newton.shutdown().await;
    let name = name.to_owned();
    let gone = Driver::start(&places, "discover", &["--gone", &name, "--within", "60000"]);
    bank.shutdown().await;
    assert_eq!(gone.rest().await[0]["gone"], true);
}
