//! Scenarios of whole apps, and of every fault on their way.

use std::sync::Mutex;
use std::time::Duration;

use newton::prelude::*;
use newton::registry::Register;
use newton::saga::SagaStatus;
use newton::testkit::{AppScenario, Check, SagaScenario, VirtualClock};

use super::report;
use super::shop::{
    Fulfilment, Order, OrderError, OrderEvent, Orders, PAYMENT, Payment, PaymentCommand, Sales, Shipment,
    cancel, charge, charged, paid, pay, place, placed, refund, refunded, ship, shipped,
};

type Shop = (Order, Payment, Shipment, Fulfilment, Sales, Orders);

fn shop() -> AppScenario<Shop> {
    AppScenario::new()
}

/// From the order to its shipment.
pub(super) fn bought<T: Register>(scenario: AppScenario<T>) -> AppScenario<T> {
    scenario
        .given("7", place("7", 20))
        .when("7", pay("7"))
        .then_events((paid("7"), charged("7", 20), shipped("7")))
        .then_nothing_more()
        .then_sent((("7", charge("7", 20)), ship("7")))
        .then_view::<Sales>(|sales| assert_eq!(sales.money, 20))
        .then_caused(["OrderPaid", "PaymentCharge", "PaymentCharged"])
        .then_caused(["OrderPaid", "ShipmentShip", "ShipmentShipped"])
        .then_no_orphans()
}

/// What cannot be shipped is refunded, and what is not paid is cancelled.
pub(super) fn regretted<T: Register>(scenario: AppScenario<T>) -> AppScenario<T> {
    scenario
        .given("rare", place("rare", 30))
        .given("8", place("8", 40))
        .when("rare", pay("rare"))
        .then_events((paid("rare"), charged("rare", 30), refunded("rare", 30)))
        .then_nothing_more()
        .then_sent((charge("rare", 30), ship("rare"), refund("rare", 30)))
        .after(PAYMENT)
        .then_events(OrderEvent::Cancelled { order: "8".to_owned() })
        .then_nothing_more()
        .then_sent(cancel("8"))
        .then_caused(["OrderPlaced", "payment", "OrderCancel", "OrderCancelled"])
        .when("8", pay("8"))
        .then_rejected(OrderError::NotOpen)
        .then_nothing_more()
        .then_no_orphans()
}

#[test]
fn a_whole_shop_in_memory() {
    regretted(bought(shop()).restarted());
}

#[test]
fn a_whole_shop_on_sqlite() {
    regretted(bought(shop().on_sqlite()).restarted()).then_view::<Orders>(|tables| {
        let shipped = "SELECT count(*) FROM orders WHERE status = 'shipped' AND events = 3";
        assert_eq!(tables.query_row(shipped, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    });
}

#[test]
fn given_events_need_no_aggregate_to_agree() {
    shop()
        .given_events::<Order>("7", (placed("7", 20), paid("7")))
        .when("7", pay("7"))
        .then_rejected(OrderError::NotOpen)
        .then_nothing_more()
        .then_view::<Sales>(|sales| assert_eq!(sales.money, 20));
}

#[test]
fn each_expectation_fails_where_it_must() {
    let paid_for = || shop().given("7", place("7", 20)).when("7", pay("7"));
    let event = report(|| drop(paid_for().then_events(charged("7", 21))));
    assert!(event.contains("an event is missing") && event.contains("+ PaymentCharged"), "{event}");
    let more = report(|| drop(paid_for().then_events((paid("7"), charged("7", 20))).then_nothing_more()));
    assert!(more.contains("there are more events") && more.contains("+ ShipmentShipped"), "{more}");
    let twice = report(|| drop(paid_for().then_events((paid("7"), paid("7")))));
    assert!(twice.contains("an event is missing"), "{twice}");
    let sent = report(|| drop(paid_for().then_sent(refund("7", 20))));
    assert!(sent.contains("no saga sent this command"), "{sent}");
    let target = report(|| drop(paid_for().then_sent([("8", ship("7"))])));
    assert!(target.contains("+ to 7: ShipmentShip"), "{target}");
    let accepted = report(|| drop(paid_for().then_rejected(OrderError::NotOpen)));
    assert!(accepted.contains("accepted, but a rejection was expected"), "{accepted}");
    let other = report(|| drop(paid_for().when("7", pay("7")).then_rejected(OrderError::AlreadyPlaced)));
    assert!(other.contains("another rejection than expected"), "{other}");
    let rejected = report(|| drop(paid_for().when("7", pay("7")).then_events(paid("7"))));
    assert!(rejected.contains("rejected, but something else was expected"), "{rejected}");
    let given = report(|| drop(shop().given("7", pay("7"))));
    assert!(given.contains("a given command was rejected"), "{given}");
    let view = report(|| drop(paid_for().then_view::<Sales>(|sales| assert_eq!(sales.money, 0))));
    assert!(view.contains("left: 20"), "{view}");
    let caused = report(|| drop(paid_for().then_caused(["ShipmentShipped", "PaymentCharged"])));
    assert!(caused.contains("no such chain of causes"), "{caused}");
    assert!(caused.contains("-> PaymentCharge -> PaymentCharged"), "{caused}");
}

/// Fails where it is to react.
#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(context = "flawed", key = "order", starts_on(OrderEvent::Placed), handles(OrderEvent))]
struct Broken;

impl On<OrderEvent> for Broken {
    fn on(&mut self, _: &OrderEvent, _: &mut Flow) -> Result<()> {
        Err(newton::HandlerError::new("it never works"))
    }
}

/// Charges and ships, and fails where it is told that it cannot.
#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(context = "flawed", key = "order", starts_on(OrderEvent::Placed), handles(OrderEvent, CommandFailed))]
struct Helpless;

impl On<OrderEvent> for Helpless {
    fn on(&mut self, event: &OrderEvent, flow: &mut Flow) -> Result<()> {
        if let OrderEvent::Placed { order, price } = event {
            flow.send(order, PaymentCommand::Charge { order: order.clone(), amount: *price });
            flow.send(order, ship(order));
        }
        Ok(())
    }
}

impl On<CommandFailed> for Helpless {
    fn on(&mut self, _: &CommandFailed, _: &mut Flow) -> Result<()> {
        Err(newton::HandlerError::new("nobody thought of that"))
    }
}

#[test]
fn a_command_without_an_outcome_is_an_orphan() {
    let ordered = |price| {
        AppScenario::<(Order, Payment, Shipment, Helpless)>::new()
            .when("7", place("7", price))
            .then_sent(PaymentCommand::Charge { order: "7".to_owned(), amount: price })
    };
    ordered(1_000).then_events(shipped("7")).then_no_orphans();
    let report = report(|| drop(ordered(1_001).then_no_orphans()));
    assert!(report.contains("something hangs in the air"), "{report}");
    // The one that was rejected and not told, and the one behind it.
    assert!(report.contains("is Running, with 2 unsettled commands"), "{report}");
}

#[test]
fn what_is_parked_is_an_orphan() {
    let report =
        report(|| drop(AppScenario::<(Order, Broken)>::new().when("7", place("7", 1)).then_no_orphans()));
    assert!(report.contains("something hangs in the air") && report.contains("1 parked keys"), "{report}");
}

/// Wakes every hour.
#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(context = "slow", key = "order", starts_on(OrderEvent::Placed), handles(OrderEvent, Deadline))]
struct Hourly {
    /// In seconds since 1970.
    fired: Vec<i64>,
}

impl On<OrderEvent> for Hourly {
    fn on(&mut self, _: &OrderEvent, flow: &mut Flow) -> Result<()> {
        flow.after(Duration::from_hours(1), "hour");
        Ok(())
    }
}

impl On<Deadline> for Hourly {
    fn on(&mut self, _: &Deadline, flow: &mut Flow) -> Result<()> {
        self.fired.push(flow.now().timestamp());
        flow.after(Duration::from_hours(1), "hour");
        Ok(())
    }
}

#[test]
fn each_timer_fires_at_its_own_time_however_far_time_jumps() {
    let start = VirtualClock::START.timestamp();
    for scenario in [SagaScenario::<Hourly>::new(), SagaScenario::on_sqlite()] {
        scenario
            .without(Check::Crashes)
            .and_given(placed("7", 1))
            .after(Duration::from_hours(24))
            .then_state(Hourly { fired: (1..=24).map(|hour| start + hour * 3600).collect() })
            .then_status(SagaStatus::Running);
    }
}

static AMOUNTS: Mutex<u64> = Mutex::new(0);

/// Charges another amount each time its handler runs.
#[derive(Saga, Clone, Debug, Default, PartialEq)]
#[saga(context = "flawed", key = "order", starts_on(OrderEvent::Placed), handles(OrderEvent))]
struct Arbitrary;

impl On<OrderEvent> for Arbitrary {
    fn on(&mut self, event: &OrderEvent, flow: &mut Flow) -> Result<()> {
        if let OrderEvent::Placed { order, .. } = event {
            let mut amount = AMOUNTS.lock().unwrap();
            *amount += 1;
            flow.send(order, PaymentCommand::Charge { order: order.clone(), amount: *amount });
        }
        Ok(())
    }
}

#[test]
fn a_fault_matrix_finds_what_differs_from_run_to_run() {
    let report = report(|| {
        let matrix = AppScenario::<(Order, Payment, Arbitrary)>::new()
            .under_every_fault(|scenario| scenario.when("7", place("7", 20)));
        drop(matrix);
    });
    assert!(
        report.contains("the scenario came to another end with `Fault::Fail` at the operation 0"),
        "{report}"
    );
}
