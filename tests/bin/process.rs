//! Another process on the same file, which the tests start.
//!
//! - `write <url> <name> <seed>` writes until it is killed, and prints a line for each acknowledgement
//! - `project <url> <seed>` writes and projects until it is killed, and prints a line for each step
//! - `send <url> <broker> <owner>` opens an account, whose saga sends to another service, and says when that has ended
//! - `serve <url> <seconds>` answers each line of its input with one line; see [`answer`]; so long is its lease term
//!
//! A failure is printed as a line that starts with `failed` and ends the process.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use newton::domain::{Clock, NewEvent, SystemClock};
use newton::muon::Muon;
use newton::muon::discovery::AmqpDiscovery;
use newton::muon::transport::{AmqpOptions, AmqpTransport};
use newton::repository::ExecuteError;
use newton::store::{Append, Expect, StateKey, StateWrite, Stores, open};
use newton::subscription::Lease;
use newton::{App, CommandId, ErrorKind, ExpectedVersion, Newton, Payload, StreamName, Version};
use newton_tests::acknowledged::{Acknowledged, Part};
use newton_tests::bank::{self, Account, deposit};
use newton_tests::ledger;
use newton_tests::random::Random;
use newton_tests::vaults::{Welcome, for_ever};
use newton_tests::workload::Workload;
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match words[..] {
        ["write", url, name, seed] => write(url, name, seed).await,
        ["serve", url, seconds] => serve(url, seconds).await,
        ["project", url, seed] => project(url, seed).await,
        ["send", url, broker, owner] => send(url, broker, owner).await,
        _ => Err("use `write <url> <name> <seed>`, `serve <url> <seconds>`, `project <url> <seed>` or `send <url> <broker> <owner>`"
            .into()),
    };
    if let Err(failure) = ended {
        tell(&format!("failed: {failure}"));
        std::process::exit(1);
    }
}

/// Prints a line at once; ends the process where nobody listens any more.
fn tell(line: &str) {
    if std::io::stdout().lock().write_all(format!("{line}\n").as_bytes()).is_err() {
        std::process::exit(1);
    }
}

async fn write(url: &str, name: &str, seed: &str) -> Result<(), Failure> {
    let random = Random::new(seed.parse()?);
    let workload = Workload::new(name, open(url).await?, |ack| tell(&ack.to_string())).await?;
    Err(workload.run(random).await.into())
}

async fn project(url: &str, seed: &str) -> Result<(), Failure> {
    Ok(ledger::run(url, Random::new(seed.parse()?), tell).await?)
}

async fn send(url: &str, broker: &str, owner: &str) -> Result<(), Failure> {
    let muon = Muon::builder("sender")
        .transport(AmqpTransport::new(broker, AmqpOptions::default())?)
        .discovery(AmqpDiscovery::new(broker, AmqpOptions::default())?)
        .start()
        .await?;
    let app = Newton::builder().store(url).only::<(Account, Welcome)>().muon(muon);
    let app = app.retry_saga_commands(for_ever()).start().await?;
    app.execute("ada", bank::open(owner)).command_id("open").await?;
    app.saga::<Welcome>(owner).ended(Duration::from_mins(2)).await?;
    tell("ended");
    Ok(())
}

async fn serve(url: &str, seconds: &str) -> Result<(), Failure> {
    let stores = open(url).await?;
    let term = Duration::from_secs(seconds.parse()?);
    let builder = Newton::builder().stores(stores.clone()).only::<Account>().service("other");
    let app = builder.lease_term(term).start().await?;
    let mut leases = HashMap::new();
    tell("ready");
    for line in std::io::stdin().lock().lines() {
        tell(&answer(&stores, &app, &mut leases, &line?).await?);
    }
    Ok(())
}

/// - `append <stream> <type> <event id> <expected version or any>` appends one event
/// - `command <account> <command id>` deposits 1
/// - `deposit <account> <tasks> <times>` deposits 1 so many times in each of so many tasks, however long it takes
/// - `lease <name>` acquires a lease and keeps it
/// - `fenced <name> <key>` writes a state record by that lease
async fn answer(
    stores: &Stores,
    app: &App,
    leases: &mut HashMap<String, Lease>,
    request: &str,
) -> Result<String, Failure> {
    match request.split(' ').collect::<Vec<_>>()[..] {
        ["append", stream, event_type, id, expected] => {
            append(stores, stream, event_type, id, expected).await
        }
        ["command", account, id] => {
            let receipt = app.execute(account, deposit(1)).command_id(id).await?;
            Ok(format!("receipt {} {} {}", receipt.version, receipt.order_id, receipt.duplicate))
        }
        ["deposit", account, tasks, times] => {
            let (tasks, times): (u32, u32) = (tasks.parse()?, times.parse()?);
            let mut depositors = JoinSet::new();
            for _ in 0..tasks {
                depositors.spawn(deposit_times(app.clone(), Arc::from(account), times));
            }
            depositors.join_all().await.into_iter().collect::<Result<(), Failure>>()?;
            Ok("done".to_owned())
        }
        ["lease", name] => {
            let lease = app.lease(name).await?;
            let epoch = lease.epoch();
            leases.insert(name.to_owned(), lease);
            Ok(format!("epoch {epoch}"))
        }
        ["fenced", name, key] => fenced(leases.get(name).ok_or("acquire it first")?, key).await,
        _ => Err(format!("`{request}` is no request").into()),
    }
}

async fn append(
    stores: &Stores,
    stream: &str,
    event_type: &str,
    id: &str,
    expected: &str,
) -> Result<String, Failure> {
    let stream = StreamName::parse(stream)?;
    let expected = match expected {
        "any" => ExpectedVersion::Any,
        version => Version(version.parse()?).into(),
    };
    let event = NewEvent { id: id.into(), ..NewEvent::new(event_type, Payload::of(&1)?) };
    let ids = [event.id.clone()];
    let append = Append::to(stream.clone(), expected, vec![event], SystemClock.now());
    match stores.events.append(append).await {
        Ok(appended) => {
            let part = Part::of_events(&stream, appended.versions[0].0, &ids);
            let told = Acknowledged::Appended { order_id: appended.order_id.0, parts: vec![part] };
            Ok(told.to_string())
        }
        Err(error) => match error.kind() {
            ErrorKind::Conflict { actual, .. } => Ok(format!("conflict {actual}")),
            _ => Err(error.into()),
        },
    }
}

async fn fenced(lease: &Lease, key: &str) -> Result<String, Failure> {
    let write = StateWrite { key: StateKey::new("test", key), expect: Expect::Any, value: Some("1".into()) };
    match lease.write(vec![write]).await {
        Ok(()) => Ok("written".to_owned()),
        Err(error) if *error.kind() == (ErrorKind::StateConflict { key: lease.key() }) => {
            Ok("lost".to_owned())
        }
        Err(error) => Err(error.into()),
    }
}

async fn deposit_times(app: App, account: Arc<str>, times: u32) -> Result<(), Failure> {
    for _ in 0..times {
        let id = CommandId::generate();
        loop {
            match app.execute(&account, deposit(1)).command_id(id.clone()).await {
                Ok(_) => break,
                Err(ExecuteError::Failed(error)) if matches!(error.kind(), ErrorKind::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}
