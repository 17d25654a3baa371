//! What an administrator fills in: names that mean one thing, and patterns that fit what is shown.

use regex_lite::Regex;

use super::Faults;
use crate::{settings::OURS, template::OF_MESSAGE};

impl Faults<'_> {
    pub(super) fn settings(&mut self) {
        let definition = self.definition;
        for (name, setting) in &definition.settings {
            let place = |faults: &Self, key: &str| {
                let exact = faults.place(&["settings", name, key]);
                let whole = || faults.place(&["settings", name]);
                exact.or_else(whole).unwrap_or_default()
            };
            if OF_MESSAGE.contains(&name.as_str()) || OURS.contains(&name.as_str()) {
                let span = place(self, "");
                self.add(format!("%{name}% is taken: give it another name"), &span);
            }
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            if !name.bytes().all(fits) {
                let span = place(self, "");
                self.add(
                    format!("`{name}` is not a name: use lower-case letters, digits and _"),
                    &span,
                );
            }
            if setting.secret && setting.default.is_some() {
                let span = place(self, "default");
                self.add("a secret has no default", &span);
            }
            let Some(pattern) = &setting.pattern else {
                continue;
            };
            let Ok(pattern) = Regex::new(pattern) else {
                let span = place(self, "pattern");
                self.add("pattern is not a regular expression", &span);
                continue;
            };
            for (key, value) in [("default", &setting.default), ("example", &setting.example)] {
                if value.as_ref().is_some_and(|it| !pattern.is_match(it)) {
                    let span = place(self, key);
                    self.add(format!("{key} does not fit the pattern"), &span);
                }
            }
        }
        if let Some(pattern) = &definition.id_pattern
            && Regex::new(pattern.as_ref()).is_err()
        {
            self.add("id_pattern is not a regular expression", &pattern.span());
        }
        if let Some(code) = &definition.calling_code
            && (code.as_ref().is_empty() || !code.as_ref().bytes().all(|b| b.is_ascii_digit()))
        {
            self.add("calling_code is digits, as 44", &code.span());
        }
    }
}
