//! A live subscription sees what another process appends.

use newton::OrderId;
use newton::store::Selection;
use newton::subscription::{Subscribe, Subscriptions};
use newton_tests::Given;

use super::support::{append_one, next, stream};
use crate::processes::Other;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_subscription_sees_what_the_other_process_appends() {
    let given = Given::sqlite().await;
    let mut other = Other::start(&given);
    other.append("log/Log/a", "Noted");
    let subscriptions = Subscriptions::new(given.stores.events.clone());
    let mut all = subscriptions.open(Subscribe::hot(Selection::All)).await.unwrap();
    let of_a = Selection::Stream(stream("log/Log/a"));
    let mut of_a = subscriptions.open(Subscribe::hot(of_a)).await.unwrap();
    for turn in 0..20 {
        let theirs = OrderId(2 * turn + 2);
        assert_eq!(other.append("log/Log/a", "Noted").0, theirs.0);
        assert_eq!(append_one(&given.stores.events, "log/Log/b").await, theirs.next());
        assert_eq!((next(&mut all).await, next(&mut of_a).await), (theirs, theirs));
        assert_eq!(next(&mut all).await, theirs.next());
    }
}
