//! A gateway that makes text messages of e-mails.
//!
//! There is no standard for it: a service wants the number in the address, the subject or the body,
//! and knows its customer by the sender's address or by a secret in any of these. So all three are
//! templates. `gateways.md`, beside this crate's manifest, has settings for the services that are
//! known; a test sends a message with each.
//!
//! | file | what is in it |
//! |---|---|
//! | `lib.rs` | the sender |
//! | `settings.rs` | what an administrator fills in, and what does not go together |
//! | `gateways.rs` | the services that are picked by name |
//! | `mail.rs` | a message becomes a mail |
//! | `reply.rs` | what a mail server's replies mean for a message |
//! | `token.rs` | how access tokens are asked for, for servers that take no password |
//! | `findings.rs` | what a check can tell without sending |
//!
//! Such a service does not report what became of a text, and keeps no list to look into: `status` and
//! `find` can't tell. A repeated mail has the same `Message-ID`, so that a gateway may notice.

mod findings;
mod gateways;
mod mail;
mod reply;
mod settings;
#[cfg(test)]
mod tests;
mod token;

use std::sync::atomic::{AtomicBool, Ordering};

use textsender_plugin_api::{
    AccessToken, Capabilities, Finding, Host, Mail, Message, PluginInfo, Provider, Receipt, Secret,
    SendError, Sender, SettingsError, SmtpCommand, SmtpReply, TextSource, export_sender,
};

use settings::Settings;

export_sender!(EmailGateway);

/// One account at one gateway, and the mail server that takes mail for it.
struct EmailGateway {
    settings: Settings,
    host: Host,
    token: AccessToken,
    /// Whether the server took a recipient, ever: then it takes ours in general.
    rcpt_taken: AtomicBool,
}

impl Sender for EmailGateway {
    type Settings = Settings;

    fn info() -> PluginInfo {
        let version = env!("CARGO_PKG_VERSION");
        // The templates put the text into a mail; the settings say what the gateway carries.
        PluginInfo::new("email-gateway", "E-mail to SMS gateway", version)
            .with_capabilities(Capabilities::everything().with_text(TextSource::Settings))
    }

    fn providers() -> Vec<Provider> {
        gateways::providers(&Self::info())
    }

    fn configure(settings: Settings, host: Host) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self {
            settings,
            host,
            token: AccessToken::default(),
            rcpt_taken: AtomicBool::new(false),
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let mail = mail::compose(&self.settings, message)?;
        // The gateway gives no id; this one is in its mail server's log.
        let receipt = Receipt::new(mail.message_id.clone());
        let reply = self.submit(mail, Submission::Send).await?;
        match reply.is_accepted() {
            true => Ok(receipt),
            false => Err(self.refusal(&reply)),
        }
    }

    async fn check(&self) -> Result<Vec<Finding>, SendError> {
        let mut findings = findings::of(&self.settings);
        // With such settings no mail is sent, whatever the server says.
        if findings.iter().any(|finding| finding.is_fault) {
            return Ok(findings);
        }
        let reply = self.submit(mail::blank(&self.settings), Submission::Check);
        let reply = reply.await?;
        if !reply.is_positive() {
            return Err(self.refusal(&reply));
        }
        findings.extend(findings::of_server(&self.settings));
        Ok(findings)
    }
}

/// What a mail is submitted for.
#[derive(Clone, Copy)]
enum Submission {
    Send,
    /// The server is only asked.
    Check,
}

impl EmailGateway {
    /// Submits a mail and brings the server's last reply. A token that the server refuses is replaced
    /// once: it may have been revoked, and at AUTH nothing of the mail has left.
    async fn submit(&self, mut mail: Mail, submission: Submission) -> Result<SmtpReply, SendError> {
        mail.access_token = self.access_token().await?;
        let with_token = mail.access_token.is_some();
        let reply = self.submit_once(mail.clone(), submission).await?;
        if !(with_token && (reply.command, reply.code) == (SmtpCommand::Auth, 535)) {
            return Ok(reply);
        }
        self.token.forget();
        mail.access_token = self.access_token().await?;
        self.submit_once(mail, submission).await
    }

    /// A token, where the settings want one.
    async fn access_token(&self) -> Result<Option<Secret>, SendError> {
        let Some(oauth) = self.settings.oauth() else {
            return Ok(None);
        };
        let request = token::request(&oauth, &self.host);
        self.token.get(&self.host, request).await.map(Some)
    }

    /// `?` gives an exchange without a reply its verdict: unavailable, or unknown if the final dot had
    /// left.
    async fn submit_once(
        &self,
        mail: Mail,
        submission: Submission,
    ) -> Result<SmtpReply, SendError> {
        let reply = match submission {
            Submission::Send => self.host.smtp().send(mail).await?,
            Submission::Check => self.host.smtp().check(mail).await?,
        };
        if matches!(reply.command, SmtpCommand::Data | SmtpCommand::Dot) {
            self.rcpt_taken.store(true, Ordering::Relaxed);
        }
        Ok(reply)
    }

    fn refusal(&self, reply: &SmtpReply) -> SendError {
        reply::refusal(reply, self.rcpt_taken.load(Ordering::Relaxed))
    }
}
