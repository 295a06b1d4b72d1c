//! A queue between async callers and the store's threads.

use std::collections::VecDeque;
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::sync::lock;

/// A queue that any thread may push to and pop from, until it is closed.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    /// How many jobs there are, so that who looks out for one takes no lock in vain.
    length: AtomicUsize,
    /// Threads that will find a job without being woken.
    looking_out: AtomicUsize,
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
        Self {
            state: Mutex::new(state),
            length: AtomicUsize::new(0),
            looking_out: AtomicUsize::new(0),
            arrived: Condvar::new(),
        }
    }

    /// Adds a job; drops it where the queue is closed, which its sender sees.
    pub(super) fn push(&self, job: T) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.jobs.push_back(job);
        self.length.store(state.jobs.len(), Relaxed);
        let wake = state.waiting > 0 && state.jobs.len() > self.looking_out.load(SeqCst);
        drop(state);
        if wake {
            self.arrived.notify_one();
        }
    }

    /// The next job; looks out for one for so long, and then sleeps. `None` once the queue is closed and empty.
    pub(super) fn pop(&self, patience: Duration) -> Option<T> {
        self.looking_out.fetch_add(1, SeqCst);
        let job = look_out(patience, || self.try_pop());
        // Before the lock: whoever pushes from here on wakes a thread, or this one finds the job below.
        self.looking_out.fetch_sub(1, SeqCst);
        if job.is_some() {
            return job;
        }
        let mut state = self.lock();
        loop {
            if let Some(job) = self.first(&mut state) {
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
        if self.length.load(Relaxed) == 0 { None } else { self.first(&mut self.lock()) }
    }

    /// Takes no more jobs; those that are there can still be popped.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    fn first(&self, state: &mut State<T>) -> Option<T> {
        let job = state.jobs.pop_front();
        self.length.store(state.jobs.len(), Relaxed);
        job
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.state)
    }
}

/// Asks again and again for what may come any moment, giving way to other threads, and gives up after `patience`.
pub(super) fn look_out<T>(patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let answer = ask();
        if answer.is_some() || start.elapsed() > patience {
            return answer;
        }
        std::thread::yield_now();
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
        assert_eq!((queue.pop(Duration::ZERO), queue.pop(Duration::ZERO)), (Some(1), None));
    }

    #[test]
    fn a_waiting_thread_gets_what_is_pushed() {
        let queue = Arc::new(Queue::new());
        let popped = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.pop(Duration::ZERO)
        });
        queue.push(7);
        assert_eq!(popped.join().unwrap(), Some(7));
    }
}
