//! A command delivered twice takes effect once, for ever, and both callers get the first receipt.

use newton::{App, CommandId, ErrorKind, Receipt, Version};
use newton_tests::bank::{Account, AccountCommand, AccountError, deposit, open, withdraw};
use newton_tests::{Given, over_every_store};

over_every_store!(
    the_second_delivery_gets_the_first_receipt,
    also_after_a_restart_and_other_events,
    also_where_it_would_be_rejected_now,
    also_where_it_would_decide_on_other_events_now,
    also_after_the_aggregate_was_deleted,
    also_with_a_foreign_id,
    also_over_several_aggregates,
    also_when_both_come_at_once,
    one_id_may_reach_several_aggregates,
);

/// The receipt a second delivery is to get.
fn again(first: &Receipt) -> Receipt {
    Receipt { duplicate: true, ..first.clone() }
}

async fn opened(given: &Given) -> App {
    let app = given.app().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    app
}

async fn version(app: &App) -> Version {
    app.load::<Account>("acc-1").await.unwrap().unwrap().version
}

async fn the_second_delivery_gets_the_first_receipt(given: Given) {
    let (app, id) = (opened(&given).await, CommandId::generate());
    let first = app.execute("acc-1", deposit(10)).command_id(id.clone()).await.unwrap();
    let second = app.execute("acc-1", deposit(10)).command_id(id).await.unwrap();
    assert_eq!(second, again(&first));
    assert_eq!(version(&app).await, Version(2));
    app.execute("acc-1", deposit(1)).await.unwrap();
    assert_eq!(version(&app).await, Version(3));
}

async fn also_after_a_restart_and_other_events(given: Given) {
    let (app, id) = (opened(&given).await, CommandId::generate());
    let first = app.execute("acc-1", deposit(10)).command_id(id.clone()).await.unwrap();
    app.execute("acc-1", deposit(5)).await.unwrap();
    drop(app);
    let given = given.reopened().await;
    let app = given.app().start().await.unwrap();
    let second = app.execute("acc-1", deposit(10)).command_id(id).await.unwrap();
    assert_eq!(second, again(&first));
    assert_eq!(version(&app).await, Version(3));
}

async fn also_where_it_would_be_rejected_now(given: Given) {
    let app = given.app().start().await.unwrap();
    let id = CommandId::generate();
    let first = app.execute("acc-1", open("Ada")).command_id(id.clone()).await.unwrap();
    let second = app.execute("acc-1", open("Ada")).command_id(id).await.unwrap();
    assert_eq!(second, again(&first));
    let other = app.execute("acc-1", open("Ada")).command_id(CommandId::generate()).await.unwrap_err();
    assert_eq!(other.rejection(), Some(&AccountError::AlreadyOpen));

    let id = CommandId::generate();
    let stale = app.execute("acc-1", deposit(1)).command_id(id.clone()).expected(Version(1)).await.unwrap();
    let second = app.execute("acc-1", deposit(1)).command_id(id).expected(Version(1)).await.unwrap();
    assert_eq!(second, again(&stale), "the caller's expected version held the first time");
}

async fn also_where_it_would_decide_on_other_events_now(given: Given) {
    let (app, id) = (opened(&given).await, CommandId::generate());
    let three = AccountCommand::DepositAll { amounts: vec![1, 2, 3] };
    let first = app.execute("acc-1", three).command_id(id.clone()).await.unwrap();
    for amounts in [vec![9], vec![9, 9, 9, 9], vec![]] {
        let changed = AccountCommand::DepositAll { amounts };
        let second = app.execute("acc-1", changed).command_id(id.clone()).await.unwrap();
        assert_eq!((second.version, second.order_id), (first.version, first.order_id));
        assert!(second.duplicate);
    }
    assert_eq!(version(&app).await, Version(4));
}

async fn also_after_the_aggregate_was_deleted(given: Given) {
    let (app, id) = (opened(&given).await, CommandId::generate());
    let first = app.execute("acc-1", deposit(10)).command_id(id.clone()).await.unwrap();
    app.delete::<Account>("acc-1").await.unwrap();
    let second = app.execute("acc-1", deposit(10)).command_id(id).await.unwrap();
    assert_eq!(second, again(&first));
    let other = app.execute("acc-1", deposit(10)).await.unwrap_err();
    assert_eq!(*other.failure().unwrap().kind(), ErrorKind::Deleted);
}

async fn also_with_a_foreign_id(given: Given) {
    let app = opened(&given).await;
    for id in ["form-submit #7 ümlaut", "550E8400-E29B-41D4-A716-446655440000", "7"] {
        let first = app.execute("acc-1", deposit(10)).command_id(id).await.unwrap();
        assert_eq!(first.command_id.to_string(), id);
        assert!(!first.duplicate);
        assert_eq!(app.execute("acc-1", deposit(10)).command_id(id).await.unwrap(), again(&first));
    }
}

async fn also_over_several_aggregates(given: Given) {
    let app = opened(&given).await;
    app.execute("acc-2", open("Bob")).await.unwrap();
    app.execute("acc-1", deposit(10)).await.unwrap();
    let id = CommandId::generate();
    let transfer =
        || app.together().execute("acc-1", withdraw(10)).execute("acc-2", deposit(10)).command_id(id.clone());
    let first = transfer().await.unwrap();
    assert_eq!(first.events, 2);
    assert_eq!(transfer().await.unwrap(), again(&first), "though the first account has nothing left");
    assert_eq!(app.load::<Account>("acc-2").await.unwrap().unwrap().state.balance, 10);
}

async fn also_when_both_come_at_once(given: Given) {
    let app = opened(&given).await;
    let apps = [app.clone(), given.app().start().await.unwrap()];
    for round in 0..20 {
        let id = CommandId::generate();
        let deliveries = (0..4).map(|index| {
            tokio::spawn(apps[index % 2].execute("acc-1", deposit(1)).command_id(id.clone()).into_future())
        });
        let mut firsts = 0;
        for delivery in deliveries.collect::<Vec<_>>() {
            firsts += usize::from(!delivery.await.unwrap().unwrap().duplicate);
        }
        assert_eq!(firsts, 1, "round {round}");
    }
    assert_eq!(version(&app).await, Version(21));
}

async fn one_id_may_reach_several_aggregates(given: Given) {
    let (app, id) = (opened(&given).await, CommandId::generate());
    app.execute("acc-2", open("Bob")).await.unwrap();
    for account in ["acc-1", "acc-2"] {
        let receipt = app.execute(account, deposit(1)).command_id(id.clone()).await.unwrap();
        assert!(!receipt.duplicate);
    }
}
