//! Random ids in the shapes that providers use.

use ring::rand::{SecureRandom, SystemRandom};

/// 32 lower-case hexadecimal digits, as behind Twilio's `SM`.
pub(crate) fn hex32() -> String {
    let mut text = String::with_capacity(32);
    for byte in random() {
        push_hex(&mut text, byte);
    }
    text
}

/// A random UUID (RFC 9562, version 4), lower case with dashes.
pub(crate) fn uuid() -> String {
    let mut bytes = random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        push_hex(&mut text, byte);
    }
    text
}

/// Whether this is a UUID in its usual form; case does not matter.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    // The kernel's generator does not fail once it is seeded; zeros would be noticed as a repeated id.
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}

fn push_hex(text: &mut String, byte: u8) {
    for nibble in [byte >> 4, byte & 0xf] {
        text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_shapes_and_differ() {
        assert!(hex32().len() == 32 && hex32().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(hex32(), hex32());
        let id = uuid();
        assert!(is_uuid(&id) && id.as_bytes()[14] == b'4', "{id}");
        assert!(!is_uuid("x") && !is_uuid(&id.replace('-', "0")));
    }
}
