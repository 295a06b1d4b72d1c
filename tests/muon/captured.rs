//! What the published client and its library put on the wire is read as they meant it.

use std::fs;

use newton::muon::codec::deflate::inflated;
use newton::muon::codec::json;
use newton::muon::{Descriptor, Limits, Message, Status};
use newton_tests::workspace_root;
use serde_json::{Map, Value};

/// The messages of a recording: their bodies, and what is in them where they are envelopes.
fn recorded(case: &str) -> Vec<(String, Option<Value>)> {
    let file = workspace_root().join("tests/interop/captured").join(case);
    let messages: Vec<Map<String, Value>> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let parts = |message: Map<String, Value>| {
        (message["body"].as_str().unwrap().to_owned(), message.get("decoded").cloned())
    };
    messages.into_iter().map(parts).collect()
}

/// Compares a message with an envelope whose payload is decoded.
fn check(message: &Message, wanted: &Value) {
    let text = |name: &str| wanted.get(name).and_then(Value::as_str);
    assert_eq!(Some(&*message.id.to_string()), text("id"));
    assert_eq!(Some(message.created), wanted["created"].as_u64());
    assert_eq!(message.target_service.as_deref(), text("target_service"));
    assert_eq!(Some(&*message.origin_service), text("origin_service"));
    assert_eq!((Some(&*message.protocol), Some(&*message.step)), (text("protocol"), text("step")));
    assert_eq!(message.status.map(Status::as_str), text("status"));
    assert_eq!(message.provenance_id.map(|id| id.to_string()).as_deref(), text("provenance_id"));
    assert_eq!(Some(message.content_type.as_str()), text("content_type"));
    assert_eq!(Some(message.channel_op.as_str()), text("channel_op"));
    let payload = &inflated(message.clone(), &Limits::default()).unwrap().payload;
    let mut payload: Value = serde_json::from_slice(payload).unwrap();
    if let Some(inner) = payload.get_mut("message").filter(|_| wanted["payload"].get("channelId").is_some()) {
        let inner = serde_json::to_vec(&std::mem::take(inner)).unwrap();
        let wanted = &wanted["payload"]["message"];
        check(&json::decode(&inner, &Limits::default()).unwrap(), wanted);
        payload["message"] = wanted.clone();
    } else if payload.get("body").is_some_and(Value::is_array) {
        let body = json::decode(&envelope_around(&payload["body"]), &Limits::default()).unwrap().payload;
        payload["body"] = serde_json::from_slice(&body).unwrap();
    }
    assert_eq!(payload, wanted["payload"]);
}

/// A body of an rpc is an array of bytes, as a payload is.
fn envelope_around(bytes: &Value) -> Vec<u8> {
    let message = Message::new("test", "body", "");
    let mut envelope: Value = serde_json::from_slice(&json::encode(&message)).unwrap();
    envelope["payload"] = bytes.clone();
    serde_json::to_vec(&envelope).unwrap()
}

#[test]
fn envelopes_are_read_down_to_their_payloads() {
    let mut read = 0;
    for case in [
        "emit.json",
        "emit-refused.json",
        "introspect.json",
        "replay-cold.json",
        "replay-granted.json",
        "replay-hot-cold.json",
        "replay-refused.json",
        "rpc.json",
        "stream.json",
    ] {
        for (body, decoded) in recorded(case) {
            let Some(decoded) = decoded else {
                assert_eq!(body, "{}", "a handshake");
                continue;
            };
            let message = json::decode(body.as_bytes(), &Limits::default()).unwrap();
            check(&message, &decoded);
            check(&json::decode(&json::encode(&message), &Limits::default()).unwrap(), &decoded);
            read += 1;
        }
    }
    assert!(read > 100, "{read} messages");
}

#[test]
fn descriptors_are_read() {
    let bodies: Vec<String> = recorded("discovery.json").into_iter().map(|(body, _)| body).collect();
    let descriptors =
        bodies.iter().filter(|body| body.contains("\"identifier\"") && !body.contains("\"list\""));
    for body in descriptors.clone() {
        let descriptor: Descriptor = serde_json::from_str(body).unwrap();
        assert!(descriptor.identifier.starts_with("interop-") && descriptor.instance_id.is_none());
        assert_eq!(descriptor.tags.len(), 2);
        assert_eq!(descriptor.without_credentials().connection_urls, ["amqp://127.0.0.1"]);
    }
    assert!(descriptors.count() >= 3);
}

/// It refuses a message without `target_service` in one without `origin_service`.
#[test]
fn a_message_need_not_say_who_sent_it() {
    let text = br#"{"id":"7f1a1a2e-4f5c-4d38-9a64-0b5d3b0f6f51","created":1,"protocol":"rpc","step":"request.invalid","payload":[]}"#;
    assert_eq!(&*json::decode(text, &Limits::default()).unwrap().origin_service, "n/a");
}
