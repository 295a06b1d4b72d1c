//! Messages as bytes: what is written is read again, and nothing that arrives panics.

use std::sync::Arc;

use bytes::Bytes;
use newton::ErrorKind;
use newton::muon::codec::bytes::{read_array, write_array};
use newton::muon::codec::deflate::{compress, inflate};
use newton::muon::codec::{Binary, Codec, Codecs, Json, json};
use newton::muon::{ChannelOp, ContentType, Descriptor, Limits, Message, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

fn text() -> impl Strategy<Value = Arc<str>> {
    proptest::string::string_regex("(?s).{3,20}").unwrap().prop_map(Arc::from)
}

fn content_type() -> impl Strategy<Value = ContentType> {
    prop_oneof![
        Just(ContentType::Json),
        Just(ContentType::JsonDeflate),
        Just(ContentType::Text),
        Just(ContentType::Other(Arc::from("application/x-\"odd\""))),
    ]
}

fn messages() -> impl Strategy<Value = Message> {
    let services = (option::of(text()), option::of(text()), text());
    let labels = (
        text(),
        text(),
        option::of(prop_oneof![Just(Status::Success), Just(Status::Failure), Just(Status::Error)]),
    );
    let rest = (
        any::<u128>(),
        option::of(any::<u128>()),
        any::<u64>(),
        content_type(),
        vec(any::<u8>(), 0..300),
        any::<bool>(),
        option::of(text()),
    );
    (services, labels, rest).prop_map(|(services, labels, rest)| {
        let mut message = Message::new(labels.0.to_string(), labels.1.to_string(), rest.4);
        (message.target_service, message.target_service_instance, message.origin_service) = services;
        message.status = labels.2;
        message.id = Uuid::from_u128(rest.0);
        message.provenance_id = rest.1.map(Uuid::from_u128);
        message.created = rest.2;
        message.content_type = rest.3;
        message.channel_op = if rest.5 { ChannelOp::Closed } else { ChannelOp::Normal };
        message.event_source = rest.6;
        message
    })
}

fn binary(message: &Message) -> Bytes {
    let mut frame = Vec::new();
    Binary.encode_into(&mut frame, message);
    frame.into()
}

proptest! {
    #[test]
    fn a_message_is_read_as_it_was_written(message in messages()) {
        let text = json::encode(&message);
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok(), "it is JSON");
        prop_assert_eq!(Json.decode(&text.into(), &Limits::default()).unwrap(), message.clone());
        let bytes = binary(&message);
        prop_assert!(bytes.ends_with(&message.payload), "the payload as it is");
        prop_assert_eq!(Binary.decode(&bytes, &Limits::default()).unwrap(), message);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in vec(any::<u8>(), 0..600)) {
        let _ = json::decode(&bytes, &Limits::default());
        let _ = read_array(&bytes);
        let _ = inflate(&bytes, 1000);
        let _ = Binary.decode(&bytes.into(), &Limits::default());
    }

    #[test]
    fn a_damaged_message_is_an_error_or_a_message(message in messages(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = json::encode(&message);
        let at = at.index(text.len());
        text[at] = byte;
        let _ = json::decode(&text, &Limits::default());
        prop_assert!(json::decode(&text[..at], &Limits::default()).is_err(), "a piece is no message");
    }

    #[test]
    fn a_damaged_binary_message_is_an_error_or_a_message(message in messages(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let bytes = binary(&message);
        let at = at.index(bytes.len());
        let mut damaged = bytes.to_vec();
        damaged[at] = byte;
        // What can be read is written and read as the same again.
        if let Ok(read) = Binary.decode(&damaged.into(), &Limits::default()) {
            prop_assert_eq!(Binary.decode(&binary(&read), &Limits::default()).unwrap(), read);
        }
        let head = bytes.len() - message.payload.len();
        let piece = Binary.decode(&bytes.slice(..at), &Limits::default());
        prop_assert_eq!(piece.is_err(), at < head, "a piece of the head is no message");
    }

    #[test]
    fn an_array_agrees_with_serde(bytes in vec(any::<u8>(), 0..600)) {
        let mut text = Vec::new();
        write_array(&mut text, &bytes);
        prop_assert_eq!(&text, &serde_json::to_vec(&bytes).unwrap());
        prop_assert_eq!(read_array(&text).unwrap(), bytes);
    }

    #[test]
    fn numbers_are_taken_from_minus_128_to_255(numbers in vec(-300_i32..300, 1..20)) {
        let text = serde_json::to_string_pretty(&numbers).unwrap();
        let fits = numbers.iter().all(|number| (-128..256).contains(number));
        let wanted: Vec<u8> = numbers.iter().map(|number| number.to_le_bytes()[0]).collect();
        match read_array(text.as_bytes()) {
            Ok(bytes) => prop_assert!(fits && bytes == wanted),
            Err(error) => prop_assert!(!fits && *error.kind() == ErrorKind::Decode),
        }
    }

    #[test]
    fn what_is_compressed_is_inflated(bytes in vec(any::<u8>(), 0..3000)) {
        prop_assert_eq!(inflate(&compress(&bytes).unwrap(), bytes.len()).unwrap(), bytes);
    }
}

#[test]
fn arrays_that_are_none_are_refused() {
    let bad = [
        "",
        "[",
        "]",
        "1",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1]]",
        "[1.0]",
        "[1e1]",
        "[01]",
        "[-]",
        "[--1]",
        "[256]",
        "[-129]",
        "[1000]",
        "[99999999999999999999]",
        "[\"1\"]",
        "[null]",
        "{}",
        "null",
        "[1],",
        "[+1]",
        "[ ,]",
    ];
    for text in bad {
        assert_eq!(*read_array(text.as_bytes()).expect_err(text).kind(), ErrorKind::Decode);
    }
    assert_eq!(read_array(b" [ 1 ,\t2\n] ").unwrap(), [1, 2]);
    assert_eq!(read_array(b"[ ]").unwrap(), [] as [u8; 0]);
    assert_eq!(read_array(b"[-0,-128,-1,127]").unwrap(), [0, 128, 255, 127]);
}

/// As the published client writes it, and as Java does: signed bytes, fields of its own, others missing.
#[test]
fn foreign_messages_are_read() {
    let javascript = br#"{"id":"7f1a1a2e-4f5c-4d38-9a64-0b5d3b0f6f51","created":1526912345678,"target_service":"photon",
        "origin_service":"client","protocol":"event","step":"EventEmitted","status":"success","content_type":"application/json",
        "channel_op":"normal","event_source":"index.js:10","payload":[123,125],"unknown":{"deep":[1,2]}}"#;
    let message = json::decode(javascript, &Limits::default()).unwrap();
    assert_eq!(
        (&*message.step, &message.payload[..], message.provenance_id),
        ("EventEmitted", &b"{}"[..], None)
    );

    let java =
        br#"{"id":"7f1a1a2e-4f5c-4d38-9a64-0b5d3b0f6f51","created":1,"origin_service":"n/a","protocol":"rpc",
        "step":"request.made","provenance_id":null,"status":null,"payload":[-61,-68]}"#;
    let message = json::decode(java, &Limits::default()).unwrap();
    assert_eq!(message.payload, "ü".as_bytes());
    assert_eq!((message.channel_op, message.content_type), (ChannelOp::Normal, ContentType::Json));
}

#[test]
fn messages_that_are_none_are_refused() {
    let good = r#"{"id":"7f1a1a2e-4f5c-4d38-9a64-0b5d3b0f6f51","created":1,"origin_service":"client","protocol":"rpc","step":"step","payload":[]}"#;
    json::decode(good.as_bytes(), &Limits::default()).unwrap();
    let spoilt = [
        ("\"created\":1", "\"created\":\"now\""),
        ("\"created\":1", "\"created\":-1"),
        ("7f1a", "7g1a"),
        ("\"client\"", "\"ab\""),
        ("\"client\"", "7"),
        ("\"step\":\"step\"", "\"step\":\"s\""),
        (",\"step\":\"step\"", ""),
        ("[]", "{}"),
        ("[]", "\"text\""),
        ("[]", "[256]"),
        ("[]", "[],\"status\":\"sad\""),
        ("[]", "[],\"channel_op\":\"open\""),
        ("[]", "[],\"provenance_id\":\"me\""),
        ("[]", "[],\"id\":\"twice\""),
    ];
    for (from, to) in spoilt {
        let text = good.replacen(from, to, 1);
        let error = json::decode(text.as_bytes(), &Limits::default()).expect_err(&text);
        assert_eq!(*error.kind(), ErrorKind::Decode, "{text}");
    }
    let deep = format!(
        "{}{}",
        &good[..good.len() - 1],
        format_args!(",\"deep\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000))
    );
    json::decode(deep.as_bytes(), &Limits::default())
        .expect("what is unknown is skipped, however deep it is");
}

#[test]
fn a_frame_over_the_limit_is_refused() {
    let message = Message::new("test", "long", vec![b'1'; 1000]);
    let limits = Limits { frame: 1000, ..Limits::default() };
    assert_eq!(*json::decode(&json::encode(&message), &limits).unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(*Binary.decode(&binary(&message), &limits).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn binary_messages_that_are_none_are_refused() {
    let good = binary(&Message::new("rpc", "step", "payload").from_service("client"));
    let refused = |spoil: &dyn Fn(&mut Vec<u8>)| {
        let mut frame = good.to_vec();
        spoil(&mut frame);
        Binary.decode(&frame.into(), &Limits::default()).unwrap_err().kind().clone()
    };
    // A flag that is none; a length beyond the end; a text that is no UTF-8; a name and a step that are too short.
    assert_eq!(refused(&|frame| frame[0] |= 0x80), ErrorKind::Decode);
    assert_eq!(refused(&|frame| frame[25] = 0xff), ErrorKind::Decode);
    assert_eq!(refused(&|frame| frame[29] = 0xff), ErrorKind::Decode);
    for short in [Message::new("rpc", "step", "").from_service("me"), Message::new("rpc", "s", "")] {
        let error = Binary.decode(&binary(&short), &Limits::default()).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Decode);
    }
}

/// The bytes on the wire, which other versions of Newton have to read.
#[test]
fn the_binary_form_stays_as_it_is() {
    let mut message =
        Message::new("rpc", "request.made", "{}").from_service("shop").with_status(Status::Failure);
    (message.id, message.created) = (Uuid::from_u128(0x0102), 0x0304);
    message.target_service = Some(Arc::from("bank"));
    let mut wanted = vec![0b0100_0010];
    wanted.extend(0x0102_u128.to_be_bytes());
    wanted.extend(0x0304_u64.to_be_bytes());
    for text in ["shop", "rpc", "request.made", "application/json", "bank"] {
        wanted.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        wanted.extend(text.bytes());
    }
    wanted.extend(b"{}");
    assert_eq!(binary(&message), wanted);
}

#[test]
fn a_bomb_is_not_inflated() {
    let bomb = compress(&vec![0; 50 << 20]).unwrap();
    assert!(bomb.len() < 1 << 20, "a small message");
    assert_eq!(*inflate(&bomb, 16 << 20).unwrap_err().kind(), ErrorKind::TooLarge);
    let cut = &compress(b"some text that is long enough").unwrap()[..10];
    assert_eq!(*inflate(cut, 1000).unwrap_err().kind(), ErrorKind::Decode);
}

#[test]
fn a_peer_gets_a_codec_it_understands() {
    #[derive(Debug)]
    struct Other;
    impl Codec for Other {
        fn content_type(&self) -> &'static str {
            "application/x-other"
        }
        fn encode_into(&self, _: &mut Vec<u8>, _: &Message) {}
        fn decode(&self, _: &Bytes, _: &Limits) -> newton::Result<Message> {
            Ok(Message::new("test", "other", ""))
        }
    }
    const JSON: &str = "application/json";
    let own = Codecs::default().preferring(Other).preferring(Other);
    assert_eq!(own.content_types(), [JSON, "application/x-other", "application/x-newton"]);
    let understood = |peers: &[&Descriptor]| {
        own.understood_by(&peers.iter().copied().cloned().collect::<Vec<_>>()).content_types()
    };
    let (mut one, mut two) = (Descriptor::new("peer"), Descriptor::new("peer"));
    assert_eq!(understood(&[&one]), [JSON]);
    one.codecs.push("application/x-other".to_owned());
    assert_eq!(understood(&[&one]), [JSON, "application/x-other"]);
    assert_eq!(understood(&[&one, &two]), [JSON], "either may take the channel");
    two.codecs = own.content_types();
    assert_eq!(understood(&[&one, &two]), [JSON, "application/x-other"]);
    one.codecs.clear();
    assert_eq!(understood(&[&one]), [JSON]);
}
