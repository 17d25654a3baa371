//! What a case sends through, besides the Twilio sender that is there to begin with.

use std::sync::Arc;

use super::{Test, artifacts};
use crate::sandbox::smtp::Security;
use crate::sandbox::{notify, twilio};

impl Test {
    /// Adds a second sender of the Twilio plugin, which is asked after the first.
    #[must_use]
    pub fn fallback(mut self, name: &str) -> Self {
        let url = self.sandbox.twilio().url();
        self.site_mut().add_twilio(name, &url).unwrap();
        self.verification_code(&format!("fallback = [{name:?}]"))
    }

    /// Sends through the misbehaving plugin, which does this; otherwise it delivers to the sandbox's Twilio.
    #[must_use]
    pub fn misbehaving(mut self, does: &str) -> Self {
        let settings = [
            ("does", does),
            ("account_sid", twilio::ACCOUNT_SID),
            ("from", twilio::FROM_NUMBER),
            ("base_url", &self.sandbox.twilio().url()),
        ];
        let settings = settings.map(|(key, value)| (key, value.into()));
        let site = self.site_mut();
        site.plugin(&artifacts().plugin("misbehaving")).unwrap();
        site.sender("misbehaving", "misbehaving", settings).unwrap();
        site.set("defaults.sender", "misbehaving").unwrap();
        self.secret("misbehaving.auth_token", twilio::AUTH_TOKEN)
    }

    /// Adds the other providers' plugins, with a sender of the plugin's name each: `govuk-notify`, `email-gateway`.
    #[must_use]
    pub fn all_senders(mut self) -> Self {
        let sandbox = Arc::clone(&self.sandbox);
        let site = self.site_mut();
        for plugin in ["govuk-notify", "email-gateway"] {
            site.plugin(&artifacts().plugin(plugin)).unwrap();
        }
        site.add_notify("govuk-notify", &sandbox.notify().url())
            .unwrap();
        let port = sandbox.smtp().port(Security::None);
        site.add_gateway("email-gateway", port).unwrap();
        self.hide("the service's key", notify::API_KEY)
    }

    /// Sends through this sender, unless the policy names another.
    #[must_use]
    pub fn through(mut self, sender: &str) -> Self {
        self.site_mut().set("defaults.sender", sender).unwrap();
        self
    }
}
