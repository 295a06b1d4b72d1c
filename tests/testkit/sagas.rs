//! Scenarios of sagas.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use newton::prelude::*;
use newton::saga::SagaStatus;
use newton::testkit::{Check, SagaScenario, Scenario};

use super::report;
use super::shop::{
    Fulfilment, OrderEvent, PAYMENT, PaymentCommand, ShipmentCommand, cancel, charge, paid, placed, refund,
    ship, shipped,
};

#[test]
fn a_paid_order_is_charged_and_shipped() {
    Scenario::<Fulfilment>::given((placed("7", 20),))
        .then_sends_nothing()
        .when(paid("7"))
        .then_sends((("7", charge("7", 20)), ship("7")))
        .then_state(Fulfilment { price: 20, paid: true, shipped: false })
        .when((shipped("7"),))
        .then_sends_nothing()
        .then_ended();
}

#[test]
fn an_order_that_is_not_paid_is_cancelled_in_time() {
    Scenario::<Fulfilment>::given(placed("7", 20))
        .after(PAYMENT.checked_sub(Duration::from_micros(1)).unwrap())
        .then_sends_nothing()
        .after(Duration::from_micros(1))
        .then_sends((cancel("7"),))
        .after(Duration::from_hours(24 * 365))
        .then_sends_nothing()
        .then_status(SagaStatus::Running);
}

#[tokio::test]
async fn scenarios_run_inside_a_runtime_too() {
    Scenario::<Fulfilment>::given(placed("7", 20)).after(PAYMENT).then_sends(cancel("7"));
}

#[test]
fn a_rejected_shipment_is_refunded() {
    let rejecting = || Scenario::<Fulfilment>::new().rejecting(|_: &ShipmentCommand| Some("out of stock"));
    rejecting()
        .and_given(placed("7", 20))
        .when(paid("7"))
        .then_sends((charge("7", 20), ship("7")))
        .then_compensates([("7", refund("7", 20))])
        .then_status(SagaStatus::Compensated);
    Scenario::<Fulfilment>::given(placed("7", 20))
        .when_rejected(charge("7", 20), "declined")
        .when(paid("7"))
        .then_sends(charge("7", 20))
        .then_status(SagaStatus::Compensated);
}

#[test]
fn instances_are_told_apart() {
    Scenario::<Fulfilment>::given((placed("7", 20), placed("8", 30)))
        .when((paid("8"), paid("7")))
        .then_sends((ship("7"), ship("8"), charge("7", 20), charge("8", 30)))
        .instance("8")
        .then_state(Fulfilment { price: 30, paid: true, shipped: false });
    let report = report(|| {
        Scenario::<Fulfilment>::given((placed("7", 20), placed("8", 30))).then_status(SagaStatus::Running);
    });
    assert!(report.contains("name the one that is meant with `.instance(key)`"), "{report}");
}

#[test]
fn it_runs_on_sqlite_too() {
    SagaScenario::<Fulfilment>::on_sqlite()
        .without(Check::Crashes)
        .and_given(placed("7", 20))
        .after(PAYMENT)
        .then_sends((cancel("7"),));
}

#[test]
fn each_expectation_fails_where_it_must() {
    let given = || Scenario::<Fulfilment>::given(placed("7", 20)).without(Check::Crashes);
    let sends = report(|| drop(given().when(paid("7")).then_sends((charge("7", 21), ship("7")))));
    assert!(sends.contains("scenario of `shop.Fulfilment`: other commands than expected"), "{sends}");
    assert!(sends.contains("- PaymentCharge {\"order\":\"7\",\"amount\":21}"), "{sends}");
    assert!(sends.contains("  when   OrderPaid {\"order\":\"7\"}"), "{sends}");
    let target = report(|| drop(given().when(paid("7")).then_sends((("8", charge("7", 20)), ship("7")))));
    assert!(target.contains("+ to 7: PaymentCharge"), "{target}");
    let order = report(|| drop(given().when(paid("7")).then_sends((ship("7"), charge("7", 20)))));
    assert!(order.contains("other commands than expected"), "{order}");
    let nothing = report(|| drop(given().when(paid("7")).then_sends_nothing()));
    assert!(nothing.contains("commands were sent, but none were expected"), "{nothing}");
    let early = report(|| drop(given().after(PAYMENT / 2).then_sends(cancel("7"))));
    assert!(early.contains("other commands than expected"), "{early}");
    let state = report(|| drop(given().then_state(Fulfilment::default())));
    assert!(state.contains("the state is another one") && state.contains("+     price: 20"), "{state}");
    let ended = report(|| drop(given().then_ended()));
    assert!(ended.contains("the instance is not there on its way"), "{ended}");
    let compensates = report(|| drop(given().when(paid("7")).then_compensates(refund("7", 20))));
    assert!(compensates.contains("other compensations than expected"), "{compensates}");
    let started = report(|| drop(given().then_not_started()));
    assert!(started.contains("an instance was started, but none was expected"), "{started}");
    let parked = report(|| drop(given().then_parked_with(|_| {})));
    assert!(parked.contains("nothing is parked"), "{parked}");
    Scenario::<Fulfilment>::given(paid("7")).then_not_started();
}

/// What a flawed saga does wrong.
macro_rules! flawed {
    ($name:ident, $amount:expr) => {
        #[derive(Saga, Clone, Debug, Default, PartialEq)]
        #[saga(context = "flawed", key = "order", starts_on(OrderEvent::Placed), handles(OrderEvent))]
        struct $name;

        impl On<OrderEvent> for $name {
            fn on(&mut self, event: &OrderEvent, flow: &mut Flow) -> Result<()> {
                if let OrderEvent::Placed { order, .. } = event {
                    let amount: Result<u64> = $amount;
                    flow.send(order, PaymentCommand::Charge { order: order.clone(), amount: amount? });
                }
                Ok(())
            }
        }
    };
}

static CALLS: AtomicU64 = AtomicU64::new(0);

flawed!(Random, Ok(CALLS.fetch_add(1, Ordering::SeqCst)));
flawed!(Failing, Err(newton::HandlerError::new("no amount is known")));

#[test]
fn a_saga_with_a_random_number_in_its_command_is_found() {
    let report = report(|| drop(Scenario::<Random>::given(placed("7", 20)).then_status(SagaStatus::Running)));
    assert!(report.contains("`Check::Crashes` failed after a crash before the operation"), "{report}");
    assert!(report.contains("off    `.without(Check::Crashes)`"), "{report}");
    Scenario::<Random>::given(placed("7", 20))
        .without(Check::Crashes)
        .without(Check::Duplicates)
        .then_status(SagaStatus::Running);
}

static DELIVERIES: AtomicU64 = AtomicU64::new(0);

/// Charges at the third delivery that this process has seen of a payment: at none of those of one log read once.
#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(context = "flawed", key = "order", starts_on(OrderEvent::Placed), handles(OrderEvent))]
struct Counting;

impl On<OrderEvent> for Counting {
    fn on(&mut self, event: &OrderEvent, flow: &mut Flow) -> Result<()> {
        if let OrderEvent::Paid { order } = event
            && DELIVERIES.fetch_add(1, Ordering::SeqCst) == 2
        {
            flow.send(order, charge(order, 20));
        }
        Ok(())
    }
}

#[test]
fn a_saga_that_sends_more_when_an_event_comes_again_is_found() {
    let report = report(|| {
        let paid = Scenario::<Counting>::given((placed("7", 20), paid("7")));
        // The first delivery is this run's, the second that of the run that is checked; the third is the repetition.
        drop(paid.without(Check::Crashes).then_sends_nothing());
    });
    assert!(report.contains("`Check::Duplicates` failed when every event came again"), "{report}");
    assert!(report.contains("+ sent PaymentCharge"), "{report}");
}

#[test]
fn a_failing_handler_is_told_and_can_be_expected() {
    let report = report(|| drop(Scenario::<Failing>::given(placed("7", 20)).then_sends_nothing()));
    assert!(
        report.contains("a handler failed, so the instance is parked: 7: no amount is known"),
        "{report}"
    );
    Scenario::<Failing>::given(placed("7", 20))
        .then_parked_with(|cause| assert!(cause.contains("no amount")));
}
