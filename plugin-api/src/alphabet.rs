//! Alphabets: which characters a provider carries, and a message made to fit.
//!
//! Texts belong to administrators and codes to the reset server: neither is changed in silence. A
//! user's name comes from a directory, and is never a reason to deny a code: [`fit`] writes it
//! without its accents, or writes what the text has for users without a name.
//!
//! ```
//! use textsender_plugin_api::{Message, Phone, Purpose, alphabet};
//!
//! let to = Phone::parse("+447700900123").unwrap();
//! let mut message = Message::new("1", Purpose::Test, to, "Łukasz, your code is 1234");
//! message.name = Some("Łukasz".into());
//! let fitted = alphabet::fit(&message, alphabet::is_gsm).unwrap();
//! assert_eq!(fitted.text, "Lukasz, your code is 1234");
//!
//! message.text = "Ваш код 1234".into();
//! let unfit = alphabet::fit(&message, alphabet::is_gsm).unwrap_err();
//! assert_eq!(unfit.to_string(), "the text holds `В` (U+0412)");
//! ```

use std::{borrow::Cow, fmt};

use crate::{Message, MessagePart, NameInText, SendError};

/// Whether a character is in the GSM 7-bit default alphabet or its extension table (3GPP TS
/// 23.038, 6.2.1).
pub fn is_gsm(character: char) -> bool {
    septets(character).is_some()
}

/// Whether a character is printable ASCII or a line break.
pub fn is_ascii(character: char) -> bool {
    matches!(character, ' '..='~' | '\n' | '\r')
}

/// Septets that a character takes in the GSM alphabet: 1, or 2 for the extension table; `None` if
/// it is in neither.
pub fn septets(character: char) -> Option<usize> {
    match character {
        'A'..='Z' | 'a'..='z' | '0'..='9' | ' ' | '\n' | '\r' => Some(1),
        '!'..='/' | ':'..='?' | '@' | '_' => Some(1),
        '£' | '¥' | '¤' | '§' | '¡' | '¿' => Some(1),
        'à' | 'ä' | 'å' | 'æ' | 'è' | 'é' | 'ì' | 'ñ' | 'ò' | 'ö' | 'ø' | 'ù' | 'ü' | 'ß' => {
            Some(1)
        }
        'Ä' | 'Å' | 'Æ' | 'Ç' | 'É' | 'Ñ' | 'Ö' | 'Ø' | 'Ü' => Some(1),
        'Δ' | 'Φ' | 'Γ' | 'Λ' | 'Ω' | 'Π' | 'Ψ' | 'Σ' | 'Θ' | 'Ξ' => Some(1),
        '^' | '{' | '}' | '\\' | '[' | '~' | ']' | '|' | '€' | '\u{c}' => Some(2),
        _ => None,
    }
}

/// What stands in the way of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// A character of the code. It is not shown.
    Code,
    /// A character of the password. It is not shown.
    Password,
    /// This character of the text, which an administrator wrote.
    Text(char),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code => f.write_str("the code holds a character outside of its alphabet"),
            Self::Password => f.write_str("the password holds a character outside of its alphabet"),
            Self::Text(character) if character.is_control() => {
                write!(f, "the text holds U+{:04X}", u32::from(character))
            }
            Self::Text(character) => {
                write!(
                    f,
                    "the text holds `{character}` (U+{:04X})",
                    u32::from(character)
                )
            }
        }
    }
}

impl std::error::Error for Unfit {}

/// A code or password is [`Unsuitable`](crate::Verdict::Unsuitable) for this sender, and another may carry it; a text
/// is the administrator's to change.
impl From<Unfit> for SendError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Code => Self::unsuitable(MessagePart::Code, unfit.to_string()),
            Unfit::Password => Self::unsuitable(MessagePart::Password, unfit.to_string()),
            Unfit::Text(_) => {
                Self::misconfigured(format!("{unfit}, which this sender does not carry"))
            }
        }
    }
}

/// The message as a provider can carry it that knows only the characters for which `carries` is
/// true. The user's names lose their accents, there and in the text; where that does not help, the
/// message has none, and the text what it has for users without one. The invisible characters that
/// keep a code's groups in their order are left out where they can't be carried. All else stays as
/// it is.
///
/// # Errors
///
/// Code, password or text hold another character.
pub fn fit(message: &Message, carries: impl Fn(char) -> bool) -> Result<Message, Unfit> {
    let unfit = |text: &str| text.chars().find(|character| !carries(*character));
    let secret =
        |secret: &Option<crate::Secret>| secret.as_ref().and_then(|secret| unfit(secret.expose()));
    if secret(&message.code).is_some() {
        return Err(Unfit::Code);
    }
    if secret(&message.password).is_some() {
        return Err(Unfit::Password);
    }

    let mut fitted = message.clone();
    fitted.text = fit_text(&message.text, &message.names_in_text, &carries);
    fitted.names_in_text.clear();
    for given in [&mut fitted.name, &mut fitted.user] {
        let Some(value) = given.take_if(|value| unfit(value).is_some()) else {
            continue;
        };
        *given = plain_name(&value, &carries).map(Cow::into_owned);
        if message.names_in_text.is_empty() {
            // A host of ABI 1.0 does not say where they stand.
            fitted.text = fitted
                .text
                .replace(&value, given.as_deref().unwrap_or_default());
        }
    }
    match unfit(&fitted.text) {
        Some(character) => Err(Unfit::Text(character)),
        None => Ok(fitted),
    }
}

/// First strong isolate and pop directional isolate (UAX #9): the host puts them around a code of several groups in
/// text from right to left.
const ISOLATES: [char; 2] = ['\u{2068}', '\u{2069}'];

/// What [`fit`] makes of a text in which users' names stand in these places.
pub fn fit_text(whole: &str, names: &[NameInText], carries: impl Fn(char) -> bool) -> String {
    let mut text = String::with_capacity(whole.len());
    let mut end = 0;
    for name in names {
        let before = whole.get(end..name.range.start);
        let (Some(before), Some(value)) = (before, whole.get(name.range.clone())) else {
            // Places of another text.
            return whole.to_owned();
        };
        text.push_str(before);
        match plain_name(value, &carries) {
            Some(plain) => text.push_str(&plain),
            None => text.push_str(&name.default),
        }
        end = name.range.end;
    }
    text.push_str(&whole[end..]);
    match ISOLATES.iter().all(|isolate| carries(*isolate)) {
        true => text,
        false => text.replace(ISOLATES, ""),
    }
}

/// A user's name in the characters of an alphabet, accents lost where they must be: `Łukasz
/// Müller` is `Lukasz Müller` in GSM and `Lukasz Muller` in ASCII. `None` if a character has no
/// Latin form: no name is better than half of one.
pub fn plain_name(name: &str, carries: impl Fn(char) -> bool) -> Option<Cow<'_, str>> {
    if name.chars().all(&carries) {
        return Some(Cow::from(name));
    }
    let mut plain = String::with_capacity(name.len());
    for character in name.chars() {
        if carries(character) {
            plain.push(character);
            continue;
        }
        plain.push_str(look_alike(character).or_else(|| latin(character))?);
    }
    Some(Cow::from(plain))
}

/// What looks like a character that is not in the GSM alphabet, in ASCII; nothing for what is
/// invisible. Joiners (U+200C, U+200D) stay: Persian, Indic scripts and emoji are spelt with them.
pub fn look_alike(character: char) -> Option<&'static str> {
    let plain = match character {
        '‘' | '’' | '‚' | '‛' | '′' | '‹' | '›' | 'ʼ' | '´' | '`' => "'",
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => "\"",
        // Hyphens and dashes: U+2010 to U+2015, and the minus sign.
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        // The no-break space and spaces of special widths.
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\t' => " ",
        // Line and paragraph separator.
        '\u{2028}' | '\u{2029}' => "\n",
        '…' => "...",
        '•' | '·' => "-",
        // Soft hyphen, zero-width space, word joiner, byte order mark.
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => "",
        _ => return None,
    };
    Some(plain)
}

/// The Latin letter without its accents, in ASCII; nothing for a combining accent.
fn latin(character: char) -> Option<&'static str> {
    let (upper, lower) = match character {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' | 'Ǎ' | 'ǎ' | 'Ạ'..='ặ' => ("A", "a"),
        'Æ' | 'æ' => ("Ae", "ae"),
        'Ç' | 'ç' | 'Ć'..='č' => ("C", "c"),
        'Ð' | 'ð' | 'Ď'..='đ' => ("D", "d"),
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' | 'Ẹ'..='ệ' => ("E", "e"),
        'Ĝ'..='ģ' | 'Ǧ' | 'ǧ' => ("G", "g"),
        'Ĥ'..='ħ' => ("H", "h"),
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' | 'Ǐ' | 'ǐ' | 'Ỉ'..='ị' => ("I", "i"),
        'Ĳ' | 'ĳ' => ("IJ", "ij"),
        'Ĵ' | 'ĵ' => ("J", "j"),
        'Ķ' | 'ķ' | 'ĸ' => ("K", "k"),
        'Ĺ'..='ł' => ("L", "l"),
        'Ñ' | 'ñ' | 'Ń'..='ŋ' => ("N", "n"),
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' | 'Ơ' | 'ơ' | 'Ǒ' | 'ǒ' | 'Ọ'..='ợ' => {
            ("O", "o")
        }
        'Œ' | 'œ' => ("Oe", "oe"),
        'Ŕ'..='ř' => ("R", "r"),
        'Ś'..='š' | 'Ș' | 'ș' => ("S", "s"),
        'ß' | 'ẞ' => ("SS", "ss"),
        'Ţ'..='ŧ' | 'Ț' | 'ț' => ("T", "t"),
        'Þ' | 'þ' => ("Th", "th"),
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' | 'Ư' | 'ư' | 'Ǔ' | 'ǔ' | 'Ụ'..='ự' => {
            ("U", "u")
        }
        'Ŵ' | 'ŵ' | 'Ẁ'..='ẅ' => ("W", "w"),
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' | 'Ỳ'..='ỹ' => ("Y", "y"),
        'Ź'..='ž' => ("Z", "z"),
        '\u{300}'..='\u{36f}' => ("", ""),
        _ => return None,
    };
    Some(if character.is_lowercase() {
        lower
    } else {
        upper
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Phone, Purpose, Secret};

    fn message(text: &str, name: &str) -> Message {
        let to = Phone::parse("+447700900123").unwrap();
        let mut message = Message::new("1", Purpose::VerificationCode, to, text);
        message.name = Some(name.into());
        message.code = Some(Secret::new("beK9"));
        message
    }

    #[test]
    fn names_lose_what_cannot_be_carried() {
        let cases = [
            ("Ada Lovelace", Some("Ada Lovelace"), Some("Ada Lovelace")),
            ("Jürgen Groß", Some("Jürgen Groß"), Some("Jurgen Gross")),
            ("Łukasz Żółć", Some("Lukasz Zolc"), Some("Lukasz Zolc")),
            ("İzel Işık", Some("Izel Isik"), Some("Izel Isik")),
            ("Øystein Þór", Some("Øystein Thor"), Some("Oystein Thor")),
            ("Siân Llŷr", Some("Sian Llyr"), Some("Sian Llyr")),
            ("Nguyễn Ước", Some("Nguyen Uoc"), Some("Nguyen Uoc")),
            (
                "Zoe\u{308} O’Neill",
                Some("Zoe O'Neill"),
                Some("Zoe O'Neill"),
            ),
            ("Ольга", None, None),
            ("李 Wei", None, None),
            ("ΔΩ", Some("ΔΩ"), None),
        ];
        for (given, gsm, ascii) in cases {
            assert_eq!(plain_name(given, is_gsm).as_deref(), gsm, "{given}");
            assert_eq!(plain_name(given, is_ascii).as_deref(), ascii, "{given}");
        }
    }

    #[test]
    fn a_name_never_denies_the_code() {
        let fitted = fit(&message("Hi Siân, your code is beK9", "Siân"), is_gsm).unwrap();
        assert_eq!(fitted.text, "Hi Sian, your code is beK9");
        assert_eq!(fitted.name.as_deref(), Some("Sian"));

        let fitted = fit(&message("李: your code is beK9", "李"), is_gsm).unwrap();
        assert_eq!(fitted.text, ": your code is beK9");
        assert_eq!(fitted.name, None);
    }

    #[test]
    fn a_name_that_can_not_be_carried_gives_way_to_the_texts_own_words() {
        let text = "Hello Ольга, (olga, Łukasz): your code is beK9";
        let mut named = message(text, "Ольга");
        named.user = Some("olga".into());
        let place = |value: &str, default: &str| {
            let start = text.find(value).unwrap();
            NameInText::new(start..start + value.len(), default)
        };
        named.names_in_text = vec![
            place("Ольга", "there"),
            place("olga", "you"),
            place("Łukasz", "us"),
        ];
        let fitted = fit(&named, is_gsm).unwrap();
        assert_eq!(
            fitted.text,
            "Hello there, (olga, Lukasz): your code is beK9"
        );
        assert_eq!((fitted.name, fitted.user.as_deref()), (None, Some("olga")));
        assert_eq!(fit(&named, |_| true).unwrap().text, text);

        // Places that are not of this text change nothing.
        named.text = "é".into();
        assert_eq!(fit(&named, |_| true).unwrap().text, "é");
    }

    #[test]
    fn what_keeps_a_codes_groups_in_order_is_left_out_where_it_can_not_be_carried() {
        let text = "הקוד \u{2068}12-34\u{2069}";
        let hebrew = |c: char| is_ascii(c) || ('א'..='ת').contains(&c);
        let fitted = fit(&message(text, "Ada"), hebrew).unwrap();
        assert_eq!(fitted.text, "הקוד 12-34");
        assert_eq!(fit(&message(text, "Ada"), |_| true).unwrap().text, text);
    }

    #[test]
    fn code_password_and_text_are_never_changed() {
        let mut told = message("Your code is beK9", "Ada");
        told.code = Some(Secret::new("b€k💥"));
        assert_eq!(fit(&told, is_gsm).unwrap_err(), Unfit::Code);

        told.code = None;
        told.password = Some(Secret::new("pässwörd"));
        assert_eq!(fit(&told, is_ascii).unwrap_err(), Unfit::Password);
        assert!(fit(&told, is_gsm).is_ok());

        told.password = None;
        told.text = "It’s 1234".into();
        let unfit = fit(&told, is_gsm).unwrap_err();
        assert_eq!(unfit.to_string(), "the text holds `’` (U+2019)");
    }

    proptest! {
        #[test]
        fn a_plain_name_is_in_its_alphabet(given in "[a-zÀ-ÖØ-öø-žẠ-ỹ’ \u{300}-\u{36f}]{0,50}") {
            for carries in [is_gsm, is_ascii] {
                let plain = plain_name(&given, carries);
                prop_assert_eq!(plain.map(|name| name.chars().all(carries)), Some(true));
            }
        }
    }
}
