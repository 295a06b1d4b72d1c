//! Scans give the records of a space, sorted by key, a page at a time.

use futures_util::TryStreamExt;

use super::given::*;
use crate::error::ErrorKind;
use crate::store::Expect::Any;
use crate::store::{Scan, StateKey, StateRecord, StateStore, StateStoreExt, StateWrite};

async fn scan(store: &dyn StateStore, scan: Scan) -> Vec<StateRecord> {
    let what = format!("{scan:?}");
    store.records(scan).try_collect().await.unwrap_or_else(|error| panic!("{what}: {error:?}"))
}

async fn keys(store: &dyn StateStore, request: Scan) -> Vec<String> {
    scan(store, request).await.iter().map(|record| record.key.to_string()).collect()
}

async fn fill(store: &dyn StateStore, names: &[&str]) {
    for name in names {
        put(store, set(name, Any, name)).await;
    }
}

/// Records come sorted by the bytes of their keys, each as a read gives it.
pub async fn records_are_sorted_by_bytes(store: &dyn StateStore) {
    assert!(keys(store, Scan::of(SPACE, "")).await.is_empty());
    let names =
        [&ODD_KEYS[..], &["b", "Z", "aa", "\u{e9}", "e\u{301}", "10", "9", "\u{10FFFF}", "~"]].concat();
    fill(store, &names).await;
    let mut sorted = names.clone();
    sorted.sort_unstable();
    let records = scan(store, Scan::of(SPACE, "")).await;
    assert_eq!(records.iter().map(|record| &*record.key).collect::<Vec<_>>(), sorted);
    for found in records {
        assert_eq!(record(store, &found.key).await, Some(found));
    }
}

/// A prefix is a text, not a pattern, and other spaces are not covered.
pub async fn a_prefix_covers_what_starts_so(store: &dyn StateStore) {
    let names = [
        "a",
        "a/",
        "a/1",
        "a/1/x",
        "a/2",
        "a/\u{10FFFF}",
        "a0",
        "A/1",
        "a%b",
        "a_b",
        "\u{10FFFF}",
        "\u{10FFFF}x",
    ];
    fill(store, &names).await;
    for space in ["checkpoin", "checkpoint2", "Checkpoint"] {
        let write = StateWrite { key: StateKey::new(space, "a/3"), ..set("", Any, "elsewhere") };
        put(store, write).await;
    }
    for prefix in ["", "a", "a/", "a/1", "a%", "a_", "A", "b", "\u{10FFFF}", "a/\u{10FFFF}", "nothing"] {
        let mut expected: Vec<_> = names.into_iter().filter(|name| name.starts_with(prefix)).collect();
        expected.sort_unstable();
        assert_eq!(keys(store, Scan::of(SPACE, prefix)).await, expected, "prefix {prefix:?}");
    }
    assert_eq!(keys(store, Scan::of("checkpoint2", "")).await, ["a/3"]);
    assert!(keys(store, Scan::of("nowhere", "")).await.is_empty());
}

/// Pages of every size cover every record once.
pub async fn pages_cover_every_record_once(store: &dyn StateStore) {
    fill(store, &["a/1", "a/2", "a/3", "a/10", "a/\u{fc}", "b/1", "a"]).await;
    for prefix in ["", "a/"] {
        let whole = scan(store, Scan::of(SPACE, prefix)).await;
        for limit in [1, 2, 3, whole.len(), whole.len() + 1, usize::MAX] {
            let by_pages = scan(store, Scan { limit, ..Scan::of(SPACE, prefix) }).await;
            assert_eq!(by_pages, whole, "{limit} a page of prefix {prefix:?}");
        }
    }
    let page = store.scan(Scan { limit: 2, ..Scan::of(SPACE, "") }).await.expect("a page");
    assert!(
        (1..=2).contains(&page.len()),
        "a page holds what is there, and no more than asked for: {page:?}"
    );
}

/// A scan goes on behind a key whether or not that key is there, or has the prefix.
pub async fn a_scan_goes_on_behind_any_key(store: &dyn StateStore) {
    fill(store, &["a/1", "a/3", "b/1"]).await;
    let after = |key: &str| Scan { after: Some(key.to_owned().into()), ..Scan::of(SPACE, "a/") };
    for (key, expected) in [
        ("", &["a/1", "a/3"][..]),
        ("a", &["a/1", "a/3"]),
        ("a/1", &["a/3"]),
        ("a/2", &["a/3"]),
        ("a/3", &[]),
        ("b", &[]),
    ] {
        assert_eq!(keys(store, after(key)).await, expected, "behind {key:?}");
    }
}

/// A page of nothing is refused.
pub async fn a_page_of_nothing_is_refused(store: &dyn StateStore) {
    let error = store.scan(Scan { limit: 0, ..Scan::of(SPACE, "") }).await.expect_err("a page of nothing");
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
}
