//! The log as CSV (RFC 4180), for spreadsheets.

use crate::{
    ledger::{Entry, EntryState},
    redact::on_one_line,
};

/// The first line.
pub const HEADINGS: &str =
    "at,id,outcome,code,purpose,event,actor,policy,recipient,region,segments,sender,ms,replayed";

/// A decision as a line, without its end.
pub fn line(entry: &Entry) -> String {
    let entry = entry.shown();
    let outcome = match entry.state {
        EntryState::Sending => "",
        EntryState::Ended(outcome) => outcome.as_str(),
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = |value: Option<String>| value.unwrap_or_default();
    let fields = [
        entry.at.to_string(),
        entry.id.clone(),
        outcome.to_owned(),
        text(&entry.code),
        text(&entry.purpose),
        text(&entry.event),
        text(&entry.actor),
        text(&entry.policy),
        text(&entry.recipient),
        text(&entry.region),
        number(entry.segments.map(|segments| segments.to_string())),
        text(&entry.sender),
        number(entry.ms.map(|ms| ms.to_string())),
        entry.replayed.to_string(),
    ];
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    fields.join(",")
}

/// A field; quoted where it has to be. What a spreadsheet would take for a formula is marked as text:
/// an actor's name comes from outside.
fn quoted(field: &str) -> String {
    let field = on_one_line(field);
    let is_formula = field.starts_with(['=', '+', '-', '@']);
    let field = match is_formula {
        true => format!("'{field}"),
        false => field,
    };
    match field.contains(['"', ',']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_have_to_be() {
        for (field, written) in [
            ("twilio", "twilio"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("=1+1", "'=1+1"),
            ("a\u{202e}b\u{1b}[31m\nc", "a b [31m c"),
            ("", ""),
        ] {
            assert_eq!(quoted(field), written);
        }
    }
}
