//! Answers that were damaged on their way, each byte in turn: whatever is left of one, the plugin
//! says something true of it, and nothing else.

use textsender_plugin_api::{
    Sender, Verdict,
    testing::{FakeHost, Reply, block_on, message},
};

use super::{ID, sender};

/// What a byte may become: nothing (and the body ends there), or one of these.
const DAMAGE: [u8; 6] = [b'"', b'{', b'0', b'\\', 0, 0xff];

fn damaged(body: &str) -> impl Iterator<Item = Vec<u8>> {
    let bytes = body.as_bytes().to_vec();
    (0..bytes.len()).flat_map(move |at| {
        let replaced = DAMAGE.map(|byte| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            bytes
        });
        replaced.into_iter().chain([bytes[..at].to_vec()])
    })
}

#[test]
fn no_damage_makes_a_refusal_of_an_acceptance_or_the_reverse() {
    let accepted = format!(r#"{{"id":"{ID}","reference":"5f0c1d","content":{{"body":"text"}}}}"#);
    let refused = r#"{"status_code":400,"errors":[{"error":"ValidationError","message":"phone_number Not enough digits"}]}"#;
    for (status, body) in [(201, accepted.as_str()), (400, refused), (502, refused)] {
        for bytes in damaged(body) {
            let host = FakeHost::new();
            let shown = format!("{status} {}", String::from_utf8_lossy(&bytes));
            host.answer(Reply::text(status, bytes));
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
