//! Answers that were damaged on their way, each byte in turn: whatever is left of one, the plugin
//! says something true of it, and nothing else.

use serde_json::json;
use textsender_plugin_api::{
    Verdict,
    testing::{FakeHost, Reply, block_on, message},
};

use super::*;

#[test]
fn no_damage_makes_a_refusal_of_an_acceptance_or_the_reverse() {
    let accepted = json!({ "sid": TEXT, "status": "queued", "num_segments": "1" }).to_string();
    let refused = json!({ "code": 21211, "message": "invalid", "status": 400 }).to_string();
    for (status, body) in [(201, &accepted), (400, &refused), (503, &refused)] {
        for reply in Reply::damaged(status, body) {
            let host = FakeHost::new();
            let shown = format!("{reply:?}");
            host.answer(reply);
            match block_on(twilio(&host).send(&message())) {
                Ok(_) => assert_eq!(status, 201, "{shown}"),
                Err(error) if status == 400 => {
                    assert_ne!(error.verdict, Verdict::Unknown, "{shown}");
                }
                Err(error) => assert_eq!(error.verdict, Verdict::Unknown, "{shown}"),
            }
        }
    }
}
