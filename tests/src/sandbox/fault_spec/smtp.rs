//! Faults of the mail server.

use std::str::FromStr;

use super::{FaultSpecError, conditions};
use crate::sandbox::When;
use crate::sandbox::smtp::{Command, SmtpFault};

/// What a specification for the mail server may say, for `--help`.
pub const SMTP_HELP: &str = "\
A fault of the mail server says where it strikes, what happens, and under which conditions:
  at=rcpt                  connect, ehlo, starttls, auth, mail, rcpt, data, dot (the mail is read), rset, noop, quit
  reply=451                this reply in place of the right one; text may follow the code
  drop | reset | silence   the end, a TCP reset, no reply
  delay=5s                 the right reply, late; also a pause before any other effect
  taken                    at=dot: the mail is taken all the same
  to, times, nth, after, every, chance, seed as above; to=447700900123@sms.example";

/// A fault of the mail server and when it strikes, parsed from the form that [`SMTP_HELP`] describes.
#[derive(Clone, Debug)]
pub struct SmtpFaultSpec {
    /// Where.
    pub at: Command,
    /// The conditions.
    pub when: When,
    /// The fault.
    pub fault: SmtpFault,
}

impl FromStr for SmtpFaultSpec {
    type Err = FaultSpecError;

    fn from_str(text: &str) -> Result<Self, FaultSpecError> {
        let (when, words) = conditions(text)?;
        let (mut at, mut effect, mut delay, mut taken) = (None, None, None, false);
        for word in words {
            let fault = match word.key {
                "at" => {
                    let name = word.text("rcpt")?;
                    let known = Command::NAMES.iter().find(|(known, _)| *known == name);
                    at = Some(known.ok_or_else(|| word.bad("rcpt"))?.1);
                    continue;
                }
                "delay" => {
                    delay = Some(word.duration()?);
                    continue;
                }
                "taken" => {
                    taken = true;
                    continue;
                }
                "reply" => {
                    SmtpFault::reply(&reply(word.text("451")?).ok_or_else(|| word.bad("451"))?)
                }
                "drop" => SmtpFault::drop(),
                "reset" => SmtpFault::reset(),
                "silence" => SmtpFault::silence(),
                _ => return Err(FaultSpecError::UnknownWord(word.to_string())),
            };
            if effect.replace(fault).is_some() {
                return Err(FaultSpecError::SecondEffect(word.to_string()));
            }
        }
        let fault = match (effect, delay) {
            (Some(fault), delay) => fault.after(delay.unwrap_or_default()),
            (None, Some(delay)) => SmtpFault::delay(delay),
            (None, None) => return Err(FaultSpecError::NoEffect),
        };
        let names = || Command::NAMES.map(|(name, _)| name).join(", ");
        Ok(Self {
            at: at.ok_or_else(|| FaultSpecError::NoCommand(names()))?,
            when,
            fault: if taken { fault.taken() } else { fault },
        })
    }
}

/// A reply line; a bare code gets a text, as every server gives one.
fn reply(text: &str) -> Option<String> {
    let (code, rest) = text.split_at_checked(3)?;
    if !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match rest {
        "" => Some(format!(
            "{code} {}.0.0 the sandbox was told to say so",
            &code[..1]
        )),
        _ => rest.starts_with(' ').then(|| text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn parsed(text: &str) -> String {
        match text.parse::<SmtpFaultSpec>() {
            Ok(SmtpFaultSpec { at, when, fault }) => format!("{at:?} {when:?} {fault:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn words_mean_what_the_builders_mean() {
        let second = Duration::from_secs(1);
        let bare = SmtpFault::reply("451 4.0.0 the sandbox was told to say so");
        for (text, at, when, fault) in [
            ("at=rcpt,reply=451", Command::Rcpt, When::always(), bare),
            (
                "reply=550 5.1.1 no,at=mail,nth=2",
                Command::Mail,
                When::nth(2),
                SmtpFault::reply("550 5.1.1 no"),
            ),
            (
                "at=dot,drop,taken",
                Command::Dot,
                When::always(),
                SmtpFault::drop().taken(),
            ),
            (
                "at=data,reset,delay=1s",
                Command::Data,
                When::always(),
                SmtpFault::reset().after(second),
            ),
            (
                "at=connect,silence",
                Command::Connect,
                When::always(),
                SmtpFault::silence(),
            ),
            (
                "at=quit,delay=1s,to=a@b",
                Command::Quit,
                When::always().to("a@b"),
                SmtpFault::delay(second),
            ),
        ] {
            assert_eq!(parsed(text), format!("{at:?} {when:?} {fault:?}"), "{text}");
        }
    }

    #[test]
    fn errors_say_which_word_and_what_it_should_be() {
        for (text, error) in [
            (
                "reply=451",
                "the fault does not say where; add at=rcpt or another of: connect, ehlo, starttls, auth, mail, rcpt, data, dot, rset, noop, quit",
            ),
            (
                "at=rcpt",
                "the fault has no effect; begin with one, for example: drop",
            ),
            ("at=vrfy,drop", "\"at=vrfy\" needs a value like rcpt"),
            ("at=rcpt,reply=4x1", "\"reply=4x1\" needs a value like 451"),
            (
                "at=rcpt,reply=451x",
                "\"reply=451x\" needs a value like 451",
            ),
            (
                "at=rcpt,drop,reset",
                "\"reset\" is a second effect; give each effect a fault of its own",
            ),
            (
                "at=rcpt,status=503",
                "\"status=503\" is not part of such a fault; --help lists what is",
            ),
        ] {
            assert_eq!(parsed(text), error, "{text}");
        }
    }
}
