//! What fails is tried again at once in a scenario, for which no time passes; what fails for ever is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use newton::prelude::*;
use newton::repository::RetryPolicy;
use newton::subscription::HandlerPolicy;
use newton::testkit::AppScenario;
use newton::{Error, ErrorKind, HandlerError};

use super::report;
use super::shop::{Fulfilment, Order, OrderEvent, PAYMENT, place, placed};

/// How often a handler was called, and what comes of a call.
#[derive(Clone, Debug)]
struct Script {
    calls: Arc<AtomicU32>,
    call: fn(u32) -> Result<()>,
}

impl Script {
    fn new(call: fn(u32) -> Result<()>) -> Self {
        Self { calls: Arc::default(), call }
    }
}

#[derive(EventHandler, Debug)]
#[event_handler(handles(OrderEvent))]
struct Scripted {
    script: Script,
}

impl React<OrderEvent> for Scripted {
    async fn react(&self, _: &OrderEvent, _: &Delivery) -> Result<()> {
        (self.script.call)(self.script.calls.fetch_add(1, SeqCst))
    }
}

/// A shop in which a failed delivery waits for longer than an order waits for its payment.
fn patient(script: &Script) -> AppScenario<(Order, Fulfilment, Scripted)> {
    let (script, wait) = (script.clone(), PAYMENT * 1_000);
    let retry = RetryPolicy { attempts: 5, base: wait, longest: wait };
    AppScenario::new()
        .with(move |builder| builder.provide(script.clone()))
        .with(move |builder| builder.handlers(HandlerPolicy { retry, ..HandlerPolicy::default() }))
}

fn unreachable() -> Result<()> {
    Err(Error::new(ErrorKind::Unavailable, "send mail", "the mail server is away").into())
}

#[test]
fn no_time_passes_for_what_is_tried_again() {
    let not_yet = Script::new(|call| if call < 3 { Err(HandlerError::new("not yet")) } else { Ok(()) });
    let away = Script::new(|call| if call < 30 { unreachable() } else { Ok(()) });
    for (script, calls) in [(not_yet, 4), (away, 31)] {
        patient(&script)
            .when("7", place("7", 20))
            .then_events(placed("7", 20))
            .then_nothing_more()
            .then_no_orphans();
        assert_eq!(script.calls.load(SeqCst), calls);
    }
}

#[test]
fn what_fails_for_ever_is_told() {
    let script = Script::new(|_| unreachable());
    let report = report(|| drop(patient(&script).when("7", place("7", 20))));
    assert!(report.contains("the app did not come to rest"), "{report}");
    assert!(report.contains("the mail server is away"), "{report}");
}
