//! `{"used": ID}`: a line of a stream that is no request. The code of that message was typed in.

use serde::Deserialize;

use super::{fields::JsonString, read};
use crate::protocol::MessageId;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Used {
    used: JsonString,
}

/// The id that a document says was used; `None`: it says no such thing.
pub fn id_of_used(json: &[u8]) -> Option<MessageId> {
    let Used { used } = read::fields(json).ok()?;
    MessageId::parse(&used.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_else_says_that_a_code_was_used() {
        let id = |json: &str| id_of_used(json.as_bytes()).map(|id| id.as_str().to_owned());
        assert_eq!(id(r#" {"used":"a-1"} "#).as_deref(), Some("a-1"));
        for json in [
            "",
            "{}",
            r#"{"used":1}"#,
            r#"{"used":"a 1"}"#,
            r#"{"used":"a-1","id":"a-1"}"#,
            r#"["a-1"]"#,
        ] {
            assert_eq!(id(json), None, "{json}");
        }
    }
}
