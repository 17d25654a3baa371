//! Every message on one page, `messages.golden`, so that they are read beside each other, and a change of wording is
//! seen as such.
//!
//! The page has the texts of more than one word in the code of the host, the console, the directory and the plugins, by
//! file, as they are written: what a message says of a place or a name is in braces. Left out are unit tests, comments,
//! queries of databases and help, which `textsender man --folder` shows on pages of its own.
//!
//! ```sh
//! TEXTSENDER_BLESS=1 cargo test -p textsender --lib messages
//! ```

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/messages.golden");

/// Folders whose programs have messages, from the workspace's root.
const FOLDERS: &[&str] = &[
    "host/src",
    "host/console/src",
    "host/directory/src",
    "host/names/src",
    "plugins/email-gateway/src",
    "plugins/govuk-notify/src",
    "plugins/http/src",
    "plugins/twilio/src",
    "plugins/vonage/src",
];

/// Files without messages: tests, and what reads sources.
const WITHOUT: &[&str] = &["fuzz.rs", "messages.rs", "tests", "tests.rs", "walls.rs"];

/// How a query of a database begins.
const QUERIES: &[&str] = &[
    "BEGIN ", "DELETE ", "INSERT ", "PRAGMA ", "SELECT ", "UPDATE ", "VACUUM ", "WHERE ", "at >= ",
];

#[test]
fn the_page_of_messages_has_them_all() {
    let page = page();
    if env::var_os("TEXTSENDER_BLESS").is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    let written = fs::read_to_string(PAGE).unwrap_or_default();
    let mut lines = page.lines().zip(written.lines());
    let differs = lines.find(|(now, before)| now != before);
    assert!(
        written == page,
        "host/src/messages.golden is not what the code says, first at {differs:?}; read the message beside the others, \
         then write the page anew: TEXTSENDER_BLESS=1 cargo test -p textsender --lib messages"
    );
}

#[test]
fn a_message_is_found_in_every_form_of_a_literal_and_nothing_else_is() {
    let source = r##"
        //! "no message here"
        const A: char = '"'; /* "nor here" */
        fn f<'a>(a: &'a str) {
            let b = "on two \
                     lines"; // "a comment"
            let c = r#"with "quotes" in it"#;
            let d = "an \"escaped\" one";
            let e = ("single", "SELECT at FROM decisions");
        }
#[cfg(test)]
mod tests {
    const T: &str = "of a test";
}
    "##;
    assert_eq!(
        messages(source),
        [
            "on two lines",
            r#"with "quotes" in it"#,
            r#"an \"escaped\" one"#
        ]
    );
}

fn page() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut page = String::from("# Made by host/src/messages.rs, which says how and why.\n");
    for folder in FOLDERS {
        let mut files = Vec::new();
        sources(&root.join(folder), &mut files);
        files.sort();
        for file in files {
            let found = messages(&fs::read_to_string(&file).unwrap());
            let name = file.strip_prefix(&root).unwrap().display();
            if !found.is_empty() {
                write!(page, "\n## {name}\n").unwrap();
            }
            for message in found {
                writeln!(page, "{message}").unwrap();
            }
        }
    }
    page
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if WITHOUT.contains(&name) {
            continue;
        }
        if path.is_dir() {
            sources(&path, files);
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
}

/// The messages in a source, without its unit tests, which stand at its end.
fn messages(source: &str) -> Vec<String> {
    let end = source.find(concat!("#[cfg(test)]\n", "mod tests {"));
    let mut rest = &source[..end.unwrap_or(source.len())];
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |at| &rest[at..]);
        } else if rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |at| &rest[at + 2..]);
        } else if let Some(length) = char_literal(rest) {
            rest = &rest[length..];
        } else if let Some((text, after)) = raw_literal(rest).or_else(|| literal(rest)) {
            found.push(text);
            rest = after;
        } else {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            rest = &rest[word.unwrap_or(rest.len()).max(first.len_utf8())..];
        }
    }
    found.retain(|text| is_message(text));
    found
}

/// The length of a character in quotes; `None` for a lifetime.
fn char_literal(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    let end = match inner.starts_with('\\') {
        true => 1 + inner[2..].find('\'')? + 1,
        false => inner.chars().next()?.len_utf8(),
    };
    inner[end..].starts_with('\'').then_some(end + 2)
}

/// A text in quotes, its lines joined, and what follows it.
fn literal(rest: &str) -> Option<(String, &str)> {
    let mut rest = rest.strip_prefix('"')?;
    let mut text = String::new();
    loop {
        let at = rest.find(['"', '\\'])?;
        text.push_str(&rest[..at]);
        if rest[at..].starts_with('"') {
            return Some((text.replace('\n', "\\n"), &rest[at + 1..]));
        }
        let escaped = rest[at + 1..].chars().next()?;
        let after = &rest[at + 1 + escaped.len_utf8()..];
        rest = match escaped {
            '\n' => after.trim_start(),
            _ => {
                text.extend(['\\', escaped]);
                after
            }
        };
    }
}

/// A raw text, and what follows it.
fn raw_literal(rest: &str) -> Option<(String, &str)> {
    let inner = rest.strip_prefix('r')?;
    let hashes = inner.len() - inner.trim_start_matches('#').len();
    let inner = inner[hashes..].strip_prefix('"')?;
    let end = inner.find(&format!("\"{}", "#".repeat(hashes)))?;
    let after = &inner[end + 1 + hashes..];
    Some((inner[..end].replace('\n', "\\n"), after))
}

/// Whether it has two words, and is no query.
fn is_message(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_alphabetic());
    let words = words.filter(|word| word.chars().count() > 1);
    let is_query = QUERIES
        .iter()
        .any(|query| text.trim_start().starts_with(query));
    text.contains(' ') && words.count() > 1 && !is_query
}
