//! What a [`StateStore`](crate::store::StateStore) promises. Each function takes a fresh, empty store.
//!
//! - [`mod@write`]: batches, expectations and revisions
//! - [`scan`]: sorted pages of a space

mod given;
pub mod scan;
pub mod write;

/// Every promise, by the module it is in: the one list from which tests are made, by the macro named in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! __state_store_promises {
    ([$($make:tt)+] $($given:tt)*) => {
        $($make)+! { $($given)*, state,
            scan {
                records_are_sorted_by_bytes
                a_prefix_covers_what_starts_so
                pages_cover_every_record_once
                a_scan_goes_on_behind_any_key
                a_page_of_nothing_is_refused
            }
            write {
                a_record_is_read_back
                each_expectation_is_checked
                a_conflict_says_what_to_do
                a_batch_is_written_whole_or_not_at_all
                an_empty_batch_does_nothing
                revisions_never_come_again
                a_key_twice_in_a_batch_is_refused
                keys_out_of_bounds_are_refused
                keys_of_any_text_are_kept_apart
                values_are_kept_byte_for_byte
                concurrent_counters_lose_nothing
                of_concurrent_takers_one_wins
            }
        }
    };
}
