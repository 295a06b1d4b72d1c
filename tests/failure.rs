//! Failure: only what is to blame is set aside, in order and with its cause; an outage pauses; nothing is skipped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use newton::app::Builder;
use newton::domain::NewEvent;
use newton::repository::RetryPolicy;
use newton::store::{Append, Revision, Scan, StateKey, StateRecord, StateStore, StateWrite, Stores};
use newton::subscription::{HandlerPolicy, Parked, Phase};
use newton::testkit::VirtualClock;
use newton::{App, Clock, Error, ErrorKind, ExpectedVersion, Newton, Payload, Result, StreamName};
use newton_tests::bank::{Account, deposit, open};
use newton_tests::recorder::{Act, Delivered, Probe, Recorder, eventually, pass_time};
use newton_tests::{Given, over_every_store};

over_every_store!(
    a_failing_event_is_tried_again_and_then_parked_with_its_key,
    what_is_parked_can_be_tried_again,
    what_is_parked_can_be_dropped_for_a_reason,
    a_parked_key_survives_a_restart,
    a_panic_is_a_failure,
    a_handler_over_its_time_is_cancelled,
    what_cannot_be_decoded_is_parked_at_once,
    an_outage_below_a_handler_pauses_and_parks_nothing,
    a_flood_of_failures_pauses,
    a_pause_ends_when_it_is_asked_to,
    an_outage_of_the_store_pauses_and_skips_nothing,
);

/// An app whose time a test moves.
struct Timed {
    app: App,
    clock: VirtualClock,
    probe: Probe,
}

impl Timed {
    async fn start(given: &Given, probe: &Probe, change: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = VirtualClock::new();
        let builder = Newton::builder().stores(given.stores.clone()).only::<(Account, Recorder)>();
        // Time runs fast here, and is not to end what a slow machine has begun.
        let patient = HandlerPolicy { timeout: FOR_EVER, ..HandlerPolicy::default() };
        let builder = builder.handlers(patient);
        let builder = change(builder.provide(probe.clone()).service("tests").clock(clock.clone()));
        Self { app: builder.start().await.unwrap(), clock, probe: probe.clone() }
    }

    async fn open_accounts(&self, accounts: u64) {
        for account in 0..accounts {
            self.app.execute(format!("acc-{account}"), open("Ada")).await.unwrap();
        }
    }

    async fn deposit(&self, account: u64) {
        self.app.execute(format!("acc-{account}"), deposit(1)).await.unwrap();
    }

    async fn phase(&self) -> Phase {
        self.app.status::<Recorder>().await.unwrap().phase
    }

    async fn parked_keys(&self) -> usize {
        self.app.status::<Recorder>().await.unwrap().parked_keys
    }

    /// Moves time on until so many keys are parked.
    async fn until_parked(&self, keys: usize) {
        pass_time(&self.clock, "parked", async || self.parked_keys().await == keys).await;
    }

    /// The parked events of the only parked key.
    async fn parked(&self, key: &str) -> Vec<Parked> {
        let mut keys = self.app.parked_of::<Recorder>().await.unwrap();
        assert_eq!(keys.len(), 1, "{keys:?}");
        let key_found = keys.remove(0);
        assert_eq!((&*key_found.key, &*key_found.reaction), (key, "Recorder"));
        key_found.events
    }

    async fn at_the_head(&self) {
        let head = self.app.events().head().await.unwrap().current();
        let position = async || self.app.status::<Recorder>().await.unwrap().position;
        eventually("at the head", async || position().await == head).await;
    }
}

const FOR_EVER: Duration = Duration::MAX;
const KEY: &str = "bank/Account/acc-0";

/// The first account fails, the others do not.
fn first_fails(one: &Delivered) -> Act {
    if one.event.stream.id() == "acc-0" { Act::Fail } else { Act::Handle }
}

async fn a_failing_event_is_tried_again_and_then_parked_with_its_key(given: Given) {
    let probe = Probe::new();
    probe.act(first_fails);
    let timed = Timed::start(&given, &probe, |builder| builder).await;
    timed.open_accounts(2).await;
    timed.deposit(0).await;
    timed.deposit(1).await;
    probe.until_handled(2).await;
    assert_eq!(probe.versions(), [("acc-1".to_owned(), 1), ("acc-1".to_owned(), 2)], "other keys go on");
    assert_eq!(timed.parked_keys().await, 0, "it is tried again first");
    timed.until_parked(1).await;
    timed.deposit(0).await;
    timed.deposit(1).await;
    timed.at_the_head().await;
    let parked = timed.parked(KEY).await;
    let seen: Vec<_> = parked
        .iter()
        .map(|parked| (parked.event.as_ref().unwrap().version.0, parked.cause.as_deref(), parked.attempts))
        .collect();
    assert_eq!(seen, [(1, Some("told to fail"), 5), (2, None, 0), (3, None, 0)]);
    let attempts: Vec<_> =
        probe.begun().iter().filter(|one| one.event.stream.id() == "acc-0").map(|one| one.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4, 5], "the later ones are not tried");
    assert_eq!(timed.phase().await, Phase::Live);
}

async fn what_is_parked_can_be_tried_again(given: Given) {
    let probe = Probe::new();
    probe.act(first_fails);
    let timed = Timed::start(&given, &probe, once).await;
    timed.open_accounts(1).await;
    for _ in 0..3 {
        timed.deposit(0).await;
    }
    timed.until_parked(1).await;
    timed.at_the_head().await;
    assert_eq!(timed.app.retry_parked::<Recorder>(KEY).await.unwrap(), 0, "it fails again");
    assert_eq!(timed.parked(KEY).await[0].attempts, 2);

    probe.act(|one| if one.event.version.0 == 3 { Act::Fail } else { Act::Handle });
    assert_eq!(timed.app.retry_parked::<Recorder>(KEY).await.unwrap(), 2, "up to the first that fails");
    let left = timed.parked(KEY).await;
    assert_eq!(left.len(), 2);
    assert!(left[0].cause.is_some() && left[1].cause.is_none());

    probe.act(|_| Act::Handle);
    timed.deposit(0).await;
    timed.at_the_head().await;
    assert_eq!(timed.app.retry_all_parked::<Recorder>().await.unwrap(), 3);
    timed.deposit(0).await;
    probe.until_handled(6).await;
    assert_eq!(probe.versions_of("acc-0"), [1, 2, 3, 4, 5, 6], "and the key goes on, in order");
    assert_eq!(timed.parked_keys().await, 0);
    let again = timed.app.retry_parked::<Recorder>(KEY).await.unwrap_err();
    assert_eq!(*again.kind(), ErrorKind::NotFound);
}

async fn what_is_parked_can_be_dropped_for_a_reason(given: Given) {
    let probe = Probe::new();
    probe.act(|one| if one.event.version.0 == 1 { Act::Fail } else { Act::Handle });
    let timed = Timed::start(&given, &probe, once).await;
    timed.open_accounts(1).await;
    timed.deposit(0).await;
    timed.until_parked(1).await;
    timed.at_the_head().await;
    timed.app.drop_parked::<Recorder>(KEY, "the mail address is none").await.unwrap();
    assert_eq!(probe.versions_of("acc-0"), [2], "the later ones are tried");
    assert_eq!(timed.parked_keys().await, 0);
    let dropped = timed.app.dropped::<Recorder>().await.unwrap();
    assert_eq!(dropped.len(), 1);
    assert_eq!((&*dropped[0].key, dropped[0].reason.as_str()), (KEY, "the mail address is none"));
    assert_eq!(dropped[0].parked.cause.as_deref(), Some("told to fail"));
    assert_eq!(dropped[0].parked.event.as_ref().unwrap().version.0, 1);
}

async fn a_parked_key_survives_a_restart(given: Given) {
    let probe = Probe::new();
    probe.act(first_fails);
    let timed = Timed::start(&given, &probe, once).await;
    timed.open_accounts(1).await;
    timed.until_parked(1).await;
    timed.at_the_head().await;
    drop(timed);
    probe.act(|_| Act::Handle);
    let timed = Timed::start(&given, &probe, once).await;
    timed.deposit(0).await;
    timed.at_the_head().await;
    assert!(probe.handled().is_empty(), "it waits behind the one that failed");
    assert_eq!(timed.app.retry_parked::<Recorder>(KEY).await.unwrap(), 2);
    assert_eq!(probe.versions_of("acc-0"), [1, 2]);
}

async fn a_panic_is_a_failure(given: Given) {
    let probe = Probe::new();
    probe.act(|one| if one.event.stream.id() == "acc-0" { Act::Panic } else { Act::Handle });
    let timed = Timed::start(&given, &probe, once).await;
    timed.open_accounts(2).await;
    probe.until_handled(1).await;
    timed.until_parked(1).await;
    assert_eq!(timed.parked(KEY).await[0].cause.as_deref(), Some("it panicked: told to panic"));
    timed.deposit(1).await;
    probe.until_handled(2).await;
}

async fn a_handler_over_its_time_is_cancelled(given: Given) {
    let probe = Probe::new();
    probe.act(|one| if one.event.stream.id() == "acc-0" { Act::Hang } else { Act::Handle });
    let policy = HandlerPolicy { timeout: Duration::from_secs(30), ..one_attempt() };
    let timed = Timed::start(&given, &probe, |builder| builder.handlers(policy)).await;
    timed.open_accounts(2).await;
    probe.until_handled(1).await;
    timed.until_parked(1).await;
    let cause = timed.parked(KEY).await[0].cause.clone().unwrap();
    assert!(cause.contains("longer than 30s"), "{cause}");
}

async fn what_cannot_be_decoded_is_parked_at_once(given: Given) {
    let probe = Probe::new();
    let timed = Timed::start(&given, &probe, |builder| builder).await;
    timed.open_accounts(2).await;
    let broken = NewEvent::new("AccountDeposited", Payload::from_encoded(&b"{\"amount\": "[..]));
    let stream = StreamName::parse(KEY).unwrap();
    let append = Append::to(stream, ExpectedVersion::Any, vec![broken], timed.clock.now());
    timed.app.events().append(append).await.unwrap();
    timed.deposit(1).await;
    probe.until_handled(3).await;
    eventually("parked", async || timed.parked_keys().await == 1).await;
    let parked = timed.parked(KEY).await;
    assert_eq!(parked[0].attempts, 1, "no other attempt would help");
    assert!(parked[0].cause.as_ref().unwrap().contains("AccountDeposited"));
}

async fn an_outage_below_a_handler_pauses_and_parks_nothing(given: Given) {
    let probe = Probe::new();
    probe.act(|_| Act::Outage);
    let timed = Timed::start(&given, &probe, |builder| builder).await;
    timed.open_accounts(20).await;
    eventually("paused", async || timed.phase().await == Phase::Paused).await;
    let status = timed.app.status::<Recorder>().await.unwrap();
    assert!(status.last_error.unwrap().contains("send mail"));
    assert!(!timed.app.health().await.is_green());
    let tried = probe.begun().len();
    pass_time(&timed.clock, "tried again", async || probe.begun().len() > tried + 20).await;
    assert_eq!(timed.phase().await, Phase::Paused);

    probe.act(|_| Act::Handle);
    pass_time(&timed.clock, "over", async || timed.probe.handled().len() == 20).await;
    timed.at_the_head().await;
    assert!(timed.app.parked_of::<Recorder>().await.unwrap().is_empty());
    assert_eq!(timed.phase().await, Phase::Live);
    assert!(timed.app.health().await.is_green());
}

async fn a_flood_of_failures_pauses(given: Given) {
    let probe = Probe::new();
    probe.act(|_| Act::Fail);
    let timed = Timed::start(&given, &probe, once).await;
    timed.open_accounts(30).await;
    eventually("paused", async || timed.phase().await == Phase::Paused).await;
    let tried = probe.begun().len();
    pass_time(&timed.clock, "tried again", async || probe.begun().len() > tried + 10).await;
    assert_eq!(timed.phase().await, Phase::Paused);
    let status = timed.app.status::<Recorder>().await.unwrap();
    let (error, key) = (status.last_error.unwrap(), probe.begun()[tried].event.stream.to_string());
    assert!(error.contains(&key) && error.contains("told to fail"), "{error}");
    let first = |one: &Delivered| one.event.stream.clone();
    let probes: Vec<_> = probe.begun()[tried..].iter().map(first).collect();
    assert!(probes.iter().all(|stream| *stream == probes[0]), "one event is tried again: {probes:?}");

    probe.act(|_| Act::Handle);
    pass_time(&timed.clock, "over", async || probe.handled().len() == 20).await;
    timed.at_the_head().await;
    assert_eq!(timed.parked_keys().await, 10);
    assert_eq!(timed.app.retry_all_parked::<Recorder>().await.unwrap(), 10);
}

async fn a_pause_ends_when_it_is_asked_to(given: Given) {
    let probe = Probe::new();
    probe.act(|_| Act::Outage);
    let timed = Timed::start(&given, &probe, |builder| builder).await;
    timed.open_accounts(3).await;
    eventually("paused", async || timed.phase().await == Phase::Paused).await;
    // Time stands still, so nothing else ends the pause.
    let asked = async |what: &str, is_so: &dyn Fn() -> bool| {
        let ask = async || {
            timed.app.resume::<Recorder>().unwrap();
            is_so()
        };
        eventually(what, ask).await;
    };
    let tried = probe.begun().len();
    asked("tried again", &|| probe.begun().len() > tried + 3).await;
    assert_eq!(timed.phase().await, Phase::Paused);
    probe.act(|_| Act::Handle);
    asked("over", &|| probe.handled().len() == 3).await;
}

async fn an_outage_of_the_store_pauses_and_skips_nothing(given: Given) {
    let state = Arc::new(Fragile { inner: given.stores.state.clone(), is_down: AtomicBool::new(false) });
    let stores = Stores { state: state.clone(), ..given.stores.clone() };
    let probe = Probe::new();
    let long = Duration::from_hours(1);
    let timed = Timed::start(&given, &probe, |builder| builder.stores(stores).lease_term(long)).await;
    timed.open_accounts(2).await;
    timed.at_the_head().await;
    state.is_down.store(true, Ordering::SeqCst);
    timed.deposit(0).await;
    probe.until_handled(3).await;
    // The place is written a little later.
    pass_time(&timed.clock, "paused", async || timed.phase().await == Phase::Paused).await;
    timed.deposit(1).await;
    state.is_down.store(false, Ordering::SeqCst);
    pass_time(&timed.clock, "over", async || probe.versions_of("acc-1").contains(&2)).await;
    timed.at_the_head().await;
    let mut versions = probe.versions_of("acc-1");
    versions.dedup();
    assert!(versions == [1, 2], "what was not stored may come again: {versions:?}");
    assert!(timed.app.parked_of::<Recorder>().await.unwrap().is_empty());
}

fn one_attempt() -> HandlerPolicy {
    let retry = RetryPolicy { attempts: 1, ..HandlerPolicy::default().retry };
    HandlerPolicy { retry, timeout: FOR_EVER, ..HandlerPolicy::default() }
}

/// One attempt is all.
fn once(builder: Builder) -> Builder {
    builder.handlers(one_attempt())
}

/// A state store that can be down.
#[derive(Debug)]
struct Fragile {
    inner: Arc<dyn StateStore>,
    is_down: AtomicBool,
}

impl Fragile {
    fn check(&self) -> Result<()> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "use state", "the test has it so"));
        }
        Ok(())
    }
}

#[async_trait]
impl StateStore for Fragile {
    async fn get(&self, key: &StateKey) -> Result<Option<StateRecord>> {
        self.check()?;
        self.inner.get(key).await
    }

    async fn write(&self, batch: Vec<StateWrite>) -> Result<Vec<Revision>> {
        self.check()?;
        self.inner.write(batch).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<StateRecord>> {
        self.check()?;
        self.inner.scan(scan).await
    }
}
