//! One process of the published client, and the lines it prints.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use newton::muon::Muon;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

use crate::amqp::{discovery, guarded, transport};
use crate::service::Service;
use crate::trial::Places;

/// A driver of `tests/interop/drivers` that is running. Dropping it ends it.
pub(super) struct Driver {
    child: Child,
    lines: UnboundedReceiver<Value>,
    command: String,
    /// Its own name as a service.
    pub(super) service: String,
}

impl Driver {
    /// Starts a driver under a service name that nobody else has.
    pub(super) fn start(places: &Places, name: &str, arguments: &[&str]) -> Self {
        Self::named(places, name, &format!("{name}-{}", Uuid::new_v4()), arguments)
    }

    /// Starts a driver as a service of this name.
    pub(super) fn named(places: &Places, name: &str, service: &str, arguments: &[&str]) -> Self {
        answer_requests(places);
        Self::over(places.of_service(Service::RabbitMq), places, name, service, arguments)
    }

    /// Starts a driver that reaches the broker at this URL.
    pub(super) fn over(url: &str, places: &Places, name: &str, service: &str, arguments: &[&str]) -> Self {
        let script = format!("{}/drivers/{name}.js", places.of_service(Service::MuonClient));
        let mut child = Command::new("node")
            .args([&*script, "--service", service])
            .args(arguments)
            .env("NEWTON_AMQP_URL", url)
            .env("NODE_NO_WARNINGS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node on the path");
        let (sender, lines) = unbounded_channel();
        let output = child.stdout.take().expect("an output");
        thread::spawn(move || read(output, &sender));
        let command =
            format!("a line of {name} {}", arguments.join(" ").chars().take(200).collect::<String>());
        Self { child, lines, command, service: service.to_owned() }
    }

    /// A server's driver, once it can be found.
    pub(super) async fn serving(places: &Places, name: &str, arguments: &[&str]) -> Self {
        Self::start(places, name, arguments).ready().await
    }

    /// Itself, once it has said that it is ready.
    pub(super) async fn ready(mut self) -> Self {
        assert_eq!(self.line().await["ready"], true, "{}", self.command);
        self
    }

    /// The next line it prints.
    pub(super) async fn line(&mut self) -> Value {
        let line = guarded(self.lines.recv()).await;
        line.expect(&self.command)
    }

    /// Gives it a line to read.
    pub(super) fn tell(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("an input");
        input.write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    /// All further lines, up to its end. A server ends with its input, which ends here.
    pub(super) async fn rest(mut self) -> Vec<Value> {
        drop(self.child.stdin.take());
        let mut lines = Vec::new();
        while let Some(line) = guarded(self.lines.recv()).await {
            lines.push(line);
        }
        let status = self.child.wait().expect("a status");
        assert!(status.success(), "{}: ended with {status}: {lines:?}", self.command);
        lines
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // One that has ended by itself can't be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service that runs as long as this process does, and tells each client who is there: one that nobody answers waits 5.5 s.
fn answer_requests(places: &Places) {
    static ANSWERS: OnceLock<(Runtime, Muon)> = OnceLock::new();
    ANSWERS.get_or_init(|| {
        let (transport, discovery) = (transport(places), discovery(places));
        // On a runtime of its own, for that of a trial ends with the trial.
        let start = move || {
            let runtime = Runtime::new().expect("a runtime");
            let builder = Muon::builder("interop-answers").transport(transport).discovery(discovery);
            let muon = runtime.block_on(builder.start()).expect("it starts");
            (runtime, muon)
        };
        thread::spawn(start).join().expect("it starts")
    });
}

fn read(output: ChildStdout, lines: &UnboundedSender<Value>) {
    for line in BufReader::new(output).lines() {
        let line = line.expect("text");
        let value = serde_json::from_str(&line).expect(&line);
        if lines.send(value).is_err() {
            return;
        }
    }
}

/// What each of the lines has under a name, of those that have it.
pub(super) fn values(lines: &[Value], name: &str) -> Vec<Value> {
    lines.iter().filter_map(|line| line.get(name)).cloned().collect()
}
