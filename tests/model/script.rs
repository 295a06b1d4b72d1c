//! The steps of a random script. Numbers are small, so that steps meet.

use newton::ExpectedVersion;
use newton::domain::{Filter, Query, Tag};
use newton::store::Direction;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub(crate) const STREAMS: [&str; 6] =
    ["bank/Account/a", "bank/Account/b", "bank/Account/n/1", "shop/Order/1", "alone", "$saga/Transfer/1"];
pub(crate) const DOMAINS: [&str; 4] = ["bank/Account", "bank/Account/n", "shop/Order", "bank"];
pub(crate) const CORRELATIONS: usize = 3;
const TYPES: [&str; 4] = ["Opened", "Deposited", "Closed", "opened"];
const TAGS: [(&str, &str); 4] = [("order", "1"), ("order", "2"), ("customer", "1"), ("order", "1")];

/// One thing that is done.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Append(Append),
    /// The append so many appends ago once more, whatever came of it.
    Again(usize),
    Read(Read),
    Load {
        stream: usize,
        after: u64,
        limit: usize,
    },
    List {
        domain: Option<usize>,
        after: Option<usize>,
        limit: usize,
        system: bool,
    },
    Types(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Append {
    pub(crate) parts: Vec<Part>,
    pub(crate) condition: Option<(Query, usize)>,
    pub(crate) seconds: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) stream: usize,
    pub(crate) expected: Expected,
    pub(crate) events: Vec<New>,
    pub(crate) tombstone: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Expected {
    Of(ExpectedVersion),
    /// Where the stream really is.
    Present,
}

#[derive(Clone, Debug)]
pub(crate) struct New {
    /// The id used so many events ago, or a fresh one.
    pub(crate) used_id: Option<usize>,
    pub(crate) event_type: &'static str,
    pub(crate) tags: Vec<Tag>,
    pub(crate) correlation: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) selection: Selection,
    pub(crate) query: Query,
    pub(crate) from: Option<From>,
    pub(crate) direction: Direction,
    pub(crate) limit: usize,
    pub(crate) system: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Selection {
    Stream(usize),
    Domain(usize),
    All,
    /// The events at these places, and an unknown one.
    Ids(Vec<usize>),
    Correlation(usize),
}

#[derive(Clone, Debug)]
pub(crate) enum From {
    /// Becomes an order id where the selection is no stream.
    Version(u64),
    /// The order id of the event at a place in the log.
    Place(usize),
    Seconds(i64),
}

pub(crate) fn scripts() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..40)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => append().prop_map(Step::Append),
        1 => (0..4_usize).prop_map(Step::Again),
        6 => read().prop_map(Step::Read),
        2 => (0..STREAMS.len(), 0..9_u64, 1..6_usize)
            .prop_map(|(stream, after, limit)| Step::Load { stream, after, limit }),
        1 => (option::of(0..DOMAINS.len()), option::of(0..STREAMS.len()), 1..6_usize, any::<bool>())
            .prop_map(|(domain, after, limit, system)| Step::List { domain, after, limit, system }),
        1 => (0..DOMAINS.len()).prop_map(Step::Types),
    ]
}

fn append() -> impl Strategy<Value = Append> {
    let condition = prop_oneof![3 => Just(None), 1 => (query(), 0..30_usize).prop_map(Some)];
    let parts = prop_oneof![5 => vec(part(), 1), 2 => vec(part(), 2..4)];
    (parts, condition, 0..60_i64).prop_map(|(parts, condition, seconds)| Append { parts, condition, seconds })
}

fn part() -> impl Strategy<Value = Part> {
    let events = vec(new(), 1..4);
    (0..STREAMS.len(), expected(), events, prop::bool::weighted(0.06))
        .prop_map(|(stream, expected, events, tombstone)| Part { stream, expected, events, tombstone })
}

fn expected() -> impl Strategy<Value = Expected> {
    use ExpectedVersion::{Any, Exact, Exists, NoStream};
    prop_oneof![
        4 => Just(Expected::Of(Any)),
        3 => Just(Expected::Present),
        1 => Just(Expected::Of(NoStream)),
        1 => Just(Expected::Of(Exists)),
        1 => (0..9_u64).prop_map(|version| Expected::Of(Exact(newton::Version(version)))),
    ]
}

fn new() -> impl Strategy<Value = New> {
    let used_id = prop_oneof![15 => Just(None), 1 => (0..6_usize).prop_map(Some)];
    let correlation = option::of(0..CORRELATIONS);
    (used_id, prop::sample::select(&TYPES[..]), vec(tag(), 0..3), correlation)
        .prop_map(|(used_id, event_type, tags, correlation)| New { used_id, event_type, tags, correlation })
}

fn tag() -> impl Strategy<Value = Tag> {
    prop::sample::select(&TAGS[..]).prop_map(|(key, value)| Tag::new(key, value))
}

pub(crate) fn query() -> impl Strategy<Value = Query> {
    let types = vec(prop::sample::select(&TYPES[..]), 0..3);
    let filter = (types, vec(tag(), 0..3))
        .prop_map(|(types, tags)| Filter { types: types.into_iter().map(Into::into).collect(), tags });
    vec(filter, 0..3).prop_map(|any| Query { any })
}

fn read() -> impl Strategy<Value = Read> {
    let selection = prop_oneof![
        3 => (0..STREAMS.len()).prop_map(Selection::Stream),
        2 => (0..DOMAINS.len()).prop_map(Selection::Domain),
        3 => Just(Selection::All),
        1 => vec(0..40_usize, 0..6).prop_map(Selection::Ids),
        2 => (0..CORRELATIONS).prop_map(Selection::Correlation),
    ];
    let from = prop_oneof![
        (0..9_u64).prop_map(From::Version),
        (0..40_usize).prop_map(From::Place),
        (0..60_i64).prop_map(From::Seconds),
    ];
    let direction = prop::sample::select(&[Direction::Forward, Direction::Backward][..]);
    (selection, query(), option::of(from), direction, 1..8_usize, any::<bool>()).prop_map(
        |(selection, query, from, direction, limit, system)| Read {
            selection,
            query,
            from,
            direction,
            limit,
            system,
        },
    )
}
