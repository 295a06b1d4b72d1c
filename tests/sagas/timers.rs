//! Timers: durable, cancellable, on time, fired once.

use std::time::Duration;

use newton::saga::SagaStatus;
use newton_tests::{Given, over_every_store};

use super::script::{Script, app, begin, ended, history, instance, log, noted, routed, start, tell, until};

over_every_store!(
    a_timer_fires_when_it_is_due_and_once,
    a_timer_set_again_is_moved,
    a_cancelled_timer_and_one_of_an_ended_instance_never_fire,
    a_timer_fires_that_was_due_while_nothing_ran,
    a_handler_of_a_deadline_may_fail,
    many_timers_fire_in_their_order,
);

const MINUTE: Duration = Duration::from_mins(1);

/// Waits until an instance has so many records.
async fn recorded(app: &newton::App, key: &str, count: usize) {
    until(async || history(app, key).await.len() >= count).await;
}

async fn a_timer_fires_when_it_is_due_and_once(given: Given) {
    let (app, clock) = app(&given).await;
    begin(&app, "a", "after 60 tea; after 120 biscuits; after 60 milk").await;
    recorded(&app, "a", 1).await;
    clock.advance(MINUTE.checked_sub(Duration::from_micros(1)).unwrap());
    routed(&app).await;
    assert!(log(&app, "a").await.is_empty());
    clock.advance(Duration::from_micros(1));
    let mut first = noted(&app, "a", 2).await;
    first.sort();
    assert_eq!(first, ["milk ran out", "tea ran out"]);
    clock.advance(10 * MINUTE);
    assert_eq!(noted(&app, "a", 3).await[2], "biscuits ran out");
    clock.advance(10 * MINUTE);
    routed(&app).await;
    assert_eq!(history(&app, "a").await.len(), 4);
}

async fn a_timer_set_again_is_moved(given: Given) {
    let (app, clock) = app(&given).await;
    begin(&app, "a", "after 60 tea").await;
    recorded(&app, "a", 1).await;
    tell(&app, "a", "after 180 tea; after 60 tea; after 120 tea").await;
    recorded(&app, "a", 2).await;
    clock.advance(MINUTE);
    routed(&app).await;
    assert!(log(&app, "a").await.is_empty());
    clock.advance(MINUTE);
    assert_eq!(noted(&app, "a", 1).await, ["tea ran out"]);
    clock.advance(10 * MINUTE);
    routed(&app).await;
    assert_eq!(log(&app, "a").await.len(), 1);
}

async fn a_cancelled_timer_and_one_of_an_ended_instance_never_fire(given: Given) {
    let (app, clock) = app(&given).await;
    begin(&app, "a", "after 60 tea").await;
    begin(&app, "b", "after 60 tea").await;
    tell(&app, "a", "cancel tea; cancel what-was-never-set; cancelled").await;
    tell(&app, "b", "end").await;
    noted(&app, "a", 1).await;
    assert_eq!(ended(&app, "b").await, SagaStatus::Ended);
    clock.advance(10 * MINUTE);
    routed(&app).await;
    assert_eq!(log(&app, "a").await, ["cancelled"]);
    assert!(log(&app, "b").await.is_empty());
    drop(app);
    let app = start(&given, &clock).await;
    routed(&app).await;
    assert_eq!(log(&app, "a").await, ["cancelled"]);
}

async fn a_timer_fires_that_was_due_while_nothing_ran(given: Given) {
    let (first, clock) = app(&given).await;
    begin(&first, "a", "after 60 tea; on-deadline add till 1, end").await;
    recorded(&first, "a", 1).await;
    drop(first);
    clock.advance(10 * MINUTE);
    let app = start(&given, &clock).await;
    assert_eq!(ended(&app, "a").await, SagaStatus::Ended);
    assert_eq!(log(&app, "a").await, ["tea ran out"]);
}

async fn a_handler_of_a_deadline_may_fail(given: Given) {
    let (app, clock) = app(&given).await;
    begin(&app, "a", "after 60 tea; after 60 milk; on-deadline fail").await;
    recorded(&app, "a", 1).await;
    clock.advance(MINUTE);
    until(async || app.parked_of::<Script>().await.unwrap().len() == 1).await;
    assert_eq!(instance(&app, "a").status().await.unwrap(), Some(SagaStatus::Parked));
    tell(&app, "a", "behind; on-deadline ignore").await;
    routed(&app).await;
    assert_eq!(app.parked_of::<Script>().await.unwrap()[0].events.len(), 2);
    // Given up, the timers are gone, and the rest goes on.
    app.drop_parked::<Script>("a", "no tea").await.unwrap();
    assert_eq!(noted(&app, "a", 1).await, ["behind"]);
    tell(&app, "a", "after 60 cake").await;
    recorded(&app, "a", 5).await;
    clock.advance(MINUTE);
    assert_eq!(noted(&app, "a", 2).await[1], "cake ran out");
    routed(&app).await;
    assert_eq!(log(&app, "a").await.len(), 2);
}

async fn many_timers_fire_in_their_order(given: Given) {
    let (app, clock) = app(&given).await;
    let count = 60;
    for index in 0..count {
        let other = (index * 37) % count;
        begin(&app, &format!("k{other}"), &format!("after {} t", 60 * (other + 1))).await;
    }
    recorded(&app, &format!("k{}", (count - 1) * 37 % count), 1).await;
    routed(&app).await;
    clock.advance(MINUTE * 30);
    noted(&app, "k29", 1).await;
    routed(&app).await;
    for index in 0..count {
        assert_eq!(log(&app, &format!("k{index}")).await.len(), usize::from(index < 30), "k{index}");
    }
    clock.advance(MINUTE * 30);
    for index in 0..count {
        assert_eq!(noted(&app, &format!("k{index}"), 1).await.len(), 1);
    }
}
