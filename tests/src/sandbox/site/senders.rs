//! A site whose senders lead to a sandbox: one ready sender for each plugin that is built.

use std::net::SocketAddr;
use std::path::Path;

use toml::{Table, Value};

use super::edit::replace_text;
use super::files::write;
use super::{Site, SiteError, plugin_name};
use crate::sandbox::smtp::Security;
use crate::sandbox::{Sandbox, notify, twilio};

/// What a site for a sandbox adds to its senders.
const HELPDESK: &str = r#"
[defaults]
policy = "Everyone"
[helpdesk]
region = "GB"
new_password = true
[helpdesk.texts]
helpdesk_code = "Your helpdesk code is %code%"
new_password = "Your new password is %password%"
"#;

/// The policy of a site for a sandbox: everyone gets codes, in the countries of the providers' test numbers.
const EVERYONE: &str = r#"name = "Everyone"
region = "GB"
regions = ["GB", "IE", "FR", "DE", "US"]
events = ["enroll", "reset"]

[verification_code]
text = "Your verification code is %code%"
"#;

impl Site {
    /// An installation for this sandbox: the plugins found in `plugins`, and for each that the sandbox has a provider
    /// for a ready sender of the plugin's name. The first of `twilio`, `govuk-notify`, `email-gateway` that is there
    /// is the default sender and the helpdesk's.
    ///
    /// # Errors
    /// [`SiteError::NoPlugins`], and those of making the files.
    pub fn for_sandbox(sandbox: &Sandbox, plugins: &Path) -> Result<Self, SiteError> {
        let mut site = Self::new()?;
        let found = site.copy_plugins(plugins)?;
        site.merge(HELPDESK)?;
        site.policy("everyone", EVERYONE)?;
        let mut default = None;
        for name in ["twilio", "govuk-notify", "email-gateway"] {
            if !found.iter().any(|found| found == name) {
                continue;
            }
            default.get_or_insert(name);
            match name {
                "twilio" => site.add_twilio(name, &sandbox.twilio().url())?,
                "govuk-notify" => site.add_notify(name, &sandbox.notify().url())?,
                _ => site.add_gateway(name, sandbox.smtp().port(Security::None))?,
            }
        }
        if let Some(name) = default {
            site.set("defaults.sender", name)?;
            site.set("helpdesk.sender", name)?;
        }
        Ok(site)
    }

    /// An installation for one plugin, whose provider is at `address` whatever host the plugin talks to: the default
    /// sender and the helpdesk's has the plugin's name and these settings and secrets.
    ///
    /// # Errors
    /// Those of making the files.
    pub fn for_plugin(
        plugin: &Path,
        settings: Table,
        secrets: &Table,
        address: SocketAddr,
    ) -> Result<Self, SiteError> {
        let mut site = Self::new()?;
        site.plugin(plugin)?;
        site.merge(HELPDESK)?;
        site.policy("everyone", EVERYONE)?;
        let name = plugin_name(plugin).ok_or_else(|| SiteError::NoPlugins {
            folder: plugin.to_owned(),
        })?;
        site.add_sender(&name, &name, settings)?;
        site.set(
            &format!("senders.{name}.http.connect_to"),
            address.to_string(),
        )?;
        for (key, secret) in secrets {
            site.secret(
                &format!("{name}.{key}"),
                secret.as_str().unwrap_or_default(),
            )?;
        }
        site.set("defaults.sender", name.as_str())?;
        site.set("helpdesk.sender", name.as_str())?;
        Ok(site)
    }

    /// Adds a sender of the Twilio plugin, with the sandbox's account.
    ///
    /// # Errors
    /// Those of writing.
    pub fn add_twilio(&mut self, name: &str, base_url: &str) -> Result<(), SiteError> {
        let settings = [
            ("account_sid", twilio::ACCOUNT_SID),
            ("from", twilio::FROM_NUMBER),
            ("base_url", base_url),
        ];
        self.sender(name, "twilio", texts(settings))?;
        self.secret(&format!("{name}.auth_token"), twilio::AUTH_TOKEN)
    }

    /// Adds a sender of the GOV.UK Notify plugin, with the sandbox's service, its live key and the template that
    /// shows any message.
    ///
    /// # Errors
    /// Those of writing.
    pub fn add_notify(&mut self, name: &str, base_url: &str) -> Result<(), SiteError> {
        let settings = [
            ("template_id", notify::MESSAGE_TEMPLATE_ID),
            ("base_url", base_url),
        ];
        self.sender(name, "govuk-notify", texts(settings))?;
        self.secret(&format!("{name}.api_key"), notify::API_KEY)
    }

    /// Adds a sender of the e-mail gateway plugin, to this port on loopback without TLS or a login.
    ///
    /// # Errors
    /// Those of writing.
    pub fn add_gateway(&mut self, name: &str, port: u16) -> Result<(), SiteError> {
        let settings = [
            ("server", "127.0.0.1"),
            ("security", "none"),
            ("from", "resets@example.com"),
            ("to", "%digits%@sms.example"),
        ];
        let port = [("port", Value::from(i64::from(port)))];
        self.sender(
            name,
            "email-gateway",
            texts(settings).into_iter().chain(port),
        )
    }

    /// Sends over TLS to the sandbox's HTTP providers, and trusts its certificate authority.
    ///
    /// # Errors
    /// Those of writing.
    pub fn use_tls(&mut self, sandbox: &Sandbox) -> Result<(), SiteError> {
        let ca_file = self.folder().join("ca.pem");
        write(&ca_file, sandbox.ca_pem().as_bytes(), 0o644)?;
        self.set("http.ca_file", ca_file.display().to_string())?;
        let (twilio, notify) = (sandbox.twilio(), sandbox.notify());
        replace_text(&mut self.config, &twilio.url(), &twilio.https_url());
        replace_text(&mut self.config, &notify.url(), &notify.https_url());
        self.write_config()
    }
}

fn texts<const N: usize>(settings: [(&'static str, &str); N]) -> [(&'static str, Value); N] {
    settings.map(|(key, value)| (key, value.into()))
}
