//! What is expected of who caused what.

use super::AppScenario;
use super::then::listed;
use crate::causality::{Graph, Node};
use crate::registry::Register;
use crate::saga::{SagaStatus, survey};

impl<T: Register> AppScenario<T> {
    /// Expects that these caused each other, from the first to the last: stable names of events, of commands that sagas
    /// sent, and of timers. Others may stand between them.
    ///
    /// # Panics
    /// Where there is no such chain of causes.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_caused<const N: usize>(mut self, chain: [&str; N]) -> Self {
        let graph = Graph::of(&self.log());
        let Some(last) = chain.last() else { return self };
        let ends = graph.nodes().iter().filter(|node| name(node) == Some(last));
        let chains: Vec<Vec<&str>> = ends
            .map(|end| graph.causes(&end.id()).into_iter().rev().filter_map(|node| name(node)).collect())
            .collect();
        let contains = |found: &Vec<&str>| {
            let mut found = found.iter();
            chain.iter().all(|name| found.any(|other| other == name))
        };
        if !chains.iter().any(contains) {
            let actual = listed(chains.iter().map(|found| found.join(" -> ")));
            self.fail_with("no such chain of causes", &chain.join(" -> "), &actual);
        }
        self
    }

    /// Expects that nothing hangs in the air: the cause of every event is in the log, every saga instance has ended or waits
    /// for events or timers only, and nothing is parked.
    ///
    /// # Panics
    /// Where something does.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the last step of most scenarios")]
    pub fn then_no_orphans(mut self) -> Self {
        let log = self.log();
        let graph = Graph::of(&log);
        let missing = graph.nodes().iter().filter_map(|node| match node {
            Node::MissingEvent { id } => Some(format!("the cause {id} is not in the log")),
            _ => None,
        });
        let mut orphans: Vec<String> = missing.collect();
        for (stream, instance) in self.must(survey(&log)) {
            if instance.unsettled > 0 || instance.status == SagaStatus::Parked {
                let count = instance.unsettled;
                orphans.push(format!("{stream} is {:?}, with {count} unsettled commands", instance.status));
            }
        }
        let outcome = self.stage().and_then(|stage| {
            let app = stage.app()?.clone();
            // Not `reactions`: that asks the stores, which may fail on purpose.
            Ok(stage.ask(async move || app.health().await))
        });
        let parked = self.must(outcome).reactions.into_iter().filter(|status| status.parked_keys > 0);
        orphans
            .extend(parked.map(|status| format!("{} has {} parked keys", status.name, status.parked_keys)));
        if !orphans.is_empty() {
            self.fail_with("something hangs in the air", "nothing", &orphans.join("\n"));
        }
        self
    }
}

fn name(node: &Node) -> Option<&str> {
    match node {
        Node::Event(event) => Some(&event.event_type),
        Node::Command(command) | Node::RejectedCommand { command, .. } => command.name.as_deref(),
        Node::TimerSet(timer) | Node::TimerFired(timer) | Node::TimerCancelled(timer) => Some(&timer.name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    use super::*;
    use crate::domain::{Cause, EventId, ExpectedVersion, Metadata, NewEvent, StreamName};
    use crate::prelude::*;
    use crate::store::Append;
    use crate::testkit::VirtualClock;
    use crate::testkit::facts::IntoFacts;

    #[derive(Event, Clone)]
    enum BellEvent {
        Rung,
    }

    /// Rings by nobody's command.
    #[derive(Projection, Debug, Default, PartialEq)]
    #[projection(handles(BellEvent))]
    struct Rings(u32);

    impl On<BellEvent> for Rings {
        fn on(&mut self, _: &BellEvent, _: &mut View) -> Result<()> {
            self.0 += 1;
            Ok(())
        }
    }

    /// A log of two rings, the second caused by an event of this id.
    fn caused_by(cause: &EventId) -> AppScenario<Rings> {
        let mut scenario = AppScenario::new();
        let mut rings = [BellEvent::Rung, BellEvent::Rung].into_facts().into_iter();
        let mut ring = |id| rings.next().unwrap().to_event(EventId::from(id)).unwrap();
        let first = ring("first");
        let cause = Some(Cause { id: cause.clone(), relation: None });
        let second =
            NewEvent { metadata: Arc::new(Metadata { cause, ..Metadata::default() }), ..ring("second") };
        let stream = StreamName::parse("home/Bell/1").unwrap();
        let append = Append::to(stream, ExpectedVersion::Any, vec![first, second], VirtualClock::START);
        let stage = scenario.stage().unwrap();
        stage.append(append).unwrap();
        stage.settle().unwrap();
        scenario
    }

    #[test]
    fn a_cause_that_is_not_in_the_log_is_an_orphan() {
        caused_by(&EventId::from("first"))
            .then_view::<Rings>(|rings| assert_eq!(rings.0, 2))
            .then_no_orphans();
        let lost = caused_by(&EventId::from("lost"));
        let panic = catch_unwind(AssertUnwindSafe(|| drop(lost.then_no_orphans()))).unwrap_err();
        let report = panic.downcast::<String>().unwrap();
        assert!(report.contains("the cause lost is not in the log"), "{report}");
    }
}
