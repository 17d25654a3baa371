//! Frames in the host's name. They are private to one build of the host (`plugins/frames.rs`), so a
//! plugin that knows them was made for it: the worst that there is.

use crate::harm::write_to_pipes;

/// The number of `Up::Done`.
const DONE: u8 = 6;

/// The number of `Up::Log`.
const LOG: u8 = 5;

/// Logs a line at level trace, past what holds such lines back.
pub fn line_below_every_level() {
    frame(&[LOG, 4, 5, b'f', b'l', b'o', b'o', b'd']);
}

/// Sends what has a frame's length, and is none.
pub fn garbage() {
    frame(&[0xff; 16]);
}

/// Says of a call that a provider took its message.
pub fn accepted(call: u64) {
    // Numbers are as postcard writes them: up to 127 in one byte. Then: a reply, of a send, with
    // neither id nor segments.
    let call = u8::try_from(call).unwrap_or(u8::MAX) & 0x7f;
    frame(&[DONE, call, 0, 0, 0, 0]);
}

fn frame(content: &[u8]) {
    let length = u32::try_from(content.len()).unwrap_or_default();
    write_to_pipes(&[&length.to_le_bytes(), content].concat());
}
