//! Whatever bytes arrive are inflated within the limit or are an error, and what is compressed is inflated again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use newton::muon::codec::deflate::{compress, inflate};

const LIMIT: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(inflated) = inflate(bytes, LIMIT) {
        assert!(inflated.len() <= LIMIT);
    }
    let compressed = compress(bytes);
    assert!(compressed.is_ok_and(|stream| inflate(&stream, bytes.len()).is_ok_and(|again| again == bytes)));
});
