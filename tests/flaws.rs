//! The contract suites can fail: each defect that a store might have breaks a promise, and what a store lacks is refused.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use newton::domain::{Name, Payload, Query, Schema};
use newton::store::{
    Append, Appended, Capability, Direction, EventStore, Head, HeadSender, Load, MemoryStore, Page, Read,
    Selection, Slice, StreamInfo, Streams,
};
use newton::testkit::contract::events::{
    append, conditions, correlations, deletion, expected_version, filters, heads, idempotency, listing,
    order, paging, reading, round_trip,
};
use newton::testkit::contract::run;
use newton::{EventId, ExpectedVersion, OrderId, Result, StreamName};

newton::event_store_contract!(without_several_streams, || async { Flawed::new(Flaw::LacksSeveralStreams) });
newton::event_store_contract!(without_conditions, || async { Flawed::new(Flaw::LacksConditions) });
newton::event_store_contract!(without_expected_versions, || async {
    Flawed::new(Flaw::LacksExpectedVersions)
});

/// Makes a test for each flaw: the promise it breaks must panic.
macro_rules! flaws_break_promises {
    ($($test:ident: $flaw:ident breaks $group:ident::$promise:ident;)*) => {
        $(
            #[test]
            fn $test() {
                let keep = || run(async { $group::$promise(&Flawed::new(Flaw::$flaw)).await });
                let kept = std::panic::catch_unwind(AssertUnwindSafe(keep));
                assert!(kept.is_err(), "`{}` passes over a store that is broken so", stringify!($promise));
            }
        )*
    };
}

flaws_break_promises! {
    ignored_versions: IgnoresExpectedVersions breaks expected_version::a_stale_or_future_version_is_refused;
    ignored_versions_at_once: IgnoresExpectedVersions breaks expected_version::of_concurrent_appends_at_one_version_one_wins;
    versions_as_text: ComparesVersionsAsText breaks expected_version::versions_above_9_are_compared_as_numbers;
    versions_of_16_bits: CountsVersionsIn16Bits breaks expected_version::versions_above_65_535_are_compared_as_numbers;
    ignored_conditions: IgnoresConditions breaks conditions::each_kind_of_query_is_checked;
    ignored_conditions_at_once: IgnoresConditions breaks conditions::of_concurrent_appends_under_one_condition_one_wins;
    half_written_streams: WritesStreamsOneByOne breaks append::several_streams_fail_together;
    duplicates_again: WritesDuplicatesAgain breaks idempotency::the_same_append_again_gives_the_first_outcome;
    duplicates_at_once: WritesDuplicatesAgain breaks idempotency::concurrent_duplicates_are_written_once;
    accepted_nothing: AcceptsAnything breaks append::an_append_of_nothing_is_refused;
    accepted_2_to_the_63: AcceptsAnything breaks expected_version::an_expected_version_of_2_to_the_63_is_refused;
    forgotten_tags: ForgetsTags breaks round_trip::tags_are_kept;
    forgotten_metadata: ForgetsMetadata breaks round_trip::metadata_are_kept;
    compacted_json: CompactsJson breaks round_trip::json_is_kept_byte_for_byte;
    numbered_schemas: TakesTextSchemasForNumbers breaks round_trip::schemas_are_kept;
    folded_ids: FoldsTheCaseOfIds breaks idempotency::ids_of_any_text_are_kept_apart;
    standing_head: StandingHead breaks heads::the_head_is_the_last_order_id;
    lost_events: LosesTheLastOfAPage breaks paging::pages_cover_everything_once;
    repeated_events: RepeatsTheFirstOfAPage breaks paging::pages_cover_everything_once;
    early_end: EndsEarly breaks paging::pages_cover_everything_once;
    ignored_filters: IgnoresFilters breaks filters::exactly_the_matching_events_are_read;
    shown_system_streams: ShowsSystemStreams breaks reading::system_streams_are_hidden_unless_asked_for;
    hidden_effects: HidesEffectsOfTheSystem breaks correlations::a_correlation_is_read_wherever_it_is;
    folded_correlations: FoldsTheCaseOfCorrelations breaks correlations::correlations_of_any_id_are_kept_apart;
    one_direction: IgnoresDirection breaks reading::a_stream_is_read_in_version_order;
    hidden_tombstones: HidesTombstones breaks deletion::reads_still_show_the_history;
    undeleted: LoadsWhatWasDeleted breaks deletion::a_load_says_deleted;
    unsorted_listing: ListsUnsorted breaks listing::streams_are_listed_by_name;
    late_commits: HidesLateCommits breaks order::concurrent_readers_miss_nothing;
}

/// A store that does one thing wrong, or can do less.
#[derive(Debug)]
struct Flawed {
    store: MemoryStore,
    flaw: Flaw,
    standing_head: HeadSender,
    shown_late: Mutex<HashSet<OrderId>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    IgnoresExpectedVersions,
    ComparesVersionsAsText,
    CountsVersionsIn16Bits,
    IgnoresConditions,
    WritesStreamsOneByOne,
    WritesDuplicatesAgain,
    AcceptsAnything,
    ForgetsTags,
    ForgetsMetadata,
    CompactsJson,
    TakesTextSchemasForNumbers,
    FoldsTheCaseOfIds,
    StandingHead,
    LosesTheLastOfAPage,
    RepeatsTheFirstOfAPage,
    EndsEarly,
    IgnoresFilters,
    ShowsSystemStreams,
    HidesEffectsOfTheSystem,
    FoldsTheCaseOfCorrelations,
    IgnoresDirection,
    HidesTombstones,
    LoadsWhatWasDeleted,
    ListsUnsorted,
    HidesLateCommits,
    LacksSeveralStreams,
    LacksConditions,
    LacksExpectedVersions,
}

impl Flawed {
    fn new(flaw: Flaw) -> Self {
        Self {
            store: MemoryStore::new(),
            flaw,
            standing_head: HeadSender::new(OrderId::START),
            shown_late: Mutex::default(),
        }
    }

    async fn ruin(&self, append: &mut Append) {
        match self.flaw {
            Flaw::IgnoresConditions => append.condition = None,
            Flaw::IgnoresExpectedVersions => {
                append.streams.iter_mut().for_each(|part| part.expected = ExpectedVersion::Any);
            }
            Flaw::ComparesVersionsAsText | Flaw::CountsVersionsIn16Bits => {
                for part in &mut append.streams {
                    let load = Load { stream: part.stream.clone(), after: newton::Version::EMPTY, limit: 1 };
                    let actual = self.store.load(load).await.unwrap().version;
                    let ExpectedVersion::Exact(expected) = part.expected else { continue };
                    let same = match self.flaw {
                        Flaw::ComparesVersionsAsText => expected.to_string()[..1] == actual.to_string()[..1],
                        _ => expected.0 % 65_536 == actual.0 % 65_536,
                    };
                    part.expected = ExpectedVersion::Exact(if same { actual } else { actual.next() });
                }
            }
            _ => append.streams.iter_mut().flat_map(|part| &mut part.events).for_each(|event| {
                match self.flaw {
                    Flaw::WritesDuplicatesAgain => event.id = EventId::generate(),
                    Flaw::ForgetsTags => event.tags.clear(),
                    Flaw::ForgetsMetadata => event.metadata = Arc::default(),
                    Flaw::FoldsTheCaseOfIds => event.id = event.id.to_string().to_lowercase().into(),
                    Flaw::TakesTextSchemasForNumbers => {
                        let number = event.schema.to_string().parse().map(Schema::Number);
                        event.schema = number.unwrap_or(event.schema.clone());
                    }
                    Flaw::CompactsJson => {
                        if let Ok(json) =
                            serde_json::from_slice::<serde_json::Value>(event.payload.as_bytes())
                        {
                            event.payload = Payload::from_encoded(json.to_string());
                        }
                    }
                    _ => {}
                }
            }),
        }
    }
}

#[async_trait::async_trait]
impl EventStore for Flawed {
    fn capability(&self) -> Capability {
        let capability = self.store.capability();
        match self.flaw {
            Flaw::LacksSeveralStreams => Capability { multi_stream: false, ..capability },
            Flaw::LacksConditions => Capability { conditions: false, ..capability },
            Flaw::LacksExpectedVersions => Capability { expected_versions: false, ..capability },
            _ => capability,
        }
    }

    async fn append(&self, mut append: Append) -> Result<Appended> {
        if self.flaw == Flaw::AcceptsAnything && self.capability().admit(&append).is_err() {
            let (order_id, time) = (OrderId(1), append.time);
            return Ok(Appended { order_id, versions: Vec::new(), time, duplicate: false });
        }
        self.capability().admit(&append)?;
        self.ruin(&mut append).await;
        if self.flaw == Flaw::WritesStreamsOneByOne {
            let mut versions = Vec::new();
            let mut order_id = OrderId::START;
            for part in append.streams {
                let one =
                    Append { streams: vec![part], condition: append.condition.clone(), time: append.time };
                let outcome = self.store.append(one).await?;
                versions.extend(outcome.versions);
                order_id = outcome.order_id;
            }
            return Ok(Appended { order_id, versions, time: append.time, duplicate: false });
        }
        self.store.append(append).await
    }

    async fn read(&self, mut read: Read) -> Result<Page> {
        match self.flaw {
            Flaw::IgnoresFilters => read.query = Query::all(),
            Flaw::ShowsSystemStreams => read.system = true,
            Flaw::IgnoresDirection => read.direction = Direction::Forward,
            Flaw::FoldsTheCaseOfCorrelations => {
                if let Selection::Correlation(id) = &mut read.selection {
                    *id = id.to_string().to_lowercase().into();
                }
            }
            _ => {}
        }
        let of_correlation = matches!(read.selection, Selection::Correlation(_));
        let mut page = self.store.read(read).await?;
        match self.flaw {
            Flaw::LosesTheLastOfAPage if page.next.is_some() => drop(page.events.pop()),
            Flaw::RepeatsTheFirstOfAPage if page.next.is_some() => {
                page.events.insert(0, page.events[0].clone());
            }
            Flaw::HidesEffectsOfTheSystem if of_correlation => {
                page.events.retain(|event| !event.stream.is_system());
            }
            Flaw::EndsEarly => page.next = None,
            Flaw::HidesTombstones => page.events.retain(|event| event.event_type != "$deleted"),
            Flaw::HidesLateCommits => {
                // A later event is shown while an earlier one is still in an open transaction.
                let last = page.events.last().map(|event| event.order_id);
                let mut shown_late = self.shown_late.lock().unwrap();
                page.events.retain(|event| {
                    let order_id = event.order_id;
                    order_id.0 % 5 > 0 || Some(order_id) == last || !shown_late.insert(order_id)
                });
            }
            _ => {}
        }
        Ok(page)
    }

    async fn load(&self, load: Load) -> Result<Slice> {
        let slice = self.store.load(load).await?;
        Ok(Slice { deleted: slice.deleted && self.flaw != Flaw::LoadsWhatWasDeleted, ..slice })
    }

    async fn streams(&self, streams: Streams) -> Result<Vec<StreamInfo>> {
        let mut page = self.store.streams(streams).await?;
        if self.flaw == Flaw::ListsUnsorted && page.len() > 1 {
            page.swap(0, 1);
        }
        Ok(page)
    }

    async fn event_types(&self, domain: &StreamName) -> Result<Vec<Name>> {
        self.store.event_types(domain).await
    }

    async fn head(&self) -> Result<Head> {
        if self.flaw == Flaw::StandingHead {
            Ok(self.standing_head.subscribe())
        } else {
            self.store.head().await
        }
    }
}
