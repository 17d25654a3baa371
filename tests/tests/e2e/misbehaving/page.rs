//! `docs/misbehaving-plugins.md` shows the table that the tests run.

use std::fmt::Write as _;
use std::{env, fs};

use super::cases::{CASES, Case};

const PAGE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/misbehaving-plugins.md"
);

/// What stands around the table in the page.
const BEGIN: &str = "<!-- the table of tests/tests/e2e/misbehaving/cases.rs -->\n";
const END: &str = "<!-- its end -->\n";

/// Set to write the table into the page: `TEXTSENDER_BLESS=1 cargo test -p textsender-tests --test e2e page`.
const BLESS: &str = "TEXTSENDER_BLESS";

#[test]
fn the_page_shows_the_table() {
    let page = fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    let table = table();
    if env::var_os(BLESS).is_some() {
        fs::write(PAGE, [before, BEGIN, &table, END, after].concat()).unwrap();
        return;
    }
    assert!(
        shown == table,
        "{PAGE} shows another table; {BLESS}=1 writes this one:\n{table}"
    );
}

#[test]
fn a_word_is_one_case() {
    let mut words: Vec<_> = CASES.iter().map(|case| case.word).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), CASES.len());
}

fn table() -> String {
    let mut table = String::from("| The plugin | Outcome | Why |\n|---|---|---|\n");
    for case in CASES {
        let Case {
            word, does, why, ..
        } = case;
        let (outcome, code) = case.ends.words();
        let code = code.map(|code| format!(", `{code}`")).unwrap_or_default();
        // Writing to a String does not fail.
        let _ = writeln!(table, "| {does} (`{word}`) | `{outcome}`{code} | {why} |");
    }
    table
}
