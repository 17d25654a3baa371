//! What goes into a template, in characters that Notify carries.
//!
//! Notify replaces what is neither in the GSM alphabet nor a Welsh letter, by `?` or by something
//! that looks alike, and answers 201 all the same. So the message is looked at before it is sent.

use std::collections::BTreeMap;

use textsender_plugin_api::{Message, SendError, alphabet, template::Template};

/// The letters with accents that Welsh needs, with those that GSM has too.
pub const WELSH: &str = "ÂÊÎÔÛŴŶâêîôûŵŷÁÉÍÓÚẂÝáéíóúẃýÀÈÌÒÙẀỲàèìòùẁỳÄËÏÖÜẄŸäëïöüẅÿ";

/// The values for a message: for each key its template's text, where the message has all that the
/// template asks for.
///
/// # Errors
///
/// Code, password or text hold a character that Notify does not carry.
pub fn fill<'a>(
    templates: &'a BTreeMap<String, Template>,
    message: &Message,
) -> Result<BTreeMap<&'a str, String>, SendError> {
    let message = alphabet::fit(message, is_carried).map_err(|unfit| {
        SendError::misconfigured(format!(
            "{unfit}: GOV.UK Notify carries GSM characters and Welsh letters only, and would put ? there"
        ))
    })?;
    let fill = |(key, template): (&'a String, &Template)| {
        Some((key.as_str(), template.render(&message).ok()?))
    };
    Ok(templates.iter().filter_map(fill).collect())
}

fn is_carried(character: char) -> bool {
    // Notify's list has no form feed, although GSM does.
    (alphabet::is_gsm(character) && character != '\u{c}') || WELSH.contains(character)
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
    fn a_name_is_folded_or_left_out() {
        let templates = templates(&[("greeting", "Hello %name|there%")]);
        for (name, greeting) in [
            ("Siân", "Hello Siân"),
            ("Łukasz", "Hello Lukasz"),
            ("李", "Hello there"),
        ] {
            let mut message = message();
            message.name = Some(name.into());
            assert_eq!(fill(&templates, &message).unwrap()["greeting"], greeting);
        }
    }

    #[test]
    fn what_notify_would_replace_is_refused() {
        let carried = [
            "Rhowch ŵŷ ẁ Ÿ",
            "5 € [{~}] \\ ^ |",
            "ÄÖÑÜ§¿àΔΩ",
            "two\nlines",
        ];
        let replaced = ["你好", "😀", "Код", "It’s", "tab\t", "ą", "form\u{c}feed"];
        let templates = templates(&[("message", "%message%")]);
        for text in carried {
            let mut message = message();
            message.text = text.into();
            assert_eq!(fill(&templates, &message).unwrap()["message"], text);
        }
        for text in replaced {
            let mut message = message();
            message.text = text.into();
            let error = fill(&templates, &message).unwrap_err();
            assert_eq!(error.verdict, Verdict::Misconfigured, "{text}");
        }
    }

    #[test]
    fn a_code_is_not_shown_in_the_error() {
        let mut message = message();
        message.code = Some(Secret::new("c0d€—✓"));
        let error = fill(&BTreeMap::new(), &message).unwrap_err();
        assert_eq!(
            error.message,
            "the code holds a character outside of its alphabet: GOV.UK Notify carries GSM \
             characters and Welsh letters only, and would put ? there"
        );
    }
}
