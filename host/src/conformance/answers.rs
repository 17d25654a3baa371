//! The battery: everything that a provider, or what stands before it, may answer to a message, with
//! the verdicts that a careful plugin may give.

use std::time::Duration;

use textsender_plugin_api::{
    Exchange, FailureKind, HttpResponse, SendError, SmtpCommand, Stage,
    Verdict::{self, *},
};

use super::{
    bench::{Bench, End, Says, message},
    provider::{QUOTE, Script, Seen, Turn},
};
use crate::plugins::Work;

/// How long the battery's 429 asks to wait.
const RETRY_AFTER: Duration = Duration::from_secs(7);

/// What may not be said of what is not in the provider's words.
const BLAMES_THE_NUMBER: [Verdict; 3] = [Rejected, UndeliverableHere, OptedOut];

/// One answer, and the rules that it tries.
struct Case {
    name: &'static str,
    on: On,
    script: Script,
    rules: Vec<(&'static str, Allowed)>,
}

/// For which plugins an answer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Http,
    Mail,
    Both,
}

/// What a rule lets a plugin say.
enum Allowed {
    /// These.
    Only(Vec<Says>),
    /// Anything else.
    AllBut(Vec<Says>),
}

/// Sends a message for each answer.
pub(super) async fn cases(bench: &mut Bench) {
    // A look at what it sends: by what does it deliver?
    let script = fail(Stage::NotSent, FailureKind::Connect);
    let (_, seen) = bench
        .ask(Work::Send(message()), script, "no connection")
        .await;
    let is_mail = |seen: &Seen| matches!(seen.exchange, Exchange::Smtp(_));
    bench.sends_mail = seen.iter().any(is_mail);

    let other = if bench.sends_mail { On::Http } else { On::Mail };
    for case in http_battery().into_iter().chain(mail_battery()) {
        if case.on != other {
            let message = Work::Send(message());
            let (end, seen) = bench.ask(message, case.script.clone(), case.name).await;
            judge(bench, &case, &end, &seen);
        }
    }
    accepted(bench).await;
}

fn judge(bench: &mut Bench, case: &Case, end: &End, seen: &[Seen]) {
    let name = case.name;
    let delivering = delivering(seen);
    bench.report.expect(
        "C1",
        delivering <= 1,
        format!("{name}: handed over {delivering} times"),
    );
    // A message that was refused before it was handed over is none of the battery's, and a panic is
    // another rule's.
    if delivering == 0 || matches!(end, End::Panicked | End::Died) {
        return;
    }
    let says = end.says();
    for (rule, allowed) in &case.rules {
        bench
            .report
            .expect(rule, allowed.allows(says), format!("{name}: {}", said(end)));
    }
    if let End::Failed(SendError { retry_after, .. }) = end
        && case.rules.iter().any(|(rule, _)| *rule == "V8")
    {
        let kept = *retry_after == Some(RETRY_AFTER);
        bench
            .report
            .expect("V8", kept, format!("{name}: it passes on {retry_after:?}"));
    }
}

/// The provider's own acceptance, as far as the suite knows it.
async fn accepted(bench: &mut Bench) {
    let Some(script) = acceptance(bench) else {
        return;
    };
    let name = "the provider's acceptance";
    let (end, seen) = bench.ask(Work::Send(message()), script, name).await;
    if delivering(&seen) == 0 {
        let what = format!("{name}: nothing was handed over; {}", said(&end));
        return bench.report.fail("V13", what);
    }
    bench.report.expect(
        "V13",
        end.receipt().is_some(),
        format!("{name}: {}", said(&end)),
    );
}

/// How the provider takes a message: as the sample says, or for mail as every server does.
pub(super) fn acceptance(bench: &Bench) -> Option<Script> {
    let http = match (&bench.sample.accepted, bench.sends_mail) {
        (Some(answer), _) => Turn::Answer(answer.clone()),
        (None, true) => Turn::Silence,
        (None, false) => return None,
    };
    let mail = Turn::Reply(SmtpCommand::Dot, 250, "2.0.0 queued as 4F2");
    Some(Script {
        http,
        mail,
        reading: None,
    })
}

/// How many of these hand a message over, and would have left.
pub(super) fn delivering(seen: &[Seen]) -> usize {
    let delivers = |seen: &&Seen| seen.fault.is_none() && seen.exchange.delivers();
    seen.iter().filter(delivers).count()
}

fn said(end: &End) -> String {
    match end {
        End::Failed(error) => format!("it says {:?}: \"{}\"", error.verdict, error.message),
        End::Replied(_) => "it says accepted".into(),
        End::Panicked => "it panics".into(),
        End::Died => "its process ends".into(),
        End::TimedOut => "it does not answer".into(),
    }
}

impl Allowed {
    fn allows(&self, says: Says) -> bool {
        match self {
            Self::Only(these) => these.contains(&says),
            Self::AllBut(these) => !these.contains(&says) && says != Says::Nothing,
        }
    }
}

fn only(verdicts: impl IntoIterator<Item = Verdict>) -> Allowed {
    Allowed::Only(verdicts.into_iter().map(Says::Not).collect())
}

fn accepted_or(verdict: Verdict) -> Allowed {
    Allowed::Only(vec![Says::Accepted, Says::Not(verdict)])
}

fn no_blame() -> Allowed {
    Allowed::AllBut(BLAMES_THE_NUMBER.map(Says::Not).to_vec())
}

fn not_accepted() -> Allowed {
    Allowed::AllBut(vec![Says::Accepted])
}

/// The rules of an answer that no plugin may take for acceptance or for the number's fault.
fn to_blame(rule: &'static str, allowed: Allowed) -> Vec<(&'static str, Allowed)> {
    vec![("V1", not_accepted()), ("V4", no_blame()), (rule, allowed)]
}

/// A page by something that is not the provider's API, and that quotes what it was asked.
pub(super) fn html(status: u16) -> Script {
    let body = format!("<html><title>{status}</title><p>{QUOTE}</p></html>");
    answer(status, &[("content-type", "text/html")], &body)
}

pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Script {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    Script {
        http: Turn::Answer(HttpResponse {
            status,
            headers: headers.collect(),
            body: body.into(),
        }),
        mail: Turn::Reply(SmtpCommand::Dot, 451, "4.3.0 try again"),
        reading: None,
    }
}

fn fail(stage: Stage, kind: FailureKind) -> Script {
    Script {
        http: Turn::Fail(stage, kind),
        mail: Turn::Fail(stage, kind),
        reading: None,
    }
}

fn http_battery() -> Vec<Case> {
    let case = |name, script, rules| Case {
        name,
        on: On::Http,
        script,
        rules,
    };
    let on_both = |name, script, rules| Case {
        on: On::Both,
        ..case(name, script, rules)
    };
    let administrators = || only([Unauthorized, Misconfigured]);
    let too_fast = || only([Throttled, Exhausted, Unavailable]);
    let failure = || {
        let may = only([Unknown, Unavailable, Throttled, Exhausted]);
        let mut rules = to_blame("V11", may);
        rules.push(("V12", only([Unknown])));
        rules
    };
    let lost = || vec![("V9", only([Unknown]))];
    let never_left = || to_blame("V10", only([Unavailable]));
    let retry_after = [("content-type", "text/html"), ("retry-after", "7")];

    vec![
        case(
            "200 with HTML",
            html(200),
            vec![("V2", accepted_or(Unknown)), ("V3", only([Unknown]))],
        ),
        case(
            "202 without a body",
            answer(202, &[], ""),
            vec![("V2", accepted_or(Unknown))],
        ),
        case(
            "204",
            answer(204, &[], ""),
            vec![("V2", accepted_or(Unknown))],
        ),
        case(
            "302 to another page",
            html(302),
            to_blame("V6", administrators()),
        ),
        case(
            "400 with HTML",
            html(400),
            vec![("V1", not_accepted()), ("V5", no_blame())],
        ),
        case("401 with HTML", html(401), to_blame("V6", administrators())),
        case("403 with HTML", html(403), to_blame("V6", administrators())),
        case("404 with HTML", html(404), to_blame("V6", administrators())),
        case(
            "409 with HTML",
            html(409),
            vec![("V1", not_accepted()), ("V4", no_blame())],
        ),
        case(
            "429 with Retry-After",
            answer(429, &retry_after, "slower"),
            {
                let mut rules = to_blame("V7", too_fast());
                rules.push(("V8", too_fast()));
                rules
            },
        ),
        case(
            "429 without Retry-After",
            html(429),
            to_blame("V7", too_fast()),
        ),
        case("500 with HTML", html(500), failure()),
        case("503 with HTML", html(503), failure()),
        on_both("a cut body", fail(Stage::Written, FailureKind::Cut), lost()),
        on_both(
            "a time-out after writing",
            fail(Stage::Written, FailureKind::Timeout),
            lost(),
        ),
        on_both(
            "a time-out before writing",
            fail(Stage::NotSent, FailureKind::Timeout),
            never_left(),
        ),
        on_both(
            "no connection",
            fail(Stage::NotSent, FailureKind::Connect),
            never_left(),
        ),
    ]
}

fn mail_battery() -> Vec<Case> {
    use SmtpCommand::{Auth, Connect, Dot, Rcpt};

    let case = |name, (command, code, text), rules| Case {
        name,
        on: On::Mail,
        script: Script {
            http: Turn::Fail(Stage::NotSent, FailureKind::Connect),
            mail: Turn::Reply(command, code, text),
            reading: None,
        },
        rules,
    };
    let later = || to_blame("V7", only([Throttled, Exhausted, Unavailable]));
    vec![
        case(
            "421 to the connection",
            (Connect, 421, "4.7.0 too many connections"),
            later(),
        ),
        case(
            "454 to AUTH",
            (Auth, 454, "4.7.0 temporary failure"),
            later(),
        ),
        case("450 to RCPT", (Rcpt, 450, "4.2.0 greylisted"), later()),
        case(
            "451 to the final dot",
            (Dot, 451, "4.3.0 try again"),
            later(),
        ),
        case(
            "535 to AUTH",
            (Auth, 535, "5.7.8 authentication failed"),
            to_blame("V6", only([Unauthorized, Misconfigured])),
        ),
        case(
            "554 to the final dot",
            (Dot, 554, "5.6.0 refused"),
            vec![("V1", not_accepted())],
        ),
    ]
}
