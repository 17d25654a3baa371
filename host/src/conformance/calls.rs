//! Calls: taken back, many at a time, with odd messages; and the questions beside `send`.

use std::time::Duration;

use textsender_plugin_api::{Exchange, Message, SmtpCommand};

use super::{
    answers::{self, delivering},
    bench::{Bench, CODE, End, PATIENCE, message, message_to},
    provider::{Script, Seen, Turn},
};
use crate::plugins::Work;

/// How long a call is given that is to be taken back.
const SHORT: Duration = Duration::from_millis(300);

/// How long after it the process would have been ended for not letting go.
const AFTER_GRACE: Duration = Duration::from_millis(700);

/// How many messages are sent at a time.
const CROWD: usize = 16;

pub(super) async fn cases(bench: &mut Bench) {
    taken_back(bench).await;
    many_at_a_time(bench).await;
    odd_messages(bench).await;
    questions(bench).await;
}

/// A call whose exchange is not answered, until its deadline.
async fn taken_back(bench: &mut Bench) {
    let silence = Script {
        http: Turn::Silence,
        mail: Turn::Silence,
        reading: None,
    };
    let case = "a call that is taken back";
    let (end, _) = bench
        .ask_for(Work::Send(message()), silence, case, SHORT)
        .await;
    if !matches!(end, End::TimedOut) {
        // It did not wait for the answer: that is another rule's.
        return;
    }
    tokio::time::sleep(AFTER_GRACE).await;
    let lets_go = bench.is_alive();
    bench.report.expect(
        "C5",
        lets_go,
        "it does not let go, and its process is ended",
    );
    let (end, _) = bench
        .ask(
            Work::Send(message()),
            answers::html(500),
            "the call after it",
        )
        .await;
    let answers = matches!(end, End::Replied(_) | End::Failed(_));
    bench
        .report
        .expect("C5", answers, "the next call gets no answer");
}

/// Messages to different numbers with different codes, none answered before all are handed over.
async fn many_at_a_time(bench: &mut Bench) {
    let case = "sixteen messages at a time";
    let Some(process) = bench.process(case).await else {
        return;
    };
    let acceptance = answers::acceptance(bench);
    let script = acceptance.unwrap_or_else(|| answers::html(500));
    let together = |turn: Turn| Turn::Together(CROWD, Box::new(turn));
    bench.provider.play(bench.with_reading(Script {
        http: together(script.http),
        mail: together(Turn::Reply(SmtpCommand::Dot, 250, "2.0.0 queued")),
        reading: None,
    }));
    let messages: Vec<Message> = (0..CROWD)
        .map(|n| message_to(&format!("+4477009007{n:02}"), &code(n)))
        .collect();
    let deadline = tokio::time::Instant::now() + PATIENCE / 2;
    let calls = messages
        .iter()
        .map(|message| process.call(Work::Send(message.clone()), deadline));
    let ends = futures_util::future::join_all(calls).await;
    let seen = bench.provider.seen();
    for end in ends {
        bench.look_at(&End::of(end.result), case);
    }
    bench.put_back(process);

    let handed_over = delivering(&seen);
    let at_once = format!("{handed_over} of {CROWD} were in flight before one was answered");
    bench.report.expect("C7", handed_over >= CROWD, at_once);
    for message in &messages {
        unmixed(bench, message, &seen);
    }
}

/// The code of one of many messages.
fn code(n: usize) -> String {
    format!("k0d{n:02}xyz")
}

/// Whether what holds a message's number holds its code too, if it holds any.
fn unmixed(bench: &mut Bench, message: &Message, seen: &[Seen]) {
    let number = message.to.national_number();
    let own = message.code.as_ref().map_or("", |code| code.expose());
    let holds_number = seen.iter().map(|seen| text_of(&seen.exchange));
    for text in holds_number.filter(|text| text.contains(number)) {
        let other = (0..CROWD).map(code).chain([CODE.to_owned()]);
        let mixed = other
            .filter(|code| code != own)
            .any(|code| text.contains(&code));
        bench.report.expect(
            "C6",
            !mixed,
            "one message's exchange holds another one's code",
        );
    }
    let count = seen
        .iter()
        .filter(|seen| text_of(&seen.exchange).contains(number))
        .count();
    bench.report.expect(
        "C6",
        count <= 1,
        "one number is in several messages' exchanges",
    );
}

fn text_of(exchange: &Exchange) -> String {
    match exchange {
        Exchange::Http(request) => {
            format!("{} {}", request.url, String::from_utf8_lossy(&request.body))
        }
        Exchange::Smtp(mail) => format!("{} {} {}", mail.to, mail.subject, mail.body),
        _ => String::new(),
    }
}

/// Messages as directories and administrators make them.
async fn odd_messages(bench: &mut Bench) {
    let odd = [
        ("line breaks", "a\r\nTo: +15005550006\r\n\r\nb".to_owned()),
        (
            "quotes and braces",
            r#"'"\ {"a":[1]} <b> & %code% %%"#.to_owned(),
        ),
        ("other scripts", "Κωδικός رمز 🔑 ŵ \u{202e}".to_owned()),
        ("10,000 characters", "long ".repeat(2_000)),
        ("a zero byte", "a\0b".to_owned()),
    ];
    for (what, text) in odd {
        let mut message = message();
        message.text = format!("{text} beK989vc");
        message.name = Some(text.clone());
        message.user = Some(text.chars().take(200).collect());
        let case = format!("a message with {what}");
        let (end, _) = bench
            .ask(Work::Send(message), answers::html(500), &case)
            .await;
        let ends = !matches!(end, End::TimedOut);
        bench
            .report
            .expect("C9", ends, format!("{case}: the call does not end"));
    }
}

/// `check`, `status` and `find`, answered by what knows nothing.
async fn questions(bench: &mut Bench) {
    let answers = [
        ("HTML", answers::html(200)),
        (
            "an empty object",
            answers::answer(200, &[("content-type", "application/json")], "{}"),
        ),
        (
            "an empty list",
            answers::answer(200, &[("content-type", "application/json")], "[]"),
        ),
        ("404", answers::html(404)),
        ("500", answers::html(500)),
    ];
    for (what, script) in answers {
        // Since an hour ago.
        let since = std::time::SystemTime::now() - Duration::from_secs(3600);
        let since = since
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let since = u64::try_from(since.as_millis()).unwrap_or_default();
        let case = format!("`find`, answered with {what}");
        let find = Work::Find(message(), since);
        let (end, seen) = bench.ask(find, script.clone(), &case).await;
        bench
            .report
            .expect("C3", !end.is_absent(), format!("{case}: it says absent"));
        delivers_nothing(bench, &seen, &case);

        let case = format!("`check`, answered with {what}");
        let (_, seen) = bench.ask(Work::Check, script.clone(), &case).await;
        delivers_nothing(bench, &seen, &case);

        let case = format!("`status`, answered with {what}");
        let (_, seen) = bench
            .ask(Work::Status("a1b2c3".into()), script, &case)
            .await;
        delivers_nothing(bench, &seen, &case);
    }
    let id = "../../evil?x=1#y";
    let case = "`status` of an id that is a path";
    let (_, seen) = bench
        .ask(Work::Status(id.into()), answers::html(200), case)
        .await;
    delivers_nothing(bench, &seen, case);
    let led = seen.iter().any(|seen| match &seen.exchange {
        Exchange::Http(request) => request.url.contains("../") || request.url.contains("evil?"),
        _ => false,
    });
    bench.report.expect(
        "C4",
        !led,
        format!("{case}: the id is part of the URL as it is"),
    );
}

fn delivers_nothing(bench: &mut Bench, seen: &[Seen], case: &str) {
    let count = seen.iter().filter(|seen| seen.exchange.delivers()).count();
    let finding = format!("{case}: {count} exchanges are not marked as `reading`");
    bench.report.expect("C2", count == 0, finding);
}
