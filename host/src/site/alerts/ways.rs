//! How an alert goes out: none of the ways is a sender of texts.

use std::{
    ffi::OsStr,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use lettre::{
    Address,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use textsender_plugin_api::{Answer, Exchange, HttpRequest, Method};
use url::Url;

use super::Message;
use crate::{
    budget::Budget,
    config::{Alerts, Http},
    net::Share,
    plugins,
    site::block_on,
    transport::{Egress, HttpSettings, NamedHost, Progress, Transports},
    trust,
};

/// How long one way may take: a look comes each minute.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often a program is looked at whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Where `sendmail` is, on every system that has one.
const SENDMAIL: [&str; 2] = ["/usr/sbin/sendmail", "/usr/lib/sendmail"];

/// A way.
pub(super) enum Way<'a> {
    Mail(&'a [String]),
    /// A program, and its arguments.
    Command(&'a Path, &'a [String]),
    Webhook(&'a Url),
}

/// Those that are named.
pub(super) fn of(alerts: &Alerts) -> Vec<Way<'_>> {
    let mail = (!alerts.mail.is_empty()).then_some(Way::Mail(&alerts.mail));
    let command = alerts.command.split_first();
    let command = command.map(|(program, rest)| Way::Command(Path::new(program), rest));
    let webhook = alerts.webhook.as_ref().map(Way::Webhook);
    [mail, command, webhook].into_iter().flatten().collect()
}

impl Way<'_> {
    /// Its key in `[alerts]`.
    pub fn name(&self) -> &'static str {
        match self {
            Way::Mail(_) => "mail",
            Way::Command(..) => "command",
            Way::Webhook(_) => "webhook",
        }
    }

    pub fn send(&self, http: &Http, message: &Message) -> anyhow::Result<()> {
        match self {
            Way::Mail(to) => by_mail(to, message),
            Way::Command(program, arguments) => {
                by_own_program(program, arguments, message.text.as_bytes())
            }
            Way::Webhook(url) => by_webhook(url, http, message),
        }
    }
}

fn by_mail(to: &[String], message: &Message) -> anyhow::Result<()> {
    let sendmail = SENDMAIL
        .map(Path::new)
        .into_iter()
        .find(|path| path.exists());
    let sendmail = sendmail.context(
        "there is no /usr/sbin/sendmail: install a mail server such as postfix, or use command or webhook",
    )?;
    // A line with a dot alone does not end it.
    by_program(sendmail, &["-i", "-t"], &mail(to, message)?)
}

/// A mail for `sendmail`, which takes whom it goes to from its head, and lines as files have them.
fn mail(to: &[String], message: &Message) -> anyhow::Result<Vec<u8>> {
    let host = Address::new(ACCOUNT, &message.host);
    let from = host.or_else(|_| Address::new(ACCOUNT, "localhost"))?;
    let generated = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mut head = lettre::Message::builder()
        .from(Mailbox::new(None, from))
        .subject(&message.subject)
        .raw_header(HeaderValue::new(generated, "auto-generated".to_owned()))
        .date_now()
        .header(ContentType::TEXT_PLAIN);
    for address in to {
        head = head.to(address.parse()?);
    }
    let mail = head.body(message.text.clone())?.formatted();
    Ok(String::from_utf8(mail)?.replace("\r\n", "\n").into_bytes())
}

/// Whom alerts come from, at the host.
const ACCOUNT: &str = "textsender";

/// A program that no other account can change: it runs as this one.
fn by_own_program(program: &Path, arguments: &[String], input: &[u8]) -> anyhow::Result<()> {
    trust::open(program).with_context(|| format!("{} can't be started", program.display()))?;
    by_program(program, arguments, input)
}

fn by_program(program: &Path, arguments: &[impl AsRef<OsStr>], input: &[u8]) -> anyhow::Result<()> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{} can't be started", program.display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read it may have its reasons: its exit code tells.
        let _ = stdin.write_all(input);
    }
    let until = Instant::now() + PATIENCE;
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => bail!("{} ended with {status}", program.display()),
            None if Instant::now() >= until => {
                child.kill()?;
                child.wait()?;
                bail!(
                    "{} did not end within {} s",
                    program.display(),
                    PATIENCE.as_secs()
                );
            }
            None => thread::sleep(LOOK),
        }
    }
}

fn by_webhook(url: &Url, http: &Http, message: &Message) -> anyhow::Result<()> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let named = NamedHost {
        host: host.to_owned(),
        ports: url.port_or_known_default().into_iter().collect(),
    };
    let request = HttpRequest {
        method: Method::Post,
        url: url.to_string(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: serde_json::to_vec(message)?,
        delivers: true,
    };
    let settings = HttpSettings {
        proxy: plugins::proxy(http, "[alerts]", &mut Vec::new())?,
        ca_file: http.ca_file.clone(),
        ..HttpSettings::default()
    };
    let answer = block_on(async {
        let budget = Budget::default();
        let mut held = budget
            .hold(request.body.len())
            .context("no memory is left")?;
        let egress = Arc::new(Egress::new([], [named]));
        let progress = Progress::default();
        let until = tokio::time::Instant::now() + PATIENCE;
        let transports = Transports::new(settings, Share::default());
        let answer = transports.carry(
            Exchange::Http(request),
            &egress,
            until,
            &progress,
            &mut held,
        );
        answer.await.map_err(|error| {
            let words = progress.fault().and_then(|fault| fault.words);
            anyhow::anyhow!("{host}: {}", words.unwrap_or_else(|| error.to_string()))
        })
    })??;
    match answer {
        Answer::Http(answer) if (200..300).contains(&answer.status) => Ok(()),
        Answer::Http(answer) => bail!("{host} answered with status {}", answer.status),
        _ => bail!("{host} did not answer by HTTP"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::health::Level;

    fn written(subject: &str, to: &[&str]) -> String {
        let message = Message {
            subject: subject.to_owned(),
            text: format!("{subject}\n\n.\nÄ line\n"),
            host: "srv1.example.org".to_owned(),
            level: Level::Critical,
            wrong: Vec::new(),
            well: Vec::new(),
        };
        let to: Vec<String> = to.iter().map(ToString::to_string).collect();
        String::from_utf8(mail(&to, &message).unwrap()).unwrap()
    }

    #[test]
    fn a_mail_is_of_short_lines_of_ascii_whatever_an_alert_says() {
        let subject = format!(
            "textsender on srv1 CRITICAL: sender köln: {}\nBcc: eve@example.org",
            "ü".repeat(200)
        );
        let mail = written(&subject, &["a@example.org", "b@example.org"]);
        let (head, _) = mail.split_once("\n\n").unwrap();
        assert!(
            mail.lines().all(|line| line.len() <= 78 && line.is_ascii()),
            "{mail}"
        );
        // What is folded is one header: an alert can't add one.
        let headers: Vec<&str> = head.lines().filter(|line| !line.starts_with(' ')).collect();
        let names: Vec<&str> = headers
            .iter()
            .filter_map(|line| Some(line.split_once(": ")?.0))
            .collect();
        assert!(
            !names.contains(&"Bcc") && names.len() == headers.len(),
            "{head}"
        );
        assert!(head.contains("To: a@example.org, b@example.org"), "{head}");
        assert!(
            head.contains("Subject: textsender on srv1 CRITICAL: sender =?utf-8?b?"),
            "{head}"
        );
        assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
    }
}
