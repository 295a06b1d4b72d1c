//! The commands over the memory network: what they write, for people and for scripts, and how they end.

mod support;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream;
use newton::muon::protocol::reactive_stream::{Item, Request, StreamServer};
use newton::muon::protocol::rpc::{self, Response, RpcServer};
use newton_cli::exit::Exit;
use newton_cli::output::Output;
use newton_cli::session::Session;
use serde_json::{Value, json};
use support::{Network, client_command, lines};

#[tokio::test]
async fn what_is_emitted_is_replayed() {
    let network = Network::with_store("events", |service| service).await;
    for name in ["Ada", "Bob", "Zoë"] {
        let payload = format!(r#"{{"name":"{name}"}}"#);
        let stored = network.json(&["emit", "users", "UserBorn", &payload]).await.unwrap();
        assert_eq!(stored[0]["stream-name"], "users");
    }
    let replayed = network.json(&["replay", "users"]).await.unwrap();
    let names: Vec<_> = replayed.iter().map(|event| event["payload"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Ada", "Bob", "Zoë"]);
    assert_eq!(replayed[0]["event-type"], "UserBorn");
    assert_eq!(replayed[0]["service-id"], "newton-cli");

    let second = replayed[1]["order-id"].to_string();
    let from = network.json(&["replay", "users", "--from", &second, "--limit", "1"]).await.unwrap();
    assert_eq!(from, [replayed[1].clone()]);
    assert!(network.json(&["replay", "nobody"]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_table_fits_the_terminal() {
    let network = Network::with_store("events", |service| service).await;
    let payload = format!(r#"{{"text":"{}"}}"#, "lang \\u001b[2J ".repeat(20));
    network.text(80, &["emit", "users", "UserBorn", &payload]).await.unwrap();
    let table = network.text(80, &["replay", "users"]).await.unwrap();
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert!(rows[0].starts_with("ORDER"), "{table}");
    assert!(rows[1].ends_with('…'), "{table}");
    assert!(rows.iter().all(|row| row.chars().count() <= 80), "{table}");
}

#[tokio::test]
async fn lines_of_standard_input_are_payloads_or_whole_events() {
    let network = Network::with_store("events", |service| service).await;
    let stored = network.fed(b"{\"n\":1}\n\n{\"n\":2}\r\n3", &["emit", "numbers", "Counted"]).await.unwrap();
    assert_eq!(lines(&stored).len(), 3);
    let replayed = network.run_json(&["replay", "numbers"], b"").await.unwrap();

    let other = Network::with_store("copy", |service| service).await;
    for _ in 0..2 {
        other.fed(replayed.as_bytes(), &["emit", "--service", "copy"]).await.unwrap();
    }
    let copied = other.json(&["replay", "numbers"]).await.unwrap();
    let original = lines(&replayed);
    assert_eq!(copied.len(), 3);
    for (copy, original) in copied.iter().zip(&original) {
        for field in ["id", "event-type", "stream-name", "schema", "service-id", "payload"] {
            assert_eq!(copy[field], original[field], "{field}");
        }
    }
}

#[tokio::test]
async fn the_first_line_that_is_refused_ends_an_emit() {
    let network = Network::with_store("events", |service| service).await;
    let trouble = network.fed(b"1\n2\nthree\n4\n", &["emit", "numbers", "Counted"]).await.unwrap_err();
    assert_eq!(trouble.exit, Exit::Usage);
    assert!(trouble.message.starts_with("line 3: "), "{}", trouble.message);
    assert_eq!(network.json(&["replay", "numbers"]).await.unwrap().len(), 2);

    let trouble = network.json(&["emit", "$system", "Counted", "1"]).await.unwrap_err();
    assert_eq!(trouble.exit, Exit::Refused, "{}", trouble.message);
    let trouble = network.json(&["emit", "numbers", "Counted", "no json"]).await.unwrap_err();
    assert_eq!(trouble.exit, Exit::Usage);
}

#[tokio::test]
async fn a_token_opens_what_is_closed() {
    let tokens = newton::server::Tokens::parse("right").unwrap();
    let network = Network::with_store("events", |service| service.tokens(tokens)).await;
    let asked: [&[&str]; 3] =
        [&["emit", "users", "UserBorn", "{}"], &["replay", "users"], &["rpc", "events", "/stats"]];
    for command in asked {
        for token in [None, Some("wrong")] {
            let trouble = network.with_token(token, command).await.unwrap_err();
            assert_eq!(trouble.exit, Exit::Refused, "{command:?}: {}", trouble.message);
            assert!(!trouble.message.contains("right"), "{}", trouble.message);
        }
        network.with_token(Some("right"), command).await.unwrap();
    }
    let items = network
        .with_token(Some("right"), &["stream", "events", "/stream", "stream-name=users", "stream-type=cold"]);
    assert_eq!(lines(&items.await.unwrap()).len(), 1);
}

#[tokio::test]
async fn services_are_listed_and_tell_what_they_offer() {
    let network = Network::with_store("events", |service| service).await;
    let _other = network.builder("shop").tag("money").start().await.unwrap();
    let found = network.json(&["discover"]).await.unwrap();
    let names: Vec<_> = found.iter().map(|service| service["identifier"].as_str().unwrap()).collect();
    assert_eq!(names, ["events", "shop"]);
    assert_eq!(found[0]["tags"], json!(["photon", "eventstore"]));
    assert_eq!(network.json(&["discover", "--tag", "money"]).await.unwrap().len(), 1);

    let offers = network.json(&["introspect", "events"]).await.unwrap();
    assert_eq!(offers.len(), 1);
    assert_eq!(offers[0]["serviceName"], "events");
    let table = network.text(100, &["introspect", "events"]).await.unwrap();
    assert!(table.contains("/stream-names"), "{table}");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let network = Network::with_store("events", |service| service).await;
    let missing: [&[&str]; 5] = [
        &["introspect", "nobody"],
        &["rpc", "nobody", "/stats"],
        &["rpc", "events", "/nothing"],
        &["stream", "events", "/nothing"],
        &["replay", "users", "--service", "nobody"],
    ];
    for command in missing {
        let trouble = network.json(command).await.unwrap_err();
        assert_eq!(trouble.exit, Exit::NotFound, "{command:?}: {}", trouble.message);
    }
    let trouble = network.json(&["stream", "events", "/stream"]).await.unwrap_err();
    assert_eq!(trouble.exit, Exit::Refused, "{}", trouble.message);
    let trouble =
        network.json(&["rpc", "events", "/stream/delete", r#"{"name":"users"}"#]).await.unwrap_err();
    assert_eq!(trouble.exit, Exit::Refused, "{}", trouble.message);
}

#[tokio::test]
async fn of_several_event_stores_one_has_to_be_named() {
    let network = Network::with_store("events", |service| service).await;
    let _second = network.store("archive", |service| service).await;
    let trouble = network.json(&["replay", "users"]).await.unwrap_err();
    assert_eq!(trouble.exit, Exit::Usage);
    assert!(trouble.message.contains("archive, events"), "{}", trouble.message);
    network.json(&["replay", "users", "--service", "archive"]).await.unwrap();
}

#[tokio::test]
async fn an_answer_is_written_whatever_its_status() {
    let network = Network::new();
    let paths = RpcServer::new()
        .path("/echo", "says it again", async |request: rpc::Request| {
            Ok(Response::json(&request.json::<Value>()?))
        })
        .path("/teapot", "says no", async |_| Ok(Response { status: 418, ..Response::json(&"short") }));
    let _service = network.builder("answers").serve(paths).start().await.unwrap();

    let answer = network.json(&["rpc", "answers", "/echo", r#"{"a":[1,"ü"]}"#]).await.unwrap();
    assert_eq!(answer, [json!({"status": 200, "content-type": "application/json", "body": {"a": [1, "ü"]}})]);
    assert_eq!(network.text(80, &["rpc", "answers", "echo", "[]"]).await.unwrap(), "[]\n");
    let read = network.fed(b"{\"from\": \"input\"}\n", &["rpc", "answers", "/echo", "-"]).await.unwrap();
    assert_eq!(lines(&read)[0]["body"]["from"], "input");

    let mut out = Vec::new();
    let outcome = network.run(&["rpc", "answers", "/teapot"], &mut out, true, None, b"").await;
    assert_eq!(outcome.unwrap_err().exit, Exit::Refused);
    assert_eq!(lines(&String::from_utf8(out).unwrap())[0]["status"], 418);
}

#[tokio::test]
async fn arguments_reach_a_stream_as_they_were_meant() {
    let network = Network::new();
    let echo = StreamServer::new().stream("/args", "its arguments", async |request: Request| {
        Ok(stream::iter([Ok(Item::from(Value::Object(request.args).to_string()))]))
    });
    let _service = network.builder("streams").serve(echo).start().await.unwrap();
    let items = network.json(&["stream", "streams", "/args", "text=1", "number:=1"]).await.unwrap();
    assert_eq!(items, [json!({"text": "1", "number": 1})]);
}

/// Counts the events that were made, and those that were written.
#[tokio::test]
async fn a_replay_holds_no_more_than_its_window() {
    const EVENTS: u64 = 20_000;
    let made = Arc::new(AtomicU64::new(0));
    let network = Network::new();
    let counting = made.clone();
    let events = StreamServer::new().stream("/stream", "events", move |_: Request| {
        let made = counting.clone();
        let count = move |number| {
            made.fetch_add(1, Ordering::SeqCst);
            Ok(Item::from(event(number)))
        };
        async { Ok(stream::iter((1..=EVENTS).map(count))) }
    });
    let _service = network.builder("events").tag("eventstore").serve(events).start().await.unwrap();

    let mut out = Counting { made, written: 0, ahead: 0 };
    network.run(&["replay", "__all__"], &mut out, true, None, b"").await.unwrap();
    assert_eq!(out.written, EVENTS);
    assert!(out.ahead > 0 && out.ahead <= 1_024, "{} events were in memory", out.ahead);
}

fn event(number: u64) -> String {
    format!(
        r#"{{"id":"e{number}","event-type":"T","stream-name":"s","order-id":{number},"event-time":0,"payload":{number}}}"#
    )
}

/// What a reader sees of how far the writer is ahead.
struct Counting {
    made: Arc<AtomicU64>,
    written: u64,
    ahead: u64,
}

impl io::Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written += u64::from(bytes.ends_with(b"\n"));
        self.ahead = self.ahead.max(self.made.load(Ordering::SeqCst).saturating_sub(self.written));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_hot_replay_ends_at_its_limit() {
    let network = Network::with_store("events", |service| service).await;
    network.json(&["emit", "users", "UserBorn", "0"]).await.unwrap();
    let replay = network.json(&["replay", "users", "--hot-cold", "--limit", "3"]);
    let emit = async {
        for payload in ["1", "2"] {
            network.json(&["emit", "users", "UserBorn", payload]).await.unwrap();
        }
    };
    let (events, ()) = tokio::join!(tokio::time::timeout(Duration::from_mins(1), replay), emit);
    let payloads: Vec<_> =
        events.unwrap().unwrap().into_iter().map(|event| event["payload"].clone()).collect();
    assert_eq!(payloads, [json!(0), json!(1), json!(2)]);
}

#[tokio::test]
async fn a_reader_that_has_enough_ends_a_replay_in_good_order() {
    struct Enough;
    impl io::Write for Enough {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let network = Network::with_store("events", |service| service).await;
    network.json(&["emit", "users", "UserBorn", "0"]).await.unwrap();
    let trouble = network.run(&["replay", "users"], &mut Enough, true, None, b"").await.unwrap_err();
    assert_eq!((trouble.exit, &*trouble.message), (Exit::Done, ""));
}

#[tokio::test]
async fn a_session_gives_everything_back() {
    let network = Network::with_store("events", |service| service).await;
    network.json(&["replay", "users"]).await.unwrap();
    let client = network.builder("last").start().await.unwrap();
    let (mut out, mut input) = (Vec::new(), &b""[..]);
    let mut output = Output::new(&mut out, true, None);
    let mut session = Session {
        muon: client.clone(),
        token: None,
        output: &mut output,
        input: &mut input,
        shows_progress: true,
        settle: Duration::ZERO,
    };
    let replay = client_command(&["replay", "users", "--limit", "5"]);
    newton_cli::commands::run(replay, &mut session).await.unwrap();
    client.shutdown().await;
    let served = async {
        while network.servers[0].served_channels() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), served).await.unwrap();
}

#[tokio::test]
async fn a_server_says_when_it_is_ready_and_ends_when_it_is_told() {
    let network = Network::new();
    let (said, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let (end, ends) = tokio::sync::oneshot::channel::<()>();
    let builder = network.builder("ledger");
    let server = tokio::spawn(async move {
        let mut out = Says { to: said, written: Vec::new() };
        let mut output = Output::new(&mut out, false, None);
        let tokens = newton::server::Tokens::default();
        let end = async { ends.await.unwrap() };
        let serve = support::serve(&["serve", "--store", "memory:", "--name", "ledger", "--allow-delete"]);
        newton_cli::commands::serve::publish(&serve, tokens, builder, &mut output, end).await
    });
    let line = tokio::time::timeout(Duration::from_mins(1), hears.recv()).await.unwrap().unwrap();
    assert_eq!(line, "serving memory: as ledger\n");

    network.json(&["emit", "users", "UserBorn", "{}"]).await.unwrap();
    network.json(&["rpc", "ledger", "/stream/delete", r#"{"name":"users"}"#]).await.unwrap();
    let trouble = network.json(&["emit", "users", "UserBorn", "{}"]).await.unwrap_err();
    assert_eq!(trouble.exit, Exit::Refused, "{}", trouble.message);

    end.send(()).unwrap();
    tokio::time::timeout(Duration::from_mins(1), server).await.unwrap().unwrap().unwrap();
    assert!(network.json(&["discover"]).await.unwrap().is_empty());
}

/// Hands on what is written, at each flush.
struct Says {
    to: tokio::sync::mpsc::UnboundedSender<String>,
    written: Vec<u8>,
}

impl io::Write for Says {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = String::from_utf8(std::mem::take(&mut self.written)).map_err(io::Error::other)?;
        self.to.send(text).map_err(io::Error::other)
    }
}
