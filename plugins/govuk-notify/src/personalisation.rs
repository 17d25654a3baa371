//! What goes into a template: the settings' values for one message.

use std::collections::BTreeMap;

use textsender_plugin_api::{Message, MessagePart, SendError, template::Template};

use crate::arriving::is_unchanged;

/// The values for a message: for each key its template's text, where the message has all that the
/// template asks for.
///
/// # Errors
///
/// The code or the password would arrive as another one.
pub fn fill<'a>(
    templates: &'a BTreeMap<String, Template>,
    message: &Message,
) -> Result<BTreeMap<&'a str, String>, SendError> {
    let secrets = [
        (MessagePart::Code, &message.code),
        (MessagePart::Password, &message.password),
    ];
    for (part, secret) in secrets {
        let secret = secret.as_ref().map(|secret| secret.expose());
        if secret.is_some_and(|secret| !is_unchanged(secret)) {
            return Err(SendError::unsuitable(
                part,
                "it has spaces or look-alike characters that GOV.UK Notify changes, and would arrive altered",
            ));
        }
    }
    let fill = |(key, template): (&'a String, &Template)| {
        Some((key.as_str(), template.render(message).ok()?))
    };
    Ok(templates.iter().filter_map(fill).collect())
}

#[cfg(test)]
mod tests {
    use textsender_plugin_api::{Secret, Verdict, testing::message};

    use super::*;

    fn templates(pairs: &[(&str, &str)]) -> BTreeMap<String, Template> {
        let parse =
            |&(key, template): &(&str, &str)| (key.to_owned(), Template::parse(template).unwrap());
        pairs.iter().map(parse).collect()
    }

    #[test]
    fn leaves_out_what_the_message_does_not_have() {
        let templates = templates(&[
            ("code", "%code%"),
            ("password", "%password%"),
            ("greeting", "Hello %name|there%"),
            ("number", "%national%"),
        ]);
        let filled = fill(&templates, &message()).unwrap();
        let expected = [
            ("code", "beK989vc"),
            ("greeting", "Hello Ada L."),
            ("number", "07700900123"),
        ];
        assert!(
            filled
                .iter()
                .map(|(key, value)| (*key, value.as_str()))
                .eq(expected)
        );
    }

    #[test]
    fn text_and_names_are_as_they_are() {
        let templates = templates(&[("greeting", "Hello %name|there%"), ("message", "%message%")]);
        for (name, text) in [
            ("Siân", "Rhowch ŵŷ"),
            ("Łukasz", "Код 1"),
            ("李", "你好 😀"),
            ("Zoë", "It’s yours"),
        ] {
            let mut message = message();
            message.name = Some(name.into());
            message.text = text.into();
            let filled = fill(&templates, &message).unwrap();
            assert_eq!(filled["greeting"], format!("Hello {name}"));
            assert_eq!(filled["message"], text);
        }
    }

    #[test]
    fn a_secret_that_would_arrive_as_another_is_refused_and_not_shown() {
        let mut codes = message();
        codes.code = Some(Secret::new("c0d’e"));
        let mut passwords = message();
        passwords.code = None;
        passwords.password = Some(Secret::new("correct  horse"));
        for (message, part) in [
            (codes, MessagePart::Code),
            (passwords, MessagePart::Password),
        ] {
            let error = fill(&BTreeMap::new(), &message).unwrap_err();
            assert_eq!(error.verdict, Verdict::Unsuitable);
            assert_eq!(error.part, Some(part));
            assert!(!error.message.contains("horse") && !error.message.contains("c0d"));
        }
    }
}
