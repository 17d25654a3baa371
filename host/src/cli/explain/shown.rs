//! An explanation for people: a line for each fact, in the order in which they are decided.

use std::fmt::Write;

use crate::{
    cli::output::{Paint, count},
    explain::{Explained, Number, Output, Paused, Words},
    policy::{LinkResult, SenderFrom},
    text::{
        Names,
        locale::LocaleReason,
        segments::{Encoding, Segments},
    },
};

/// The whole of it.
pub(super) fn shown(explained: &Explained, colour: bool) -> String {
    let mut sheet = Sheet {
        text: String::new(),
        paint: Paint { colour },
    };
    sheet.policies(explained);
    sheet.senders(explained);
    sheet.number(explained);
    if let Some(words) = &explained.text {
        sheet.words(words);
    }
    sheet.limits(explained);
    sheet.output(&explained.output);
    sheet.text
}

/// The width of the column of labels.
const LABELS: usize = 12;

struct Sheet {
    text: String,
    paint: Paint,
}

impl Sheet {
    /// A label and its fact, whose further lines are indented alike. Without a label, one more fact.
    fn line(&mut self, label: &str, fact: &str) {
        let indent = format!("\n{:LABELS$}", "");
        let fact = fact.replace('\n', &indent);
        // Writing to a String never fails.
        let _ = writeln!(self.text, "{label:LABELS$}{fact}");
    }

    fn policies(&mut self, explained: &Explained) {
        let event = explained.event.map(|event| format!(", event {event}"));
        let event = event.unwrap_or_default();
        self.line("purpose", &format!("{}{event}", explained.purpose));
        let mut label = "policies";
        for considered in explained.considered {
            let line = considered.to_string();
            let line = match considered.result {
                LinkResult::Won(_) => self.paint.good(&line),
                LinkResult::Lost(_) => line,
            };
            self.line(std::mem::take(&mut label), &line);
        }
    }

    fn senders(&mut self, explained: &Explained) {
        let mut label = "sender";
        for sender in &explained.senders {
            let from = match sender.from {
                SenderFrom::Request => "the request".to_owned(),
                SenderFrom::Policy => match explained.policy {
                    Some(policy) => format!("policy {policy}"),
                    None => "the policy".to_owned(),
                },
                SenderFrom::Helpdesk => "[helpdesk]".to_owned(),
                SenderFrom::Defaults => "[defaults]".to_owned(),
            };
            let plugin = match sender.plugin {
                Some(plugin) => format!("plugin {plugin}"),
                None => "not configured".to_owned(),
            };
            let paused = match &sender.paused {
                Some(Paused { reason, seconds: 0 }) => {
                    format!("; it failed lately ({reason}), and the next message tries it")
                }
                Some(Paused { reason, seconds }) => {
                    format!("; it failed lately ({reason}), and is asked last for {seconds} s")
                }
                None => String::new(),
            };
            let unsuitable = match sender.unsuitable {
                true => "; it can't carry this code or password as it is",
                false => "",
            };
            let stopped = match sender.stopped {
                true => "; it is paused: `textsender resume` ends that",
                false => "",
            };
            let name = sender.name;
            self.line(
                label,
                &format!("{name} ({plugin}), named by {from}{stopped}{paused}{unsuitable}"),
            );
            label = "fallback";
        }
        if let Some(on_unknown) = explained.on_unknown.filter(|_| explained.senders.len() > 1) {
            let what = match on_unknown {
                "stop" => "a message that may have been sent is not tried with the next sender",
                _ => "a message that may have been sent is tried with the next sender too",
            };
            self.line("on unknown", &format!("{on_unknown}: {what}"));
        }
    }

    fn number(&mut self, explained: &Explained) {
        if explained.senders.is_empty() {
            return;
        }
        match &explained.number {
            Some(number) => self.line("number", &shown_number(number)),
            None if explained.number_given => self.line("number", "can't be read: see the outcome"),
            None => self.line("number", "none was given"),
        }
        let regions = match explained.regions.as_slice() {
            [] => "all regions".to_owned(),
            regions => regions.join(", "),
        };
        let kinds = match explained.kinds.as_slice() {
            [] => String::new(),
            kinds => format!("; also {}", kinds.join(", ")),
        };
        self.line("allowed", &format!("{regions}{kinds}"));
    }

    fn words(&mut self, words: &Words) {
        self.line("text", words.text);
        let stand_in = match words.secret_given {
            true => "(with a stand-in that costs what the code or password costs)",
            false => "(with a stand-in as long as the longest code expected)",
        };
        self.line("", &self.paint.faint(stand_in));
        let locale = match (words.locale, words.locale_reason) {
            (Some(tag), reason) => format!("{tag}: {reason}"),
            (None, reason @ (LocaleReason::NoLocale | LocaleReason::NoTranslation)) => {
                reason.to_string()
            }
            (None, reason) => format!("the policy's own: {reason}"),
        };
        self.line("locale", &locale);
        self.line("segments", &shown_segments(words));
        for change in words.folded {
            let to = if change.to.is_empty() {
                "nothing"
            } else {
                change.to
            };
            let times = count(change.times, "time", "times");
            self.line(
                "folded",
                &format!("{} to {to}, {times}", named(change.from)),
            );
        }
        match words.names {
            Names::Given => {}
            Names::Gsm => self.line("names", "in the GSM alphabet, to keep to max_segments"),
            Names::LeftOut => self.line("names", "left out, to keep to max_segments"),
        }
        if let Some(sender) = words.names_fitted_for {
            let line = format!("as sender {sender} carries them, or left out");
            self.line("names", &line);
        }
    }

    fn limits(&mut self, explained: &Explained) {
        let Some(limits) = &explained.limits else {
            return;
        };
        if limits.is_empty() {
            return self.line("limits", "none: the number is exempt, or all are lifted");
        }
        let mut label = "limits";
        for limit in limits {
            let mode = if limit.enforced {
                ""
            } else {
                " (only recorded)"
            };
            let line = format!("{} {}{mode}", limit.scope, limit.limits.join(", "));
            self.line(std::mem::take(&mut label), &line);
        }
    }

    fn output(&mut self, output: &Output) {
        match output {
            Output::SentBy(senders) => {
                let words = format!("would be sent by {}", senders.join(", then "));
                let words = self.paint.good(&words);
                self.line("outcome", &words);
            }
            Output::Refused(refused) => {
                let words = format!(
                    "{} ({}): {}",
                    refused.outcome, refused.code, refused.message
                );
                let words = self.paint.bad(&words);
                self.line("outcome", &words);
                self.line("", refused.remedy);
            }
        }
    }
}

/// `+44*******123 (********123 in GB), mobile; reserved by Ofcom, for drama`.
pub(in crate::cli) fn shown_number(number: &Number) -> String {
    let Number {
        e164,
        national,
        region,
        kind,
        reserved_by,
    } = number;
    let kept = reserved_by.map(|keeper| format!("; reserved by {keeper}"));
    let kept = kept.unwrap_or_default();
    // A number of another country than the policy's has no national form.
    let place = match national.is_empty() {
        true => format!("in {region}"),
        false => format!("{national} in {region}"),
    };
    format!("{e164} ({place}), {kind}{kept}")
}

/// `2: 81 UTF-16 units`.
pub(in crate::cli) fn shown_length(segments: &Segments) -> String {
    let unit = match segments.encoding {
        Encoding::Gsm => "GSM septets",
        Encoding::Utf16 => "UTF-16 units",
    };
    format!("{}: {} {unit}", segments.count, segments.units)
}

fn shown_segments(words: &Words) -> String {
    let mut shown = shown_length(words.segments);
    if let Some(max) = words.max_segments {
        shown += &format!(", of at most {}", count(max.into(), "segment", "segments"));
    }
    let costly = words.segments.costly.iter();
    let costly: Vec<String> = costly
        .map(|costly| format!("{} {}x", named(costly.character), costly.times))
        .collect();
    if !costly.is_empty() {
        shown += &format!("; costly: {}", costly.join(", "));
    }
    shown
}

/// A character and its number: some look like others.
fn named(character: char) -> String {
    let number = format!("U+{:04X}", u32::from(character));
    let is_seen = !character.is_whitespace() && !character.is_control();
    match is_seen && !character.escape_debug().to_string().starts_with("\\u") {
        true => format!("{character} ({number})"),
        false => number,
    }
}
