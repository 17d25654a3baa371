//! More text than anybody wants.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the very point")]

/// In bytes.
pub const MEGABYTE: usize = 1024 * 1024;

/// Clears a terminal, begins a line that looks like a response, and turns the direction of what follows.
const HOSTILE: &str = "\u{1b}[2J\u{0}\r\n{\"version\":1,\"outcome\":\"accepted\"}\n\u{202e}";

/// So many bytes of it.
pub fn text(length: usize) -> String {
    HOSTILE.repeat(length / HOSTILE.len())
}

/// These words as they are, in base64, and with what a terminal acts upon between them.
pub fn tricks(secrets: &str) -> String {
    let encoded: String = secrets.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let hidden: String = secrets.chars().flat_map(|c| [c, '\u{200b}']).collect();
    format!("\u{1b}[2J{secrets}\u{202e}\r\n{encoded}\u{2028}\u{61c}{hidden}\u{2029}\u{9b}31m")
}

/// Prints megabytes.
pub fn print() {
    let text = text(MEGABYTE);
    for _ in 0..8 {
        println!("{text}");
        eprintln!("{text}");
    }
}

/// Prints secrets, and what looks like a response, in case it reaches the caller.
pub fn print_secrets(secrets: &str) {
    println!("{secrets}");
    eprintln!("{secrets}");
    println!(r#"{{"version":1,"outcome":"accepted"}}"#);
}
