//! Batches are written whole or not at all, and only over the revisions that the writer knows.

use bytes::Bytes;

use super::super::parallel::in_parallel;
use super::given::*;
use crate::domain::Name;
use crate::error::{ErrorKind, Retry};
use crate::store::Expect::{Absent, Any, Revision as At};
use crate::store::{Revision, StateKey, StateStore, StateWrite};

/// What is written is read back with the revision that the write gave; what is deleted is gone.
pub async fn a_record_is_read_back(store: &dyn StateStore) {
    assert_eq!(record(store, "a").await, None);
    let first = put(store, set("a", Any, "one")).await;
    let read = record(store, "a").await.expect("it was just written");
    assert_eq!((&*read.key, read.revision, &*read.value), ("a", first, &b"one"[..]));
    put(store, set("a", Any, "")).await;
    assert_eq!(value(store, "a").await.as_deref(), Some(""), "an empty value is a value");
    put(store, remove("a", Any)).await;
    assert_eq!(value(store, "a").await, None);
}

/// Each expectation accepts and refuses an absent and a present record as it says.
pub async fn each_expectation_is_checked(store: &dyn StateStore) {
    conflicts(store, set("a", At(Revision(1)), "x")).await;
    conflicts(store, remove("a", At(Revision(1)))).await;
    put(store, remove("a", Absent)).await;
    put(store, remove("a", Any)).await;
    let first = put(store, set("a", Absent, "1")).await;
    conflicts(store, set("a", Absent, "x")).await;
    conflicts(store, remove("a", Absent)).await;
    let second = put(store, set("a", At(first), "2")).await;
    conflicts(store, set("a", At(first), "x")).await;
    conflicts(store, remove("a", At(first))).await;
    conflicts(store, set("a", At(Revision(second.0 + 1)), "x")).await;
    conflicts(store, set("a", At(Revision(u64::MAX)), "x")).await;
    assert_eq!(value(store, "a").await.as_deref(), Some("2"));
    put(store, remove("a", At(second))).await;
    conflicts(store, set("a", At(second), "x")).await;
    put(store, set("a", Absent, "3")).await;
}

/// A conflict asks the caller to read again, and its text names the key.
pub async fn a_conflict_says_what_to_do(store: &dyn StateStore) {
    let error = store.write(vec![set("lease-7", At(Revision(1)), "x")]).await.expect_err("it is absent");
    assert!(error.to_string().contains("lease-7"), "{error}");
    assert_eq!(error.retry(), Retry::AfterReload);
}

/// Where one write of a batch cannot be made, none is, and the first such key is named.
pub async fn a_batch_is_written_whole_or_not_at_all(store: &dyn StateStore) {
    let revisions =
        written(store, vec![set("a", Absent, "1"), set("b", Absent, "1"), set("c", Any, "1")]).await;
    let batch = vec![
        set("a", At(revisions[0]), "2"),
        set("new", Absent, "2"),
        set("b", Absent, "2"),
        remove("c", At(revisions[2])),
        set("c2", At(Revision(1)), "2"),
    ];
    assert_eq!(refused(store, batch).await, ErrorKind::StateConflict { key: key("b") });
    for (name, expected) in
        [("a", Some("1")), ("b", Some("1")), ("c", Some("1")), ("new", None), ("c2", None)]
    {
        assert_eq!(value(store, name).await.as_deref(), expected, "`{name}` after a refused batch");
    }
    let batch = vec![set("a", At(revisions[0]), "2"), remove("b", At(revisions[1])), set("new", Absent, "2")];
    written(store, batch).await;
    for (name, expected) in [("a", Some("2")), ("b", None), ("c", Some("1")), ("new", Some("2"))] {
        assert_eq!(value(store, name).await.as_deref(), expected, "`{name}` after a written batch");
    }
}

/// A batch of nothing does nothing.
pub async fn an_empty_batch_does_nothing(store: &dyn StateStore) {
    assert!(written(store, Vec::new()).await.is_empty());
}

/// The revisions of a key rise, and none comes again after a delete, so that a stale writer never wins.
pub async fn revisions_never_come_again(store: &dyn StateStore) {
    let mut seen = Vec::new();
    for round in 0..5 {
        seen.push(put(store, set("a", Any, "same")).await);
        seen.push(put(store, set("a", Any, "same")).await);
        let last = record(store, "a").await.expect("it was just written").revision;
        assert_eq!(Some(&last), seen.last());
        if round % 2 == 0 {
            put(store, remove("a", Any)).await;
        }
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "revisions must rise: {seen:?}");
    for stale in &seen[..seen.len() - 1] {
        conflicts(store, set("a", At(*stale), "x")).await;
    }
}

/// A key stands once in a batch.
pub async fn a_key_twice_in_a_batch_is_refused(store: &dyn StateStore) {
    for batch in [
        vec![set("a", Any, "1"), set("a", Any, "2")],
        vec![set("a", Any, "1"), set("b", Any, "1"), remove("a", Any)],
    ] {
        assert_eq!(refused(store, batch).await, ErrorKind::InvalidInput);
    }
    assert_eq!((value(store, "a").await, value(store, "b").await), (None, None));
}

/// A key and its space need a text, and a key is at most 2,048 bytes long.
pub async fn keys_out_of_bounds_are_refused(store: &dyn StateStore) {
    let long = "x".repeat(StateKey::MAX_LEN);
    put(store, set(&long, Any, "1")).await;
    assert_eq!(value(store, &long).await.as_deref(), Some("1"));
    let too_long = format!("{long}x");
    assert_eq!(refused(store, vec![set(&too_long, Any, "1")]).await, ErrorKind::InvalidInput);
    assert_eq!(refused(store, vec![set("", Any, "1")]).await, ErrorKind::InvalidInput);
    let nowhere = StateWrite { key: StateKey::new("", "a"), ..set("a", Any, "1") };
    assert_eq!(refused(store, vec![set("b", Any, "1"), nowhere]).await, ErrorKind::InvalidInput);
    assert_eq!(value(store, "b").await, None);
}

/// Keys and spaces are any text, letter for letter.
pub async fn keys_of_any_text_are_kept_apart(store: &dyn StateStore) {
    for text in ODD_KEYS {
        put(store, set(text, Absent, text)).await;
        let elsewhere = StateKey::new(text, "a");
        let write = StateWrite { key: elsewhere.clone(), ..set("a", Absent, text) };
        put(store, write).await;
    }
    for text in ODD_KEYS {
        assert_eq!(value(store, text).await.as_deref(), Some(text));
        let elsewhere = store.get(&StateKey::new(text, "a")).await.expect("a read").expect("it was written");
        assert_eq!(elsewhere.value, text);
    }
}

/// Values are bytes, of some megabytes too.
pub async fn values_are_kept_byte_for_byte(store: &dyn StateStore) {
    let all_bytes: Vec<u8> = (0..=255).collect();
    for bytes in [all_bytes.clone(), vec![0], b" {\"a\" : 1} ".to_vec(), all_bytes.repeat(16 * 1024)] {
        put(store, StateWrite { value: Some(Bytes::from(bytes.clone())), ..set("a", Any, "") }).await;
        let kept = record(store, "a").await.expect("it was just written").value;
        assert!(kept == bytes, "{} bytes came back as {} others", bytes.len(), kept.len());
    }
}

/// Counters that many raise at once by compare-and-set lose nothing, in one record or two.
pub async fn concurrent_counters_lose_nothing(store: &dyn StateStore) {
    let (threads, rounds) = (6, 20);
    in_parallel(threads, async |_| {
        for _ in 0..rounds {
            while !raise_both(store).await {}
        }
    });
    for name in ["left", "right"] {
        assert_eq!(value(store, name).await, Some((threads * rounds).to_string()));
    }
}

/// Of many that take a free lease at once, one gets it.
pub async fn of_concurrent_takers_one_wins(store: &dyn StateStore) {
    for lease in 0..10 {
        let name = format!("lease-{lease}");
        let taken = in_parallel(6, |taker| store.write(vec![set(&name, Absent, &taker.to_string())]));
        assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 1, "{taken:?}");
        let winner = taken.iter().position(Result::is_ok).map(|taker| taker.to_string());
        assert_eq!(value(store, &name).await, winner);
    }
}

async fn raise_both(store: &dyn StateStore) -> bool {
    let mut batch = Vec::new();
    for name in ["left", "right"] {
        batch.push(match record(store, name).await {
            None => set(name, Absent, "1"),
            Some(record) => {
                let text = String::from_utf8_lossy(&record.value).into_owned();
                let count: u64 = text.parse().expect("the counter holds a number");
                set(name, At(record.revision), &(count + 1).to_string())
            }
        });
    }
    match store.write(batch).await {
        Ok(_) => true,
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::StateConflict { .. }), "{error:?}");
            false
        }
    }
}

async fn conflicts(store: &dyn StateStore, write: StateWrite) {
    let (key, before) = (write.key.clone(), store.get(&write.key).await.expect("a read"));
    let what: Name = format!("{write:?}").into();
    assert_eq!(refused(store, vec![write]).await, ErrorKind::StateConflict { key: key.clone() }, "{what}");
    assert_eq!(store.get(&key).await.expect("a read"), before, "a refused write changes nothing: {what}");
}
