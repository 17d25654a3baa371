//! What `explain` does without: the number library, for a request in international form.
//!
//! Alone in its file, and so in its process: the library, once loaded, stays.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use textsender::{
    config::{Reading, Sources},
    decision::Snapshot,
    explain::{self, Evaluation},
    recipient::number_library_used,
};

const CONFIG: &str = r#"
[defaults]
sender = "twilio"
policy = "Everyone"
[senders.twilio]
plugin = "twilio"
[[policies]]
name = "Everyone"
region = "GB"
regions = ["*"]
[policies.verification_code]
text = "%code%"
"#;

#[test]
fn only_national_forms_load_the_number_library() {
    let config = Reading::of(Sources::from_text("t.toml", CONFIG));
    let snapshot = Snapshot::new(Arc::new(config.into_config().unwrap())).unwrap();
    let region = |phone: &str| {
        let json = format!(r#"{{"purpose":"verification_code","user":{{"phone":"{phone}"}}}}"#);
        let evaluation = Evaluation::of(&snapshot, explain::read(json.as_bytes()).unwrap());
        evaluation.explained().number.map(|number| number.region)
    };
    for (phone, expected) in [
        ("+1 876 210 1234", "JM"),
        ("+44 7781 123456", "GG"),
        ("+44 909 876 5432", "GB"),
        ("+447700900123", "GB"),
    ] {
        assert_eq!(region(phone), Some(expected), "{phone}");
    }
    assert!(!number_library_used());
    assert_eq!(region("07700 900123"), Some("GB"));
    assert!(number_library_used());
}
