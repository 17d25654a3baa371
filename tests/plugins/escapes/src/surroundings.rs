//! What there is to reach. A constructor has neither arguments nor settings, so the tests write it
//! into the library itself: JSON in place of the blanks behind the mark.

use serde::Deserialize;

/// The mark and the room behind it, as the tests know them.
const MARK: &[u8] = b"ESCAPES-SURROUNDINGS:";
const ROOM: usize = 2048;

#[used]
static SURROUNDINGS: [u8; ROOM] = room();

const fn room() -> [u8; ROOM] {
    let mut room = [b' '; ROOM];
    let mut at = 0;
    while at < MARK.len() {
        room[at] = MARK[at];
        at += 1;
    }
    room
}

/// Everything that a plugin must not reach.
#[derive(Deserialize)]
pub struct Surroundings {
    /// The ledger's file.
    pub ledger: String,
    /// Another sender's stored secret.
    pub secret: String,
    /// A folder that the process's user may write to, with a folder for each moment, and in it the
    /// files `victim` and `other`.
    pub folder: String,
    /// The port of a listener on 127.0.0.1.
    pub tcp: u16,
    /// The port of a listener on 127.0.0.1 that a sender may be granted.
    pub granted: u16,
    /// The port of a UDP socket on 127.0.0.1.
    pub udp: u16,
    /// The path of a listener's socket.
    pub unix: String,
    /// The name of a listener's abstract socket.
    pub abstract_name: String,
    /// What a file begins with that the front was started with, open and inheritable.
    pub inherited: String,
}

/// What the tests wrote into this library.
pub fn surroundings() -> Option<Surroundings> {
    // SAFETY: a byte array; read as it is in memory, and not as the compiler saw it written.
    let room = unsafe { std::ptr::read_volatile(&raw const SURROUNDINGS) };
    serde_json::from_slice(&room[MARK.len()..]).ok()
}
