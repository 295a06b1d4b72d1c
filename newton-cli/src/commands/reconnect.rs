//! What is done where a subscription breaks off: it is opened again, with growing waits, as long as there is patience.

use std::time::Duration;

use newton::{Error, ErrorKind};
use tokio::time::{Instant, sleep};

use crate::exit::{Outcome, Trouble};

/// The wait before another attempt, and how far it grows.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Why a subscription ended too early.
#[derive(Debug)]
pub(super) enum Ended {
    /// The service may be reached again.
    Broken(Trouble),
    /// Another attempt ends the same.
    ForGood(Trouble),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Closed => Self::Broken(error.into()),
            _ => Self::ForGood(error.into()),
        }
    }
}

impl From<Trouble> for Ended {
    fn from(trouble: Trouble) -> Self {
        Self::ForGood(trouble)
    }
}

/// How long it is tried again after a break.
#[derive(Debug)]
pub(super) struct Patience {
    limit: Duration,
    broken_since: Option<Instant>,
    wait: Duration,
}

impl Patience {
    /// So many seconds; 0 is none.
    pub(super) fn new(seconds: u32) -> Self {
        Self { limit: Duration::from_secs(seconds.into()), broken_since: None, wait: FIRST_WAIT }
    }

    /// Something came, so that the next break is another one.
    pub(super) fn renew(&mut self) {
        (self.broken_since, self.wait) = (None, FIRST_WAIT);
    }

    /// Waits before another attempt; the first after a break is told of by `note`.
    ///
    /// # Errors
    /// The trouble, where it is one for good or there is no patience left.
    pub(super) async fn wait(&mut self, ended: Ended, note: impl FnOnce(&str)) -> Outcome {
        let trouble = match ended {
            Ended::Broken(trouble) => trouble,
            Ended::ForGood(trouble) => return Err(trouble),
        };
        let spent = self.broken_since.map_or(Duration::ZERO, |since| since.elapsed());
        if spent >= self.limit {
            return Err(trouble);
        }
        if self.broken_since.is_none() {
            self.broken_since = Some(Instant::now());
            note(&format!("{}; trying again for up to {} s", trouble.message, self.limit.as_secs()));
        }
        sleep(self.wait.min(self.limit.saturating_sub(spent))).await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(kind: ErrorKind) -> Ended {
        Error::new(kind, "ask", "no").into()
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_and_something_that_came_renews_it() {
        let mut patience = Patience::new(60);
        let mut notes = Vec::new();
        for _ in 0..2 {
            let began = Instant::now();
            while patience
                .wait(ended(ErrorKind::Unavailable), |note| notes.push(note.to_owned()))
                .await
                .is_ok()
            {}
            assert_eq!(began.elapsed().as_secs(), 60);
            patience.renew();
        }
        assert_eq!(notes, ["ask: no; trying again for up to 60 s"; 2]);
    }

    #[tokio::test]
    async fn what_cannot_succeed_is_not_tried_again() {
        assert!(Patience::new(60).wait(ended(ErrorKind::Forbidden), |_| {}).await.is_err());
        assert!(Patience::new(0).wait(ended(ErrorKind::Unavailable), |_| {}).await.is_err());
    }
}
