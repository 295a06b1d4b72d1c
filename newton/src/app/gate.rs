//! The gate that commands go through: once it is closed none comes in, and those inside can be waited for.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::sync::Notify;

use crate::error::{Error, ErrorKind, Result};

/// Counts the commands that are under way.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// How many are inside, and [`CLOSED`].
    inside: AtomicUsize,
    empty: Notify,
}

const CLOSED: usize = 1 << (usize::BITS - 1);

/// A command that is under way.
#[derive(Debug)]
pub(super) struct Inside<'a>(&'a Gate);

impl Gate {
    /// Lets a command in.
    pub(super) fn enter(&self) -> Result<Inside<'_>> {
        let before = self.inside.fetch_add(1, SeqCst);
        let inside = Inside(self);
        if before & CLOSED != 0 {
            return Err(Error::new(ErrorKind::Closed, "execute", "the app was shut down; start a new one"));
        }
        Ok(inside)
    }

    /// Lets no more commands in.
    pub(super) fn close(&self) {
        self.inside.fetch_or(CLOSED, SeqCst);
    }

    /// How many commands are under way.
    pub(super) fn count(&self) -> usize {
        self.inside.load(SeqCst) & !CLOSED
    }

    /// Waits until no command is under way.
    pub(super) async fn emptied(&self) {
        loop {
            let mut emptied = std::pin::pin!(self.empty.notified());
            emptied.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if self.0.inside.fetch_sub(1, SeqCst) == CLOSED | 1 {
            self.0.empty.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn who_is_inside_is_waited_for_and_nobody_comes_in_any_more() {
        let gate = Gate::default();
        let (one, two) = (gate.enter().unwrap(), gate.enter().unwrap());
        gate.close();
        assert_eq!(*gate.enter().unwrap_err().kind(), ErrorKind::Closed);
        let mut emptied = Box::pin(gate.emptied());
        assert!((&mut emptied).now_or_never().is_none());
        drop(one);
        assert_eq!((gate.count(), (&mut emptied).now_or_never()), (1, None));
        drop(two);
        assert_eq!((gate.count(), emptied.now_or_never()), (0, Some(())));
    }
}
