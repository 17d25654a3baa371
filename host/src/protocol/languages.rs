//! The languages that a user reads: one tag of BCP 47, or a list with weights as browsers and directories have
//! it (`Accept-Language` of RFC 9110, section 12.5.4; `preferredLanguage` of RFC 2798): `cy, en-GB;q=0.8`.

/// The tags of a list, the one that is liked best first. What is not acceptable (`q=0`) is left out, and so is
/// what stands after `*`, which is any language. Empty elements are what merging leaves behind (RFC 9110, section
/// 5.6.1.2): they say nothing. `None` if it is neither a tag nor a list of them.
pub fn parse(list: &str) -> Option<Vec<String>> {
    let mut weighted: Vec<(u16, &str)> = Vec::new();
    let items = list.split(',');
    for item in items.filter(|item| !item.trim().is_empty()) {
        let (range, weight) = match item.split_once(';') {
            Some((range, weight)) => (range.trim(), per_mille(weight.trim())?),
            None => (item.trim(), 1000),
        };
        if range != "*" && !is_tag(&range.replace('_', "-")) {
            return None;
        }
        if weight > 0 {
            weighted.push((weight, range));
        }
    }
    // Stable: of equal weight, the first is liked best.
    weighted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let tags = weighted.iter().map(|(_, range)| *range);
    let tags = tags.take_while(|range| *range != "*");
    Some(tags.map(str::to_owned).collect())
}

/// Whether a string has the form of a language tag: a language of two to eight letters, then subtags of up to eight
/// letters and digits. Whether the subtags are registered is not looked up.
pub fn is_tag(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let language = subtags.next().unwrap_or_default();
    let is_language =
        (2..=8).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_alphabetic());
    is_language
        && subtags
            .all(|s| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// `q=0.8` in thousandths: at most three digits after the point (RFC 9110, section 12.4.2).
fn per_mille(weight: &str) -> Option<u16> {
    let value = weight
        .strip_prefix("q=")
        .or_else(|| weight.strip_prefix("Q="))?;
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    let is_part = part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
    let thousandths = format!("{part:0<3}").parse().ok().filter(|_| is_part)?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_or_a_list_by_weight() {
        let cases: [(&str, Option<&[&str]>); 20] = [
            ("cy", Some(&["cy"])),
            ("en_GB", Some(&["en_GB"])),
            ("cy, en;q=0.8", Some(&["cy", "en"])),
            ("en;q=0.8,cy", Some(&["cy", "en"])),
            ("fr;q=0.5, de ; q=0.5, en;q=0.51", Some(&["en", "fr", "de"])),
            ("de-CH, *;q=0.5, en;q=0.1", Some(&["de-CH"])),
            ("*", Some(&[])),
            ("cy;q=0, en", Some(&["en"])),
            ("cy;q=1.000", Some(&["cy"])),
            ("cy;q=2", None),
            ("cy;q=0.8888", None),
            ("cy;level=1", None),
            ("cy,,en", Some(&["cy", "en"])),
            ("en;q=0.8, ,", Some(&["en"])),
            (", cy ,\t, en", Some(&["cy", "en"])),
            (",", Some(&[])),
            (" ", Some(&[])),
            (";q=1", None),
            ("English (UK)", None),
            ("1033", None),
        ];
        for (list, expected) in cases {
            let tags = parse(list);
            let tags = tags
                .as_deref()
                .map(|tags| tags.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(tags.as_deref(), expected, "{list}");
        }
    }

    #[test]
    fn tags_have_a_form() {
        for tag in [
            "cy",
            "en-GB",
            "zh-Hant-TW",
            "de-CH-1996",
            "es-419",
            "de-x-office",
        ] {
            assert!(is_tag(tag), "{tag}");
        }
        for tag in [
            "",
            "e",
            "en-",
            "en_GB",
            "languages-of-wales",
            "-en",
            "e1",
            "en--GB",
            "cymraég",
        ] {
            assert!(!is_tag(tag), "{tag}");
        }
    }
}
