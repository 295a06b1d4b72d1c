//! Every short course of a log, a hub and a subscription, against what a subscription is meant to deliver.

use super::{Machine, Reach, Step};
use crate::domain::OrderId;
use crate::store::Position;

/// What can happen next.
#[derive(Clone, Copy)]
enum Happens {
    Append,
    /// The hub gets to know all there is.
    Publish,
    /// The hub lets go of all it holds.
    Forget,
    /// The subscription takes a step.
    Poll,
}

const ANYTHING: [Happens; 4] = [Happens::Append, Happens::Publish, Happens::Forget, Happens::Poll];
const COURSE: u32 = 7;
const PAGE: usize = 2;

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Cold,
    HotCold,
    Hot,
}

/// A log of which only the length and the matching events count, and a subscription to it.
struct World {
    /// Of eight events in turn, which match.
    matching: u8,
    head: u64,
    floor: u64,
    published: u64,
    machine: Machine,
    delivered: Vec<u64>,
}

impl World {
    fn new(mode: Mode, matching: u8, stored: u64) -> Self {
        let head = OrderId(stored);
        let machine = match mode {
            Mode::Cold => Machine::cold(None, head),
            Mode::HotCold => Machine::hot_cold(None),
            Mode::Hot => Machine::hot(head),
        };
        Self { matching, head: stored, floor: stored, published: stored, machine, delivered: Vec::new() }
    }

    fn matches(&self, place: u64) -> bool {
        self.matching & (1 << (place % 8)) != 0
    }

    fn happens(&mut self, what: Happens) {
        match what {
            Happens::Append => self.head += 1,
            Happens::Publish => self.published = self.head,
            Happens::Forget => self.floor = self.published,
            Happens::Poll => self.poll(),
        }
    }

    fn poll(&mut self) {
        let before = self.machine.position();
        match self.machine.step() {
            Step::End => {}
            Step::Read(from) => self.read(from),
            Step::Follow(after) if after.0 < self.floor => self.machine.fell_behind(),
            Step::Follow(after) => self.follow(after.0),
        }
        assert!(self.machine.position() >= before, "a position falls");
    }

    fn read(&mut self, from: Option<Position>) {
        let first = match from {
            Some(Position::OrderId(first)) => first.0,
            _ => 1,
        };
        let mut found = (first..=self.head).filter(|place| self.matches(*place));
        let page: Vec<u64> = found.by_ref().take(PAGE).collect();
        let next = found.next();
        let last = page.last().copied().unwrap_or_default();
        let through = next.map_or(last.max(self.head), |next| next - 1);
        let next = next.map(|next| Position::OrderId(OrderId(next)));
        self.machine.read(Reach { through: OrderId(through), next });
        let included = page.into_iter().filter(|place| self.machine.includes(OrderId(*place)));
        self.delivered.extend(included);
    }

    /// Takes at most one event, as a hub gives it.
    fn follow(&mut self, after: u64) {
        let found = (after + 1..=self.published).find(|place| self.matches(*place));
        self.delivered.extend(found);
        self.machine.followed(OrderId(found.unwrap_or(self.published.max(after))));
    }

    fn expected(&self, mode: Mode, stored: u64) -> Vec<u64> {
        let all = match mode {
            Mode::Cold => 1..=stored,
            Mode::HotCold => 1..=self.head,
            Mode::Hot => stored + 1..=self.head,
        };
        all.filter(|place| self.matches(*place)).collect()
    }
}

#[test]
fn every_course_delivers_each_event_once_and_in_order() {
    for mode in [Mode::Cold, Mode::HotCold, Mode::Hot] {
        for matching in [0b1111_1111, 0b0101_0101, 0b1000_0001, 0] {
            for stored in [0, 1, 5] {
                for course in 0..4_u32.pow(COURSE) {
                    run(mode, matching, stored, course);
                }
            }
        }
    }
}

fn run(mode: Mode, matching: u8, stored: u64, course: u32) {
    let mut world = World::new(mode, matching, stored);
    for turn in 0..COURSE {
        world.happens(ANYTHING[(course >> (2 * turn)) as usize % ANYTHING.len()]);
        let position = world.machine.position().0;
        let expected = world.expected(mode, stored);
        let due = expected.iter().filter(|place| **place <= position);
        assert!(due.eq(&world.delivered), "delivered {:?} up to {position}", world.delivered);
    }
    world.happens(Happens::Publish);
    for _ in 0..3 * (world.head + 2) {
        world.happens(Happens::Poll);
    }
    assert_eq!(world.delivered, world.expected(mode, stored));
    assert_eq!(world.machine.step() == Step::End, mode == Mode::Cold);
}

#[test]
fn a_cold_subscription_to_an_empty_log_is_over_at_once() {
    assert_eq!(Machine::cold(None, OrderId::START).step(), Step::End);
}
