//! Random lives of instances, against what a reader of the promises would expect.

use super::*;
use crate::saga::record::{CommandResult, TriggerRecord};

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    fn happens(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }
}

/// A life, and what it should come to: the ids of commands, in the order they are to be sent.
struct Life {
    random: Random,
    instance: Instance,
    records: Vec<Record>,
    expected: VecDeque<String>,
    undo: Vec<String>,
    failed: bool,
    timers: BTreeMap<String, i64>,
    next: u64,
}

impl Life {
    fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            instance: Instance::default(),
            records: Vec::new(),
            expected: VecDeque::new(),
            undo: Vec::new(),
            failed: false,
            timers: BTreeMap::new(),
            next: 0,
        }
    }

    fn commands(&mut self, most: u64) -> Vec<PlannedCommand> {
        let count = self.random.below(most + 1);
        let command = |_| {
            self.next += 1;
            PlannedCommand {
                id: format!("command-{}", self.next),
                service: None,
                aggregate: "test/Till".to_owned(),
                target: "t".to_owned(),
                name: "TillAdd".to_owned(),
                payload: Json::default(),
            }
        };
        (0..count).map(command).collect()
    }

    fn record(&mut self, record: Record) {
        let origin = Origin {
            event: EventId::from(format!("record-{}", self.records.len())),
            metadata: Arc::default(),
        };
        self.instance.apply(&record, &origin);
        self.records.push(record);
        if let Some(end) = self.instance.close() {
            self.instance.apply(&Record::Ended(end.clone()), &origin);
            self.records.push(Record::Ended(end));
        }
    }

    fn advance(&mut self, kind: TriggerKind) {
        let mut advanced = Advanced {
            trigger: TriggerRecord {
                kind,
                order_id: self.records.len() as u64 + 1,
                ..TriggerRecord::default()
            },
            version: 1,
            start: self.records.is_empty(),
            key: self.records.is_empty().then(|| "key".to_owned()),
            commands: self.commands(3),
            compensations: self.commands(2),
            recover: kind == TriggerKind::CommandFailed && self.random.happens(2),
            end: self.random.happens(8),
            ..Advanced::default()
        };
        let told = kind == TriggerKind::CommandFailed;
        let over = advanced.end || self.instance.is_over() || (told && !advanced.recover);
        let gone = self.timers.clone().into_iter().filter(|_| over || self.random.happens(3));
        advanced.timers_gone = gone.map(|(name, due)| TimerRecord { name, due }).collect();
        if !over && self.random.happens(2) {
            let name = format!("timer-{}", self.random.below(3));
            let due = i64::try_from(self.random.below(1_000)).unwrap();
            advanced.timers_set.push(TimerRecord { name, due });
        }
        self.expect(&advanced);
        self.record(Record::Advanced(advanced));
    }

    fn expect(&mut self, advanced: &Advanced) {
        let ids = |commands: &[PlannedCommand]| commands.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
        let (commands, undo) = (ids(&advanced.commands), ids(&advanced.compensations));
        self.undo.extend(undo);
        let told = advanced.trigger.kind == TriggerKind::CommandFailed;
        self.failed &= !told;
        match (told, advanced.recover) {
            (true, true) => commands.into_iter().rev().for_each(|id| self.expected.push_front(id)),
            (true, false) => {
                self.expected = commands.into_iter().chain(self.undo.drain(..).rev()).collect();
            }
            _ => self.expected.extend(commands),
        }
        for gone in &advanced.timers_gone {
            self.timers.remove(&gone.name);
        }
        self.timers.extend(advanced.timers_set.iter().map(|set| (set.name.clone(), set.due)));
    }

    /// The first commands come out one way or the other.
    fn settle(&mut self, queue: &[Queued]) {
        let mut outcomes = Outcomes::default();
        for queued in queue.iter().take(usize::try_from(self.random.below(4)).unwrap() + 1) {
            let fails = self.random.happens(6);
            let result = if fails { CommandResult::Rejected } else { CommandResult::Done };
            outcomes.outcomes.push(CommandOutcome {
                command: queued.command.id.clone(),
                result,
                attempts: 1,
                reason: None,
                order_id: None,
            });
            if fails {
                break;
            }
        }
        let failed = outcomes.outcomes.last().is_some_and(|last| last.result.is_failure());
        let standstill = self.instance.standstill(&outcomes);
        assert_eq!(standstill.is_some(), failed && self.instance.course == Course::Compensating);
        for outcome in &outcomes.outcomes {
            if !outcome.result.is_failure() || standstill.is_none() {
                assert_eq!(
                    self.expected.pop_front().as_ref(),
                    Some(&outcome.command),
                    "in order, none left out"
                );
            }
        }
        self.failed = failed && standstill.is_none();
        self.record(Record::Outcome(outcomes));
        if let Some(end) = standstill {
            self.record(Record::Ended(end));
        }
    }

    fn live(&mut self) {
        self.advance(TriggerKind::Event);
        for _ in 0..60 {
            self.check();
            match self.instance.work() {
                Some(Work::Tell(_)) if self.random.happens(2) => self.advance(TriggerKind::CommandFailed),
                Some(Work::Send(queue)) if !self.random.happens(3) => self.settle(&queue),
                _ if self.instance.is_over() => {}
                _ if self.random.happens(4) => self.advance(TriggerKind::Deadline),
                _ => self.advance(TriggerKind::Event),
            }
        }
    }

    fn check(&self) {
        let queue: Vec<_> = self.instance.queue.iter().map(|queued| &queued.command.id).collect();
        assert_eq!(queue, self.expected.iter().collect::<Vec<_>>());
        assert_eq!(self.instance.failed.is_some(), self.failed);
        let timers: Vec<_> =
            self.instance.timers.iter().map(|(name, timer)| (name, timer.due.timestamp_micros())).collect();
        assert_eq!(timers, self.timers.iter().map(|(name, due)| (name, *due)).collect::<Vec<_>>());
        if matches!(self.instance.course, Course::Over(_)) {
            assert!(self.instance.work().is_none() && queue.is_empty() && timers.is_empty());
        }
        assert_eq!(self.instance.version.0, self.records.len() as u64);
    }
}

#[test]
fn random_lives_come_to_what_is_promised() {
    let mut ends = std::collections::HashMap::new();
    for seed in 0..2_000 {
        let mut life = Life::new(seed);
        life.live();
        *ends.entry(format!("{:?}", life.instance.course)).or_insert(0) += 1;
    }
    for course in ["Parked", "Over(Ended)", "Over(Compensated)"] {
        assert!(ends.get(course).is_some_and(|count| *count > 20), "too few lives were {course}: {ends:?}");
    }
}

#[test]
fn a_stored_life_is_the_same_life() {
    for seed in 0..200 {
        let mut life = Life::new(seed);
        life.live();
        let mut again = Instance::default();
        for (index, record) in life.records.iter().enumerate() {
            let id = EventId::from(format!("record-{index}"));
            let stored = record.encode(id.clone()).unwrap();
            let event = RecordedEvent {
                id,
                stream: crate::StreamName::parse("$saga/test.Life/key").unwrap(),
                version: Version(index as u64 + 1),
                order_id: OrderId(index as u64 + 1),
                time: Timestamp::default(),
                event_type: stored.event_type,
                schema: stored.schema,
                payload: stored.payload,
                tags: Vec::new(),
                metadata: Arc::default(),
            };
            assert_eq!(&Record::decode(&event).unwrap(), record);
            again.fold(&event).unwrap();
        }
        let shown = |instance: &Instance| {
            let queue: Vec<_> = instance.queue.iter().map(|queued| queued.command.id.clone()).collect();
            let timers: Vec<_> =
                instance.timers.iter().map(|(name, timer)| (name.clone(), timer.due)).collect();
            (instance.version, instance.course.clone(), queue, timers, instance.position)
        };
        assert_eq!(shown(&again), shown(&life.instance));
    }
}
