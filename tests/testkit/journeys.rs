//! Scenarios of a saga with many triggers and timers of hours and days, checked at every append and dispatch.

use std::time::Duration;

use newton::prelude::*;
use newton::testkit::{SagaScenario, Scenario};

use super::shop::{
    OrderEvent, PaymentCommand, PaymentEvent, ShipmentEvent, cancel, charge, charged, placed, refund, ship,
    shipped,
};

const HOUR: Duration = Duration::from_hours(1);
const ASK_AGAIN: Duration = Duration::from_hours(6);
const PATIENCE: Duration = Duration::from_hours(20);
const MAY_COME_BACK: Duration = Duration::from_hours(14 * 24);

/// Asks for a payment every six hours, gives up after twenty, ships what is paid, and waits two weeks for returns.
#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(
    context = "shop",
    key = "order",
    starts_on(OrderEvent::Placed),
    handles(OrderEvent, PaymentEvent, ShipmentEvent, Deadline, CommandFailed)
)]
struct Patient {
    price: u64,
    asked: u32,
}

impl On<OrderEvent> for Patient {
    fn on(&mut self, event: &OrderEvent, flow: &mut Flow) -> Result<()> {
        match event {
            OrderEvent::Placed { price, .. } => {
                self.price = *price;
                flow.after(ASK_AGAIN, "ask again");
                flow.after(PATIENCE, "give up");
            }
            OrderEvent::Paid { .. } => {}
            OrderEvent::Cancelled { .. } => flow.end(),
        }
        Ok(())
    }
}

impl On<PaymentEvent> for Patient {
    fn on(&mut self, event: &PaymentEvent, flow: &mut Flow) -> Result<()> {
        if let PaymentEvent::Charged { order, amount } = event {
            flow.cancel("ask again");
            flow.cancel("give up");
            flow.compensate(order, cancel(order));
            flow.compensate(order, PaymentCommand::Refund { order: order.clone(), amount: *amount });
            flow.send(order, ship(order));
        }
        Ok(())
    }
}

impl On<ShipmentEvent> for Patient {
    fn on(&mut self, _: &ShipmentEvent, flow: &mut Flow) -> Result<()> {
        flow.after(MAY_COME_BACK, "returns");
        Ok(())
    }
}

impl On<Deadline> for Patient {
    fn on(&mut self, deadline: &Deadline, flow: &mut Flow) -> Result<()> {
        let order = flow.key().to_owned();
        match &*deadline.name {
            "ask again" => {
                self.asked += 1;
                flow.after(ASK_AGAIN, "ask again");
                flow.send(&order, charge(&order, self.price));
            }
            "give up" => {
                flow.cancel("ask again");
                flow.send(&order, cancel(&order));
            }
            _ => flow.end(),
        }
        Ok(())
    }
}

impl On<CommandFailed> for Patient {
    fn on(&mut self, _: &CommandFailed, _: &mut Flow) -> Result<()> {
        Ok(())
    }
}

fn everywhere(play: impl Fn(SagaScenario<Patient>)) {
    play(Scenario::<Patient>::new());
    play(SagaScenario::<Patient>::on_sqlite());
}

#[test]
fn what_is_paid_late_is_shipped_and_may_come_back_for_two_weeks() {
    everywhere(|saga| {
        saga.when(placed("7", 20))
            .then_sends_nothing()
            .after(ASK_AGAIN * 2)
            .then_sends((charge("7", 20), charge("7", 20)))
            .then_state(Patient { price: 20, asked: 2 })
            .when(charged("7", 20))
            .then_sends(ship("7"))
            .after(HOUR * 24 * 30)
            .then_sends_nothing()
            .when(shipped("7"))
            .after(HOUR * (14 * 24 - 1))
            .then_sends_nothing()
            .after(HOUR)
            .then_ended();
    });
}

#[test]
fn what_is_not_paid_is_asked_for_and_given_up() {
    Scenario::<Patient>::new()
        .when(placed("7", 20))
        .after(PATIENCE)
        .then_sends((charge("7", 20), charge("7", 20), charge("7", 20), cancel("7")))
        .after(HOUR * 24 * 365)
        .then_sends_nothing()
        .when(OrderEvent::Cancelled { order: "7".to_owned() })
        .then_ended();
}

#[test]
fn what_cannot_be_shipped_is_refunded_and_cancelled() {
    everywhere(|saga| {
        saga.when_rejected(ship("7"), "out of stock")
            .when(placed("7", 20))
            .after(ASK_AGAIN)
            .then_sends(charge("7", 20))
            .when(charged("7", 20))
            .then_sends(ship("7"))
            .then_compensates((refund("7", 20), cancel("7")))
            .then_status(newton::saga::SagaStatus::Compensated)
            .after(MAY_COME_BACK)
            .then_sends_nothing();
    });
}
