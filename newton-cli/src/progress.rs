//! How far a long command is, on standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::clean;

const BAR: &str = "{wide_bar} {pos}/{len} {per_sec} {eta}";
const COUNT: &str = "{spinner} {pos} {per_sec}";
/// How often it is drawn.
const TICK: Duration = Duration::from_millis(200);

/// A progress bar, or none.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    Events,
    OrderIds { from: u64 },
}

impl Progress {
    /// None.
    pub fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), counts: Counts::Events }
    }

    /// A bar of so many events.
    pub fn by_count(events: u64) -> Self {
        Self::drawn(ProgressBar::new(events), BAR, Counts::Events)
    }

    /// A bar from one order id to another.
    pub fn by_order_id(from: u64, last: u64) -> Self {
        let from = from.max(1);
        let length = last.saturating_add(1).saturating_sub(from);
        Self::drawn(ProgressBar::new(length), BAR, Counts::OrderIds { from })
    }

    /// How many events there have been, since nobody knows how many there will be.
    pub fn unknown() -> Self {
        Self::drawn(ProgressBar::no_length(), COUNT, Counts::Events)
    }

    fn drawn(bar: ProgressBar, template: &str, counts: Counts) -> Self {
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bar.with_style(style);
        bar.enable_steady_tick(TICK);
        Self { bar, counts }
    }

    /// One more event has come, the last order id being this.
    pub fn advance(&self, order_id: Option<u64>) {
        match (self.counts, order_id) {
            (Counts::OrderIds { from }, Some(order_id)) => {
                self.bar.set_position(order_id.saturating_add(1).saturating_sub(from));
            }
            _ => self.bar.inc(1),
        }
    }

    /// Writes a line for people on standard error, which the bar leaves as it is.
    pub fn note(&self, text: &str) {
        self.bar.suspend(|| eprintln!("note: {}", clean(text)));
    }

    /// Takes it from the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_ids_are_counted_from_where_the_replay_begins() {
        let progress = Progress::by_order_id(11, 20);
        assert_eq!(progress.bar.length(), Some(10));
        progress.advance(Some(15));
        assert_eq!(progress.bar.position(), 5);
        assert_eq!(Progress::by_order_id(0, 20).bar.length(), Some(20));
        assert_eq!(Progress::by_order_id(30, 20).bar.length(), Some(0));
    }

    #[test]
    fn events_are_counted_where_only_so_many_are_asked_for() {
        let progress = Progress::by_count(5);
        progress.advance(Some(1_000));
        assert_eq!(progress.bar.position(), 1);
    }
}
