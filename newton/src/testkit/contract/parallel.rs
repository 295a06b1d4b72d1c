//! Doing one thing from many threads at once.

use std::thread;

use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// Runs `task` with the numbers below `count`, each on a thread of its own, and gives the results in that order.
///
/// Needs a runtime of several threads, which [`run`](super::run) makes.
pub(super) fn in_parallel<T, F>(count: usize, task: impl Fn(usize) -> F + Sync) -> Vec<T>
where
    T: Send,
    F: Future<Output = T>,
{
    let runtime = Handle::current();
    let (runtime, task) = (&runtime, &task);
    block_in_place(|| {
        thread::scope(|scope| {
            let threads: Vec<_> =
                (0..count).map(|number| scope.spawn(move || runtime.block_on(task(number)))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a parallel task panicked")).collect()
        })
    })
}
