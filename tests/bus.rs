//! The bus: commands by name, middleware around every command, several aggregates at once.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use newton::bus::{CommandMessage, Middleware, Next};
use newton::domain::AnyRejection;
use newton::repository::AnyOutcome;
use newton::{App, Caller, Error, ErrorKind, ExecuteError, Version};
use newton_tests::bank::{Account, AccountCommand, AccountError, deposit, open, withdraw};
use newton_tests::{Given, over_every_store};

over_every_store!(
    a_command_is_found_by_its_name,
    an_unknown_name_or_payload_is_refused,
    middleware_sees_every_command_in_order,
    middleware_may_refuse,
    middleware_may_try_again_without_doubling,
    several_aggregates_change_together,
    together_all_or_nothing,
    together_a_conflict_is_decided_again,
);

async fn a_command_is_found_by_its_name(given: Given) {
    let app = given.app().start().await.unwrap();
    app.dispatch("acc-1", "AccountOpen", r#"{"owner":"Ada"}"#).await.unwrap();
    let receipt =
        app.dispatch("acc-1", "AccountDeposit", r#"{"amount":5}"#).expected(Version(1)).await.unwrap();
    assert_eq!(receipt.version, Version(2));
    let refused = app.dispatch("acc-1", "AccountWithdraw", r#"{"amount":6}"#).await.unwrap_err();
    let rejection = refused.rejection().and_then(AnyRejection::downcast_ref::<AccountError>);
    assert_eq!(rejection, Some(&AccountError::Overdrawn { balance: 5 }));
}

async fn an_unknown_name_or_payload_is_refused(given: Given) {
    let app = given.app().start().await.unwrap();
    for (name, payload, kind, says) in [
        ("AccountClose", "{}", ErrorKind::UnknownType, "no command `AccountClose`"),
        ("AccountOpen", "{}", ErrorKind::Decode, "AccountCommand::Open"),
        ("AccountOpen", "{", ErrorKind::Decode, "AccountCommand::Open"),
        ("AccountDeposit", r#"{"amount":-1}"#, ErrorKind::Decode, "AccountCommand::Deposit"),
    ] {
        let error = app.dispatch("acc-1", name, payload).await.unwrap_err();
        let error = error.failure().unwrap();
        assert_eq!(*error.kind(), kind);
        assert!(error.to_string().contains(says), "{error}");
    }
}

/// Notes what it sees.
#[derive(Clone, Debug, Default)]
struct Notes(Arc<Mutex<Vec<String>>>, &'static str);

#[async_trait]
impl Middleware for Notes {
    async fn handle(&self, command: &CommandMessage<'_>, next: Next<'_>) -> AnyOutcome {
        let payload = String::from_utf8(command.payload()?.as_bytes().to_vec()).unwrap();
        let actor = command.caller.actor.as_deref().unwrap_or("nobody");
        let note =
            format!("{}: {actor} {} {}/{} {payload}", self.1, command.name(), command.domain, command.id);
        self.0.lock().unwrap().push(note);
        next.run().await
    }
}

async fn middleware_sees_every_command_in_order(given: Given) {
    let notes = Notes(Arc::default(), "outer");
    let inner = Notes(notes.0.clone(), "inner");
    let app = given.app().middleware(notes.clone()).middleware(inner).start().await.unwrap();
    let app = app.with(Caller::new().actor("ada"));
    app.execute("acc-1", open("Ada")).await.unwrap();
    assert_eq!(
        *notes.0.lock().unwrap(),
        [
            r#"outer: ada AccountOpen bank/Account/acc-1 {"owner":"Ada"}"#,
            r#"inner: ada AccountOpen bank/Account/acc-1 {"owner":"Ada"}"#
        ]
    );
    notes.0.lock().unwrap().clear();
    app.dispatch("acc-2", "AccountOpen", r#"{"owner":"Bob"}"#).await.unwrap();
    app.together().execute("acc-1", deposit(1)).execute("acc-2", deposit(2)).await.unwrap();
    let notes = notes.0.lock().unwrap();
    assert_eq!(notes.len(), 6);
    assert!(notes[2].contains("acc-1") && notes[4].contains("acc-2"), "{notes:?}");
}

/// Lets only Ada withdraw.
#[derive(Debug)]
struct OnlyAda;

#[async_trait]
impl Middleware for OnlyAda {
    async fn handle(&self, command: &CommandMessage<'_>, next: Next<'_>) -> AnyOutcome {
        let withdraws = matches!(command.downcast_ref(), Some(AccountCommand::Withdraw { .. }));
        match command.caller.actor.as_deref() {
            Some("ada") => next.run().await,
            _ if !withdraws => next.run().await,
            _ => Err(Error::new(ErrorKind::InvalidInput, "authorize", "only Ada withdraws").into()),
        }
    }
}

async fn middleware_may_refuse(given: Given) {
    let app = given.app().middleware(OnlyAda).start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    app.execute("acc-1", deposit(10)).await.unwrap();
    let error = app.execute("acc-1", withdraw(1)).await.unwrap_err();
    assert!(error.failure().unwrap().to_string().contains("only Ada"), "{error}");
    let both = app.together().execute("acc-2", open("Bob")).execute("acc-1", withdraw(1)).await;
    assert!(both.is_err());
    assert!(!app.exists::<Account>("acc-2").await.unwrap(), "one refused, none done");
    app.with(Caller::new().actor("ada")).execute("acc-1", withdraw(1)).await.unwrap();
    let overdrawn = app.with(Caller::new().actor("ada")).execute("acc-1", withdraw(10)).await.unwrap_err();
    assert_eq!(overdrawn.rejection(), Some(&AccountError::Overdrawn { balance: 9 }), "the type comes back");
}

/// Runs everything twice, as one that lost the first answer would.
#[derive(Debug)]
struct Twice;

#[async_trait]
impl Middleware for Twice {
    async fn handle(&self, _: &CommandMessage<'_>, next: Next<'_>) -> AnyOutcome {
        next.run().await?;
        next.run().await
    }
}

async fn middleware_may_try_again_without_doubling(given: Given) {
    let app = given.app().middleware(Twice).start().await.unwrap();
    assert!(app.execute("acc-1", open("Ada")).await.unwrap().duplicate);
    app.execute("acc-2", open("Bob")).await.unwrap();
    app.execute("acc-1", deposit(10)).await.unwrap();
    app.together().execute("acc-1", withdraw(10)).execute("acc-2", deposit(10)).await.unwrap();
    assert_eq!(balances(&app).await, (0, 10));
}

async fn balances(app: &App) -> (u64, u64) {
    let one = app.load::<Account>("acc-1").await.unwrap().unwrap().state.balance;
    (one, app.load::<Account>("acc-2").await.unwrap().unwrap().state.balance)
}

async fn two_accounts(given: &Given) -> App {
    let app = given.app().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    app.execute("acc-1", deposit(10)).await.unwrap();
    app.execute("acc-2", open("Bob")).await.unwrap();
    app
}

async fn several_aggregates_change_together(given: Given) {
    let app = two_accounts(&given).await;
    let receipt = app.together().execute("acc-1", withdraw(4)).execute("acc-2", deposit(4)).await.unwrap();
    assert_eq!((receipt.events, receipt.version), (2, Version(3)));
    assert_eq!(balances(&app).await, (6, 4));
    app.execute("acc-1", deposit(1)).await.unwrap();
    assert_eq!(balances(&app).await, (7, 4));
    let nothing = app.together().await.unwrap_err();
    assert_eq!(*nothing.failure().unwrap().kind(), ErrorKind::InvalidInput);
    let twice = app.together().execute("acc-1", deposit(1)).execute("acc-1", deposit(1)).await.unwrap_err();
    assert!(twice.to_string().contains("twice"), "{twice}");
}

async fn together_all_or_nothing(given: Given) {
    let app = two_accounts(&given).await;
    let refused = app.together().execute("acc-2", deposit(11)).execute("acc-1", withdraw(11)).await;
    let Err(ExecuteError::Rejected(rejection)) = refused else { panic!("{refused:?}") };
    assert_eq!(rejection.downcast::<AccountError>().unwrap(), AccountError::Overdrawn { balance: 10 });
    assert_eq!(balances(&app).await, (10, 0));
}

async fn together_a_conflict_is_decided_again(given: Given) {
    let app = two_accounts(&given).await;
    app.execute("acc-1", deposit(90)).await.unwrap();
    let tasks = (0..4).map(|_| {
        let app = app.clone();
        tokio::spawn(async move {
            let mut moved = 0;
            while moved < 10 {
                match app.together().execute("acc-1", withdraw(1)).execute("acc-2", deposit(1)).await {
                    Ok(_) => moved += 1,
                    Err(ExecuteError::Failed(error)) => {
                        assert!(matches!(error.kind(), ErrorKind::Conflict { .. }), "{error}");
                    }
                    Err(ExecuteError::Rejected(rejection)) => panic!("{rejection}"),
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(balances(&app).await, (60, 40));
}
