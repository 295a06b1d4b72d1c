//! When a runtime of one thread has nothing left to run.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::Poll;

use futures_util::task::AtomicWaker;
use tokio::runtime::{Builder, Runtime};

/// Tells when all tasks of a runtime wait: for time, for another thread, for a message that nobody has sent.
#[derive(Debug, Default)]
pub(super) struct Idle {
    is_awaited: AtomicBool,
    waker: AtomicWaker,
}

impl Idle {
    /// A runtime of one thread, and what tells when it is idle.
    pub(super) fn runtime() -> io::Result<(Runtime, Arc<Self>)> {
        let idle = Arc::new(Self::default());
        let told = idle.clone();
        let runtime =
            Builder::new_current_thread().enable_all().on_thread_park(move || told.tell()).build()?;
        Ok((runtime, idle))
    }

    /// Waits until no task of the runtime can run. To be awaited by what the runtime blocks on, and nowhere else.
    pub(super) async fn reached(&self) {
        let mut has_asked = false;
        poll_fn(|context| {
            self.waker.register(context.waker());
            if !has_asked {
                has_asked = true;
                self.is_awaited.store(true, SeqCst);
            } else if !self.is_awaited.load(SeqCst) {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }

    /// The thread is about to sleep, for there is nothing to run.
    fn tell(&self) {
        if self.is_awaited.swap(false, SeqCst) {
            self.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use tokio::task::yield_now;

    use super::*;

    #[test]
    fn it_is_reached_once_no_task_can_run() {
        let (runtime, idle) = Idle::runtime().unwrap();
        let turns = Arc::new(AtomicU32::new(0));
        let counted = turns.clone();
        runtime.spawn(async move {
            for _ in 0..1_000 {
                counted.fetch_add(1, SeqCst);
                yield_now().await;
            }
            std::future::pending::<()>().await;
        });
        runtime.block_on(idle.reached());
        assert_eq!(turns.load(SeqCst), 1_000);
        runtime.block_on(idle.reached());
    }
}
