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
//! | `mail.rs` | a message becomes a mail |
//! | `reply.rs` | what a mail server's replies mean for a message |
//! | `findings.rs` | what a check can tell without sending |
//!
//! Such a service does not report what became of a text, and keeps no list to look into: `status` and
//! `find` can't tell. A repeated mail has the same `Message-ID`, so that a gateway may notice.

mod findings;
mod mail;
mod reply;
mod settings;
#[cfg(test)]
mod tests;

use textsender_plugin_api::{
    Capabilities, Finding, Host, Message, PluginInfo, Receipt, SendError, Sender, SettingsError,
    TextSource, export_sender,
};

use settings::Settings;

export_sender!(EmailGateway);

/// One account at one gateway, and the mail server that takes mail for it.
struct EmailGateway {
    settings: Settings,
    host: Host,
}

impl Sender for EmailGateway {
    type Settings = Settings;

    fn info() -> PluginInfo {
        let version = env!("CARGO_PKG_VERSION");
        // The templates put the text into a mail; the settings say what the gateway carries.
        PluginInfo::new("email-gateway", "E-mail to SMS gateway", version)
            .with_capabilities(Capabilities::everything().with_text(TextSource::Settings))
    }

    fn configure(settings: Settings, host: Host) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { settings, host })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let mail = mail::compose(&self.settings, message)?;
        // The gateway gives no id; this one is in its mail server's log.
        let receipt = Receipt::new(mail.message_id.clone());
        // `?` gives an exchange without a reply its verdict: unavailable, or unknown if the final
        // dot had left.
        let reply = self.host.smtp().send(mail).await?;
        match reply.is_accepted() {
            true => Ok(receipt),
            false => Err(reply::refusal(&reply)),
        }
    }

    async fn check(&self) -> Result<Vec<Finding>, SendError> {
        let mut findings = findings::of(&self.settings);
        // With such settings no mail is sent, whatever the server says.
        if findings.iter().any(|finding| finding.is_fault) {
            return Ok(findings);
        }
        let reply = self.host.smtp().check(mail::blank(&self.settings)).await?;
        if !reply.is_positive() {
            return Err(reply::refusal(&reply));
        }
        findings.extend(findings::of_server(&self.settings));
        Ok(findings)
    }
}
