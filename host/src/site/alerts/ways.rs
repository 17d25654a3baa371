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
use textsender_plugin_api::{Answer, Exchange, HttpRequest, Method};
use url::Url;

use super::Message;
use crate::{
    budget::Budget,
    config::{Alerts, Config},
    plugins,
    site::block_on,
    transport::{Egress, HttpSettings, NamedHost, Progress, Transports},
};

/// How long one way may take: a look comes each minute.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often a program is looked at whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Where `sendmail` is, on every system that has one.
const SENDMAIL: [&str; 2] = ["/usr/sbin/sendmail", "/usr/lib/sendmail"];

/// Sends a message by every way; returns those that failed, and why.
///
/// # Errors
///
/// All failed.
pub(super) fn send(config: &Config, message: &Message) -> anyhow::Result<Vec<String>> {
    let Alerts {
        mail,
        command,
        webhook,
    } = &config.alerts;
    let mut ways: Vec<(&str, anyhow::Result<()>)> = Vec::new();
    if !mail.is_empty() {
        ways.push(("mail", by_mail(mail, message)));
    }
    if let Some((program, arguments)) = command.split_first() {
        let sent = by_program(Path::new(program), arguments, message.text.as_bytes());
        ways.push(("command", sent));
    }
    if let Some(url) = webhook {
        ways.push(("webhook", by_webhook(url, config, message)));
    }
    let count = ways.len();
    let failed = ways.into_iter().filter_map(|(way, sent)| {
        let error = sent.err()?;
        Some(format!("[alerts] {way}: {error:#}"))
    });
    let failed: Vec<String> = failed.collect();
    match failed.len() == count {
        true => bail!("{}", failed.join("; ")),
        false => Ok(failed),
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
    let mail = format!(
        "To: {}\nSubject: {}\nAuto-Submitted: auto-generated\nContent-Type: text/plain; charset=utf-8\n\n{}",
        to.join(", "),
        on_one_ascii_line(&message.subject),
        message.text
    );
    // A line with a dot alone does not end it; whom it goes to stands in its head.
    by_program(sendmail, &["-i", "-t"], mail.as_bytes())
}

/// A header as every mail server takes it.
fn on_one_ascii_line(text: &str) -> String {
    let plain = |c: char| match c {
        ' '..='~' => c,
        _ => '?',
    };
    text.chars().map(plain).take(200).collect()
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

fn by_webhook(url: &Url, config: &Config, message: &Message) -> anyhow::Result<()> {
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
        proxy: plugins::proxy(&config.http, "[alerts]", &mut Vec::new())?,
        ca_file: config.http.ca_file.clone(),
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
        let transports = Transports::new(settings);
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
