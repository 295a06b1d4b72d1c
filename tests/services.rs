//! Domain services: each event at least once, in the order of its key, from a place that is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use newton::app::Builder;
use newton::domain::{NewEvent, SystemClock};
use newton::prelude::*;
use newton::store::{Append, EventStore, Scan, StateStore};
use newton::subscription::{HandlerPolicy, Phase};
use newton::{App, Clock, ErrorKind, ExpectedVersion, Newton, OrderId, Payload, StreamName};
use newton_tests::bank::{Account, deposit, open};
use newton_tests::recorder::{Act, Newcomer, OwnerRecorder, Probe, Recorder, eventually};
use newton_tests::{Given, over_every_store};
use tokio::sync::Barrier;

over_every_store!(
    every_event_is_delivered_in_the_order_of_its_key,
    keys_run_side_by_side_up_to_a_limit,
    a_delivery_keeps_its_id,
    now_is_the_first_registration_and_it_is_stored,
    only_the_events_it_listens_to_move_it,
    a_restart_goes_on_where_it_was,
    a_crash_before_the_place_is_written_delivers_again_with_the_same_id,
    a_place_never_passes_an_event_that_is_not_handled,
    the_past_is_played_again_when_asked,
    another_cut_while_it_runs_loses_and_doubles_nothing,
    two_apps_share_the_segments,
    a_tag_can_be_the_key,
);

fn recording(given: &Given, probe: &Probe) -> Builder {
    Newton::builder()
        .stores(given.stores.clone())
        .only::<(Account, Recorder)>()
        .provide(probe.clone())
        .service("tests")
}

/// Makes accounts with so many events each.
async fn fill(app: &App, accounts: u64, events: u64) {
    for account in 0..accounts {
        app.execute(format!("acc-{account}"), open("Ada")).await.unwrap();
    }
    for _ in 1..events {
        for account in 0..accounts {
            app.execute(format!("acc-{account}"), deposit(1)).await.unwrap();
        }
    }
}

/// Fails unless each account's events were handled once, and in order.
fn assert_once_in_order(probe: &Probe, accounts: usize, events: u64) {
    let mut by_account: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (account, version) in probe.versions() {
        by_account.entry(account).or_default().push(version);
    }
    assert_eq!(by_account.len(), accounts);
    for (account, versions) in by_account {
        assert_eq!(versions, (1..=events).collect::<Vec<_>>(), "of {account}");
    }
}

async fn head(app: &App) -> OrderId {
    app.events().head().await.unwrap().current()
}

async fn position(app: &App) -> OrderId {
    app.status::<Recorder>().await.unwrap().position
}

async fn every_event_is_delivered_in_the_order_of_its_key(given: Given) {
    let probe = Probe::new();
    let app = recording(&given, &probe).start().await.unwrap();
    fill(&app, 20, 10).await;
    probe.until_handled(200).await;
    assert_once_in_order(&probe, 20, 10);
    let head = head(&app).await;
    eventually("at the head", async || position(&app).await == head).await;
    let status = app.status::<Recorder>().await.unwrap();
    assert_eq!((status.phase, status.lag_events, status.last_error), (Phase::Live, 0, None));
}

async fn keys_run_side_by_side_up_to_a_limit(given: Given) {
    let probe = Probe::new();
    probe.act(|_| Act::Hang);
    let policy = HandlerPolicy { concurrency: 3, ..HandlerPolicy::default() };
    let app = recording(&given, &probe).handler::<Recorder>(policy).start().await.unwrap();
    fill(&app, 5, 2).await;
    let head = head(&app).await;
    probe.until("three begun", |probe| probe.begun().len() == 3).await;
    let status = app.status::<Recorder>().await.unwrap();
    assert!(status.position < head && status.lag_events > 0, "{status:?}");
    let keys: Vec<_> = probe.begun().iter().map(|one| one.event.stream.clone()).collect();
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2], "{keys:?}");
}

async fn a_delivery_keeps_its_id(given: Given) {
    let probe = Probe::new();
    probe.act(|one| if one.attempt < 3 { Act::Fail } else { Act::Handle });
    let app = recording(&given, &probe).start().await.unwrap();
    fill(&app, 1, 2).await;
    probe.until_handled(2).await;
    let begun: Vec<_> = probe.begun().iter().map(|one| (one.event.version.0, one.attempt, one.id)).collect();
    let (first, second) = (begun[0].2, begun[3].2);
    assert_ne!(first, second);
    let expected = [1, 2].into_iter().zip([first, second]);
    let expected: Vec<_> =
        expected.flat_map(|(version, id)| (1..=3).map(move |attempt| (version, attempt, id))).collect();
    assert_eq!(begun, expected);
}

async fn now_is_the_first_registration_and_it_is_stored(given: Given) {
    let builder = |probe: &Probe| {
        Newton::builder().stores(given.stores.clone()).only::<(Account, Newcomer)>().provide(probe.clone())
    };
    let elsewhere = given.app().start().await.unwrap();
    fill(&elsewhere, 1, 3).await;
    let probe = Probe::new();
    drop(builder(&probe).start().await.unwrap());
    elsewhere.execute("acc-0", deposit(1)).await.unwrap();
    let app = builder(&probe).start().await.unwrap();
    app.execute("acc-0", deposit(1)).await.unwrap();
    probe.until("the last deposit", |probe| probe.versions_of("acc-0").contains(&5)).await;
    // An app that is dropped gives up nothing in good order, so some may come again; but none from before, and none is left out.
    let handled: BTreeSet<_> = probe.versions_of("acc-0").into_iter().collect();
    assert_eq!(handled, BTreeSet::from([4, 5]));
}

async fn only_the_events_it_listens_to_move_it(given: Given) {
    let probe = Probe::new();
    let app = recording(&given, &probe).start().await.unwrap();
    let other = async || {
        let event = NewEvent::new("OrderPlaced", Payload::json("{}").unwrap());
        let stream = StreamName::parse("shop/Order/1").unwrap();
        let append = Append::to(stream, ExpectedVersion::Any, vec![event], SystemClock.now());
        app.events().append(append).await.unwrap();
    };
    other().await;
    app.execute("acc-1", open("Ada")).await.unwrap();
    other().await;
    let head = head(&app).await;
    eventually("past the others", async || position(&app).await == head).await;
    assert_eq!(probe.versions(), [("acc-1".to_owned(), 1)]);
}

async fn a_restart_goes_on_where_it_was(given: Given) {
    let probe = Probe::new();
    let app = recording(&given, &probe).start().await.unwrap();
    fill(&app, 3, 4).await;
    probe.until_handled(12).await;
    assert!(app.shutdown(Duration::from_mins(1)).await.is_complete());
    let app = recording(&given, &probe).start().await.unwrap();
    app.execute("acc-0", deposit(1)).await.unwrap();
    probe.until_handled(13).await;
    assert_eq!(probe.begun().len(), 13, "the shutdown wrote the place a last time");
}

async fn a_crash_before_the_place_is_written_delivers_again_with_the_same_id(given: Given) {
    let probe = Probe::new();
    let before = Probe::new();
    // The first app handles the event, and hangs in the one before, so that its place stays below both.
    before.act(|one| if one.event.stream.id() == "acc-0" { Act::Hang } else { Act::Handle });
    let app = recording(&given, &before).start().await.unwrap();
    fill(&app, 2, 1).await;
    before.until_handled(1).await;
    drop(app);
    let _app = recording(&given, &probe).start().await.unwrap();
    probe.until_handled(2).await;
    let again = probe.handled().into_iter().find(|one| one.event.stream.id() == "acc-1").unwrap();
    assert_eq!(again.id, before.handled()[0].id);
    assert_eq!(again.attempt, 1);
}

async fn a_place_never_passes_an_event_that_is_not_handled(given: Given) {
    let probe = Probe::new();
    probe.act(|one| if one.event.stream.id() == "acc-3" { Act::Hang } else { Act::Handle });
    let app = recording(&given, &probe).start().await.unwrap();
    fill(&app, 10, 3).await;
    probe.until_handled(27).await;
    assert_eq!(position(&app).await, OrderId(3));
    drop(app);
    probe.act(|_| Act::Handle);
    let app = recording(&given, &probe).start().await.unwrap();
    let head = head(&app).await;
    eventually("at the head", async || position(&app).await == head).await;
    assert_eq!(probe.versions_of("acc-3"), [1, 2, 3]);
    assert_eq!(probe.versions_of("acc-0")[..3], [1, 2, 3]);
}

async fn the_past_is_played_again_when_asked(given: Given) {
    let probe = Probe::new();
    let app = recording(&given, &probe).start().await.unwrap();
    fill(&app, 2, 3).await;
    probe.until_handled(6).await;
    app.replay::<Recorder>(OrderId(3)).await.unwrap();
    probe.until_handled(10).await;
    let handled = probe.handled();
    assert!(handled[6..].iter().all(|one| one.event.order_id >= OrderId(3)));
    for again in &handled[6..] {
        assert!(handled[..6].iter().any(|one| one.id == again.id), "the ids are those of the first time");
    }
    app.execute("acc-0", deposit(1)).await.unwrap();
    probe.until_handled(11).await;
}

async fn another_cut_while_it_runs_loses_and_doubles_nothing(given: Given) {
    let probe = Probe::new();
    let app = recording(&given, &probe).start().await.unwrap();
    for (round, segments) in (1..).zip([4, 8, 3, 1, 2]) {
        app.resplit::<Recorder>(segments).await.unwrap();
        for account in 0..20 {
            let command = if round == 1 { open("Ada") } else { deposit(1) };
            app.execute(format!("acc-{account}"), command).await.unwrap();
        }
    }
    probe.until_handled(100).await;
    assert_once_in_order(&probe, 20, 5);
    assert!(app.resplit::<Recorder>(0).await.is_err());
}

async fn two_apps_share_the_segments(given: Given) {
    let probe = Probe::new();
    let one = recording(&given, &probe.of("one")).start().await.unwrap();
    one.resplit::<Recorder>(4).await.unwrap();
    fill(&one, 20, 2).await;
    probe.until_handled(40).await;
    let two = recording(&given, &probe.of("two")).start().await.unwrap();
    eventually("fairly shared", async || shares(&one).await == [2, 2]).await;
    let mut events = 2;
    let handles = |app: &'static str, since: usize| {
        probe.handled()[since..].iter().any(|delivered| delivered.app == app)
    };
    // They share as soon as the second one has been seen, and until then the first one does it all.
    let mut since = 40;
    while !(handles("one", since) && handles("two", since)) {
        since = probe.handled().len();
        for account in 0..20 {
            one.execute(format!("acc-{account}"), deposit(1)).await.unwrap();
        }
        events += 1;
        probe.until_handled(since + 20).await;
    }
    assert_once_in_order(&probe, 20, events);
    let three = recording(&given, &probe.of("three")).start().await.unwrap();
    eventually("fairly shared", async || shares(&one).await == [1, 1, 2]).await;
    for app in [two, three] {
        assert!(app.shutdown(Duration::from_mins(1)).await.is_complete());
    }
    eventually("all of one", async || shares(&one).await == [4]).await;
    since = probe.handled().len();
    for account in 0..20 {
        one.execute(format!("acc-{account}"), deposit(1)).await.unwrap();
    }
    probe.until_handled(since + 20).await;
    assert_once_in_order(&probe, 20, events + 1);
    assert!(probe.handled()[since..].iter().all(|delivered| delivered.app == "one"));
}

/// Each app opens the SQLite file by itself: nothing is shared but what is stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_cut_while_two_apps_run_loses_and_doubles_nothing() {
    const ACCOUNTS: usize = 20;
    const EVENTS: u64 = 30;
    let (given, probe) = (Given::sqlite().await, Probe::new());
    // Only who leaves gives a segment away here: a slow machine takes none.
    let term = Duration::from_mins(5);
    let one = recording(&given, &probe.of("one")).lease_term(term).start().await.unwrap();
    let two = recording(&given, &probe.of("two")).store(given.url()).lease_term(term).start().await.unwrap();
    one.resplit::<Recorder>(2).await.unwrap();
    eventually("fairly shared", async || shares(&one).await == [1, 1]).await;
    let writing = tokio::spawn({
        let one = one.clone();
        async move { fill(&one, ACCOUNTS as u64, EVENTS).await }
    });
    probe.until_handled(5 * ACCOUNTS).await;
    two.resplit::<Recorder>(5).await.unwrap();
    eventually("fairly shared again", async || shares(&one).await == [2, 3]).await;
    writing.await.unwrap();
    probe.until_handled(ACCOUNTS * 30).await;
    let since = probe.handled().len();
    for account in 0..ACCOUNTS {
        two.execute(format!("acc-{account}"), deposit(1)).await.unwrap();
    }
    probe.until_handled(since + ACCOUNTS).await;
    // What comes again comes late: a last place of all segments is behind everything.
    let last = head(&one).await;
    eventually("all places stored", async || position(&one).await >= last && position(&two).await >= last)
        .await;
    assert_once_in_order(&probe, ACCOUNTS, EVENTS + 1);
    let handled = probe.handled().split_off(since);
    for app in ["one", "two"] {
        assert!(handled.iter().any(|delivered| delivered.app == app), "{app} has its share");
    }
}

async fn a_tag_can_be_the_key(given: Given) {
    let probe = Probe::new();
    probe.act(|one| if one.event.stream.id() == "acc-1" { Act::Hang } else { Act::Handle });
    let builder = Newton::builder().stores(given.stores.clone()).only::<(Account, OwnerRecorder)>();
    let app = builder.provide(probe.clone()).start().await.unwrap();
    for (account, owner) in ["Ada", "Ada", "Ada", "Eve"].into_iter().enumerate() {
        app.execute(format!("acc-{account}"), open(owner)).await.unwrap();
    }
    app.execute("acc-2", deposit(1)).await.unwrap();
    probe.until_handled(3).await;
    let mut handled = probe.versions();
    handled.sort();
    let expected = [("acc-0", 1), ("acc-2", 2), ("acc-3", 1)].map(|(id, version)| (id.to_owned(), version));
    assert_eq!(
        handled, expected,
        "the third account of Ada waits behind her second, what has no owner does not"
    );
    drop(app);
    probe.act(|_| Act::Handle);
    let builder = Newton::builder().stores(given.stores.clone()).only::<(Account, OwnerRecorder)>();
    let _app = builder.provide(probe.clone()).start().await.unwrap();
    probe.until("the third", |probe| probe.versions().contains(&("acc-2".to_owned(), 1))).await;
    let first = |id: &str| probe.versions().iter().position(|one| *one == (id.to_owned(), 1)).unwrap();
    assert!(first("acc-1") < first("acc-2"));
}

/// How many segments each app holds, least first.
async fn shares(app: &App) -> Vec<usize> {
    let leases = app.state().scan(Scan::of("lease", "Recorder")).await.unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for lease in leases.iter().filter(|lease| !lease.key.contains('@')) {
        let record: serde_json::Value = serde_json::from_slice(&lease.value).unwrap();
        if let Some(holder) = record["holder"].as_str() {
            *counts.entry(holder.to_owned()).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_values().collect();
    counts.sort_unstable();
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_keys_can_wait_for_each_other() {
    #[derive(EventHandler)]
    #[event_handler(handles(newton_tests::bank::AccountEvent), start = "origin")]
    struct Meeting {
        barrier: Arc<Barrier>,
    }

    impl React<newton_tests::bank::AccountEvent> for Meeting {
        async fn react(
            &self,
            _: &newton_tests::bank::AccountEvent,
            _: &Delivery,
        ) -> Result<(), newton::HandlerError> {
            self.barrier.wait().await;
            Ok(())
        }
    }

    let barrier = Arc::new(Barrier::new(3));
    let builder = Newton::builder().store("memory:").only::<(Account, Meeting)>();
    let app = builder.provide(barrier.clone()).start().await.unwrap();
    fill(&app, 2, 1).await;
    tokio::time::timeout(Duration::from_mins(1), barrier.wait()).await.expect("both came");
}

#[tokio::test]
async fn what_a_handler_is_built_from_must_be_provided() {
    let builder = Newton::builder().store("memory:").only::<(Account, Recorder)>();
    let error = builder.provide(7_u8).start().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Configuration);
    let text = error.to_string();
    for part in ["Recorder", "Probe", "`probe`", ".provide(", "provided: u8"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}
