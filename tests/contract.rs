//! The contract suites, over every store and through every pointer.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use newton::store::{EventStore, MemoryStore, StateStore};

newton::event_store_contract!(memory_events, || async { MemoryStore::new() });
newton::state_store_contract!(memory_state, || async { MemoryStore::new() });

newton::event_store_contract!(events_through_arc, || async {
    Arc::new(MemoryStore::new()) as Arc<dyn EventStore>
});
newton::state_store_contract!(state_through_arc, || async {
    Arc::new(MemoryStore::new()) as Arc<dyn StateStore>
});

newton::event_store_contract!(events_through_box, || async {
    Box::new(MemoryStore::new()) as Box<dyn EventStore>
});
newton::state_store_contract!(state_through_box, || async {
    Box::new(MemoryStore::new()) as Box<dyn StateStore>
});

/// A promise that stands in no list would be checked by nobody.
#[test]
fn every_promise_is_listed() {
    for (kind, least) in [("events", 60), ("state", 15)] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../newton/src/testkit/contract").join(kind);
        let list = fs::read_to_string(folder.join("mod.rs")).unwrap();
        let listed: Vec<_> = list.lines().map(str::trim).collect();
        let sources =
            fs::read_dir(&folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        let promises: Vec<_> = sources.flat_map(|source| promises_in(&source)).collect();
        assert!(promises.len() >= least, "only {} promises were found in {kind}", promises.len());
        for promise in promises {
            assert!(listed.contains(&&*promise), "`{promise}` is missing in the list of {kind}/mod.rs");
        }
    }
}

fn promises_in(source: &str) -> Vec<String> {
    let starts = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
    starts.filter_map(|rest| rest.split_once('(')).map(|(name, _)| name.to_owned()).collect()
}
