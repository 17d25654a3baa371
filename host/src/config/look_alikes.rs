//! What word processors and web pages put in the place of quotes and spaces: TOML that was pasted from them is read as it
//! was meant, so that one character is one fault, and nothing seems missing that is there.

use std::ops::Range;

use textsender_plugin_api::alphabet::look_alike;

/// A character that is not TOML's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LookAlike {
    /// Its bytes.
    pub place: Range<usize>,
    pub character: char,
    /// What belongs there.
    pub plain: &'static str,
}

impl LookAlike {
    /// What is wrong.
    pub fn message(&self) -> String {
        let number = format!("U+{:04X}", u32::from(self.character));
        match self.plain {
            "\"" | "'" => format!(
                "{} ({number}) is a quotation mark of word processors, not of TOML",
                self.character
            ),
            _ => format!("{number} looks like a space, and is none of TOML's"),
        }
    }

    /// What to do.
    pub fn remedy(&self) -> String {
        match self.plain {
            "\"" | "'" => format!("write {0} before and after the text", self.plain),
            _ => "write a plain space, or nothing".to_owned(),
        }
    }
}

/// The text with what belongs there on these lines, as long as it was, and the first such character of each line. `None`
/// if there is none.
pub(super) fn replaced(
    text: &str,
    lines: impl Iterator<Item = Range<usize>>,
) -> Option<(String, Vec<LookAlike>)> {
    let (mut whole, mut found) = (text.to_owned(), Vec::new());
    for line in lines {
        if let Some((plain, first)) = plain_line(&text[line.clone()]) {
            whole.replace_range(line.clone(), &plain);
            let Range { start, end } = first.place;
            found.push(LookAlike {
                place: line.start + start..line.start + end,
                ..first
            });
        }
    }
    (!found.is_empty()).then_some((whole, found))
}

/// A line, and the first character in it that was replaced. What stands within quotes is left alone.
fn plain_line(line: &str) -> Option<(String, LookAlike)> {
    let (mut plain, mut first) = (String::with_capacity(line.len()), None);
    // The quote that a text began with, and whether it was a plain one.
    let mut open: Option<(&str, bool)> = None;
    let mut characters = line.char_indices();
    while let Some((at, c)) = characters.next() {
        let rest = &line[at + c.len_utf8()..];
        let written = &line[at..at + c.len_utf8()];
        let meant = look_alike(c).filter(|_| !c.is_ascii()).and_then(|meant| {
            let quote = ["\"", "'"].into_iter().find(|quote| *quote == meant);
            match (open, quote) {
                (None, None) => ["", " "].contains(&meant).then_some(" "),
                (None, quote) => quote,
                (Some((open, is_plain)), quote) => {
                    quote.filter(|quote| *quote == open && ends_here(rest, open, is_plain))
                }
            }
        });
        let Some(meant) = meant else {
            plain.push_str(written);
            match (open, written) {
                (None, "#") => {
                    plain.push_str(rest);
                    break;
                }
                (None, "\"" | "'") => open = Some((written, true)),
                (Some(("\"", _)), "\\") => {
                    plain.extend(characters.next().map(|(_, escaped)| escaped));
                }
                (Some((quote, _)), _) if quote == written => open = None,
                _ => {}
            }
            continue;
        };
        first.get_or_insert(LookAlike {
            place: at..at + c.len_utf8(),
            character: c,
            plain: meant,
        });
        let padding = " ".repeat(c.len_utf8() - meant.len());
        // Outside of the quotes, so that the text stays as it is.
        match (open, meant) {
            (None, " ") => plain.push_str(&(padding + meant)),
            (None, quote) => {
                plain.push_str(&(padding + quote));
                open = Some((quote, false));
            }
            (Some(_), quote) => {
                plain.push_str(&(quote.to_owned() + &padding));
                open = None;
            }
        }
    }
    first.map(|first| (plain, first))
}

/// Whether a text ends before `rest`: what follows is no more of it.
fn ends_here(rest: &str, quote: &str, is_plain: bool) -> bool {
    match is_plain {
        // It was begun with a plain quote, and none comes that could end it.
        true => !rest.contains(quote),
        false => {
            let next = rest.trim_start().chars().next();
            next.is_none_or(|next| ",]}.=#".contains(next))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_become_plain_where_a_text_begins_and_ends() {
        for (line, plain) in [
            ("name = “Staff”", "name =   \"Staff\"  "),
            ("name = ‘Staff’ # “x”", "name =   'Staff'   # “x”"),
            ("“name” = \"Staff\"", "  \"name\"   = \"Staff\""),
            (
                "[containers.“OU=A, DC=b”]",
                "[containers.  \"OU=A, DC=b\"  ]",
            ),
            ("a = [„x“, «y»]", "a = [  \"x\"  ,  \"y\" ]"),
            // One of both kinds.
            ("name = “Staff\"", "name =   \"Staff\""),
            ("name = \"Staff”", "name = \"Staff\"  "),
            // What is within stays.
            ("t = “It’s %code%”", "t =   \"It’s %code%\"  "),
            ("t = ‘It’s %code%’", "t =   'It’s %code%'  "),
            ("name =\u{a0}\"a\u{a0}b\"", "name =  \"a\u{a0}b\""),
            ("\u{feff}name = \"a\"", "   name = \"a\""),
        ] {
            let found = plain_line(line);
            let found = found.as_ref().map(|(plain, _)| plain.as_str());
            assert_eq!(found, Some(plain), "{line}");
            assert_eq!(plain.len(), line.len());
        }
        for right in [
            "t = \"It’s “yours”\"",
            "t = 'a “b”'",
            "t = \"\\\"“x”\"",
            "# name = “Staff”",
            "name = Staff",
        ] {
            assert_eq!(plain_line(right), None, "{right}");
        }
    }
}
