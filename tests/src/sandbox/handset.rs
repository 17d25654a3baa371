//! Draws the phones: for each one, what it shows when its texts have arrived.
//!
//! The picture holds nothing that differs from run to run (no times, no ids), so that documents can show it.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use super::Text;

/// Width of a line of text on the phone, in terminal columns.
const LINE: usize = 32;

/// A picture of every phone that got a text, in the order in which the first ones came.
pub fn phones(texts: &[Text]) -> String {
    let mut numbers: Vec<&str> = Vec::new();
    for text in texts {
        if !numbers.contains(&text.to.as_str()) {
            numbers.push(&text.to);
        }
    }
    if numbers.is_empty() {
        return "No phone got a text.\n".to_owned();
    }
    let mut picture = String::new();
    for number in numbers {
        let here: Vec<&Text> = texts.iter().filter(|text| text.to == number).collect();
        phone(&mut picture, number, &here);
    }
    picture
}

fn phone(picture: &mut String, number: &str, texts: &[&Text]) {
    let rule = "─".repeat(LINE + 6);
    let mut line = |text: String| {
        // Writing to a String does not fail.
        let _ = writeln!(picture, "{text}");
    };
    line(format!("╭{rule}╮"));
    line(row(&format!("{number:^width$}", width = LINE + 4)));
    line(format!("├{rule}┤"));
    for text in texts {
        for part in wrap(&format!("{} (via {})", text.from, text.provider), LINE + 4) {
            line(row(&part));
        }
        line(row(&format!("╭{}╮", "─".repeat(LINE + 2))));
        for part in wrap(&text.body, LINE) {
            line(row(&format!(
                "│ {}{} │",
                part,
                " ".repeat(LINE - width(&part))
            )));
        }
        line(row(&format!("╰{}╯", "─".repeat(LINE + 2))));
    }
    line(format!("╰{rule}╯"));
}

/// A line between the phone's edges; what is too long is cut.
fn row(content: &str) -> String {
    let content = fit(content, LINE + 4);
    let room = LINE + 4 - width(&content);
    format!("│ {content}{} │", " ".repeat(room))
}

/// Breaks a text into lines at spaces, or inside a word that is longer than a line.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut current = String::new();
        for word in visible(paragraph).split(' ') {
            if !current.is_empty() && width(&current) + 1 + width(word) <= columns {
                current.push(' ');
                current.push_str(word);
                continue;
            }
            if !current.is_empty() {
                lines.push(std::mem::take(&mut current));
            }
            let mut rest = word;
            while width(rest) > columns {
                let head = fit(rest, columns);
                rest = &rest[head.len()..];
                lines.push(head);
            }
            rest.clone_into(&mut current);
        }
        lines.push(current);
    }
    lines
}

/// Shows control characters instead of sending them to the terminal.
fn visible(text: &str) -> String {
    text.trim_end_matches('\r')
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// The beginning of the text that fits into so many columns.
fn fit(text: &str, columns: usize) -> String {
    let mut taken = 0;
    text.chars()
        .take_while(|c| {
            taken += c.width().unwrap_or(0);
            taken <= columns
        })
        .collect()
}

fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::sandbox::Provider;

    fn text(to: &str, body: &str) -> Text {
        Text {
            provider: Provider::Twilio,
            to: to.into(),
            from: "+447700900100".into(),
            body: body.into(),
            at: Timestamp::UNIX_EPOCH,
            id: "SM0".into(),
        }
    }

    #[test]
    fn each_phone_shows_its_texts() {
        let texts = [
            text("+447700900123", "Your verification code is beK989vc"),
            text("+447700900456", "你好😀\nok"),
            text("+447700900123", "two"),
        ];
        let expected = "\
╭──────────────────────────────────────╮
│            +447700900123             │
├──────────────────────────────────────┤
│ +447700900100 (via Twilio)           │
│ ╭──────────────────────────────────╮ │
│ │ Your verification code is        │ │
│ │ beK989vc                         │ │
│ ╰──────────────────────────────────╯ │
│ +447700900100 (via Twilio)           │
│ ╭──────────────────────────────────╮ │
│ │ two                              │ │
│ ╰──────────────────────────────────╯ │
╰──────────────────────────────────────╯
╭──────────────────────────────────────╮
│            +447700900456             │
├──────────────────────────────────────┤
│ +447700900100 (via Twilio)           │
│ ╭──────────────────────────────────╮ │
│ │ 你好😀                           │ │
│ │ ok                               │ │
│ ╰──────────────────────────────────╯ │
╰──────────────────────────────────────╯
";
        assert_eq!(phones(&texts), expected);
        assert_eq!(phones(&[]), "No phone got a text.\n");

        let mut mailed = text("+447700900123", "hi");
        (mailed.provider, mailed.from) = (Provider::Gateway, "resets@mail.example.com".into());
        let picture = phones(&[mailed]);
        assert!(
            picture.contains("\n│ resets@mail.example.com (via e-mail  │\n│ gateway)                             │\n"),
            "{picture}"
        );
    }

    #[test]
    fn any_text_keeps_the_frame_straight() {
        let nasty = format!(
            "{} \u{1b}[31mred\r\n\t{} {}",
            "a".repeat(100),
            "😀".repeat(40),
            "\n".repeat(3)
        );
        for line in phones(&[text(
            "an+address@that.is.much.too.long.for.a.phone.example",
            &nasty,
        )])
        .lines()
        {
            assert_eq!(width(line), LINE + 8, "{line}");
            assert!(!line.contains('\u{1b}'));
        }
    }
}
