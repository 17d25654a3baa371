//! Faults of the HTTP providers.

use std::str::FromStr;

use super::{FaultSpecError, Word, conditions};
use crate::sandbox::{Fault, When};

/// What a specification may say, for `--help`.
pub const HELP: &str = "\
A fault is a comma-separated list: one effect, and conditions that must all hold (none: every request).
Effects:
  status=503               this status; add retry-after=SECONDS, body=TEXT
  html=502                 this status with a proxy's HTML page
  redirect=URL             307 with this Location
  delay=5s                 the right answer, late; also a pause before any other effect
  drop | reset | silence   the request is read, then: the end, a TCP reset, nothing
  drop-unread              the connection ends before the request is read
  cut | close-after        half of the answer's body, or all of it, then the end
  empty | bad-json         an answer without a body, or with a broken one
  huge=10M | endless       a body of this size, or without an end
  drip=100ms               the right answer, byte by byte
  headers=1000             so many header lines too many
  interim                  interim answers (100) without an end
  gzip-bomb=100M           gzip nobody asked for, of this unpacked size
  invalid-http             bytes that are not HTTP
Whether the provider takes the text all the same (each effect has its own likely answer):
  taken | not-taken
Conditions:
  to=+447700900123         only this recipient, as the provider is given it
  method=GET, path=TEXT    only such requests
  times=2 | nth=3          only the first two, only the third
  after=2, every=3         let two pass, then strike at one in three
  chance=0.1, seed=7       strike at random";

/// A fault and when it strikes, parsed from the form that [`HELP`] describes.
#[derive(Clone, Debug)]
pub struct FaultSpec {
    /// The conditions.
    pub when: When,
    /// The fault.
    pub fault: Fault,
}

impl FromStr for FaultSpec {
    type Err = FaultSpecError;

    fn from_str(text: &str) -> Result<Self, FaultSpecError> {
        let mut rest = Vec::new();
        let mut effect = None;
        let (mut delay, mut taken, mut body, mut headers) = (None, None, None, Vec::new());
        let (when, words) = conditions(text)?;
        for word in words {
            if let Some(fault) = effect_of(&word)? {
                if effect.replace(fault).is_some() {
                    return Err(FaultSpecError::SecondEffect(word.to_string()));
                }
                continue;
            }
            match word.key {
                "delay" => delay = Some(word.duration()?),
                "taken" => taken = Some(true),
                "not-taken" => taken = Some(false),
                "retry-after" => headers.push(("Retry-After", word.text("30")?)),
                "body" => body = Some(word.text("text")?),
                _ => rest.push(word),
            }
        }
        if let Some(word) = rest.first() {
            return Err(FaultSpecError::UnknownWord(word.to_string()));
        }
        let mut fault = match (effect, delay) {
            (Some(fault), delay) => fault.after(delay.unwrap_or_default()),
            (None, Some(delay)) => Fault::delay(delay),
            (None, None) => return Err(FaultSpecError::NoEffect),
        };
        for (name, value) in headers {
            fault = fault.header(name, value);
        }
        if let Some(body) = body {
            fault = fault.body(body.to_owned());
        }
        fault = match taken {
            Some(true) => fault.taken(),
            Some(false) => fault.not_taken(),
            None => fault,
        };
        if fault.is_blind() && when.looks_inside() {
            return Err(FaultSpecError::Unread);
        }
        Ok(Self { when, fault })
    }
}

/// The effect that this word names, if it names one.
fn effect_of(word: &Word) -> Result<Option<Fault>, FaultSpecError> {
    Ok(Some(match word.key {
        "status" => Fault::status(word.number("503")?),
        "html" => Fault::html(word.number("502")?),
        "redirect" => Fault::redirect(word.text("http://127.0.0.1:8080/")?),
        "drop" => Fault::drop(),
        "drop-unread" => Fault::drop_unread(),
        "reset" => Fault::reset(),
        "silence" => Fault::silence(),
        "cut" => Fault::cut(),
        "close-after" => Fault::close_after(),
        "empty" => Fault::empty_body(),
        "bad-json" => Fault::bad_json(),
        "huge" => Fault::huge_body(word.size()?),
        "endless" => Fault::endless_body(),
        "drip" => Fault::drip(word.duration()?),
        "headers" => Fault::header_flood(word.number("1000")?),
        "interim" => Fault::interim(),
        "gzip-bomb" => Fault::gzip_bomb(word.size()?),
        "invalid-http" => Fault::invalid_http(),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn parsed(text: &str) -> String {
        match text.parse::<FaultSpec>() {
            Ok(FaultSpec { when, fault }) => format!("{when:?} {fault:?}"),
            Err(error) => error.to_string(),
        }
    }

    fn built(when: When, fault: Fault) -> String {
        format!("{when:?} {fault:?}")
    }

    #[test]
    fn words_mean_what_the_builders_mean() {
        let second = Duration::from_secs(1);
        for (text, when, fault) in [
            ("status=503", When::always(), Fault::status(503)),
            (
                "status=429,retry-after=5,times=2",
                When::always().times(2),
                Fault::status(429).header("Retry-After", "5"),
            ),
            (
                "status=500,body=oops,taken",
                When::always(),
                Fault::status(500).body("oops").taken(),
            ),
            ("html=502, nth=3", When::nth(3), Fault::html(502)),
            (
                "redirect=http://a/",
                When::always(),
                Fault::redirect("http://a/"),
            ),
            ("delay=1s", When::always(), Fault::delay(second)),
            (
                "delay=1000ms,drop,taken",
                When::always(),
                Fault::drop().after(second).taken(),
            ),
            (
                "delay=2m,not-taken",
                When::always(),
                Fault::delay(120 * second).not_taken(),
            ),
            (
                "to=+447700900123,reset",
                When::always().to("+447700900123"),
                Fault::reset(),
            ),
            (
                "method=get,path=Messages,silence",
                When::always().method("GET").path("Messages"),
                Fault::silence(),
            ),
            (
                "drop-unread,after=2,every=3",
                When::always().after(2).every(3),
                Fault::drop_unread(),
            ),
            (
                "cut,chance=0.5,seed=7",
                When::always().chance(0.5, 7),
                Fault::cut(),
            ),
            ("close-after", When::always(), Fault::close_after()),
            ("empty", When::always(), Fault::empty_body()),
            ("bad-json", When::always(), Fault::bad_json()),
            ("huge=10M", When::always(), Fault::huge_body(10 << 20)),
            ("endless", When::always(), Fault::endless_body()),
            (
                "drip=5ms",
                When::always(),
                Fault::drip(Duration::from_millis(5)),
            ),
            ("headers=1000", When::always(), Fault::header_flood(1000)),
            ("gzip-bomb=64K", When::always(), Fault::gzip_bomb(64 << 10)),
            ("invalid-http", When::always(), Fault::invalid_http()),
        ] {
            assert_eq!(parsed(text), built(when, fault), "{text}");
        }
    }

    #[test]
    fn errors_say_which_word_and_what_it_should_be() {
        for (text, error) in [
            (
                "",
                "the fault has no effect; begin with one, for example: drop",
            ),
            (
                "times=2",
                "the fault has no effect; begin with one, for example: drop",
            ),
            (
                "stat=503",
                "\"stat=503\" is not part of such a fault; --help lists what is",
            ),
            ("status", "\"status\" needs a value like 503"),
            ("status=ok", "\"status=ok\" needs a value like 503"),
            ("delay=5", "\"delay=5\" needs a value like 5s or 250ms"),
            ("huge=1T", "\"huge=1T\" needs a value like 64K or 10M"),
            (
                "drop,reset",
                "\"reset\" is a second effect; give each effect a fault of its own",
            ),
            (
                "drop-unread,to=+1",
                "drop-unread strikes before the request is read: it cannot depend on to, method or path",
            ),
        ] {
            assert_eq!(parsed(text), error, "{text}");
        }
    }

    #[test]
    fn every_word_of_the_help_is_understood() {
        let words = HELP
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.split("  ").next());
        let mut count = 0;
        for word in words.flat_map(|list| list.split([',', '|'])) {
            let outcome = word.trim().parse::<FaultSpec>();
            assert!(
                matches!(outcome, Ok(_) | Err(FaultSpecError::NoEffect)),
                "{word}: {outcome:?}"
            );
            count += 1;
        }
        assert!(count > 25, "{count}");
    }
}
