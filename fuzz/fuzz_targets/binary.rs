//! Whatever bytes arrive give a message or an error, and a message that was read is written and read as the same one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use newton::muon::codec::{Binary, Codec};
use newton::muon::{Limits, Message};

fn written(message: &Message) -> Vec<u8> {
    let mut frame = Vec::new();
    Binary.encode_into(&mut frame, message);
    frame
}

fuzz_target!(|frame: &[u8]| {
    let limits = Limits { frame: 1 << 20, ..Limits::default() };
    if let Ok(message) = Binary.decode(&frame.to_vec().into(), &limits) {
        let again = Binary.decode(&written(&message).into(), &Limits::default());
        assert!(again.is_ok_and(|again| again == message));
    }
});
