//! Where a request goes: to a host that is fixed or that a setting names, and with nothing secret in it.

use std::ops::Range;

use super::Faults;
use crate::{
    definition::Definition,
    template::{OF_MESSAGE, Template},
};

impl Faults<'_> {
    /// The host is fixed, or one setting marked as a host; nothing secret stands in an address.
    pub(super) fn address(&mut self) {
        let Definition {
            url,
            query,
            check,
            status,
            ..
        } = self.definition;
        let urls = [Some(url), check.as_ref(), status.as_ref().map(|it| &it.url)];
        for url in urls.into_iter().flatten() {
            let (text, span) = (url.as_ref(), url.span());
            let Some(rest) = text.strip_prefix("https://") else {
                self.add("an address begins with https://", &span);
                continue;
            };
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            if let Err(fault) = self.authority(authority) {
                self.add(fault, &span);
            }
            if rest.contains(|c: char| c == '#' || c.is_whitespace()) {
                self.add("an address has neither spaces nor a fragment", &span);
            }
            self.no_secret(path, &span);
        }
        for value in query.values() {
            self.no_secret(value.as_ref(), &value.span());
        }
        if let Some(check) = check
            && let Ok(template) = Template::parse(check.as_ref())
            && let Some(name) = template.names().find(|name| OF_MESSAGE.contains(name))
        {
            self.add(
                format!("there is no message when the account is checked: %{name}% has no value"),
                &check.span(),
            );
        }
        if let Some(status) = status {
            if !status.url.as_ref().contains("%id%") {
                self.add("the address of a status holds %id%", &status.url.span());
            }
            if !status.at.starts_with('/') {
                let at = &status.at;
                let place = self.place(&["status", "at"]);
                self.add(
                    format!(
                        "`{at}` is not a JSON pointer: it has to begin with a slash, as /data/state"
                    ),
                    &place.unwrap_or(status.url.span()),
                );
            }
        }
    }

    fn authority(&self, authority: &str) -> Result<(), String> {
        let template = Template::parse(authority)?;
        let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if let Some((_, port)) = authority.rsplit_once(':')
            && is_number(port)
            && port.parse::<u16>().is_err()
        {
            return Err("a port is a number of at most 65535".to_owned());
        }
        let Some(name) = template.names().next() else {
            return match authority.is_empty() || authority.contains(['@', ' ']) {
                true => Err("the address names no host".to_owned()),
                false => Ok(()),
            };
        };
        if OF_MESSAGE.contains(&name) {
            return Err(format!("the host may not come from the message: %{name}%"));
        }
        let slot = format!("%{name}%");
        let rest = authority.strip_prefix(&slot);
        let is_whole = rest.is_some_and(|rest| {
            rest.is_empty()
                || (rest.starts_with('.') && rest[1..].contains('.') && !rest.contains('%'))
        });
        let settings = &self.definition.settings;
        let is_host = settings.get(name).is_some_and(|setting| setting.host);
        match (is_whole, is_host) {
            (true, true) => Ok(()),
            (true, false) => Err(format!(
                "%{name}% names the host: mark the setting with host = true"
            )),
            (false, _) => Err(format!(
                "{slot} is the whole host, or the label left of a fixed domain"
            )),
        }
    }

    fn no_secret(&mut self, text: &str, span: &Range<usize>) {
        let Ok(template) = Template::parse(text) else {
            return;
        };
        if let Some(name) = self.secret_in(&template) {
            self.add(
                format!("the secret %{name}% stands in an address, which is logged: use auth with scheme = \"query\""),
                span,
            );
        }
    }
}
