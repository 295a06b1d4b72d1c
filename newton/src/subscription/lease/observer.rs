//! How long another node has shown no life, as one observer sees it.

use std::time::Duration;

use tokio::time::Instant;

/// Watches the beat of whoever holds a lease.
#[derive(Debug, Default)]
pub(super) struct Observer(Option<Seen>);

#[derive(Debug)]
struct Seen {
    node: String,
    beat: u64,
    at: Instant,
    still: Duration,
}

impl Observer {
    /// Notes a beat, and says how long it has stood still.
    ///
    /// Of the time since the last look at most `patience` counts: an observer that was paused itself has not seen that
    /// the other one stood still.
    pub(super) fn look(&mut self, node: &str, beat: u64, now: Instant, patience: Duration) -> Duration {
        let still = match &self.0 {
            Some(seen) if seen.node == node && seen.beat == beat => {
                seen.still + now.duration_since(seen.at).min(patience)
            }
            _ => Duration::ZERO,
        };
        self.0 = Some(Seen { node: node.to_owned(), beat, at: now, still });
        still
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Looks at these seconds, nodes and beats, and gives the seconds that each look says.
    fn looks<const N: usize>(looks: [(u32, &str, u64); N]) -> [u64; N] {
        let (mut observer, start) = (Observer::default(), Instant::now());
        looks.map(|(at, node, beat)| observer.look(node, beat, start + SECOND * at, SECOND * 2).as_secs())
    }

    #[test]
    fn a_beat_that_stands_still_adds_up_and_a_new_one_starts_again() {
        assert_eq!(looks([(0, "n", 7), (1, "n", 7), (3, "n", 7), (4, "n", 8), (5, "n", 8)]), [0, 1, 3, 0, 1]);
        assert_eq!(looks([(0, "n", 7), (1, "m", 7), (2, "m", 7)]), [0, 0, 1]);
    }

    #[test]
    fn the_pause_of_the_observer_counts_for_little() {
        assert_eq!(looks([(0, "n", 7), (3_600, "n", 7), (3_601, "n", 7)]), [0, 2, 3]);
    }
}
