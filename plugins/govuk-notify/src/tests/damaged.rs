//! Answers that were damaged on their way, each byte in turn: whatever is left of one, the plugin
//! says something true of it, and nothing else.

use textsender_plugin_api::{
    Sender, Verdict,
    testing::{FakeHost, Reply, block_on, message},
};

use super::{ID, sender};

#[test]
fn no_damage_makes_a_refusal_of_an_acceptance_or_the_reverse() {
    let accepted = format!(r#"{{"id":"{ID}","reference":"5f0c1d","content":{{"body":"text"}}}}"#);
    let refused = r#"{"status_code":400,"errors":[{"error":"ValidationError","message":"phone_number Not enough digits"}]}"#;
    for (status, body) in [(201, accepted.as_str()), (400, refused), (502, refused)] {
        for reply in Reply::damaged(status, body) {
            let host = FakeHost::new();
            let shown = format!("{reply:?}");
            host.answer(reply);
            match block_on(sender(&host).send(&message())) {
                Ok(_) => assert_eq!(status, 201, "{shown}"),
                Err(error) if status == 400 => {
                    assert_ne!(error.verdict, Verdict::Unknown, "{shown}");
                }
                Err(error) => assert_eq!(error.verdict, Verdict::Unknown, "{shown}"),
            }
        }
    }
}
