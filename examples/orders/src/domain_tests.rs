//! The rules of orders, payments, shipments and their fulfilment as sentences.

use std::time::Duration;

use newton::testkit::Scenario;

use crate::fulfilment::Fulfilment;
use crate::order::{Order, OrderCommand, OrderError, OrderEvent};
use crate::payment::{Payment, PaymentCommand, PaymentError, PaymentEvent};
use crate::shipment::{Shipment, ShipmentCommand, ShipmentError, ShipmentEvent};

const ORDER: &str = "scenario";

fn placed() -> OrderEvent {
    let (customer, address) = ("ada".into(), "12 Analytical Lane".into());
    OrderEvent::Placed { order: ORDER.into(), customer, address, total: 120, seconds_to_pay: 60 }
}

fn cancelled() -> OrderEvent {
    OrderEvent::Cancelled { order: ORDER.into(), reason: "changed my mind".into() }
}

#[test]
fn an_order_is_placed_once_and_not_for_nothing() {
    let place = |total| OrderCommand::Place {
        customer: "ada".into(),
        address: "12 Analytical Lane".into(),
        total,
        seconds_to_pay: 60,
    };
    Scenario::<Order>::new()
        .when(place(0))
        .then_rejected(OrderError::NothingOrdered)
        .when(place(120))
        .then(placed())
        .when(place(120))
        .then_rejected(OrderError::AlreadyPlaced);
}

#[test]
fn an_order_is_completed_or_cancelled_and_not_both() {
    let cancel = || OrderCommand::Cancel { reason: "changed my mind".into() };
    Scenario::<Order>::given(placed())
        .when(cancel())
        .then(cancelled())
        .when(cancel())
        .then_nothing()
        .when(OrderCommand::Complete)
        .then_rejected(OrderError::Cancelled);
    Scenario::<Order>::given([placed(), OrderEvent::Completed { order: ORDER.into() }])
        .when(cancel())
        .then_rejected(OrderError::Completed);
    Scenario::<Order>::new().when(OrderCommand::Complete).then_rejected(OrderError::NotPlaced);
}

#[test]
fn money_is_taken_once_and_given_back_once() {
    let order = || ORDER.to_owned();
    Scenario::<Payment>::given(PaymentEvent::Requested { order: order(), amount: 120 })
        .when(PaymentCommand::Pay)
        .then(PaymentEvent::Received { order: order(), amount: 120 })
        .when(PaymentCommand::Pay)
        .then_rejected(PaymentError::AlreadyPaid)
        .when(PaymentCommand::Refund)
        .then(PaymentEvent::Refunded { order: order(), amount: 120 })
        .when(PaymentCommand::Refund)
        .then_nothing();
}

#[test]
fn nobody_pays_for_what_is_withdrawn() {
    Scenario::<Payment>::given(PaymentEvent::Requested { order: ORDER.into(), amount: 120 })
        .when(PaymentCommand::Withdraw)
        .then(PaymentEvent::Withdrawn { order: ORDER.into() })
        .when(PaymentCommand::Pay)
        .then_rejected(PaymentError::Withdrawn);
}

#[test]
fn a_shipment_needs_a_place_to_go_to_and_goes_once() {
    let ship = |address: &str| ShipmentCommand::Ship { address: address.into() };
    Scenario::<Shipment>::new()
        .when(ship("nowhere"))
        .then_rejected(ShipmentError::NoSuchAddress { address: "nowhere".into() })
        .when(ship("12 Analytical Lane"))
        .then(ShipmentEvent::Shipped { order: ORDER.into(), address: "12 Analytical Lane".into() })
        .when(ship("12 Analytical Lane"))
        .then_rejected(ShipmentError::AlreadyShipped);
}

fn paid() -> PaymentEvent {
    PaymentEvent::Received { order: ORDER.into(), amount: 120 }
}

fn ship() -> ShipmentCommand {
    ShipmentCommand::Ship { address: "12 Analytical Lane".into() }
}

fn withdrawn() -> PaymentEvent {
    PaymentEvent::Withdrawn { order: ORDER.into() }
}

#[test]
fn what_is_paid_is_shipped_and_completed() {
    let shipped = ShipmentEvent::Shipped { order: ORDER.into(), address: "12 Analytical Lane".into() };
    Scenario::<Fulfilment>::new()
        .when(placed())
        .then_sends((PaymentCommand::Request { amount: 120 },))
        .when(paid())
        .then_sends((ship(),))
        .when(shipped)
        .then_sends((OrderCommand::Complete,))
        .then_ended();
}

#[test]
fn what_nobody_pays_in_time_is_cancelled_once_nobody_can_pay_it() {
    let cancel = OrderCommand::Cancel { reason: "it was not paid in time".into() };
    Scenario::<Fulfilment>::given(placed())
        .after(Duration::from_mins(2))
        .then_sends((PaymentCommand::Withdraw,))
        .when(withdrawn())
        .then_sends((cancel,))
        .then_ended();
}

#[test]
fn a_payment_that_crosses_the_deadline_is_shipped() {
    Scenario::<Fulfilment>::given(placed())
        .when_rejected(PaymentCommand::Withdraw, "it is paid already")
        .after(Duration::from_mins(2))
        .then_sends((PaymentCommand::Withdraw,))
        .when(paid())
        .then_sends((ship(),));
}

#[test]
fn a_payment_that_crosses_the_cancellation_is_given_back() {
    Scenario::<Fulfilment>::given(placed())
        .when_rejected(PaymentCommand::Withdraw, "it is paid already")
        .when(cancelled())
        .then_sends((PaymentCommand::Withdraw,))
        .when(paid())
        .then_sends((PaymentCommand::Refund,))
        .then_ended();
}

#[test]
fn what_cannot_be_shipped_is_refunded_and_cancelled() {
    let cancel = OrderCommand::Cancel { reason: "it cannot be shipped".into() };
    Scenario::<Fulfilment>::given(placed())
        .when_rejected(ship(), "there is no such address")
        .when(paid())
        .then_compensates((PaymentCommand::Refund, cancel));
}
