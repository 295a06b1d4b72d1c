//! Commands that an aggregate rejected are part of the graph where the app records them.

use std::sync::{Arc, OnceLock};

use newton::causality::{Graph, Node, NodeId};
use newton::prelude::*;
use newton::store::{EventStoreExt, Read, Selection};
use newton::{App, Caller, CommandId, HandlerError};
use newton_tests::bank::{Account, AccountEvent, deposit, open, withdraw};
use newton_tests::recorder::eventually;
use newton_tests::{Given, over_every_store};

over_every_store!(
    they_are_not_recorded_unless_asked_for,
    they_hang_below_their_cause_with_the_reason,
    the_same_command_is_rejected_once_and_may_take_effect_later,
    of_several_commands_the_one_that_was_rejected_is_told,
    a_service_is_the_cause_of_what_it_executes,
);

async fn recording(given: &Given) -> App {
    given.app().record_rejections(true).start().await.unwrap()
}

async fn graph(app: &App, correlation: &str) -> Graph {
    app.causality().correlation(CommandId::from(correlation)).await.unwrap()
}

async fn they_are_not_recorded_unless_asked_for(given: Given) {
    let app = given.app().start().await.unwrap();
    app.execute("acc-1", deposit(1)).command_id("no").await.unwrap_err().rejection().unwrap();
    assert!(graph(&app, "no").await.is_empty());
    assert!(app.events().read_all(Read::of(Selection::All).with_system()).await.unwrap().is_empty());
}

async fn they_hang_below_their_cause_with_the_reason(given: Given) {
    let app = recording(&given).await;
    app.execute("acc-1", open("Ada")).command_id("open").await.unwrap();
    let events = app.events().read_all(Read::of(Selection::All)).await.unwrap();
    let because = app.with(Caller::new().caused_by(&events[0]).actor("ada"));
    let refused = because.execute("acc-1", withdraw(5)).command_id("too much").await.unwrap_err();
    let reason = refused.rejection().unwrap().to_string();

    let graph = graph(&app, "open").await;
    let told = format!(
        "\
command open, to bank/Account/acc-1
  AccountOpened, bank/Account/acc-1 at version 1
    rejected command AccountWithdraw, to bank/Account/acc-1, {reason}
"
    );
    assert_eq!(graph.to_string(), told);
    let Some(Node::RejectedCommand { command, .. }) = graph.node(&NodeId::from(CommandId::from("too much")))
    else {
        panic!("{graph}")
    };
    assert_eq!(command.id, CommandId::from("too much"));
    assert!(
        graph
            .to_json()
            .contains(r#""kind":"rejected_command","command_id":"too much","name":"AccountWithdraw""#)
    );
    assert!(graph.to_dot().contains("rejected command AccountWithdraw"));
    assert!(graph.to_mermaid().contains("rejected command AccountWithdraw"));
    let effects = app.causality().effects(events[0].id.clone()).await.unwrap();
    assert_eq!(effects.len(), 2);

    assert_eq!(
        app.events().read_all(Read::of(Selection::All)).await.unwrap(),
        events,
        "readers see no record"
    );
    let records = app.events().read_all(Read::of(Selection::All).with_system()).await.unwrap();
    let record = records.iter().find(|event| event.stream.is_system()).unwrap();
    assert_eq!(record.stream.as_str(), "$rejections/bank/Account/acc-1");
    assert_eq!(record.metadata.actor.as_deref(), Some("ada"));
    assert_eq!(app.load::<Account>("acc-1").await.unwrap().unwrap().version.0, 1);
}

async fn the_same_command_is_rejected_once_and_may_take_effect_later(given: Given) {
    let app = recording(&given).await;
    for _ in 0..2 {
        let refused = app.execute("acc-1", deposit(1)).command_id("early").await.unwrap_err();
        assert!(refused.rejection().is_some());
    }
    let rejected = graph(&app, "early").await;
    assert_eq!(rejected.len(), 1);
    assert!(matches!(rejected.nodes(), [Node::RejectedCommand { .. }]), "{rejected}");
    let records = app.events().read_all(Read::of(Selection::All).with_system()).await.unwrap();
    assert_eq!(records.len(), 1);

    app.execute("acc-1", open("Ada")).await.unwrap();
    app.execute("acc-1", deposit(1)).command_id("early").await.unwrap();
    let done = graph(&app, "early").await;
    assert!(matches!(done.nodes(), [Node::Command(_), Node::Event(_)]), "{done}");
}

async fn of_several_commands_the_one_that_was_rejected_is_told(given: Given) {
    let app = recording(&given).await;
    let both = app.together().execute("acc-1", open("Ada")).execute("acc-2", deposit(1));
    both.command_id("both").await.unwrap_err().rejection().unwrap();
    let graph = graph(&app, "both").await;
    let told = graph.to_string();
    assert!(told.starts_with("rejected command AccountDeposit, to bank/Account/acc-2, "), "{told}");
    assert_eq!(graph.len(), 1);
}

/// Takes from every new account what it has not.
#[derive(EventHandler)]
#[event_handler(handles(AccountEvent), start = "origin", name = "rejections-greedy")]
struct Greedy {
    app: Arc<OnceLock<App>>,
}

impl React<AccountEvent> for Greedy {
    async fn react(&self, event: &AccountEvent, delivery: &Delivery) -> Result<(), HandlerError> {
        let Some(app) = self.app.get() else { return Err(HandlerError::new("not started yet")) };
        if matches!(event, AccountEvent::Opened { .. }) {
            let app = app.with(delivery.caller());
            let id = delivery.meta().stream.id();
            let outcome = app.execute(id, withdraw(5)).command_id(delivery.id().to_string()).await;
            assert!(outcome.is_err_and(|error| error.rejection().is_some()));
        }
        Ok(())
    }
}

async fn a_service_is_the_cause_of_what_it_executes(given: Given) {
    let slot: Arc<OnceLock<App>> = Arc::default();
    let writing = given.app().start().await.unwrap();
    writing.execute("acc-1", open("Ada")).command_id("open").await.unwrap();
    let builder = given.app().only::<(Account, Greedy)>().record_rejections(true).provide(slot.clone());
    let app = builder.start().await.unwrap();
    slot.set(app.with(Caller::new())).unwrap();
    eventually("recorded", async || graph(&writing, "open").await.len() == 3).await;
    let graph = graph(&writing, "open").await;
    let edge = graph.edges().find(|edge| matches!(edge.to, Node::RejectedCommand { .. })).unwrap();
    assert_eq!(edge.relation.map(|relation| &**relation), Some("service"));
    assert!(matches!(edge.from, Node::Event(event) if event.event_type == "AccountOpened"), "{graph}");
    assert!(app.shutdown(std::time::Duration::from_mins(1)).await.is_complete());
}
