//! A queue between async callers and the store's threads.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A queue that any thread may push to and pop from, until it is closed.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
}

#[derive(Debug)]
struct State<T> {
    jobs: VecDeque<T>,
    /// Threads that sleep in `pop`: a push that wakes nobody needs no system call.
    waiting: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let state = State { jobs: VecDeque::new(), waiting: 0, closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }

    /// Adds a job; drops it where the queue is closed, which its sender sees.
    pub(super) fn push(&self, job: T) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.jobs.push_back(job);
        let wake = state.waiting > 0;
        drop(state);
        if wake {
            self.arrived.notify_one();
        }
    }

    /// The next job; waits for one. `None` once the queue is closed and empty.
    pub(super) fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state.waiting += 1;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    /// The next job, if one is there.
    pub(super) fn try_pop(&self) -> Option<T> {
        self.lock().jobs.pop_front()
    }

    /// Takes no more jobs; those that are there can still be popped.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread's hold on its queue: however the thread ends, no job is left without an answer.
pub(super) struct Served<T>(pub(super) Arc<Queue<T>>);

impl<T> Drop for Served<T> {
    fn drop(&mut self) {
        self.0.close();
        while self.0.try_pop().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_queue_gives_what_it_has_and_takes_no_more() {
        let queue = Queue::new();
        queue.push(1);
        queue.close();
        queue.push(2);
        assert_eq!((queue.pop(), queue.pop()), (Some(1), None));
    }

    #[test]
    fn a_waiting_thread_gets_what_is_pushed() {
        let queue = Arc::new(Queue::new());
        let popped = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.pop()
        });
        queue.push(7);
        assert_eq!(popped.join().unwrap(), Some(7));
    }
}
