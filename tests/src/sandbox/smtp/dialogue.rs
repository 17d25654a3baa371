//! One SMTP dialogue (RFC 5321): command by command, strictly in order.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::auth::{Login, Step, TOKEN_REFUSED};
use super::fault::{Command, Effect, SmtpFault};
use super::wire::Wire;
use super::{MAX_MAIL, Security, Shared};

const NAME: &str = "sandbox.localhost";

/// How a dialogue, or its part before TLS, ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Close,
    Reset,
    StartTls,
}

/// Where a dialogue stands.
#[derive(Debug, Default)]
struct State {
    helo: Option<String>,
    user: Option<String>,
    envelope: Option<Envelope>,
}

/// The envelope of the mail that is being handed over.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub helo: String,
    pub user: Option<String>,
    pub from: String,
    pub parameters: String,
    pub to: Vec<String>,
}

/// What follows a command.
enum Next {
    Command,
    End(Ending),
}

/// The reply to a command and whether the dialogue goes on.
struct Verdict {
    reply: String,
    next: Next,
}

pub(super) struct Dialogue<'a, S> {
    wire: Wire<S>,
    shared: &'a Shared,
    security: Security,
    /// Whether what is said is encrypted.
    secure: bool,
    state: State,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Dialogue<'a, S> {
    pub fn new(stream: S, shared: &'a Shared, security: Security, secure: bool) -> Self {
        Self {
            wire: Wire::new(stream),
            shared,
            security,
            secure,
            state: State::default(),
        }
    }

    /// Says hello and serves the client to the end. After STARTTLS the greeting has been said.
    pub async fn serve(&mut self, greet: bool) -> io::Result<Ending> {
        if greet {
            let greeting = format!("220 {NAME} ESMTP");
            if let Next::End(ending) = self.finish(Command::Connect, proceed(greeting)).await? {
                return Ok(ending);
            }
        }
        loop {
            let Some(line) = self.wire.line().await? else {
                return Ok(Ending::Close);
            };
            self.shared.note_command(&line);
            if let Next::End(ending) = self.command(&line).await? {
                return Ok(ending);
            }
        }
    }

    /// Ends the use of the stream.
    pub fn into_stream(self) -> S {
        self.wire.into_stream()
    }

    async fn command(&mut self, line: &str) -> io::Result<Next> {
        // Only DATA's text may follow unasked, and that not before 354.
        if self.wire.has_more() {
            self.wire
                .say("554 5.5.0 SMTP synchronization error: PIPELINING is not offered")
                .await?;
            return Ok(Next::End(Ending::Close));
        }
        let (verb, arguments) = line.split_once(' ').unwrap_or((line, ""));
        let arguments = arguments.trim();
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" => {
                let fault = self.shared.fault(Command::Ehlo, None);
                let verdict = self.hello(verb, arguments);
                if refuses(fault.as_ref()) {
                    self.state.helo = None;
                }
                self.conclude(fault, verdict).await
            }
            "STARTTLS" => {
                let verdict = self.start_tls(arguments);
                self.finish(Command::StartTls, verdict).await
            }
            "AUTH" => self.authenticate(arguments).await,
            "MAIL" => {
                let fault = self.shared.fault(Command::Mail, None);
                let verdict = self.mail(arguments);
                if refuses(fault.as_ref()) {
                    self.state.envelope = None;
                }
                self.conclude(fault, verdict).await
            }
            "RCPT" => self.recipient(arguments).await,
            "DATA" => self.data().await,
            "RSET" => {
                self.state.envelope = None;
                self.finish(Command::Rset, proceed("250 2.0.0 Ok")).await
            }
            "NOOP" => self.finish(Command::Noop, proceed("250 2.0.0 Ok")).await,
            "QUIT" => {
                let reply = "221 2.0.0 Bye".to_owned();
                let next = Next::End(Ending::Close);
                self.finish(Command::Quit, Verdict { reply, next }).await
            }
            "VRFY" => self.tell("252 2.0.0 Cannot verify").await,
            _ => self.tell("500 5.5.2 Command not recognized").await,
        }
    }

    fn hello(&mut self, verb: &str, client: &str) -> Verdict {
        if client.is_empty() {
            return proceed("501 5.5.4 Say who you are");
        }
        self.state.helo = Some(client.to_owned());
        self.state.envelope = None;
        if verb.eq_ignore_ascii_case("HELO") {
            return proceed(format!("250 {NAME}"));
        }
        let mut lines = vec![
            NAME.to_owned(),
            "8BITMIME".to_owned(),
            format!("SIZE {MAX_MAIL}"),
        ];
        if self.offers_tls() {
            lines.push("STARTTLS".to_owned());
        } else {
            lines.push(format!("AUTH {}", self.shared.mechanisms()));
        }
        lines.push("ENHANCEDSTATUSCODES".to_owned());
        let last = lines.len() - 1;
        let marked = lines
            .iter()
            .enumerate()
            .map(|(at, line)| format!("250{}{line}", if at == last { ' ' } else { '-' }));
        proceed(marked.collect::<Vec<_>>().join("\r\n"))
    }

    fn start_tls(&self, arguments: &str) -> Verdict {
        if !arguments.is_empty() {
            return proceed("501 5.5.4 STARTTLS takes no arguments");
        }
        if !self.offers_tls() {
            return proceed("502 5.5.1 STARTTLS is not offered");
        }
        Verdict {
            reply: "220 2.0.0 Ready to start TLS".to_owned(),
            next: Next::End(Ending::StartTls),
        }
    }

    async fn authenticate(&mut self, arguments: &str) -> io::Result<Next> {
        if self.state.helo.is_none() || self.state.user.is_some() || self.state.envelope.is_some() {
            return self.tell("503 5.5.1 Not now").await;
        }
        if self.offers_tls() {
            return self
                .tell("538 5.7.11 Encryption required for requested authentication mechanism")
                .await;
        }
        let mechanism = arguments.split(' ').next().unwrap_or_default();
        if !self.shared.offers(mechanism) {
            return self
                .tell("504 5.5.4 Unrecognized authentication type")
                .await;
        }
        let (mut login, mut step) = Login::begin(arguments);
        loop {
            match (login, step) {
                (Some(waiting), Step::Ask(challenge)) => {
                    self.wire.say(challenge).await?;
                    let Some(line) = self.wire.line().await? else {
                        return Ok(Next::End(Ending::Close));
                    };
                    (login, step) = waiting.answer(&line);
                }
                (_, Step::Credentials { user, password }) => {
                    let fault = self.shared.fault(Command::Auth, None);
                    let verdict = if !self.shared.admits(&user, &password) {
                        proceed("535 5.7.8 Authentication credentials invalid")
                    } else {
                        self.state.user = (!refuses(fault.as_ref())).then_some(user);
                        proceed("235 2.7.0 Authentication successful")
                    };
                    return self.conclude(fault, verdict).await;
                }
                (_, Step::Token { user, token }) => {
                    let fault = self.shared.fault(Command::Auth, None);
                    if fault.is_none() && !self.shared.admits_token(&user, &token) {
                        (login, step) = (Some(Login::TokenRefused), Step::Ask(TOKEN_REFUSED));
                        continue;
                    }
                    self.state.user = (!refuses(fault.as_ref())).then_some(user);
                    let verdict = proceed("235 2.7.0 Authentication successful");
                    return self.conclude(fault, verdict).await;
                }
                (_, Step::Refuse(reply)) => return self.tell(reply).await,
                // Not made by `Login`: an ask leaves something that waits for the answer.
                (None, Step::Ask(_)) => return self.tell("501 5.5.2 Cannot decode response").await,
            }
        }
    }

    fn mail(&mut self, arguments: &str) -> Verdict {
        let Some(helo) = self.state.helo.clone() else {
            return proceed("503 5.5.1 Say EHLO first");
        };
        if self.state.envelope.is_some() {
            return proceed("503 5.5.1 Nested MAIL command");
        }
        if self.offers_tls() {
            return proceed("530 5.7.0 Must issue a STARTTLS command first");
        }
        if self.state.user.is_none() && self.shared.requires_login() {
            return proceed("530 5.7.0 Authentication required");
        }
        let Some((from, parameters)) = path(arguments, "FROM:") else {
            return proceed("501 5.5.4 Syntax: MAIL FROM:<address>");
        };
        let size = parameters.split(' ').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.eq_ignore_ascii_case("SIZE")
                .then(|| value.parse::<usize>().ok())?
        });
        if size.is_some_and(|size| size > MAX_MAIL) {
            return proceed("552 5.3.4 Message size exceeds fixed limit");
        }
        self.state.envelope = Some(Envelope {
            helo,
            user: self.state.user.clone(),
            from: from.to_owned(),
            parameters: parameters.to_owned(),
            to: Vec::new(),
        });
        proceed("250 2.1.0 Ok")
    }

    async fn recipient(&mut self, arguments: &str) -> io::Result<Next> {
        if self.state.envelope.is_none() {
            return self.tell("503 5.5.1 Need MAIL command").await;
        }
        let Some((to, _)) = path(arguments, "TO:").filter(|(to, _)| !to.is_empty()) else {
            return self.tell("501 5.5.4 Syntax: RCPT TO:<address>").await;
        };
        let fault = self.shared.fault(Command::Rcpt, Some(to));
        let steered = steer(to);
        if steered.is_none()
            && !refuses(fault.as_ref())
            && let Some(envelope) = &mut self.state.envelope
        {
            envelope.to.push(to.to_owned());
        }
        let verdict = steered.unwrap_or_else(|| proceed("250 2.1.5 Ok"));
        self.conclude(fault, verdict).await
    }

    async fn data(&mut self) -> io::Result<Next> {
        let envelope = self.state.envelope.take();
        let Some(envelope) = envelope.filter(|envelope| !envelope.to.is_empty()) else {
            return self.tell("503 5.5.1 Need RCPT command").await;
        };
        let recipient = envelope.to[0].clone();
        let fault = self.shared.fault(Command::Data, Some(&recipient));
        let is_right = fault
            .as_ref()
            .is_none_or(|fault| matches!(fault.effect, Effect::Genuine));
        let next = self
            .conclude(fault, proceed("354 End data with <CR><LF>.<CR><LF>"))
            .await?;
        if !is_right {
            return Ok(next);
        }
        let Some(raw) = self.wire.text().await? else {
            return Ok(Next::End(Ending::Close));
        };
        if raw.len() > MAX_MAIL {
            return self
                .tell("552 5.3.4 Message size exceeds fixed limit")
                .await;
        }
        let fault = self.shared.fault(Command::Dot, Some(&recipient));
        let id = if refuses(fault.as_ref()) {
            "nothing".to_owned()
        } else {
            self.shared.take(envelope, self.security, raw)
        };
        self.conclude(fault, proceed(format!("250 2.0.0 Ok: queued as {id}")))
            .await
    }

    /// Asks for a fault at this command and replies.
    async fn finish(&mut self, at: Command, verdict: Verdict) -> io::Result<Next> {
        let fault = self.shared.fault(at, None);
        self.conclude(fault, verdict).await
    }

    /// Replies as it is right, or as the fault wants it.
    async fn conclude(&mut self, fault: Option<SmtpFault>, verdict: Verdict) -> io::Result<Next> {
        let Some(fault) = fault else {
            self.wire.say(&verdict.reply).await?;
            return Ok(verdict.next);
        };
        if fault.delay > Duration::ZERO {
            tokio::time::sleep(fault.delay).await;
        }
        match fault.effect {
            Effect::Genuine => {
                self.wire.say(&verdict.reply).await?;
                Ok(verdict.next)
            }
            Effect::Reply(reply) => {
                self.wire.say(&reply).await?;
                // A refusal leaves the dialogue where it was; 421 is the end of it (RFC 5321, 3.8).
                let next = if reply.starts_with("421") {
                    Next::End(Ending::Close)
                } else {
                    Next::Command
                };
                Ok(next)
            }
            Effect::Drop => Ok(Next::End(Ending::Close)),
            Effect::Reset => Ok(Next::End(Ending::Reset)),
            Effect::Silence => {
                self.wire.ignore().await?;
                Ok(Next::End(Ending::Close))
            }
        }
    }

    async fn tell(&mut self, reply: &str) -> io::Result<Next> {
        self.wire.say(reply).await?;
        Ok(Next::Command)
    }

    /// Whether the client has yet to encrypt.
    fn offers_tls(&self) -> bool {
        self.security == Security::StartTls && !self.secure
    }
}

/// Whether a fault keeps the command from having its effect.
fn refuses(fault: Option<&SmtpFault>) -> bool {
    fault.is_some_and(|fault| !fault.takes)
}

fn proceed(reply: impl Into<String>) -> Verdict {
    Verdict {
        reply: reply.into(),
        next: Next::Command,
    }
}

/// The reply that a recipient such as `451@sms.example` asks for.
fn steer(to: &str) -> Option<Verdict> {
    let code = to.split('@').next()?;
    let steers = code.len() == 3
        && code.starts_with(['4', '5'])
        && code.bytes().all(|byte| byte.is_ascii_digit());
    steers.then(|| Verdict {
        reply: format!("{code} {}.0.0 steered by recipient", &code[..1]),
        next: if code == "421" {
            Next::End(Ending::Close)
        } else {
            Next::Command
        },
    })
}

/// The address and the parameters of `FROM:<address> parameters`.
fn path<'a>(arguments: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let (found, rest) = arguments.split_at_checked(keyword.len())?;
    if !found.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, parameters) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    Some((address, parameters.trim()))
}
