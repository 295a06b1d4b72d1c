//! Starting: a program that does not fit its log, or is put together wrongly, says so at once.

use std::sync::Arc;

use newton::domain::NewEvent;
use newton::registry::Registry;
use newton::store::{Append, EventStore};
use newton::{Clock, ErrorKind, ExpectedVersion, Newton, Payload, StreamName};
use newton_tests::bank::{Account, AccountEvent, deposit, open};
use newton_tests::{Given, over_every_store};

over_every_store!(
    an_unknown_event_type_in_an_own_stream_is_refused,
    other_services_types_stay_opaque,
    a_broken_event_is_named_when_it_is_loaded,
    an_unregistered_aggregate_is_named,
    the_service_has_a_name_without_being_told,
);

async fn write(events: &Arc<dyn EventStore>, stream: &str, event_type: &str, payload: Payload) {
    let event = NewEvent::new(event_type, payload);
    let stream = StreamName::parse(stream).unwrap();
    let now = newton::domain::SystemClock.now();
    events.append(Append::to(stream, ExpectedVersion::Any, vec![event], now)).await.unwrap();
}

async fn an_unknown_event_type_in_an_own_stream_is_refused(given: Given) {
    write(&given.stores.events, "bank/Account/acc-1", "AccountRenamed", Payload::json("{}").unwrap()).await;
    let error = given.app().start().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::UnknownType);
    let text = error.to_string();
    for part in ["`bank/Account`", "`AccountRenamed`", "bank::Account", "AccountOpened", "#[event(name"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

async fn other_services_types_stay_opaque(given: Given) {
    write(&given.stores.events, "shop/Order/1", "OrderPlaced", Payload::json("{}").unwrap()).await;
    write(&given.stores.events, "no-domain", "Anything", Payload::json("{}").unwrap()).await;
    given.app().start().await.unwrap();
}

async fn a_broken_event_is_named_when_it_is_loaded(given: Given) {
    let app = given.app().start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    let broken = Payload::from_encoded(&b"{\"amount\": "[..]);
    write(app.events(), "bank/Account/acc-1", "AccountDeposited", broken).await;
    for app in [app, given.app().start().await.unwrap()] {
        let error = app.load::<Account>("acc-1").await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Decode);
        let text = error.to_string();
        for part in ["AccountDeposited", "AccountEvent::Deposited", "bank/Account/acc-1", "version: 2"] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
        assert!(app.execute("acc-1", deposit(1)).await.is_err(), "and nothing is decided on half a state");
    }
}

async fn an_unregistered_aggregate_is_named(given: Given) {
    let app =
        Newton::builder().stores(given.stores.clone()).registry(Registry::empty()).start().await.unwrap();
    let error = app.execute("acc-1", open("Ada")).await.unwrap_err();
    let error = error.failure().unwrap();
    assert_eq!(*error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("`bank/Account` is not registered"), "{error}");
}

async fn the_service_has_a_name_without_being_told(given: Given) {
    let builder = Newton::builder().stores(given.stores.clone()).only::<Account>();
    let app = builder.start().await.unwrap();
    app.execute("acc-1", open("Ada")).await.unwrap();
    let mut history = app.history::<Account>("acc-1").unwrap();
    let first = futures_util::StreamExt::next(&mut history).await.unwrap().unwrap();
    assert_eq!(first.event, AccountEvent::Opened { owner: "Ada".into() });
    assert!(first.recorded.metadata.service.as_ref().unwrap().starts_with("promises"));
}

#[tokio::test]
async fn a_store_must_be_named() {
    let none = Newton::builder().only::<Account>().start().await.unwrap_err();
    assert!(none.to_string().contains(".store("), "{none}");
    for url in ["", "bank.db", "mysql://localhost", "sqlite://", "sqlite:bank.db", "sqlite://x.db?fsync=no"] {
        let error = Newton::builder().only::<Account>().store(url).start().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Configuration, "{url}: {error}");
    }
}
