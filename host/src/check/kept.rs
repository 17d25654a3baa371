//! New passwords through a provider that keeps the texts: others than the user can read them there.

use textsender_plugin_api::Purpose;

use super::usage::Usage;
use crate::config::{Config, Fault};

/// Plugins whose provider keeps texts unless it is told otherwise, and how it is told. No plugin can say it itself: it
/// is a setting of the account.
const KEPT: [(&str, &str); 2] = [
    // https://www.twilio.com/docs/messaging/guides/privacy-message-redaction
    (
        "twilio",
        "Twilio keeps it until it is deleted: switch message redaction on in its console, and say keeps_texts = false in the sender's section",
    ),
    // https://www.notifications.service.gov.uk/using-notify/data-retention-period
    (
        "govuk-notify",
        "GOV.UK Notify keeps it for 7 days: set the data retention period to 3 in its settings; keeps_texts = false in the sender's section says that this will do",
    ),
];

pub(super) fn warnings(config: &Config, usages: &[Usage<'_>]) -> Vec<Fault> {
    let passwords = usages
        .iter()
        .filter(|usage| usage.purpose == Purpose::NewPassword && usage.is_sent);
    let pairs =
        passwords.flat_map(|usage| usage.senders.iter().map(move |sender| (usage, *sender)));
    let warned = pairs.filter_map(|(usage, name)| {
        let sender = config.senders.get(name)?;
        if sender.keeps_texts == Some(false) {
            return None;
        }
        let (_, remedy) = KEPT
            .iter()
            .find(|(plugin, _)| *plugin == sender.plugin.as_str())?;
        let message = format!("the provider of sender {name} keeps each new password in its text");
        let key = usage.key(&crate::text::Key::Text);
        Some(
            config
                .sources
                .fault(usage.text.text.place, key, message, *remedy),
        )
    });
    warned.collect()
}
