//! Causality: every event knows the command and the event that caused it; the graph can be asked and drawn.

mod exports;
mod hand;
mod random;
mod rejections;
mod running;
mod sagas;

use newton::causality::{Branch, Graph, Node, NodeId};
use newton::store::{EventStoreExt, Read, Selection};
use newton::testkit::VirtualClock;
use newton::{App, Caller, CommandId, ErrorKind, EventId, Receipt, RecordedEvent};
use newton_tests::bank::{AccountCommand, deposit, open};
use newton_tests::{Given, over_every_store};

use hand::{append, made, recorded};

over_every_store!(
    causes_lead_to_the_root,
    effects_hang_below_the_event,
    a_correlation_is_one_tree,
    one_command_to_several_aggregates_is_one_cause,
    a_cause_in_another_correlation_is_a_root,
    a_cause_that_is_not_there_is_missing,
    causes_in_a_circle_end,
    an_event_without_metadata_stands_alone,
    what_is_not_there_is_said,
    too_many_events_are_refused_and_not_cut,
    a_long_chain_is_followed_to_its_root,
);

async fn app(given: &Given) -> App {
    given.app().clock(VirtualClock::new()).start().await.unwrap()
}

/// The events of a receipt's command in one account.
async fn events_of(app: &App, receipt: &Receipt) -> Vec<RecordedEvent> {
    let mut events = app.events().read_all(Read::of(Selection::All)).await.unwrap();
    events.retain(|event| event.metadata.command_id.as_ref() == Some(&receipt.command_id));
    events
}

/// Executes a command because of an event, as a service does; gives its first event.
async fn follow(
    app: &App,
    cause: &RecordedEvent,
    name: &str,
    id: &str,
    command: AccountCommand,
) -> RecordedEvent {
    let app = app.with(Caller::new().caused_by(cause));
    let receipt = app.execute(id, command).command_id(name).await.unwrap();
    events_of(&app, &receipt).await.remove(0)
}

/// Three accounts are opened, each because of the one before, and money comes to the second.
async fn chain(app: &App) -> [RecordedEvent; 4] {
    let receipt = app.execute("acc-1", open("Ada")).command_id("open-1").await.unwrap();
    let first = events_of(app, &receipt).await.remove(0);
    let second = follow(app, &first, "open-2", "acc-2", open("Bob")).await;
    let third = follow(app, &second, "open-3", "acc-3", open("Eve")).await;
    let fourth = follow(app, &first, "deposit", "acc-2", deposit(10)).await;
    [first, second, third, fourth]
}

fn ids(nodes: &[Node]) -> Vec<NodeId> {
    nodes.iter().map(Node::id).collect()
}

fn event(id: &EventId) -> NodeId {
    NodeId::from(id.clone())
}

fn command(id: &str) -> NodeId {
    NodeId::from(CommandId::from(id))
}

async fn causes_lead_to_the_root(given: Given) {
    let app = app(&given).await;
    let [first, second, third, _] = chain(&app).await;
    let causes = app.causality().causes(third.id.clone()).await.unwrap();
    let expected = [
        event(&third.id),
        command("open-3"),
        event(&second.id),
        command("open-2"),
        event(&first.id),
        command("open-1"),
    ];
    assert_eq!(ids(&causes), expected);
    let Node::Event(root) = &causes[4] else { panic!("{causes:?}") };
    assert_eq!(
        (&root.event_type, &root.stream, root.order_id),
        (&first.event_type, &first.stream, first.order_id)
    );
    assert_eq!(root.metadata, first.metadata);
}

async fn effects_hang_below_the_event(given: Given) {
    let app = app(&given).await;
    let [first, second, third, fourth] = chain(&app).await;
    let effects = app.causality().effects(second.id.clone()).await.unwrap();
    assert_eq!(ids(effects.nodes()), [event(&second.id), command("open-3"), event(&third.id)]);
    let effects = app.causality().effects(first.id.clone()).await.unwrap();
    assert_eq!(effects.roots().map(Node::id).collect::<Vec<_>>(), [event(&first.id)]);
    let below: Vec<_> = effects.children(&event(&first.id)).map(Node::id).collect();
    assert_eq!(below, [command("open-2"), command("deposit")]);
    assert_eq!(app.causality().effects(fourth.id.clone()).await.unwrap().len(), 1);
}

async fn a_correlation_is_one_tree(given: Given) {
    let app = app(&given).await;
    let [first, ..] = chain(&app).await;
    app.execute("acc-9", open("somebody else")).await.unwrap();
    let correlation = first.metadata.correlation_id.clone().unwrap();
    let graph = app.causality().correlation(correlation).await.unwrap();
    let told = "\
command open-1, to bank/Account/acc-1
  AccountOpened, bank/Account/acc-1 at version 1
    command open-2, to bank/Account/acc-2
      AccountOpened, bank/Account/acc-2 at version 1
        command open-3, to bank/Account/acc-3
          AccountOpened, bank/Account/acc-3 at version 1
    command deposit, to bank/Account/acc-2
      AccountDeposited, bank/Account/acc-2 at version 2
";
    assert_eq!(graph.to_string(), told);
    assert_eq!(graph.events().count(), 4);
}

async fn one_command_to_several_aggregates_is_one_cause(given: Given) {
    let app = app(&given).await;
    let both = app.together().execute("acc-1", open("Ada")).execute("acc-2", open("Bob")).command_id("both");
    both.await.unwrap();
    let graph = app.causality().correlation("both").await.unwrap();
    let told = "\
command both, to bank/Account/acc-1
  AccountOpened, bank/Account/acc-1 at version 1
  AccountOpened, bank/Account/acc-2 at version 1
";
    assert_eq!(graph.to_string(), told);
}

async fn a_cause_in_another_correlation_is_a_root(given: Given) {
    let app = app(&given).await;
    let [first, second, third, _] = chain(&app).await;
    let cause = newton::domain::Cause { id: third.id.clone(), relation: Some("reported by".into()) };
    let other = app.with(Caller::new().because_of(cause));
    let receipt = other.execute("acc-4", open("Zoe")).command_id("open-4").await.unwrap();
    let fourth = events_of(&app, &receipt).await.remove(0);
    let graph = app.causality().correlation("open-4").await.unwrap();
    let expected = [event(&third.id), command("open-4"), event(&fourth.id)];
    assert_eq!(graph.walk().map(|branch| branch.node.id()).collect::<Vec<_>>(), expected);
    let relations: Vec<_> = graph.edges().map(|edge| edge.relation.map(ToString::to_string)).collect();
    assert_eq!(relations, [Some("reported by".to_owned()), None]);
    let causes = ids(&app.causality().causes(fourth.id).await.unwrap());
    assert!(causes.contains(&event(&second.id)) && causes.last() == Some(&command("open-1")), "{causes:?}");
    let effects = app.causality().effects(first.id).await.unwrap();
    assert!(effects.node(&command("open-4")).is_none(), "it began a correlation of its own");
}

async fn a_cause_that_is_not_there_is_missing(given: Given) {
    append(&given, &[made("1", "a/B/c", "Noted").because("elsewhere", "copied from").of_command("k")]).await;
    let app = app(&given).await;
    let missing = Node::MissingEvent { id: "elsewhere".into() };
    let causes = app.causality().causes("1").await.unwrap();
    assert_eq!(ids(&causes), [event(&"1".into()), command("k"), missing.id()]);
    assert_eq!(causes[2], missing);
    let graph = app.causality().correlation("c").await.unwrap();
    assert_eq!(graph.roots().collect::<Vec<_>>(), [&missing]);
}

async fn causes_in_a_circle_end(given: Given) {
    let circle = [
        made("1", "a/B/c", "Noted").because("3", "x"),
        made("2", "a/B/c", "Noted").because("1", "x"),
        made("3", "a/B/c", "Noted").because("2", "x").of_command("k"),
        made("self", "a/B/c", "Noted").because("self", "x").correlated(Some("other")),
    ];
    append(&given, &circle).await;
    let causality = app(&given).await.causality();
    let ids = |nodes: Vec<&Node>| nodes.into_iter().map(Node::id).collect::<Vec<_>>();
    let causes = causality.causes("2").await.unwrap();
    assert_eq!(
        ids(causes.iter().collect()),
        [event(&"2".into()), event(&"1".into()), event(&"3".into()), command("k")]
    );
    for id in ["1", "2", "3"] {
        let effects = causality.effects(id).await.unwrap();
        assert_eq!(ids(effects.roots().collect()), [event(&id.into())]);
        assert_eq!(effects.len(), 4);
        assert_eq!(
            effects.edges().filter(|edge| !edge.in_tree).count(),
            1,
            "the edge that closes the circle"
        );
    }
    let graph = causality.correlation("c").await.unwrap();
    assert_eq!((graph.roots().count(), graph.walk().count()), (1, 4));
    assert_eq!(causality.causes("self").await.unwrap().len(), 1);
    let own = causality.correlation("other").await.unwrap();
    assert_eq!((own.roots().count(), own.edges().count()), (1, 1));
}

async fn an_event_without_metadata_stands_alone(given: Given) {
    append(&given, &[made("1", "a/B/c", "Noted").correlated(None)]).await;
    let causality = app(&given).await.causality();
    assert_eq!(causality.effects("1").await.unwrap().len(), 1);
    assert_eq!(causality.causes("1").await.unwrap().len(), 1);
}

async fn what_is_not_there_is_said(given: Given) {
    let causality = app(&given).await.causality();
    for error in
        [causality.causes("nobody").await.unwrap_err(), causality.effects("nobody").await.unwrap_err()]
    {
        assert_eq!(*error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("nobody"), "{error}");
    }
    assert!(causality.correlation("nothing").await.unwrap().is_empty());
}

async fn too_many_events_are_refused_and_not_cut(given: Given) {
    let chain: Vec<_> = (0..6)
        .map(|number: i32| {
            made(&number.to_string(), "a/B/c", "Noted").because(&(number - 1).to_string(), "x")
        })
        .collect();
    append(&given, &chain).await;
    let app = app(&given).await;
    let (few, enough) = (app.causality().limit(5), app.causality().limit(6));
    for error in [
        few.correlation("c").await.unwrap_err(),
        few.causes("5").await.unwrap_err(),
        few.effects("5").await.unwrap_err(),
    ] {
        assert_eq!(*error.kind(), ErrorKind::TooLarge);
        assert!(
            error.to_string().contains("more than 5 events") && error.to_string().contains(".limit("),
            "{error}"
        );
    }
    assert_eq!(enough.correlation("c").await.unwrap().events().count(), 6);
    assert_eq!(enough.causes("5").await.unwrap().len(), 7);
}

async fn a_long_chain_is_followed_to_its_root(given: Given) {
    let chain: Vec<_> = (0..300)
        .map(|number: i32| {
            made(&number.to_string(), "a/B/c", "Noted").because(&(number - 1).to_string(), "x")
        })
        .collect();
    append(&given, &chain).await;
    let causality = app(&given).await.causality();
    assert_eq!(causality.causes("299").await.unwrap().len(), 301);
    assert_eq!(causality.effects("0").await.unwrap().len(), 300);
}

#[test]
fn a_chain_of_100_000_is_walked_without_end_of_stack_or_patience() {
    let chain: Vec<_> = (0..100_000)
        .map(|number: i32| {
            made(&number.to_string(), "a/B/c", "Noted").because(&(number - 1).to_string(), "x")
        })
        .collect();
    let graph = Graph::of(&recorded(&chain));
    let deepest = graph.walk().max_by_key(|branch| branch.depth);
    assert!(matches!(deepest, Some(Branch { depth: 100_000, .. })), "{deepest:?}");
    assert_eq!(graph.causes(&event(&"99999".into())).len(), 100_001);
    assert_eq!(graph.effects(&event(&"0".into())).len(), 100_000);
    assert_eq!(graph.to_string().lines().count(), 100_001);
}

#[test]
fn the_order_in_which_events_are_given_does_not_matter() {
    let events = [
        made("1", "a/B/c", "Noted").of_command("k"),
        made("2", "a/B/c", "Noted").because("1", "x").of_command("l"),
        made("3", "a/B/d", "Noted").because("2", "x"),
    ];
    let recorded = recorded(&events);
    let mut reversed = recorded.clone();
    reversed.reverse();
    reversed.extend(recorded.clone());
    assert_eq!(Graph::of(&reversed).to_json(), Graph::of(&recorded).to_json(), "twice counts once");
}

#[test]
fn a_command_with_two_causes_has_one_in_the_tree() {
    let events = [
        made("1", "a/B/c", "Noted"),
        made("2", "a/B/c", "Noted"),
        made("3", "a/B/d", "Noted").because("1", "x").of_command("k"),
        made("4", "a/B/e", "Noted").because("2", "y").of_command("k"),
    ];
    let graph = Graph::of(&recorded(&events));
    let told = "\
Noted, a/B/c at version 1
  command k, to a/B/d
    Noted, a/B/d at version 1
    Noted, a/B/e at version 1
Noted, a/B/c at version 2
";
    assert_eq!(graph.to_string(), told);
    let effects = graph.effects(&event(&"2".into()));
    assert_eq!(effects.walk().count(), 4, "{effects}");
}
