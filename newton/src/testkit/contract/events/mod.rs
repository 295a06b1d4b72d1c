//! What an [`EventStore`](crate::store::EventStore) promises. Each function takes a fresh, empty store.
//!
//! - [`append`], [`expected_version`], [`conditions`], [`idempotency`], [`limits`]: what is written, and what is refused
//! - [`round_trip`]: what is written comes back as it was
//! - [`reading`], [`filters`], [`correlations`], [`paging`], [`listing`]: what is read
//! - [`order`], [`heads`]: what concurrent readers see
//! - [`deletion`]: what a tombstone ends, and what it leaves

pub mod append;
pub mod conditions;
pub mod correlations;
pub mod deletion;
pub mod expected_version;
pub mod filters;
mod given;
pub mod heads;
pub mod idempotency;
pub mod limits;
pub mod listing;
pub mod order;
pub mod paging;
pub mod reading;
pub mod round_trip;

/// Every promise, by the module it is in: the one list from which tests are made, by the macro named in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! __event_store_promises {
    ([$($make:tt)+] $($given:tt)*) => {
        $($make)+! { $($given)*, events,
            append {
                versions_count_from_one_in_each_stream
                order_ids_rise_in_commit_order
                an_acknowledged_append_is_read_at_once
                an_append_of_nothing_is_refused
                several_streams_are_written_together
                several_streams_fail_together
                a_stream_stands_once_in_an_append
                recorded_times_never_fall
                recorded_times_have_microseconds
            }
            conditions {
                each_kind_of_query_is_checked
                only_events_since_then_count
                a_failed_condition_names_the_first_match
                an_append_does_not_rule_itself_out
                a_failed_condition_stops_every_stream
                of_concurrent_appends_under_one_condition_one_wins
            }
            correlations {
                a_correlation_is_read_wherever_it_is
                correlations_of_any_id_are_kept_apart
                pages_cover_a_correlation_once
                a_long_correlation_is_read_whole
            }
            deletion {
                a_load_says_deleted
                later_appends_are_refused
                reads_still_show_the_history
                a_tombstone_is_the_last_event
                an_empty_stream_can_be_deleted
            }
            expected_version {
                each_expectation_is_checked
                a_stale_or_future_version_is_refused
                a_conflict_says_what_to_do
                versions_above_9_are_compared_as_numbers
                versions_above_65_535_are_compared_as_numbers
                an_expected_version_of_2_to_the_63_is_refused
                of_concurrent_appends_at_one_version_one_wins
                concurrent_appends_of_any_version_are_all_written
            }
            filters {
                exactly_the_matching_events_are_read
                filters_include_system_events_where_asked_for
                a_domain_stream_knows_its_event_types
            }
            heads {
                the_head_is_the_last_order_id
                a_head_wakes_whoever_waits
                waiting_for_the_past_returns_at_once
                what_writes_nothing_moves_no_head
            }
            idempotency {
                the_same_append_again_gives_the_first_outcome
                the_same_append_to_several_streams_gives_the_first_outcome
                partly_known_ids_are_refused
                ids_known_in_another_stream_are_refused
                an_id_twice_in_one_append_is_refused
                ids_of_a_refused_append_stay_free
                ids_are_checked_before_the_expected_version
                ids_are_checked_before_the_tombstone
                ids_are_checked_before_the_condition
                tombstone_version_and_condition_are_checked_in_this_order
                concurrent_duplicates_are_written_once
                ids_of_any_text_are_kept_apart
            }
            limits {
                a_payload_above_the_limit_is_refused
                an_append_above_the_limit_is_refused
                an_event_type_without_a_printable_name_is_refused
                the_longest_stream_name_works
            }
            listing {
                streams_are_listed_by_name
                a_domain_lists_its_streams_alone
                pages_list_every_stream_once
                a_listing_tells_version_and_deletion
            }
            order {
                concurrent_readers_miss_nothing
                concurrent_readers_see_whole_appends
            }
            paging {
                pages_cover_everything_once
                pages_cover_everything_once_while_others_append
                reading_on_from_the_end_finds_what_is_new
                a_rare_match_in_a_long_log_is_found
                slices_cover_a_stream_once
            }
            reading {
                a_stream_is_read_in_version_order
                a_domain_stream_holds_its_streams_alone
                all_is_a_view_of_every_stream
                system_streams_are_hidden_unless_asked_for
                ids_are_found_wherever_they_are
                what_does_not_exist_is_empty
                a_stream_is_read_from_a_version
                every_selection_is_read_from_an_order_id
                every_selection_is_read_from_a_time
                reads_that_make_no_sense_are_refused
                a_load_gives_the_tail_above_a_version
            }
            round_trip {
                json_is_kept_byte_for_byte
                other_encodings_and_key_ids_are_kept
                a_large_payload_is_kept
                ids_of_any_text_are_kept
                schemas_are_kept
                type_and_stream_names_are_kept
                tags_are_kept
                metadata_are_kept
            }
        }
    };
}
