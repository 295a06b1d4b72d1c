//! Bytes as JSON arrays of numbers, which is how payloads travel. Written by hand: every payload passes here.

use crate::error::{Error, ErrorKind, Result};

/// Each byte as up to three digits and a comma, and how many of these count.
const DIGITS: [([u8; 4], u8); 256] = digits();

const fn digits() -> [([u8; 4], u8); 256] {
    let mut table = [([0; 4], 0); 256];
    let mut byte: u8 = 0;
    loop {
        let (hundreds, tens, ones) = (b'0' + byte / 100, b'0' + byte / 10 % 10, b'0' + byte % 10);
        table[byte as usize] = match byte {
            0..=9 => ([ones, b',', 0, 0], 2),
            10..=99 => ([tens, ones, b',', 0], 3),
            _ => ([hundreds, tens, ones, b','], 4),
        };
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

/// Appends bytes as a JSON array of unsigned numbers.
///
/// ```
/// let mut text = Vec::new();
/// newton::muon::codec::bytes::write_array(&mut text, &[0, 65, 255]);
/// assert_eq!(text, b"[0,65,255]");
/// ```
pub fn write_array(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'[');
    let mut at = out.len();
    // Room for four characters each, so that every byte is one copy of a fixed length.
    out.resize(at + bytes.len() * 4, 0);
    for byte in bytes {
        let (text, length) = &DIGITS[usize::from(*byte)];
        out[at..at + 4].copy_from_slice(text);
        at += usize::from(*length);
    }
    out.truncate(at);
    match out.last_mut() {
        Some(last) if *last == b',' && !bytes.is_empty() => *last = b']',
        _ => out.push(b']'),
    }
}

/// The bytes of a JSON array of numbers from -128 to 255; negative ones are signed bytes.
///
/// ```
/// use newton::muon::codec::bytes::read_array;
///
/// assert_eq!(read_array(b"[0, 65, 255, -1]").unwrap(), [0, 65, 255, 255]);
/// assert!(read_array(b"[256]").is_err());
/// ```
///
/// # Errors
/// `Decode` for anything else.
pub fn read_array(text: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 3);
    let mut at = skip_space(text, 0);
    if text.get(at) != Some(&b'[') {
        return Err(no_array(at));
    }
    at = skip_space(text, at + 1);
    if text.get(at) == Some(&b']') {
        return end(text, at + 1, bytes);
    }
    loop {
        let (byte, after) = read_byte(text, at)?;
        bytes.push(byte);
        // Compact text is the common case.
        at = match text.get(after) {
            Some(b',' | b']') => after,
            _ => skip_space(text, after),
        };
        match text.get(at) {
            Some(b',') => at += 1,
            Some(b']') => return end(text, at + 1, bytes),
            _ => return Err(no_array(at)),
        }
        if text.get(at).is_some_and(u8::is_ascii_whitespace) {
            at = skip_space(text, at);
        }
    }
}

fn read_byte(text: &[u8], start: usize) -> Result<(u8, usize)> {
    let is_negative = text.get(start) == Some(&b'-');
    let first = start + usize::from(is_negative);
    let (mut value, mut at) = (0_u16, first);
    while let Some(digit) = text.get(at).filter(|digit| digit.is_ascii_digit()) {
        if at - first == 3 {
            return Err(no_byte(start));
        }
        value = value * 10 + u16::from(digit - b'0');
        at += 1;
    }
    let has_leading_zero = at - first > 1 && text[first] == b'0';
    if at == first || has_leading_zero || matches!(text.get(at), Some(b'.' | b'e' | b'E')) {
        return Err(no_byte(start));
    }
    let byte = match u8::try_from(value) {
        Ok(byte) if !is_negative => byte,
        Ok(byte) if byte <= 128 => byte.wrapping_neg(),
        _ => return Err(no_byte(start)),
    };
    Ok((byte, at))
}

fn end(text: &[u8], at: usize, bytes: Vec<u8>) -> Result<Vec<u8>> {
    let end = skip_space(text, at);
    if end == text.len() { Ok(bytes) } else { Err(no_array(end)) }
}

fn skip_space(text: &[u8], at: usize) -> usize {
    let space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    at + text.get(at..).unwrap_or_default().iter().take_while(space).count()
}

fn no_array(at: usize) -> Error {
    let message = "the bytes are no JSON array of numbers; the sender is at fault";
    Error::new(ErrorKind::Decode, "decode", message).with("at", at)
}

fn no_byte(at: usize) -> Error {
    let message = "an array of bytes holds what is no number from -128 to 255; the sender is at fault";
    Error::new(ErrorKind::Decode, "decode", message).with("at", at)
}
