//! Code that changed under running instances.
#![allow(
    clippy::unused_self,
    clippy::needless_pass_by_value,
    reason = "the shapes of `decide` and `evolve` are given"
)]

use newton::prelude::*;
use newton::saga::SagaStatus;
use newton_tests::{Given, over_every_store};

use super::script::{LIMIT, until};

over_every_store!(an_older_state_is_read_through_its_upcasts, a_state_that_cannot_be_read_parks_its_instance,);

#[derive(Event, Clone, Debug)]
enum Counted {
    Up {
        #[tag]
        counter: String,
    },
}

#[derive(Command, Clone, Debug)]
enum CounterCommand {
    Up { counter: String },
}

#[derive(Rejection, Debug)]
enum CounterError {
    Never,
}

#[derive(Aggregate, Clone, Debug, Default)]
#[aggregate(context = "versions", event = Counted)]
struct Counter;

impl Counter {
    fn decide(&self, command: CounterCommand) -> Result<Counted, CounterError> {
        let CounterCommand::Up { counter } = command;
        if counter.is_empty() { Err(CounterError::Never) } else { Ok(Counted::Up { counter }) }
    }

    fn evolve(&mut self, _: &Counted) {}
}

mod first {
    use super::*;

    #[derive(Saga, Clone, Debug, Default, PartialEq)]
    #[saga(context = "versions", key = "counter", starts_on(Counted), handles(Counted))]
    pub(super) struct Watch {
        pub(super) seen: u32,
    }

    impl On<Counted> for Watch {
        fn on(&mut self, _: &Counted, _: &mut Flow) -> Result<()> {
            self.seen += 1;
            Ok(())
        }
    }
}

mod second {
    use super::*;

    #[derive(Saga, Clone, Debug, Default, PartialEq)]
    #[saga(
        context = "versions",
        key = "counter",
        starts_on(Counted),
        handles(Counted),
        version = 2,
        upcast(1 => renamed)
    )]
    pub(super) struct Watch {
        pub(super) times: u64,
        pub(super) unit: String,
    }

    fn renamed(old: serde_json::Value) -> serde_json::Value {
        serde_json::json!({ "times": old["seen"], "unit": "times" })
    }

    impl On<Counted> for Watch {
        fn on(&mut self, _: &Counted, flow: &mut Flow) -> Result<()> {
            self.times += 1;
            if self.times == 3 {
                flow.end();
            }
            Ok(())
        }
    }
}

async fn up(app: &newton::App) {
    app.execute("c", CounterCommand::Up { counter: "c".to_owned() }).await.unwrap();
}

async fn an_older_state_is_read_through_its_upcasts(given: Given) {
    let app = given.app().only::<(Counter, first::Watch)>().start().await.unwrap();
    up(&app).await;
    up(&app).await;
    let seen = async || app.saga::<first::Watch>("c").state().await.unwrap();
    until(async || seen().await == Some(first::Watch { seen: 2 })).await;
    drop(app);
    let app = given.app().only::<(Counter, second::Watch)>().start().await.unwrap();
    let state = app.saga::<second::Watch>("c").state().await.unwrap().unwrap();
    assert_eq!((state.times, &*state.unit), (2, "times"));
    up(&app).await;
    assert_eq!(app.saga::<second::Watch>("c").ended(LIMIT).await.unwrap(), SagaStatus::Ended);
}

async fn a_state_that_cannot_be_read_parks_its_instance(given: Given) {
    let app = given.app().only::<(Counter, second::Watch)>().start().await.unwrap();
    up(&app).await;
    until(async || app.saga::<second::Watch>("c").state().await.unwrap().is_some()).await;
    drop(app);
    // A program that is set back to the old code.
    let app = given.app().only::<(Counter, first::Watch)>().start().await.unwrap();
    up(&app).await;
    until(async || app.parked_of::<first::Watch>().await.unwrap().len() == 1).await;
    let cause = app.parked_of::<first::Watch>().await.unwrap()[0].events[0].cause.clone().unwrap();
    assert!(cause.contains("stored with version 2, this program reads 1 to 1"), "{cause}");
    assert_eq!(app.saga::<first::Watch>("c").status().await.unwrap(), Some(SagaStatus::Parked));
    drop(app);
    // And forward again: it goes on once it is retried.
    let app = given.app().only::<(Counter, second::Watch)>().start().await.unwrap();
    until(async || app.retry_parked::<second::Watch>("c").await.is_ok()).await;
    up(&app).await;
    assert_eq!(app.saga::<second::Watch>("c").ended(LIMIT).await.unwrap(), SagaStatus::Ended);
}
