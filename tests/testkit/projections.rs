//! Scenarios of projections.

use std::sync::atomic::{AtomicU64, Ordering};

use newton::prelude::*;
use newton::testkit::{Check, Scenario};

use super::report;
use super::shop::{OrderEvent, Orders, PaymentEvent, Sales, charged, paid, placed, refunded, shipped};

#[test]
fn a_projection_in_memory_shows_what_happened() {
    Scenario::<Sales>::given((charged("7", 20), charged("8", 30)))
        .then(|sales| assert_eq!(sales.money, 50))
        .when(refunded("7", 20))
        .then(|sales| assert_eq!(*sales, Sales { money: 30 }));
}

#[test]
fn a_projection_in_sqlite_shows_what_happened() {
    Scenario::<Orders>::given((placed("7", 20), placed("8", 30), paid("7")))
        .when(shipped("7"))
        .then_rows(
            "SELECT id, status, events FROM orders ORDER BY id",
            [["7", "shipped", "3"], ["8", "placed", "1"]],
        )
        .then(|tables| {
            let count = tables.query_row("SELECT count(*) FROM orders", [], |row| row.get::<_, i64>(0));
            assert_eq!(count.unwrap(), 2);
        });
}

#[tokio::test]
async fn scenarios_run_inside_a_runtime_too() {
    Scenario::<Sales>::given(charged("7", 20)).then(|sales| assert_eq!(sales.money, 20));
}

#[test]
fn expectations_fail_where_they_must() {
    let value = report(|| {
        let then = || Scenario::<Sales>::given(charged("7", 20)).then(|sales| assert_eq!(sales.money, 21));
        drop(then());
    });
    assert!(value.contains("left: 20"), "{value}");
    let rows = report(|| {
        drop(
            Scenario::<Orders>::given(placed("7", 20))
                .then_rows("SELECT id, status FROM orders", [["7", "paid"]]),
        );
    });
    assert!(rows.contains("other rows than expected") && rows.contains("+ 7 | placed"), "{rows}");
    let sql = report(|| {
        drop(Scenario::<Orders>::given(placed("7", 20)).then_rows("SELECT missing FROM orders", [["7"]]));
    });
    assert!(sql.contains("no such column: missing"), "{sql}");
}

static DELIVERIES: AtomicU64 = AtomicU64::new(0);

/// Counts deliveries instead of events.
#[derive(Projection, Debug, Default, PartialEq)]
#[projection(handles(PaymentEvent))]
struct Counting {
    deliveries: u64,
}

impl On<PaymentEvent> for Counting {
    fn on(&mut self, _: &PaymentEvent, _: &mut View) -> Result<()> {
        self.deliveries = DELIVERIES.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(())
    }
}

/// Keeps in its field what is to last.
#[derive(Projection)]
#[projection(sqlite, handles(OrderEvent))]
struct Forgetful {
    seen: Seen,
}

#[derive(Clone, Default)]
struct Seen(u32);

impl Forgetful {
    fn setup(tx: &mut SqliteTables) -> Result<()> {
        tx.execute("CREATE TABLE seen (number INTEGER NOT NULL)", [])?;
        Ok(())
    }
}

impl On<OrderEvent> for Forgetful {
    fn on(&mut self, _: &OrderEvent, tx: &mut SqliteTx) -> Result<()> {
        self.seen.0 += 1;
        tx.execute("INSERT INTO seen VALUES (?1)", [self.seen.0])?;
        Ok(())
    }
}

#[test]
fn a_projection_that_counts_deliveries_is_found() {
    let events = || [charged("7", 1), charged("8", 1)];
    let batches = report(|| drop(Scenario::<Counting>::given(events()).then(|_| {})));
    assert!(batches.contains("`Check::Batches` failed with batches of [1, 1] events"), "{batches}");
    let again = report(|| drop(Scenario::<Counting>::given(events()).without(Check::Batches).then(|_| {})));
    assert!(again.contains("`Check::Redelivery` failed when every event was delivered again"), "{again}");
    Scenario::<Counting>::given(events()).without(Check::Batches).without(Check::Redelivery).then(|_| {});
}

#[test]
fn a_projection_that_keeps_in_a_field_what_is_to_last_is_found() {
    let report = report(|| {
        drop(
            Scenario::<Forgetful>::given((placed("7", 1), placed("8", 1))).with(Seen::default()).then(|_| {}),
        );
    });
    assert!(
        report.contains("`Check::Batches` failed when it was started again behind each event"),
        "{report}"
    );
    assert!(report.contains("seen: 2"), "{report}");
}

#[test]
fn a_failing_handler_is_told() {
    #[derive(Projection, Debug, Default, PartialEq)]
    #[projection(handles(PaymentEvent))]
    struct Failing;

    impl On<PaymentEvent> for Failing {
        fn on(&mut self, _: &PaymentEvent, _: &mut View) -> Result<()> {
            Err(newton::HandlerError::new("no money is known"))
        }
    }

    let report = report(|| drop(Scenario::<Failing>::given(charged("7", 1)).then(|_| {})));
    assert!(report.contains("a handler failed, so its event is parked: no money is known"), "{report}");
}
