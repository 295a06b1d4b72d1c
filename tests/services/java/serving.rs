//! The peer is a service that Newton calls.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::BasicAckOptions;
use lapin::types::ShortString;
use lapin::{Connection, Consumer};
use newton::ErrorKind;
use newton::muon::discovery::AmqpDiscovery;
use newton::muon::protocol::rpc;
use newton::muon::transport::AmqpOptions;
use newton::muon::{Muon, RemoteService, Timings};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::envelope::signed;
use super::{Form, Heard, Peer, Square, Way, idle};
use crate::amqp::{GUARD, guarded, transport};
use crate::hand::{assert_gone, consume};
use crate::interop::ODD;
use crate::rabbitmq::connect;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

/// What it tells of its path.
const DOC: &str = "gibt zurück, was es hört \u{1F442}";

pub(super) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "java::serving": [
        it_is_found_by_its_name_and_by_its_tag,
        it_answers_in_signed_bytes,
        a_call_outlasts_silence,
    ])
}

/// A service of the peer's that serves one channel.
struct Served {
    connection: Connection,
    name: String,
    tag: String,
    url: String,
    /// Gives back the queues of the channel, once its client has closed it.
    serving: JoinHandle<[ShortString; 2]>,
}

impl Served {
    async fn new(places: &Places, form: Form) -> Self {
        let (connection, id) = (connect(places).await, Uuid::new_v4());
        let (name, tag) = (format!("java-{id}"), format!("tag-{id}"));
        let channel = connection.create_channel().await.expect("a channel");
        let handshakes = consume(&channel, &format!("service.{name}").into()).await;
        let serving = tokio::spawn(serve(connect(places).await, handshakes, name.clone(), form));
        Self { connection, name, tag, url: places.of_service(Service::RabbitMq).to_owned(), serving }
    }

    /// A client of Newton's, which finds it in one way.
    async fn client(&self, places: &Places, way: Way) -> Muon {
        let descriptor = json!({
            "identifier": self.name,
            "instanceId": Uuid::new_v4().to_string(),
            "tags": ["java", self.tag],
            "codecs": ["application/json"],
            "connectionUrls": [self.url],
            "capabilities": [],
            "unknown": { "time": 1 },
        });
        tokio::spawn(Square::open(&self.connection).await.tell(descriptor, way));
        // What is listed once is not to be forgotten before the trial is over; who only announces itself answers no question.
        let wait = Duration::from_millis(500);
        let timings = Timings { discovery: wait, silence: 2 * GUARD, ..Timings::default() };
        let options = AmqpOptions { timings, ..AmqpOptions::default() };
        let discovery = AmqpDiscovery::new(&self.url, options).expect("a sound URL");
        let timings = Timings { discovery: GUARD, rpc: GUARD, ..Timings::default() };
        let newton =
            Muon::builder("newton").timings(timings).transport(transport(places)).discovery(discovery);
        guarded(newton.start()).await.expect("the client starts")
    }

    /// Ends the client, after which nothing is left of its channel.
    async fn end(self, newton: Muon) {
        newton.shutdown().await;
        let queues = guarded(self.serving).await.expect("it was closed in good order");
        assert_gone(&self.connection, &queues).await;
    }
}

/// Serves the first channel until its client closes it.
async fn serve(
    connection: Connection,
    mut handshakes: Consumer,
    name: String,
    form: Form,
) -> [ShortString; 2] {
    let handshake = handshakes.next().await.expect("a consumer that lasts").expect("a handshake");
    handshake.acker.ack(BasicAckOptions::default()).await.expect("acknowledged");
    let mut peer = Peer::accept(&connection, &name, &handshake, form).await;
    loop {
        let heard = peer.next().await;
        match (heard.field("protocol"), heard.field("step")) {
            _ if heard.is_closing() && heard.channel.is_none() => break,
            _ if heard.is_closing() => {}
            ("rpc", "request.made") => peer.respond(&heard).await,
            ("introspect", "introspectionRequested") => peer.report(&heard, &name).await,
            _ => panic!("{heard:?}"),
        }
    }
    let queues = peer.queues();
    peer.close(true).await;
    queues
}

impl Peer {
    async fn respond(&mut self, asked: &Heard) {
        let url = asked.payload["url"].as_str().expect("a URL");
        if url.ends_with("/slow") {
            idle(self).await;
        } else if !url.ends_with("/echo") {
            let refused = json!({ "status": "404", "message": "kein Weg führt dorthin" });
            return self.answer(asked, "request.invalid", "failure", &refused).await;
        }
        let body = signed(asked.body().to_string().as_bytes());
        let response =
            json!({ "status": 200, "body": body, "content_type": "application/json", "unknown": 1 });
        self.answer(asked, "request.response", "success", &response).await;
    }

    async fn report(&mut self, asked: &Heard, name: &str) {
        let operations = [json!({ "resource": "/echo", "doc": DOC, "unknown": 1 })];
        let rpc = json!({
            "protocolScheme": "rpc",
            "protocolName": "RPC",
            "description": "Fragen und Antworten",
            "operations": operations,
        });
        let report = json!({ "serviceName": name, "protocols": [rpc], "unknown": 1 });
        self.answer(asked, "introspectResponse", "success", &report).await;
    }
}

async fn echo(service: &RemoteService, path: &str) {
    let body: Value = serde_json::from_str(ODD).expect("JSON");
    let request = rpc::Request::new(service.name(), path).with_json(&body);
    let answer = guarded(service.rpc(&request)).await.expect("an answer");
    assert_eq!((answer.status, answer.parse::<Value>().expect("JSON")), (200, body));
}

async fn it_is_found_by_its_name_and_by_its_tag(places: Places) {
    for way in [Way::Announced, Way::Listed] {
        let served = Served::new(&places, Form::Deflated).await;
        let newton = served.client(&places, way).await;
        let by_tag = guarded(newton.service_with_tags(&[&served.tag])).await.expect("it is found by its tag");
        let by_name = guarded(newton.service(&served.name)).await.expect("it is found by its name");
        assert_eq!(by_tag.name(), served.name);
        let instances = by_name.instances();
        assert!(instances.len() == 1 && instances[0].instance_id.is_some(), "{instances:?}");
        echo(&by_tag, "/echo").await;
        echo(&by_name, "/echo").await;
        served.end(newton).await;
    }
}

async fn it_answers_in_signed_bytes(places: Places) {
    for form in Form::BOTH {
        let served = Served::new(&places, form).await;
        let newton = served.client(&places, Way::Announced).await;
        let service = guarded(newton.service(&served.name)).await.expect("it is found");
        echo(&service, "/echo").await;
        let missing = guarded(service.rpc(&rpc::Request::new(&served.name, "/nowhere"))).await;
        let missing = missing.expect_err("there is no such path");
        assert_eq!(*missing.kind(), ErrorKind::NotFound, "{missing:?}");
        assert!(missing.to_string().contains("kein Weg führt dorthin"), "{missing}");
        let report = guarded(service.introspect()).await.expect("an answer");
        assert_eq!((&report.service_name, report.offers("rpc")), (&served.name, true));
        assert_eq!(report.protocols[0].operations[0].doc, DOC);
        served.end(newton).await;
    }
}

/// Nothing but keep-alives holds the channel between a request and its response.
async fn a_call_outlasts_silence(places: Places) {
    let served = Served::new(&places, Form::Plain).await;
    let newton = served.client(&places, Way::Announced).await;
    let service = guarded(newton.service(&served.name)).await.expect("it is found");
    echo(&service, "/slow").await;
    served.end(newton).await;
}
