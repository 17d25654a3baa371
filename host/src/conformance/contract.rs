//! `docs/contract.md`, made of the rules.

use std::fmt::Write;

use super::rules::{CHAPTERS, RULES, Rule};

const INTRODUCTION: &str = "\
# The contract for sender plugins

What textsender asks of a plugin, rule by rule. MUST and SHOULD are those of RFC 2119. Each rule has
its reason, and the case by which `textsender plugin check FILE` finds out; numbers are never used
again. Writing a plugin is explained in the documentation of `textsender-plugin-api`.

```sh
textsender plugin check target/release/libtextsender_acme.so --settings sample.toml
```

This page is made of the suite's own table: `host/src/conformance/rules.rs`.
";

/// The page.
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (letter, title) in CHAPTERS {
        // Writing to a String never fails.
        let _ = writeln!(page, "\n## {letter}: {title}\n");
        let rules = RULES.iter().filter(|rule| rule.id.starts_with(letter));
        for Rule {
            id,
            text,
            reason,
            case,
            ..
        } in rules
        {
            let _ = writeln!(page, "**{id}** {text}\n");
            let _ = writeln!(page, "- *Why:* {reason}\n- *Case:* {case}\n");
        }
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// `TEXTSENDER_BLESS=1 cargo test -p textsender the_page` writes it anew.
    #[test]
    fn the_page_is_the_suites() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/contract.md");
        if std::env::var_os("TEXTSENDER_BLESS").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            written,
            page(),
            "docs/contract.md is not what the rules say"
        );
    }
}
