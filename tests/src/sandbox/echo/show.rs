//! One request and its answer, decoded, for the person who writes the plugin. Everything here is a test's, so
//! credentials are shown too.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::sandbox::http::{Answer, Request};

/// Headers that say nothing of what the plugin composed.
const CARRIERS: [&str; 5] = [
    "host",
    "content-length",
    "accept-encoding",
    "connection",
    "accept",
];

/// The longest answer that is shown, in characters.
const MOST: usize = 200;

/// Writing to a String never fails.
pub(super) fn exchange(request: &Request, answer: &Answer) -> String {
    let host = request.header("host").unwrap_or("?");
    let mut shown = format!("{} https://{host}{}\n", request.method(), request.target());
    for (name, value) in request.headers() {
        let name = name.to_ascii_lowercase();
        if !CARRIERS.contains(&name.as_str()) {
            let _ = writeln!(shown, "  {name}: {}", header(value));
        }
    }
    pairs("?", &request.query(), &mut shown);
    body(request, &mut shown);
    let text = String::from_utf8_lossy(&answer.body);
    let text: String = text.chars().take(MOST).collect();
    let _ = writeln!(shown, "-> {} {}", answer.status, text.trim());
    shown
}

/// Basic credentials as they were before they were encoded.
fn header(value: &str) -> String {
    let encoded = value.strip_prefix("Basic ");
    let decoded = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded {
        Some(credentials) => format!("Basic, for {credentials}"),
        None => value.to_owned(),
    }
}

fn body(request: &Request, shown: &mut String) {
    let media_type = request.header("content-type").unwrap_or_default();
    if media_type.starts_with("application/x-www-form-urlencoded") {
        return pairs("", &request.form(), shown);
    }
    let text = match request.json() {
        // A value that was parsed can be written.
        Some(json) => serde_json::to_string_pretty(&json).unwrap_or_default(),
        None => String::from_utf8_lossy(request.body()).into_owned(),
    };
    for line in text.lines() {
        let _ = writeln!(shown, "  {line}");
    }
}

fn pairs(before: &str, pairs: &[(String, String)], shown: &mut String) {
    for (name, value) in pairs {
        let _ = writeln!(shown, "  {before}{name} = {value}");
    }
}
