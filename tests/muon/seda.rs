//! seda: stages that push back, in one process and across services.

use std::sync::Arc;

use newton::muon::protocol::seda::{SedaServer, Stage};
use newton::{Error, ErrorKind};
use tokio::sync::{Semaphore, mpsc};

use super::{Town, guarded, until};

/// A stage that works on an item for each permit.
fn gated(gate: &Arc<Semaphore>) -> (Stage<u32>, mpsc::UnboundedReceiver<u32>) {
    let (done, results) = mpsc::unbounded_channel();
    let gate = gate.clone();
    let stage = Stage::builder("gated").capacity(2).start(move |item: u32| {
        let (gate, done) = (gate.clone(), done.clone());
        async move {
            gate.acquire().await.unwrap().forget();
            done.send(item).unwrap();
            Ok(())
        }
    });
    (stage, results)
}

#[tokio::test]
async fn a_full_stage_pushes_back_through_the_one_before() {
    let gate = Arc::new(Semaphore::new(0));
    let (last, mut results) = gated(&gate);
    let first =
        Stage::builder("first").capacity(2).start_before(last.clone(), async |item: u32| Ok(item * 10));
    // Two wait in each queue, and each worker holds one.
    for item in 0..6 {
        guarded(first.submit(item)).await.unwrap();
    }
    until(|| first.depth() == 2 && last.depth() == 2).await;
    assert_eq!(first.try_submit(6).unwrap(), Some(6), "no room");
    let waiting = tokio::spawn({
        let first = first.clone();
        async move { first.submit(6).await }
    });
    gate.add_permits(7);
    guarded(waiting).await.unwrap().unwrap();
    for item in 0..7 {
        assert_eq!(guarded(results.recv()).await, Some(item * 10));
    }
    until(|| last.rates().completed == 7).await;
    assert_eq!((first.depth(), last.depth(), first.rates().submitted, first.rates().failed), (0, 0, 7, 0));
}

#[tokio::test]
async fn a_failing_item_stops_nothing() {
    let stage = Stage::builder("fails").workers(2).start(async |item: u32| match item {
        0 => Err(Error::new(ErrorKind::InvalidInput, "work", "zero")),
        1 => panic!("on purpose"),
        _ => Ok(()),
    });
    for item in 0..10 {
        stage.submit(item).await.unwrap();
    }
    until(|| stage.rates().completed == 8 && stage.rates().failed == 2).await;
}

#[tokio::test]
async fn workers_work_at_the_same_time() {
    let meeting = Arc::new(tokio::sync::Barrier::new(3));
    let stage = Stage::builder("meet").workers(3).start(move |(): ()| {
        let meeting = meeting.clone();
        async move {
            meeting.wait().await;
            Ok(())
        }
    });
    for _ in 0..3 {
        stage.submit(()).await.unwrap();
    }
    until(|| stage.rates().completed == 3).await;
}

#[tokio::test]
async fn stages_push_back_across_services() {
    for town in Town::both() {
        let gate = Arc::new(Semaphore::new(0));
        let (stage, mut results) = gated(&gate);
        let _server =
            town.builder("works").serve(SedaServer::new().stage(stage.clone())).start().await.unwrap();
        let client = town.start("asks").await;
        let mut stages = client.service("works").await.unwrap().stages().await.unwrap();
        for item in 0..3 {
            guarded(stages.submit("gated", &item)).await.unwrap();
        }
        until(|| stage.depth() == 2).await;
        {
            let mut waiting = std::pin::pin!(stages.submit("gated", &3));
            assert!(tokio::time::timeout(std::time::Duration::from_millis(20), &mut waiting).await.is_err());
            gate.add_permits(10);
            guarded(waiting).await.unwrap();
        }
        for item in 0..4 {
            assert_eq!(guarded(results.recv()).await, Some(item));
        }
        assert_eq!(*stages.submit("unknown", &1).await.unwrap_err().kind(), ErrorKind::NotFound);
        stages.submit("gated", &"no number").await.unwrap_err();
        guarded(stages.submit("gated", &4)).await.unwrap();
    }
}
