//! That the command line works over a real broker, as people and scripts start it.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::interop::alone;
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(crate) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "command_line": [
        a_served_store_takes_events_and_gives_them_back,
        a_served_store_is_found_and_tells_what_it_offers,
        refusals_and_absences_are_told_apart,
        a_hot_replay_sees_what_is_emitted_and_ends_by_a_signal,
        a_replay_goes_on_after_its_store_was_killed,
        a_store_that_is_served_again_has_its_events,
    ])
}

async fn a_served_store_takes_events_and_gives_them_back(places: Places) {
    let _alone = alone().await;
    let server = Server::start(&places, &[]);
    let stored = server.json(&["emit", "users", "UserBorn", r#"{"name":"Zoë"}"#]);
    assert_eq!(stored[0]["stream-name"], "users");
    let lines: Vec<_> = (0..500).map(|number| format!("{{\"n\":{number}}}")).collect();
    let fed = server.fed(lines.join("\n").as_bytes(), &["emit", "numbers", "Counted"]);
    assert_eq!(fed.status.code(), Some(0), "{}", text(&fed.stderr));

    let replayed = server.json(&["replay", "numbers"]);
    let numbers: Vec<_> = replayed.iter().map(|event| event["payload"]["n"].as_u64()).collect();
    assert_eq!(numbers, (0..500).map(Some).collect::<Vec<_>>());
    assert_eq!(server.json(&["replay", "users"])[0]["payload"], json!({"name": "Zoë"}));
    let from = replayed[400]["order-id"].to_string();
    assert_eq!(server.json(&["replay", "numbers", "--from", &from, "--limit", "7"]), replayed[400..407]);

    let table = server.run(&["replay", "users"]);
    let table = text(&table.stdout);
    assert!(table.starts_with("ORDER") && table.contains("UserBorn"), "{table}");
}

async fn a_served_store_is_found_and_tells_what_it_offers(places: Places) {
    let _alone = alone().await;
    let server = Server::start(&places, &[]);
    let found = server.json(&["discover", "--tag", "eventstore"]);
    let own = found.iter().find(|service| service["identifier"] == *server.name).expect("the store");
    let urls = own["connectionUrls"].as_array().expect("a list");
    assert!(!urls.is_empty() && urls.iter().all(|url| !url.to_string().contains('@')), "{own}");

    let offers = server.json(&["introspect", &server.name]);
    assert_eq!(offers[0]["serviceName"], *server.name);
    let stats = server.json(&["rpc", &server.name, "/stats"]);
    assert_eq!((&stats[0]["status"], &stats[0]["body"]["events"]), (&json!(200), &json!(0)));
    let items = server.json(&["stream", &server.name, "/stream", "stream-name=users", "stream-type=cold"]);
    assert!(items.is_empty());
}

async fn refusals_and_absences_are_told_apart(places: Places) {
    let _alone = alone().await;
    let folder = TempDir::new().expect("a folder");
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, "right\n").expect("a file");
    let tokens = tokens.to_str().expect("a path in UTF-8");
    let server = Server::start(&places, &["--token-file", tokens]);

    let ends: [(&[&str], i32); 6] = [
        (&["emit", "users", "UserBorn", "{}", "--token-file", tokens], 0),
        (&["emit", "users", "UserBorn", "{}"], 1),
        (&["replay", "users"], 1),
        (&["rpc", &server.name, "/stream/delete", r#"{"name":"users"}"#, "--token-file", tokens], 1),
        (&["rpc", &server.name, "/nothing"], 4),
        (&["introspect", "no-such-service"], 4),
    ];
    for (arguments, code) in ends {
        let ended = server.run(arguments);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {}", text(&ended.stderr));
        assert_eq!(ended.stderr.is_empty(), code == 0, "{arguments:?}");
    }
}

async fn a_hot_replay_sees_what_is_emitted_and_ends_by_a_signal(places: Places) {
    let _alone = alone().await;
    let server = Server::start(&places, &[]);
    server.json(&["emit", "users", "UserBorn", "1"]);
    let mut replay = server.command(&["replay", "users", "--hot-cold", "--json"]);
    let mut replay = Running::start(replay.stdout(Stdio::piped()));
    let mut events = replay.lines();
    assert_eq!(event(&mut events)["payload"], 1);
    server.json(&["emit", "users", "UserBorn", "2"]);
    assert_eq!(event(&mut events)["payload"], 2);
    assert_eq!(replay.end_by("INT"), Some(130));
}

async fn a_replay_goes_on_after_its_store_was_killed(places: Places) {
    let _alone = alone().await;
    let mut server = Server::start(&places, &[]);
    server.json(&["emit", "users", "UserBorn", "1"]);
    let mut replay = server.command(&["replay", "users", "--hot-cold", "--limit", "3", "--json"]);
    replay.args(["--reconnect", "600"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut replay = Running(replay.spawn().expect("a process"));
    let mut events = replay.lines();
    assert_eq!(event(&mut events)["payload"], 1);
    assert_eq!(server.process.end_by("KILL"), None);

    let server = server.again(&[]);
    for payload in ["2", "3"] {
        server.json(&["emit", "users", "UserBorn", payload]);
    }
    assert_eq!([event(&mut events)["payload"].clone(), event(&mut events)["payload"].clone()], [2, 3]);
    assert!(events.next().is_none(), "it ends");
    let notes = std::io::read_to_string(replay.0.stderr.take().expect("its notes")).expect("UTF-8");
    assert_eq!(notes.lines().count(), 2, "{notes}");
    assert!(notes.lines().all(|line| line.starts_with("note: ")), "{notes}");
    assert_eq!(replay.0.wait().expect("its end").code(), Some(0));
}

async fn a_store_that_is_served_again_has_its_events(places: Places) {
    let _alone = alone().await;
    let mut server = Server::start(&places, &[]);
    server.json(&["emit", "users", "UserBorn", "1"]);
    assert_eq!(server.process.end_by("TERM"), Some(0));
    let gone = server.run(&["replay", "users"]);
    assert_eq!(gone.status.code(), Some(4), "{}", text(&gone.stderr));

    let mut again = server.again(&[]);
    assert_eq!(again.json(&["replay", "users"]).len(), 1);
    assert_eq!(again.process.end_by("INT"), Some(0));
}

/// `newton serve`, ready.
pub(crate) struct Server {
    url: String,
    pub(crate) name: String,
    pub(crate) folder: TempDir,
    pub(crate) process: Running,
}

impl Server {
    pub(crate) fn start(places: &Places, options: &[&str]) -> Self {
        let name = format!("events-{}", Uuid::new_v4());
        Self::over(places.of_service(Service::RabbitMq), name, TempDir::new().expect("a folder"), options)
    }

    /// The same store, served once more.
    pub(crate) fn again(self, options: &[&str]) -> Self {
        Self::over(&self.url, self.name, self.folder, options)
    }

    fn over(url: &str, name: String, folder: TempDir, options: &[&str]) -> Self {
        let store = store_in(folder.path());
        let mut command = newton(url);
        let log = File::options().create(true).append(true).open(log_in(folder.path())).expect("a file");
        // A page cache that is soon full, so that what grows is held by the service.
        let small = format!("{store}?cache_bytes=1048576");
        command.args(["serve", "--store", &small, "--name", &name]).args(options);
        command.stdout(Stdio::piped()).stderr(log);
        let mut process = Running::start(&mut command);
        let ready = process.lines().next().expect("a line").expect("UTF-8");
        assert_eq!(ready, format!("serving {store} as {name}"));
        Self { url: url.to_owned(), name, folder, process }
    }

    /// What it has told on standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(log_in(self.folder.path())).expect("a file")
    }

    /// A command that talks to this store, as far as it chooses one.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = newton(&self.url);
        command.args(arguments);
        if matches!(arguments[0], "emit" | "replay") {
            command.args(["--service", &self.name]);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).stdin(Stdio::null()).output().expect("a process");
        self.assert_no_credentials(&output);
        output
    }

    fn fed(&self, input: &[u8], arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("a process");
        process.stdin.take().expect("its input").write_all(input).expect("a reader");
        process.wait_with_output().expect("its end")
    }

    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    fn assert_no_credentials(&self, output: &Output) {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        let Some((credentials, _)) = rest.rsplit_once('@') else { return };
        for written in [&output.stdout, &output.stderr] {
            assert!(!text(written).contains(credentials), "credentials: {}", text(written));
        }
    }
}

/// A process that does not outlive its trial.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("a process"))
    }

    /// Its output, which can be had once.
    pub(crate) fn lines(&mut self) -> std::io::Lines<BufReader<ChildStdout>> {
        BufReader::new(self.0.stdout.take().expect("its output")).lines()
    }

    /// The memory that it holds now, without what is mapped of files, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        self.kibibytes("RssAnon:")
    }

    /// The most memory that it ever held, in KiB.
    pub(crate) fn most_memory(&self) -> u64 {
        self.kibibytes("VmHWM:")
    }

    fn kibibytes(&self, of: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(of)).expect("a size");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Its exit code after this signal.
    pub(crate) fn end_by(&mut self, signal: &str) -> Option<i32> {
        let kill = Command::new("kill").args(["-s", signal, &self.0.id().to_string()]).status();
        assert!(kill.expect("kill on the path").success());
        self.0.wait().expect("its end").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn newton(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_newton-tests-newton"));
    command.env("NEWTON_AMQP_URL", url);
    command
}

fn store_in(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("events.db").display())
}

fn log_in(folder: &Path) -> PathBuf {
    folder.join("log")
}

fn event(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Value {
    let line = lines.next().expect("a line").expect("UTF-8");
    serde_json::from_str(&line).expect("JSON")
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}
