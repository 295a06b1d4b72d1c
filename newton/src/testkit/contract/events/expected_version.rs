//! An append happens only where its stream is as the caller expects.

use super::super::parallel::in_parallel;
use super::given::*;
use crate::domain::{ExpectedVersion, Version};
use crate::error::{ErrorKind, Retry};
use crate::store::EventStore;

/// Each expectation accepts and refuses an empty stream and one with events as it says.
pub async fn each_expectation_is_checked(store: &dyn EventStore) {
    if !store.capability().expected_versions {
        return is_unsupported(store, to(ADA, NoStream, some(1))).await;
    }
    conflicts(store, ADA, Exists, 0).await;
    conflicts(store, ADA, Exact(Version(1)), 0).await;
    accepted(store, to(ADA, NoStream, some(1))).await;
    conflicts(store, ADA, NoStream, 1).await;
    accepted(store, to(ADA, Exists, some(1))).await;
    accepted(store, to(ADA, Exact(Version(2)), some(2))).await;
    accepted(store, to(ADA, Any, some(1))).await;
    accepted(store, to(BOB, Exact(Version::EMPTY), some(1))).await;
    accepted(store, to("bank/Account/eve", Any, some(1))).await;
}

/// A version that was true once is refused, as is one that is not true yet.
pub async fn a_stale_or_future_version_is_refused(store: &dyn EventStore) {
    if !store.capability().expected_versions {
        return is_unsupported(store, to(ADA, Exact(Version(1)), some(1))).await;
    }
    put(store, ADA, some(3)).await;
    for version in [0, 1, 2, 4, 1_000, i64::MAX.unsigned_abs()] {
        conflicts(store, ADA, Exact(Version(version)), 3).await;
    }
}

/// A conflict asks the caller to load again, and its text names the stream and both versions.
pub async fn a_conflict_says_what_to_do(store: &dyn EventStore) {
    if !store.capability().expected_versions {
        return is_unsupported(store, to(ADA, Exact(Version(7)), some(1))).await;
    }
    put(store, ADA, some(3)).await;
    let error = store.append(to(ADA, Exact(Version(7)), some(1))).await.expect_err("7 is not 3");
    let text = error.to_string();
    assert!(text.contains(ADA) && text.contains('7') && text.contains('3'), "{text}");
    assert_eq!(error.retry(), Retry::AfterReload);
}

/// Version 10 is above version 9: versions are compared as numbers.
pub async fn versions_above_9_are_compared_as_numbers(store: &dyn EventStore) {
    versions_are_numbers(store, 12, &[1, 2, 9, 10, 11, 13, 112]).await;
}

/// No version is too high for a counter of 16 bits.
pub async fn versions_above_65_535_are_compared_as_numbers(store: &dyn EventStore) {
    versions_are_numbers(store, 65_540, &[3, 4, 5, 9, 65_535, 65_536, 65_539, 65_541]).await;
}

/// A version that no store can hold is a caller's mistake, not a conflict.
pub async fn an_expected_version_of_2_to_the_63_is_refused(store: &dyn EventStore) {
    for version in [1 << 63, u64::MAX] {
        let kind = refused(store, to(ADA, Exact(Version(version)), some(1))).await;
        assert_eq!(kind, ErrorKind::InvalidInput);
    }
}

/// Of many appends that expect the same version at once, exactly one is written.
pub async fn of_concurrent_appends_at_one_version_one_wins(store: &dyn EventStore) {
    if !store.capability().expected_versions {
        return is_unsupported(store, to(ADA, Exact(Version::EMPTY), some(1))).await;
    }
    for version in 0..10 {
        let outcomes = in_parallel(8, |_| store.append(to(ADA, Exact(Version(version)), some(1))));
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "exactly one of 8 appends at version {version} must win: {won:?}");
        for error in lost.into_iter().filter_map(Result::err) {
            assert!(matches!(error.kind(), ErrorKind::Conflict { .. }), "a loser must conflict: {error:?}");
        }
    }
    assert_eq!(version_of(store, ADA).await, Version(10));
}

/// Appends that expect nothing are all written, and number their stream without gaps.
pub async fn concurrent_appends_of_any_version_are_all_written(store: &dyn EventStore) {
    let outcomes = in_parallel(8, async |_| {
        let mut last = Vec::new();
        for _ in 0..10 {
            last.push(put(store, ADA, some(2)).await.versions[0].0);
        }
        last
    });
    let mut given = outcomes.concat();
    given.sort_unstable();
    assert_eq!(given, (1..=80).map(|append| append * 2).collect::<Vec<u64>>());
    assert_eq!(versions(&events_of(store, ADA).await), (1..=160).collect::<Vec<u64>>());
}

async fn versions_are_numbers(store: &dyn EventStore, count: u64, wrong: &[u64]) {
    let mut missing = usize::try_from(count).unwrap_or(usize::MAX);
    while missing > 0 {
        let events = some(missing.min(store.capability().limits.events));
        missing -= events.len();
        put(store, ADA, events).await;
    }
    assert_eq!(version_of(store, ADA).await, Version(count));
    if !store.capability().expected_versions {
        return is_unsupported(store, to(ADA, Exact(Version(count)), some(1))).await;
    }
    for version in wrong {
        let error =
            store.append(to(ADA, Exact(Version(*version)), some(1))).await.expect_err("a wrong version");
        let (stream, expected, actual) = (stream(ADA), Exact(Version(*version)), Version(count));
        assert_eq!(*error.kind(), ErrorKind::Conflict { stream, expected, actual });
    }
    let outcome = accepted(store, to(ADA, Exact(Version(count)), some(1))).await;
    assert_eq!(outcome.versions, [Version(count + 1)]);
}

async fn conflicts(store: &dyn EventStore, name: &str, expected: ExpectedVersion, actual: u64) {
    let kind = refused(store, to(name, expected, some(1))).await;
    let (stream, actual) = (stream(name), Version(actual));
    assert_eq!(kind, ErrorKind::Conflict { stream, expected, actual });
}
