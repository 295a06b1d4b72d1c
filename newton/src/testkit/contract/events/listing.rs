//! Streams are listed by name, a page at a time.

use futures_util::TryStreamExt;

use super::given::*;
use crate::domain::Version;
use crate::error::ErrorKind;
use crate::store::{EventStore, EventStoreExt, StreamInfo, Streams};

const NAMES: [&str; 10] = [
    "bank/Account/a",
    "bank/Account/\u{fc}",
    "bank/Account/%",
    "bank/Account/A",
    "bank/Account/a a",
    "bank/Account/nested/1",
    "bank/Account2/a",
    "alone",
    "$system/Log/1",
    "bank/Account/\u{1F98A}",
];

async fn list(store: &dyn EventStore, streams: Streams) -> Vec<StreamInfo> {
    let what = format!("{streams:?}");
    store.all_streams(streams).try_collect().await.unwrap_or_else(|error| panic!("{what}: {error:?}"))
}

async fn names(store: &dyn EventStore, streams: Streams) -> Vec<String> {
    list(store, streams).await.iter().map(|info| info.name.as_str().to_owned()).collect()
}

async fn fill(store: &dyn EventStore) {
    for name in NAMES {
        put(store, name, some(2)).await;
    }
}

fn sorted(wanted: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut names: Vec<_> = NAMES.into_iter().filter(|name| wanted(name)).collect();
    names.sort_unstable();
    names
}

/// A listing is sorted by the bytes of the names, and hides system streams unless asked.
pub async fn streams_are_listed_by_name(store: &dyn EventStore) {
    assert!(names(store, Streams::all()).await.is_empty());
    fill(store).await;
    assert_eq!(names(store, Streams::all()).await, sorted(|name| !name.starts_with('$')));
    assert_eq!(names(store, Streams { system: true, ..Streams::all() }).await, sorted(|_| true));
}

/// A listing of a domain holds its streams alone.
pub async fn a_domain_lists_its_streams_alone(store: &dyn EventStore) {
    fill(store).await;
    let of = |domain: &str| Streams { domain: Some(stream(domain)), ..Streams::all() };
    let inside = |name: &str| name.starts_with("bank/Account/") && !name.contains("nested");
    assert_eq!(names(store, of("bank/Account")).await, sorted(inside));
    assert_eq!(names(store, of("bank/Account/nested")).await, ["bank/Account/nested/1"]);
    assert!(names(store, of("bank")).await.is_empty());
    let system = Streams { system: true, ..of("$system/Log") };
    assert_eq!(names(store, system).await, ["$system/Log/1"]);
}

/// Pages of every size list every stream once.
pub async fn pages_list_every_stream_once(store: &dyn EventStore) {
    fill(store).await;
    for domain in [None, Some(stream("bank/Account"))] {
        let request = Streams { domain, ..Streams::all() };
        let whole = list(store, request.clone()).await;
        for limit in [1, 2, 3, whole.len(), whole.len() + 1, usize::MAX] {
            assert_eq!(list(store, Streams { limit, ..request.clone() }).await, whole, "{limit} a page");
        }
    }
    let page = store.streams(Streams { limit: 3, ..Streams::all() }).await.expect("a page");
    assert!(
        (1..=3).contains(&page.len()),
        "a page holds what is there, and no more than asked for: {page:?}"
    );
    let error = store.streams(Streams { limit: 0, ..Streams::all() }).await.expect_err("a page of nothing");
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
}

/// A listing tells where each stream stands, and whether it was deleted.
pub async fn a_listing_tells_version_and_deletion(store: &dyn EventStore) {
    put(store, ADA, some(3)).await;
    put(store, BOB, some(1)).await;
    delete(store, BOB).await;
    let info = |name, version, deleted| StreamInfo { name: stream(name), version: Version(version), deleted };
    assert_eq!(list(store, Streams::all()).await, [info(ADA, 3, false), info(BOB, 2, true)]);
}
