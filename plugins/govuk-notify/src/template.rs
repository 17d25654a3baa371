//! What a check finds in a template of Notify's.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use textsender_plugin_api::{
    Finding, HttpResponse,
    template::{Placeholder, Placeholders, Template as Filling},
};

/// A template, as `GET /v2/template/{id}` tells it.
#[derive(Deserialize)]
pub struct Template {
    #[serde(rename = "type")]
    kind: String,
    version: u64,
    #[serde(default)]
    name: String,
    /// The names of its placeholders; null where it has none.
    personalisation: Option<BTreeMap<String, Value>>,
}

impl Template {
    /// What an administrator should know of this template, filled with these values.
    pub fn findings(&self, fillings: &BTreeMap<String, Filling>) -> Vec<Finding> {
        let (name, version) = (&self.name, self.version);
        let mut findings = vec![Finding::note(format!(
            "the API key is good; the template is `{name}`, version {version}"
        ))];
        if self.kind != "sms" {
            findings.push(Finding::fault(format!(
                "template_id: `{name}` is a template for {}, not for text messages",
                self.kind
            )));
            return findings;
        }

        let mut shown = Placeholders::NONE;
        for name in self.personalisation.iter().flat_map(BTreeMap::keys) {
            let filling = fillings.iter().find(|(key, _)| plain(key) == plain(name));
            match filling {
                Some((_, filling)) => shown = shown | filling.uses(),
                None => findings.push(Finding::fault(format!(
                    "the template asks for (({name})): add `{}` to personalisation",
                    plain(name)
                ))),
            }
        }
        findings.extend(shows(shown));
        findings
    }
}

/// What texts the template can carry, of whose values `shown` is what it shows.
fn shows(shown: Placeholders) -> Vec<Finding> {
    let shows = |placeholder| shown.contains(placeholder);
    if shows(Placeholder::Code) && shows(Placeholder::Password) {
        return vec![Finding::fault(
            "the template shows a code and a password, but no message has both: use one sender for codes and one for passwords",
        )];
    }
    if shows(Placeholder::Password) {
        return vec![Finding::note(
            "the template shows a password: use this sender for new passwords only",
        )];
    }
    let mut findings = Vec::new();
    if !shows(Placeholder::Message) && !shows(Placeholder::Code) {
        findings.push(Finding::fault(
            "the template shows neither the text nor the code: put ((message)) or ((code)) into it",
        ));
    } else if !shows(Placeholder::Message) {
        findings.push(Finding::note(
            "the template shows only the code: a policy's text, its translations and its last line with the origin do not appear; a template that is only ((message)) shows them",
        ));
    }
    if shows(Placeholder::Code) {
        findings.push(Finding::note(
            "the template shows a code: new passwords need another sender",
        ));
    }
    findings
}

#[derive(Deserialize)]
struct Listed {
    templates: Vec<ListedTemplate>,
}

#[derive(Deserialize)]
struct ListedTemplate {
    id: String,
}

/// Whether the template is among those that are in use; `None` if the answer is no such list.
pub fn is_listed(answer: &HttpResponse, id: &str) -> Option<bool> {
    let listed = answer.json::<Listed>().filter(|_| answer.status == 200)?;
    let mut ids = listed.templates.iter().map(|template| &template.id);
    Some(ids.any(|listed| listed.eq_ignore_ascii_case(id)))
}

/// A placeholder's name as Notify compares it: without case, spaces, dashes and underscores.
fn plain(name: &str) -> String {
    let kept = name
        .chars()
        .filter(|character| !matches!(character, ' ' | '_' | '-'));
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn findings(kind: &str, asked: &[&str], fillings: &[(&str, &str)]) -> Vec<String> {
        let asked = asked
            .iter()
            .map(|name| (name.to_string(), json!({"required": true})));
        let template = Template {
            kind: kind.into(),
            version: 3,
            name: "Codes".into(),
            personalisation: Some(asked.collect()),
        };
        let fillings = fillings
            .iter()
            .map(|(key, filling)| (key.to_string(), Filling::parse(filling).unwrap()));
        let said = template.findings(&fillings.collect());
        let say = |finding: &Finding| {
            let kind = if finding.is_fault { "fault" } else { "note" };
            format!("{kind}: {}", finding.message)
        };
        said.iter().skip(1).map(say).collect()
    }

    const DEFAULT: &[(&str, &str)] = &[
        ("code", "%code%"),
        ("message", "%message%"),
        ("password", "%password%"),
    ];

    #[test]
    fn a_template_that_is_the_message_is_fine() {
        assert!(findings("sms", &["message"], DEFAULT).is_empty());
        assert!(findings("sms", &["Message"], DEFAULT).is_empty());
        let named = [("first_name", "%name|there%"), ("text", "%message%")];
        assert!(findings("sms", &["First name", "text"], &named).is_empty());
    }

    #[test]
    fn tells_what_the_template_cannot_show() {
        let cases: [(&str, &[&str], &[&str]); 7] = [
            (
                "sms",
                &["code"],
                &[
                    "note: the template shows only the code",
                    "note: the template shows a code: new passwords",
                ],
            ),
            (
                "sms",
                &["message", "code"],
                &["note: the template shows a code: new passwords"],
            ),
            (
                "sms",
                &["password"],
                &["note: the template shows a password"],
            ),
            (
                "sms",
                &["password", "code"],
                &["fault: the template shows a code and a password"],
            ),
            ("sms", &[], &["fault: the template shows neither"]),
            (
                "sms",
                &["message", "Service name"],
                &["fault: the template asks for ((Service name)): add `servicename` to"],
            ),
            (
                "email",
                &["code"],
                &["fault: template_id: `Codes` is a template for email, not for text messages"],
            ),
        ];
        for (kind, asked, expected) in cases {
            let found = findings(kind, asked, DEFAULT);
            assert_eq!(found.len(), expected.len(), "{asked:?}: {found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.starts_with(expected), "{asked:?}: {found}");
            }
        }
    }
}
