//! The task that reads the store for everybody who follows it.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::task::Waker;

use super::Hub;
use crate::domain::OrderId;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Head, Position, Read, Selection};
use crate::subscription::Stop;
use crate::subscription::machine::Reach;

/// How many are woken before others get their turn: a writer on the same runtime must not wait for thousands.
const WAKES: usize = 64;

/// Reads and publishes what is appended, until it is stopped or fails.
pub(super) async fn run(mut end: End, mut head: Head, mut stop: Stop) {
    tokio::select! {
        biased;
        () = stop.requested() => {}
        Err(failure) = follow(&end, &mut head) => end.failure = Some(failure),
    }
}

async fn follow(reader: &End, head: &mut Head) -> Result<Infallible> {
    loop {
        // The place is another one once the last follower is gone; the stop is on its way then.
        let Some(position) = reader.hub.position(reader.number) else { return pending().await };
        let seen = head.beyond(position).await?;
        reader.publish(position, seen).await?.wake().await;
        // Neither a writer that never rests nor a store that is always ready keeps this task from giving way.
        tokio::task::consume_budget().await;
    }
}

/// The task's hold on the hub: tells it, however the task ends.
pub(super) struct End {
    hub: Arc<Hub>,
    number: u64,
    failure: Option<Error>,
}

impl End {
    pub(super) fn new(hub: &Arc<Hub>, number: u64) -> Self {
        Self { hub: hub.clone(), number, failure: None }
    }

    async fn publish(&self, position: OrderId, seen: OrderId) -> Result<Wakes> {
        let from = Position::OrderId(position.next());
        let page = self.hub.events().read(Read::of(Selection::All).with_system().from(from)).await?;
        let reach = Reach::of(&page, seen);
        let events: Vec<_> = page.events.into_iter().map(Arc::new).collect();
        Ok(Wakes(self.hub.publish(self.number, &events, reach.through).into_iter()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let message = "the store panicked while it was read for live subscriptions; this is a defect";
            self.failure = Some(Error::new(ErrorKind::Internal, "follow", message));
        }
        drop(Wakes(self.hub.reader_ended(self.number, self.failure.as_ref()).into_iter()));
    }
}

/// Wakers that are all woken, at the latest when this is dropped: their owners wait for nothing else.
struct Wakes(std::vec::IntoIter<Waker>);

impl Wakes {
    async fn wake(mut self) {
        loop {
            self.0.by_ref().take(WAKES).for_each(Waker::wake);
            if self.0.len() == 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        self.0.by_ref().for_each(Waker::wake);
    }
}
