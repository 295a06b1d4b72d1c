//! Apps that ask each other: commands and views for other services, and the sagas of one with the aggregates of another.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use newton::app::{self, RemoteApp};
use newton::bus::{CommandMessage, Middleware, Next};
use newton::domain::Cause;
use newton::muon::protocol::rpc::Request;
use newton::muon::{Builder, Muon, Timings};
use newton::prelude::*;
use newton::repository::AnyOutcome;
use newton::saga::SagaStatus;
use newton::saga::record::{CommandResult, Record};
use newton::server::StoreService;
use newton::store::{EventStoreExt, MemoryStore, Read, Selection, Stores};
use newton::{App, Caller, Error, ErrorKind, Newton, RecordedEvent, Version};
use newton_tests::bank::{Account, AccountCommand, AccountError, AccountEvent, deposit, open, withdraw};
use newton_tests::vaults::{Gate, Side, Welcome, for_ever};
use serde_json::Value;

use super::urls::network;

/// A guard against tests that hang.
const LIMIT: Duration = Duration::from_mins(1);

/// Lets in those of whom it knows who they are, and notes who calls what.
#[derive(Clone, Debug, Default)]
struct Guard(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Middleware for Guard {
    async fn handle(&self, command: &CommandMessage<'_>, next: Next<'_>) -> AnyOutcome {
        let Some(actor) = &command.caller.actor else {
            return Err(Error::new(ErrorKind::Forbidden, "authorize", "nobody may do this").into());
        };
        let from = command.caller.extra.get("from").map_or("", String::as_str);
        self.0.lock().unwrap().push(format!("{actor} from {from}: {} {}", command.name(), command.id));
        next.run().await
    }
}

fn authenticate(request: &Request) -> newton::Result<Caller> {
    match request.auth.as_ref().and_then(Value::as_str) {
        None => Ok(Caller::new()),
        Some("secret of ada") => {
            Ok(Caller::new().actor("ada").extra("from", request.origin.as_deref().unwrap_or_default()))
        }
        Some(_) => Err(Error::new(ErrorKind::Forbidden, "authenticate", "this is nobody's secret")),
    }
}

/// How much was put into all accounts.
#[derive(Projection, Debug, Default)]
#[projection(handles(AccountEvent), name = "remote-deposits")]
struct Deposits {
    sum: u64,
}

impl On<AccountEvent> for Deposits {
    fn on(&mut self, event: &AccountEvent, _: &mut View) -> Result<()> {
        if let AccountEvent::Deposited { amount } = event {
            self.sum += amount;
        }
        Ok(())
    }
}

#[derive(Event, Clone, Debug)]
struct SafeEvent {}

#[derive(Command, Clone, Debug)]
enum SafeCommand {
    Lock,
}

#[derive(Rejection, Debug)]
enum SafeError {
    Locked,
}

/// An aggregate that is not exposed.
#[derive(Aggregate, Clone, Debug, Default)]
#[aggregate(context = "remote")]
struct Safe {
    is_locked: bool,
}

impl Safe {
    fn decide(&self, _: SafeCommand) -> Result<SafeEvent, SafeError> {
        if self.is_locked { Err(SafeError::Locked) } else { Ok(SafeEvent {}) }
    }

    fn evolve(&mut self, _: &SafeEvent) {
        self.is_locked = true;
    }
}

fn quick(builder: Builder) -> Builder {
    builder.timings(Timings { discovery: Duration::from_millis(50), ..Timings::default() })
}

/// An app of accounts in memory.
async fn accounts(configure: impl FnOnce(app::Builder) -> app::Builder) -> App {
    configure(Newton::builder().store("memory:").only::<Account>()).start().await.unwrap()
}

async fn log(app: &App) -> Vec<RecordedEvent> {
    app.events().read_all(Read::of(Selection::All)).await.unwrap()
}

async fn serve(builder: Builder, app: &App) -> Muon {
    builder.serve(app.expose().commands::<Account>().into_rpc().unwrap()).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_reaches_the_aggregate_of_another_service() {
    let (_, builder) = network();
    let guard = Guard::default();
    let bank = accounts(|app| app.middleware(guard.clone())).await;
    let exposed = bank.expose().authenticate(authenticate).commands::<Account>().into_rpc().unwrap();
    let _server = builder("bank").serve(exposed).start().await.unwrap();
    let client = builder("shop").start().await.unwrap();
    let remote = RemoteApp::new(client.service("bank").await.unwrap()).auth("secret of ada");

    let cause = Cause { id: "cause".into(), relation: None };
    let caller =
        Caller::new().correlation("request-7").because_of(cause.clone()).extra("k", "v").actor("eve");
    let first = remote.with(caller).execute("acc-1", open("Ada")).command_id("once").await.unwrap();
    assert_eq!((first.version, first.duplicate), (Version(1), false));
    let again = remote.execute("acc-1", open("Ada")).command_id("once").await.unwrap();
    assert_eq!((again.order_id, again.duplicate), (first.order_id, true));

    let rejected = remote.execute("acc-1", withdraw(5)).await.unwrap_err();
    assert_eq!(rejected.rejection(), Some(&AccountError::Overdrawn { balance: 0 }));
    let moved = remote.execute("acc-1", deposit(5)).expected(Version(7)).await.unwrap_err();
    assert!(
        matches!(moved.failure().unwrap().kind(), ErrorKind::Conflict { actual: Version(1), .. }),
        "{moved}"
    );
    remote.execute("acc-1", deposit(5)).expected(Version(1)).await.unwrap();
    let panicked = remote.execute("acc-1", AccountCommand::PanicInDecide).await.unwrap_err();
    assert_eq!(*panicked.failure().unwrap().kind(), ErrorKind::Internal);

    let metadata = &log(&bank).await[0].metadata;
    assert_eq!(metadata.actor.as_deref(), Some("ada"), "who asks is not what the caller says");
    assert_eq!(metadata.cause, Some(cause));
    assert_eq!(metadata.correlation_id, Some("request-7".into()));
    assert_eq!(metadata.command_id, Some("once".into()));
    assert_eq!(metadata.extra["k"], "v");
    let calls = guard.0.lock().unwrap().clone();
    let expected = ["AccountOpen", "AccountOpen", "AccountWithdraw"];
    assert_eq!(calls[..3], expected.map(|command| format!("ada from shop: {command} acc-1")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_known_is_refused() {
    let (_, builder) = network();
    let bank = accounts(|app| app.middleware(Guard::default())).await;
    let exposed = bank.expose().authenticate(authenticate).commands::<Account>().into_rpc().unwrap();
    let _server = builder("bank").serve(exposed).start().await.unwrap();
    let client = builder("shop").start().await.unwrap();
    let remote = RemoteApp::new(client.service("bank").await.unwrap());
    for remote in [remote.clone(), remote.clone().auth("wrong"), remote.with(Caller::new().actor("ada"))] {
        let refused = remote.execute("acc-1", open("Ada")).await.unwrap_err();
        assert_eq!(*refused.failure().unwrap().kind(), ErrorKind::Forbidden, "{refused}");
    }
    assert!(log(&bank).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_answers_other_services_and_nothing_else_is_there() {
    let (_, builder) = network();
    let bank = accounts(newton::app::Builder::only::<(Account, Deposits)>).await;
    let exposed = bank
        .expose()
        .view::<Deposits, _, _, _>("/deposits", "All deposits, times a factor", |view, _, factor: u64| {
            let sum = view.with(|deposits| deposits.sum);
            async move {
                sum.checked_mul(factor)
                    .ok_or_else(|| Error::new(ErrorKind::TooLarge, "sum up", "that is too much"))
            }
        })
        .into_rpc()
        .unwrap();
    let _server = builder("bank").serve(exposed).start().await.unwrap();
    bank.execute("acc-1", open("Ada")).await.unwrap();
    let receipt = bank.execute("acc-1", deposit(5)).await.unwrap();
    bank.caught_up::<Deposits>(&receipt).await.unwrap();

    let client = builder("shop").start().await.unwrap();
    let service = client.service("bank").await.unwrap();
    let remote = RemoteApp::new(service.clone());
    assert_eq!(remote.view::<u64>("/deposits", &3).await.unwrap(), 15);
    let too_much = remote.view::<u64>("/deposits", &u64::MAX).await.unwrap_err();
    assert_eq!(*too_much.kind(), ErrorKind::TooLarge);
    let wrong = remote.view::<u64>("/deposits", &"three").await.unwrap_err();
    assert_eq!(*wrong.kind(), ErrorKind::InvalidInput);
    let closed = remote.execute("acc-1", deposit(5)).await.unwrap_err();
    assert_eq!(*closed.failure().unwrap().kind(), ErrorKind::NotFound);

    let told = service.introspect().await.unwrap();
    let rpc = told.protocols.iter().find(|outline| outline.protocol_scheme == "rpc").unwrap();
    let paths: Vec<_> = rpc.operations.iter().map(|operation| &*operation.resource).collect();
    assert_eq!(paths, ["/deposits"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_aggregates_that_were_named_take_commands() {
    let (_, builder) = network();
    let bank = accounts(newton::app::Builder::only::<(Account, Safe)>).await;
    let _server = serve(builder("bank"), &bank).await;
    let _closed = builder("closed").serve(bank.expose().into_rpc().unwrap()).start().await.unwrap();
    let client = builder("shop").start().await.unwrap();
    for (service, offered) in [("bank", AccountCommand::TYPES.len()), ("closed", 0)] {
        let service = client.service(service).await.unwrap();
        let remote = RemoteApp::new(service.clone());
        let refused = remote.execute("safe-1", SafeCommand::Lock).await.unwrap_err();
        assert_eq!(*refused.failure().unwrap().kind(), ErrorKind::NotFound, "{refused}");
        let told = service.introspect().await.unwrap();
        let protocols: Vec<_> = told.protocols.iter().map(|outline| &*outline.protocol_scheme).collect();
        assert_eq!(protocols, ["rpc", "introspect"]);
        let paths: Vec<_> =
            told.protocols[0].operations.iter().map(|operation| &operation.resource).collect();
        assert_eq!(paths.len(), offered);
        assert!(paths.iter().all(|path| path.starts_with("/commands/Account")), "{paths:?}");
    }
    assert!(log(&bank).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_app_does_not_have_cannot_be_exposed() {
    let empty = Newton::builder().store("memory:").registry(newton::registry::Registry::empty());
    let empty = empty.start().await.unwrap();
    assert_eq!(
        *empty.expose().commands::<Account>().into_rpc().unwrap_err().kind(),
        ErrorKind::Configuration
    );
    let bank = accounts(|app| app).await;
    let twice = bank.expose().commands::<Account>().commands::<Account>().into_rpc().unwrap_err();
    assert!(twice.to_string().contains("/commands/Account"), "{twice}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saga_sends_to_another_service_once_it_is_there() {
    let (_, builder) = network();
    let muon = quick(builder("bank")).start().await.unwrap();
    let bank =
        accounts(|app| app.only::<(Account, Welcome)>().muon(muon).retry_saga_commands(for_ever())).await;
    let asked = bank.execute("acc-1", open("ada")).await.unwrap();
    // Nobody is there to take it yet.
    bank.caught_up::<Welcome>(&asked).await.unwrap();

    let vaults = accounts(|app| app).await;
    let _server = serve(builder("vaults"), &vaults).await;
    assert_eq!(bank.saga::<Welcome>("ada").ended(LIMIT).await.unwrap(), SagaStatus::Ended);
    let vault = vaults.load::<Account>("vault-ada").await.unwrap().unwrap();
    assert_eq!((vault.state.balance, vault.version), (7, Version(2)), "each command took effect once");
    let events = log(&vaults).await;
    assert!(events.iter().all(|event| event.metadata.correlation_id == Some(asked.correlation_id.clone())));

    let history = bank.saga::<Welcome>("ada").history().await.unwrap();
    let planned = history.iter().find_map(|record| match &record.record {
        Record::Advanced(advanced) => Some(advanced.commands.clone()),
        _ => None,
    });
    assert!(planned.unwrap().iter().all(|command| command.service.as_deref() == Some("vaults")));
    let graph = bank.causality().correlation(asked.correlation_id).await.unwrap().to_string();
    assert!(graph.contains("vaults: bank/Account/vault-ada"), "{graph}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_answer_is_lost_takes_effect_once() {
    let (_, builder) = network();
    let gate = Gate::new(Side::Behind);
    let vaults = accounts(|app| app.middleware(gate.clone())).await;
    let first = serve(builder("vaults"), &vaults).await;
    let muon = builder("bank").start().await.unwrap();
    let bank =
        accounts(|app| app.only::<(Account, Welcome)>().muon(muon).retry_saga_commands(for_ever())).await;
    bank.execute("acc-1", open("ada")).await.unwrap();
    gate.reached(1).await;
    // What was executed is never answered.
    drop(first);
    let _second = serve(builder("vaults"), &vaults).await;
    gate.reached(2).await;
    gate.open();
    assert_eq!(bank.saga::<Welcome>("ada").ended(LIMIT).await.unwrap(), SagaStatus::Ended);
    let vault = vaults.load::<Account>("vault-ada").await.unwrap().unwrap();
    assert_eq!((vault.state.balance, vault.version), (7, Version(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saga_without_a_way_to_others_stops_and_says_what_to_do() {
    let (_, builder) = network();
    let store = Stores::of(MemoryStore::new());
    let lonely = accounts(|app| app.stores(store.clone()).only::<(Account, Welcome)>()).await;
    lonely.execute("acc-1", open("ada")).await.unwrap();
    let told = loop {
        let health = lonely.health().await;
        if !health.is_green() {
            break format!("{health:?}");
        }
        tokio::task::yield_now().await;
    };
    assert!(told.contains(".muon(..)") && told.contains("`vaults`"), "{told}");
    // Nothing was undone, so that the next start can go on.
    assert_eq!(lonely.saga::<Welcome>("ada").status().await.unwrap(), Some(SagaStatus::Running));
    lonely.shutdown(LIMIT).await;

    let vaults = accounts(|app| app).await;
    let _server = serve(builder("vaults"), &vaults).await;
    let muon = builder("bank").start().await.unwrap();
    let bank = accounts(|app| app.stores(store).only::<(Account, Welcome)>().muon(muon)).await;
    assert_eq!(bank.saga::<Welcome>("ada").ended(LIMIT).await.unwrap(), SagaStatus::Ended);
    assert!(vaults.load::<Account>("vault-ada").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aggregates_elsewhere_need_a_way_there() {
    let refused =
        Newton::builder().store("memory:").only::<(Account, Welcome)>().elsewhere::<Account>("vaults");
    let refused = refused.start().await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Configuration);
    assert!(
        refused.to_string().contains(".muon(..)") && refused.to_string().contains("`vaults`"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejection_of_another_service_comes_back_to_the_saga() {
    let (_, builder) = network();
    let vaults = accounts(|app| app).await;
    vaults.execute("vault-ada", open("somebody")).await.unwrap();
    let _server = serve(builder("vaults"), &vaults).await;
    let muon = builder("bank").start().await.unwrap();
    let bank = accounts(|app| app.only::<(Account, Welcome)>().muon(muon)).await;
    bank.execute("acc-1", open("ada")).await.unwrap();
    assert_eq!(bank.saga::<Welcome>("ada").ended(LIMIT).await.unwrap(), SagaStatus::Compensated);
    let history = bank.saga::<Welcome>("ada").history().await.unwrap();
    let outcome = history.iter().find_map(|record| match &record.record {
        Record::Outcome(outcomes) => outcomes.outcomes.first(),
        _ => None,
    });
    let outcome = outcome.unwrap();
    assert_eq!((outcome.result, outcome.reason.as_deref()), (CommandResult::Rejected, Some("already open")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_exposed_fails_the_command_of_a_saga() {
    let (_, builder) = network();
    let _server = builder("vaults").start().await.unwrap();
    let muon = builder("bank").start().await.unwrap();
    let bank = accounts(|app| app.only::<(Account, Welcome)>().muon(muon)).await;
    bank.execute("acc-1", open("ada")).await.unwrap();
    assert_eq!(bank.saga::<Welcome>("ada").ended(LIMIT).await.unwrap(), SagaStatus::Compensated);
}

/// Aggregates in one service, the saga and the view in another, the store in a third.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_on_one_remote_store_each_run_their_part() {
    let (name, builder) = network();
    let store = StoreService::new(Stores::of(MemoryStore::new()));
    let _store = store.publish(builder("events")).start().await.unwrap();
    let url = format!("muon+memory://{name}/events");

    let aggregates = accounts(|app| app.store(&url).service("vaults")).await;
    let _server = serve(builder("vaults"), &aggregates).await;
    let muon = builder("reactions").start().await.unwrap();
    let reactions = Newton::builder().store(&url).service("reactions").only::<(Welcome, Deposits)>();
    let reactions = reactions.muon(muon).start().await.unwrap();

    for owner in ["ada", "grace", "alan"] {
        aggregates.execute(owner, open(owner)).await.unwrap();
    }
    for owner in ["ada", "grace", "alan"] {
        assert_eq!(reactions.saga::<Welcome>(owner).ended(LIMIT).await.unwrap(), SagaStatus::Ended);
        let vault = aggregates.load::<Account>(format!("vault-{owner}")).await.unwrap().unwrap();
        assert_eq!((vault.state.balance, vault.version), (7, Version(2)));
    }
    reactions.caught_up_now::<Deposits>().await.unwrap();
    assert_eq!(reactions.view::<Deposits>().unwrap().with(|deposits| deposits.sum), 21);
}
