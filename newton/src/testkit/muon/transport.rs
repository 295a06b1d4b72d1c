//! What a transport promises besides its channels.

use std::sync::Arc;

use uuid::Uuid;

use super::{Sides, number, numbered};
use crate::error::ErrorKind;
use crate::muon::descriptor::{url_scheme, url_without_credentials};
use crate::muon::{Address, Descriptor};

/// They stand in descriptors, which everybody reads.
pub async fn urls_are_of_its_schemes_and_without_credentials(sides: &Sides) {
    assert!(!sides.server.urls().is_empty(), "others have to reach it");
    let _listener = sides.listen().await.expect("the service listens");
    for url in sides.server.urls() {
        assert!(sides.server.schemes().contains(&url_scheme(&url)), "{url}");
        assert_eq!(url_without_credentials(&url), url);
    }
}

/// The server knows the protocol before the first message.
pub async fn a_listener_is_told_who_asks_for_what(sides: &Sides) {
    let mut listener = sides.listen().await.expect("the service listens");
    let address = sides.address();
    let (opened, accepted) = tokio::join!(sides.client.open(&address), listener.accept());
    let (_client, accepted) = (opened.expect("the channel opens"), accepted.expect("a channel is accepted"));
    assert_eq!(&*accepted.protocol, "test");
    assert!(accepted.origin.is_none_or(|origin| &*origin == "client"));
}

/// A URL of another transport is not guessed at, and its password not shown.
pub async fn a_foreign_url_is_refused(sides: &Sides) {
    let address = Address { url: "carrier-pigeon://user:secret@roof/".to_owned(), ..sides.address() };
    let refused = sides.client.open(&address).await.expect_err("this is not its scheme");
    assert_eq!(*refused.kind(), ErrorKind::InvalidInput);
    assert!(!refused.to_string().contains("secret"), "{refused}");
}

/// Opening ends with an error, within the time of a handshake.
pub async fn nobody_listening_is_an_error(sides: &Sides) {
    let refused = sides.client.open(&sides.address()).await.expect_err("nobody listens");
    assert!(matches!(refused.kind(), ErrorKind::NotFound | ErrorKind::Unavailable), "{refused}");
}

/// Nothing is accepted in the name of a service that has gone.
pub async fn a_dropped_listener_takes_nothing(sides: &Sides) {
    let listener = sides.listen().await.expect("the service listens");
    drop(listener);
    sides.client.open(&sides.address()).await.expect_err("nobody listens any more");
    // Its place is free again.
    let mut listener = sides.listen().await.expect("the service listens again");
    let address = sides.address();
    let (opened, accepted) = tokio::join!(sides.client.open(&address), listener.accept());
    assert!(opened.is_ok() && accepted.is_some());
}

/// Of two instances, the one that was named is reached, however often.
pub async fn one_instance_can_be_asked_for(sides: &Sides) {
    let other = Descriptor { instance_id: Some(Uuid::new_v4().to_string()), ..sides.service.clone() };
    let mut first = sides.listen().await.expect("the service listens");
    let _second = sides.server.listen(&other, &sides.codecs).await.expect("another instance listens");
    for n in 0..4 {
        let mut address = sides.address();
        address.instance = sides.service.instance_id.as_deref().map(Arc::from);
        let (opened, accepted) = tokio::join!(sides.client.open(&address), first.accept());
        let (client, mut server) =
            (opened.expect("the channel opens"), accepted.expect("it is accepted").channel);
        client.send(numbered(n)).await.expect("it is sent");
        assert_eq!(number(&server.recv().await.expect("the channel lives").expect("it is open")), n);
    }
}

/// Two listeners of the same instance would take each other's channels.
pub async fn an_instance_listens_once(sides: &Sides) {
    let _listener = sides.listen().await.expect("the service listens");
    let refused = sides.listen().await.expect_err("it listens already");
    assert_eq!(*refused.kind(), ErrorKind::Configuration);
}

/// Each is a channel of its own.
pub async fn many_channels_open_at_once(sides: &Sides) {
    const COUNT: u32 = 100;
    let mut listener = sides.listen().await.expect("the service listens");
    let serving = async {
        for _ in 0..COUNT {
            let mut channel = listener.accept().await.expect("a channel is accepted").channel;
            tokio::spawn(async move {
                while let Ok(Some(message)) = channel.recv().await {
                    channel.send(message).await.expect("it is sent");
                }
                channel.close();
            });
        }
    };
    let address = sides.address();
    let asking = futures_util::future::join_all((0..COUNT).map(|n| {
        let address = &address;
        async move {
            let mut channel = sides.client.open(address).await.expect("the channel opens");
            channel.send(numbered(n)).await.expect("it is sent");
            assert_eq!(number(&channel.recv().await.expect("the channel lives").expect("it is open")), n);
            channel.close();
        }
    }));
    tokio::join!(serving, asking);
}

/// Nothing is left behind, and nothing can be opened.
pub async fn closing_the_client_ends_its_channels(sides: &Sides) {
    let mut listener = sides.listen().await.expect("the service listens");
    let address = sides.address();
    let (opened, accepted) = tokio::join!(sides.client.open(&address), listener.accept());
    let (client, mut server) =
        (opened.expect("the channel opens"), accepted.expect("it is accepted").channel);
    sides.client.close().await;
    sides.client.close().await;
    assert!(!matches!(server.recv().await, Ok(Some(_))), "the channel has ended");
    client.send(numbered(1)).await.expect_err("the channel has ended");
    sides.client.open(&address).await.expect_err("the transport is closed");
}

/// Whoever waits for channels gets no more.
pub async fn closing_the_server_ends_its_listeners(sides: &Sides) {
    let mut listener = sides.listen().await.expect("the service listens");
    sides.server.close().await;
    sides.client.open(&sides.address()).await.expect_err("nobody listens any more");
    assert!(listener.accept().await.is_none(), "the listener has ended");
}
