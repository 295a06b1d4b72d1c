//! Stores of services by the URL of a broker.

use newton::domain::{Clock, NewEvent, SystemClock};
use newton::muon::Muon;
use newton::server::{StoreService, Tokens};
use newton::store::{
    Append, EventStoreExt, Expect, MemoryStore, Read, Selection, StateKey, StateWrite, Stores, open,
};
use newton::{ErrorKind, ExpectedVersion, OrderId, Payload, StreamName};
use uuid::Uuid;

use crate::amqp::{discovery, guarded, transport};
use crate::service::Service;
use crate::trial::{Places, ServiceTrial, trials};

pub(crate) fn trials() -> Vec<ServiceTrial> {
    trials!([Service::RabbitMq], "urls": [
        a_url_opens_both_stores_of_a_service,
        the_virtual_host_of_a_url_is_kept,
        a_wrong_password_is_refused_and_not_shown,
    ])
}

/// A published store in memory that asks for a token, and its name.
pub(crate) async fn published(places: &Places, token: &str) -> (Muon, String) {
    let name = format!("events of {}", Uuid::new_v4());
    let builder = Muon::builder(&name).transport(transport(places)).discovery(discovery(places));
    let service =
        StoreService::new(Stores::of(MemoryStore::new())).tokens(Tokens::parse(token).expect("a token"));
    (service.publish(builder).start().await.expect("it is published"), name.replace(' ', "%20"))
}

/// Both stores take something and give it back.
pub(crate) async fn assert_open(stores: &Stores) {
    let stream = StreamName::parse("users/Ada").expect("a name");
    let event = NewEvent::new("Born", Payload::of(&1).expect("JSON"));
    let append = Append::to(stream, ExpectedVersion::NoStream, vec![event], SystemClock.now());
    assert_eq!(stores.events.append(append).await.expect("it is stored").order_id, OrderId(1));
    assert_eq!(stores.events.read_all(Read::of(Selection::All)).await.expect("events").len(), 1);
    let key = StateKey::new("space", "key");
    let write = StateWrite { key: key.clone(), expect: Expect::Any, value: Some("1".into()) };
    stores.state.write(vec![write]).await.expect("it is written");
    assert!(stores.state.get(&key).await.expect("a record").is_some());
}

async fn a_url_opens_both_stores_of_a_service(places: Places) {
    let (server, name) = published(&places, "a+b").await;
    let url = format!("muon+{}/{name}", places.of_service(Service::RabbitMq));
    let refused = open(&format!("{url}?token=a%20b")).await.expect_err("a wrong token");
    assert_eq!(*refused.kind(), ErrorKind::Forbidden);
    let stores = guarded(open(&format!("{url}?token=a%2Bb"))).await.expect("it opens");
    assert_open(&stores).await;
    drop(stores);
    server.shutdown().await;
}

async fn the_virtual_host_of_a_url_is_kept(places: Places) {
    let (server, name) = published(&places, "token").await;
    let broker = places.of_service(Service::RabbitMq);
    // A URL that names the virtual host already can't name another.
    if !broker.rsplit('@').next().expect("a host").contains('/') {
        let stores = guarded(open(&format!("muon+{broker}/%2F/{name}?token=token"))).await;
        assert_open(&stores.expect("the default one has this name")).await;
        let nowhere = guarded(open(&format!("muon+{broker}/no-such-host/{name}?token=token"))).await;
        assert_eq!(*nowhere.expect_err("there is none").kind(), ErrorKind::Unavailable);
    }
    server.shutdown().await;
}

async fn a_wrong_password_is_refused_and_not_shown(places: Places) {
    let (_, host) = places.of_service(Service::RabbitMq).rsplit_once('@').expect("a URL with a user");
    let refused = guarded(open(&format!("muon+amqp://newton:geheim@{host}/events"))).await;
    let refused = refused.expect_err("a wrong password");
    assert_eq!(*refused.kind(), ErrorKind::Unavailable);
    assert!(
        refused.to_string().contains("password") && !format!("{refused:?}").contains("geheim"),
        "{refused:?}"
    );
}
