//! The contract suites, over every store and through every pointer.

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
