//! Commands of sagas: sent in order, once, and what comes of those that fail.

use std::time::Duration;

use newton::saga::SagaStatus;
use newton::saga::record::{CommandResult, Record};
use newton_tests::{Given, over_every_store};

use super::script::{Script, added, app, begin, ended, history, instance, log, noted, routed, tell, until};

over_every_store!(
    commands_are_sent_in_order,
    one_trigger_costs_two_appends,
    a_rejection_is_told_and_compensated_in_reverse,
    a_recovered_rejection_goes_on,
    an_instance_that_ends_waits_for_its_commands,
    a_failing_compensation_parks_and_can_be_retried,
    a_failing_compensation_can_be_dropped,
    a_panicking_aggregate_is_a_failed_command,
    a_command_to_a_bad_target_parks_with_the_reason,
    a_failing_handler_parks_its_instance_only,
    a_parked_trigger_can_be_dropped,
    a_history_tells_events_timers_and_failed_commands_apart,
);

async fn commands_are_sent_in_order(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "add till 1; add till 2; add till 3").await;
    tell(&app, "a", "add till 4; add till 5; end").await;
    assert_eq!(ended(&app, "a").await, SagaStatus::Ended);
    assert_eq!(added(&app, "till").await, [1, 2, 3, 4, 5]);
}

async fn one_trigger_costs_two_appends(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "add till 1; add till 2; add till 3; end").await;
    ended(&app, "a").await;
    let records: Vec<_> = history(&app, "a").await.into_iter().map(|record| record.record).collect();
    let [Record::Advanced(advanced), Record::Outcome(outcomes), Record::Ended(_)] = &records[..] else {
        panic!("one record, all outcomes together with the end: {records:?}");
    };
    let ids: Vec<_> = advanced.commands.iter().map(|command| &command.id).collect();
    assert_eq!(outcomes.outcomes.iter().map(|outcome| &outcome.command).collect::<Vec<_>>(), ids);
    assert!(outcomes.outcomes.iter().all(|outcome| outcome.result == CommandResult::Done));
}

async fn a_rejection_is_told_and_compensated_in_reverse(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "add till 1; undo till 101; add till 2; undo till 102; listen x; after 60 late").await;
    until(async || added(&app, "till").await.len() == 2).await;
    tell(&app, "a", "refuse till 3; add till 4").await;
    assert_eq!(ended(&app, "a").await, SagaStatus::Compensated);
    assert_eq!(added(&app, "till").await, [1, 2, 102, 101], "what was behind the rejection is not sent");
    let log = log(&app, "a").await;
    assert_eq!(log, ["rejected TillRefuse Some(Refuse { by: 3 })"]);
    assert_eq!(instance(&app, "a").status().await.unwrap(), Some(SagaStatus::Compensated));
}

async fn a_recovered_rejection_goes_on(given: Given) {
    let (app, _) = app(&given).await;
    let what = "on-failure add till 30, recover; undo till 100; add till 1; refuse till 2; add till 3";
    begin(&app, "a", what).await;
    tell(&app, "a", "add till 4; end").await;
    assert_eq!(ended(&app, "a").await, SagaStatus::Ended);
    assert_eq!(added(&app, "till").await, [1, 30, 3, 4], "what makes up for it comes first");
}

async fn an_instance_that_ends_waits_for_its_commands(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "undo till 9; add till 1; refuse till 2; end").await;
    assert_eq!(ended(&app, "a").await, SagaStatus::Compensated);
    assert_eq!(added(&app, "till").await, [1, 9]);
}

async fn a_failing_compensation_parks_and_can_be_retried(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "undo till 101; undo-refused till 102; undo till 103; refuse till 1").await;
    until(async || app.parked_of::<Script>().await.unwrap().len() == 1).await;
    assert_eq!(added(&app, "till").await, [103]);
    assert_eq!(instance(&app, "a").status().await.unwrap(), Some(SagaStatus::Parked));
    let parked = app.parked_of::<Script>().await.unwrap();
    let cause = parked[0].events[0].cause.clone().unwrap();
    assert!(cause.contains("the compensation `TillRefuse` failed"), "{cause}");
    // It fails again, and stays parked.
    assert_eq!(app.retry_parked::<Script>("a").await.unwrap(), 0);
    assert_eq!(instance(&app, "a").status().await.unwrap(), Some(SagaStatus::Parked));
    // Once the till takes it, the rest follows.
    begin(&app, "helper", "add till 1102; end").await;
    ended(&app, "helper").await;
    assert_eq!(app.retry_parked::<Script>("a").await.unwrap(), 1);
    assert_eq!(ended(&app, "a").await, SagaStatus::Compensated);
    assert_eq!(added(&app, "till").await, [103, 1102, 102, 101]);
    assert!(app.parked_of::<Script>().await.unwrap().is_empty());
}

async fn a_failing_compensation_can_be_dropped(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "undo till 101; undo-refused till 102; refuse till 1").await;
    until(async || app.parked_of::<Script>().await.unwrap().len() == 1).await;
    app.drop_parked::<Script>("a", "refunded by hand").await.unwrap();
    assert_eq!(ended(&app, "a").await, SagaStatus::Compensated);
    assert_eq!(added(&app, "till").await, [101]);
    let dropped = history(&app, "a").await.into_iter().any(|record| match record.record {
        Record::Outcome(outcomes) => outcomes.outcomes.iter().any(|outcome| {
            outcome.result == CommandResult::Dropped && outcome.reason.as_deref() == Some("refunded by hand")
        }),
        _ => false,
    });
    assert!(dropped);
    assert_eq!(app.dropped::<Script>().await.unwrap()[0].reason, "refunded by hand");
}

async fn a_panicking_aggregate_is_a_failed_command(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "on-failure recover, end; panicking till 1").await;
    assert_eq!(ended(&app, "a").await, SagaStatus::Ended);
    let outcome = history(&app, "a").await.into_iter().find_map(|record| match record.record {
        Record::Outcome(outcomes) => outcomes.outcomes.into_iter().next(),
        _ => None,
    });
    let outcome = outcome.unwrap();
    assert_eq!((outcome.result, outcome.attempts), (CommandResult::Failed, 1));
    assert!(outcome.reason.unwrap().contains("asked to panic with 1"));
}

async fn a_command_to_a_bad_target_parks_with_the_reason(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "begun").await;
    tell(&app, "a", "add a/b 1").await;
    until(async || app.parked_of::<Script>().await.unwrap().len() == 1).await;
    let cause = app.parked_of::<Script>().await.unwrap()[0].events[0].cause.clone().unwrap();
    assert!(cause.contains("flow.send") && cause.contains("a/b"), "{cause}");
}

async fn a_failing_handler_parks_its_instance_only(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "one; listen news").await;
    begin(&app, "b", "one").await;
    tell(&app, "a", "two; add till 1; panic").await;
    tell(&app, "a", "three").await;
    announce_all(&app).await;
    tell(&app, "b", "two").await;
    assert_eq!(noted(&app, "b", 2).await, ["one", "two"]);
    let waiting = async || app.parked_of::<Script>().await.unwrap().first().map_or(0, |key| key.events.len());
    until(async || waiting().await == 3).await;
    let parked = app.parked_of::<Script>().await.unwrap();
    assert_eq!((parked.len(), &*parked[0].key), (1, "a"));
    assert_eq!(log(&app, "a").await, ["one"], "nothing of a handler that failed is kept");
    let causes: Vec<_> = parked[0].events.iter().map(|event| event.cause.as_deref()).collect();
    assert_eq!(causes, [Some("the handler panicked: told to panic"), None, None]);
    assert!(parked[0].events[0].event.is_some(), "with its payload");
    // Tried again it fails again; the order stays.
    assert_eq!(app.retry_parked::<Script>("a").await.unwrap(), 0);
    assert_eq!(app.parked_of::<Script>().await.unwrap()[0].events[0].attempts, 2);
    assert!(added(&app, "till").await.is_empty());
}

async fn announce_all(app: &newton::App) {
    super::script::announce(app, "news", "heard").await;
}

async fn a_parked_trigger_can_be_dropped(given: Given) {
    let (app, _) = app(&given).await;
    begin(&app, "a", "one").await;
    tell(&app, "a", "fail").await;
    tell(&app, "a", "two; listen news").await;
    super::script::announce(&app, "news", "three").await;
    tell(&app, "a", "four").await;
    routed(&app).await;
    app.drop_parked::<Script>("a", "nonsense").await.unwrap();
    assert_eq!(noted(&app, "a", 4).await, ["one", "two", "three", "four"], "in the order of the log");
    tell(&app, "a", "five").await;
    assert_eq!(noted(&app, "a", 5).await.len(), 5);
    assert!(app.parked_of::<Script>().await.unwrap().is_empty());
}

async fn a_history_tells_events_timers_and_failed_commands_apart(given: Given) {
    let (app, clock) = app(&given).await;
    begin(&app, "a", "on-deadline refuse till 5; on-failure recover, end; after 60 tea; listen news").await;
    tell(&app, "a", "undo till 9; add till 1").await;
    until(async || history(&app, "a").await.len() == 3).await;
    clock.advance(Duration::from_mins(1));
    assert_eq!(ended(&app, "a").await, SagaStatus::Ended);
    let told: Vec<String> = history(&app, "a").await.iter().map(|record| record.record.to_string()).collect();
    let expected = [
        "event ToldBegin: sets timer `tea`; listens to topic=news",
        "event ToldGo: sends TillAdd; may compensate with TillAdd",
        "outcome: done",
        "timer `tea`: sends TillRefuse",
        "outcome: rejected (no: by 5)",
        "failed command TillRefuse: recovers; ends",
        "ended",
    ];
    assert_eq!(told, expected);
}
