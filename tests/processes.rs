//! Two processes on one file keep every promise, and each sees what the other appends.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use newton::domain::{Clock, NewEvent, Query, SystemClock};
use newton::store::{Append, Appended, EventStore, EventStoreExt, Read, Selection};
use newton::{CommandId, ErrorKind, ExpectedVersion, OrderId, Payload, Result, StreamName, Version};
use newton_tests::Given;
use newton_tests::acknowledged::Acknowledged;
use newton_tests::bank::{Account, deposit, open};
use tokio::task::JoinSet;

/// Another process on the file, which answers requests. Dropping it ends it.
pub(crate) struct Other {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Other {
    pub(crate) fn start(given: &Given) -> Self {
        Self::with_lease_term(given, 3)
    }

    pub(crate) fn with_lease_term(given: &Given, seconds: u64) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_newton-tests-process"))
            .args(["serve", given.url(), &seconds.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the other process starts");
        let requests = process.stdin.take().expect("its input is piped");
        let answers = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut other = Self { process, requests, answers };
        assert_eq!(other.answer(), "ready");
        other
    }

    fn request(&mut self, request: &str) {
        writeln!(self.requests, "{request}").expect("the other process listens");
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the other process answers");
        assert!(!line.starts_with("failed") && !line.is_empty(), "the other process {line}");
        line.trim_end().to_owned()
    }

    pub(crate) fn ask(&mut self, request: &str) -> String {
        self.request(request);
        self.answer()
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Has it append one event; gives the order id and the version.
    pub(crate) fn append(&mut self, stream: &str, event_type: &str) -> (u64, u64) {
        let id = newton::domain::EventId::generate();
        let answer = self.ask(&format!("append {stream} {event_type} {id} any"));
        match answer.parse() {
            Ok(Acknowledged::Appended { order_id, parts }) => (order_id, parts[0].version.unwrap()),
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn stream(name: &str) -> StreamName {
    StreamName::parse(name).unwrap()
}

async fn append(
    given: &Given,
    name: &str,
    event_type: &'static str,
    expected: ExpectedVersion,
) -> Result<Appended> {
    let events = vec![NewEvent::new(event_type, Payload::of(&1)?)];
    given.stores.events.append(Append::to(stream(name), expected, events, SystemClock.now())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_sees_what_the_other_process_appends() {
    let given = Given::sqlite().await;
    let mut other = Other::start(&given);
    let mut head = given.stores.events.head().await.unwrap();
    let mut delays = Vec::new();
    for _ in 0..50 {
        let before = head.current();
        other.request(&format!("append log/a Noted {} any", newton::domain::EventId::generate()));
        let seen = tokio::time::timeout(Duration::from_mins(1), head.beyond(before)).await;
        let (seen, now) = (seen.expect("the append is seen").unwrap(), SystemClock.now());
        // The recorded time is taken before the append, so that its commit is in the delay.
        let read = Read::of(Selection::All).from(newton::store::Position::OrderId(seen));
        let events = given.stores.events.read_all(read).await.unwrap();
        assert_eq!((events.len(), events[0].order_id), (1, seen));
        delays.push((now - events[0].time).num_microseconds().unwrap());
        other.answer();
    }
    delays.sort_unstable();
    let (median, longest) = (delays[delays.len() / 2], delays[delays.len() - 1]);
    println!(
        "from append to wake across processes: median {median} us, longest {longest} us of {}",
        delays.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_and_order_ids_go_on_behind_the_other_process() {
    let given = Given::sqlite().await;
    let mut other = Other::start(&given);
    for turn in 0..20 {
        let own = append(&given, "log/a", "Noted", ExpectedVersion::Any).await.unwrap();
        assert_eq!((own.order_id, own.versions), (OrderId(2 * turn + 1), vec![Version(2 * turn + 1)]));
        assert_eq!(other.append("log/a", "Noted"), (2 * turn + 2, 2 * turn + 2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_expected_version_names_what_the_other_process_did() {
    let given = Given::sqlite().await;
    let mut other = Other::start(&given);
    append(&given, "log/a", "Noted", ExpectedVersion::NoStream).await.unwrap();
    other.append("log/a", "Noted");
    let error = append(&given, "log/a", "Noted", Version(1).into()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conflict { actual: Version(2), .. }), "{error}");
    append(&given, "log/a", "Noted", Version(2).into()).await.unwrap();
    assert_eq!(other.ask("append log/a Noted e-9 2"), "conflict 3");
    assert_eq!(other.ask("append log/a Noted e-9 3"), "appended 4 log/a 4 e-9");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_takes_effect_once_in_both_processes() {
    let given = Given::sqlite().await;
    let mut other = Other::start(&given);
    let app = given.app().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    for _ in 0..20 {
        let id = CommandId::generate();
        other.request(&format!("command acc-1 {id}"));
        let receipt = app.execute("acc-1", deposit(1)).command_id(id).await.unwrap();
        let theirs = format!("receipt {} {} {}", receipt.version, receipt.order_id, !receipt.duplicate);
        assert_eq!(other.answer(), theirs, "both get the first receipt, and one of them is the first");
    }
    assert_eq!(app.load::<Account>("acc-1").await.unwrap().unwrap().version, Version(21));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_deposit_is_lost_or_made_twice() {
    let given = Given::sqlite().await;
    let mut other = Other::start(&given);
    let app = given.app().start().await.unwrap();
    for account in ["shared", "own", "theirs"] {
        app.execute(account, open("Ada")).await.unwrap();
    }
    other.request("deposit shared 4 50");
    other.request("deposit theirs 4 20");
    let mut tasks = JoinSet::new();
    for account in ["shared", "own"] {
        for _ in 0..4 {
            tasks.spawn(deposit_50(app.clone(), account));
        }
    }
    tasks.join_all().await;
    assert_eq!((other.answer(), other.answer()), ("done".to_owned(), "done".to_owned()));
    for (account, balance) in [("shared", 400), ("own", 200), ("theirs", 80)] {
        let loaded = app.load::<Account>(account).await.unwrap().unwrap();
        assert_eq!((loaded.state.balance, loaded.version.0), (balance, balance + 1), "{account}");
    }
}

async fn deposit_50(app: newton::App, account: &'static str) {
    for _ in 0..50 {
        let id = CommandId::generate();
        loop {
            let outcome = app.execute(account, deposit(1)).command_id(id.clone()).await;
            let Err(error) = outcome else { break };
            let kind = error.failure().map(newton::Error::kind);
            assert!(matches!(kind, Some(ErrorKind::Conflict { .. })), "{error}");
        }
    }
}

/// Each process numbers new names, and uses the numbers of the other's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_names_mean_the_same_in_both_processes() {
    let given = Given::sqlite().await;
    let mut other = Other::start(&given);
    let types = ["TypeA", "TypeB", "TypeC", "TypeD", "TypeE", "TypeF"];
    for (index, event_type) in types.into_iter().enumerate() {
        // The two take turns in who is the first to use a name.
        if index % 2 == 0 {
            other.append("first/a", event_type);
            append(&given, "second/b", event_type, ExpectedVersion::Any).await.unwrap();
        }
        append(&given, "first/a", event_type, ExpectedVersion::Any).await.unwrap();
        other.append("second/b", event_type);
        other.append("first/c", event_type);
    }
    let store = &given.stores.events;
    for domain in ["first", "second"] {
        let names = store.event_types(&stream(domain)).await.unwrap();
        assert_eq!(names, types);
    }
    for (index, event_type) in types.into_iter().enumerate() {
        let read = Read::of(Selection::All).matching(Query::types([event_type]));
        let events = store.read_all(read).await.unwrap();
        assert_eq!(events.len(), if index % 2 == 0 { 5 } else { 3 }, "{event_type}");
        assert!(events.iter().all(|event| event.event_type == event_type));
    }
}
