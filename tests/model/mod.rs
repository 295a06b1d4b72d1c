//! Random work on a store, step by step compared with a naive model.
//!
//! - [`script`]: the steps and how they are made up
//! - [`naive`]: the model, a plain list that is searched from end to end
//! - [`run`]: plays a script on both and compares

mod naive;
mod run;
mod script;

use newton::store::{EventStore, MemoryStore};
use proptest::test_runner::{Config, TestRunner};

#[test]
fn memory_agrees_with_the_model() {
    agrees_with_the_model(256, async || MemoryStore::new());
}

/// Plays so many random scripts, each on a fresh store.
pub(crate) fn agrees_with_the_model<S: EventStore>(cases: u32, open: impl AsyncFn() -> S) {
    let config = Config { failure_persistence: None, cases, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    TestRunner::new(config)
        .run(&script::scripts(), |script| {
            runtime.block_on(async { run::compare(&open().await, &script).await });
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
