//! What is wrong with a definition, with its place: read by `textsender check`.

use std::ops::Range;

use serde_json::Value;
use textsender_plugin_api::{HttpResponse, Method, SettingFault};

use crate::{
    answer::{Compiled, judge},
    definition::{Definition, Example, Judgement, Number, Rule, Scheme},
    template::{OF_MESSAGE, Template},
};

/// A fault and its bytes in the definition.
pub type Fault = (String, Range<usize>);

/// Reads a definition.
///
/// # Errors
///
/// Every fault, in the order of the file.
pub fn read(source: &str) -> Result<Definition, Vec<Fault>> {
    let definition: Definition = toml::from_str(source).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        vec![(error.message().trim().to_owned(), span)]
    })?;
    let mut faults = Faults {
        definition: &definition,
        found: Vec::new(),
    };
    faults.address();
    faults.texts();
    faults.auth();
    faults.rules();
    faults.examples();
    let mut found = faults.found;
    found.sort_by_key(|(_, span)| span.start);
    match found.is_empty() {
        true => Ok(definition),
        false => Err(found),
    }
}

/// A fault as the host shows it, of the setting that names the file.
pub fn shown((message, span): Fault) -> SettingFault {
    SettingFault::new("definition", message).at(span)
}

struct Faults<'d> {
    definition: &'d Definition,
    found: Vec<Fault>,
}

impl Faults<'_> {
    fn add(&mut self, message: impl Into<String>, span: &Range<usize>) {
        self.found.push((message.into(), span.clone()));
    }

    /// The host is fixed, or one setting marked as a host; nothing secret stands in an address.
    fn address(&mut self) {
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
            self.no_secret(path, &span);
        }
        for value in query.values() {
            self.no_secret(value.as_ref(), &value.span());
        }
        if let Some(status) = &self.definition.status
            && !status.url.as_ref().contains("%id%")
        {
            self.add("the address of a status holds %id%", &status.url.span());
        }
    }

    fn authority(&self, authority: &str) -> Result<(), String> {
        let template = Template::parse(authority)?;
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
        let is_host = self
            .definition
            .settings
            .get(name)
            .is_some_and(|setting| setting.host);
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
        let settings = &self.definition.settings;
        let secret = template
            .names()
            .find(|name| settings.get(*name).is_some_and(|it| it.secret));
        if let Some(name) = secret {
            self.add(
                format!("the secret %{name}% stands in an address, which is logged: use auth with scheme = \"query\""),
                span,
            );
        }
    }

    /// Every text parses, and knows its names.
    fn texts(&mut self) {
        let definition = self.definition;
        let bodies = [
            definition.form.is_some(),
            definition.json.is_some(),
            definition.xml.is_some(),
            definition.text.is_some(),
        ];
        if bodies.iter().filter(|it| **it).count() > 1 {
            self.add(
                "give one of form, json, xml and text",
                &definition.url.span(),
            );
        }
        if definition.method == Method::Get && bodies.contains(&true) {
            self.add("a GET has no body: use query", &definition.url.span());
        }
        let mut texts = vec![(definition.url.as_ref().clone(), definition.url.span())];
        let fields = [
            Some(&definition.query),
            Some(&definition.headers),
            definition.form.as_ref(),
        ];
        for field in fields
            .into_iter()
            .flatten()
            .flat_map(|fields| fields.values())
        {
            texts.push((field.as_ref().clone(), field.span()));
        }
        for text in [&definition.xml, &definition.text, &definition.check]
            .into_iter()
            .flatten()
        {
            texts.push((text.as_ref().clone(), text.span()));
        }
        if let Some(status) = &definition.status {
            texts.push((status.url.as_ref().clone(), status.url.span()));
        }
        if let Some(json) = &definition.json {
            strings(json.as_ref(), &mut |text| {
                texts.push((text.to_owned(), json.span()))
            });
        }
        if let Some(auth) = &definition.auth {
            for text in auth.as_ref().texts() {
                texts.push((text.to_owned(), auth.span()));
            }
        }
        for (text, span) in &texts {
            match Template::parse(text) {
                Err(fault) => self.add(fault, span),
                Ok(template) => self.names(&template, span),
            }
        }
        for text in [&definition.text, &definition.xml].into_iter().flatten() {
            if text.as_ref().trim_start().starts_with(['{', '[']) {
                self.add(
                    "JSON is not pasted from text: write its values under [json]",
                    &text.span(),
                );
            }
        }
        let holds_text = |(text, _): &(String, _)| {
            ["%message", "%code", "%password"]
                .iter()
                .any(|name| text.contains(name))
        };
        if !texts.iter().any(holds_text) {
            self.add(
                "nothing holds %message%: the text would not arrive",
                &definition.url.span(),
            );
        }
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

    fn auth(&mut self) {
        let Some(auth) = &self.definition.auth else {
            return;
        };
        let span = auth.span();
        for (name, value) in auth.as_ref().needed() {
            if value.is_none() {
                self.add(format!("this scheme needs {name}"), &span);
            }
        }
        for url in [&auth.as_ref().token_url, &auth.as_ref().time_url]
            .into_iter()
            .flatten()
        {
            if !url.starts_with("https://") || url.contains('%') {
                self.add(
                    "the address of tokens or of a clock is fixed, and begins with https://",
                    &span,
                );
            }
        }
    }

    /// Rules that can't match, contradict one another, or accept anything.
    fn rules(&mut self) {
        let rules = &self.definition.answer;
        for (index, spanned) in rules.iter().enumerate() {
            let (rule, span) = (spanned.as_ref(), spanned.span());
            if let Err(fault) = Compiled::new(rule) {
                self.add(fault, &span);
            }
            for pointer in rule.pointers() {
                if !pointer.starts_with('/') {
                    self.add(
                        format!(
                            "`{pointer}` is no JSON pointer: it begins with a slash, as /data/id"
                        ),
                        &span,
                    );
                }
            }
            let asks = rule.is.is_some()
                || rule.one_of.is_some()
                || rule.prefix.is_some()
                || rule.exists.is_some();
            if asks != rule.at.is_some() {
                self.add("at goes with one of is, in, prefix and exists", &span);
            }
            if rule.verdict == Judgement::Accepted {
                self.accepts(rule, &span);
            }
            let earlier = rules[..index]
                .iter()
                .find(|earlier| covers(earlier.as_ref(), rule));
            if earlier.is_some() {
                self.add(
                    "this rule never matches: an earlier one takes all of its answers",
                    &span,
                );
                continue;
            }
            let contrary = rules[..index].iter().map(|it| it.as_ref());
            if contrary.into_iter().any(|earlier| overlaps(earlier, rule)) {
                self.add(
                    "this rule and an earlier one match the same answers and say different things",
                    &span,
                );
            }
        }
        if !rules
            .iter()
            .any(|rule| rule.as_ref().verdict == Judgement::Accepted)
        {
            self.add(
                "no rule accepts anything: every text would end in doubt",
                &self.definition.url.span(),
            );
        }
    }

    /// Portals and parked domains say 200 too: an accepting rule looks at the provider's own words.
    fn accepts(&mut self, rule: &Rule, span: &Range<usize>) {
        let Some(statuses) = &rule.status else {
            return self.add("accepted for any status: give status", span);
        };
        if statuses.iter().any(|status| !(200..300).contains(&status)) {
            self.add("accepted for a status that is no success", span);
        }
        let looks = rule.id.is_some()
            || rule.body.is_some()
            || rule.is.is_some()
            || rule.one_of.is_some()
            || rule.prefix.is_some()
            || rule.exists == Some(true);
        if !looks && statuses.iter().any(|status| status != 204) {
            self.add(
                "accepted on nothing: any page says 200; add id, at or body",
                span,
            );
        }
    }

    /// The examples are judged as they say, and every pointer leads somewhere in one of them.
    fn examples(&mut self) {
        let Definition {
            example, answer, ..
        } = self.definition;
        let rules: Result<Vec<_>, _> = answer.iter().map(|it| Compiled::new(it.as_ref())).collect();
        let Ok(rules) = rules else { return };
        for spanned in example {
            let Example {
                status,
                body,
                verdict,
                id,
                ..
            } = spanned.as_ref();
            let response = HttpResponse {
                status: *status,
                headers: Vec::new(),
                body: body.clone().into_bytes(),
            };
            let is_right = match (judge(&rules, &response), verdict.failure()) {
                (Ok(receipt), None) => receipt.provider_id == *id,
                (Err(error), Some((expected, _))) => error.verdict == expected,
                _ => false,
            };
            if !is_right {
                let words = "the rules say something else of this example, or read another id";
                self.add(words, &spanned.span());
            }
        }
        let bodies = example.iter().map(|it| it.as_ref().body.as_str());
        let bodies: Vec<Value> = bodies
            .filter_map(|it| serde_json::from_str(it).ok())
            .collect();
        if bodies.is_empty() {
            return;
        }
        for spanned in answer {
            let rule = spanned.as_ref();
            // What looks for a missing value leads nowhere on purpose.
            let pointers = rule.pointers().filter(|_| rule.exists != Some(false));
            for pointer in pointers {
                if !bodies.iter().any(|body| body.pointer(pointer).is_some()) {
                    self.add(
                        format!("`{pointer}` leads nowhere in any example"),
                        &spanned.span(),
                    );
                }
            }
        }
    }
}

/// Whether each answer that `later` matches is matched by `earlier`.
fn covers(earlier: &Rule, later: &Rule) -> bool {
    let statuses = match (&earlier.status, &later.status) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(all), Some(some)) => some.iter().all(|status| all.holds(status)),
    };
    let is_free = |rule: &Rule| rule.at.is_none() && rule.body.is_none() && rule.id.is_none();
    let same = earlier.at == later.at
        && earlier.body == later.body
        && earlier.exists == later.exists
        && earlier.prefix == later.prefix
        && (earlier.id.is_none() || earlier.id == later.id)
        && match (values(earlier), values(later)) {
            (None, None) => true,
            (Some(all), Some(some)) => some.iter().all(|value| all.contains(value)),
            _ => false,
        };
    statuses && (is_free(earlier) || same)
}

/// Whether two rules look at the same place for the same value, and differ in what they say.
fn overlaps(earlier: &Rule, later: &Rule) -> bool {
    let statuses = match (&earlier.status, &later.status) {
        (Some(some), Some(others)) => some.iter().any(|status| others.holds(status)),
        _ => true,
    };
    let same_value = match (values(earlier), values(later)) {
        (Some(some), Some(others)) => {
            earlier.at == later.at && some.iter().any(|value| others.contains(value))
        }
        _ => false,
    };
    let is_plain = |rule: &Rule| rule.body.is_none();
    statuses
        && same_value
        && is_plain(earlier)
        && is_plain(later)
        && earlier.verdict != later.verdict
}

fn values(rule: &Rule) -> Option<Vec<&str>> {
    let one = rule.is.iter();
    let all: Vec<&str> = one
        .chain(rule.one_of.iter().flatten())
        .map(|it| it.0.as_str())
        .collect();
    (!all.is_empty()).then_some(all)
}

impl Rule {
    fn pointers(&self) -> impl Iterator<Item = &str> {
        let all = [&self.at, &self.id, &self.code, &self.retry_after];
        all.into_iter().flatten().map(String::as_str)
    }
}

impl crate::definition::Auth {
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

    fn texts(&self) -> impl Iterator<Item = &str> {
        let all = [
            &self.user,
            &self.password,
            &self.token,
            &self.value,
            &self.client_id,
            &self.client_secret,
            &self.scope,
            &self.access_key,
            &self.secret_key,
            &self.region,
            &self.service,
            &self.application_key,
            &self.application_secret,
            &self.consumer_key,
        ];
        all.into_iter().flatten().map(String::as_str)
    }
}

/// Every text in a value, names of keys left out.
pub fn strings(value: &toml::Value, take: &mut impl FnMut(&str)) {
    match value {
        toml::Value::String(text) => take(text),
        toml::Value::Array(values) => values.iter().for_each(|value| strings(value, take)),
        toml::Value::Table(table) => table.values().for_each(|value| strings(value, take)),
        _ => {}
    }
}
