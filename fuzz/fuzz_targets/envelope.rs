//! Whatever bytes arrive give a message or an error, and a message that was read is written and read as the same one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use newton::muon::Limits;
use newton::muon::codec::{bytes, json};

fuzz_target!(|frame: &[u8]| {
    let limits = Limits { frame: 1 << 20, ..Limits::default() };
    if let Ok(message) = json::decode(frame, &limits) {
        let again = json::decode(&json::encode(&message), &Limits::default());
        assert!(again.is_ok_and(|again| again == message));
    }
    if let Ok(array) = bytes::read_array(frame) {
        let mut text = Vec::new();
        bytes::write_array(&mut text, &array);
        assert!(bytes::read_array(&text).is_ok_and(|again| again == array));
    }
});
