//! Puts an edited document back into the file's own text.
//!
//! `toml_edit` keeps comments, order and spaces, but writes each line's end in its own way. So only
//! the lines that an edit changed are taken from it; all others are the file's bytes.

/// `original` with the lines that differ between `before` (the document as `toml_edit` writes it
/// unedited) and `after` (the same, edited).
pub fn splice(original: &str, before: &str, after: &str) -> String {
    let (bom, body) = match original.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", original),
    };
    let (own, old, new) = (lines(body), lines(before), lines(after));
    if own.len() != old.len() {
        // It writes the unedited document in other lines: there is nothing to go by.
        return format!("{bom}{after}");
    }
    let shorter = old.len().min(new.len());
    let head = (0..shorter).take_while(|&n| same(old[n], new[n])).count();
    let tail = (0..shorter - head)
        .take_while(|&n| same(old[old.len() - 1 - n], new[new.len() - 1 - n]))
        .count();

    let own_middle = &own[head..own.len() - tail];
    let new_middle = &new[head..new.len() - tail];
    let mut text = format!("{bom}{}", own[..head].concat());
    match own_middle.len() == new_middle.len() {
        _ if new_middle.is_empty() => text.extend(left_by_removal(own_middle)),
        true => {
            for (own, new) in own_middle.iter().zip(new_middle) {
                text.push_str(without_end(new));
                text.push_str(end_of(own));
            }
        }
        false => {
            let end = if body.contains("\r\n") { "\r\n" } else { "\n" };
            push_lines(&mut text, own_middle, new_middle, end);
        }
    }
    text.extend(own[own.len() - tail..].iter().copied());
    text
}

/// What stays where lines were taken out: of a single key the comments above it, which may be about
/// more than that key; of a whole section nothing.
fn left_by_removal<'l>(lines: &[&'l str]) -> Vec<&'l str> {
    let says_nothing = |line: &&&str| line.trim().is_empty() || line.trim().starts_with('#');
    let beside: Vec<&str> = lines.iter().filter(says_nothing).copied().collect();
    match lines.len() - beside.len() {
        1 => beside,
        _ => Vec::new(),
    }
}

/// Adds the lines of `new`: those that the file has as they are there, the others with this end.
fn push_lines(text: &mut String, mut own: &[&str], new: &[&str], end: &str) {
    // What is put behind a last line that has no end starts on a line of its own.
    if text
        .chars()
        .next_back()
        .is_some_and(|last| last != '\n' && last != '\u{feff}')
    {
        text.push_str(end);
    }
    for line in new {
        let at = own.iter().position(|own| same(own, line));
        let kept = at.map_or("", |at| own[at]);
        own = &own[at.map_or(0, |at| at + 1)..];
        text.push_str(without_end(line));
        text.push_str(if end_of(kept).is_empty() {
            end
        } else {
            end_of(kept)
        });
    }
}

fn same(a: &str, b: &str) -> bool {
    without_end(a) == without_end(b)
}

fn end_of(line: &str) -> &str {
    &line[without_end(line).len()..]
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toml_edit::{DocumentMut, value};

    use super::*;

    fn edited(text: &str, edit: impl FnOnce(&mut DocumentMut)) -> String {
        let mut document: DocumentMut = text.trim_start_matches('\u{feff}').parse().unwrap();
        let before = document.to_string();
        edit(&mut document);
        splice(text, &before, &document.to_string())
    }

    #[test]
    fn only_the_edited_line_changes() {
        let cases = [
            ("a = 1 # one\nb = 2\n", "a = 1 # one\nb = 3\n"),
            ("a = 1\r\n\r\nb = 2\r\n# end", "a = 1\r\n\r\nb = 3\r\n# end"),
            ("\u{feff}a=1\r\nb   =   2\n", "\u{feff}a=1\r\nb   =   3\n"),
            ("b = 2", "b = 3"),
            ("  b = 2 # x\n\n\n", "  b = 3 # x\n\n\n"),
            (
                "\tb = 2\n[x]\ny = '''\r\nz'''\n",
                "\tb = 3\n[x]\ny = '''\r\nz'''\n",
            ),
        ];
        for (text, expected) in cases {
            let found = edited(text, |document| {
                let old = document["b"].as_value().unwrap().decor().clone();
                document["b"] = value(3);
                *document["b"].as_value_mut().unwrap().decor_mut() = old;
            });
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn comments_above_a_key_stay_when_it_goes_and_go_with_a_section() {
        let cases = [
            (
                "a = 1\n# about b\n\nb = 2 # more\nc = 3\n",
                "b",
                "a = 1\n# about b\n\nc = 3\n",
            ),
            (
                "a = 1\n# about t\n[t]\n# about x\nx = 1\n[u]\n",
                "t",
                "a = 1\n[u]\n",
            ),
        ];
        for (text, key, expected) in cases {
            let found = edited(text, |document| {
                document.remove(key);
            });
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_section_can_be_added_behind_a_last_line_without_an_end() {
        let found = edited("a = 1", |document| document["t"]["b"] = value(2));
        assert!(found.parse::<DocumentMut>().is_ok(), "{found}");
    }

    proptest! {
        #[test]
        fn nothing_but_the_new_key_is_added(
            lines in proptest::collection::vec("(#[ -~]{0,9}|[ \t]{0,3}|k[0-9]{1,4} = +\"[a-z]{0,5}\" *(#[a-z ]*)?)", 0..20),
            ends in proptest::collection::vec("\r?\n", 20),
        ) {
            let mut text = String::new();
            for (line, end) in lines.iter().zip(&ends) {
                text.push_str(line);
                text.push_str(end);
            }
            if text.parse::<DocumentMut>().is_err() {
                return Ok(());
            }
            let unedited = edited(&text, |_| {});
            prop_assert_eq!(&unedited, &text);
            let found = edited(&text, |document| document["new"] = value(1));
            let own: Vec<&str> = found.split_inclusive('\n').filter(|line| !line.starts_with("new")).collect();
            prop_assert_eq!(own.concat(), text);
        }
    }
}
