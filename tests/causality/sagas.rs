//! What sagas record is part of the graph: commands with their dispatches, rejections, timers, compensations.

use newton::causality::{Causality, DispatchResult, Graph, Node, NodeId};
use newton_tests::{Given, over_every_store};
use serde_json::{Value, json};

use super::hand::{Made, append, made, recorded};

over_every_store!(a_saga_is_told_from_the_store, the_causes_of_a_compensation_lead_through_the_failure);

const SAGA: &str = "$saga/shop.Fulfilment/o-1";
const DUE: i64 = 1_767_229_200_000_000;

pub(super) fn command(id: &str, aggregate: &str, target: &str, name: &str) -> Value {
    json!({"id": id, "aggregate": aggregate, "target": target, "name": name, "payload": {"any": [1]}})
}

fn timer(name: &str) -> Value {
    json!({"name": name, "due": DUE})
}

fn advanced(id: &str, record: &Value) -> Made {
    let mut record = record.clone();
    record["state"] = json!({"paid": true});
    record["version"] = json!(1);
    made(id, SAGA, "$SagaAdvanced").saying(&record)
}

fn outcome(id: &str, command: &str, result: &str, attempts: u32, reason: Option<&str>) -> Made {
    let outcome = json!({"command": command, "result": result, "attempts": attempts, "reason": reason});
    made(id, SAGA, "$SagaOutcome").saying(&json!({"outcomes": [outcome]}))
}

/// An order is paid at the second attempt, cannot be shipped, and is paid back.
fn story() -> Vec<Made> {
    vec![
        made("placed", "shop/Order/o-1", "OrderPlaced").of_command("place"),
        advanced(
            "a1",
            &json!({
                "trigger": {"id": "placed", "kind": "event", "event_id": "placed", "event_type": "OrderPlaced"},
                "commands": [command("collect", "shop/Payment", "p-1", "PaymentCollect")],
                "timers_set": [timer("payment overdue")],
                "start": true,
            }),
        )
        .because("placed", "trigger"),
        made("collected", "shop/Payment/p-1", "PaymentCollected").of_command("collect").because("a1", "saga"),
        outcome("o1", "collect", "done", 2, None).because("a1", "outcome"),
        advanced(
            "a2",
            &json!({
                "trigger": {"id": "collected", "kind": "event", "event_id": "collected"},
                "commands": [command("ship", "shop/Shipment", "s-1", "ShipmentShip")],
                "compensations": [command("refund", "shop/Payment", "p-1", "PaymentRefund")],
                "timers_set": [timer("shipment overdue")],
                "timers_cancelled": ["payment overdue"],
                "timers_gone": [timer("payment overdue")],
            }),
        )
        .because("collected", "trigger"),
        outcome("o2", "ship", "rejected", 1, Some("out of stock")).because("a2", "outcome"),
        advanced(
            "a3",
            &json!({
                "trigger": {"id": "x", "kind": "command_failed", "event_id": "o2", "name": "ShipmentShip"},
                "timers_gone": [timer("shipment overdue")],
            }),
        )
        .because("o2", "failure"),
        made("refunded", "shop/Payment/p-1", "PaymentRefunded").of_command("refund").because("a2", "saga"),
        outcome("o3", "refund", "done", 1, None).because("a2", "outcome"),
        made("end", SAGA, "$SagaEnded")
            .saying(&json!({"key": "o-1", "status": "compensated"}))
            .because("a2", "outcome"),
    ]
}

const TOLD: &str = "\
command place, to shop/Order/o-1
  OrderPlaced, shop/Order/o-1 at version 1
    $SagaAdvanced, $saga/shop.Fulfilment/o-1 at version 1
      dispatch, done after 2 attempts
        command PaymentCollect, to shop/Payment/p-1
          PaymentCollected, shop/Payment/p-1 at version 1
            $SagaAdvanced, $saga/shop.Fulfilment/o-1 at version 3
              dispatch, rejected at the first attempt, out of stock
                rejected command ShipmentShip, to shop/Shipment/s-1, out of stock
                  $SagaOutcome, $saga/shop.Fulfilment/o-1 at version 4
                    $SagaAdvanced, $saga/shop.Fulfilment/o-1 at version 5
                      dispatch, done at the first attempt
                        command PaymentRefund, to shop/Payment/p-1
                          PaymentRefunded, shop/Payment/p-1 at version 2
                          $SagaOutcome, $saga/shop.Fulfilment/o-1 at version 6
                            $SagaEnded, $saga/shop.Fulfilment/o-1 at version 7, compensated
                      timer cancelled: shipment overdue, due 2026-01-01T01:00:00.000000Z
              timer cancelled: payment overdue, due 2026-01-01T01:00:00.000000Z
              timer set: shipment overdue, due 2026-01-01T01:00:00.000000Z
          $SagaOutcome, $saga/shop.Fulfilment/o-1 at version 2
      timer set: payment overdue, due 2026-01-01T01:00:00.000000Z
";

async fn a_saga_is_told_from_the_store(given: Given) {
    append(&given, &story()).await;
    let graph = Causality::new(given.stores.events.clone()).correlation("c").await.unwrap();
    assert_eq!(graph.to_string(), TOLD);
    let beside: Vec<_> = graph.edges().filter(|edge| !edge.in_tree).collect();
    let beside: Vec<_> = beside.iter().map(|edge| (edge.from.id(), edge.to.id())).collect();
    let set = |by: &str, name: &str| NodeId::TimerSet { by: by.into(), name: name.into() };
    let cancelled = |by: &str, name: &str| NodeId::TimerCancelled { by: by.into(), name: name.into() };
    let expected = [
        (set("a1", "payment overdue"), cancelled("a2", "payment overdue")),
        (NodeId::Event("a2".into()), NodeId::Dispatch("refund".into())),
        (set("a2", "shipment overdue"), cancelled("a3", "shipment overdue")),
    ];
    assert_eq!(beside, expected);
}

async fn the_causes_of_a_compensation_lead_through_the_failure(given: Given) {
    append(&given, &story()).await;
    let causality = Causality::new(given.stores.events.clone());
    let causes = causality.causes("refunded").await.unwrap();
    let ids: Vec<_> = causes.iter().map(Node::id).collect();
    let event = |id: &str| NodeId::Event(id.into());
    let sent = |id: &str| [NodeId::Command(id.into()), NodeId::Dispatch(id.into())];
    let mut expected = vec![event("refunded")];
    expected.extend(sent("refund"));
    expected.extend([event("a3"), event("o2")]);
    expected.extend(sent("ship"));
    expected.extend([event("a2"), event("collected")]);
    expected.extend(sent("collect"));
    expected.extend([event("a1"), event("placed"), NodeId::Command("place".into())]);
    assert_eq!(ids, expected);
    let Node::Dispatch(dispatch) = &causes[10] else { panic!("{causes:?}") };
    assert_eq!((dispatch.attempts, dispatch.result), (Some(2), DispatchResult::Done));
    let effects = causality.effects("o2").await.unwrap();
    assert!(effects.node(&event("refunded")).is_some() && effects.node(&event("collected")).is_none());
}

#[test]
fn a_timer_that_fires_stands_between_its_setting_and_what_followed() {
    let events = [
        made("placed", "shop/Order/o-1", "OrderPlaced"),
        advanced("a1", &json!({"trigger": {"id": "placed", "kind": "event"}, "timers_set": [timer("overdue")]}))
            .because("placed", "trigger"),
        // Set anew: the first setting came to nothing.
        advanced("a2", &json!({
            "trigger": {"id": "y", "kind": "event"}, "timers_set": [timer("overdue")], "timers_gone": [timer("overdue")],
        }))
        .because("placed", "trigger"),
        advanced("a3", &json!({
            "trigger": {"id": "z", "kind": "deadline", "name": "overdue"},
            "timers_gone": [timer("overdue")],
            "commands": [command("escalate", "shop/Order", "o-1", "OrderEscalate")],
        }))
        .because("a2", "timer"),
    ];
    let told = "\
OrderPlaced, shop/Order/o-1 at version 1
  $SagaAdvanced, $saga/shop.Fulfilment/o-1 at version 1
    timer set: overdue, due 2026-01-01T01:00:00.000000Z
  $SagaAdvanced, $saga/shop.Fulfilment/o-1 at version 2
    timer set: overdue, due 2026-01-01T01:00:00.000000Z
      timer fired: overdue, due 2026-01-01T01:00:00.000000Z
        $SagaAdvanced, $saga/shop.Fulfilment/o-1 at version 3
          dispatch, pending
            command OrderEscalate, to shop/Order/o-1
";
    assert_eq!(Graph::of(&recorded(&events)).to_string(), told);
    // Where the record that set it is not there, the cause it names is.
    let told = "\
missing event, a2
  timer fired: overdue
    $SagaAdvanced, $saga/shop.Fulfilment/o-1 at version 1
      dispatch, pending
        command OrderEscalate, to shop/Order/o-1
";
    assert_eq!(Graph::of(&recorded(&events[3..])).to_string(), told);
}

#[test]
fn the_last_outcome_of_a_command_counts() {
    let mut events = story();
    events.truncate(6);
    events.push(outcome("o2b", "ship", "done", 1, None).because("a2", "outcome"));
    let graph = Graph::of(&recorded(&events));
    let command = graph.node(&NodeId::Command("ship".into()));
    assert!(matches!(command, Some(Node::Command(_))), "{command:?}");
    let Some(Node::Dispatch(dispatch)) = graph.node(&NodeId::Dispatch("ship".into())) else { panic!() };
    assert_eq!((dispatch.result, &dispatch.reason), (DispatchResult::Done, &None));
}

#[test]
fn an_outcome_without_its_command_hangs_below_what_it_names() {
    let events = [outcome("o2", "ship", "failed", 5, Some("no connection")).because("a2", "outcome")];
    let told = "\
missing event, a2
  dispatch, failed after 5 attempts, no connection
    command ship
      $SagaOutcome, $saga/shop.Fulfilment/o-1 at version 1
";
    assert_eq!(Graph::of(&recorded(&events)).to_string(), told);
}

#[test]
fn a_failure_hangs_below_the_command_that_failed_whatever_else_its_record_says() {
    let outcomes = json!([
        {"command": "collect", "result": "done", "attempts": 1},
        {"command": "ship", "result": "rejected", "attempts": 1, "reason": "out of stock"},
    ]);
    let mut events = story();
    events.truncate(5);
    events.push(
        made("o", SAGA, "$SagaOutcome").saying(&json!({"outcomes": outcomes})).because("a1", "outcome"),
    );
    let graph = Graph::of(&recorded(&events));
    let causes: Vec<_> = graph.causes(&NodeId::Event("o".into())).into_iter().map(Node::id).collect();
    assert_eq!(causes[1], NodeId::Command("ship".into()));
}

#[test]
fn a_recovered_failure_compensates_nothing() {
    let mut events = story();
    events.truncate(6);
    let trigger = json!({"id": "x", "kind": "command_failed", "event_id": "o2"});
    events.push(advanced("a3", &json!({"trigger": trigger, "recover": true})).because("o2", "failure"));
    let graph = Graph::of(&recorded(&events));
    assert!(graph.node(&NodeId::Dispatch("refund".into())).is_none(), "{graph}");
}

#[test]
fn a_record_that_cannot_be_read_is_an_event_like_any_other() {
    let events = [
        made("placed", "shop/Order/o-1", "OrderPlaced"),
        made("a1", SAGA, "$SagaAdvanced")
            .saying(&json!({"trigger": "new in a later version"}))
            .because("placed", "trigger"),
        made("other", "shop/Order/o-1", "$SagaEnded")
            .saying(&json!({"status": "ended"}))
            .because("placed", "trigger"),
    ];
    let told = "\
OrderPlaced, shop/Order/o-1 at version 1
  $SagaAdvanced, $saga/shop.Fulfilment/o-1 at version 1
  $SagaEnded, shop/Order/o-1 at version 2
";
    assert_eq!(Graph::of(&recorded(&events)).to_string(), told);
}
