//! Commands that cannot be executed for now, apps that come and go, and failures that have another cause.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use newton::bus::{CommandMessage, Middleware, Next};
use newton::repository::{AnyOutcome, RetryPolicy};
use newton::saga::SagaStatus;
use newton::saga::record::{CommandResult, Record};
use newton::subscription::HandlerPolicy;
use newton::testkit::VirtualClock;
use newton::{App, Error, ErrorKind};
use newton_tests::{Given, over_every_store};
use tokio::sync::Notify;

use super::script::{
    MENDED, Script, Teller, Till, TillCommand, added, announce, begin, ended, history, instance, log, noted,
    routed, start, tell, until,
};

over_every_store!(
    an_outage_is_waited_out,
    used_up_attempts_are_a_failure,
    a_slow_command_holds_nobody_else_up,
    an_unknown_command_fails_at_once,
    another_app_goes_on_where_one_ends,
    two_apps_share_one_saga,
    an_app_that_ends_in_order_leaves_nothing_open,
);

/// Stands between the saga and its tills.
#[derive(Clone, Debug, Default)]
struct Road(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// So many more commands to a till do not arrive.
    broken: Mutex<HashMap<String, u32>>,
    tried: Mutex<Vec<String>>,
    /// The commands to the till `slow` wait for this.
    open: Notify,
}

#[async_trait]
impl Middleware for Road {
    async fn handle(&self, command: &CommandMessage<'_>, next: Next<'_>) -> AnyOutcome {
        if command.downcast_ref::<TillCommand>().is_some() {
            let till = command.id.to_string();
            self.0.tried.lock().unwrap().push(till.clone());
            if till == "slow" {
                self.0.open.notified().await;
            }
            if let Some(left) = self.0.broken.lock().unwrap().get_mut(&till).filter(|left| **left > 0) {
                *left -= 1;
                return Err(Error::new(ErrorKind::Unavailable, "drive", "the road is closed; wait").into());
            }
        }
        next.run().await
    }
}

impl Road {
    fn closed(till: &str, times: u32) -> Self {
        let road = Self::default();
        road.0.broken.lock().unwrap().insert(till.to_owned(), times);
        road
    }

    fn tried(&self, till: &str) -> usize {
        self.0.tried.lock().unwrap().iter().filter(|tried| *tried == till).count()
    }

    async fn app(&self, given: &Given, clock: &VirtualClock) -> App {
        let policy =
            RetryPolicy { attempts: 4, base: Duration::from_mins(1), longest: Duration::from_hours(1) };
        let app = given.app().only::<(Teller, Till, Script)>().clock(clock.clone()).middleware(self.clone());
        app.retry_saga_commands(policy).start().await.unwrap()
    }
}

async fn an_outage_is_waited_out(given: Given) {
    let (road, clock) = (Road::closed("till", 3), VirtualClock::new());
    let app = road.app(&given, &clock).await;
    begin(&app, "a", "add till 1; add till 2; end").await;
    for attempt in 1..4 {
        until(async || road.tried("till") == attempt).await;
        routed(&app).await;
        assert_eq!(road.tried("till"), attempt, "only time brings the next attempt");
        until(async || clock.next_wait().is_some()).await;
        clock.set(clock.next_wait().unwrap());
    }
    assert_eq!(ended(&app, "a").await, SagaStatus::Ended);
    assert_eq!(added(&app, "till").await, [1, 2]);
    let Record::Outcome(outcomes) = &history(&app, "a").await[1].record else { panic!("an outcome") };
    assert_eq!(outcomes.outcomes.iter().map(|outcome| outcome.attempts).collect::<Vec<_>>(), [4, 1]);
}

async fn used_up_attempts_are_a_failure(given: Given) {
    let (road, clock) = (Road::closed("till", 4), VirtualClock::new());
    let app = road.app(&given, &clock).await;
    begin(&app, "a", "undo other 9; add other 1; add till 2; add other 3").await;
    until(async || {
        clock.advance(Duration::from_hours(1));
        instance(&app, "a").status().await.unwrap() == Some(SagaStatus::Compensated)
    })
    .await;
    assert_eq!(road.tried("till"), 4);
    assert_eq!(added(&app, "other").await, [1, 9]);
    assert_eq!(log(&app, "a").await, ["failed TillAdd Some(Add { by: 2 })"]);
}

async fn a_slow_command_holds_nobody_else_up(given: Given) {
    let (road, clock) = (Road::default(), VirtualClock::new());
    let app = road.app(&given, &clock).await;
    begin(&app, "a", "one; add slow 1; add till 10").await;
    until(async || road.tried("slow") == 1).await;
    tell(&app, "a", "two; add till 11").await;
    begin(&app, "b", "add till 1; end").await;
    assert_eq!(ended(&app, "b").await, SagaStatus::Ended);
    // The instance itself takes in what comes; only its commands wait.
    assert_eq!(noted(&app, "a", 2).await, ["one", "two"]);
    assert_eq!(added(&app, "till").await, [1]);
    road.0.open.notify_one();
    until(async || added(&app, "till").await.len() == 3).await;
    assert_eq!(added(&app, "till").await, [1, 10, 11]);
}

async fn an_unknown_command_fails_at_once(given: Given) {
    let clock = VirtualClock::new();
    let app = given.app().only::<(Teller, Script)>().clock(clock.clone()).start().await.unwrap();
    begin(&app, "a", "on-failure recover, end; add till 1").await;
    assert_eq!(ended(&app, "a").await, SagaStatus::Ended);
    let Record::Outcome(outcomes) = &history(&app, "a").await[1].record else { panic!("an outcome") };
    assert_eq!(outcomes.outcomes[0].result, CommandResult::Failed);
    assert!(outcomes.outcomes[0].reason.as_ref().unwrap().contains("no command `TillAdd`"));
}

async fn another_app_goes_on_where_one_ends(given: Given) {
    let (road, clock) = (Road::default(), VirtualClock::new());
    let first = road.app(&given, &clock).await;
    begin(&first, "a", "add slow 1; add till 2; after 60 tea; listen news; on-deadline end").await;
    until(async || road.tried("slow") == 1).await;
    drop(first);
    let second = start(&given, &clock).await;
    until(async || added(&second, "till").await == [2]).await;
    assert_eq!(added(&second, "slow").await, [1]);
    announce(&second, "news", "heard").await;
    noted(&second, "a", 1).await;
    clock.advance(Duration::from_mins(1));
    assert_eq!(ended(&second, "a").await, SagaStatus::Ended);
    assert_eq!(log(&second, "a").await, ["heard", "tea ran out"]);
}

async fn two_apps_share_one_saga(given: Given) {
    let clock = VirtualClock::new();
    let (one, two) = (start(&given, &clock).await, start(&given, &clock).await);
    for index in 0..20 {
        let app = if index % 2 == 0 { &one } else { &two };
        begin(app, &format!("k{index}"), &format!("add till {index}; end")).await;
    }
    for index in 0..10 {
        ended(&two, &format!("k{index}")).await;
    }
    drop(one);
    for index in 20..40 {
        begin(&two, &format!("k{index}"), &format!("add till {index}; end")).await;
    }
    for index in 0..40 {
        assert_eq!(ended(&two, &format!("k{index}")).await, SagaStatus::Ended);
    }
    let mut added = added(&two, "till").await;
    added.sort_unstable();
    assert_eq!(added, (0..40).collect::<Vec<_>>());
}

async fn an_app_that_ends_in_order_leaves_nothing_open(given: Given) {
    let clock = VirtualClock::new();
    let app = start(&given, &clock).await;
    for index in 0..20 {
        begin(&app, &format!("k{index}"), "add till 1; end").await;
    }
    app.shutdown(Duration::from_secs(30)).await;
    let app = start(&given, &clock).await;
    for index in 0..20 {
        assert_eq!(ended(&app, &format!("k{index}")).await, SagaStatus::Ended);
    }
    assert_eq!(added(&app, "till").await.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_one_after_the_other_pause_instead_of_parking() {
    let given = Given::memory().await;
    let policy = HandlerPolicy { flood: 3, ..HandlerPolicy::default() };
    let app = given.app().only::<(Teller, Till, Script)>().handlers(policy).start().await.unwrap();
    for index in 0..10 {
        begin(&app, &format!("k{index}"), "fail-until-mended; fine").await;
    }
    let parked = async || app.parked_of::<Script>().await.unwrap().len();
    until(async || parked().await >= 3).await;
    MENDED.store(true, std::sync::atomic::Ordering::SeqCst);
    let fine = async |index| log(&app, &format!("k{index}")).await.len();
    until(async || futures_util::future::join_all((0..10).map(fine)).await.iter().sum::<usize>() == 7).await;
    assert_eq!(parked().await, 3);
    assert_eq!(app.retry_all_parked::<Script>().await.unwrap(), 3);
    until(async || futures_util::future::join_all((0..10).map(fine)).await.iter().sum::<usize>() == 10).await;
}
