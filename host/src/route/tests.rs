//! The verdict table, against scripted senders.

use std::{cell::RefCell, collections::VecDeque};

use textsender_plugin_api::{Phone, Purpose, SendError, Stage, Verdict as Claim};

use super::*;

/// What a scripted sender does when asked: its word, and how far a delivering exchange came.
enum Act {
    Accepts,
    Says(Claim, Option<Stage>),
    Waits(Claim, Duration),
    Dies(Option<Stage>),
    Hangs(Option<Stage>),
    Lies,
}

/// Senders by name, each with what it does at each attempt, and what `find` brings.
struct Script {
    acts: RefCell<Vec<(&'static str, VecDeque<Act>)>>,
    found: Found,
    /// Whether `find` has it from a provider.
    asks_a_provider: bool,
    /// Whether the plugins have connections of their own.
    blind: bool,
}

impl Script {
    fn new(acts: Vec<(&'static str, Vec<Act>)>) -> Self {
        let acts = acts
            .into_iter()
            .map(|(sender, acts)| (sender, acts.into()))
            .collect();
        Self {
            acts: RefCell::new(acts),
            found: Found::CannotTell,
            asks_a_provider: true,
            blind: false,
        }
    }
}

impl Ask for Script {
    async fn ask(&self, sender: &str, work: Work, deadline: Instant) -> Result<CallEnd, Failure> {
        let trace = Trace::new(self.blind);
        if let Work::Find(..) = work {
            if self.asks_a_provider {
                trace.begin(true).reach(Stage::Answered);
            }
            let result = CallResult::Replied(Reply::Found(self.found.clone()));
            return Ok(CallEnd { result, trace });
        }
        if let Work::Status(_) = work {
            if self.asks_a_provider {
                trace.begin(true).reach(Stage::Answered);
            }
            let status = DeliveryStatus::new(DeliveryState::Delivered);
            let result = CallResult::Replied(Reply::Status(status));
            return Ok(CallEnd { result, trace });
        }
        let act = {
            let mut acts = self.acts.borrow_mut();
            let acts = acts.iter_mut().find(|(name, _)| *name == sender).unwrap();
            acts.1
                .pop_front()
                .expect("asked more often than the script allows")
        };
        let came_to = |stage: Option<Stage>| {
            if let Some(stage) = stage {
                trace.begin(true).reach(stage);
            }
        };
        let result = match act {
            Act::Accepts => {
                came_to(Some(Stage::Answered));
                CallResult::Replied(Reply::Sent(Receipt::new("SM1")))
            }
            Act::Lies => CallResult::Replied(Reply::Sent(Receipt::new("SM1"))),
            Act::Says(claim, stage) => {
                came_to(stage);
                CallResult::Failed(SendError::new(claim, "scripted"))
            }
            Act::Waits(claim, after) => {
                let error = SendError::new(claim, "scripted").with_retry_after(Some(after));
                CallResult::Failed(error)
            }
            Act::Dies(stage) => {
                came_to(stage);
                CallResult::Died
            }
            Act::Hangs(stage) => {
                came_to(stage);
                tokio::time::sleep_until(deadline).await;
                CallResult::TimedOut
            }
        };
        Ok(CallEnd { result, trace })
    }

    fn timeout(&self, _: &str) -> Duration {
        Duration::from_secs(10)
    }
}

const AFTER_ALL: Duration = Duration::from_secs(30);

async fn deliver_by(script: &Script, on_unknown: OnUnknown) -> RouteOutcome {
    let to = Phone::parse("+447700900123").unwrap();
    let message = Message::new("id", Purpose::VerificationCode, to, "text");
    let senders = script
        .acts
        .borrow()
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let plan = Plan {
        senders,
        on_unknown,
        deadline: Instant::now() + AFTER_ALL,
        expires: None,
        rate_limited: Vec::new(),
    };
    deliver(&plan, &message, script).await
}

fn told(delivered: &RouteOutcome) -> String {
    let attempts = delivered.attempts.iter();
    let attempts: Vec<_> = attempts
        .map(|a| format!("{}:{}", a.sender, a.code.as_deref().unwrap_or("accepted")))
        .collect();
    let outcome = match &delivered.result {
        Ok(_) => Outcome::Accepted,
        Err(failure) => failure.outcome(),
    };
    let twice = if delivered.may_duplicate {
        " (may duplicate)"
    } else {
        ""
    };
    format!("{outcome} by {}{twice}", attempts.join(" "))
}

#[tokio::test(start_paused = true)]
async fn every_row_of_the_table() {
    use Claim::*;
    let say = |claim| Act::Says(claim, Some(Stage::Answered));
    let before = |claim| Act::Says(claim, None);
    let written = Some(Stage::Written);
    let cases = [
        (vec![("a", vec![Act::Accepts])], "accepted by a:accepted"),
        (
            vec![("a", vec![say(Rejected)]), ("b", vec![])],
            "rejected by a:rejected",
        ),
        (
            vec![("a", vec![say(OptedOut)]), ("b", vec![])],
            "rejected by a:opted_out",
        ),
        (
            vec![
                ("a", vec![say(UndeliverableHere)]),
                ("b", vec![Act::Accepts]),
            ],
            "accepted by a:undeliverable b:accepted",
        ),
        (
            vec![("a", vec![say(UndeliverableHere)])],
            "rejected by a:undeliverable",
        ),
        (
            vec![
                ("a", vec![say(UndeliverableHere)]),
                ("b", vec![say(Exhausted)]),
            ],
            "unavailable by a:undeliverable b:exhausted",
        ),
        (
            vec![
                ("a", vec![say(UndeliverableHere)]),
                ("b", vec![say(Unauthorized)]),
            ],
            "misconfigured by a:undeliverable b:unauthorized",
        ),
        (
            vec![("a", vec![say(Throttled), Act::Accepts])],
            "accepted by a:throttled a:accepted",
        ),
        (
            vec![("a", vec![say(Throttled), say(Throttled), say(Throttled)])],
            "unavailable by a:throttled a:throttled a:throttled",
        ),
        (
            vec![("a", vec![say(Exhausted)]), ("b", vec![Act::Accepts])],
            "accepted by a:exhausted b:accepted",
        ),
        (
            vec![("a", vec![before(Unavailable), Act::Accepts])],
            "accepted by a:provider_unavailable a:accepted",
        ),
        (
            vec![("a", vec![say(Unauthorized)]), ("b", vec![Act::Accepts])],
            "accepted by a:unauthorized b:accepted",
        ),
        (
            vec![("a", vec![say(Misconfigured)])],
            "misconfigured by a:provider_refused",
        ),
        (vec![("a", vec![say(Unknown)])], "unknown by a:maybe_sent"),
        (
            vec![("a", vec![say(Unknown)]), ("b", vec![Act::Accepts])],
            "accepted by a:maybe_sent b:accepted (may duplicate)",
        ),
        (
            vec![("a", vec![say(Unknown)]), ("b", vec![say(Rejected)])],
            "unknown by a:maybe_sent b:rejected",
        ),
        (
            vec![("a", vec![say(Unknown)]), ("b", vec![say(Unknown)])],
            "unknown by a:maybe_sent b:maybe_sent (may duplicate)",
        ),
        // What the front knows beats what the plugin says.
        (
            vec![("a", vec![Act::Says(Unavailable, written)])],
            "unknown by a:maybe_sent",
        ),
        (
            vec![("a", vec![Act::Says(Rejected, written)])],
            "unknown by a:maybe_sent",
        ),
        (vec![("a", vec![Act::Lies])], "unknown by a:maybe_sent"),
        (
            vec![("a", vec![Act::Dies(written)])],
            "unknown by a:maybe_sent",
        ),
        (
            vec![("a", vec![Act::Dies(Some(Stage::Answered))])],
            "unknown by a:maybe_sent",
        ),
        (
            vec![("a", vec![Act::Dies(None), Act::Accepts])],
            "accepted by a:plugin_failed a:accepted",
        ),
        (
            vec![("a", vec![Act::Hangs(written)])],
            "unknown by a:maybe_sent",
        ),
        (
            vec![("a", vec![Act::Hangs(None)]), ("b", vec![Act::Accepts])],
            "accepted by a:timeout b:accepted",
        ),
    ];
    for (acts, expected) in cases {
        let delivered = deliver_by(&Script::new(acts), OnUnknown::FailOver).await;
        assert_eq!(told(&delivered), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_password_is_not_sent_again_after_unknown() {
    let unknown = Act::Says(Claim::Unknown, Some(Stage::Answered));
    let script = Script::new(vec![("a", vec![unknown]), ("b", vec![])]);
    let delivered = deliver_by(&script, OnUnknown::Stop).await;
    assert_eq!(told(&delivered), "unknown by a:maybe_sent");
}

#[tokio::test(start_paused = true)]
async fn of_what_a_plugin_sends_by_itself_only_its_word_tells() {
    let cases = [
        (Act::Lies, "accepted by a:accepted"),
        (Act::Dies(None), "unknown by a:maybe_sent"),
        (Act::Hangs(None), "unknown by a:maybe_sent"),
        (
            Act::Says(Claim::Exhausted, None),
            "unavailable by a:exhausted",
        ),
    ];
    for (act, expected) in cases {
        let script = Script {
            blind: true,
            ..Script::new(vec![("a", vec![act])])
        };
        assert_eq!(told(&deliver_by(&script, OnUnknown::Stop).await), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn find_settles_what_is_unknown() {
    let written = || Act::Says(Claim::Unknown, Some(Stage::Written));
    let cases = [
        (
            Found::Accepted(Receipt::new("SM1")),
            vec![written()],
            "accepted by a:accepted",
        ),
        (
            Found::Absent,
            vec![written(), Act::Accepts],
            "accepted by a:provider_unavailable a:accepted",
        ),
        (
            Found::CannotTell,
            vec![written()],
            "unknown by a:maybe_sent",
        ),
    ];
    for (found, acts, expected) in cases {
        let script = Script {
            found,
            ..Script::new(vec![("a", acts)])
        };
        assert_eq!(told(&deliver_by(&script, OnUnknown::Stop).await), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_longer_than_patience_goes_to_the_next_sender() {
    let wait = Duration::from_secs(5);
    let script = Script::new(vec![
        ("a", vec![Act::Waits(Claim::Throttled, wait)]),
        ("b", vec![Act::Accepts]),
    ]);
    let delivered = deliver_by(&script, OnUnknown::Stop).await;
    assert_eq!(told(&delivered), "accepted by a:throttled b:accepted");
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_told_to_the_caller() {
    let wait = Duration::from_secs(60);
    let script = Script::new(vec![("a", vec![Act::Waits(Claim::Throttled, wait)])]);
    let failure = deliver_by(&script, OnUnknown::Stop)
        .await
        .result
        .unwrap_err();
    assert_eq!(
        (failure.code, failure.retry_after),
        (ErrorCode::Throttled, Some(wait))
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_expiry() {
    let script = Script::new(vec![("a", vec![])]);
    let to = Phone::parse("+447700900123").unwrap();
    let message = Message::new("id", Purpose::VerificationCode, to, "text");
    let now = Instant::now();
    let plan = Plan {
        senders: vec!["a".into()],
        on_unknown: OnUnknown::FailOver,
        deadline: now + AFTER_ALL,
        expires: Some(now),
        rate_limited: Vec::new(),
    };
    let delivered = deliver(&plan, &message, &script).await;
    assert_eq!(delivered.result.unwrap_err().code, ErrorCode::Expired);
    assert!(delivered.attempts.is_empty());
}

/// A caller does not wait twice for a provider that is silent: a repeat of the id looks for the message.
#[tokio::test(start_paused = true)]
async fn its_caller_is_answered_when_the_code_expires() {
    let mut script = Script::new(vec![("a", vec![Act::Hangs(Some(Stage::Written))])]);
    script.found = Found::Accepted(Receipt::new("SM1"));
    let to = Phone::parse("+447700900123").unwrap();
    let message = Message::new("id", Purpose::VerificationCode, to, "text");
    let now = Instant::now();
    let life = Duration::from_secs(2);
    let plan = Plan {
        senders: vec!["a".into()],
        on_unknown: OnUnknown::FailOver,
        deadline: now + AFTER_ALL,
        expires: Some(now + life),
        rate_limited: Vec::new(),
    };
    let delivered = deliver(&plan, &message, &script).await;
    assert_eq!(told(&delivered), "unknown by a:maybe_sent");
    assert_eq!(now.elapsed(), life);
}

/// A plugin can't know what became of a message but from a provider.
#[tokio::test(start_paused = true)]
async fn found_and_absent_count_only_where_a_provider_answered() {
    let written = || Act::Says(Claim::Unknown, Some(Stage::Written));
    for found in [Found::Accepted(Receipt::new("SM1")), Found::Absent] {
        let mut script = Script::new(vec![("a", vec![written(), Act::Accepts])]);
        script.found = found.clone();
        script.asks_a_provider = false;
        let outcome = deliver_by(&script, OnUnknown::Stop).await;
        assert_eq!(told(&outcome), "unknown by a:maybe_sent", "{found:?}");

        // With a network of its own it may have asked without our seeing it.
        let mut script = Script::new(vec![("a", vec![written()])]);
        script.found = Found::Accepted(Receipt::new("SM1"));
        (script.asks_a_provider, script.blind) = (false, true);
        let outcome = deliver_by(&script, OnUnknown::Stop).await;
        assert_eq!(told(&outcome), "accepted by a:accepted");
    }
}

#[tokio::test(start_paused = true)]
async fn delivered_counts_only_where_a_provider_answered() {
    for (asks_a_provider, blind, state) in [
        (true, false, DeliveryState::Delivered),
        (false, true, DeliveryState::Delivered),
        (false, false, DeliveryState::CannotTell),
    ] {
        let mut script = Script::new(Vec::new());
        (script.asks_a_provider, script.blind) = (asks_a_provider, blind);
        let status = status(&script, "a", "SM1", Instant::now() + AFTER_ALL).await;
        assert_eq!(status.unwrap().state, state);
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_to_wait_that_no_clock_can_count_is_cut() {
    let forged = Act::Waits(Claim::Throttled, Duration::MAX);
    let script = Script::new(vec![("a", vec![forged])]);
    let outcome = deliver_by(&script, OnUnknown::Stop).await;
    assert_eq!(told(&outcome), "unavailable by a:throttled");
    let failure = outcome.result.unwrap_err();
    let month = Duration::from_secs(31 * 24 * 60 * 60);
    assert_eq!(failure.retry_after, Some(month));
}

/// A plan whose sender `a` is not to be asked for so long.
fn rate_limited(senders: [&str; 2], wait: Duration, deadline: Duration) -> Plan {
    let now = Instant::now();
    Plan {
        senders: senders
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        on_unknown: OnUnknown::FailOver,
        deadline: now + deadline,
        expires: None,
        rate_limited: vec![("a".to_owned(), now + wait)],
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_rate_limiting_is_asked_when_its_pause_is_over() {
    let to = Phone::parse("+447700900123").unwrap();
    let message = Message::new("id", Purpose::VerificationCode, to, "text");
    let second = Duration::from_secs(1);
    let script = Script::new(vec![("a", vec![Act::Accepts]), ("b", vec![Act::Accepts])]);

    let began = Instant::now();
    let outcome = deliver(
        &rate_limited(["a", ""], second * 2, AFTER_ALL),
        &message,
        &script,
    )
    .await;
    assert_eq!(told(&outcome), "accepted by a:accepted");
    let waited = began.elapsed();
    assert!((second * 2..=second * 3).contains(&waited), "{waited:?}");

    // Another sender takes the message meanwhile, and without one it is said when to come back.
    let outcome = deliver(
        &rate_limited(["a", "b"], second * 2, AFTER_ALL),
        &message,
        &script,
    )
    .await;
    assert_eq!(told(&outcome), "accepted by b:accepted");
    let outcome = deliver(
        &rate_limited(["a", ""], second * 2, second),
        &message,
        &script,
    )
    .await;
    let failure = outcome.result.unwrap_err();
    assert_eq!(failure.code, ErrorCode::Throttled);
    assert!(failure.retry_after >= Some(second * 2), "{failure:?}");
    assert!(outcome.attempts.is_empty());
}
