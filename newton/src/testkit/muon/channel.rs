//! What a channel promises, whatever transport it is of.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{Sides, number, numbered};
use crate::error::{Error, ErrorKind};
use crate::muon::{ContentType, Message, Status};

/// Every field that travels is as it was.
pub async fn a_message_arrives_as_it_was_sent(sides: &Sides) {
    let (client, mut server) = sides.channel().await;
    let mut message = Message::new("test", "everything", "{\"text\":\"Grüße \u{1F680} \\\" \"}")
        .from_service("client")
        .to_service(&*sides.service.identifier)
        .with_status(Status::Failure);
    message.target_service_instance = Some(Arc::from("one"));
    message.provenance_id = Some(Uuid::new_v4());
    message.content_type = ContentType::Text;
    message.event_source = Some(Arc::from("a \"test\"\nof Muon"));
    client.send(message.clone()).await.expect("it is sent");
    let arrived = server.recv().await.expect("the channel lives").expect("it is open");
    assert_eq!(arrived, message);
    assert_eq!(arrived.payload, message.payload);
}

/// From nothing to a megabyte, of every byte there is.
pub async fn payloads_of_any_size_arrive(sides: &Sides) {
    let (mut client, server) = sides.channel().await;
    for length in [0, 1, 255, 256, 65_537, 1 << 20] {
        let payload: Vec<u8> = (0..length).map(|at| u8::try_from(at % 256).unwrap_or_default()).collect();
        server.send(Message::new("test", "bytes", payload.clone())).await.expect("it is sent");
        let arrived = client.recv().await.expect("the channel lives").expect("it is open");
        assert!(arrived.payload == payload, "a payload of {length} bytes arrived changed");
    }
}

/// Both directions at once, with more messages than a channel holds.
pub async fn messages_keep_their_order_both_ways(sides: &Sides) {
    const COUNT: u32 = 3000;
    let (client, server) = sides.channel().await;
    let exchange = |end: crate::muon::ChannelEnd| async move {
        let (sender, mut receiver) = end.split();
        let sending = async {
            for n in 0..COUNT {
                sender.send(numbered(n)).await.expect("it is sent");
            }
        };
        let receiving = async {
            for n in 0..COUNT {
                let message = receiver.recv().await.expect("the channel lives").expect("it is open");
                assert_eq!(number(&message), n);
            }
        };
        tokio::join!(sending, receiving);
        (sender, receiver)
    };
    let _ends = tokio::join!(exchange(client), exchange(server));
}

/// Many sent and read at once are as many sent and read one by one; nothing is behind the one that closes.
pub async fn many_at_once_keep_their_order(sides: &Sides) {
    const COUNT: u32 = 3000;
    let (client, mut server) = sides.channel().await;
    let sending = async {
        client.sender().send_many((0..COUNT).map(numbered).collect()).await.expect("all are sent");
        let end = [numbered(COUNT).closing(), numbered(COUNT + 1)];
        let error = client.sender().send_many(end.into()).await.expect_err("one is behind the end");
        assert_eq!(*error.kind(), ErrorKind::Closed, "{error}");
    };
    let reading = async {
        let mut messages = Vec::new();
        while server.recv_many(&mut messages, 7).await.expect("closing is no failure") > 0 {}
        assert!(messages.iter().map(number).eq(0..=COUNT), "each number once, in order");
    };
    tokio::join!(sending, reading);
}

/// Closing overtakes nothing.
pub async fn what_was_sent_before_closing_arrives(sides: &Sides) {
    let (client, mut server) = sides.channel().await;
    let sending = async {
        for n in 0..50 {
            client.send(numbered(n)).await.expect("it is sent");
        }
        client.close();
    };
    let reading = async {
        for n in 0..50 {
            let message = server.recv().await.expect("closing is no failure").expect("all is read first");
            assert_eq!(number(&message), n);
        }
    };
    tokio::join!(sending, reading);
    assert_eq!(server.recv().await.expect("closing is no failure"), None);
}

/// Neither side can send, and each reads an orderly end.
pub async fn closing_ends_both_sides(sides: &Sides) {
    let (mut client, mut server) = sides.channel().await;
    server.close();
    assert_eq!(client.recv().await.expect("closing is no failure"), None);
    assert_eq!(server.recv().await.expect("closing is no failure"), None);
    for end in [client, server] {
        let refused = end.send(numbered(1)).await.expect_err("the channel is closed");
        assert_eq!(*refused.kind(), ErrorKind::Closed);
    }
}

/// The last message is read, and then the end.
pub async fn a_closing_message_closes(sides: &Sides) {
    let (client, mut server) = sides.channel().await;
    client.send(numbered(7).closing()).await.expect("it is sent");
    assert_eq!(*client.send(numbered(8)).await.expect_err("that was the last").kind(), ErrorKind::Closed);
    let last = server.recv().await.expect("closing is no failure").expect("it arrives");
    assert!(last.is_closing() && number(&last) == 7);
    assert_eq!(server.recv().await.expect("closing is no failure"), None);
}

/// A task that died does not look like one that has finished.
pub async fn a_dropped_end_fails_the_other(sides: &Sides) {
    let (client, mut server) = sides.channel().await;
    client.send(numbered(1)).await.expect("it is sent");
    drop(client);
    assert!(server.recv().await.expect("what was sent is read first").is_some());
    server.recv().await.expect_err("the other end was dropped");
    server.send(numbered(2)).await.expect_err("the other end was dropped");
}

/// Whoever fails a channel says why, and the other side can read it.
pub async fn a_reason_reaches_the_other_side(sides: &Sides) {
    let (mut client, server) = sides.channel().await;
    server.fail(Error::new(ErrorKind::Internal, "test", "the coffee is cold"));
    let error = client.recv().await.expect_err("the channel has failed");
    assert!(error.to_string().contains("the coffee is cold"), "the reason is missing in: {error}");
    client.send(numbered(1)).await.expect_err("the channel has failed");
}

/// The sender waits for the reader, and everything arrives.
pub async fn a_slow_reader_loses_nothing(sides: &Sides) {
    const COUNT: u32 = 5000;
    let (client, mut server) = sides.channel().await;
    let sending = async {
        for n in 0..COUNT {
            client.send(numbered(n)).await.expect("it is sent");
        }
    };
    let reading = async {
        for n in 0..COUNT {
            if n % 500 == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let message = server.recv().await.expect("the channel lives").expect("it is open");
            assert_eq!(number(&message), n);
        }
    };
    tokio::join!(sending, reading);
}

/// Sends and receives that are cut off at any point.
pub async fn what_is_given_up_is_neither_lost_nor_doubled(sides: &Sides) {
    const COUNT: u32 = 2000;
    let (client, mut server) = sides.channel().await;
    let sending = async {
        for n in 0..COUNT {
            // A send that is given up has sent nothing, so the same message may be sent again.
            while tokio::time::timeout(Duration::from_micros(50), client.send(numbered(n))).await.is_err() {}
        }
        client.close();
    };
    let reading = async {
        let mut seen = Vec::new();
        loop {
            match tokio::time::timeout(Duration::from_micros(50), server.recv()).await {
                Ok(Ok(Some(message))) => seen.push(number(&message)),
                Ok(Ok(None)) => return seen,
                Ok(Err(error)) => panic!("the channel failed: {error}"),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let ((), seen) = tokio::join!(sending, reading);
    assert!(seen.into_iter().eq(0..COUNT), "each number once, in order");
}

/// Whoever asks again gets the same answer.
pub async fn an_end_says_so_again_and_again(sides: &Sides) {
    let (client, mut server) = sides.channel().await;
    client.close();
    for _ in 0..3 {
        assert_eq!(server.recv().await.expect("closing is no failure"), None);
        assert_eq!(server.recv_many(&mut Vec::new(), 10).await.expect("closing is no failure"), 0);
    }
}

/// One channel fails, another one is full, a third goes on.
pub async fn channels_do_not_feel_each_other(sides: &Sides) {
    let mut listener = sides.listen().await.expect("the service listens");
    let mut ends = Vec::new();
    for _ in 0..3 {
        let client = sides.client.open(&sides.address()).await.expect("the channel opens");
        let server = listener.accept().await.expect("a channel is accepted").channel;
        ends.push((client, server));
    }
    let (failing, full, mut good) = (ends.remove(0), ends.remove(0), ends.remove(0));
    failing.0.fail(Error::new(ErrorKind::Internal, "test", "failed on purpose"));
    for n in 0..10_000 {
        if full.0.sender().try_send(numbered(n)).expect("it is open").is_some() {
            break;
        }
    }
    for n in 0..100 {
        good.0.send(numbered(n)).await.expect("it is sent");
        let arrived = good.1.recv().await.expect("the channel lives").expect("it is open");
        good.1.send(arrived).await.expect("it is sent");
        assert_eq!(number(&good.0.recv().await.expect("the channel lives").expect("it is open")), n);
    }
}
