//! What is in a request: every text parses and knows its names, and no value is pasted into a structure.

use std::ops::Range;

use textsender_plugin_api::{HttpRequest, Method};

use super::Faults;
use crate::{
    definition::{Auth, Number, Scheme},
    template::{OF_MESSAGE, Template},
};

type Text = (String, Range<usize>);

impl Faults<'_> {
    /// Every text parses, and knows its names.
    pub(super) fn texts(&mut self) {
        self.bodies();
        let texts = self.all_texts();
        for (text, span) in &texts {
            match Template::parse(text) {
                Err(fault) => self.add(fault, span),
                Ok(template) => {
                    self.names(&template, span);
                    self.not_pasted(text, &template, span);
                }
            }
        }
        let holds_text = |(text, _): &Text| {
            ["%message", "%code", "%password"]
                .iter()
                .any(|name| text.contains(name))
        };
        if !texts.iter().any(holds_text) {
            self.add(
                "nothing holds %message%: the text would not arrive",
                &self.definition.url.span(),
            );
        }
        let holds_number = |(text, _): &Text| {
            ["%number", "%phone", "%digits", "%national"]
                .iter()
                .any(|name| text.contains(name))
        };
        if !texts.iter().any(holds_number) {
            self.add(
                "nothing holds %number%: the text would go to no one",
                &self.definition.url.span(),
            );
        }
        self.headers();
    }

    /// Headers have names, stand on one line, and are none of those that the host writes.
    fn headers(&mut self) {
        let of_auth = self.definition.auth.as_ref();
        let of_auth = of_auth.and_then(|auth| auth.as_ref().header());
        for (name, value) in &self.definition.headers {
            let fault = if let Some(fault) = fault_of_header(name) {
                fault
            } else if of_auth.is_some_and(|it| it.eq_ignore_ascii_case(name)) {
                format!("`{name}` is written by auth: leave it out")
            } else if value.as_ref().chars().any(char::is_control) {
                "a header stands on one line".to_owned()
            } else {
                continue;
            };
            let span = self.place(&["headers", name]);
            self.add(fault, &span.unwrap_or_default());
        }
    }

    /// There is one body at most, and none for a GET.
    fn bodies(&mut self) {
        let definition = self.definition;
        let bodies = [
            definition.form.is_some(),
            definition.json.is_some(),
            definition.xml.is_some(),
            definition.text.is_some(),
        ];
        let span = definition.url.span();
        if bodies.iter().filter(|it| **it).count() > 1 {
            self.add("give one of form, json, xml and text", &span);
        }
        if definition.method == Method::Get && bodies.contains(&true) {
            self.add("a GET has no body: use query", &span);
        }
    }

    fn all_texts(&self) -> Vec<Text> {
        let definition = self.definition;
        let mut texts = vec![(definition.url.as_ref().clone(), definition.url.span())];
        for key in ["query", "headers", "form", "json"] {
            texts.extend(self.texts_under(key));
        }
        let status = definition.status.as_ref().map(|status| &status.url);
        let others = [
            definition.xml.as_ref(),
            definition.text.as_ref(),
            definition.check.as_ref(),
            status,
        ];
        let others = others.into_iter().flatten();
        texts.extend(others.map(|text| (text.as_ref().clone(), text.span())));
        if let Some(auth) = &definition.auth {
            for (name, text) in auth.as_ref().texts() {
                let span = self.place(&["auth", name]).unwrap_or(auth.span());
                texts.push((text.to_owned(), span));
            }
        }
        texts
    }

    fn names(&mut self, template: &Template, span: &Range<usize>) {
        let definition = self.definition;
        for name in template.names() {
            if !OF_MESSAGE.contains(&name) && !definition.settings.contains_key(name) {
                self.add(
                    format!("%{name}% is neither a setting nor a value of the message"),
                    span,
                );
            }
            let is_national =
                name == "national" || (name == "number" && definition.number == Number::National);
            if is_national && definition.calling_code.is_none() {
                self.add(
                    "a national number means another phone in another country: name the one country with calling_code",
                    span,
                );
            }
        }
    }

    /// What a value could break out of is not written as text: not JSON, and XML only where it is escaped.
    fn not_pasted(&mut self, text: &str, template: &Template, span: &Range<usize>) {
        let definition = self.definition;
        let begins_with = |signs: &[char]| text.trim_start().starts_with(signs);
        let has_value = template.names().next().is_some();
        if has_value && begins_with(&['{', '[']) {
            self.add(
                "JSON is not pasted from text: write its values under json",
                span,
            );
        }
        let is_xml = definition
            .xml
            .as_ref()
            .is_some_and(|xml| xml.span() == *span);
        if has_value && !is_xml && begins_with(&['<']) {
            self.add("XML is not pasted from text: write it under xml", span);
        }
    }

    /// What proves the account has what its scheme needs.
    pub(super) fn auth(&mut self) {
        let Some(auth) = &self.definition.auth else {
            return;
        };
        let span = auth.span();
        for (name, value) in auth.as_ref().needed() {
            let is_missing = |it: &str| it.is_empty() && name == "name";
            if value.as_deref().is_none_or(is_missing) {
                self.add(format!("this scheme needs {name}"), &span);
            }
        }
        let fault = auth.as_ref().header().and_then(fault_of_header);
        if let Some(fault) = fault {
            let place = self.place(&["auth", "name"]).unwrap_or(span.clone());
            self.add(fault, &place);
        }
        let mut texts = auth.as_ref().texts();
        let is_secret = |text: &str| {
            let template = Template::parse(text);
            template.is_ok_and(|it| self.secret_in(&it).is_some())
        };
        if !texts.any(|(_, text)| is_secret(text)) {
            self.add(
                "nothing secret is in it: others can read this file, so take what proves the account from a setting with secret = true",
                &span,
            );
        }
        for (name, url) in [
            ("token_url", &auth.as_ref().token_url),
            ("time_url", &auth.as_ref().time_url),
        ] {
            let Some(url) = url else { continue };
            if !url.starts_with("https://") || url.contains('%') {
                let place = self.place(&["auth", name]).unwrap_or(span.clone());
                self.add(
                    "the address of tokens or of a clock is fixed, and begins with https://",
                    &place,
                );
            }
        }
    }
}

/// What is wrong with a header's name.
fn fault_of_header(name: &str) -> Option<String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if name.is_empty() || !name.bytes().all(fits) {
        return Some(format!("`{name}` is not the name of a header"));
    }
    HttpRequest::is_hosts_header(name).then(|| {
        format!("`{name}` is written by textsender, which frames the request: leave it out")
    })
}

impl Auth {
    /// The header that it writes.
    fn header(&self) -> Option<&str> {
        match self.scheme {
            Scheme::Basic | Scheme::Bearer | Scheme::Oauth2 => Some("Authorization"),
            Scheme::Header => self.name.as_deref().filter(|name| !name.is_empty()),
            Scheme::Query | Scheme::AwsSigv4 | Scheme::AzureHmac | Scheme::Ovh => None,
        }
    }

    /// What its scheme needs, and whether it is there.
    fn needed(&self) -> Vec<(&'static str, &Option<String>)> {
        match self.scheme {
            Scheme::Basic => vec![("user", &self.user), ("password", &self.password)],
            Scheme::Bearer => vec![("token", &self.token)],
            Scheme::Header | Scheme::Query => vec![("name", &self.name), ("value", &self.value)],
            Scheme::Oauth2 => vec![
                ("token_url", &self.token_url),
                ("client_id", &self.client_id),
                ("client_secret", &self.client_secret),
            ],
            Scheme::AwsSigv4 => vec![
                ("access_key", &self.access_key),
                ("secret_key", &self.secret_key),
                ("region", &self.region),
                ("service", &self.service),
            ],
            Scheme::AzureHmac => vec![("secret_key", &self.secret_key)],
            Scheme::Ovh => vec![
                ("application_key", &self.application_key),
                ("application_secret", &self.application_secret),
                ("consumer_key", &self.consumer_key),
                ("time_url", &self.time_url),
            ],
        }
    }

    /// What may hold values of settings.
    fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("user", &self.user),
            ("password", &self.password),
            ("token", &self.token),
            ("value", &self.value),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
            ("scope", &self.scope),
            ("assertion", &self.assertion),
            ("access_key", &self.access_key),
            ("secret_key", &self.secret_key),
            ("region", &self.region),
            ("service", &self.service),
            ("application_key", &self.application_key),
            ("application_secret", &self.application_secret),
            ("consumer_key", &self.consumer_key),
        ];
        all.into_iter()
            .filter_map(|(name, text)| Some((name, text.as_deref()?)))
    }
}
