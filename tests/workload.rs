//! Writers for the crash tests: they append and write state until something fails, and tell what is acknowledged.

use std::sync::Arc;

use newton::domain::{Clock, NewEvent, SystemClock, Tag};
use newton::repository::ExecuteError;
use newton::store::{Append, Expect, Load, StateKey, StateWrite, Stores, StreamAppend};
use newton::{
    App, CommandId, Error, ErrorKind, ExpectedVersion, Metadata, Newton, Payload, StreamName, Version,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::acknowledged::{Acknowledged, Part};
use crate::bank::{Account, AccountCommand, deposit, open, withdraw};
use crate::random::Random;

/// The space of the state records.
pub const SPACE: &str = "crash";

/// The stream to which all writers append.
pub const SHARED: &str = "log/Index/all";

/// A command id, or an id for the metadata, that says how many events its append has: `3-` and something unique.
pub fn sized_id(events: usize) -> CommandId {
    CommandId::from(format!("{events}-{}", Uuid::new_v4()))
}

/// How many events the append has that carries this id.
pub fn size_of(id: &CommandId) -> Option<usize> {
    id.to_string().split_once('-')?.0.parse().ok()
}

/// A set of concurrent writers to one store.
#[derive(Clone)]
pub struct Workload {
    name: String,
    stores: Stores,
    app: App,
    told: Arc<dyn Fn(Acknowledged) + Send + Sync>,
}

impl Workload {
    /// Writers whose streams carry `name`, which no other writer of the file has at the same time; a later one may.
    ///
    /// `told` gets each acknowledgement, before the writer goes on.
    ///
    /// # Errors
    /// Where the app does not start.
    pub async fn new(
        name: &str,
        stores: Stores,
        told: impl Fn(Acknowledged) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let app = Newton::builder().stores(stores.clone()).only::<Account>().service("crash").start().await?;
        Ok(Self { name: name.to_owned(), stores, app, told: Arc::new(told) })
    }

    /// Writes until every task has failed, and gives the first failure. Accounts are worked on by two tasks each.
    pub async fn run(self, mut random: Random) -> Error {
        let mut tasks = JoinSet::new();
        for task in 0..4 {
            tasks.spawn(self.clone().bank(task % 2, random.fork()));
        }
        for task in 0..3 {
            tasks.spawn(self.clone().journal(task, random.fork()));
        }
        tasks.spawn(self.clone().state());
        let first = tasks.join_next().await.expect("there are tasks").expect("no task panics");
        tasks.join_all().await;
        first
    }

    async fn bank(self, number: u64, mut random: Random) -> Error {
        let (own, shared) = (format!("{}-{number}", self.name), "shared");
        loop {
            let outcome = match random.below(8) {
                0 => self.execute(&own, open("Ada"), 1).await,
                1 => self.execute(shared, open("Bob"), 1).await,
                2 | 3 => self.execute(&own, deposit(3), 1).await,
                4 | 5 => self.execute(&own, AccountCommand::DepositAll { amounts: vec![1, 2, 3] }, 3).await,
                6 => self.execute(shared, deposit(1), 1).await,
                _ => self.transfer(&own, shared).await,
            };
            if let Err(error) = outcome {
                return error;
            }
        }
    }

    async fn execute(&self, account: &str, command: AccountCommand, events: usize) -> Result<(), Error> {
        let executed = self.app.execute(account, command).command_id(sized_id(events)).await;
        self.tell(executed, |receipt| Acknowledged::command(receipt, account))
    }

    async fn transfer(&self, from: &str, to: &str) -> Result<(), Error> {
        let commands = self.app.together().execute(from, withdraw(1)).execute(to, deposit(1));
        self.tell(commands.command_id(sized_id(2)).await, |receipt| {
            Acknowledged::together(receipt, &[from, to])
        })
    }

    /// A rejection, or a conflict with the other process that lasted, is an answer too.
    fn tell<R>(
        &self,
        executed: Result<newton::Receipt, ExecuteError<R>>,
        acknowledged: impl Fn(&newton::Receipt) -> Acknowledged,
    ) -> Result<(), Error> {
        match executed {
            Ok(receipt) => (self.told)(acknowledged(&receipt)),
            Err(ExecuteError::Failed(error)) if !matches!(error.kind(), ErrorKind::Conflict { .. }) => {
                return Err(error);
            }
            Err(_) => {}
        }
        Ok(())
    }

    async fn journal(self, number: u64, mut random: Random) -> Error {
        let journal = stream(&format!("log/Journal/{}-{number}", self.name));
        let load = Load { stream: journal.clone(), after: Version::EMPTY, limit: 1 };
        let mut version = match self.stores.events.load(load).await {
            Ok(slice) => slice.version,
            Err(error) => return error,
        };
        loop {
            match self.append(&journal, version, &mut random).await {
                Ok(reached) => version = reached,
                Err(error) => return error,
            }
        }
    }

    /// Appends some events behind a known version, and one to the shared stream, with them or alone.
    async fn append(
        &self,
        journal: &StreamName,
        version: Version,
        random: &mut Random,
    ) -> Result<Version, Error> {
        let count = usize::try_from(random.below(5)).unwrap_or(0);
        let mut events = self.events(count + 1, random)?;
        let indexed = vec![events.remove(0)];
        let expected = ExpectedVersion::Any;
        let mut streams = vec![StreamAppend { stream: stream(SHARED), expected, events: indexed }];
        if count > 0 {
            streams.push(StreamAppend { stream: journal.clone(), expected: version.into(), events });
        }
        let ids = |part: &StreamAppend| part.events.iter().map(|event| event.id.clone()).collect();
        let told: Vec<(StreamName, Vec<_>)> =
            streams.iter().map(|part| (part.stream.clone(), ids(part))).collect();
        let append = Append { streams, condition: None, time: SystemClock.now() };
        let appended = self.stores.events.append(append).await?;
        let parts = told.iter().zip(&appended.versions);
        let parts = parts.map(|((stream, ids), version)| Part::of_events(stream, version.0, ids)).collect();
        (self.told)(Acknowledged::Appended { order_id: appended.order_id.0, parts });
        Ok(appended.versions.get(1).copied().unwrap_or(version))
    }

    /// The events of one append.
    fn events(&self, count: usize, random: &mut Random) -> Result<Vec<NewEvent>, Error> {
        let metadata = Arc::new(Metadata { command_id: Some(sized_id(count)), ..Metadata::default() });
        let event = |_| {
            let payload = Payload::of(&"x".repeat(usize::try_from(random.below(10_000)).unwrap_or(0)))?;
            let tags = vec![Tag::new("writer", &*self.name)];
            Ok(NewEvent { tags, metadata: Arc::clone(&metadata), ..NewEvent::new("Noted", payload) })
        };
        (0..count).map(event).collect()
    }

    async fn state(self) -> Error {
        let keys = [format!("{}-a", self.name), format!("{}-b", self.name)];
        loop {
            if let Err(error) = self.write_state(&keys).await {
                return error;
            }
        }
    }

    /// Raises the number under both keys, which expect each other's revision of the last time.
    async fn write_state(&self, keys: &[String; 2]) -> Result<(), Error> {
        let (mut batch, mut value) = (Vec::new(), 0);
        for key in keys {
            let key = StateKey::new(SPACE, key.as_str());
            let record = self.stores.state.get(&key).await?;
            let expect = record.as_ref().map_or(Expect::Absent, |record| Expect::Revision(record.revision));
            value = record.and_then(|record| number(&record.value)).unwrap_or(0) + 1;
            batch.push((key, expect));
        }
        let write = |(key, expect)| StateWrite { key, expect, value: Some(value.to_string().into()) };
        let batch = batch.into_iter().map(write);
        self.stores.state.write(batch.collect()).await?;
        (self.told)(Acknowledged::Written { keys: keys.to_vec(), value });
        Ok(())
    }
}

/// The number in a state record.
pub fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn stream(name: &str) -> StreamName {
    StreamName::parse(name).expect("the name is valid")
}
