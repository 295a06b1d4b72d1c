//! A handler that blocks its thread is reported as stuck, nothing is begun behind it, and all goes on once it ends.

use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::Duration;

use newton::prelude::*;
use newton::projection::Projection;
use newton::subscription::{HandlerPolicy, Phase, Status};
use newton::{App, HandlerError, Newton};
use newton_tests::bank::{Account, AccountEvent, deposit, open};
use newton_tests::recorder::{Probe, Recorder, eventually};

/// What the handlers of one test wait for, and who came to it.
#[derive(Clone, Default)]
struct Door(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    is_open: bool,
    came: Vec<String>,
}

impl Door {
    /// Notes who comes; whoever is to wait blocks until the door is opened.
    fn pass(&self, who: &str, waits: bool) {
        let (state, opened) = &*self.0;
        let mut state = state.lock().unwrap();
        state.came.push(who.to_owned());
        drop(opened.wait_while(state, |state| waits && !state.is_open).unwrap());
    }

    fn open(&self) {
        self.0.0.lock().unwrap().is_open = true;
        self.0.1.notify_all();
    }

    fn came(&self) -> Vec<String> {
        self.0.0.lock().unwrap().came.clone()
    }
}

/// Lets a test that fails end.
struct Opens(Door);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.open();
    }
}

fn blocks(event: &AccountEvent) -> bool {
    matches!(event, AccountEvent::Opened { owner } if owner == "block")
}

#[derive(EventHandler)]
#[event_handler(handles(AccountEvent), start = "origin", name = "stuck-service")]
struct Service {
    door: Door,
}

impl React<AccountEvent> for Service {
    async fn react(&self, event: &AccountEvent, delivery: &Delivery) -> Result<(), HandlerError> {
        self.door.pass(delivery.meta().stream.id(), blocks(event));
        Ok(())
    }
}

#[derive(Projection)]
#[projection(sqlite, handles(AccountEvent), name = "stuck-table", timeout_ms = 50)]
struct Table {
    door: Door,
}

impl On<AccountEvent> for Table {
    fn on(&mut self, event: &AccountEvent, _: &mut SqliteTx) -> Result<()> {
        self.door.pass("", blocks(event));
        Ok(())
    }
}

static VIEW: LazyLock<Door> = LazyLock::new(Door::default);

#[derive(Projection, Default)]
#[projection(handles(AccountEvent), name = "stuck-view")]
struct Memory;

impl On<AccountEvent> for Memory {
    fn on(&mut self, event: &AccountEvent, _: &mut View) -> Result<()> {
        VIEW.pass("", blocks(event));
        Ok(())
    }
}

fn hasty() -> HandlerPolicy {
    HandlerPolicy { timeout: Duration::from_millis(50), ..HandlerPolicy::default() }
}

async fn is_in<T: 'static>(app: &App, phase: Phase) -> bool {
    app.status::<T>().await.unwrap().phase == phase
}

/// Waits until it is stuck, and gives what its status says.
async fn stuck<T: 'static>(app: &App) -> Status {
    eventually("stuck", async || is_in::<T>(app, Phase::Stuck).await).await;
    assert!(!app.health().await.is_green());
    app.status::<T>().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_service_that_blocks_is_reported_and_nothing_is_begun_behind_it() {
    let (door, probe) = (Door::default(), Probe::new());
    let _opens = Opens(door.clone());
    let builder = Newton::builder().store("memory:").only::<(Account, Service, Recorder)>();
    let builder = builder.provide(door.clone()).provide(probe.clone()).handler::<Service>(hasty());
    let app = builder.start().await.unwrap();
    app.execute("blocked", open("block")).await.unwrap();
    let status = stuck::<Service>(&app).await;
    let error = status.last_error.unwrap();
    assert!(error.contains("blocked its thread") && error.contains("order id 1"), "{error}");

    for account in 0..20 {
        app.execute(format!("acc-{account}"), open("Ada")).await.unwrap();
    }
    // The other handler has seen them all: so would this one.
    probe.until_handled(21).await;
    assert_eq!(door.came(), ["blocked"]);
    assert_eq!(app.status::<Service>().await.unwrap().position, newton::OrderId(0));

    door.open();
    eventually("live", async || is_in::<Service>(&app, Phase::Live).await).await;
    let mut came = door.came();
    came.sort();
    came.dedup();
    assert_eq!((came.len(), door.came().len()), (21, 21), "each was delivered once");
    assert!(app.health().await.is_green());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_of_tables_that_blocks_is_reported_and_its_event_parked() {
    let door = Door::default();
    let _opens = Opens(door.clone());
    let builder = Newton::builder().store("memory:").only::<(Account, Table)>().provide(door.clone());
    let app = builder.start().await.unwrap();
    let blocked = app.execute("blocked", open("block")).await.unwrap();
    let status = stuck::<Table>(&app).await;
    assert!(status.last_error.unwrap().contains("cannot be interrupted"));
    let error = app.caught_up::<Table>(&blocked).within(Duration::from_millis(1)).await.unwrap_err();
    assert!(error.to_string().contains("Stuck"), "{error}");

    door.open();
    let fine = app.execute("fine", deposit(1)).await;
    assert!(fine.is_err(), "it is not open");
    let fine = app.execute("fine", open("Ada")).await.unwrap();
    app.caught_up::<Table>(&fine).await.unwrap();
    let parked = app.parked_of::<Table>().await.unwrap();
    assert_eq!(parked.len(), 1);
    assert!(parked[0].events[0].cause.as_ref().unwrap().contains("longer than"), "{parked:?}");
    assert!(is_in::<Table>(&app, Phase::Live).await && app.health().await.is_green());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_in_memory_that_blocks_is_reported() {
    let _opens = Opens(VIEW.clone());
    assert_eq!(Memory::NAME, "stuck-view");
    let builder = Newton::builder().store("memory:").only::<(Account, Memory)>().handlers(hasty());
    let app = builder.start().await.unwrap();
    let blocked = app.execute("blocked", open("block")).await.unwrap();
    stuck::<Memory>(&app).await;
    VIEW.open();
    app.caught_up::<Memory>(&blocked).await.unwrap();
    eventually("live", async || is_in::<Memory>(&app, Phase::Live).await).await;
}
